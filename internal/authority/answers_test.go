package authority_test

import (
	"context"
	"errors"
	"maps"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// C-045: a change acts on this node before it is answered. Where the node cannot hear
// of it, the answer is no success.
func TestAChangeThatDoesNotActYetIsNoSuccess(t *testing.T) {
	h := New(t)
	k, spare := h.ready(), h.key(authority.NewAPIKey{MerchantID: "4259", Env: "demo"})
	k = h.rotate(k, authority.Rotation{})
	_, claims := h.issue(h.Authority, k.request())
	f := &failing{Store: h.store}
	a := h.nodeOn(f)
	client := h.client(a, k)
	name := "Renamed"
	kid := func(status authority.SigningKeyStatus) string {
		for _, k := range h.demoKeys() {
			if k.Status == status {
				return k.KeyID
			}
		}
		return ""
	}
	for _, c := range []struct {
		what string
		call func() error
	}{
		{"create a scope", func() error { return errorOf(a.CreateScope(h.ctx, actor, authority.Scope{Name: "coupons:read"})) }},
		{"delete a scope", func() error { return a.DeleteScope(h.ctx, actor, "coupons:read") }},
		{"create an API key", func() error {
			_, _, err := a.CreateAPIKey(h.ctx, actor, authority.NewAPIKey{MerchantID: "4259", Env: "demo", Name: name})
			return err
		}},
		{"update an API key", func() error {
			return errorOf(a.UpdateAPIKey(h.ctx, actor, k.ID, authority.APIKeyUpdate{Name: &name}))
		}},
		{"change nothing", func() error { return errorOf(a.UpdateAPIKey(h.ctx, actor, k.ID, authority.APIKeyUpdate{})) }},
		{"rotate a secret", func() error {
			_, _, err := a.RotateSecret(h.ctx, actor, k.ID, authority.Rotation{})
			return err
		}},
		{"delete a secret", func() error { return errorOf(a.DeleteSecret(h.ctx, actor, k.ID, 1, false, 0)) }},
		{"revoke a token", func() error { return errorOf(a.RevokeToken(h.ctx, actor, client, claims)) }},
		{"disable an API key", func() error { return errorOf(a.DisableAPIKey(h.ctx, actor, spare.ID, 0)) }},
		{"enable an API key", func() error { return errorOf(a.EnableAPIKey(h.ctx, actor, spare.ID, 0)) }},
		{"delete an API key", func() error { return a.DeleteAPIKey(h.ctx, actor, spare.ID, 0) }},
		{"report a leaked token of a key that is gone", func() error {
			gone := *claims
			gone.ClientID = string(spare.ID)
			return a.ReportLeakedToken(h.ctx, actor, &gone, "")
		}},
		{"rotate a signing key", func() error { return errorOf(a.RotateSigningKey(h.ctx, actor, "demo")) }},
		{"revoke a signing key", func() error {
			return errorOf(a.RevokeSigningKey(h.ctx, actor, kid(authority.SigningKeyAnnounced), true))
		}},
		{"tend the signing keys", func() error { return a.TendSigningKeys(h.ctx) }},
	} {
		if c.what == "tend the signing keys" {
			h.raw(`DELETE FROM signing_keys WHERE status = 'announced'`)
		}
		f.down.Store(true)
		err := c.call()
		f.down.Store(false)
		if !errors.Is(err, errDown) {
			t.Errorf("%s: got %v", c.what, err)
		}
		if err := c.call(); errors.Is(err, errDown) {
			t.Errorf("%s, with the database back: %v", c.what, err)
		}
	}
}

// refusing is a store whose answers about revocations are given by a test.
type refusing struct {
	authority.Store
	revocations, revoke, update error
	swept                       func(env string, limit int) (int, error)
}

func (r *refusing) Revocations(ctx context.Context, after int64, limit int) ([]authority.Revocation, int64, error) {
	if r.revocations != nil {
		return nil, 0, r.revocations
	}
	return r.Store.Revocations(ctx, after, limit)
}

func (r *refusing) RevokeToken(ctx context.Context, v *authority.Revocation, most int) error {
	if r.revoke != nil {
		return r.revoke
	}
	return r.Store.RevokeToken(ctx, v, most)
}

func (r *refusing) UpdateAPIKey(ctx context.Context, k *authority.APIKey, l authority.KeyLimits, d *authority.Draft) error {
	if r.update != nil {
		return r.update
	}
	return r.Store.UpdateAPIKey(ctx, k, l, d)
}

func (r *refusing) SweepRevocations(_ context.Context, env string, _, _ time.Time, limit int) (int, error) {
	return r.swept(env, limit)
}

// C-169: a token is revoked, or the answer is no success.
func TestATokenThatIsNotRevokedIsNoSuccess(t *testing.T) {
	h := New(t)
	k := h.ready()
	r := &refusing{Store: h.store}
	a := h.nodeOn(r)
	token, claims := h.issue(a, k.request())
	for what, down := range map[string]refusing{
		"by itself": {revoke: errDown}, "with all others": {revoke: authority.ErrManyRevoked, update: errDown},
	} {
		r.revoke, r.update = down.revoke, down.update
		if done, err := a.RevokeToken(h.ctx, actor, h.client(a, k), claims); !errors.Is(err, errDown) || done && what == "by itself" {
			t.Errorf("%s: got %v, %v", what, done, err)
		}
		if h.dead(a, token) {
			t.Errorf("%s: it is dead", what)
		}
	}
}

// C-022: a node that cannot read what is revoked issues no token and knows of none.
func TestWithoutItsRevocationsADirectoryIsNotRead(t *testing.T) {
	h := New(t)
	k := h.ready()
	r := &refusing{Store: h.store, revocations: errDown}
	cfg := h.config
	cfg.Store = r
	a, err := authority.Open(h.ctx, cfg)
	h.must(err)
	wantError(t, "LoadDirectory", a.LoadDirectory(h.ctx), errDown)
	wantError(t, "Ready", a.Ready(), authority.ErrStale)
	r.revocations = nil
	h.must(a.LoadDirectory(h.ctx))
	token, _ := h.issue(a, k.request())
	h.revoke(h.Authority, k, token)
	r.revocations = errDown
	h.clock.advance(time.Second)
	if err := a.LoadDirectory(h.ctx); !errors.Is(err, errDown) || a.Staleness() != time.Second {
		t.Errorf("got %v; it is said to be %s old", err, a.Staleness())
	}
}

// C-170: a sweep goes on while whole batches are found, 100 of them at most, and ends
// with an error of the store.
func TestASweepIsBounded(t *testing.T) {
	h := New(t)
	for _, c := range []struct {
		found []int // of demo, in turn; the last one again and again
		fails error
		want  map[string]int
	}{
		{[]int{0}, nil, map[string]int{"demo": 1, "production": 1, authority.Platform: 1}},
		{[]int{1000, 1000, 999}, nil, map[string]int{"demo": 3, "production": 1, authority.Platform: 1}},
		{[]int{1000}, nil, map[string]int{"demo": 100}},
		{[]int{0}, errDown, map[string]int{"demo": 1}},
	} {
		calls := map[string]int{}
		cfg := h.config
		cfg.Store = &refusing{Store: h.store, swept: func(env string, limit int) (int, error) {
			n := calls[env]
			calls[env]++
			if limit != 1000 || n > 1000 {
				t.Fatalf("%d at once, for the %d. time", limit, n)
			}
			if env != "demo" {
				return 0, nil
			}
			return c.found[min(n, len(c.found)-1)], c.fails
		}}
		wantError(t, "SweepRevocations", h.node(cfg).SweepRevocations(h.ctx), c.fails)
		if !maps.Equal(calls, c.want) {
			t.Errorf("%v are found, then %v: asked %v times, want %v", c.found, c.fails, calls, c.want)
		}
	}
}

// Two who revoke, one after the other: each is listed once.
func TestWhatIsRevokedIsListedOnce(t *testing.T) {
	h := New(t)
	k := h.ready()
	for n := range int64(10) {
		token, _ := h.issue(h.Authority, k.request())
		h.revoke(h.Authority, k, token)
		h.must(errorOf(h.UpdateAPIKey(h.ctx, actor, k.ID, authority.APIKeyUpdate{}))) // which catches up
		if f := h.feed(h.Authority, "demo", authority.WholeFeed); len(f.Tokens) != int(n)+1 || f.Seq != n+1 {
			t.Errorf("after %d the feed lists %d, up to %d", n+1, len(f.Tokens), f.Seq)
		}
	}
}

// waited is a context that is done, and knows whether somebody has waited for it.
type waited struct {
	context.Context
	did bool
}

func (w *waited) Done() <-chan struct{} {
	w.did = true
	return w.Context.Done()
}

// A reader of the feed that knows all there is waits; one that lacks something does not.
func TestAReaderOfTheFeedWaitsForNewsAlone(t *testing.T) {
	h := New(t)
	k := h.ready()
	done, cancel := context.WithCancel(h.ctx)
	cancel()
	waits := func(after int64) bool {
		ctx := &waited{Context: done}
		h.must(h.AwaitRevocations(ctx, "demo", after))
		return ctx.did
	}
	if !waits(0) || !waits(7) {
		t.Error("with nothing revoked nobody waits")
	}
	token, _ := h.issue(h.Authority, k.request())
	h.revoke(h.Authority, k, token)
	if waits(0) || !waits(1) || !waits(2) {
		t.Errorf("behind 0, 1 and 2 of 1: waits %v, %v, %v", waits(0), waits(1), waits(2))
	}
}

// C-159: whatever ends tokens here ends them for whoever reads the feed.
func TestWhateverEndsTokensIsInTheFeed(t *testing.T) {
	h := New(t)
	h.ready()
	soon := started.Add(time.Minute)
	for what, end := range map[string]func(k *key) error{
		"deleted":  func(k *key) error { return h.DeleteAPIKey(h.ctx, actor, k.ID, 0) },
		"disabled": func(k *key) error { return errorOf(h.DisableAPIKey(h.ctx, actor, k.ID, 0)) },
		"updated": func(k *key) error {
			return errorOf(h.UpdateAPIKey(h.ctx, actor, k.ID, authority.APIKeyUpdate{RevokeTokens: true}))
		},
		"given an end": func(k *key) error {
			return errorOf(h.UpdateAPIKey(h.ctx, actor, k.ID, authority.APIKeyUpdate{ExpiresAt: &soon}))
		},
		"rotated": func(k *key) error {
			h.rotate(k, authority.Rotation{RevokeTokens: true})
			return nil
		},
		"rid of a secret": func(k *key) error {
			return errorOf(h.DeleteSecret(h.ctx, actor, k.ID, h.rotate(k, authority.Rotation{Overlap: time.Hour}).LastSecretID, true, 0))
		},
		"leaked": func(k *key) error { return h.ReportLeakedSecret(h.ctx, actor, k.secret.Reveal(), "") },
		"its merchant suspended": func(*key) error {
			_, err := h.SuspendMerchant(h.ctx, actor, "4259", 0)
			h.must(errorOf(h.ResumeMerchant(h.ctx, actor, "4259", 0)))
			return err
		},
	} {
		k := h.key(authority.NewAPIKey{MerchantID: "4259", Env: "demo", Scopes: []string{"customers:read"}})
		token, claims := h.issue(h.Authority, k.request())
		if f := h.feed(h.Authority, "demo", authority.WholeFeed); listed(f, claims) {
			t.Errorf("%s: it is dead before", what)
		}
		h.must(end(k))
		if f := h.feed(h.Authority, "demo", authority.WholeFeed); !listed(f, claims) || !h.dead(h.Authority, token) {
			t.Errorf("%s: listed %v, dead here %v", what, listed(f, claims), h.dead(h.Authority, token))
		}
		if what != "deleted" {
			h.must(h.DeleteAPIKey(h.ctx, actor, k.ID, 0))
		}
	}
}
