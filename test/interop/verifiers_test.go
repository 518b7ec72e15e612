package interop

import (
	"encoding/base64"
	"regexp"
	"strings"
	"testing"
)

// verification is what a verifier is told: some tokens, and what all of them
// are to be held against.
type verification struct {
	Issuer       string   `json:"issuer"`
	Audience     string   `json:"audience"`
	Algorithm    string   `json:"algorithm"`
	JWKSURI      string   `json:"jwksUri"`
	HTTPSJWKSURI string   `json:"httpsJwksUri"` // for who takes no other
	Tokens       []string `json:"tokens"`
}

// verified is what a verifier found, token by token.
type verified struct {
	Version string `json:"version"`
	Results []struct {
		Claims map[string]any `json:"claims"`
		Error  string         `json:"error"`
	} `json:"results"`
}

var verifiers = []library{
	npm("jose"),
	npm("oauth4webapi"),
	npm("jsonwebtoken + jwks-rsa"),
	npm("express-oauth2-jwt-bearer"),
	npm("express-jwt + jwks-rsa"),
	npm("passport-jwt + jwks-rsa"),
	npm("aws-jwt-verify"),
	python("python3-jwt", "jwt"),
	python("python3-jwcrypto", "jwcrypto"),
	ruby("ruby-jwt", "jwt"),
	perl("libcrypt-jwt-perl", "Crypt::JWT"),
}

// bad is a token that must be refused, and for that reason: because is in what
// every library says of it.
type bad struct {
	name    string
	because *regexp.Regexp
	token   func(t *testing.T, w *world, env, neighbour string) string
}

var badTokens = []bad{
	{"of another environment", regexp.MustCompile(`(?i)\b(key|kid|kid_keys|iss|issuer)\b`), func(t *testing.T, w *world, _, neighbour string) string {
		return w.Token(t, w.keys[neighbour])
	}},
	{"altered", regexp.MustCompile(`(?i)signature`), func(t *testing.T, w *world, env, _ string) string {
		return flipped(t, w.Token(t, w.keys[env]))
	}},
	{"for another audience", regexp.MustCompile(`(?i)\b(aud|audience)\b`), func(t *testing.T, w *world, env, _ string) string {
		return w.rewardsToken(t, env)
	}},
	{"expired", regexp.MustCompile(`(?i)\b(exp|expired|expiration)\b`), func(_ *testing.T, w *world, env, _ string) string {
		return w.expired[env]
	}},
}

// rewardsToken is for another API of the same environment.
func (w *world) rewardsToken(t *testing.T, env string) string {
	t.Helper()
	key := w.other[env]
	a := w.Ask(t, w.URL+"/oauth/token", key.ClientID, key.ClientSecret, "scope", "rewards:read")
	if a.AccessToken == "" {
		t.Fatalf("%s gets no token: %s: %s", key.ClientID, a.Error, a.Description)
	}
	return a.AccessToken
}

// flipped is the token with one bit of its signature the other way.
func flipped(t *testing.T, token string) string {
	t.Helper()
	dot := strings.LastIndexByte(token, '.') + 1
	signature, err := base64.RawURLEncoding.DecodeString(token[dot:])
	if err != nil {
		t.Fatal(err)
	}
	signature[len(signature)/2] ^= 1
	return token[:dot] + base64.RawURLEncoding.EncodeToString(signature)
}

// C-073, C-080, C-081, C-086, C-087, C-179
func testVerifiers(t *testing.T, w *world, m *matrix) {
	for _, l := range verifiers {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			m.watch(t)
			l.need(t)
			row := verifierRow{library: l}
			for algorithm := range environments {
				t.Run(algorithm, func(t *testing.T) { verify(t, w, &l, algorithm, &row) })
			}
			m.addVerifier(row)
		})
	}
}

// verify has a library judge one good token and all the bad ones.
func verify(t *testing.T, w *world, l *library, algorithm string, row *verifierRow) {
	env := environments[algorithm]
	good := w.Token(t, w.keys[env.name])
	issuer, keys := w.URL+"/"+env.name, "/"+env.name+"/oauth/jwks"
	v := verification{
		Issuer: issuer, Audience: issuer + "/api", Algorithm: algorithm,
		JWKSURI: w.URL + keys, HTTPSJWKSURI: w.front.secureURL + keys, Tokens: []string{good},
	}
	for _, b := range badTokens {
		v.Tokens = append(v.Tokens, b.token(t, w, env.name, env.neighbour))
	}
	var found verified
	l.script(t, w, "verifiers", v, &found)
	if len(found.Results) != len(v.Tokens) {
		t.Fatalf("%d results for %d tokens", len(found.Results), len(v.Tokens))
	}
	row.version = found.Version
	if claims := found.Results[0].Claims; claims["sub"] != w.keys[env.name].ClientID {
		t.Errorf("a good token: %s, claims %v", found.Results[0].Error, claims)
	}
	for i, b := range badTokens {
		if r := found.Results[i+1]; r.Claims != nil || !b.because.MatchString(r.Error) {
			t.Errorf("%s: accepted: %t; says %q", b.name, r.Claims != nil, r.Error)
		}
	}
}
