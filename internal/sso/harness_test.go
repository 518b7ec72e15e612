package sso_test

import (
	"net/url"
	"testing"

	"github.com/tokenwright/tokenwright/internal/sso"
	"github.com/tokenwright/tokenwright/internal/ssotest"
)

const redirect = "https://auth.example.com/console/sso/callback"

func providerOf(i *ssotest.IdP) *sso.Provider {
	return sso.New(sso.Config{Name: "corp", Label: "Corp", Issuer: i.URL, ClientID: ssotest.ClientID, ClientSecret: ssotest.ClientSecret, RedirectURL: redirect, Now: i.Clock})
}

// attempt begins one, after which the provider makes ID tokens for it, and returns
// what the browser was sent with.
func attempt(t *testing.T, p *sso.Provider, i *ssotest.IdP, fresh bool) (*sso.Attempt, url.Values) {
	t.Helper()
	to, a, err := p.Begin(t.Context(), fresh)
	if err != nil {
		t.Fatal(err)
	}
	i.SignIn(to)
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	return a, u.Query()
}

// answered is the query that leads back to us.
func answered(i *ssotest.IdP, a *sso.Attempt) url.Values {
	return url.Values{"state": {a.State}, "code": {ssotest.Code}, "iss": {i.URL}}
}
