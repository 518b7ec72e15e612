package verify

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tokenwright/tokenwright/internal/jose"
)

// ParseKeys reads a JWK Set (RFC 7517 5), as the issuer publishes it, for a
// Verifier that follows nobody. Keys that are not for verifying with an algorithm
// known here are skipped.
func ParseKeys(jwks []byte) (KeySet, error) {
	set, err := parseKeys(jwks)
	if err != nil {
		return nil, fmt.Errorf("reading a JWK set: %w", err)
	}
	return set, nil
}

// fixedKeys are those of a set that never changes, by kid.
type fixedKeys map[string]*jose.Key

func parseKeys(jwks []byte) (fixedKeys, error) {
	list, err := jose.ParseJWKS(jwks)
	if err == nil && len(list) == 0 {
		err = errors.New("there is no key that is known here")
	}
	set := make(fixedKeys, len(list))
	for _, key := range list {
		set[key.KeyID()] = key
	}
	return set, err
}

// keep puts the keys that were there before in the place of equal ones: a token
// that was verified is bound to the very key that verified it.
func (k fixedKeys) keep(before fixedKeys) {
	for kid, key := range k {
		old := before[kid]
		if old != nil && old.Algorithm() == key.Algorithm() && old.Thumbprint() == key.Thumbprint() { // RFC 7638
			k[kid] = old
		}
	}
}

// Key implements KeySet.
func (k fixedKeys) Key(_ context.Context, kid string) (*jose.Key, error) {
	if key := k[kid]; key != nil {
		return key, nil
	}
	return nil, ErrKey
}

const (
	// maxKeysAge is how long a set of signing keys is believed that cannot be
	// read again (C-118).
	maxKeysAge = 24 * time.Hour
	// defaultKeep is how long a set may be kept whose answer does not say.
	defaultKeep = 5 * time.Minute
	// refreshPause lies between two attempts to read the set, unless it may be
	// kept for less: made-up key IDs cause no more.
	refreshPause = time.Minute
)

// followedKeys is the JWKS of an issuer, read again before it may be kept no
// longer, and once where a token names a key that is not in it.
type followedKeys struct {
	*remote
	clock   func() time.Time
	current atomic.Pointer[keys] // nil until it has been read
	mu      sync.Mutex           // for latest, and for what begins while remote is closed
	latest  *attempt             // nil: none yet
}

// keys is one answer, never changed.
type keys struct {
	byID   fixedKeys
	readAt time.Time
	keep   time.Duration // as the answer says
}

// attempt is one request for the set, which all share who wait for it.
type attempt struct {
	began time.Time
	done  chan struct{}
	err   error // once done
}

// Key implements KeySet.
func (k *followedKeys) Key(ctx context.Context, kid string) (*jose.Key, error) {
	return k.find(ctx, kid, k.refreshSeldom)
}

// feedKey is Key for the revocation feed. Nobody but the issuer can have it name
// a key that is unknown, and what it tells then cannot wait: that the key known
// is revoked.
func (k *followedKeys) feedKey(ctx context.Context, kid string) (*jose.Key, error) {
	return k.find(ctx, kid, k.refresh)
}

func (k *followedKeys) find(ctx context.Context, kid string, refresh func(context.Context) error) (*jose.Key, error) {
	set := k.current.Load()
	if set == nil {
		return nil, unavailable("the issuer has not been reached yet")
	}
	if key := set.byID[kid]; key != nil {
		return key, nil
	}
	if err := refresh(ctx); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err) // the key may be one of those that cannot be read
	}
	return k.current.Load().byID.Key(ctx, kid)
}

// refreshSeldom reads the set again unless that was tried a moment ago; then it
// returns what came of it.
func (k *followedKeys) refreshSeldom(ctx context.Context) error {
	k.mu.Lock()
	a := k.latest
	k.mu.Unlock()
	if k.clock().Sub(a.began) >= k.current.Load().pause() {
		return k.refresh(ctx)
	}
	return a.wait(ctx)
}

// pause lies between two attempts.
func (s *keys) pause() time.Duration { return min(refreshPause, s.keep) }

// refresh reads the set, or waits for whoever does.
func (k *followedKeys) refresh(ctx context.Context) error {
	k.mu.Lock()
	a := k.latest
	if closed := k.ctx.Err(); closed != nil {
		k.mu.Unlock()
		return closed
	}
	if a == nil || a.isDone() {
		a = &attempt{began: k.clock(), done: make(chan struct{})}
		k.latest = a
		// Not under ctx: others may wait for it who have more time.
		k.running.Go(func() {
			defer close(a.done)
			a.err = k.read()
		})
	}
	k.mu.Unlock()
	return a.wait(ctx)
}

func (a *attempt) isDone() bool {
	select {
	case <-a.done:
		return true
	default:
		return false
	}
}

func (a *attempt) wait(ctx context.Context) error {
	select {
	case <-a.done:
		return a.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (k *followedKeys) read() error {
	ctx, cancel := context.WithTimeout(k.ctx, fetchTimeout)
	defer cancel()
	d, err := k.documents.fetch(ctx, k.metadata.Load().jwksURI, "application/json", 64<<10)
	if err != nil {
		return fmt.Errorf("reading signing keys: %w", err)
	}
	set, err := parseKeys(d.body)
	if err != nil {
		return fmt.Errorf("reading signing keys: %w", err)
	}
	keep, ok := maxAge(d.cacheControl)
	if !ok {
		keep = defaultKeep
	}
	if before := k.current.Load(); before != nil {
		set.keep(before.byID)
	}
	k.current.Store(&keys{byID: set, readAt: k.clock(), keep: min(max(keep, time.Second), time.Hour)})
	return nil
}

// follow reads the set again and again, until the context of remote is done.
func (k *followedKeys) follow() {
	for failures := 0; sleep(k.ctx, k.due()); {
		switch err := k.refresh(k.ctx); {
		case k.ctx.Err() != nil:
			return
		case err == nil && failures > 0:
			k.logger.Info("the signing keys of the issuer are read again", "issuer", k.issuer)
			failures = 0
		case err != nil:
			k.forget()
			if failures++; failures == 1 {
				k.logger.Warn("the signing keys of the issuer cannot be read; those known are used for a day at most", "issuer", k.issuer, "error", err)
			}
		}
	}
}

// ready says why there is no key to verify anything with.
func (k *followedKeys) ready() error {
	if set := k.current.Load(); set == nil || len(set.byID) == 0 { // not read yet, or forgotten
		return unavailable("there is no signing key that can be believed")
	}
	return nil
}

// forget drops keys that are too old to be believed, but none that are read at
// this moment, as a token or the feed may have them be.
func (k *followedKeys) forget() {
	if set := k.current.Load(); k.clock().Sub(set.readAt) >= maxKeysAge {
		k.current.CompareAndSwap(set, &keys{readAt: set.readAt, keep: set.keep})
	}
}

// due is how long until the set is to be read again: after 0.7 to 0.8 of the
// time that it may be kept, so that another attempt fits in, or a pause after
// one that failed.
func (k *followedKeys) due() time.Duration {
	set := k.current.Load()
	k.mu.Lock()
	a := k.latest
	k.mu.Unlock()
	after := set.pause()
	if a.isDone() && a.err == nil {
		after = set.keep*7/10 + rand.N(set.keep/10)
	}
	return after - k.clock().Sub(a.began)
}
