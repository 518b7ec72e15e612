// Package ssotest runs a provider of single sign-on inside tests, which does what a
// real one never would: it says anything, of anybody, at any time. It knows the
// protocol from the other side, and nothing of what is tested. For tests alone.
package ssotest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/jose"
)

// What the provider knows of its one client, and the code that it gives out.
const (
	ClientID     = "console"
	ClientSecret = "hunter2-client-secret"
	Code         = "code-of-the-provider"
)

// IdP is a provider at a loopback address. Its exported fields say what the next
// answers are; while it may be asked they are changed within Set.
type IdP struct {
	URL      string       // and issuer
	Asked    atomic.Int32 // how often it was asked for its metadata
	Now      time.Time
	Metadata map[string]any              // in the place of its own members; nil takes one away
	Claims   map[string]any              // of ID tokens, likewise
	Token    func() string               // the next ID token; nil for none
	Answers  map[string]http.HandlerFunc // by path, in the place of what is right
	Wanted   url.Values                  // form of the last token request
	Basic    [2]string                   // its Basic authentication

	t      testing.TB
	signer *jose.Signer
	mu     sync.Mutex
}

// Start runs a provider until the test ends.
func Start(t testing.TB) *IdP {
	t.Helper()
	i := &IdP{t: t, Now: time.Unix(1764000000, 0).UTC(), Metadata: map[string]any{}, Claims: map[string]any{}, Answers: map[string]http.HandlerFunc{}}
	i.RenewKey()
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", i.serveMetadata)
	mux.HandleFunc("/jwks", func(w http.ResponseWriter, _ *http.Request) {
		i.mu.Lock()
		defer i.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(jose.MarshalJWKS([]*jose.Key{i.signer.Public()}))
	})
	mux.HandleFunc("/token", i.serveToken)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.mu.Lock()
		special := i.Answers[r.URL.Path]
		i.mu.Unlock()
		if r.URL.Path == "/.well-known/openid-configuration" {
			i.Asked.Add(1)
		}
		if special != nil {
			special(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	i.URL = server.URL
	t.Cleanup(server.Close)
	return i
}

// changed is members with those of a test in the place of theirs.
func changed(members, by map[string]any) map[string]any {
	maps.Copy(members, by)
	maps.DeleteFunc(members, func(_ string, v any) bool { return v == nil })
	return members
}

func (i *IdP) serveMetadata(w http.ResponseWriter, _ *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(changed(map[string]any{
		"issuer": i.URL, "authorization_endpoint": i.URL + "/authorize", "token_endpoint": i.URL + "/token", "jwks_uri": i.URL + "/jwks",
		"id_token_signing_alg_values_supported": []string{"ES256"}, "authorization_response_iss_parameter_supported": true,
	}, i.Metadata))
}

func (i *IdP) serveToken(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if err := r.ParseForm(); err != nil {
		i.t.Error(err)
	}
	i.Wanted = r.PostForm
	i.Basic[0], i.Basic[1], _ = r.BasicAuth()
	answer := map[string]any{"access_token": "x", "token_type": "Bearer"}
	if i.Token != nil {
		answer["id_token"] = i.Token()
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}

// Sign makes an ID token. It is for Token, or within Set.
func (i *IdP) Sign(nonce string) string { return i.signWith(i.signer, nonce) }

func (i *IdP) signWith(signer *jose.Signer, nonce string) string {
	claims := changed(map[string]any{
		"iss": i.URL, "aud": ClientID, "sub": "0042", "nonce": nonce, "name": "Olga Operator", "email": "somebody@else.example",
		"iat": i.Now.Unix(), "exp": i.Now.Add(5 * time.Minute).Unix(), "auth_time": i.Now.Add(-time.Hour).Unix(),
	}, i.Claims)
	payload, err := json.Marshal(claims)
	if err != nil {
		i.t.Error(err) // on a goroutine of the server
	}
	token, err := signer.AppendCompact(nil, signer.Header("JWT"), payload)
	if err != nil {
		i.t.Error(err) // on a goroutine of the server
	}
	return string(token)
}

// Set changes what the provider does from now on.
func (i *IdP) Set(change func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	change()
}

// Clock is the provider's own.
func (i *IdP) Clock() time.Time {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.Now
}

// RenewKey takes another signing key, and withdraws the one before, which is
// returned to make tokens with that are not to be believed.
func (i *IdP) RenewKey() (stolen func(nonce string) string) {
	before := i.signer
	key, err := jose.GenerateKey(jose.ES256, 0)
	if err != nil {
		i.t.Fatal(err)
	}
	if i.signer, err = jose.NewSigner(jose.ES256, key); err != nil {
		i.t.Fatal(err)
	}
	return func(nonce string) string { return i.signWith(before, nonce) }
}

// SignIn is somebody at the provider whose browser was led to the URL to: it
// returns the query that leads back.
func (i *IdP) SignIn(to string) url.Values {
	i.t.Helper()
	u, err := url.Parse(to)
	if err != nil {
		i.t.Fatal(err)
	}
	nonce := u.Query().Get("nonce")
	i.Set(func() { i.Token = func() string { return i.Sign(nonce) } })
	return url.Values{"state": {u.Query().Get("state")}, "code": {Code}, "iss": {i.URL}}
}

// Status is an answer with a status, and a text that must not be told on.
func Status(n int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(n)
		_, _ = fmt.Fprintf(w, `{"error": "<script>hunter2", "error_description": %q}`, ClientSecret)
	}
}
