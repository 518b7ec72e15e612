package oauthapi

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/jose"
	"github.com/tokenwright/tokenwright/internal/strictjson"
)

// metadataPaths are the two addresses of the metadata of an environment at the
// base URL (RFC 8414 3.1, OpenID Connect Discovery 4).
func metadataPaths(env string) []string {
	return []string{"/.well-known/oauth-authorization-server/" + env, "/" + env + "/.well-known/openid-configuration"}
}

func TestMetadata(t *testing.T) { // C-084, C-175, C-176, C-177
	in := install(t, func(demo, _ *authority.Environment) { demo.Algorithm = jose.EdDSA })
	more := func(env string) string {
		return `"introspection_endpoint":"B/` + env + `/oauth/introspect",` +
			`"introspection_endpoint_auth_methods_supported":["client_secret_basic","client_secret_post"],` +
			`"revocation_endpoint":"B/` + env + `/oauth/revoke",` +
			`"revocation_endpoint_auth_methods_supported":["client_secret_basic","client_secret_post"],` +
			`"revocations_uri":"B/` + env + `/oauth/revocations","access_token_lifetime":3600,`
	}
	for env, want := range map[string]string{
		"demo": `{"issuer":"B/demo","token_endpoint":"B/demo/oauth/token","jwks_uri":"B/demo/oauth/jwks",` +
			`"scopes_supported":["coupons:read","customers:read","customers:write","payments:read","reports:read"],` +
			`"response_types_supported":[],"grant_types_supported":["client_credentials"],` +
			`"token_endpoint_auth_methods_supported":["client_secret_basic","client_secret_post"],` + more("demo") + `"service_documentation":"B/docs",` +
			`"subject_types_supported":["public"],"id_token_signing_alg_values_supported":["EdDSA"]}`,
		"platform": `{"issuer":"B/platform","token_endpoint":"B/platform/oauth/token","jwks_uri":"B/platform/oauth/jwks",` +
			`"response_types_supported":[],"grant_types_supported":["client_credentials"],` +
			`"token_endpoint_auth_methods_supported":["client_secret_basic","client_secret_post"],` + more("platform") + `"service_documentation":"B/docs",` +
			`"subject_types_supported":["public"],"id_token_signing_alg_values_supported":["ES256"]}`,
	} {
		for _, path := range metadataPaths(env) {
			a := in.get(path)
			if a.status != http.StatusOK || a.body != strings.ReplaceAll(want, "B/", base+"/") {
				t.Errorf("%s: got %d %s", path, a.status, a.body)
			}
			a.wantHeader("Content-Type", "application/json")
		}
	}
	for _, path := range []string{"/.well-known/oauth-authorization-server", "/.well-known/openid-configuration", "/.well-known/openid-configuration/demo",
		"/demo/.well-known/oauth-authorization-server", "/.well-known/oauth-authorization-server/staging", "/oauth/jwks", "/demo/api/oauth/jwks",
		"/staging/oauth/jwks", "/demo/oauth/token/", "/demo/oauth/jwks/", "/demo/api/oauth/introspect", "/oauth/revocations"} {
		if a := in.get(path); a.status != http.StatusNotFound {
			t.Errorf("%s: got status %d, want 404", path, a.status)
		}
	}
}

// What metadata says is so: the endpoints answer there, the listed ways of
// authentication work, and the token is signed with the listed algorithm.
func TestMetadataLeadsToAToken(t *testing.T) { // C-084, C-176
	in := install(t, func(demo, _ *authority.Environment) { demo.Algorithm = jose.EdDSA })
	k := in.key("demo", "customers:read")
	m := in.get(metadataPaths("demo")[0]).object()
	path := strings.TrimPrefix(text(m, "token_endpoint"), base)
	for _, a := range []*answer{
		in.post(path, asForm.contentType, formBody(k.request()...)),
		in.post(path, asForm.contentType, formBody(grant()...), basic(k.id, k.secret)...),
	} {
		i := a.issued("demo")
		if i.Issuer != text(m, "issuer") || text(i.protected, "alg") != "EdDSA" {
			t.Errorf("got iss %q, alg %q", i.Issuer, text(i.protected, "alg"))
		}
		keys, err := jose.ParseJWKS([]byte(in.get(strings.TrimPrefix(text(m, "jwks_uri"), base)).body))
		in.must(err)
		message, err := jose.Parse(i.token)
		in.must(err)
		in.must(message.Verify(keys[0]))
	}
}

func TestNoHeaderChangesTheURLs(t *testing.T) { // C-178
	in := install(t, nil)
	k := in.key("demo", "customers:read")
	want := in.get(metadataPaths("demo")[0])
	refused := in.ask(asForm, grant()).body
	for _, header := range [][]string{
		{"X-Forwarded-Host", "evil.example"}, {"X-Forwarded-Proto", "http"}, {"X-Forwarded-Port", "1"}, {"X-Forwarded-Prefix", "/evil"},
		{"Forwarded", "host=evil.example;proto=http"}, {"X-Original-URL", "/evil"}, {"X-Host", "evil.example"}, {"X-Forwarded-Server", "evil.example"},
	} {
		for _, host := range []string{"auth.example.com", "evil.example", "localhost", "", "auth.example.com:443", "demo.example.com"} {
			for _, path := range metadataPaths("demo") {
				r := newRequest("GET", path, nil, header...)
				r.Host = host
				if a := in.do(r); a.status != want.status || a.body != want.body {
					t.Errorf("%s with Host %q and %v: got %d %s", path, host, header, a.status, a.body)
				}
			}
			r := newRequest("POST", "/oauth/token", strings.NewReader(jsonBody(k.request()...)), append(header, "Content-Type", "application/json")...)
			r.Host = host
			if i := in.do(r).issued("demo"); i.Issuer != base+"/demo" || i.Audience != base+"/demo/api" {
				t.Errorf("Host %q and %v: got claims %+v", host, header, *i.Claims)
			}
		}
		if got := in.ask(asForm, grant(), header...).body; got != refused {
			t.Errorf("%v: got %s, want %s", header, got, refused)
		}
	}
}

func TestJWKSHasPublicMembersOnly(t *testing.T) { // C-179
	in := install(t, func(demo, production *authority.Environment) {
		demo.Algorithm, production.Algorithm = jose.RS256, jose.EdDSA
	})
	for env, want := range map[string]string{"demo": "e kty n kid alg use", "production": "crv kty x kid alg use", "platform": "crv kty x y kid alg use"} {
		a := in.get("/" + env + "/oauth/jwks")
		a.wantHeader("Content-Type", "application/json")
		keys, _ := a.object().Get("keys")
		items, ok := keys.Array()
		if a.status != http.StatusOK || !ok || len(items) != 2 || len(a.object()) != 1 { // one signs, one is announced
			t.Fatalf("%s: got %d %s", env, a.status, a.body)
		}
		for i := range items {
			jwk, _ := items[i].Object()
			names := []string{}
			for _, m := range jwk {
				names = append(names, m.Name)
			}
			if got := strings.Join(names, " "); got != want || text(jwk, "use") != "sig" || text(jwk, "kid") == "" {
				t.Errorf("%s: got members %s in %s, want %s", env, got, a.body, want)
			}
			wantSamePEM(t, in, env, jwk)
		}
	}
}

// wantSamePEM compares the PEM of a signing key with its JWK, by the standard
// library alone.
func wantSamePEM(t *testing.T, in *installation, env string, jwk strictjson.Object) {
	t.Helper()
	a := in.get("/" + env + "/oauth/jwks/" + text(jwk, "kid") + ".pem")
	a.wantHeader("Content-Type", "application/x-pem-file")
	block, rest := pem.Decode([]byte(a.body))
	if a.status != http.StatusOK || block == nil || block.Type != "PUBLIC KEY" || len(rest) > 0 {
		t.Fatalf("%s: got %d %s", env, a.status, a.body)
	}
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	in.must(err)
	octets := func(name string) []byte {
		b, err := jose.DecodeBase64(text(jwk, name))
		in.must(err)
		return b
	}
	var same bool
	switch p := public.(type) {
	case *ecdsa.PublicKey:
		point, err := p.Bytes()
		in.must(err)
		same = string(point[1:]) == string(octets("x"))+string(octets("y")) && len(octets("x")) == 32
	case ed25519.PublicKey:
		same = string(p) == string(octets("x"))
	case *rsa.PublicKey:
		same = p.N.Cmp(new(big.Int).SetBytes(octets("n"))) == 0 && big.NewInt(int64(p.E)).Cmp(new(big.Int).SetBytes(octets("e"))) == 0 && p.N.BitLen() == 2048
	}
	if !same {
		t.Errorf("%s: the PEM is not the key of the JWK", env)
	}
}

func TestUnknownSigningKeysAreNotFound(t *testing.T) {
	in := install(t, nil)
	demo, err := in.Issuer("demo")
	in.must(err)
	kid := demo.Keys[0].KeyID()
	for _, path := range []string{"/demo/oauth/jwks/" + kid, "/demo/oauth/jwks/" + kid + ".PEM", "/demo/oauth/jwks/x.pem", "/demo/oauth/jwks/.pem",
		"/demo/oauth/jwks/..%2fjwks", "/demo/oauth/jwks/%00.pem", "/production/oauth/jwks/" + kid + ".pem"} {
		in.get(path).refused(reasonNotFound)
	}
}

func TestPublicDocumentsAreCached(t *testing.T) { // C-180
	in := install(t, nil)
	issuer, err := in.Issuer("demo")
	in.must(err)
	for _, path := range append(metadataPaths("demo"), "/demo/oauth/jwks", "/demo/oauth/jwks/"+issuer.Keys[0].KeyID()+".pem") {
		first := in.get(path)
		etag := first.header.Get("ETag")
		first.wantHeader("Cache-Control", "public, max-age=300")
		first.wantHeader("Pragma", "")
		if len(etag) < 10 || etag[0] != '"' {
			t.Errorf("%s: got ETag %s", path, etag)
		}
		for _, header := range []string{etag, "W/" + etag, `"x", ` + etag, etag + `,"y"`, "*"} {
			a := in.get(path, "If-None-Match", header)
			if a.status != http.StatusNotModified || a.body != "" {
				t.Errorf("%s, If-None-Match %s: got %d %s", path, header, a.status, a.body)
			}
			a.wantHeader("ETag", etag)
			a.wantHeader("Cache-Control", "public, max-age=300")
			a.wantHeader("Access-Control-Allow-Origin", "*")
		}
		for _, header := range []string{"", `"x"`, strings.Trim(etag, `"`), etag[:10], strings.ToUpper(etag)} {
			if a := in.get(path, "If-None-Match", header); a.status != http.StatusOK || a.body != first.body {
				t.Errorf("%s, If-None-Match %s: got %d", path, header, a.status)
			}
		}
		for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS", "PATCH"} {
			a := in.do(newRequest(method, path, nil))
			a.refused(reasonMethod)
			a.wantHeader("Allow", "GET, HEAD")
			a.wantHeader("ETag", "")
		}
	}
	before := in.get(metadataPaths("demo")[0]).header.Get("ETag")
	in.scope("orders:read", "")
	if a := in.get(metadataPaths("demo")[0], "If-None-Match", before); a.status != http.StatusOK || !strings.Contains(a.body, "orders:read") {
		t.Errorf("a new scope is not in the metadata: got %d %s", a.status, a.body)
	}
}

// Debuggers in a browser read keys and metadata; nothing else is for pages of
// other origins.
func TestCrossOriginReadingOfPublicDocumentsOnly(t *testing.T) { // C-024, C-180
	in := install(t, nil)
	issuer, err := in.Issuer("demo")
	in.must(err)
	k := in.key("demo", "customers:read")
	origin := []string{"Origin", "https://evil.example", "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization"}
	public := append(metadataPaths("demo"), "/demo/oauth/jwks", "/demo/oauth/jwks/"+issuer.Keys[0].KeyID()+".pem", "/demo/oauth/jwks/x.pem")
	for _, path := range public {
		for _, method := range []string{"GET", "HEAD", "POST", "OPTIONS"} {
			a := in.do(newRequest(method, path, nil, origin...))
			a.wantHeader("Access-Control-Allow-Origin", "*")
			a.wantHeader("Access-Control-Allow-Credentials", "")
			a.wantHeader("Access-Control-Allow-Headers", "")
		}
	}
	token := func(path, method string) *answer {
		return in.do(newRequest(method, path, strings.NewReader(jsonBody(k.request()...)), append(origin, "Content-Type", "application/json")...))
	}
	for _, path := range append(commonEndpoints, append(demoEndpoints, "/", "/.well-known/oauth-authorization-server", "/x")...) {
		for _, method := range []string{"GET", "POST", "OPTIONS"} {
			for name := range token(path, method).header {
				if strings.HasPrefix(name, "Access-Control-") {
					t.Errorf("%s %s: got header %s", method, path, name)
				}
			}
		}
	}
}

func TestPublicDocumentsOutliveTheDatabase(t *testing.T) { // C-022
	in := install(t, nil)
	in.must(in.store.Close())
	in.advance(24 * time.Hour)
	for _, path := range append(metadataPaths("demo"), "/demo/oauth/jwks") {
		if a := in.get(path); a.status != http.StatusOK {
			t.Errorf("%s: got status %d", path, a.status)
		}
	}
}

// C-180: what may be kept for how long is what the life of a signing key
// reckons with.
func TestMaxAgeIsTheConfiguredOne(t *testing.T) {
	in := install(t, nil)
	in.config.JWKSMaxAge = 90 * time.Second
	var err error
	in.Authority, err = authority.Open(t.Context(), in.config)
	in.must(err)
	in.must(in.LoadDirectory(t.Context()))
	in.registry = prometheus.NewRegistry()
	in.serve()
	for _, path := range append(metadataPaths("demo"), "/demo/oauth/jwks") {
		in.get(path).wantHeader("Cache-Control", "public, max-age=90")
	}
	if announced := in.signingKeys("demo")[1]; announced.RipeAt.Sub(announced.CreatedAt) < in.JWKSMaxAge() {
		t.Errorf("a key signs %s after it was announced", announced.RipeAt.Sub(announced.CreatedAt))
	}
}

// signingKeys reads those of an environment, the oldest first.
func (in *installation) signingKeys(env string) (list []authority.SigningKey) {
	in.Helper()
	keys, err := in.SigningKeys(in.Context(), actor)
	in.must(err)
	for _, k := range keys {
		if k.Env == env {
			list = append(list, k)
		}
	}
	return list
}

// C-181, C-182: announced, active and retired keys are in the JWKS and have a
// PEM; removed and revoked ones are nowhere.
func TestThePublishedSigningKeys(t *testing.T) {
	in := install(t, nil)
	published := func(want ...int) {
		t.Helper()
		jwks := in.get("/demo/oauth/jwks").body
		for i, k := range in.signingKeys("demo") {
			is := slices.Contains(want, i)
			if strings.Contains(jwks, `"kid":"`+k.KeyID+`"`) != is {
				t.Errorf("key %d, %s: in %s", i, k.Status, jwks)
			}
			if a := in.get("/demo/oauth/jwks/" + k.KeyID + ".pem"); (a.status == http.StatusOK) != is {
				t.Errorf("key %d, %s: its PEM answers %d", i, k.Status, a.status)
			}
		}
	}
	published(0, 1)
	in.advance(11 * time.Minute)
	_, err := in.RotateSigningKey(t.Context(), actor, "demo")
	in.must(err)
	published(0, 1, 2)
	_, err = in.RevokeSigningKey(t.Context(), actor, in.signingKeys("demo")[1].KeyID, true)
	in.must(err)
	published(0, 2, 3)
	in.advance(2 * time.Hour)
	in.must(in.TendSigningKeys(t.Context()))
	published(2, 3)
}

// C-182: once a signing key is revoked, introspection refuses its tokens, and
// the feed lists it and is signed by another.
func TestTokensOfARevokedSigningKeyAreDead(t *testing.T) {
	in := install(t, nil)
	k := in.key("demo", "customers:read")
	token, kid := in.token(k), in.signingKeys("demo")[0].KeyID
	in.active(k, token)
	in.advance(11 * time.Minute)
	in.must(in.LoadDirectory(t.Context()))
	_, err := in.RevokeSigningKey(t.Context(), actor, kid, false)
	in.must(err)
	in.inactive(k, token)
	if f := in.feed(""); !slices.Equal(f.SigningKeys, []string{kid}) { // in.feed verifies with what is published now
		t.Errorf("the feed is %+v", f)
	}
	in.active(k, in.token(k)) // its API key has lost nothing
	// Once no token of it can live, it need not be listed any more.
	in.advance(3 * time.Hour)
	in.must(in.LoadDirectory(t.Context()))
	in.must(in.SweepRevocations(t.Context()))
	in.inactive(k, token)
	if f := in.feed(""); len(f.SigningKeys) != 0 {
		t.Errorf("the feed is %+v", f)
	}
}
