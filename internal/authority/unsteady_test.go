package authority_test

import (
	"context"
	"errors"
	"testing"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// unsteady is a store that fails once: the n-th time that it is asked for signing
// keys, or to change them.
type unsteady struct {
	authority.Store
	n int
}

func (u *unsteady) fails() error {
	if u.n--; u.n == 0 {
		return errDown
	}
	return nil
}

func (u *unsteady) SigningKeys(ctx context.Context) ([]authority.SigningKey, error) {
	if err := u.fails(); err != nil {
		return nil, err
	}
	return u.Store.SigningKeys(ctx)
}

func (u *unsteady) ChangeSigningKeys(ctx context.Context, env string, seen, changed []authority.SigningKey, d *authority.Draft) error {
	if err := u.fails(); err != nil {
		return err
	}
	return u.Store.ChangeSigningKeys(ctx, env, seen, changed, d)
}

// C-181, C-182: wherever the store fails, what becomes of signing keys is no success,
// and the environment can sign.
func TestWhatFailsWithSigningKeysIsNoSuccess(t *testing.T) {
	h := New(t)
	k := h.ready()
	u := &unsteady{Store: h.store}
	a := h.nodeOn(u)
	for what, tc := range map[string]struct {
		call  func() error
		least int // so often it is asked
	}{
		"read":   {func() error { return errorOf(a.SigningKeys(h.ctx, actor)) }, 1},
		"tend":   {func() error { return a.TendSigningKeys(h.ctx) }, 7},
		"rotate": {func() error { return errorOf(a.RotateSigningKey(h.ctx, actor, "demo")) }, 4},
		"revoke": {func() error { return errorOf(a.RevokeSigningKey(h.ctx, actor, h.demoKeys()[0].KeyID, true)) }, 6},
	} {
		for n := 1; ; n++ {
			h.raw(`DELETE FROM signing_keys WHERE status <> 'active'`) // a spare is missing
			u.n = n
			err := tc.call()
			failed := u.n <= 0
			u.n = 0
			if failed != (err != nil) || failed && !errors.Is(err, errDown) {
				t.Errorf("%s: the %d. call fails: %v, and the answer is %v", what, n, failed, err)
			}
			h.must(a.LoadDirectory(h.ctx))
			h.issue(a, k.request())
			if !failed {
				if n <= tc.least {
					t.Errorf("%s asks %d times, at least %d are known", what, n-1, tc.least)
				}
				break
			}
		}
	}
}

// What was tended in any environment acts on this node at once.
func TestWhatIsTendedActsAtOnce(t *testing.T) {
	h := New(t)
	for _, env := range environments() {
		h.raw(`DELETE FROM signing_keys WHERE status = 'announced' AND env = ?`, env.Name)
		h.must(h.LoadDirectory(h.ctx))
		h.must(h.TendSigningKeys(h.ctx))
		if is, err := h.Issuer(env.Name); err != nil || len(is.Keys) != 2 {
			t.Errorf("%s publishes %d signing keys, %v", env.Name, len(is.Keys), err)
		}
	}
}

// C-184: an environment without an active signing key is not tended, nor rotated, as if all were well.
func TestWithoutAnActiveSigningKeyNothingSucceeds(t *testing.T) {
	h := New(t)
	h.raw(`UPDATE signing_keys SET status = 'retired' WHERE status = 'active' AND env = 'demo'`)
	wantError(t, "TendSigningKeys", h.TendSigningKeys(h.ctx), authority.ErrActiveSigningKey)
	wantError(t, "RotateSigningKey", errorOf(h.RotateSigningKey(h.ctx, actor, "demo")), authority.ErrActiveSigningKey)
}
