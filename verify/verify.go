// Package verify judges access tokens: one implementation for whoever receives
// them, inside the server and outside.
//
// It owns the order and the meaning of the checks. What is signed how it leaves
// to internal/jose, what the claims look like to internal/accesstoken. It must
// not know where keys and revocations come from, HTTP, or what a token may be
// used for: scopes and merchants are for the caller to judge.
package verify

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tokenwright/tokenwright/internal/accesstoken"
	"github.com/tokenwright/tokenwright/internal/jose"
)

// ErrInvalid is wrapped by every error that is the token's fault. What does not
// wrap it says nothing about the token.
var ErrInvalid = errors.New("access token not valid")

// What is wrong with a token. Each wraps ErrInvalid. No text quotes the token.
var (
	ErrMalformed = invalid("malformed")               // no signed token of the accepted form, or its claims are not an access token's
	ErrType      = invalid("of another type")         // typ is not at+jwt: made for another purpose
	ErrKey       = invalid("signing key unknown")     // kid is not, or no longer, among the issuer's
	ErrAlgorithm = invalid("algorithm not the key's") // or unknown here, such as none
	ErrSignature = invalid("signature wrong")
	ErrIssuer    = invalid("of another issuer")
	ErrAudience  = invalid("for another resource server")
	ErrExpired   = invalid("expired")
	ErrNotYet    = invalid("not valid yet") // nbf or iat lies ahead
	ErrRevoked   = invalid("revoked")       // jti, kid, or the generation of its API key
)

func invalid(why string) error { return fmt.Errorf("%w: %s", ErrInvalid, why) }

// DefaultLeeway is for clocks that may differ; it is also the most that New
// takes.
const DefaultLeeway = 60 * time.Second

// KeySet holds the signing keys of one issuer, and no other's: what it returns
// is believed.
type KeySet interface {
	// Key returns the key of exactly that kid, or ErrKey. If that cannot be
	// told now, it returns an error that does not wrap ErrInvalid. The kid is
	// whatever the writer of a token made up: 1 to 128 printable ASCII
	// characters, only to be compared.
	Key(kid string) (*jose.Key, error)
}

// Revocations knows which tokens of one issuer are dead before their time.
type Revocations interface {
	// Revoked returns nil for a token that is alive, and an error that wraps
	// ErrRevoked for one that is dead: its generation is below that of its API
	// key, or its jti or kid is listed. If that cannot be told now, it returns
	// an error that does not wrap ErrInvalid. It is only asked about tokens
	// that are valid otherwise.
	Revoked(kid string, c *accesstoken.Claims) error
}

// Config says which tokens to accept. What has no zero value below must be set.
type Config struct {
	Issuer      string           // iss, compared byte by byte
	Audience    string           // aud, compared byte by byte; empty only with AnyAudience
	AnyAudience bool             // for introspection, which is asked about tokens for others; false
	Keys        KeySet           // of Issuer alone
	Revocations Revocations      // of Issuer
	Leeway      time.Duration    // for exp, nbf and iat, 0 to 60 s; 0 is none
	Clock       func() time.Time // nil is time.Now
}

// check finds what is missing: there are no defaults to fall into (C-117).
func (c *Config) check() error {
	switch {
	case c.Issuer == "":
		return errors.New("no issuer to accept tokens of")
	case c.Audience == "" && !c.AnyAudience:
		return errors.New("no audience to accept tokens for")
	case c.Audience != "" && c.AnyAudience:
		return errors.New("both one audience and any")
	case c.Keys == nil:
		return errors.New("no signing keys")
	case c.Revocations == nil:
		return errors.New("no revocations")
	case c.Leeway < 0 || c.Leeway > DefaultLeeway:
		return fmt.Errorf("leeway not between 0 and %v", DefaultLeeway)
	}
	return nil
}

// Verifier verifies access tokens of one issuer. It may be used concurrently if
// what its Config held may.
type Verifier struct{ config Config }

// New returns a Verifier, or an error where config is incomplete.
func New(config Config) (*Verifier, error) {
	if err := config.check(); err != nil {
		return nil, fmt.Errorf("configuring the verification of tokens: %w", err)
	}
	if config.Clock == nil {
		config.Clock = time.Now
	}
	return &Verifier{config}, nil
}

// Verify returns the claims of a token in compact form that is to be accepted.
// Its errors wrap ErrInvalid and one of the sentinels beside it, or are those
// of KeySet or Revocations, as they are.
func (v *Verifier) Verify(token string) (*accesstoken.Claims, error) {
	m, err := jose.Parse(token)
	if err != nil {
		return nil, translate(err)
	}
	if !isAccessToken(m.Type) {
		return nil, ErrType
	}
	key, err := v.config.Keys.Key(m.KeyID)
	if err != nil {
		return nil, err
	}
	if err := m.Verify(key); err != nil {
		return nil, translate(err)
	}
	c, err := accesstoken.Parse(string(m.Payload))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if err := v.judge(c); err != nil {
		return nil, err
	}
	if err := v.config.Revocations.Revoked(m.KeyID, c); err != nil {
		return nil, err
	}
	return c, nil
}

// isAccessToken obeys RFC 9068 4: at+jwt or application/at+jwt, which as a media
// type has no case (RFC 7515 4.1.9).
func isAccessToken(typ string) bool {
	const prefix = "application/"
	if len(typ) > len(prefix) && strings.EqualFold(typ[:len(prefix)], prefix) {
		typ = typ[len(prefix):]
	}
	return strings.EqualFold(typ, accesstoken.Type)
}

// translate turns an error of jose into one of ours.
func translate(err error) error {
	switch {
	case errors.Is(err, jose.ErrSignature):
		return ErrSignature
	case errors.Is(err, jose.ErrAlgorithm):
		return ErrAlgorithm
	}
	return fmt.Errorf("%w: %w", ErrMalformed, err)
}

// judge looks at claims that the issuer's key has signed. Nothing is added to
// their times, which may be as large as an int64 is. That exp lies behind iat
// no standard demands: where it does not, the token is dead by its exp.
func (v *Verifier) judge(c *accesstoken.Claims) error {
	now, leeway := v.config.Clock(), v.config.Leeway
	earliest, latest := now.Add(-leeway).Unix(), now.Add(leeway).Unix()
	switch {
	case c.Issuer != v.config.Issuer: // RFC 9068 4
		return ErrIssuer
	case !v.config.AnyAudience && c.Audience != v.config.Audience: // RFC 9068 4
		return ErrAudience
	case c.Expiry <= earliest: // RFC 7519 4.1.4: on or after it
		return ErrExpired
	case c.NotBefore > latest, c.IssuedAt > latest: // RFC 7519 4.1.5; C-108
		return ErrNotYet
	}
	return nil
}
