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
	// maxLeeway is how far verifiers let clocks differ (C-108).
	maxLeeway     = time.Minute
	pruneInterval = time.Minute
	// pruneBatch entries are removed at a time, for readers wait meanwhile.
	pruneBatch = 4096
)

// revocations is what is revoked in one environment, without pointers where
// there can be a million of it. The follower alone changes it. The lists are in
// the order of their numbers, and only ever appended to or replaced: who has
// taken them may read them without a lock.
type revocations struct {
	mu      sync.RWMutex
	live    map[accesstoken.TokenID]struct{}
	tokens  []revokedToken
	cutoffs []cutoff
	keys    []revokedKey

	feeds feeds
}

type revokedToken struct {
	seq int64
	accesstoken.RevokedToken
}

// cutoff ends the tokens of an API key below a generation.
type cutoff struct {
	seq        int64
	id         [credential.IDLength]byte
	generation int64
	at         int64 // Unix milliseconds
}

// revokedKey is a signing key.
type revokedKey struct {
	seq int64
	kid string
	at  int64 // Unix milliseconds
}

// followRevocations brings in what was revoked since; ErrDiverged where what it
// has is not what the store had.
func (a *Authority) followRevocations(ctx context.Context, d *directory) error {
	for {
		// The one last applied is read again: while it is kept it must be the same.
		list, last, err := a.store.Revocations(ctx, d.last.Seq-1, a.batch+1)
		if err != nil {
			return err
		}
		more := len(list) == a.batch+1
		if last < d.revokedTo.Load() {
			return ErrDiverged
		}
		if len(list) > 0 && list[0].Seq == d.last.Seq {
			if list[0] != d.last {
				return ErrDiverged
			}
			list = list[1:]
		}
		for i := range list {
			if err := d.revoke(&list[i], a.format); err != nil {
				return err
			}
			d.last = list[i]
		}
		if more {
			d.revokedTo.Store(d.last.Seq)
			continue
		}
		d.revokedTo.Store(last)
		d.pruneRevocations(a.passed())
		return nil
	}
}

// revoke brings one revocation in.
func (d *directory) revoke(v *Revocation, format credential.Format) error {
	env := environmentIndex(d.environments, v.Env)
	if env < 0 {
		return fmt.Errorf("revocation %d does not fit the directory", v.Seq)
	}
	r := d.revoked[env]
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case v.KeyID != "":
		r.keys = append(r.keys, revokedKey{v.Seq, v.KeyID, v.CreatedAt.UnixMilli()})
	case v.TokenID != "":
		id, ok := accesstoken.ParseTokenID(v.TokenID)
		if !ok {
			return fmt.Errorf("revocation %d names no token", v.Seq)
		}
		r.live[id] = struct{}{}
		r.tokens = append(r.tokens, revokedToken{v.Seq, accesstoken.RevokedToken{ID: id, Expiry: v.ExpiresAt.Unix()}})
	default:
		_, random, err := placeOf(format, v.ClientID)
		if err != nil {
			return err
		}
		r.cutoffs = append(r.cutoffs, cutoff{v.Seq, [credential.IDLength]byte([]byte(random)), v.Generation, v.CreatedAt.UnixMilli()})
	}
	return nil
}

// has tells whether the token is revoked by itself, or the key that signed it.
func (r *revocations) has(id accesstoken.TokenID, kid string) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	_, listed := r.live[id]
	return listed || slices.ContainsFunc(r.keys, func(k revokedKey) bool { return k.kid == kid })
}

// ends is since when a revocation concerns no token of the issuer that can be
// alive: of a token the time of its expiry in seconds, of all else when it was
// made, in milliseconds. A cut-off outlives the tokens that a node which had not
// heard of it still issued.
func (is *Issuer) ends(now time.Time) (expired, created time.Time) {
	return now.Add(-maxLeeway), now.Add(-is.listedFor)
}

// pruneRevocations gives up, once a minute, the memory of what is over.
// Nothing depends on it: feeds leave that out, and no such token is alive.
func (d *directory) pruneRevocations(now time.Time) {
	if now.Sub(d.prunedAt) < pruneInterval {
		return
	}
	d.prunedAt = now
	for i, is := range *d.issuers.Load() {
		expired, created := is.ends(now)
		d.revoked[i].prune(expired.Unix(), created.UnixMilli())
	}
}

func (r *revocations) prune(expired, created int64) {
	// Read without the lock: nobody else changes it.
	tokens := make([]revokedToken, 0, len(r.tokens))
	gone := []accesstoken.TokenID{}
	for _, t := range r.tokens {
		if t.Expiry >= expired {
			tokens = append(tokens, t)
		} else {
			gone = append(gone, t.ID)
		}
	}
	if len(gone) == 0 {
		tokens = r.tokens
	}
	cutoffs := slices.DeleteFunc(slices.Clone(r.cutoffs), func(c cutoff) bool { return c.at < created })
	keys := slices.DeleteFunc(slices.Clone(r.keys), func(k revokedKey) bool { return k.at < created })
	r.mu.Lock()
	r.tokens, r.cutoffs, r.keys = tokens, cutoffs, keys
	r.mu.Unlock()
	for batch := range slices.Chunk(gone, pruneBatch) {
		r.mu.Lock()
		for _, id := range batch {
			delete(r.live, id)
		}
		r.mu.Unlock()
	}
}

// news wakes whoever waits for revocations.
type news struct {
	mu   sync.Mutex
	next chan struct{} // closed by the next change
}

func (n *news) wait() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.next == nil {
		n.next = make(chan struct{})
	}
	return n.next
}

func (n *news) tell() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.next != nil {
		close(n.next)
		n.next = nil
	}
}
