package oauthapi

import (
	"net/http"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// at sends the request to another host than that of the base URL.
func (in *installation) at(host, method, path, body string) *answer {
	in.Helper()
	r := newRequest(method, path, strings.NewReader(body), "Content-Type", "application/json")
	r.Host = host
	return in.do(r)
}

func TestAnEnvironmentWithAHostOfItsOwn(t *testing.T) { // C-073, C-175, C-178
	const host, issuer = "demo.example.com", "https://demo.example.com"
	in := install(t, func(demo, _ *authority.Environment) { demo.Issuer, demo.Audience = issuer, issuer+"/api" })
	demo, production := in.key("demo", "customers:read"), in.key("production", "customers:read")

	for _, path := range commonEndpoints {
		if i := in.at(host, "POST", path, jsonBody(demo.request()...)).issued("demo"); i.Issuer != issuer || i.Audience != issuer+"/api" {
			t.Errorf("got claims %+v", *i.Claims)
		}
		in.at(host, "POST", path, jsonBody(production.request()...)).refused(string(authority.IDOtherEnvironment))
		in.at("auth.example.com", "POST", path, jsonBody(demo.request()...)).issued("demo") // the common endpoint takes them all
	}
	for _, path := range []string{"/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"} {
		m := in.at(host, "GET", path, "").object()
		if text(m, "issuer") != issuer || text(m, "token_endpoint") != issuer+"/oauth/token" || text(m, "jwks_uri") != issuer+"/oauth/jwks" ||
			text(m, "service_documentation") != base+"/docs" {
			t.Errorf("%s: got %v", path, m)
		}
	}
	for _, name := range []string{host, "DEMO.example.com"} {
		if a := in.at(name, "GET", "/oauth/jwks", ""); a.status != http.StatusOK || !strings.Contains(a.body, `"kid"`) {
			t.Errorf("Host %s: got %d %s", name, a.status, a.body)
		}
	}
	// The host has its environment and nothing else; the base URL no longer has it.
	for _, path := range []string{"/", "/docs", "/demo/oauth/token", "/production/oauth/token", "/production/oauth/jwks", "/platform/oauth/jwks",
		"/.well-known/oauth-authorization-server/production", "/healthz"} {
		if a := in.at(host, "POST", path, jsonBody(demo.request()...)); a.status != http.StatusNotFound {
			t.Errorf("%s%s: got status %d, want 404", host, path, a.status)
		}
	}
	for _, path := range []string{"/demo/oauth/token", "/demo/oauth/jwks", "/.well-known/oauth-authorization-server/demo", "/.well-known/openid-configuration", "/oauth/jwks"} {
		if a := in.at("auth.example.com", "POST", path, jsonBody(demo.request()...)); a.status != http.StatusNotFound {
			t.Errorf("base URL, %s: got status %d, want 404", path, a.status)
		}
	}
	for _, other := range []string{"demo.example.com.", "x.demo.example.com", "demo.example.com:8443", "demo.example.com@evil", "evil-demo.example.com", ""} {
		if a := in.at(other, "GET", "/oauth/jwks", ""); a.status != http.StatusNotFound {
			t.Errorf("Host %q: got status %d, want 404", other, a.status)
		}
	}
}

func TestHostsAreThoseThatClientsSend(t *testing.T) {
	for issuer, want := range map[string]string{
		"https://demo.example.com": "demo.example.com", "https://demo.example.com:443": "demo.example.com", "https://Demo.Example.com:8443": "demo.example.com:8443",
		"http://localhost:80": "localhost", "http://localhost:443": "localhost:443", "https://[::1]:443/x": "[::1]", "://": "",
	} {
		if got := authority.HostOf(issuer); got != want {
			t.Errorf("authority.HostOf(%s) = %s, want %s", issuer, got, want)
		}
	}
	if origin("https://a.example:1/b/c") != "https://a.example:1" || origin("://") != "" {
		t.Error("origin is not scheme, host and port")
	}
}
