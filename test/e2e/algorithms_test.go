package e2e

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/test/harness"
)

func TestEveryAlgorithmVerifiesWithJose(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	in.Configure(t, `
environments:
  rsa: {algorithm: RS256}
  pss: {algorithm: PS256}
  ed: {algorithm: EdDSA}
`)
	in.Start(t)
	in.Seed(t)
	algorithms := map[string]string{"rsa": "RS256", "pss": "PS256", "ed": "EdDSA"}
	var names []string
	var jobs []harness.Verification
	for env, algorithm := range algorithms {
		key := in.CreateKey(t, env)
		var token string
		harness.Eventually(t, harness.Soon, "the new API key works", func() bool {
			token = in.Ask(t, in.URL+"/oauth/token", key.ClientID, key.ClientSecret).AccessToken
			return token != ""
		})
		issuer := in.URL + "/" + env
		harness.CheckShape(t, token, issuer, env, "customers:read customers:write")
		good := harness.Verification{
			Token: token, JWKSURI: issuer + "/oauth/jwks", Issuer: issuer, Audience: issuer + "/api", Type: "at+jwt", Algorithms: []string{algorithm},
		}
		other, stranger := good, good
		other.Algorithms, stranger.Audience = []string{"ES256"}, in.URL+"/api"
		jobs = append(jobs, good, other, stranger)
		names = append(names, algorithm, algorithm+" where ES256 is wanted", algorithm+" for another audience")
	}
	for i, found := range harness.Jose(t, jobs...) {
		if good := i%3 == 0; good != (found.Error == "") {
			t.Errorf("%s: jose says %q", names[i], found.Error)
		}
	}
}

// PEM is for gateways that read no JWKS; openssl is such a one.
func TestPEMOfASigningKeyVerifiesWithOpenSSL(t *testing.T) {
	t.Parallel()
	harness.Need(t, "openssl")
	in := harness.New(t)
	in.Configure(t, "environments: {demo: {algorithm: RS256}}\n")
	in.Start(t)
	in.Seed(t)
	key := in.CreateKey(t, "demo")
	in.AwaitKeys(t, key)
	token := in.Token(t, key)
	kid, _ := harness.Part(t, token, 0)["kid"].(string)
	pem := in.Get(t, in.URL+"/demo/oauth/jwks/"+kid+".pem")
	dir := t.TempDir()
	dot := strings.LastIndexByte(token, '.')
	signature, err := base64.RawURLEncoding.DecodeString(token[dot+1:])
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"key.pem": pem.Body, "signed": []byte(token[:dot]), "signature": signature} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out := harness.Tool(t, "", "openssl", "dgst", "-sha256", "-verify", filepath.Join(dir, "key.pem"),
		"-signature", filepath.Join(dir, "signature"), filepath.Join(dir, "signed"))
	if strings.TrimSpace(out) != "Verified OK" {
		t.Errorf("openssl says %q", out)
	}
}
