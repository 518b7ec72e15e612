package forwardauth

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenwright/tokenwright/internal/fuzztest"
	"github.com/tokenwright/tokenwright/tokenwrighttest"
	"github.com/tokenwright/tokenwright/verify"
)

const orders = "/forward-auth?env=demo&scope=customers:read&merchant=4259"

// C-330, C-331
func TestAGoodTokenPassesAndSaysWhoItIs(t *testing.T) {
	in := install(t)
	bearer := "Authorization: Bearer " + in.demo.Token(tokenwrighttest.Scopes("customers:read", "customers:write"))
	for _, target := range []string{
		orders, "/forward-auth?env=demo&scope=customers:read", "/forward-auth?scope=customers%3Aread&env=demo", "/forward-auth?env=demo&scope=customers:read+customers:write",
		"/forward-auth?env=demo&scope=customers:read%20customers:write&merchant=4259",
		"/forward-auth/orders", "/forward-auth/orders/", "/forward-auth/orders/v2/customers", "/forward-auth/both", "/forward-auth/both?env=demo",
	} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND"} {
			a := ask(t, in.handler, method+" "+target, bearer)
			if a.Code != http.StatusOK {
				t.Errorf("%s %s: status %d, %s", method, target, a.Code, a.Body)
				continue
			}
			for name, want := range map[string]string{
				"X-Tokenwright-Merchant-Id": "4259", "X-Tokenwright-Env": "demo", "X-Tokenwright-Client-Id": in.demo.ClientID,
				"X-Tokenwright-Scope": "customers:read customers:write",
			} {
				if got := a.Header().Get(name); got != want {
					t.Errorf("%s: %s is %q, want %q", target, name, got, want)
				}
			}
			if a.facts["client_id"] != in.demo.ClientID || a.facts["env"] != "demo" {
				t.Errorf("%s: logged are %v", target, a.facts)
			}
		}
	}
}

// C-331
func TestMerchantsWhoseIDsAreTextPass(t *testing.T) {
	in := install(t)
	bearer := "Authorization: Bearer " + in.demo.Token(tokenwrighttest.MerchantText("acme-7"))
	if a := ask(t, in.handler, "GET /forward-auth?env=demo&scope=customers:read&merchant=acme-7", bearer); a.Code != 200 || a.Header().Get("X-Tokenwright-Merchant-Id") != "acme-7" {
		t.Errorf("status %d, headers %v", a.Code, a.Header())
	}
	for _, other := range []string{"acme", "ACME-7", "acme-7x", "acme%2D8", "4259"} {
		if a := ask(t, in.handler, "GET /forward-auth?env=demo&scope=customers:read&merchant="+other, bearer); a.Code != 403 || a.facts["refused"] != "other_merchant" {
			t.Errorf("%s: status %d, logged %v", other, a.Code, a.facts)
		}
	}
}

// C-095 to C-108: what verify refuses is refused here.
func TestBadTokensDoNotPass(t *testing.T) {
	in := install(t)
	for name, token := range in.demo.BadTokens() {
		for _, target := range []string{orders, "/forward-auth/orders/x"} {
			if a := ask(t, in.handler, "GET "+target, "Authorization: Bearer "+token); a.Code != http.StatusUnauthorized {
				t.Errorf("%s: status %d, %s", name, a.Code, a.Body)
			} else if challenge := a.Header().Get("WWW-Authenticate"); !strings.Contains(challenge, `error="invalid_token"`) { // C-113
				t.Errorf("%s: %s", name, challenge)
			}
		}
	}
}

// C-330
func TestRefusalsSayWhy(t *testing.T) {
	in := install(t)
	bearer := func(token string) string { return "Authorization: Bearer " + token }
	good := bearer(in.demo.Token())
	revoked := in.demo.Token(tokenwrighttest.Set("jti", "AAAAAAAAAAAAAAAAAAAAAA"))
	for _, tc := range []struct {
		name            string // and the rule
		target          string
		headers         []string
		status          int
		reason, message string
		challenge       string // what it has
	}{
		{"C-112 no token", orders, nil, 401, "no_token", "Access token missing. Send it in the Authorization header, as Bearer.", `Bearer realm="` + in.demo.Audience + `"`},
		{"C-112 another scheme", orders, []string{"Authorization: Basic abc"}, 401, "no_token", "Access token missing. Send it in the Authorization header, as Bearer.", ""},
		{"C-115 two headers", orders, []string{good, good}, 401, "invalid_request", "There is more than one Authorization header.", `error="invalid_request"`},
		{"C-115 in the query alone", "/forward-auth/orders?access_token=" + revoked, nil, 401, "no_token", "Access token missing. Send it in the Authorization header, as Bearer.", ""},
		{"expired", orders, []string{bearer(in.demo.Token(tokenwrighttest.ExpiresIn(-2 * time.Minute)))}, 401, "expired", "Expired token.", `error="invalid_token"`},
		{"malformed", orders, []string{bearer("x")}, 401, "malformed", "Malformed token.", `error="invalid_token"`},
		{"C-110 another environment", "/forward-auth/live", []string{good}, 401, "unknown_key", "Token not signed by a key of the issuer.", `error="invalid_token"`},
		{"C-110 an environment that its issuer should not name", orders, []string{bearer(in.demo.Token(tokenwrighttest.Env("production")))}, 403, "other_environment", "The access token is of another environment.", `error="insufficient_scope"`},
		{"C-110 another merchant", orders, []string{bearer(in.demo.Token(tokenwrighttest.Merchant(4260)))}, 403, "other_merchant", "The access token is not for this merchant.", `error="insufficient_scope"`},
		{"C-110 another merchant, by policy", "/forward-auth/orders", []string{bearer(in.demo.Token(tokenwrighttest.Merchant(42590)))}, 403, "other_merchant", "The access token is not for this merchant.", ""},
		{"an operator's token", "/forward-auth/both", []string{bearer(in.demo.Token(tokenwrighttest.Merchant(0), tokenwrighttest.Scopes("customers:read", "customers:write")))}, 403, "no_merchant", "The access token is for no merchant.", ""},
		{"an operator's token, of platform", orders, []string{bearer(in.demo.Token(tokenwrighttest.Merchant(0), tokenwrighttest.Env("platform")))}, 403, "other_environment", "The access token is of another environment.", ""},
		{"C-114 a scope is lacking", "/forward-auth?env=demo&scope=customers:write", []string{good}, 403, "insufficient_scope", "The access token lacks a scope that is needed here: customers:write.", `error="insufficient_scope"`},
		{"C-114 one of two scopes", "/forward-auth/both", []string{good}, 403, "insufficient_scope", "The access token lacks a scope that is needed here: customers:read customers:write.", `scope="customers:read customers:write"`},
		{"C-114 part of a scope", "/forward-auth?env=demo&scope=customers", []string{good}, 403, "insufficient_scope", "The access token lacks a scope that is needed here: customers.", ""},
		{"a policy without scopes", "/forward-auth/nothing", []string{good}, 403, "insufficient_scope", "The access token lacks a scope that is needed here: .", ""},
	} {
		a := ask(t, in.handler, "GET "+tc.target, tc.headers...)
		if a.Code != tc.status || a.facts["refused"] != tc.reason || a.message(t) != tc.message || !strings.Contains(a.Header().Get("WWW-Authenticate"), tc.challenge) {
			t.Errorf("%s: got status %d, %s, %s, logged %v", tc.name, a.Code, a.Body, a.Header().Get("WWW-Authenticate"), a.facts)
		}
	}
}

// C-332
func TestAQueryIsReadStrictly(t *testing.T) {
	in := install(t)
	bearer := "Authorization: Bearer " + in.demo.Token()
	for query, reason := range map[string]string{
		"": "query", "?": "query", "?env=demo": "query", "?scope=customers:read": "query", "?env=&scope=customers:read": "query", "?env=demo&scope=": "query",
		"?env&scope=customers:read": "query", "?env=demo&scope=customers:read&merchant=": "query", "?env=demo&scope=customers:read&merchant": "query",
		"?env=demo&env=demo&scope=customers:read": "query", "?env=demo&scope=customers:read&scope=customers:read": "query",
		"?env=demo&scope=customers:read&merchant=4259&merchant=4259": "query", "?env=demo&scope=customers:read&x=1": "query", "?env=demo&scope=customers:read&=": "query",
		"?ENV=demo&scope=customers:read": "query", "?env=demo&Scope=customers:read": "query", "?env=demo&scope=customers:read&merchantId=4259": "query",
		"?env=demo;scope=customers:read": "query", "?env=demo&scope=customers:read&y=%zz": "query", "?env=demo&scope=%": "query",
		"?env=demo&scope=customers:read%20": "query", "?env=demo&scope=+customers:read": "query", "?env=demo&scope=customers:read++customers:write": "query",
		"?env=demo&scope=customers:read%09x": "query", "?env=demo&scope=%22": "query", "?env=demo&scope=%C3%A9": "query", "?env=demo&scope=customers:read&access_token=x": "query",
		"?env=staging&scope=customers:read": "unknown_environment", "?env=platform&scope=customers:read": "unknown_environment", "?env=Demo&scope=customers:read": "unknown_environment",
		"?env=demo%00&scope=customers:read": "unknown_environment", "?env=eyJhbGciOiJFUzI1NiJ9&scope=customers:read": "unknown_environment",
	} {
		a := ask(t, in.handler, "GET /forward-auth"+query, bearer)
		if a.Code != http.StatusForbidden || a.facts["refused"] != reason || a.facts["problem"] == "" || a.route != "/forward-auth" {
			t.Errorf("%s: status %d, route %s, logged %v", query, a.Code, a.route, a.facts)
		}
		if strings.Contains(a.Body.String(), "demo") {
			t.Errorf("%s: the answer repeats it: %s", query, a.Body)
		}
	}
}

// C-333: Whatever a client makes of the path and query that a gateway appends: the policy
// stays the one that the gateway names.
func TestACallerDoesNotChooseThePolicy(t *testing.T) {
	in := install(t)
	client := []string{
		"", "/", "//", "///both", "/../both", "/%2e%2e/both", "/..%2fboth", "/%2E%2E%2Fboth", "/./../../forward-auth/both", "/..;/both", "/..\\both", "/%5c..%5cboth", "/both", "/orders",
		"?env=demo&scope=customers:write", "/?env=demo&scope=customers:write", "/x?policy=both", "/%3Fenv=demo", "/%00", "/%ff", "/a%2fb", "/*", "/;both", "/x/../../both?env=demo&scope=customers:write&merchant=4260",
		"?access_token=x", "/x?q=1&access%5Ftoken=x",
	}
	// One token may pass orders alone, the other one both alone.
	forOrders := "Authorization: Bearer " + in.demo.Token()
	forBoth := "Authorization: Bearer " + in.demo.Token(tokenwrighttest.Merchant(4260), tokenwrighttest.Scopes("customers:read", "customers:write"))
	for _, appended := range client {
		for _, method := range []string{"GET", "CONNECT", "OPTIONS"} {
			for _, tc := range []struct {
				policy, header string
				status         int
			}{{"orders", forOrders, 200}, {"orders", forBoth, 403}, {"both", forOrders, 403}, {"both", forBoth, 200}} {
				a := ask(t, in.handler, method+" /forward-auth/"+tc.policy+appended, tc.header)
				if a.Code != tc.status || a.facts["policy"] != tc.policy || a.route != "/forward-auth/{policy}/{rest...}" {
					t.Errorf("%s %s%s: status %d, want %d; route %s, logged %v", method, tc.policy, appended, a.Code, tc.status, a.route, a.facts)
				}
			}
		}
	}
}

// C-333
func TestAnUnknownPolicyIsRefused(t *testing.T) {
	in := install(t)
	bearer := "Authorization: Bearer " + in.demo.Token()
	for name, logged := range map[string]string{
		"": "", "order": "order", "ordersx": "ordersx", "orders*": "", "orders%2f": "", "%6frders": "", "Orders": "", "orders;x": "", "orders%20": "", "orders%00": "", "..": "", ".": "", "/orders": "",
		"../forward-auth/orders": "", strings.Repeat("a", 40): strings.Repeat("a", 40), strings.Repeat("a", 41): "", strings.Repeat("a", 5000): "",
	} {
		a := ask(t, in.handler, "GET /forward-auth/"+name+"?env=demo&scope=customers:read", bearer)
		if a.Code != http.StatusForbidden || a.facts["refused"] != "unknown_policy" || a.facts["problem"] == "" || a.facts["policy"] != logged {
			t.Errorf("%.60s: status %d, logged %v", name, a.Code, a.facts)
		}
	}
	if a := ask(t, in.handler, "GET /forward-auth/nowhere", bearer); a.Code != 403 || a.facts["refused"] != "unknown_environment" || a.facts["policy"] != "nowhere" {
		t.Errorf("a policy for an environment that is not here: status %d, logged %v", a.Code, a.facts)
	}
}

// C-331
func TestHeadersOfTheClientAreNotBelieved(t *testing.T) {
	in := install(t)
	a := ask(t, in.handler, "GET "+orders, "Authorization: Bearer "+in.demo.Token(), "X-Tokenwright-Merchant-Id: 1", "x-tokenwright-merchant-id: 2",
		"X_Tokenwright_Merchant_Id: 3", "X-Tokenwright-Scope: all", "X-Original-URL: /forward-auth/both", "X-Forwarded-Uri: /forward-auth/both", "X-Forwarded-Method: PUT")
	if a.Code != 200 || a.Header().Get("X-Tokenwright-Merchant-Id") != "4259" || a.Header().Get("X-Tokenwright-Scope") != "customers:read" {
		t.Errorf("status %d, headers %v", a.Code, a.Header())
	}
}

// unread is a body that nobody may read.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("the body was read")
	return 0, io.EOF
}

// C-330
func TestTheBodyIsNotRead(t *testing.T) {
	in := install(t)
	for _, token := range []string{in.demo.Token(), "x"} {
		r := httptest.NewRequest(http.MethodPost, orders, unread{t})
		r.Header.Set("Authorization", "Bearer "+token)
		serve(t, in.handler, r)
	}
}

// C-330
func TestOtherPathsAreLeftToOthers(t *testing.T) {
	in := install(t)
	var passed string
	h := in.handler.Before(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { passed = r.RequestURI }))
	for target, there := range map[string]bool{
		"/forward-auth": true, "/forward-auth/": true, "/forward-auth/x": true, "/forward-auth/..": true, "/forward%2Dauth": true, "/forward-auth%2fx": true,
		"/": false, "/forward-authx": false, "/forward": false, "/x/forward-auth": false, "//forward-auth": false, "/Forward-Auth": false,
	} {
		passed = ""
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://x"+target, nil))
		if (passed == "") != there || there && w.Code != http.StatusForbidden {
			t.Errorf("%s: passed on %q, status %d", target, passed, w.Code)
		}
	}
}

// C-110: with one issuer for whatever is asked, its tokens say their environment.
func TestOneVerifierForAllEnvironmentsMixesNone(t *testing.T) {
	iss := tokenwrighttest.New(t)
	v := verifierOf(t, iss, nil)
	h := New(Config{Verifier: func(string) *verify.Verifier { return v }, Policies: policies})
	bearer := "Authorization: Bearer " + iss.Token()
	ofPlatform := "Authorization: Bearer " + iss.Token(tokenwrighttest.Env("platform"))
	for target, refused := range map[string]string{
		orders: "", "/forward-auth/orders": "", "/forward-auth/live": "other_environment", "/forward-auth/nowhere": "other_environment",
		"/forward-auth?env=production&scope=customers:read": "other_environment", "/forward-auth?env=platform&scope=customers:read": "unknown_environment",
	} {
		if a := ask(t, h, "GET "+target, bearer); a.facts["refused"] != refused {
			t.Errorf("%s: status %d, logged %v", target, a.Code, a.facts)
		}
		if a := ask(t, h, "GET "+target, ofPlatform); a.Code != 403 {
			t.Errorf("%s: a token of platform: status %d", target, a.Code)
		}
	}
	if a := ask(t, h, "GET /forward-auth/ops", ofPlatform); a.Code != 403 {
		t.Errorf("a policy for platform: status %d", a.Code)
	}
}

// C-118, R-30, C-334: what cannot be verified does not pass, and is not called the
// token's fault.
func TestWithoutAnIssuerNothingPasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		iss := tokenwrighttest.New(t, tokenwrighttest.InProcess())
		token := "Authorization: Bearer " + iss.Token(tokenwrighttest.ExpiresIn(24*time.Hour))
		iss.Down()
		v := verifierOf(t, iss, func(c *verify.Config) { c.StartUnready, c.FailClosedAfter = true, time.Minute })
		h := New(Config{Verifier: func(string) *verify.Verifier { return v }, Policies: policies})
		refused := func(when string) {
			t.Helper()
			a := ask(t, h, "GET "+orders, token)
			if a.Code != 403 || a.facts["refused"] != "unavailable" || a.message(t) != "Access tokens cannot be verified at the moment. Try again later." ||
				strings.Contains(a.Header().Get("WWW-Authenticate"), "error=") || a.Header().Get("Retry-After") != "" {
				t.Errorf("%s: status %d, headers %v, logged %v", when, a.Code, a.Header(), a.facts)
			}
		}
		passes := func(when string) {
			t.Helper()
			if a := ask(t, h, "GET "+orders, token); a.Code != 200 {
				t.Errorf("%s: status %d, logged %v", when, a.Code, a.facts)
			}
		}
		synctest.Wait()
		refused("before the issuer is reached")
		iss.Up()
		time.Sleep(15 * time.Second)
		passes("once it is")
		iss.Down()
		time.Sleep(20 * time.Second)
		passes("while it is away for a moment")
		time.Sleep(2 * time.Minute)
		refused("while it is away for long")
		iss.Up()
		time.Sleep(15 * time.Second)
		passes("again")
		iss.RevokeClient(iss.ClientID)
		time.Sleep(5 * time.Second)
		if a := ask(t, h, "GET "+orders, token); a.Code != 401 || a.facts["refused"] != "revoked" {
			t.Errorf("revoked: status %d, logged %v", a.Code, a.facts)
		}
	})
}

// C-334
func TestUnavailableIsARefusal(t *testing.T) {
	for target, route := range map[string]string{orders: "/forward-auth", "/forward-auth/orders/x": "/forward-auth/{policy}/{rest...}"} {
		if a := ask(t, http.HandlerFunc(Unavailable), "GET "+target, "Authorization: Bearer x"); a.Code != 403 || a.facts["refused"] != "unavailable" || a.route != route {
			t.Errorf("%s: status %d, route %s, logged %v", target, a.Code, a.route, a.facts)
		}
	}
}

// C-335
func TestPolicyNames(t *testing.T) {
	for name, valid := range map[string]bool{
		"a": true, "0": true, "orders-v2_x": true, strings.Repeat("a", 64): true,
		"": false, "-a": false, "_a": false, "A": false, "a b": false, "a/b": false, "a.b": false, "é": false, strings.Repeat("a", 65): false,
	} {
		if ValidName(name) != valid {
			t.Errorf("ValidName(%q) = %v", name, !valid)
		}
	}
}

// R-50, C-110, C-330, C-333: whatever a client puts into path, query and header, only 200, 401 and 403
// are answered; and a token passes only what it may pass.
func FuzzRequest(f *testing.F) {
	in := install(f)
	token := in.demo.Token() // for orders, and for what the query may ask
	for _, seed := range []string{"", "/", "//", "/../both", "/%2e%2e%2fboth", "?env=demo&scope=customers:read", "both", "/both", "/orders?x", "/live/../orders", "*", ":443"} {
		f.Add("GET", seed, "Bearer ")
	}
	f.Fuzz(func(t *testing.T, method, rest, scheme string) {
		defer fuzztest.Bound(t)()
		u, err := url.ParseRequestURI("/forward-auth" + rest)
		if err != nil || !Serves(u.Path) {
			return
		}
		r := &http.Request{Method: method, URL: u, RequestURI: "/forward-auth" + rest, Header: http.Header{}}
		if a := serve(t, in.handler, r); a.Code == http.StatusOK {
			t.Fatalf("%q passes without a token", rest)
		}
		r.Header.Set("Authorization", scheme+token)
		first, _, _ := strings.Cut(strings.TrimPrefix(rest, "/"), "/")
		first, _, _ = strings.Cut(first, "?")
		named := strings.HasPrefix(rest, "/") && first == "orders"
		query, err := url.ParseQuery(u.RawQuery)
		asked := err == nil && strings.HasPrefix(rest, "?") && query.Get("env") == "demo" && query.Get("scope") == "customers:read"
		if a := serve(t, in.handler, r); a.Code == http.StatusOK && !named && !asked {
			t.Fatalf("%q passes, logged %v", rest, a.facts)
		}
	})
}

// RFC 6749 section 3.3, C-110.
func TestNamesOfEnvironmentsAndScopes(t *testing.T) {
	for name, valid := range map[string]bool{
		"a": true, "demo": true, "a1": true, strings.Repeat("z", 16): true,
		"": false, "1a": false, "A": false, "a_b": false, "platform": false, strings.Repeat("z", 17): false,
	} {
		if ValidEnvironment(name) != valid {
			t.Errorf("ValidEnvironment(%q) = %v", name, !valid)
		}
	}
	for text, n := range map[string]int{"a": 1, "!~ #[ ]}": 3, "": 0, " a": 0, "a ": 0, "a  b": 0, "a\x1fb": 0, "a\x7f": 0, `a"`: 0, `a\`: 0, "é": 0} {
		if scopes, ok := parseScopes(text); ok != (n > 0) || len(scopes) != n {
			t.Errorf("parseScopes(%q) = %q, %v", text, scopes, ok)
		}
	}
}
