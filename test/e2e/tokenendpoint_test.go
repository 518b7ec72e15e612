package e2e

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"testing"

	"github.com/tokenwright/tokenwright/test/harness"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

func TestGuidesCurlCommandGetsTheGuidesAnswer(t *testing.T) {
	t.Parallel()
	s, key := harness.StartWithKey(t, "demo")
	body := harness.TokenRequest(t, key.ClientID, key.ClientSecret)
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {key.ClientID}, "client_secret": {key.ClientSecret}}.Encode()
	jwks := s.URL + "/demo/oauth/jwks"
	var jobs []harness.Verification
	for name, args := range map[string][]string{
		"JSON":          {"-XPOST", s.URL + "/api/oauth/token", "-H", "Content-Type: application/json", "-d", body},
		"form":          {"-XPOST", s.URL + "/api/oauth/token", "-d", form},
		"Basic":         {"-u", key.ClientID + ":" + key.ClientSecret, s.URL + "/api/oauth/token", "-d", "grant_type=client_credentials"},
		"the alias":     {s.URL + "/oauth/token", "-d", form},
		"the issuer":    {s.URL + "/demo/oauth/token", "-d", form},
		"alias, issuer": {s.URL + "/demo/api/oauth/token", "-d", form},
	} {
		t.Run(name, func(t *testing.T) {
			a := harness.Curl(t, args...)
			token := a.Token(t).AccessToken
			checkGuidesAnswer(t, a, token)
			jobs = append(jobs, harness.Verification{Token: token, JWKSURI: jwks, Issuer: s.URL + "/demo", Audience: s.URL + "/demo/api", Type: "at+jwt"})
		})
	}
	for _, found := range harness.Jose(t, jobs...) {
		if found.Error != "" {
			t.Errorf("jose: %s", found.Error)
		}
	}
}

// checkGuidesAnswer holds an answer against the guide's: its three members,
// and scope (RFC 6749 5.1).
func checkGuidesAnswer(t *testing.T, a *harness.Answer, token string) {
	t.Helper()
	if a.Status != http.StatusOK || a.Header.Get("Content-Type") != "application/json" ||
		a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("Pragma") != "no-cache" || a.Header.Get("X-Request-Id") == "" {
		t.Errorf("status %d, header %v", a.Status, a.Header)
	}
	decoder := json.NewDecoder(bytes.NewReader(a.Body))
	decoder.UseNumber()
	var members map[string]any
	if err := decoder.Decode(&members); err != nil {
		t.Fatal(err)
	}
	harness.CheckMembers(t, "answer", members, "access_token", "expires_in", "token_type", "scope")
	for name, want := range map[string]any{
		"access_token": token, "expires_in": json.Number("3600"), "token_type": "bearer", "scope": "customers:read customers:write",
	} {
		if members[name] != want {
			t.Errorf("%s is %v", name, members[name])
		}
	}
}

func TestOAuth2LibraryGetsATokenInEveryStyle(t *testing.T) {
	t.Parallel()
	s, key := harness.StartWithKey(t, "demo")
	for name, style := range map[string]oauth2.AuthStyle{
		"header": oauth2.AuthStyleInHeader, "params": oauth2.AuthStyleInParams, "auto-detect": oauth2.AuthStyleAutoDetect,
	} {
		t.Run(name, func(t *testing.T) {
			config := clientcredentials.Config{
				ClientID: key.ClientID, ClientSecret: key.ClientSecret, TokenURL: s.URL + "/oauth/token",
				Scopes: []string{"customers:read"}, AuthStyle: style,
			}
			token, err := config.Token(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			harness.NoteToken(token.AccessToken)
			harness.CheckShape(t, token.AccessToken, s.URL+"/demo", "demo", "customers:read")
			if token.Type() != "Bearer" || !token.Valid() || token.Extra("scope") != "customers:read" {
				t.Errorf("type %q, valid %t, scope %v", token.Type(), token.Valid(), token.Extra("scope"))
			}
		})
	}
}

// The commands that people pipe into each other.
func TestTokenGetPrintsATokenThatTokenInspectReads(t *testing.T) {
	t.Parallel()
	s, key := harness.StartWithKey(t, "demo")
	s.Environ = []string{
		"TOKENWRIGHT_CLIENT_ID=" + key.ClientID, "TOKENWRIGHT_CLIENT_SECRET=" + key.ClientSecret, "TOKENWRIGHT_URL=" + s.URL,
	}
	token := s.CLI(t, "token", "get", "--scope", "customers:read")
	token = token[:len(token)-1]
	harness.NoteToken(token)
	harness.CheckShape(t, token, s.URL+"/demo", "demo", "customers:read")

	c := s.Command(t.Context(), "token", "inspect", "-o", "json")
	c.Stdin = bytes.NewReader([]byte(token + "\n"))
	var shown struct{ Payload struct{ Scope string } }
	if err := json.Unmarshal([]byte(s.Finish(t, c).Stdout), &shown); err != nil || shown.Payload.Scope != "customers:read" {
		t.Errorf("token inspect: %v, %+v", err, shown)
	}
}
