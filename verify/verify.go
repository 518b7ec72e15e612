// Package verify judges access tokens: one implementation for whoever receives
// them, inside the authorization server and outside.
//
// A resource server makes one Verifier and puts its Middleware in front of its
// handlers:
//
//	verifier, err := verify.New(ctx, verify.Config{
//		Issuer:   "https://auth.example.com/demo",
//		Audience: "https://auth.example.com/demo/api",
//	})
//	mux.Handle("GET /customers", verifier.Middleware(verify.Require("customers:read"))(customers))
//
// New reads the issuer's metadata, signing keys and revocations, and the
// Verifier follows both from then on: no request waits for the network, and a
// token is refused within seconds of its end. While the authorization server is
// away verification goes on with what is known, within stated limits.
//
// The package owns the order and the meaning of the checks. What is signed how
// it leaves to internal/jose, what the claims look like to internal/accesstoken.
package verify

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/tokenwright/tokenwright/internal/accesstoken"
	"github.com/tokenwright/tokenwright/internal/jose"
)

// Claims is the payload of an access token: Issuer, Audience, Subject, ClientID,
// ID (jti), Scope, Env and MerchantID as in the token, times in Unix seconds.
type Claims = accesstoken.Claims

// KeySet holds the signing keys of one issuer, and no other's: what it returns
// is believed.
type KeySet interface {
	// Key returns the key of exactly that kid, or ErrKey. If that cannot be
	// told now, it returns an error that does not wrap ErrInvalid. The kid is
	// whatever the writer of a token made up: 1 to 128 printable ASCII
	// characters, only to be compared. ctx bounds how long it may wait.
	Key(ctx context.Context, kid string) (*jose.Key, error)
}

// Revocations knows which tokens of one issuer are dead before their time.
type Revocations interface {
	// Revoked returns nil for a token that is alive, and an error that wraps
	// ErrRevoked for one that is dead: its generation is below that of its API
	// key, or its jti or kid is listed. If that cannot be told now, it returns
	// an error that does not wrap ErrInvalid. It is only asked about tokens
	// that are valid otherwise; now is what time it is for the Verifier.
	Revoked(now time.Time, kid string, c *Claims) error
}

const (
	// DefaultLeeway is for clocks that may differ; it is also the most that New
	// takes.
	DefaultLeeway = 60 * time.Second
	// NoLeeway takes all times as they are.
	NoLeeway = -1
	// DefaultCacheSize is how many verified tokens are kept.
	DefaultCacheSize = 10_000
)

// Config says which tokens to accept. Issuer and Audience must be set; the zero
// value of everything else is what most want.
type Config struct {
	// Issuer is the URL of the one issuer whose tokens are accepted, compared
	// byte by byte with iss. It is https, or http on a loopback host.
	Issuer string
	// Audience names this resource server, compared byte by byte with aud:
	// <issuer>/api unless the installation says otherwise.
	Audience string
	// Environment, where set, must be the token's env. An issuer has one
	// environment, so this only guards against a wrong Issuer.
	Environment string
	// Leeway is for exp, nbf and iat, where clocks differ: up to 60 s.
	// 0 is DefaultLeeway, NoLeeway none.
	Leeway time.Duration

	// MaxStale is how old the newest knowledge of revocations may become while
	// the authorization server is away; then tokens are answered with
	// ErrUnavailable, never as invalid. 0 is the longest life of an access
	// token, as the issuer's metadata say it (access_token_lifetime; 1 h where
	// they do not), and 10 minutes at least, for which a feed is good.
	MaxStale time.Duration
	// FailClosedAfter is the strict form of MaxStale, for those who would
	// rather stop than accept a token that may have been revoked: the same
	// limit, at least 5 s, and the issuer is asked often enough for it.
	// 0 is no stricter than MaxStale.
	FailClosedAfter time.Duration
	// StartUnready has New return at once. Until the issuer has been reached
	// every token is answered with ErrUnavailable. false: New fails where it
	// does not reach the issuer.
	StartUnready bool

	// CacheSize is how many verified tokens are kept, so that a signature is
	// checked once, and everything that can change each time. A token takes
	// about 1 KB. 0 is DefaultCacheSize; negative is none.
	CacheSize int

	// HTTPClient reads the issuer's documents: for a certificate authority of
	// your own, or a proxy. It is copied; redirects are never followed. Its idle
	// connections are closed with Close, and after an answer that did not come in
	// time, so that the next request has another one. nil is a client with a
	// transport of its own, which by pings finds out within 8 s that a connection
	// of HTTP/2 is dead.
	HTTPClient *http.Client
	// Logger hears when the issuer cannot be reached, and when it can again.
	// nil is slog.Default().
	Logger *slog.Logger
	// Clock is what time it is. nil is time.Now.
	Clock func() time.Time

	// Keys and Revocations are of Issuer, for verification where they are
	// known already, such as from ParseKeys: then nothing is fetched. Both or
	// neither.
	Keys        KeySet
	Revocations Revocations
	// AnyAudience accepts tokens for whatever Audience, which is then empty:
	// for introspection, which is asked about tokens for others.
	AnyAudience bool
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
	case (c.Keys == nil) != (c.Revocations == nil):
		return errors.New("signing keys without revocations, or the reverse")
	case c.Leeway > DefaultLeeway || c.Leeway < 0 && c.Leeway != NoLeeway:
		return fmt.Errorf("leeway not between 0 and %v", DefaultLeeway)
	case c.MaxStale != 0 && c.MaxStale < minMaxStale || c.FailClosedAfter != 0 && c.FailClosedAfter < minMaxStale:
		return fmt.Errorf("MaxStale or FailClosedAfter below %v", minMaxStale)
	}
	return nil
}

// Verifier verifies access tokens of one issuer. It may be used concurrently if
// what its Config held may.
type Verifier struct {
	config   Config
	verified *cache  // nil: tokens are not kept
	remote   *remote // nil: keys and revocations were given
}

// New returns a Verifier, or an error where config is incomplete. Unless keys
// and revocations are given or StartUnready is set, it returns once the issuer's
// have been read, or with an error where they cannot be within ctx and 10 s
// (C-118). ctx concerns New alone: the Verifier follows the issuer until Close.
func New(ctx context.Context, config Config) (*Verifier, error) {
	v, err := prepare(config)
	if err == nil && v.remote != nil {
		err = v.remote.start(ctx, config.StartUnready)
	}
	if err != nil {
		return nil, fmt.Errorf("preparing to verify access tokens of %q: %w", config.Issuer, err)
	}
	return v, nil
}

func prepare(config Config) (*Verifier, error) {
	if err := config.check(); err != nil {
		return nil, err
	}
	switch config.Leeway {
	case 0:
		config.Leeway = DefaultLeeway
	case NoLeeway:
		config.Leeway = 0
	}
	if config.Clock == nil {
		config.Clock = time.Now
	}
	if config.Logger == nil {
		config.Logger = slog.Default()
	}
	v := &Verifier{config: config}
	if config.CacheSize >= 0 {
		v.verified = newCache(config.CacheSize)
	}
	if config.Keys == nil {
		var err error
		if v.remote, err = newRemote(&config); err != nil {
			return nil, err
		}
		v.config.Keys, v.config.Revocations = v.remote.keys, v.remote.feed
	}
	return v, nil
}

// Close ends what follows the issuer, and waits for it. Tokens are verified
// after it with what was known last, while that may be believed.
func (v *Verifier) Close() {
	if v.remote != nil {
		v.remote.close()
	}
}

// RevocationsAge is how long ago the issuer's revocations were known to be
// complete: with a reachable issuer about 30 s at most. It is the figure to
// watch: where it grows, revocation does not arrive. 0 where revocations were
// given to New, and where none have been read yet.
func (v *Verifier) RevocationsAge() time.Duration {
	if v.remote == nil {
		return 0
	}
	return v.remote.feed.age()
}

// Verify returns the claims of a token in compact form that is to be accepted.
// Its errors wrap ErrInvalid and one of the sentinels beside it, or, where
// nothing can be said about the token now, ErrUnavailable or what the given
// KeySet or Revocations returned. ctx bounds the one case that waits for the
// network: a signing key that is not known yet.
func (v *Verifier) Verify(ctx context.Context, token string) (*Claims, error) {
	if len(token) > jose.MaxTokenSize {
		return nil, fmt.Errorf("%w: too long", ErrMalformed)
	}
	if v.verified == nil {
		t, err := v.verify(ctx, token)
		if err != nil {
			return nil, err
		}
		return &t.claims, nil
	}
	// The whole of the token, signature included, is what was verified (C-162).
	// Its bytes are read and no more, so they need no copy.
	sum := sha256.Sum256(unsafe.Slice(unsafe.StringData(token), len(token)))
	t := v.verified.get(&sum)
	if t == nil {
		var err error
		if t, err = v.verify(ctx, token); err != nil {
			return nil, err
		}
		t.sum = sum
		v.verified.put(t)
	} else if err := v.verifyAgain(ctx, token, t); err != nil {
		return nil, err
	}
	claims := t.claims // the caller's own: what it changes there is not believed by others
	return &claims, nil
}

// verified is a token whose signature was good.
type verified struct {
	sum    [sha256.Size]byte // of its text, where it is kept
	used   atomic.Bool       // since the cache looked for a place
	kid    string
	key    *jose.Key
	claims Claims
}

// verify does all checks, cheap ones first.
func (v *Verifier) verify(ctx context.Context, token string) (*verified, error) {
	m, err := jose.Parse(token)
	if err != nil {
		return nil, translate(err)
	}
	if !isAccessToken(m.Type) {
		return nil, ErrType
	}
	key, err := v.config.Keys.Key(ctx, m.KeyID)
	if err != nil {
		return nil, err
	}
	if err := m.Verify(key); err != nil {
		return nil, translate(err)
	}
	// Nobody changes the payload, so the claims may share its memory.
	c, err := accesstoken.Parse(unsafe.String(unsafe.SliceData(m.Payload), len(m.Payload)))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	t := &verified{kid: m.KeyID, key: key, claims: *c}
	return t, v.judge(t)
}

// verifyAgain does what can have changed since t was verified: which keys there
// are, what time it is, what is revoked (C-162).
func (v *Verifier) verifyAgain(ctx context.Context, token string, t *verified) error {
	key, err := v.config.Keys.Key(ctx, t.kid)
	if err != nil {
		return err
	}
	if key != t.key { // another one of that kid
		_, err := v.verify(ctx, token)
		return err
	}
	return v.judge(t)
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

// judge looks at claims that the issuer's key has signed. Nothing is added to
// their times, which may be as large as an int64 is. That exp lies behind iat
// no standard demands: where it does not, the token is dead by its exp.
func (v *Verifier) judge(t *verified) error {
	now, leeway, c := v.config.Clock(), v.config.Leeway, &t.claims
	earliest, latest := now.Add(-leeway).Unix(), now.Add(leeway).Unix()
	switch {
	case c.Issuer != v.config.Issuer: // RFC 9068 4
		return ErrIssuer
	case !v.config.AnyAudience && c.Audience != v.config.Audience: // RFC 9068 4
		return ErrAudience
	case v.config.Environment != "" && c.Env != v.config.Environment: // C-110
		return ErrEnvironment
	case c.Expiry <= earliest: // RFC 7519 4.1.4: on or after it
		return ErrExpired
	case c.NotBefore > latest, c.IssuedAt > latest: // RFC 7519 4.1.5; C-108
		return ErrNotYet
	}
	return v.config.Revocations.Revoked(now, t.kid, c)
}
