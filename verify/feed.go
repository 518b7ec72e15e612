package verify

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tokenwright/tokenwright/internal/accesstoken"
	"github.com/tokenwright/tokenwright/internal/jose"
)

const (
	// maxFeedWait is how long a request for news waits at the issuer.
	maxFeedWait = 30 * time.Second
	// feedGrace is how long a whole feed may take: one of a million tokens is some
	// 70 MB. News have as much beside their wait, or less.
	feedGrace = 30 * time.Second
	// pollPause lies between two requests: news that come one by one are read
	// some at a time, and what answers at once whatever is asked is not flooded.
	pollPause = 500 * time.Millisecond
	// promptPause, and up to a second by chance, lies between two requests where
	// those that wait fail, for promptFor; then waiting is tried again.
	promptPause = 3 * time.Second
	promptFor   = 5 * time.Minute
	// feedLifetime is how long the issuer says that a feed is good.
	feedLifetime = 10 * time.Minute
	// wholeEvery is when the feed is read from its beginning again, to forget
	// what the issuer has forgotten.
	wholeEvery = time.Hour
	// minMaxStale is the least that leaves time to ask for news.
	minMaxStale = 5 * time.Second
)

// followedFeed is what an issuer's revocation feed has told so far.
type followedFeed struct {
	*remote
	clock   func() time.Time
	wholeAt time.Time               // of the goroutine that follows, which alone writes
	list    atomic.Pointer[revoked] // nil: nothing has been read
}

// revoked is what is not to be believed any more. It is never changed, so that
// nobody waits for another; what is new makes another one.
type revoked struct {
	issuedAt     time.Time // up to which it is complete
	lineage, seq int64
	minimum      int64            // generation
	cutoffs      map[string]int64 // generation by client ID
	tokens       map[accesstoken.TokenID]int64
	signingKeys  map[string]bool
}

// Revoked implements Revocations. No time of a token is compared: one that was
// issued after its cut-off, by a node that had not heard of it, is dead as well.
func (f *followedFeed) Revoked(now time.Time, kid string, c *Claims) error {
	l := f.list.Load()
	switch {
	case l == nil:
		return unavailable("no revocations have been read yet")
	case now.Sub(l.issuedAt) > f.metadata.Load().maxStale:
		return unavailable("what is known of revocations is too old")
	case c.Generation < l.minimum, c.Generation < l.cutoffs[c.ClientID], l.signingKeys[kid]:
		return ErrRevoked
	}
	if len(l.tokens) > 0 {
		// A jti of another form was not given out by the issuer, and is in no list.
		if id, ok := accesstoken.ParseTokenID(c.ID); ok {
			if _, dead := l.tokens[id]; dead {
				return ErrRevoked
			}
		}
	}
	return nil
}

// age is how long ago the list was complete; 0 where there is none.
func (f *followedFeed) age() time.Duration {
	l := f.list.Load()
	if l == nil {
		return 0
	}
	return max(0, f.clock().Sub(l.issuedAt))
}

// follow asks for news again and again, until the context of remote is done.
// After a failure it does not wait at the issuer: what stands between may not
// let requests wait, or too many of them wait there. That is no failure to tell
// of while others are answered; where it goes on, none waits for a while.
func (f *followedFeed) follow() {
	failures, waits := 0, 0 // that failed in a row: others than those that wait, and these
	var prompt time.Time    // until when none waits
	for f.ctx.Err() == nil {
		wait := f.patience()
		if failures > 0 || time.Now().Before(prompt) {
			wait = 0
		}
		began := time.Now()
		err := f.read(f.ctx, wait)
		var pause time.Duration
		switch {
		case f.ctx.Err() != nil: // the end, and nothing to tell of
		case err != nil && wait > 0:
			waits++
			// Whatever Retry-After says: it is of waiting, which the next one does not.
			pause = pollPause/2 + rand.N(pollPause)
			prompt = time.Now().Add(pause + time.Second)
			if waits > 1 {
				prompt = time.Now().Add(promptFor)
			}
		case err != nil: // so waiting was not at fault
			failures++
			pause, waits, prompt = retryPause(err, failures), 0, time.Time{}
			f.tell(err, failures)
		case wait > 0:
			pause, waits = pollPause-time.Since(began), 0
		default:
			f.tell(nil, failures)
			pause, failures = min(promptPause+rand.N(time.Second), f.patience()), 0
		}
		sleep(f.ctx, pause)
	}
}

// tell says once that news fail to come, and once that they come again.
func (f *followedFeed) tell(err error, failures int) {
	switch {
	case err != nil && failures == 1:
		f.logger.Warn("the revocations of the issuer cannot be read; going on with those known", "issuer", f.issuer,
			"age", f.age().Round(time.Second), "limit", f.metadata.Load().maxStale, "error", err)
	case err == nil && failures > 0:
		f.logger.Info("the revocations of the issuer are read again", "issuer", f.issuer)
	}
}

// patience is how long a request may wait at the issuer, so that two more fit
// into the time after which the list is too old.
func (f *followedFeed) patience() time.Duration {
	return max(time.Second, min(maxFeedWait, f.metadata.Load().maxStale/3)).Truncate(time.Second)
}

// grace is how long news may take beside their wait. An answer that does not come
// may not use up the time that patience has left for two more.
func (f *followedFeed) grace() time.Duration {
	return max(time.Second, min(feedGrace, f.metadata.Load().maxStale/6))
}

// read brings in one answer: what is newer than what is known, or all.
func (f *followedFeed) read(ctx context.Context, wait time.Duration) error {
	known, address, limit := f.list.Load(), f.metadata.Load().revocationsURI, feedGrace
	if known != nil && f.clock().Sub(f.wholeAt) < wholeEvery {
		address += "?after=" + strconv.FormatInt(known.seq, 10)
		if wait > 0 {
			address += "&wait=" + strconv.Itoa(int(wait.Seconds())) + "s"
		}
		limit = wait + f.grace()
	}
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	d, err := f.documents.fetch(limited, address, "application/jwt", accesstoken.MaxRevocationsSize)
	if err != nil {
		return fmt.Errorf("reading revocations: %w", err)
	}
	r, err := f.open(limited, string(d.body), known)
	if err == nil {
		err = f.take(r, known)
	}
	if err != nil {
		return fmt.Errorf("reading revocations: %w", err)
	}
	return nil
}

// open verifies a feed, as a token is verified, behind what is known.
func (f *followedFeed) open(ctx context.Context, text string, known *revoked) (*accesstoken.Revocations, error) {
	m, err := jose.ParseUpTo(strings.TrimSpace(text), accesstoken.MaxRevocationsSize)
	if err != nil {
		return nil, err
	}
	if m.Type != accesstoken.RevocationsType {
		return nil, ErrType
	}
	if known != nil && known.signingKeys[m.KeyID] {
		return nil, errors.New("the feed is signed by a key that is revoked")
	}
	key, err := f.keys.feedKey(ctx, m.KeyID)
	if err != nil {
		return nil, err
	}
	if err := m.Verify(key); err != nil {
		return nil, err
	}
	r, err := accesstoken.ParseRevocations(string(m.Payload))
	if err != nil {
		return nil, err
	}
	now := f.clock()
	switch {
	case r.Issuer != f.issuer:
		return nil, ErrIssuer
	case r.Expiry <= now.Add(-DefaultLeeway).Unix():
		return nil, errors.New("the feed has expired")
	case r.IssuedAt > now.Add(DefaultLeeway).Unix():
		return nil, errors.New("the feed is of a time that lies ahead")
	case slices.Contains(r.SigningKeys, m.KeyID):
		return nil, errors.New("the feed lists the key that has signed it")
	}
	return r, nil
}

// take merges a feed into what is known, or takes it in its place.
func (f *followedFeed) take(r *accesstoken.Revocations, known *revoked) error {
	if known == nil {
		known = new(revoked)
	}
	switch {
	case r.Lineage < known.lineage, r.Lineage == known.lineage && r.Seq < known.seq:
		return errors.New("the feed is older than the one known") // of a node that has fallen behind
	case r.Partial && (known.issuedAt.IsZero() || r.Lineage != known.lineage || r.After > known.seq):
		f.wholeAt = time.Time{} // a restore, or news that are missing: next time all
		return errors.New("the feed goes on from another one than the one known")
	}
	next := &revoked{
		issuedAt: time.Unix(max(r.IssuedAt, known.issuedAt.Unix()), 0), lineage: r.Lineage, seq: r.Seq,
		minimum: max(known.minimum, r.MinGeneration), signingKeys: with(known.signingKeys, len(r.SigningKeys)),
	}
	before := known
	if !r.Partial {
		before, f.wholeAt = new(revoked), f.clock()
	}
	next.cutoffs, next.tokens = with(before.cutoffs, len(r.Cutoffs)), with(before.tokens, len(r.Tokens))
	for _, c := range r.Cutoffs { // texts are copied, for they would hold the whole feed in memory
		next.cutoffs[strings.Clone(c.ClientID)] = max(next.cutoffs[c.ClientID], c.Generation) // C-159
	}
	for _, t := range r.Tokens {
		next.tokens[t.ID] = t.Expiry
	}
	for _, kid := range r.SigningKeys {
		next.signingKeys[strings.Clone(kid)] = true
	}
	f.list.Store(next)
	return nil
}

// with is a copy of a map to which more are to be added; the map itself where
// there are none.
func with[K comparable, V any](m map[K]V, more int) map[K]V {
	if more == 0 && m != nil {
		return m
	}
	next := make(map[K]V, len(m)+more)
	maps.Copy(next, m)
	return next
}
