package e2e

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestEveryAlgorithmVerifiesWithJose(t *testing.T) {
	t.Parallel()
	in := newInstallation(t)
	in.configure(t, `
environments:
  rsa: {algorithm: RS256}
  pss: {algorithm: PS256}
  ed: {algorithm: EdDSA}
`)
	in.start(t)
	in.seed(t)
	algorithms := map[string]string{"rsa": "RS256", "pss": "PS256", "ed": "EdDSA"}
	var names []string
	var jobs []verification
	for env, algorithm := range algorithms {
		key := in.createKey(t, env)
		var token string
		eventually(t, aSecond, "the new API key works", func() bool {
			token = in.ask(t, in.url+"/oauth/token", key.ClientID, key.ClientSecret).AccessToken
			return token != ""
		})
		issuer := in.url + "/" + env
		checkShape(t, token, issuer, env, "customers:read customers:write")
		good := verification{
			Token: token, JWKSURI: issuer + "/oauth/jwks", Issuer: issuer, Audience: issuer + "/api", Type: "at+jwt", Algorithms: []string{algorithm},
		}
		other, stranger := good, good
		other.Algorithms, stranger.Audience = []string{"ES256"}, in.url+"/api"
		jobs = append(jobs, good, other, stranger)
		names = append(names, algorithm, algorithm+" where ES256 is wanted", algorithm+" for another audience")
	}
	for i, found := range jose(t, jobs...) {
		if good := i%3 == 0; good != (found.Error == "") {
			t.Errorf("%s: jose says %q", names[i], found.Error)
		}
	}
}

// PEM is for gateways that read no JWKS; openssl is such a one.
func TestPEMOfASigningKeyVerifiesWithOpenSSL(t *testing.T) {
	t.Parallel()
	need(t, "openssl")
	in := newInstallation(t)
	in.configure(t, "environments: {demo: {algorithm: RS256}}\n")
	in.start(t)
	in.seed(t)
	key := in.createKey(t, "demo")
	eventually(t, aSecond, "the new API key works", func() bool { return in.works(t, key) })
	token := in.token(t, key)
	kid, _ := part(t, token, 0)["kid"].(string)
	pem := in.get(t, in.url+"/demo/oauth/jwks/"+kid+".pem")
	dir := t.TempDir()
	dot := strings.LastIndexByte(token, '.')
	signature, err := base64.RawURLEncoding.DecodeString(token[dot+1:])
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"key.pem": pem.body, "signed": []byte(token[:dot]), "signature": signature} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out := tool(t, "", "openssl", "dgst", "-sha256", "-verify", filepath.Join(dir, "key.pem"),
		"-signature", filepath.Join(dir, "signature"), filepath.Join(dir, "signed"))
	if strings.TrimSpace(out) != "Verified OK" {
		t.Errorf("openssl says %q", out)
	}
}
