package authority_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// failing is a store whose directory cannot be read while down is set.
type failing struct {
	authority.Store
	down atomic.Bool
}

var errDown = errors.New("the store is down")

func (f *failing) Position(ctx context.Context) (authority.Position, error) {
	if f.down.Load() {
		return authority.Position{}, errDown
	}
	return f.Store.Position(ctx)
}

func (f *failing) Directory(ctx context.Context, begin func(*authority.DirectorySnapshot) error, key func(*authority.DirectoryKey) error) error {
	if f.down.Load() {
		return errDown
	}
	return f.Store.Directory(ctx, begin, key)
}

// follow lets a follow the events until the test ends.
func (h *harness) follow(a *authority.Authority) {
	h.t.Helper()
	ctx, cancel := context.WithCancel(h.ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.Follow(ctx)
	}()
	h.t.Cleanup(func() {
		cancel()
		<-done
	})
}

// log collects what is logged.
type log struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) count(what string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), what)
}

// C-022: an outage of the database stops tokens after MaxStaleness, not before,
// and no longer than it lasts.
func TestTokensOutliveTheDatabaseForMaxStaleness(t *testing.T) {
	t.Parallel() // it waits for polls
	var out log
	h := newWith(t, authority.MerchantNumbers, &out)
	k := h.ready()
	f := &failing{Store: h.open()}
	cfg := h.config
	cfg.Store, cfg.MaxStaleness = f, time.Minute
	a, err := authority.Open(h.ctx, cfg)
	h.must(err)

	notReady := func(text string) {
		t.Helper()
		err := a.Ready()
		wantError(t, "Ready", err, authority.ErrStale)
		if err != nil && !strings.Contains(err.Error(), text) {
			t.Errorf("not ready: %v, want it to say %q", err, text)
		}
		_, err = a.IssueToken(k.request())
		wantError(t, "IssueToken", err, authority.ErrStale)
		var refusal *authority.Refusal
		if errors.As(err, &refusal) {
			t.Error("staleness reads as a refusal of the credentials")
		}
	}
	notReady("not read yet")
	if _, err := a.Issuer("demo"); !errors.Is(err, authority.ErrStale) || a.PublishedScopes() != nil || a.Staleness() >= 0 {
		t.Errorf("before the directory is read: %v, %v, %s", err, a.PublishedScopes(), a.Staleness())
	}
	f.down.Store(true)
	wantError(t, "LoadDirectory", a.LoadDirectory(h.ctx), errDown)
	notReady("not read yet")
	f.down.Store(false)
	h.must(a.LoadDirectory(h.ctx))
	h.must(a.Ready())

	f.down.Store(true)
	h.follow(a)
	eventually(t, "the failure is logged", func() bool { return out.count("cannot be kept current") > 0 })
	h.clock.advance(time.Minute)
	h.must(a.Ready())
	h.issue(a, k.request())
	if a.Staleness() != time.Minute {
		t.Errorf("staleness %s", a.Staleness())
	}
	h.clock.advance(time.Millisecond)
	notReady("has not answered for 1m0s")
	if len(a.PublishedScopes()) != 2 {
		t.Error("what is published is gone")
	}
	if _, err := a.Issuer("demo"); err != nil {
		t.Errorf("what is published is gone: %v", err)
	}
	if _, err := a.Issuer("staging"); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("an unknown issuer: %v", err)
	}
	f.down.Store(false)
	eventually(t, "it is ready again", func() bool { return a.Ready() == nil })
	h.issue(a, k.request())
	eventually(t, "the recovery is logged", func() bool { return out.count("current again") == 1 })
	if n := out.count("cannot be kept current"); n != 1 {
		t.Errorf("one outage is logged %d times", n)
	}
}

// C-045: what one node has answered, the next request at it obeys, and at the
// others soon after.
func TestOtherNodesFollow(t *testing.T) {
	t.Parallel() // it waits for polls
	h := New(t)
	first := h.ready()
	other := h.second()
	h.follow(other)
	works := func(k *key) func() bool {
		return func() bool {
			_, err := other.IssueToken(k.request())
			return err == nil
		}
	}
	fails := func(k *key, want authority.Reason) func() bool {
		return func() bool {
			_, err := other.IssueToken(k.request())
			var refusal *authority.Refusal
			return errors.As(err, &refusal) && refusal.Reason == want
		}
	}
	eventually(t, "the first API key works", works(first))
	h.scope("coupons:read")
	k := h.key(authority.NewAPIKey{MerchantID: "4259", Env: "production", Scopes: []string{"coupons:read"}})
	eventually(t, "a new API key works", works(k))

	_, err := h.DisableAPIKey(h.ctx, actor, k.ID, 0)
	h.must(err)
	h.refused(h.Authority, k.request(), authority.KeyDisabled)
	eventually(t, "a disabled one is refused", fails(k, authority.KeyDisabled))
	_, err = h.EnableAPIKey(h.ctx, actor, k.ID, 0)
	h.must(err)
	h.issue(h.Authority, k.request())
	eventually(t, "an enabled one works", works(k))

	_, err = h.SuspendMerchant(h.ctx, actor, "4259", 0)
	h.must(err)
	h.refused(h.Authority, k.request(), authority.SuspendedMerchant)
	eventually(t, "its merchant is suspended", fails(k, authority.SuspendedMerchant))
	eventually(t, "for all API keys", fails(first, authority.SuspendedMerchant))
	_, err = h.ResumeMerchant(h.ctx, actor, "4259", 0)
	h.must(err)
	eventually(t, "and resumed", works(first))
	if token, claims := h.issue(other, first.request()); claims.Generation != h.generation(first) {
		t.Errorf("gen %d of %s, stored is %d", claims.Generation, token.ID, h.generation(first))
	}

	_, err = h.UpdateAPIKey(h.ctx, actor, first.ID, authority.APIKeyUpdate{Scopes: &[]string{"coupons:read"}})
	h.must(err)
	eventually(t, "its scopes are others", func() bool {
		token, err := other.IssueToken(first.request())
		return err == nil && token.Scope == "coupons:read"
	})
	h.must(h.DeleteAPIKey(h.ctx, actor, k.ID, 0))
	h.refused(h.Authority, k.request(), authority.UnknownID)
	eventually(t, "a deleted one is unknown", fails(k, authority.UnknownID))
	h.must(h.DeleteScope(h.ctx, actor, "customers:read"))
	eventually(t, "a deleted scope is not published", func() bool {
		return strings.Join(other.PublishedScopes(), " ") == "coupons:read customers:write"
	})
}

// A scope that was deleted and made again for another resource server has the
// new one in the tokens of API keys that got it since.
func TestAScopeThatCameBackHasItsNewResource(t *testing.T) {
	h := New(t)
	h.merchant("4259")
	h.scope("rewards:read https://old.example.com")
	k := h.key(authority.NewAPIKey{MerchantID: "4259", Env: "demo", Scopes: []string{"rewards:read"}})
	r := k.request()
	r.Scope = "rewards:read"
	if _, claims := h.issue(h.Authority, r); claims.Audience != "https://old.example.com" {
		t.Errorf("aud %s", claims.Audience)
	}
	other := h.second()
	h.must(errorOf(h.UpdateAPIKey(h.ctx, actor, k.ID, authority.APIKeyUpdate{Scopes: &[]string{}})))
	h.must(h.DeleteScope(h.ctx, actor, "rewards:read"))
	h.scope("rewards:read https://new.example.com")
	h.must(errorOf(h.UpdateAPIKey(h.ctx, actor, k.ID, authority.APIKeyUpdate{Scopes: &[]string{"rewards:read"}})))
	h.follow(other)
	for _, a := range []*authority.Authority{h.Authority, other} {
		eventually(t, "the new resource server is in the token", func() bool {
			token, err := a.IssueToken(r)
			return err == nil && h.verify(a, token).Audience == "https://new.example.com"
		})
	}
}

// directoryDown can tell changes, but cannot be read whole while down is set.
type directoryDown struct {
	authority.Store
	down atomic.Bool
}

func (d *directoryDown) Directory(ctx context.Context, begin func(*authority.DirectorySnapshot) error, key func(*authority.DirectoryKey) error) error {
	if d.down.Load() {
		return errDown
	}
	return d.Store.Directory(ctx, begin, key)
}

// Readers take no lock: whatever changes meanwhile, an API key that is left
// alone works at every moment.
func TestTokensAreIssuedDuringChanges(t *testing.T) {
	h := New(t)
	steady := h.ready()
	other := h.second()
	h.follow(other)
	done := make(chan struct{})
	var wait sync.WaitGroup
	for _, a := range []*authority.Authority{h.Authority, other} {
		wait.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					if _, err := a.IssueToken(steady.request()); err != nil {
						t.Error(err)
						return
					}
					a.PublishedScopes()
					_, _ = a.Issuer("demo")
					_ = a.Staleness()
				}
			}
		})
	}
	h.merchant("1")
	for range 10 {
		h.scope("churn:read")
		k := h.key(authority.NewAPIKey{MerchantID: "1", Env: "demo", Scopes: []string{"churn:read"}})
		h.issue(h.Authority, k.request())
		h.must(errorOf(h.SuspendMerchant(h.ctx, actor, "1", 0)))
		h.must(errorOf(h.ResumeMerchant(h.ctx, actor, "1", 0)))
		h.must(h.DeleteAPIKey(h.ctx, actor, k.ID, 0))
		h.must(h.DeleteScope(h.ctx, actor, "churn:read"))
	}
	h.must(other.LoadDirectory(h.ctx))
	close(done)
	wait.Wait()
}

// that there is nothing to do is an acknowledgement as well. What another
// node has done acts at the node that says so from then on.
func TestWhatIsDoneAlreadyActsWhereItIsAcknowledged(t *testing.T) {
	h := New(t)
	k := h.ready()
	second := h.second() // which does not follow

	_, err := h.DisableAPIKey(h.ctx, actor, k.ID, 0)
	h.must(err)
	_, err = second.DisableAPIKey(h.ctx, actor, k.ID, 0)
	h.must(err)
	h.refused(second, k.request(), authority.KeyDisabled)

	_, err = h.EnableAPIKey(h.ctx, actor, k.ID, 0)
	h.must(err)
	_, err = second.EnableAPIKey(h.ctx, actor, k.ID, 0)
	h.must(err)
	h.issue(second, k.request())

	_, err = h.SuspendMerchant(h.ctx, actor, "4259", 0)
	h.must(err)
	_, err = second.SuspendMerchant(h.ctx, actor, "4259", 0)
	h.must(err)
	h.refused(second, k.request(), authority.SuspendedMerchant)
}
