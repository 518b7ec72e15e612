package sso_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/sso"
	"github.com/tokenwright/tokenwright/internal/ssotest"
)

// C-477: a provider that is down, or odd, is told so, without what it has said.
func TestAProviderThatDoesNotAnswerIsUnavailable(t *testing.T) {
	t.Parallel()
	thief := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("%s of another host was asked", r.URL) }))
	defer thief.Close()
	elsewhere := func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, thief.URL+"/"+ssotest.ClientSecret, http.StatusTemporaryRedirect)
	}
	endless := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"x":"` + strings.Repeat("a", 2<<20) + `"}`))
	}
	for name, set := range map[string]func(*ssotest.IdP){
		"metadata: 500":             func(i *ssotest.IdP) { i.Answers["/.well-known/openid-configuration"] = ssotest.Status(500) },
		"metadata: elsewhere":       func(i *ssotest.IdP) { i.Answers["/.well-known/openid-configuration"] = elsewhere },
		"metadata: endless":         func(i *ssotest.IdP) { i.Answers["/.well-known/openid-configuration"] = endless },
		"metadata: of another":      func(i *ssotest.IdP) { i.Metadata["issuer"] = "https://evil.example" },
		"metadata: no endpoint":     func(i *ssotest.IdP) { i.Metadata["authorization_endpoint"] = nil },
		"metadata: plain http":      func(i *ssotest.IdP) { i.Metadata["token_endpoint"] = "http://login.example.com/token" },
		"metadata: keys in clear":   func(i *ssotest.IdP) { i.Metadata["jwks_uri"] = "http://login.example.com/jwks" },
		"metadata: script":          func(i *ssotest.IdP) { i.Metadata["authorization_endpoint"] = "javascript:alert(1)" },
		"token endpoint: 500":       func(i *ssotest.IdP) { i.Answers["/token"] = ssotest.Status(500) },
		"token endpoint: elsewhere": func(i *ssotest.IdP) { i.Answers["/token"] = elsewhere },
		"token endpoint: endless":   func(i *ssotest.IdP) { i.Answers["/token"] = endless },
	} {
		i := ssotest.Start(t)
		set(i)
		p := providerOf(i)
		_, a, err := p.Begin(t.Context(), false)
		if err == nil {
			_, err = p.Finish(t.Context(), a, answered(i, a))
		}
		if !errors.Is(err, sso.ErrUnavailable) || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), ssotest.Code) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// C-477: what a provider refuses is known by registered codes, and by nothing that
// anybody could write.
func TestRefusalsAreToldInOurOwnWords(t *testing.T) {
	t.Parallel()
	i := ssotest.Start(t)
	p := providerOf(i)
	a, _ := attempt(t, p, i, false)
	for sent, want := range map[string]string{"access_denied": "access_denied", "login_required": "login_required", "<script>": "other", "": "other"} {
		q := answered(i, a)
		q.Set("error", sent)
		q.Set("error_description", "hunter2")
		_, err := p.Finish(t.Context(), a, q)
		var refused *sso.RefusedError
		if !errors.As(err, &refused) || refused.Code != want || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: got %v", sent, err)
		}
	}
	i.Set(func() { i.Answers["/token"] = ssotest.Status(400) })
	_, err := p.Finish(t.Context(), a, answered(i, a))
	var refused *sso.RefusedError
	if !errors.As(err, &refused) || refused.Code != "other" || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the token endpoint: got %v", err)
	}
}

// C-477: metadata is read when it is needed, once for all who wait, and anew after
// an hour; a provider that is down then is as good as before.
func TestMetadataIsReadWhenNeeded(t *testing.T) {
	t.Parallel()
	i := ssotest.Start(t)
	const path = "/.well-known/openid-configuration"
	i.Answers[path] = ssotest.Status(503)
	p := providerOf(i)
	begin := func() error { _, _, err := p.Begin(t.Context(), false); return err }
	hold := func(asked int32, good bool, when string) {
		t.Helper()
		if err := begin(); (err == nil) != good || i.Asked.Load() != asked {
			t.Fatalf("%s: got %v, asked %d times, want %d", when, err, i.Asked.Load(), asked)
		}
	}
	hold(1, false, "down")
	i.Set(func() { delete(i.Answers, path) })
	hold(1, false, "a moment later, not asked again")
	i.Set(func() { i.Now = i.Now.Add(3 * time.Second) })
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if err := begin(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	hold(2, true, "up again, once for twenty")
	i.Set(func() { i.Now = i.Now.Add(59 * time.Minute); i.Answers[path] = ssotest.Status(503) })
	hold(2, true, "within the hour")
	i.Set(func() { i.Now = i.Now.Add(2 * time.Minute) })
	hold(3, true, "down after the hour")
	hold(3, true, "a moment later, not asked again")
	i.Set(func() { i.Now = i.Now.Add(3 * time.Second); delete(i.Answers, path) })
	hold(4, true, "up after the hour")
}

// C-477: a key that the provider has withdrawn signs nobody in after an hour.
func TestAWithdrawnKeyEnds(t *testing.T) {
	t.Parallel()
	i := ssotest.Start(t)
	p := providerOf(i)
	a, _ := attempt(t, p, i, false)
	if _, err := p.Finish(t.Context(), a, answered(i, a)); err != nil {
		t.Fatal(err)
	}
	var stolen func(nonce string) string
	i.Set(func() { stolen = i.RenewKey(); i.Now = i.Now.Add(61 * time.Minute) })
	if _, err := p.Finish(t.Context(), a, answered(i, a)); err != nil {
		t.Errorf("the new key: got %v", err)
	}
	i.Set(func() { i.Token = func() string { return stolen(a.Nonce) } })
	if _, err := p.Finish(t.Context(), a, answered(i, a)); !errors.Is(err, sso.ErrAnswer) {
		t.Errorf("the withdrawn key: got %v", err)
	}
}

// C-477: no verb and no encoder shows the secret.
func TestTheClientSecretDoesNotPrint(t *testing.T) {
	t.Parallel()
	c := sso.Config{Name: "corp", ClientSecret: ssotest.ClientSecret}
	shown, err := json.Marshal(struct{ S sso.Secret }{c.ClientSecret})
	text := fmt.Sprintf("%v %+v %#v %s %q %x %s", c, c, c.ClientSecret, c.ClientSecret, c.ClientSecret, c.ClientSecret, shown)
	if err != nil || strings.Contains(text, "hunter2") || strings.Contains(text, fmt.Sprintf("%x", ssotest.ClientSecret)) {
		t.Errorf("got %s (%v)", text, err)
	}
	if c.ClientSecret.Reveal() != ssotest.ClientSecret {
		t.Error("Reveal does not return it")
	}
}
