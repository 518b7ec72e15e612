package verify

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/internal/jose"
)

// ask sends a request through the middleware. What it passed on comes back in
// claims, nil where nothing was passed on.
func ask(t *testing.T, v *Verifier, r *http.Request, rules ...Rule) (w *httptest.ResponseRecorder, claims *Claims) {
	t.Helper()
	w = httptest.NewRecorder()
	mux := http.NewServeMux()
	mux.Handle("/merchants/{merchantId}/orders", v.Middleware(rules...)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var ok bool
		if claims, ok = FromContext(r.Context()); !ok {
			t.Error("a request was passed on without claims")
		}
	})))
	mux.ServeHTTP(w, r)
	return w, claims
}

func withHeader(values ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/merchants/4259/orders", nil)
	if values != nil {
		r.Header["Authorization"] = values
	}
	return r
}

func TestMiddlewarePassesGoodTokensOnWithTheirClaims(t *testing.T) {
	s := testSigner(t, jose.ES256)
	v := newVerifier(t, testConfig(s))
	token := signed(t, s)
	for name, header := range map[string]string{ // C-116
		"as usual": "Bearer " + token, "lower case": "bearer " + token, "upper case": "BEARER " + token, "more spaces": "Bearer   " + token,
	} {
		w, claims := ask(t, v, withHeader(header), Require("customers:read", "customers:write"), RequireMerchant("merchantId"))
		if claims == nil || *claims != sample {
			t.Errorf("%s: got %d, %s", name, w.Code, w.Body)
		}
	}
	if _, ok := FromContext(t.Context()); ok {
		t.Error("there are claims where none were put")
	}
}

func TestRefusalsAreAnsweredAsRFC6750Says(t *testing.T) {
	s := testSigner(t, jose.ES256)
	v := newVerifier(t, testConfig(s))
	bearerOf := func(text string) *http.Request { return withHeader("Bearer " + text) }
	token := signed(t, s)
	inQuery := func(r *http.Request) *http.Request {
		r.URL.RawQuery = "access_token=" + token
		return r
	}
	const realm = `Bearer realm="` + audience + `"`
	const invalid = realm + `, error="invalid_token", error_description="`
	const missing = `Access token missing. Send it in the Authorization header, as Bearer.`
	for _, tc := range []struct {
		name               string // and the rule
		request            *http.Request
		status             int
		message, challenge string
	}{
		{"C-112 no token", withHeader(), 401, missing, realm},
		{"C-112 another scheme", withHeader("Basic abc"), 401, missing, realm},
		{"C-112 an empty header", withHeader(""), 401, missing, realm},
		{"C-115 in the query", inQuery(withHeader()), 401, missing, realm},
		{"C-115 twice", inQuery(bearerOf(token)), 400, "There is a token in the Authorization header and one in the query.", ""},
		{"C-115 two headers", withHeader("Bearer "+token, "Bearer "+token), 400, "There is more than one Authorization header.", ""},
		{"C-116 a tab", withHeader("Bearer\t" + token), 401, missing, realm},
		{"C-116 more behind it", bearerOf(token + " x"), 401, "Malformed token.", invalid + `Malformed token."`},
		{"C-116 a comma behind it", bearerOf(token + ","), 401, "Malformed token.", invalid + `Malformed token."`},
		{"C-113 nothing", bearerOf(""), 401, "Malformed token.", invalid + `Malformed token."`},
		{"C-113 junk", bearerOf("junk"), 401, "Malformed token.", invalid + `Malformed token."`},
		{"C-113 expired", bearerOf(signToken(t, s, payload(t, `"exp":1764003600`, `"exp":1`))), 401, "Expired token.", invalid + `Expired token."`},
		{"C-106 another audience", bearerOf(signToken(t, s, payload(t, audience, "x"))), 401, "Token for another API: its aud is not this one.", ""},
		{"C-107 another issuer", bearerOf(signToken(t, s, payload(t, `"`+issuer+`"`, `"x"`))), 401, "Token of another issuer.", ""},
		{"C-109 another key", bearerOf(signed(t, testSigner(t, jose.EdDSA))), 401, "Token not signed by a key of the issuer.", ""},
		{"C-114 scope", bearerOf(signToken(t, s, payload(t, `customers:write`, `x`))), 403,
			"The access token lacks a scope that is needed here: customers:read customers:write.",
			realm + `, error="insufficient_scope", error_description="The access token lacks a scope that is needed here: customers:read customers:write.", scope="customers:read customers:write"`},
		{"C-110 merchant", bearerOf(signToken(t, s, payload(t, `4259`, `42590`))), 403, "The access token is not for this merchant.",
			realm + `, error="insufficient_scope", error_description="The access token is not for this merchant."`},
		{"C-110 no merchant", bearerOf(signToken(t, s, payload(t, `,"merchantId":4259`, ``))), 403, "The access token is not for this merchant.", ""},
	} {
		w, claims := ask(t, v, tc.request, Require("customers:read", "customers:write"), RequireMerchant("merchantId"))
		body := `{"code":"` + map[int]string{400: "400", 401: "401", 403: "403"}[tc.status] + `","message":"` + tc.message + `"}`
		if claims != nil || w.Code != tc.status || w.Body.String() != body {
			t.Errorf("%s: got %d, %s, %v, want %s", tc.name, w.Code, w.Body, claims, body)
		}
		challenge := w.Header().Get("WWW-Authenticate")
		if tc.challenge != "" && challenge != tc.challenge || !strings.HasPrefix(challenge, realm) {
			t.Errorf("%s: got the challenge %s", tc.name, challenge)
		}
		if w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("Content-Type") != "application/json" || strings.Contains(w.Body.String(), token) {
			t.Errorf("%s: got %v, %s", tc.name, w.Header(), w.Body)
		}
	}
}

// C-115: what counts is the parameter, by its name, however that is written.
func TestATokenInTheQueryIsKnownByItsName(t *testing.T) {
	s := testSigner(t, jose.ES256)
	v, token := newVerifier(t, testConfig(s)), signed(t, s)
	for query, want := range map[string]int{
		"access_token=x": 400, "a=b&access_token=x": 400, "access_token=": 400, "access%5Ftoken=x": 400, "%61ccess_token=x&a=b": 400, "a=%zz&access_token=x": 400,
		"": 200, "shop_access_token=x": 200, "access_tokens=x": 200, "q=access_token=x": 200, "q=access_token%3Dx": 200, "q=a%26access_token=x": 200,
		"ACCESS_TOKEN=x": 200, "%zz=access_token": 200,
	} {
		r := withHeader("Bearer " + token)
		r.URL.RawQuery = query
		if w, _ := ask(t, v, r); w.Code != want {
			t.Errorf("%s: got %d, want %d", query, w.Code, want)
		}
	}
}

// a client whose token may be good is not told that it is bad.
func TestWhatCannotBeToldIsAnswered503(t *testing.T) {
	s := testSigner(t, jose.ES256)
	for name, spoil := range map[string]func(*Config){
		"keys away":        func(c *Config) { c.Keys = awayKeys{ErrUnavailable} },
		"revocations away": func(c *Config) { c.Revocations = &deadList{err: errors.New("stale")} },
	} {
		config := testConfig(s)
		spoil(&config)
		w, claims := ask(t, newVerifier(t, config), withHeader("Bearer "+signed(t, s)))
		if claims != nil || w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || w.Header().Get("WWW-Authenticate") != "" ||
			!strings.HasPrefix(w.Body.String(), `{"code":"503","message":"Access tokens cannot be verified at the moment.`) {
			t.Errorf("%s: got %d, %v, %s", name, w.Code, w.Header(), w.Body)
		}
	}
}

// C-110.
func TestATokenOfAnotherEnvironmentIsRefused(t *testing.T) {
	s := testSigner(t, jose.ES256)
	config := testConfig(s)
	config.Environment = "demo"
	v := newVerifier(t, config)
	accept(t, v, "demo", signed(t, s))
	other := signToken(t, s, payload(t, `"env":"demo"`, `"env":"production"`))
	refuse(t, v, "production", other, ErrEnvironment)
	if w, _ := ask(t, v, withHeader("Bearer "+other)); w.Code != http.StatusUnauthorized || !strings.Contains(w.Body.String(), "environment") {
		t.Errorf("got %d, %s", w.Code, w.Body)
	}
}

func TestScopesAreComparedLetterByLetter(t *testing.T) {
	for held, want := range map[string]bool{
		"customers:read": true, "a customers:read b": true, "customers:write customers:read": true,
		"": false, "customers": false, "customers:reader": false, "xcustomers:read": false, "Customers:read": false, "customers:*": false, "*": false,
	} {
		refusal := Require("customers:read")(nil, &Claims{Scope: held})
		if (refusal == nil) != want {
			t.Errorf("%q: got %v", held, refusal)
		}
	}
	if Require()(nil, &Claims{Scope: "a"}) == nil {
		t.Error("Require without a scope lets pass")
	}
	if Require("")(nil, &Claims{Scope: "a"}) == nil || Require("")(nil, &Claims{}) == nil || Require("a b")(nil, &Claims{Scope: "a b"}) == nil {
		t.Error("a scope that is none lets pass")
	}
}

func TestRulesOfOnesOwn(t *testing.T) {
	s := testSigner(t, jose.ES256)
	v := newVerifier(t, testConfig(s))
	never := func(*http.Request, *Claims) *Refusal { return Forbid("Not on \"Sundays\".") }
	w, claims := ask(t, v, withHeader("Bearer "+signed(t, s)), never)
	if claims != nil || w.Code != http.StatusForbidden || w.Body.String() != `{"code":"403","message":"Not on \"Sundays\"."}` ||
		!strings.HasSuffix(w.Header().Get("WWW-Authenticate"), `error_description="Not on Sundays."`) {
		t.Errorf("got %d, %v, %s", w.Code, w.Header(), w.Body)
	}
}

// What a Rule returns may be shared by all requests, and by verifiers of several
// resource servers, so it is never written to.
func TestARefusalThatIsSharedStaysAsItIs(t *testing.T) {
	s := testSigner(t, jose.ES256)
	shared := Forbid("Not on Sundays.")
	before := *shared
	w, _ := ask(t, newVerifier(t, testConfig(s)), withHeader("Bearer "+signed(t, s)), func(*http.Request, *Claims) *Refusal { return shared })
	if *shared != before || !strings.HasPrefix(w.Header().Get("WWW-Authenticate"), `Bearer realm="`+audience+`", `) {
		t.Errorf("it has become %+v; the challenge is %s", *shared, w.Header().Get("WWW-Authenticate"))
	}
}

// A Refusal that nobody made for a resource server names none.
func TestAChallengeWithoutARealm(t *testing.T) {
	for _, tc := range []struct {
		refusal *Refusal
		want    string
	}{
		{&Refusal{Status: http.StatusForbidden, Message: "No."}, "Bearer"},
		{Forbid("No."), `Bearer error="insufficient_scope", error_description="No."`},
	} {
		w := httptest.NewRecorder()
		tc.refusal.ServeHTTP(w, nil)
		if got := w.Header().Get("WWW-Authenticate"); got != tc.want {
			t.Errorf("got %s, want %s", got, tc.want)
		}
	}
}

// RFC 6750 section 3: printable ASCII without quotation mark and backslash.
func TestWhatIsQuotedIsWhatMayBe(t *testing.T) {
	if got := quoted(" a\x1f\"\\b\x7f\u00fc~"); got != `" ab~"` {
		t.Errorf("got %s", got)
	}
}
