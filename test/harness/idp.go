package harness

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// IdP is a provider of single sign-on: npm oidc-provider, at another site than an
// installation's, which is at localhost.
type IdP struct {
	Issuer     string
	ClientID   string
	SecretFile string // holds the client secret, which is to be found nowhere else

	secret, redirect string
	installation     *Installation
	running          *Program
}

// NewIdP prepares a provider that knows the installation. It does not run yet.
func NewIdP(t testing.TB, in *Installation) *IdP {
	t.Helper()
	Need(t, "node")
	if _, err := os.Stat(File("test", "interop", "node_modules", "oidc-provider")); err != nil {
		Missing(t, "the npm package oidc-provider is not installed in test/interop")
	}
	idp := &IdP{
		Issuer: fmt.Sprintf("http://127.0.0.1:%d", FreePort(t)), ClientID: "tokenwright", SecretFile: filepath.Join(t.TempDir(), "client-secret"),
		secret: rand.Text(), redirect: in.URL + "/console/sso/callback", installation: in,
	}
	NoteSecret(idp.secret)
	if err := os.WriteFile(idp.SecretFile, []byte(idp.secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return idp
}

// Config is the provider in the configuration of a server, as corp.
func (p *IdP) Config() string {
	return fmt.Sprintf("single_sign_on: {corp: {issuer: %q, client_id: %q, client_secret_file: %q, label: Example Corp}}\n", p.Issuer, p.ClientID, p.SecretFile)
}

// Start runs the provider until it answers; pkce is whether it insists on PKCE.
func (p *IdP) Start(t testing.TB, pkce bool) {
	t.Helper()
	client := map[string]string{"id": p.ClientID, "secret": p.secret, "redirect": p.redirect}
	config, err := json.Marshal(map[string]any{"issuer": p.Issuer, "clients": []any{client}, "pkce": pkce})
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(FindProgram(t, "node"), File("test", "interop", "idp.mjs"), string(config))
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + run.own}
	p.running = p.installation.Background(t, "idp", c)
	Eventually(t, Soon, "the provider answers", func() bool {
		resp, err := http.Get(p.Issuer + "/.well-known/openid-configuration")
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
}

// Stop ends the provider.
func (p *IdP) Stop() { p.running.Kill() }
