package sso

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/tokenwright/tokenwright/internal/account"
)

// Attempt is what must be known when the browser comes back. Whoever has it can
// take the answer for theirs: it belongs to one browser, sealed, and is used once.
type Attempt struct {
	Provider string    `json:"p"` // its name
	State    string    `json:"s"`
	Nonce    string    `json:"n"`
	Verifier string    `json:"v"` // of PKCE
	Begun    time.Time `json:"b"`
	Fresh    bool      `json:"f"` // it must be proven anew who it is
}

const (
	// maxAge is how long ago somebody may have signed in at the provider, in
	// seconds: as long as a session is good here, 12 hours. It also makes the
	// provider say when that was (OpenID Connect Core section 3.1.2.1).
	maxAge = "43200"
	// wanted is for providers that say so only where they are asked for that very
	// claim, or keep the name for their userinfo endpoint; others ignore it (section
	// 5.5).
	wanted = `{"id_token":{"auth_time":{"essential":true},"name":null}}`
	// skew is how far the provider's clock may be from ours.
	skew = time.Minute
)

// Begin returns the URL to send a browser to; fresh wants it to be proven anew who
// it is. Errors: ErrUnavailable.
func (p *Provider) Begin(ctx context.Context, fresh bool) (to string, _ *Attempt, err error) {
	m, err := p.discovered(ctx)
	if err != nil {
		return "", nil, err
	}
	a := &Attempt{Provider: p.Name, State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), Begun: p.Now(), Fresh: fresh}
	options := []oauth2.AuthCodeOption{oidc.Nonce(a.Nonce), oauth2.S256ChallengeOption(a.Verifier), oauth2.SetAuthURLParam("claims", wanted)}
	if fresh {
		options = append(options, oauth2.SetAuthURLParam("max_age", "0"), oauth2.SetAuthURLParam("prompt", "login"))
	} else {
		options = append(options, oauth2.SetAuthURLParam("max_age", maxAge))
	}
	return m.oauth.AuthCodeURL(a.State, options...), a, nil
}

// Finish says who has come back, from the query of the redirect URL. Errors:
// ErrUnavailable, ErrAnswer, ErrNotFresh; *RefusedError.
func (p *Provider) Finish(ctx context.Context, a *Attempt, answer url.Values) (*Person, error) {
	for _, name := range []string{"state", "code", "iss", "error"} {
		if len(answer[name]) > 1 {
			return nil, fmt.Errorf("%w: %s is there twice", ErrAnswer, name)
		}
	}
	if a.Provider != p.Name || !equal(answer.Get("state"), a.State) {
		return nil, fmt.Errorf("%w: state", ErrAnswer)
	}
	m, err := p.discovered(ctx)
	if err != nil {
		return nil, err
	}
	// RFC 9207 section 2.4: else an answer of one provider could be taken for that
	// of another, and its code be sent there.
	if (m.namesIss || answer.Has("iss")) && !equal(answer.Get("iss"), p.Issuer) {
		return nil, fmt.Errorf("%w: iss", ErrAnswer)
	}
	if answer.Has("error") {
		return nil, refused(answer.Get("error"))
	}
	raw, err := p.redeem(ctx, m, a, answer.Get("code"))
	if err != nil {
		return nil, err
	}
	return p.read(ctx, m, a, raw)
}

func equal(a, b string) bool { return b != "" && subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// redeem exchanges a code for an ID token (OpenID Connect Core section 3.1.3).
func (p *Provider) redeem(ctx context.Context, m *metadata, a *Attempt, code string) (string, error) {
	if code == "" {
		return "", fmt.Errorf("%w: there is no code", ErrAnswer)
	}
	tokens, err := m.oauth.Exchange(oidc.ClientContext(ctx, p.client), code, oauth2.VerifierOption(a.Verifier))
	var retrieve *oauth2.RetrieveError
	switch {
	case errors.As(err, &retrieve) && retrieve.Response.StatusCode < 500 && retrieve.ErrorCode != "":
		return "", refused(retrieve.ErrorCode)
	case errors.As(err, &retrieve):
		return "", fmt.Errorf("%w: its token endpoint has status %d", ErrUnavailable, retrieve.Response.StatusCode)
	case err != nil:
		return "", fmt.Errorf("%w: its token endpoint: %v", ErrUnavailable, unnamed(err))
	}
	raw, ok := tokens.Extra("id_token").(string)
	if !ok {
		return "", fmt.Errorf("%w: there is no ID token", ErrAnswer)
	}
	return raw, nil
}

// unnamed is an error of the network without the URL that was asked.
func unnamed(err error) error {
	var failed *url.Error
	if errors.As(err, &failed) {
		return failed.Err
	}
	return errors.New("what it answers is no token")
}

// read believes an ID token, or does not (OpenID Connect Core section 3.1.3.7).
func (p *Provider) read(ctx context.Context, m *metadata, a *Attempt, raw string) (*Person, error) {
	token, err := m.verifier.Verify(oidc.ClientContext(ctx, p.client), raw)
	if err != nil {
		return nil, fmt.Errorf("%w: ID token: %s", ErrAnswer, reason(err))
	}
	var claims struct {
		Party    string   `json:"azp"`
		Name     any      `json:"name"`
		AuthTime *float64 `json:"auth_time"`
	}
	if err := token.Claims(&claims); err != nil {
		return nil, fmt.Errorf("%w: ID token: a claim of the wrong type", ErrAnswer)
	}
	switch {
	case !equal(token.Nonce, a.Nonce):
		return nil, fmt.Errorf("%w: ID token: nonce", ErrAnswer)
	case claims.Party != "" && claims.Party != p.ClientID, claims.Party == "" && !slices.Equal(token.Audience, []string{p.ClientID}):
		return nil, fmt.Errorf("%w: ID token: made for another client", ErrAnswer)
	case !validSubject(token.Subject):
		return nil, fmt.Errorf("%w: ID token: sub", ErrAnswer)
	}
	person := &Person{Identity: account.Identity{Issuer: p.Issuer, Subject: token.Subject}}
	person.Name, _ = claims.Name.(string)
	if claims.AuthTime != nil && *claims.AuthTime > 0 && *claims.AuthTime < 1<<40 {
		person.ProvenAt = earlier(time.Unix(int64(*claims.AuthTime), 0).UTC(), p.Now())
	}
	if a.Fresh && person.ProvenAt.Before(a.Begun.Add(-skew)) { // zero, too
		return nil, ErrNotFresh
	}
	return person, nil
}

// reason is why an ID token is not believed, for the log.
func reason(err error) string {
	var expired *oidc.TokenExpiredError
	if errors.As(err, &expired) {
		return "expired"
	}
	text := strings.ToValidUTF8(err.Error(), "?")
	return text[:min(len(text), 200)]
}

// validSubject: OpenID Connect Core section 2 lets sub have 255 ASCII characters.
func validSubject(sub string) bool {
	return sub != "" && len(sub) <= 255 && strings.IndexFunc(sub, func(r rune) bool { return r < ' ' || r >= utf8.RuneSelf || r == 0x7f }) < 0
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
