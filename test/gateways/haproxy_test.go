package gateways

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/harness"
	"github.com/tokenwright/tokenwright/tokenwrighttest"
)

// C-336: HAProxy verifies by itself, with the keys that haproxy-keys has fetched.
func TestHAProxyVerifiesByItself(t *testing.T) {
	harness.Need(t, "haproxy", "curl", "openssl")
	s := startSite(t, "max_staleness: 5s\njwks_max_age: 1s\nclock_skew: 1s\n") // so that a rotation takes 7 s
	keys := t.TempDir()
	if code := fetchKeys(t, s, keys); code != 0 {
		t.Fatalf("haproxy-keys ends with %d, though all keys are new", code)
	}
	if code := fetchKeys(t, s, keys); code != 1 {
		t.Errorf("haproxy-keys ends with %d, though no key is new", code)
	}
	g := startHAProxy(t, s.Installation, s.URL+"/demo", keys)
	reader, writer, other, live := s.Token(t, s.reader), s.Token(t, s.writer), s.Token(t, s.other), s.Token(t, s.live)
	letsPass(t, g, writer, s.writer.ClientID)
	onlyTheCheckSaysWhoCalls(t, g, reader, s.reader.ClientID)
	g.refuses(t, 401, "Access token missing.", `/demo/api"`, "GET /v2/customers", "")
	g.refuses(t, 401, "Access token missing.", `/demo/api"`, "GET /v2/customers", "", "Authorization: Basic dTpw")
	g.refuses(t, 401, "more than one", `error="invalid_request"`, "GET /v2/customers", reader, "Authorization: Bearer "+writer)
	g.refuses(t, 401, "not accepted", `error="invalid_token"`, "GET /v2/customers", live)
	g.refuses(t, 401, "not accepted", `error="invalid_token"`, "GET /v2/customers", s.operator)
	g.refuses(t, 403, "lacks a scope", `scope="customers:read customers:write"`, "POST /v2/import", reader)
	g.refuses(t, 403, "not for this", `error="insufficient_scope"`, "POST /v2/import", other)
	g.passes(t, "GET /v2/customers", other)
	theCallerDoesNotChooseThePolicy(t, g, reader, other)

	// What the page on gateways says of it: only a signing key that is gone ends a token.
	s.CLI(t, "key", "disable", s.reader.ClientID)
	g.passes(t, "GET /v2/customers", reader)
	s.rotate(t)
	if code := fetchKeys(t, s, keys); code != 0 {
		t.Errorf("haproxy-keys ends with %d after a rotation", code)
	}
	g.Kill()
	g = startHAProxy(t, s.Installation, s.URL+"/demo", keys)
	g.passes(t, "GET /v2/customers", reader)
	g.passes(t, "GET /v2/customers", s.Token(t, s.writer))
	s.revokeSigningKey(t, reader)
	harness.Eventually(t, 5*time.Second, "the revoked key is out of the JWKS", func() bool { return fetchKeys(t, s, keys) == 0 })
	g.Kill()
	g = startHAProxy(t, s.Installation, s.URL+"/demo", keys)
	g.refuses(t, 401, "not accepted", `error="invalid_token"`, "GET /v2/customers", reader)
	g.passes(t, "GET /v2/customers", s.Token(t, s.writer))

	s.Stop(t)
	if code := fetchKeys(t, s, keys); code != 1 {
		t.Errorf("haproxy-keys ends with %d without an issuer", code)
	}
	g.Kill()
	g = startHAProxy(t, s.Installation, s.URL+"/demo", keys) // with what it had
	g.refuses(t, 401, "not accepted", `error="invalid_token"`, "GET /v2/customers", reader)
}

// fetchKeys runs the script of the example, and returns its exit code.
func fetchKeys(t *testing.T, s *site, dir string) int {
	t.Helper()
	r := s.Finish(t, exec.Command(harness.Example("gateways", "haproxy-keys"), s.URL+"/demo", dir))
	if r.Code > 1 {
		t.Errorf("haproxy-keys: exit code %d: %s", r.Code, r.Stderr)
	}
	return r.Code
}

// rotate has the next signing key sign.
func (s *site) rotate(t *testing.T) {
	t.Helper()
	before := harness.Part(t, s.Token(t, s.writer), 0)["kid"]
	s.CLI(t, "signing-key", "rotate", "--env", "demo")
	harness.Eventually(t, harness.Soon, "the next key signs", func() bool { return harness.Part(t, s.Token(t, s.writer), 0)["kid"] != before })
}

// revokeSigningKey ends the key that signed a token. Its ID may begin with a hyphen,
// and so stands last.
func (s *site) revokeSigningKey(t *testing.T, token string) {
	t.Helper()
	kid, _ := harness.Part(t, token, 0)["kid"].(string)
	s.CLI(t, "signing-key", "revoke", "--force", "--yes", "--", kid)
}

// C-336: C-095 to C-108, as far as HAProxy looks: what it does not accept.
func TestHAProxyLetsNoBadTokenPass(t *testing.T) {
	iss := tokenwrighttest.New(t)
	in := harness.New(t)
	g := startHAProxy(t, in, iss.URL, writeKeys(t, iss))
	arrived := g.passes(t, "GET /v2/customers", iss.Token(tokenwrighttest.Merchant(9007199254740991)))
	saysWhoCalls(t, arrived, "the largest merchant ID", "9007199254740991", "demo", iss.ClientID, "customers:read")
	for what, token := range iss.BadTokens() {
		t.Log(what)
		g.refuses(t, 401, "", `error="invalid_token"`, "GET /v2/customers", token)
	}
	g.refuses(t, 401, "Expired token.", `error_description="Expired token."`, "GET /v2/customers", iss.Token(tokenwrighttest.ExpiresIn(-time.Second)))
	g.refuses(t, 403, "not for this", "", "GET /v2/customers", iss.Token(tokenwrighttest.Env("production")))
	g.refuses(t, 403, "not for this", "", "GET /v2/customers", iss.Token(tokenwrighttest.Merchant(0)))
	for _, scope := range []string{"", "customers:readonly", "all-customers:read", "customers:write", "customers-read", "Customers:read"} {
		g.refuses(t, 403, "customers:read", "", "GET /v2/customers", iss.Token(tokenwrighttest.Scopes(scope)))
	}
	for _, scope := range []string{"customers:read", "a customers:read", "customers:read b", "a customers:read b"} {
		g.passes(t, "GET /v2/customers", iss.Token(tokenwrighttest.Scopes(scope)))
	}
}

// writeKeys writes the signing keys of an issuer as the server has them at
// /oauth/jwks/{kid}.pem.
func writeKeys(t *testing.T, iss *tokenwrighttest.Issuer) string {
	t.Helper()
	resp, err := iss.Client().Get(iss.URL + "/oauth/jwks")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var set struct{ Keys []struct{ X, Y string } }
	if err := json.Unmarshal(text, &set); err != nil || len(set.Keys) == 0 {
		t.Fatalf("%v: %s", err, text)
	}
	dir := t.TempDir()
	for n := range 3 {
		k := set.Keys[min(n, len(set.Keys)-1)]
		point := []byte{4}
		for _, part := range []string{k.X, k.Y} {
			raw, err := base64.RawURLEncoding.DecodeString(part)
			if err != nil {
				t.Fatal(err)
			}
			point = append(point, raw...)
		}
		key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
		if err != nil {
			t.Fatal(err)
		}
		der, err := x509.MarshalPKIXPublicKey(key)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, fmt.Sprintf("key%d.pem", n+1)), string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})))
	}
	return dir
}
