package gateways

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/harness"
	"github.com/tokenwright/tokenwright/tokenwrighttest"
)

// C-336: Each gateway asks the server, and a check that stands beside it.
func TestGatewaysAskBeforeTheyLetPass(t *testing.T) {
	for name, start := range asking {
		t.Run(name+" and serve", func(t *testing.T) {
			s := startSite(t)
			g := start(t, s.Installation, s.address())
			s.check(t, g)
			s.Stop(t)
			g.closed(t)
		})
		t.Run(name+" and forward-auth", func(t *testing.T) {
			s := startSite(t)
			p, address := startCheck(t, s.Installation, s.URL+"/demo")
			g := start(t, s.Installation, address)
			s.check(t, g)
			p.Kill()
			g.closed(t)
		})
	}
}

// check is what holds for every gateway that asks.
func (s *site) check(t *testing.T, g *gateway) {
	t.Helper()
	reader, writer, other, live := s.Token(t, s.reader), s.Token(t, s.writer), s.Token(t, s.other), s.Token(t, s.live)
	letsPass(t, g, writer, s.writer.ClientID)
	onlyTheCheckSaysWhoCalls(t, g, reader, s.reader.ClientID)

	const realm, missing = `/demo/api"`, "Access token missing. Send it in the Authorization header, as Bearer."
	for _, path := range []string{"/v2/customers", "/v2/import", "/", "/v2/page.html", "/v2/customers?access_token=" + strings.Repeat("x", 20)} { // C-112, C-115
		g.refuses(t, 401, missing, realm, "GET "+path, "")
	}
	if a := g.send(t, "GET /v2/customers", ""); strings.Contains(a.Header.Get("WWW-Authenticate"), "error") {
		t.Errorf("C-112: WWW-Authenticate is %q", a.Header.Get("WWW-Authenticate"))
	}
	g.refuses(t, 401, missing, realm, "GET /v2/customers", "", "Authorization: Basic dTpw")
	g.stops(t, "GET /v2/customers", reader, "Authorization: Bearer "+writer)                                                // C-115; nginx answers by itself
	g.refuses(t, 401, "Malformed token.", `error="invalid_token"`, "GET /v2/customers", "x")                                // C-113
	g.refuses(t, 401, "", `error="invalid_token"`, "GET /v2/customers", reader[:len(reader)-4])                             // C-113
	g.refuses(t, 401, "Token not signed by a key of the issuer.", `error="invalid_token"`, "GET /v2/customers", live)       // C-110
	g.refuses(t, 401, "Token not signed by a key of the issuer.", `error="invalid_token"`, "GET /v2/customers", s.operator) // of no merchant
	g.refuses(t, 403, "lacks a scope", `scope="customers:read customers:write"`, "POST /v2/import", reader)                 // C-114
	g.refuses(t, 403, "not for this merchant", `error="insufficient_scope"`, "GET /v2/import", other)                       // C-110
	g.passes(t, "GET /v2/customers", other)
	theCallerDoesNotChooseThePolicy(t, g, reader, other)

	headersAreBounded(t, g, reader)
	for path, status := range map[string]int{"/v2/own401": 401, "/v2/own403": 403, "/v2/own500": 500} {
		if a := g.send(t, "GET "+path, reader); a.Status != status || string(a.Body) != "the API's own\n" {
			t.Errorf("%s: status %d, %s", path, a.Status, a.Body)
		}
	}
	s.revocationActs(t, g)
}

// headersAreBounded: the check takes about 20 KiB, cookies do not count.
func headersAreBounded(t *testing.T, g *gateway, token string) {
	t.Helper()
	headers := func(name string) (list []string) {
		for n := range 4 {
			list = append(list, fmt.Sprintf("%s: %d=%s", strings.ReplaceAll(name, "N", strconv.Itoa(n)), n, strings.Repeat("x", 6500)))
		}
		return list
	}
	g.passes(t, "GET /v2/customers", token, headers("Cookie")...)
	before := g.api.requests.Load()
	a := g.send(t, "GET /v2/customers", token, headers("X-Header-N")...)
	if g.api.requests.Load() != before || a.Status != http.StatusRequestHeaderFieldsTooLarge && a.Status != http.StatusServiceUnavailable {
		t.Errorf("headers of 26 KB: status %d", a.Status)
	}
}

func letsPass(t *testing.T, g *gateway, token, clientID string) {
	t.Helper()
	for _, line := range []string{"GET /v2/customers?page=2&env=production", "POST /v2/import", "DELETE /v2/customers/1", "PUT /", "OPTIONS /v2/customers", "PATCH /v2/import/a%20b"} {
		arrived := g.passes(t, line, token)
		if method, target, _ := strings.Cut(line, " "); arrived.Method != method || arrived.Target != target {
			t.Errorf("%s arrives as %s %s", line, arrived.Method, arrived.Target)
		}
		if want := map[bool]string{true: "a body"}[strings.HasPrefix(line, "POST")]; arrived.Body != want {
			t.Errorf("%s arrives with the body %q", line, arrived.Body)
		}
		saysWhoCalls(t, arrived, line, "4259", "demo", clientID, "customers:read customers:write")
	}
	g.passes(t, "HEAD /v2/customers", token)
}

// saysWhoCalls finds each of the four headers once, however an API may read names.
func saysWhoCalls(t *testing.T, arrived got, line string, want ...string) {
	t.Helper()
	values := map[string][]string{}
	for name, list := range arrived.Header {
		name = strings.ReplaceAll(strings.ToLower(name), "_", "-")
		values[name] = append(values[name], list...)
	}
	for i, name := range []string{"x-tokenwright-merchant-id", "x-tokenwright-env", "x-tokenwright-client-id", "x-tokenwright-scope"} {
		if got := values[name]; len(got) != 1 || got[0] != want[i] {
			t.Errorf("%s: %s arrives as %q, want %q", line, name, got, want[i])
		}
	}
}

func onlyTheCheckSaysWhoCalls(t *testing.T, g *gateway, token, clientID string) {
	t.Helper()
	for _, spoofs := range [][]string{
		{"X-Tokenwright-Merchant-Id: 1"}, {"x-tokenwright-merchant-id: 1"}, {"X-TOKENWRIGHT-MERCHANT-ID: 1", "X-TokenWright-Env: production"},
		{"X-Tokenwright-Merchant-Id: 1", "X-Tokenwright-Merchant-Id: 2", "x-tokenwright-scope: all", "X-Tokenwright-Scope: all"},
		{"X_Tokenwright_Merchant_Id: 1", "x_tokenwright_env: production"}, {"X-Tokenwright_Merchant-Id: 1", "X_Tokenwright-Client-Id: x", "x-tokenwright-client_id: y"},
		{"X-Tokenwright-Merchant-Id:", "X-Tokenwright-Scope:"}, {"Connection: X-Tokenwright-Merchant-Id, X-Tokenwright-Scope"},
	} {
		line := strings.Join(spoofs, ", ")
		saysWhoCalls(t, g.passes(t, "GET /v2/customers", token, spoofs...), line, "4259", "demo", clientID, "customers:read")
		if a := g.send(t, "GET /v2/customers", "", spoofs...); a.Status != http.StatusUnauthorized {
			t.Errorf("%s without a token: status %d", line, a.Status)
		}
	}
}

// What reader may not do, no path, query or header makes possible: /v2/import wants
// a scope that it lacks, and a merchant who is not other's. It must not be reached
// either by a path that only some APIs take for it.
func theCallerDoesNotChooseThePolicy(t *testing.T, g *gateway, reader, other string) {
	t.Helper()
	const query = "?env=demo&scope=customers:read"
	for _, target := range []string{
		"/v2/import", "/v2/import" + query, "/v2/import/" + query, "/v2/import?policy=customers", "/v2/import/x/y", "/V2/Import", "/v2/%69mport", "/v2/importx", "/v2/import%3fscope=customers:read",
		"/v2/import/../import" + query, "/v2/x/../import", "/v2//import", "//v2/import", "/./v2/import", "/v2/./import", "/v2/%2e/import", "/v2/x/%2E%2e/import", "/v2;x/import", "/v2%3bx/import",
		"/v2/import%2f..", "/v2%2fimport", "/v2/import/..", "/v2/import/..%2f..%2fv2%2fcustomers", "/v2/import/%2e%2e/customers", "/v2\\import", "/v2%5Cimport", "/v2/x/..%5c../import",
		"/v2/import//forward-auth/customers", "/v2/import/../../forward-auth/customers", "http://api.example.com/v2/import", "http://api.example.com//v2/import",
	} {
		for _, token := range []string{reader, other} {
			g.stops(t, "GET "+target, token)
			g.stops(t, "POST "+target, token, "X-Original-URI: /v2/customers", "X-Original-URL: /v2/customers", "X-Forwarded-Uri: /forward-auth/customers", "X-Rewrite-URL: /v2/customers")
		}
	}
	// What is odd in the query alone concerns nobody.
	for _, target := range []string{"/v2/customers?path=/../import;x//y%2f..", "/v2/customers" + query, "/v2/a.b/..c/.d?e"} {
		if arrived := g.passes(t, "GET "+target, reader); arrived.Target != target {
			t.Errorf("%s arrives as %s", target, arrived.Target)
		}
	}
	// What the gateway asks is nothing that its clients can ask.
	for _, target := range []string{"/tokenwright/customers", "/forward-auth" + query, "/forward-auth/customers"} {
		g.stops(t, "GET "+target, "")
		if a := g.send(t, "GET "+target, reader); a.Header.Get("X-Tokenwright-Merchant-Id") != "" {
			t.Errorf("%s is answered by the check: status %d, %v", target, a.Status, a.Header)
		}
	}
}

// revocationActs holds: a key that is in use all the time, and then
// disabled, is refused after 5 s at most and from then on.
func (s *site) revocationActs(t *testing.T, g *gateway) {
	t.Helper()
	token := s.Token(t, s.reader)
	g.passes(t, "GET /v2/customers", token)
	s.CLI(t, "key", "disable", s.reader.ClientID)
	acknowledged := time.Now()
	harness.Eventually(t, 5*time.Second, "a disabled key is refused", func() bool { return g.send(t, "GET /v2/customers", token).Status == http.StatusUnauthorized })
	t.Logf("refused %v after the key was disabled", time.Since(acknowledged).Round(time.Millisecond))
	for range 20 {
		g.refuses(t, 401, "Revoked token.", `error="invalid_token"`, "GET /v2/customers", token)
	}
}

// closed is a gateway whose check has gone.
func (g *gateway) closed(t *testing.T) {
	t.Helper()
	before := g.api.requests.Load()
	a := g.send(t, "GET /v2/customers", "x")
	if g.api.requests.Load() != before || a.Status != http.StatusServiceUnavailable || !strings.Contains(string(a.Body), `{"code":"503","message":"`) || a.Header.Get("Retry-After") == "" {
		t.Errorf("without the check: status %d, headers %v, %s", a.Status, a.Header, a.Body)
	}
}

// C-095 to C-108, C-118, C-336: with an issuer that writes what a real one never would, and
// goes away.
func TestGatewaysLetNoBadTokenPass(t *testing.T) {
	for name, start := range asking {
		t.Run(name, func(t *testing.T) {
			iss := tokenwrighttest.New(t)
			in := harness.New(t)
			in.Configure(t, harness.ReadExample(t, "gateways/tokenwright.yaml"))
			_, address := startCheck(t, in, iss.URL, "--fail-closed-after", "5s")
			g := start(t, in, address)
			good := iss.Token(tokenwrighttest.ExpiresIn(time.Hour))
			g.passes(t, "GET /v2/customers", good)
			for what, token := range iss.BadTokens() {
				t.Log(what)
				g.refuses(t, 401, "", `error="invalid_token"`, "GET /v2/customers", token)
			}
			g.refuses(t, 401, "Expired token.", `error_description="Expired token."`, "GET /v2/customers", iss.Token(tokenwrighttest.ExpiresIn(-2*time.Minute)))
			g.refuses(t, 403, "another environment", "", "GET /v2/customers", iss.Token(tokenwrighttest.Env("production")))
			g.refuses(t, 403, "for no merchant", "", "GET /v2/customers", iss.Token(tokenwrighttest.Merchant(0)))
			iss.Down()
			harness.Eventually(t, 15*time.Second, "nothing passes without the issuer", func() bool { return g.send(t, "GET /v2/customers", good).Status == http.StatusForbidden })
			g.refuses(t, 403, "Access tokens cannot be verified at the moment. Try again later.", "", "GET /v2/customers", good)
			iss.Up()
			harness.Eventually(t, 30*time.Second, "and passes again with it", func() bool { return g.send(t, "GET /v2/customers", good).Status == http.StatusOK })
		})
	}
}
