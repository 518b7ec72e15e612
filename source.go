package tokenwright

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// source is the TokenSource of a Config.
//
// The fresh token is behind a pointer that a timer takes away when it is time to
// renew, so that handing it out reads no clock and takes no lock. Whoever finds
// none takes the lock: the old token, which goes on until it dies, or a renewal
// to wait for. Of these there is one at a time (renewal.go).
type source struct {
	ctx       context.Context // of all that happens in the background
	config    *Config
	exchanger *exchanger

	fresh atomic.Pointer[held] // nil: none, or it is time to renew it

	mu       sync.Mutex
	live     *held    // the newest; nil: none, or it is dead
	renewal  *renewal // nil: none under way
	failures failures
	replaced brake     // of tokens that were refused
	warnedOf time.Time // when the secret expires that a warning was written about
}

// held is a token with what its source knows of it. Its times have monotonic
// clock readings, which alone are compared (C-257).
type held struct {
	token Token
	used  atomic.Bool // since it was fetched
	until time.Time   // when it dies: it is not handed out any more
	timer *time.Timer // of the next that happens to it; guarded by source.mu
}

// Token implements TokenSource.
func (s *source) Token(ctx context.Context) (*Token, error) {
	if h := s.fresh.Load(); h != nil {
		if !h.used.Load() { // first, for writing takes the cache line from other cores
			h.used.Store(true)
		}
		return &h.token, nil
	}
	return s.slowly(ctx)
}

func (s *source) slowly(ctx context.Context) (*Token, error) {
	s.mu.Lock()
	if h := s.live; h != nil && time.Now().Before(h.until) {
		if s.fresh.Load() != h { // it may be of this very moment
			_, _ = s.renew(h.until) // nobody waits for it, or for its error
		}
		s.mu.Unlock()
		return &h.token, nil
	}
	return s.wait(ctx)
}

// Replace returns another token than the one that an API has refused, or nil
// where one has been fetched for that reason a moment ago: an API that refuses
// every token is no reason to ask for ever more of them.
func (s *source) Replace(ctx context.Context, refused *Token) (*Token, error) {
	s.mu.Lock()
	if h := s.live; h != nil && h.token.AccessToken != refused.AccessToken && time.Now().Before(h.until) {
		s.mu.Unlock()
		return &h.token, nil
	}
	if s.live != nil && s.renewal == nil && !s.replaced.allows(time.Now()) {
		s.mu.Unlock()
		return nil, nil
	}
	return s.wait(ctx)
}

// wait is for callers without a token: it joins the renewal, or begins one, and
// waits. s.mu is locked, and is not any more when it returns.
func (s *source) wait(ctx context.Context) (*Token, error) {
	err := ctx.Err() // nothing is sent for who has gone
	var r *renewal
	if err == nil {
		r, err = s.renew(time.Now().Add(max(0, s.config.RetryFor)))
	}
	s.mu.Unlock()
	if err != nil {
		return nil, failed(err)
	}
	patience := time.NewTimer(s.patience())
	defer patience.Stop()
	select {
	case <-r.done:
		if r.err != nil {
			return nil, failed(r.err)
		}
		return &r.held.token, nil
	case <-ctx.Done():
		return nil, failed(s.after(ctx.Err()))
	case <-patience.C:
		return nil, failed(s.lastError())
	}
}

// patience is how long one caller waits. Where one try is all, that is given the
// time that it may take.
func (s *source) patience() time.Duration {
	if s.config.RetryFor < 0 {
		return tryLimit + time.Second
	}
	return s.config.RetryFor
}

func (s *source) lastError() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failures.last == nil {
		return unavailable(errors.New("the token endpoint has not answered yet"))
	}
	return s.failures.last
}

// after adds to a caller's own error why it had to wait.
func (s *source) after(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failures.last == nil {
		return err
	}
	return fmt.Errorf("%w, after: %w", err, s.failures.last)
}

// failed names what has failed; the error says why.
func failed(err error) error { return fmt.Errorf("tokenwright: getting an access token: %w", err) }

// take puts a token in the place of the one before. s.mu is locked.
func (s *source) take(t *Token) *held {
	now := time.Now()
	life := max(1, t.Expiry.Sub(now)) // it may have passed this very moment
	h := &held{token: *t, until: t.Expiry.Add(-margin(life))}
	if s.live != nil {
		s.live.timer.Stop()
	}
	// Between 75 and 85 % of its life, so that a fleet that was started at once
	// does not renew at once (C-251).
	h.timer = time.AfterFunc(life*3/4+rand.N(life/10+1), func() { s.due(h) })
	s.live = h
	s.fresh.Store(h)
	return h
}

// due is when a token is old enough to be renewed. Where somebody uses it, that
// happens now, and nobody will wait; else when the next one comes.
func (s *source) due(h *held) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.live != h {
		return
	}
	s.fresh.Store(nil)
	h.timer = time.AfterFunc(time.Until(h.until), func() { s.dead(h) })
	if h.used.Load() {
		_, _ = s.renew(h.until)
	}
}

// dead is when a token must not be handed out any more.
func (s *source) dead(h *held) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.live == h {
		s.live = nil
	}
}
