package sso_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/jose"
	"github.com/tokenwright/tokenwright/internal/sso"
	"github.com/tokenwright/tokenwright/internal/ssotest"
)

// C-475: state, nonce and PKCE go with every attempt, and are of no other.
func TestAnAttemptIsBoundInThreeWays(t *testing.T) {
	t.Parallel()
	i := ssotest.Start(t)
	p := providerOf(i)
	first, _ := attempt(t, p, i, true)
	a, q := attempt(t, p, i, false)
	if first.State == a.State || first.Nonce == a.Nonce || first.Verifier == a.Verifier || len(a.State) < 26 || len(a.Nonce) < 26 || len(a.Verifier) < 43 {
		t.Errorf("two attempts are alike, or too short: %+v and %+v", first, a)
	}
	sum := sha256.Sum256([]byte(a.Verifier))
	want := url.Values{
		"response_type": {"code"}, "client_id": {ssotest.ClientID}, "redirect_uri": {redirect}, "scope": {"openid profile"}, "state": {a.State}, "nonce": {a.Nonce},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"}, "max_age": {"43200"},
		"claims": {`{"id_token":{"auth_time":{"essential":true},"name":null}}`},
	}
	if !maps.EqualFunc(q, want, func(a, b []string) bool { return len(a) == 1 && a[0] == b[0] }) {
		t.Errorf("the browser is sent with\n%v, want\n%v", q, want)
	}
	person, err := p.Finish(t.Context(), a, answered(i, a))
	if err != nil {
		t.Fatal(err)
	}
	if want := (sso.Person{Identity: account.Identity{Issuer: i.URL, Subject: "0042"}, Name: "Olga Operator", ProvenAt: i.Now.Add(-time.Hour)}); *person != want {
		t.Errorf("got %+v, want %+v", *person, want)
	}
	if i.Wanted.Get("code_verifier") != a.Verifier || i.Wanted.Get("redirect_uri") != redirect || i.Wanted.Has("client_secret") || i.Basic != [2]string{ssotest.ClientID, ssotest.ClientSecret} {
		t.Errorf("the token endpoint was asked with %v and %v", i.Wanted, i.Basic)
	}
}

// C-475: providers that take the secret in the body alone get it there.
func TestTheSecretGoesWhereTheProviderTakesIt(t *testing.T) {
	t.Parallel()
	i := ssotest.Start(t)
	i.Metadata["token_endpoint_auth_methods_supported"] = []string{"private_key_jwt", "client_secret_post"}
	p := providerOf(i)
	a, _ := attempt(t, p, i, false)
	if _, err := p.Finish(t.Context(), a, answered(i, a)); err != nil || i.Wanted.Get("client_secret") != ssotest.ClientSecret || i.Basic[0] != "" {
		t.Errorf("asked with %v and %v (%v)", i.Wanted, i.Basic, err)
	}
}

// C-475: what comes back is believed only if it answers the attempt.
func TestAnAnswerOfAnotherAttemptIsNotBelieved(t *testing.T) {
	t.Parallel()
	i := ssotest.Start(t)
	p := providerOf(i)
	a, _ := attempt(t, p, i, false)
	for name, change := range map[string]func(url.Values){
		"no state":             func(q url.Values) { q.Del("state") },
		"empty state":          func(q url.Values) { q.Set("state", "") },
		"other state":          func(q url.Values) { q.Set("state", strings.Repeat("A", len(a.State))) },
		"part of the state":    func(q url.Values) { q.Set("state", a.State[:20]) },
		"two states":           func(q url.Values) { q.Add("state", a.State) },
		"two codes":            func(q url.Values) { q.Add("code", "x") },
		"no code":              func(q url.Values) { q.Del("code") },
		"no issuer":            func(q url.Values) { q.Del("iss") },
		"another issuer":       func(q url.Values) { q.Set("iss", "https://evil.example") },
		"two issuers":          func(q url.Values) { q.Add("iss", "https://evil.example") },
		"an error elsewhere":   func(q url.Values) { q.Set("error", "access_denied"); q.Set("iss", "https://evil.example") },
		"an unasked-for error": func(q url.Values) { q.Set("error", "access_denied"); q.Del("state") },
	} {
		q := answered(i, a)
		change(q)
		if _, err := p.Finish(t.Context(), a, q); !errors.Is(err, sso.ErrAnswer) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	other := *a
	other.Provider = "other"
	if _, err := p.Finish(t.Context(), &other, answered(i, a)); !errors.Is(err, sso.ErrAnswer) {
		t.Errorf("an attempt at another provider: got %v", err)
	}
	// The code was sent nowhere all the while.
	if i.Wanted != nil {
		t.Errorf("the token endpoint was asked with %v", i.Wanted)
	}
	// Who announces no iss may leave it out, but not name another.
	i.Set(func() { i.Metadata["authorization_response_iss_parameter_supported"] = nil })
	p = providerOf(i)
	for iss, good := range map[string]bool{"": true, i.URL: true, "https://evil.example": false} {
		q := answered(i, a)
		q.Del("iss")
		if iss != "" {
			q.Set("iss", iss)
		}
		if _, err := p.Finish(t.Context(), a, q); (err == nil) != good {
			t.Errorf("iss %q of a provider that announces none: got %v", iss, err)
		}
	}
}

// C-475: an ID token is of this provider, for this client, for this attempt, now.
func TestAnIDTokenThatDoesNotFitIsNotBelieved(t *testing.T) {
	t.Parallel()
	i := ssotest.Start(t)
	p := providerOf(i)
	a, _ := attempt(t, p, i, false)
	for name, claims := range map[string]map[string]any{
		"other nonce":          {"nonce": "x"},
		"no nonce":             {"nonce": nil},
		"other issuer":         {"iss": "https://evil.example"},
		"no issuer":            {"iss": nil},
		"other audience":       {"aud": "other"},
		"no audience":          {"aud": nil},
		"two, of nobody":       {"aud": []string{ssotest.ClientID, "other"}},
		"two, of the other":    {"aud": []string{ssotest.ClientID, "other"}, "azp": "other"},
		"one, of another":      {"azp": "other"},
		"expired":              {"exp": i.Now.Add(-time.Second).Unix()},
		"without end":          {"exp": nil},
		"not yet":              {"nbf": i.Now.Add(time.Hour).Unix()},
		"nobody":               {"sub": nil},
		"nobody, empty":        {"sub": ""},
		"somebody too long":    {"sub": strings.Repeat("a", 256)},
		"somebody with a NUL":  {"sub": "a\x00"},
		"somebody in Cyrillic": {"sub": "оlga"},
		"a time that is none":  {"auth_time": "now"},
	} {
		i.Set(func() { i.Claims = claims })
		if person, err := p.Finish(t.Context(), a, answered(i, a)); !errors.Is(err, sso.ErrAnswer) {
			t.Errorf("%s: got %+v, %v", name, person, err)
		}
	}
	i.Set(func() {
		i.Claims = map[string]any{"aud": []string{ssotest.ClientID, "other"}, "azp": ssotest.ClientID, "name": 7, "auth_time": nil}
	})
	if person, err := p.Finish(t.Context(), a, answered(i, a)); err != nil || person.Name != "" || !person.ProvenAt.IsZero() {
		t.Errorf("a token of few words: got %+v, %v", person, err)
	}
}

// C-475: a signature is the provider's own, by an algorithm that it announces.
func TestAnIDTokenOfSomebodyElseIsNotBelieved(t *testing.T) {
	t.Parallel()
	i, evil := ssotest.Start(t), ssotest.Start(t)
	p := providerOf(i)
	a, _ := attempt(t, p, i, false)
	payload, _ := json.Marshal(map[string]any{"iss": i.URL, "aud": ssotest.ClientID, "sub": "0042", "nonce": a.Nonce, "exp": i.Now.Add(time.Minute).Unix()})
	encode := func(text string) string { return string(jose.AppendBase64(nil, []byte(text))) }
	unsigned := encode(`{"alg":"none"}`) + "." + encode(string(payload)) + "."
	good := i.Sign(a.Nonce)
	for name, token := range map[string]string{
		"none":        "",
		"no JWT":      "x.y",
		"alg none":    unsigned,
		"alg HS256":   encode(`{"alg":"HS256"}`) + "." + encode(string(payload)) + "." + encode("x"),
		"another key": func() string { evil.Claims["iss"] = i.URL; return evil.Sign(a.Nonce) }(),
		"broken":      good[:len(good)-3] + "AAA",
		"two":         good + good,
	} {
		i.Set(func() { i.Token = func() string { return token } })
		if person, err := p.Finish(t.Context(), a, answered(i, a)); !errors.Is(err, sso.ErrAnswer) {
			t.Errorf("%s: got %+v, %v", name, person, err)
		}
	}
	i.Set(func() { i.Token = func() string { return good } })
	if _, err := p.Finish(t.Context(), a, answered(i, a)); err != nil {
		t.Errorf("the good one: got %v", err)
	}
}

// C-476: a confirmation wants to see that somebody has signed in since it began.
func TestOldProofsConfirmNothing(t *testing.T) {
	t.Parallel()
	i := ssotest.Start(t)
	p := providerOf(i)
	a, q := attempt(t, p, i, true)
	if q.Get("prompt") != "login" || q.Get("max_age") != "0" {
		t.Errorf("the browser is sent with %v", q)
	}
	for _, row := range []struct {
		when any
		want error
	}{
		{nil, sso.ErrNotFresh}, {0, sso.ErrNotFresh}, {-1, sso.ErrNotFresh}, {i.Now.Add(-time.Hour).Unix(), sso.ErrNotFresh},
		{i.Now.Add(-61 * time.Second).Unix(), sso.ErrNotFresh}, {i.Now.Add(-59 * time.Second).Unix(), nil}, {i.Now.Unix(), nil},
		{i.Now.Add(time.Hour).Unix(), nil}, // a clock that is ahead
	} {
		i.Set(func() { i.Claims = map[string]any{"auth_time": row.when} })
		person, err := p.Finish(t.Context(), a, answered(i, a))
		if !errors.Is(err, row.want) || err == nil && person.ProvenAt.After(i.Now) {
			t.Errorf("auth_time %v: got %+v, %v", row.when, person, err)
		}
	}
}
