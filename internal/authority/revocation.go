package authority

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/tokenwright/tokenwright/internal/accesstoken"
	"github.com/tokenwright/tokenwright/internal/jose"
)

const (
	// maxRevokedTokens is how many single tokens of an API key are listed; with
	// one more it gets a new generation instead.
	maxRevokedTokens = 100
	// Leeway is by how much the clocks of verifiers may differ from ours.
	Leeway = time.Minute

	revocationsBatch = 10_000
	sweepBatch       = 1000
	// recentRevocations is how far back readers can ask for what is new; who
	// is further behind gets the whole.
	recentRevocations = 4096
)

// Revocation is what verifiers must not believe any more: tokens of an API key
// below a generation, one token, or what one signing key has signed.
type Revocation struct {
	Seq        int64 // one order for all environments
	Env        string
	ClientID   ClientID  // of a cut-off, or the owner of a token
	Generation int64     // of a cut-off
	TokenID    string    // jti
	ExpiresAt  time.Time // of the token
	KeyID      string    // kid
	CreatedAt  time.Time
}

// revocations are those that still concern a living token, in memory. Millions
// of tokens are kept without pointers.
type revocations struct {
	mu      sync.RWMutex
	head    int64         // seq of the last one that was applied
	news    chan struct{} // closed at the next change
	listed  []*listed     // one per environment, in their order
	environ []Environment
}

// listed is what one environment lists.
type listed struct {
	last    int64 // seq of its last one
	floor   int64 // recent has every one above it
	recent  []Revocation
	cutoffs map[ClientID]*cutoff
	tokens  map[tokenID]tokenEnd
	keys    map[string]time.Time // kid -> when it was revoked
}

type cutoff struct {
	generation int64
	createdAt  time.Time
}

// tokenID is a jti, 128 bits, as bytes; tokenEnd its exp in Unix seconds.
type (
	tokenID  [16]byte
	tokenEnd int64
)

func newRevocations(environments []Environment) *revocations {
	r := &revocations{news: make(chan struct{}), environ: environments}
	for range environments {
		r.listed = append(r.listed, &listed{cutoffs: map[ClientID]*cutoff{}, tokens: map[tokenID]tokenEnd{}, keys: map[string]time.Time{}})
	}
	return r
}

func parseTokenID(text string) (id tokenID, ok bool) {
	raw, err := jose.DecodeBase64(text)
	return tokenID(append(raw, id[:]...)[:len(id)]), err == nil && len(raw) == len(id)
}

// apply brings in what the store has listed since, up to head.
func (r *revocations) apply(list []Revocation, head int64) {
	if head == r.head { // the follower alone writes it
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range list {
		v := &list[i]
		if at := environmentIndex(r.environ, v.Env); at >= 0 {
			r.listed[at].add(v)
		}
	}
	r.head = head
	close(r.news)
	r.news = make(chan struct{})
}

// end wakes whoever waits for more: it will come from another directory.
func (r *revocations) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.news)
	r.news = make(chan struct{})
}

func (l *listed) add(v *Revocation) {
	switch {
	case v.KeyID != "":
		l.keys[v.KeyID] = v.CreatedAt
	case v.TokenID != "":
		id, ok := parseTokenID(v.TokenID)
		if !ok {
			return // no token of ours has such a jti
		}
		l.tokens[id] = tokenEnd(v.ExpiresAt.Unix())
	case l.cutoffs[v.ClientID] == nil || l.cutoffs[v.ClientID].generation < v.Generation: // the highest wins (C-159)
		l.cutoffs[v.ClientID] = &cutoff{v.Generation, v.CreatedAt}
	}
	l.last = v.Seq
	if len(l.recent) == 2*recentRevocations {
		l.floor = l.recent[recentRevocations-1].Seq
		l.recent = slices.Clone(l.recent[recentRevocations:])
	}
	l.recent = append(l.recent, *v)
}

// sweep forgets what no living token is concerned by.
func (r *revocations) sweep(now time.Time, window func(*Environment) time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, l := range r.listed {
		tokens, others := now.Add(-Leeway).Unix(), now.Add(-window(&r.environ[i]))
		for id, end := range l.tokens {
			if int64(end) < tokens {
				delete(l.tokens, id)
			}
		}
		for id, c := range l.cutoffs {
			if c.createdAt.Before(others) {
				delete(l.cutoffs, id)
			}
		}
		for kid, at := range l.keys {
			if at.Before(others) {
				delete(l.keys, kid)
			}
		}
		if len(l.tokens) == 0 {
			l.tokens = map[tokenID]tokenEnd{} // a map gives nothing back
		}
	}
}

// feed is what the environment lists: all of it, or, where that is known, what
// has come after a seq.
func (r *revocations) feed(env int, after int64) accesstoken.Revocations {
	r.mu.RLock()
	defer r.mu.RUnlock()
	l := r.listed[env]
	f := accesstoken.Revocations{Seq: r.head, After: accesstoken.Whole}
	if after >= l.floor && after <= r.head {
		f.After = after
		at, _ := slices.BinarySearchFunc(l.recent, after+1, func(v Revocation, seq int64) int { return int(v.Seq - seq) })
		for i := range l.recent[at:] {
			v := &l.recent[at+i]
			switch {
			case v.KeyID != "":
				f.SigningKeys = append(f.SigningKeys, v.KeyID)
			case v.TokenID != "":
				f.Tokens = append(f.Tokens, accesstoken.RevokedToken{ID: v.TokenID, Expiry: v.ExpiresAt.Unix()})
			default:
				f.Cutoffs = append(f.Cutoffs, accesstoken.Cutoff{ClientID: string(v.ClientID), Generation: v.Generation})
			}
		}
		return f
	}
	f.Cutoffs = make([]accesstoken.Cutoff, 0, len(l.cutoffs))
	for id, c := range l.cutoffs {
		f.Cutoffs = append(f.Cutoffs, accesstoken.Cutoff{ClientID: string(id), Generation: c.generation})
	}
	f.Tokens = make([]accesstoken.RevokedToken, 0, len(l.tokens))
	for id, end := range l.tokens {
		f.Tokens = append(f.Tokens, accesstoken.RevokedToken{ID: string(jose.AppendBase64(nil, id[:])), Expiry: int64(end)})
	}
	for kid := range l.keys {
		f.SigningKeys = append(f.SigningKeys, kid)
	}
	return f
}

// followRevocations brings d's revocations up to the store's.
func (a *Authority) followRevocations(ctx context.Context, d *directory) error {
	for {
		list, head, err := a.store.Revocations(ctx, d.revoked.head, revocationsBatch)
		if err != nil {
			return fmt.Errorf("reading revocations: %w", err)
		}
		if len(list) == revocationsBatch {
			head = list[len(list)-1].Seq // there may be more
		}
		d.revoked.apply(list, head)
		if len(list) < revocationsBatch {
			return nil
		}
	}
}

// ErrRevoked says that a token was good and is not any more.
var ErrRevoked = errors.New("the token was revoked")

// CheckToken tells whether a token of an environment, whose signature and
// times are right, is still to be believed: ErrRevoked, or ErrStale where this
// node cannot tell. The highest generation wins, whoever issued the token and
// when (C-159, C-160).
func (a *Authority) CheckToken(env string, kid string, c *accesstoken.Claims) error {
	d, err := a.current(a.clock())
	if err != nil {
		return err
	}
	at := environmentIndex(d.environments, env)
	id, err := a.format.ParseID(c.ClientID)
	if at < 0 || err != nil || id.Env != env || c.Env != env {
		return ErrRevoked
	}
	s, key := d.find(at, id.Random)
	switch {
	case key == nil, key.disabled, key.suspended, c.Generation < key.generation:
		return ErrRevoked
	case a.installation.wireMerchant(MerchantID(s.merchantID(key))) != c.MerchantID:
		return ErrRevoked
	}
	d.revoked.mu.RLock()
	defer d.revoked.mu.RUnlock()
	l := d.revoked.listed[at]
	if _, listed := l.keys[kid]; listed {
		return ErrRevoked
	}
	if token, ok := parseTokenID(c.ID); ok {
		if _, listed := l.tokens[token]; listed {
			return ErrRevoked
		}
	}
	return nil
}

// RevokeToken kills one token, which the caller has verified, of an API key of
// env. Beyond maxRevokedTokens that live, all its tokens die.
func (a *Authority) RevokeToken(ctx context.Context, actor Actor, env string, c *accesstoken.Claims) error {
	if _, ok := parseTokenID(c.ID); !ok {
		return invalid("jti", "is not one of ours")
	}
	err := a.store.RevokeToken(ctx, &Revocation{
		Env: env, ClientID: ClientID(c.ClientID), TokenID: c.ID, ExpiresAt: time.Unix(c.Expiry, 0).UTC(), CreatedAt: a.now(),
	}, maxRevokedTokens)
	if errors.Is(err, ErrTokenLimit) {
		set := details{"tokensRevoked": true, "reason": "more than 100 single tokens were revoked"}
		_, err = a.changeAPIKey(ctx, actor, ClientID(c.ClientID), APIKeyUpdated, set, func(k *APIKey) error {
			k.raiseGeneration(a.now())
			return nil
		})
		return err
	}
	if err != nil {
		return fmt.Errorf("revoking a token of %s: %w", c.ClientID, err)
	}
	return a.catchUp(ctx)
}

// listedFor is how long a cut-off or a signing key of env stays listed: until
// the last token has expired that a node may have issued which had not heard.
func (a *Authority) listedFor(env *Environment) time.Duration {
	return env.TokenLifetime + a.maxStaleness + Leeway
}

// SweepRevocations removes what no living token is concerned by, here and in
// the store.
func (a *Authority) SweepRevocations(ctx context.Context) error {
	now := a.now()
	if d := a.directory.Load(); d != nil {
		d.revoked.sweep(now, a.listedFor)
	}
	for i := range a.environments {
		env := &a.environments[i]
		for {
			n, err := a.store.SweepRevocations(ctx, env.Name, now.Add(-Leeway), now.Add(-a.listedFor(env)), sweepBatch)
			if err != nil {
				return fmt.Errorf("removing revocations that have ended: %w", err)
			}
			if n < sweepBatch {
				break
			}
		}
	}
	return nil
}

// feedLifetime is how long a feed may be believed, in seconds.
const feedLifetime = 600

// Feed is a signed list of revocations (typ accesstoken.RevocationsType).
type Feed struct {
	JWT []byte
	Seq int64
	// News is closed when there may be more.
	News <-chan struct{}
	// Empty: there is nothing newer than what was asked for.
	Empty bool
}

// Feed returns what env lists: what is newer than after, or, where that is not
// known any more, or after is accesstoken.Whole, all of it. Errors: ErrStale,
// ErrNotFound.
func (a *Authority) Feed(env string, after int64) (*Feed, error) {
	now := a.clock()
	d, err := a.current(now)
	if err != nil {
		return nil, err
	}
	at := environmentIndex(d.environments, env)
	if at < 0 {
		return nil, ErrNotFound
	}
	current := d.currentAt.Load().Unix() // before the list is read: it may be newer, never older
	d.revoked.mu.RLock()
	news := d.revoked.news
	d.revoked.mu.RUnlock()
	issuer := (*d.issuers.Load())[at]
	f := d.revoked.feed(at, after)
	f.Issuer, f.IssuedAt, f.Expiry, f.Lineage = issuer.Environment.Issuer, current, current+feedLifetime, a.installation.Lineage
	token, err := issuer.signer.AppendCompact(nil, issuer.signer.Header(accesstoken.RevocationsType), f.AppendJSON(nil))
	if err != nil {
		return nil, fmt.Errorf("signing the revocations of %s: %w", env, err)
	}
	return &Feed{
		JWT: token, Seq: f.Seq, News: news,
		Empty: f.After != accesstoken.Whole && len(f.Cutoffs)+len(f.Tokens)+len(f.SigningKeys) == 0,
	}, nil
}
