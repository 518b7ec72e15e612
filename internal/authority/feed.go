package authority

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/tokenwright/tokenwright/internal/accesstoken"
	"github.com/tokenwright/tokenwright/internal/credential"
)

const (
	// feedLifetime is how long a feed may be believed, from the time up to
	// which it is complete.
	feedLifetime = 10 * time.Minute
	// maxNewer is how many newer revocations a feed lists by themselves. Where
	// there are more it is whole, which is made once for all who ask.
	maxNewer = 10_000
	// maxFeeds is how many feeds that differ in what they begin behind are kept.
	maxFeeds = 256

	// WholeFeed asks Feed for all revocations.
	WholeFeed = -1
)

// feeds keeps the signed feeds of one environment until something has changed,
// or a second has gone by.
type feeds struct {
	mu       sync.Mutex
	seq, iat int64
	header   string
	signed   map[int64][]byte // by what they begin behind
}

// Feed returns the signed revocation feed of env: what is newer than after
// where that is known, else all. Callers do not change it. Errors: ErrNotFound,
// ErrStale.
func (a *Authority) Feed(env string, after int64) ([]byte, error) {
	now := a.clock()
	d, at, err := a.currentIn(env, now)
	if err != nil {
		return nil, err
	}
	// In this order: what was applied up to a time is there when that is read.
	iat, seq := d.currentAt.Load().Unix(), d.revokedTo.Load()
	issuer, r := (*d.issuers.Load())[at], d.revoked[at]
	r.feeds.mu.Lock()
	defer r.feeds.mu.Unlock()
	if f := &r.feeds; f.signed == nil || f.seq != seq || f.iat != iat || f.header != issuer.feedHeader || len(f.signed) >= maxFeeds {
		f.seq, f.iat, f.header, f.signed = seq, iat, issuer.feedHeader, map[int64][]byte{}
	}
	list := r.content()
	if after > seq || after < d.lineage.From || list.newer(after) > maxNewer {
		after = WholeFeed
	}
	if signed, ok := r.feeds.signed[after]; ok {
		return signed, nil
	}
	feed := accesstoken.Revocations{
		Issuer: issuer.Environment.Issuer, IssuedAt: iat, Expiry: iat + int64(feedLifetime/time.Second),
		Lineage: d.lineage.Number, MinGeneration: d.lineage.MinGeneration, Seq: seq, Partial: after >= 0, After: max(after, 0),
	}
	expired, created := issuer.ends(a.passed())
	list.fill(&feed, after, expired.Unix(), created.UnixMilli(), func(random [credential.IDLength]byte) string {
		return string(a.clientID(uint8(at), random))
	})
	if slices.Contains(feed.SigningKeys, issuer.signer.KeyID()) {
		return nil, fmt.Errorf("the active signing key of %s is revoked", env)
	}
	payload := make([]byte, 0, 512+64*len(feed.Tokens)+80*len(feed.Cutoffs)) // grown, it would be copied often
	signed, err := issuer.signer.AppendCompact(nil, issuer.feedHeader, feed.AppendJSON(payload))
	if err != nil {
		return nil, fmt.Errorf("signing the revocation feed of %s: %w", env, err)
	}
	r.feeds.signed[after] = signed
	return signed, nil
}

// AwaitRevocations returns once env has revocations newer than after, at once
// where after is of an earlier lineage, or ctx is done. A node that is behind after waits as well. Errors: as Feed.
func (a *Authority) AwaitRevocations(ctx context.Context, env string, after int64) error {
	for {
		changed := a.news.wait() // before looking: nothing is missed
		d, at, err := a.currentIn(env, a.clock())
		if err != nil {
			return err
		}
		if list := d.revoked[at].content(); after < d.lineage.From || list.newer(after) > 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		}
	}
}

// currentIn returns the directory and the place of an environment in it.
func (a *Authority) currentIn(env string, now time.Time) (*directory, int, error) {
	at := environmentIndex(a.environments, env)
	if at < 0 {
		return nil, 0, ErrNotFound
	}
	d, err := a.current(now)
	return d, at, err
}

// content is the lists of revocations as they were at one moment.
type content struct {
	tokens  []revokedToken
	cutoffs []cutoff
	keys    []revokedKey
}

func (r *revocations) content() content {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return content{r.tokens, r.cutoffs, r.keys}
}

// behind returns what of a list is newer than after.
func behind[T any](list []T, after int64, seq func(*T) int64) []T {
	at, _ := slices.BinarySearchFunc(list, after+1, func(v T, target int64) int { return int(min(max(seq(&v)-target, -1), 1)) })
	return list[at:]
}

func (c *content) since(after int64) content {
	return content{
		behind(c.tokens, after, func(t *revokedToken) int64 { return t.seq }),
		behind(c.cutoffs, after, func(t *cutoff) int64 { return t.seq }),
		behind(c.keys, after, func(t *revokedKey) int64 { return t.seq }),
	}
}

// newer is how many are newer than after.
func (c *content) newer(after int64) int {
	s := c.since(after)
	return len(s.tokens) + len(s.cutoffs) + len(s.keys)
}

// fill writes what is newer than after into the feed, but what concerns no token
// that can be alive. Of the cut-offs of an API key the highest generation wins
// (C-159).
func (c *content) fill(f *accesstoken.Revocations, after, expired, created int64, clientID func(random [credential.IDLength]byte) string) {
	s := c.since(after)
	f.Tokens = make([]accesstoken.RevokedToken, 0, len(s.tokens))
	for i := range s.tokens {
		if s.tokens[i].Expiry >= expired {
			f.Tokens = append(f.Tokens, s.tokens[i].RevokedToken)
		}
	}
	place := make(map[[credential.IDLength]byte]int, len(s.cutoffs))
	for i := range s.cutoffs {
		cut := &s.cutoffs[i]
		if cut.at < created {
			continue
		}
		if at, ok := place[cut.id]; ok {
			f.Cutoffs[at].Generation = max(f.Cutoffs[at].Generation, cut.generation)
			continue
		}
		place[cut.id] = len(f.Cutoffs)
		f.Cutoffs = append(f.Cutoffs, accesstoken.Cutoff{ClientID: clientID(cut.id), Generation: cut.generation})
	}
	for i := range s.keys {
		if s.keys[i].at >= created {
			f.SigningKeys = append(f.SigningKeys, s.keys[i].kid)
		}
	}
}
