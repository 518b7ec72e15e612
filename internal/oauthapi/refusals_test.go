package oauthapi

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// cause is a request that is refused for one reason.
type cause struct {
	says    string // part of the description
	ask     func(in *installation, k apiKey) *answer
	changes bool // nothing works as before afterwards
}

// withID and withSecret ask with k's other credential right.
func withID(says, id string) cause {
	return cause{says: says, ask: func(in *installation, k apiKey) *answer { return in.ask(asJSON, apiKey{id, k.secret}.request()) }}
}

func withSecret(says, secret string) cause {
	return cause{says: says, ask: func(in *installation, k apiKey) *answer { return in.ask(asJSON, apiKey{k.id, secret}.request()) }}
}

// with asks with extra parameters.
func with(says string, extra ...string) cause {
	return cause{says: says, ask: func(in *installation, k apiKey) *answer { return in.ask(asForm, k.request(extra...)) }}
}

// withHeader asks without credentials in the body.
func withHeader(says string, header ...string) cause {
	return cause{says: says, ask: func(in *installation, k apiKey) *answer { return in.ask(asForm, grant(), header...) }}
}

// send posts a body to the common endpoint.
func send(says, contentType, body string, header ...string) cause {
	return cause{says: says, ask: func(in *installation, _ apiKey) *answer { return in.post("/oauth/token", contentType, body, header...) }}
}

// changed asks with k after something was done to it.
func changed(says string, change func(in *installation, id authority.ClientID) error) cause {
	return cause{says: says, ask: func(in *installation, k apiKey) *answer {
		in.Helper()
		in.must(change(in, authority.ClientID(k.id)))
		return in.ask(asJSON, k.request())
	}, changes: true}
}

// causes has one request for every reason there is. The descriptions are what
// people read when nothing works: each says what is wrong.
var causes = map[string]cause{
	// Told, for the request's own text shows it (DESIGN 4.2).
	string(authority.IDPlaceholder):        withID("placeholder in angle brackets", "<client-id>"),
	string(authority.SecretPlaceholder):    withSecret("placeholder in angle brackets", "<YOUR_CLIENT_SECRET>"),
	string(authority.IDBlanks):             withID("white space around it", "twc_demo_0000000000000000000000\n"),
	string(authority.SecretBlanks):         withSecret("white space around it", " tws_demo_x"),
	string(authority.IDQuotes):             withID("quotation marks around it", `"twc_demo_0000000000000000000000"`),
	string(authority.SecretQuotes):         withSecret("quotation marks around it", `'tws_demo_x'`),
	string(authority.IDForm):               withID("is not of the form twc_<environment>_<22 letters", "4259"),
	string(authority.SecretForm):           withSecret("is not of the form tws_<environment>_<49 letters", "tws_demo_abc"),
	string(authority.SecretChecksum):       withSecret("mistyped", "tws_demo_"+strings.Repeat("a", 49)),
	string(authority.IDUnknownEnvironment): withID("names an environment that does not exist", "twc_staging_0000000000000000000000"),
	string(authority.IDIsSecret): {says: "in each other's place", ask: func(in *installation, k apiKey) *answer {
		return in.ask(asForm, apiKey{k.secret, k.id}.request())
	}},
	string(authority.SecretIsID): {says: "in each other's place", ask: func(in *installation, k apiKey) *answer {
		return in.ask(asForm, apiKey{k.id, k.id}.request())
	}},
	string(authority.IDOtherEnvironment): {says: "belongs to another environment", ask: func(in *installation, k apiKey) *answer {
		return in.post("/production/oauth/token", asForm.contentType, formBody(k.request()...))
	}},
	string(authority.SecretOtherEnv): {says: "are of different environments", ask: func(in *installation, k apiKey) *answer {
		return in.ask(asJSON, apiKey{k.id, in.key("production").secret}.request())
	}},

	// Not told.
	string(authority.UnknownID): withID("Client authentication failed.", "twc_demo_0000000000000000000000"),
	string(authority.WrongSecret): {says: "Client authentication failed.", ask: func(in *installation, k apiKey) *answer {
		return in.ask(asJSON, apiKey{k.id, in.key("demo").secret}.request())
	}},
	string(authority.SuspendedMerchant): changed("Client authentication failed.", func(in *installation, _ authority.ClientID) error {
		_, err := in.SuspendMerchant(in.Context(), actor, merchant, 0)
		return err
	}),
	string(authority.OtherAddress): changed("Client authentication failed.", func(in *installation, id authority.ClientID) error {
		_, err := in.UpdateAPIKey(in.Context(), actor, id, authority.APIKeyUpdate{AllowedCIDRs: &[]netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}})
		return err
	}),

	// Told to whoever proved the right secret.
	string(authority.KeyDisabled): changed("The API key is disabled.", func(in *installation, id authority.ClientID) error {
		_, err := in.DisableAPIKey(in.Context(), actor, id, 0)
		return err
	}),
	string(authority.KeyExpired): changed("The API key has expired.", func(in *installation, id authority.ClientID) error {
		end := in.time().Add(time.Minute)
		_, err := in.UpdateAPIKey(in.Context(), actor, id, authority.APIKeyUpdate{ExpiresAt: &end})
		in.advance(time.Minute)
		return err
	}),
	string(authority.SecretExpired): changed("The client_secret has expired.", func(in *installation, id authority.ClientID) error {
		in.sql("UPDATE secrets SET expires_at = $1 WHERE api_key_id = $2", in.now.Load(), string(id))
		return in.LoadDirectory(in.Context())
	}),

	string(authority.ScopeForm):        with("parted by single spaces", "scope", "a,\tb"),
	string(authority.ScopeNotHeld):     with("does not hold every scope", "scope", "customers:read payments:read"),
	string(authority.ScopeTwoResource): with("exactly one audience", "scope", "customers:read reports:read"),
	string(authority.ScopeOther):       with("not for the named resource", "scope", "customers:read", "resource", reports),
	string(authority.ScopeNone):        with("no scope for this audience", "resource", base+"/admin"),
	string(authority.ResourceUnknown):  with("not a resource of this environment", "resource", "https://example.com"),

	string(authority.RateLimited): {says: "too many tokens", ask: func(in *installation, k apiKey) *answer {
		in.limits.TokenLimit = 1
		in.serve()
		in.ask(asJSON, k.request())
		return in.ask(asJSON, k.request())
	}, changes: true},
	reasonFailuresOfID: {says: "Too many requests with wrong credentials", ask: func(in *installation, k apiKey) *answer {
		in.limits.FailureLimit = 1
		in.serve()
		in.ask(asJSON, apiKey{k.id, in.key("demo").secret}.request())
		return in.ask(asJSON, apiKey{k.id, in.key("demo").secret}.request())
	}, changes: true},
	reasonFailuresHere: {says: "Too many requests with wrong credentials", ask: func(in *installation, k apiKey) *answer {
		in.limits.FailureLimit = 1
		in.serve()
		for range addressFactor {
			in.ask(asJSON, grant())
		}
		return in.ask(asJSON, grant())
	}, changes: true},

	// Of the request itself.
	reasonQuery:         {says: "has no query", ask: func(in *installation, k apiKey) *answer { return in.post("/oauth/token?a=b", asForm.contentType, "") }},
	reasonMethod:        {says: "does not take that method", ask: func(in *installation, _ apiKey) *answer { return in.get("/oauth/token") }},
	reasonNotFound:      {says: "no such signing key", ask: func(in *installation, _ apiKey) *answer { return in.get("/demo/oauth/jwks/x.pem") }},
	reasonEncoding:      send("must not be compressed", asForm.contentType, "a=b", "Content-Encoding", "gzip"),
	reasonContentType:   send("Content-Type must be application/json or", "text/plain", "a=b"),
	reasonTooLarge:      send("larger than 64 KiB", asForm.contentType, strings.Repeat("a", maxBody+1)),
	reasonJSON:          send("not one JSON object", asJSON.contentType, "{"),
	reasonJSONType:      send("must be a string", asJSON.contentType, `{"scope":[]}`),
	reasonJSONAsForm:    send("looks like JSON", asForm.contentType, "{}"),
	reasonForm:          send("cannot be decoded", asForm.contentType, "a=%"),
	reasonRepeated:      send("more than once", asForm.contentType, "a=b&a=b"),
	reasonParameterCase: send("names are lower-case", asForm.contentType, "SCOPE=a"),
	reasonNoGrantType:   send("grant_type is missing", asForm.contentType, ""),
	reasonGrantType:     send("only grant_type is client_credentials", asForm.contentType, "grant_type=password"),
	reasonNoCredentials: withHeader("authentication is missing"),
	reasonTwoHeaders:    withHeader("more than one Authorization header", "Authorization", "Basic YTpi", "Authorization", "Basic YTpi"),
	reasonBasic:         withHeader("no HTTP Basic credentials", "Authorization", "Basic a"),
	reasonScheme:        withHeader("not HTTP Basic", "Authorization", "Bearer a"),
	reasonAssertion:     with("one way only", "client_assertion", "a"),
	reasonTwoMethods: {says: "one way only", ask: func(in *installation, k apiKey) *answer {
		return in.ask(asForm, k.request(), basic(k.id, k.secret)...)
	}},
	reasonTwoIDs: {says: "not the one in the Authorization header", ask: func(in *installation, k apiKey) *answer {
		return in.ask(asForm, grant("client_id", "x"), basic(k.id, k.secret)...)
	}},
	reasonBody: {says: "could not be read", ask: func(in *installation, _ apiKey) *answer {
		r := newRequest("POST", "/oauth/token", iotest.ErrReader(errors.New("reset")), "Content-Type", "application/json")
		return in.do(r)
	}},
	reasonStale: {says: "lost its database", ask: func(in *installation, k apiKey) *answer {
		in.advance(6 * time.Minute)
		return in.ask(asJSON, k.request())
	}, changes: true},
	reasonOverloaded: {says: "more requests than it can answer in time", ask: func(in *installation, k apiKey) *answer {
		in.api.overloaded = func() bool { return true }
		return in.ask(asJSON, k.request())
	}, changes: true},
	reasonNoToken: {says: "token is missing", ask: func(in *installation, k apiKey) *answer { return in.about("introspect", k, "") }},
	reasonNotForm: {says: "takes application/x-www-form-urlencoded only", ask: func(in *installation, k apiKey) *answer {
		return in.post("/demo/oauth/revoke", asJSON.contentType, jsonBody("token", "x", "client_id", k.id, "client_secret", k.secret))
	}},
	reasonStore: {says: "could not be written", ask: func(in *installation, k apiKey) *answer {
		token := in.ask(asJSON, k.request("scope", "customers:read")).issued("demo").token
		in.must(in.store.Close())
		return in.about("revoke", k, token)
	}, changes: true},
	reasonAfter: {says: "after must be", ask: func(in *installation, _ apiKey) *answer { return in.get("/demo/oauth/revocations?after=-1") }},
	reasonWait: {says: "wait must be", ask: func(in *installation, _ apiKey) *answer {
		return in.get("/demo/oauth/revocations?after=0&wait=31s")
	}},
	reasonPolls: {says: "Too many requests wait", ask: func(in *installation, _ apiKey) *answer {
		in.api.polls.all = maxPolls
		return in.get("/demo/oauth/revocations?after=0&wait=30s")
	}, changes: true},
	reasonPollsHere: {says: "Too many requests from this address", ask: func(in *installation, _ apiKey) *answer {
		in.api.polls.byAddress[netip.MustParseAddr("192.0.2.1")] = maxPollsOfAddress // httptest's client
		return in.get("/demo/oauth/revocations?after=0&wait=30s")
	}, changes: true},
	// An error that nobody foresaw; its text is not for the caller.
	reasonInternal: {says: "An internal error.", ask: func(in *installation, _ apiKey) *answer {
		before := in.handler
		defer func() { in.handler = before }()
		in.handler = in.api.handle(func(http.ResponseWriter, *http.Request) error {
			return fmt.Errorf("no such table: %w", errors.ErrUnsupported)
		})
		return in.get("/")
	}},
}

func TestEveryReasonHasItsRefusal(t *testing.T) {
	all := slices.Concat(constants(t, ".", "reason"), constants(t, "../authority", "Reason"))
	for _, reason := range all {
		if _, ok := causes[reason]; !ok {
			t.Errorf("no request is refused for reason %s", reason)
		}
	}
	shared := install(t, nil)
	k := shared.key("demo", "customers:read", "reports:read")
	for _, reason := range slices.Sorted(maps.Keys(causes)) {
		c, in, k := causes[reason], shared, k
		if !slices.Contains(all, reason) {
			t.Errorf("there is no reason %s", reason)
			continue
		}
		if c.changes {
			in = install(t, nil)
			k = in.key("demo", "customers:read", "reports:read")
		}
		in.ask(asJSON, k.request()).issued("demo")
		a := c.ask(in, k)
		a.refused(reason)
		if says := text(a.object(), "error_description"); !strings.Contains(says, c.says) {
			t.Errorf("%s: got description %q, want it to say %q", reason, says, c.says)
		}
		in.wantCount("tokenwright_oauth_refusals_total", map[string]string{"reason": reason, "error": text(a.object(), "error")}, 1)
	}
	issued := len(causes) - changing()
	shared.wantCount("tokenwright_tokens_issued_total", map[string]string{"env": "demo"}, float64(issued))
}

func changing() (n int) {
	for _, c := range causes {
		if c.changes {
			n++
		}
	}
	return n
}
