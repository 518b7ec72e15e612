package e2e

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"testing"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// startWithKey starts a server with the merchant of the guide and one API key
// that works.
func startWithKey(t *testing.T, env string) (*server, apiKey) {
	t.Helper()
	s := startServer(t)
	s.seed(t)
	key := s.createKey(t, env)
	eventually(t, aSecond, "the new API key works", func() bool { return s.works(t, key) })
	return s, key
}

func TestGuidesCurlCommandGetsTheGuidesAnswer(t *testing.T) {
	t.Parallel()
	s, key := startWithKey(t, "demo")
	body := tokenRequest(t, key.ClientID, key.ClientSecret)
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {key.ClientID}, "client_secret": {key.ClientSecret}}.Encode()
	jwks := s.url + "/demo/oauth/jwks"
	var jobs []verification
	for name, args := range map[string][]string{
		"JSON":          {"-XPOST", s.url + "/api/oauth/token", "-H", "Content-Type: application/json", "-d", body},
		"form":          {"-XPOST", s.url + "/api/oauth/token", "-d", form},
		"Basic":         {"-u", key.ClientID + ":" + key.ClientSecret, s.url + "/api/oauth/token", "-d", "grant_type=client_credentials"},
		"the alias":     {s.url + "/oauth/token", "-d", form},
		"the issuer":    {s.url + "/demo/oauth/token", "-d", form},
		"alias, issuer": {s.url + "/demo/api/oauth/token", "-d", form},
	} {
		t.Run(name, func(t *testing.T) {
			a := curl(t, args...)
			token := a.token(t).AccessToken
			checkGuidesAnswer(t, a, token)
			jobs = append(jobs, verification{Token: token, JWKSURI: jwks, Issuer: s.url + "/demo", Audience: s.url + "/demo/api", Type: "at+jwt"})
		})
	}
	for _, found := range jose(t, jobs...) {
		if found.Error != "" {
			t.Errorf("jose: %s", found.Error)
		}
	}
}

// checkGuidesAnswer holds an answer against the guide's: its three members,
// and scope (RFC 6749 5.1).
func checkGuidesAnswer(t *testing.T, a *answer, token string) {
	t.Helper()
	if a.status != http.StatusOK || a.header.Get("Content-Type") != "application/json" ||
		a.header.Get("Cache-Control") != "no-store" || a.header.Get("Pragma") != "no-cache" || a.header.Get("X-Request-Id") == "" {
		t.Errorf("status %d, header %v", a.status, a.header)
	}
	decoder := json.NewDecoder(bytes.NewReader(a.body))
	decoder.UseNumber()
	var members map[string]any
	if err := decoder.Decode(&members); err != nil {
		t.Fatal(err)
	}
	checkMembers(t, "answer", members, "access_token", "expires_in", "token_type", "scope")
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
	s, key := startWithKey(t, "demo")
	for name, style := range map[string]oauth2.AuthStyle{
		"header": oauth2.AuthStyleInHeader, "params": oauth2.AuthStyleInParams, "auto-detect": oauth2.AuthStyleAutoDetect,
	} {
		t.Run(name, func(t *testing.T) {
			config := clientcredentials.Config{
				ClientID: key.ClientID, ClientSecret: key.ClientSecret, TokenURL: s.url + "/oauth/token",
				Scopes: []string{"customers:read"}, AuthStyle: style,
			}
			token, err := config.Token(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			noteToken(token.AccessToken)
			checkShape(t, token.AccessToken, s.url+"/demo", "demo", "customers:read")
			if token.Type() != "Bearer" || !token.Valid() || token.Extra("scope") != "customers:read" {
				t.Errorf("type %q, valid %t, scope %v", token.Type(), token.Valid(), token.Extra("scope"))
			}
		})
	}
}

// The commands that people pipe into each other.
func TestTokenGetPrintsATokenThatTokenInspectReads(t *testing.T) {
	t.Parallel()
	s, key := startWithKey(t, "demo")
	s.environ = []string{
		"TOKENWRIGHT_CLIENT_ID=" + key.ClientID, "TOKENWRIGHT_CLIENT_SECRET=" + key.ClientSecret, "TOKENWRIGHT_URL=" + s.url,
	}
	token := s.cli(t, "token", "get", "--scope", "customers:read")
	token = token[:len(token)-1]
	noteToken(token)
	checkShape(t, token, s.url+"/demo", "demo", "customers:read")

	c := s.command(t.Context(), "token", "inspect", "-o", "json")
	c.Stdin = bytes.NewReader([]byte(token + "\n"))
	var shown struct{ Payload struct{ Scope string } }
	if err := json.Unmarshal([]byte(s.finish(t, c).stdout), &shown); err != nil || shown.Payload.Scope != "customers:read" {
		t.Errorf("token inspect: %v, %+v", err, shown)
	}
}
