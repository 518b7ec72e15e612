package authority_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/store"
)

// differences are those of the database from its events.
func (h *harness) differences() []string {
	h.t.Helper()
	head, list, err := h.VerifyState(h.ctx, nil, nil)
	h.must(err)
	if events := h.events(); head.Seq != events[len(events)-1].Seq {
		h.t.Errorf("%d events were verified, want %d", head.Seq, len(events))
	}
	lines := make([]string, len(list))
	for i := range list {
		lines[i] = list[i].String()
	}
	return lines
}

// whatever is changed of an API key without an event is named.
func TestVerifyStateNamesWhatNoEventSays(t *testing.T) {
	h := New(t)
	h.merchant("4259", "77")
	h.scope("customers:read", "customers:write https://b.example.com")
	end := started.Add(90 * day)
	k := h.key(authority.NewAPIKey{
		MerchantID: "4259", Env: "demo", Scopes: []string{"customers:write", "customers:read"}, ExpiresAt: end,
		AllowedCIDRs: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("10.0.0.0/8")},
	})
	two := h.rotate(h.key(authority.NewAPIKey{MerchantID: "77", Env: "demo"}), authority.Rotation{Overlap: day, ExpiresAt: end})
	disabled, deleted := h.key(authority.NewAPIKey{MerchantID: "77", Env: "demo"}), h.key(authority.NewAPIKey{MerchantID: "77", Env: "demo"})
	_, err := h.DisableAPIKey(h.ctx, actor, disabled.ID, 0)
	h.must(err)
	h.must(h.DeleteAPIKey(h.ctx, actor, deleted.ID, 0))
	_, err = h.SuspendMerchant(h.ctx, actor, "77", 0)
	h.must(err)
	if got := h.differences(); len(got) != 0 {
		t.Fatalf("before anything was changed: %q", got)
	}
	for _, c := range []struct {
		set, of string // what SQL sets, and in which row
		want    string
	}{
		{"api_keys SET merchant_id = '77'", "id = 'K'", "API key K: merchant 77, its events say 4259"},
		{"api_keys SET env = 'production'", "id = 'K'", "API key K: environment production, its events say demo"},
		{"api_keys SET scopes = 'customers:reae customers:write'", "id = 'K'", "API key K: scopes customers:reae customers:write, its events say customers:read customers:write"},
		{"api_keys SET scopes = ''", "id = 'K'", "API key K: scopes none, its events say customers:read customers:write"},
		{"api_keys SET allowed_cidrs = '10.0.0.0/8 192.0.2.0/25'", "id = 'K'", "API key K: allowed networks 10.0.0.0/8 192.0.2.0/25, its events say 10.0.0.0/8 192.0.2.0/24"},
		{"api_keys SET allowed_cidrs = ''", "id = 'K'", "API key K: allowed networks none, its events say 10.0.0.0/8 192.0.2.0/24"},
		{"api_keys SET expires_at = expires_at + 1", "id = 'K'", "API key K: expiry 2026-02-22T16:00:00.124Z, its events say 2026-02-22T16:00:00.123Z"},
		{"api_keys SET expires_at = 0", "id = 'K'", "API key K: expiry never, its events say 2026-02-22T16:00:00.123Z"},
		{"api_keys SET status = 'disabled'", "id = 'K'", "API key K: status disabled, its events say active"},
		{"api_keys SET status = 'active'", "id = 'D'", "API key D: status active, its events say disabled"},
		{"api_keys SET status = 'active'", "id = 'X'", "API key X: status active, its events say deleted"},
		{"api_keys SET status = 'deleted'", "id = 'K'", "API key K: status missing, its events say active"},
		{"api_keys SET id = 'tw_other'", "id = 'K'", "API key tw_other: status active, its events say never created"},
		{"api_keys SET generation = generation - 128", "id = 'K'", "API key K: generation 1763999872, its events say at least 1763999940"},
		{"merchants SET status = 'active'", "id = '77'", "merchant 77: status active, its events say suspended"},
		{"merchants SET status = 'suspended'", "id = '4259'", "merchant 4259: status suspended, its events say active"},
		{"secrets SET id = 4", "api_key_id = 'K'", "API key K: secrets 4, its events say 1"},
		{"secrets SET api_key_id = 'tw_0'", "api_key_id = 'T' AND id = 1", "API key T: secrets 2, its events say 1, 2"},
		{"secrets SET expires_at = 0", "api_key_id = 'T' AND id = 1", "API key T: end of secret 1 never, its events say 2025-11-25T16:00:00.123Z"},
		{"secrets SET expires_at = expires_at + 65536", "api_key_id = 'T' AND id = 1", "API key T: end of secret 1 2025-11-25T16:01:05.659Z, its events say 2025-11-25T16:00:00.123Z"},
		{"secrets SET expires_at = expires_at + 1", "api_key_id = 'T' AND id = 2", "API key T: end of secret 2 2026-02-22T16:00:00.124Z, its events say 2026-02-22T16:00:00.123Z"},
		{"scopes SET resource = 'https://c.example.com'", "name = 'customers:write'", "scope customers:write: resource https://c.example.com, its events say https://b.example.com"},
		{"scopes SET name = 'customers:writd'", "name = 'customers:write'", "scope customers:writd: status active, its events say never created"},
	} {
		ids := strings.NewReplacer("'K'", "'"+string(k.ID)+"'", "'T'", "'"+string(two.ID)+"'", "'D'", "'"+string(disabled.ID)+"'", "'X'", "'"+string(deleted.ID)+"'")
		lines := strings.NewReplacer(" K:", " "+string(k.ID)+":", " T:", " "+string(two.ID)+":", " D:", " "+string(disabled.ID)+":", " X:", " "+string(deleted.ID)+":")
		t.Run(c.set, func(t *testing.T) {
			changed := h.copied(t)
			changed.raw("PRAGMA foreign_keys = OFF; UPDATE " + c.set + " WHERE " + ids.Replace(c.of))
			got, want := changed.differences(), lines.Replace(c.want)
			if !slices.Contains(got, want) {
				t.Errorf("named is %q, want %q", got, want)
			}
			if renamed := strings.Contains(c.set, "SET id = 'tw") || strings.Contains(c.set, "SET name"); len(got) > 1 && !renamed {
				t.Errorf("named is more than was changed: %q", got)
			}
		})
	}
}

// copied is the installation on a copy of its database.
func (h *harness) copied(t *testing.T) *harness {
	t.Helper()
	to := &harness{t: t, ctx: h.ctx, clock: h.clock, path: filepath.Join(t.TempDir(), "copy.db"), config: h.config}
	text, err := os.ReadFile(h.backup())
	h.must(err)
	h.must(os.WriteFile(to.path, text, 0o600))
	to.store, err = store.OpenSQLite(h.ctx, to.path, store.Options{Scratch: true})
	h.must(err)
	t.Cleanup(func() { _ = to.store.Close() })
	to.config.Store, to.config.Restoring = to.store, true
	opened, err := authority.Open(h.ctx, to.config)
	h.must(err)
	to.Authority = opened
	return to
}

// what was changed by the rules is never named, whatever happens in whatever
// order, and after a restore either.
func TestVerifyStateNamesNothingThatHasAnEvent(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("Seed", seed), func(t *testing.T) {
			h := New(t)
			w := randomChanges{harness: h, random: rand.New(rand.NewPCG(seed, 16))}
			w.merchant("1", "2", "3")
			w.scope("a:read", "b:write https://b.example.com")
			w.change(80)
			backup, from := h.backup(), int64(len(h.events()))
			w.change(80)
			for _, r := range []authority.Restoration{{Events: exported(h.export(from))}, {ChangesLost: true}} {
				restored, _, err := h.restore(backup, r)
				h.must(err)
				after := randomChanges{harness: restored, random: w.random, keys: slices.Clone(w.keys)}
				after.change(40)
			}
		})
	}
}

// randomChanges makes changes of any kind; some are refused, as it happens.
type randomChanges struct {
	*harness
	random *rand.Rand
	keys   []*key
}

func (w *randomChanges) change(n int) {
	w.t.Helper()
	for range n {
		what, err := w.once()
		var invalid *authority.InvalidError
		for _, expected := range []error{authority.ErrNotFound, authority.ErrActiveKeyLimit, authority.ErrKeyLimit, authority.ErrSecretLimit, authority.ErrLastSecret, authority.ErrMerchantInUse, authority.ErrScopeInUse, authority.ErrExists} {
			if errors.Is(err, expected) {
				err = nil
			}
		}
		if err != nil && !errors.As(err, &invalid) {
			w.t.Fatalf("%s: %v", what, err)
		}
		if w.random.IntN(4) == 0 {
			w.clock.advance(time.Duration(w.random.Int64N(int64(6 * time.Hour))))
		}
		w.must(w.CatchUp(w.ctx))
		if w.random.IntN(8) == 0 {
			if got := w.differences(); len(got) > 0 {
				w.t.Fatalf("after %s is named: %q", what, got)
			}
		}
	}
	if got := w.differences(); len(got) > 0 {
		w.t.Fatalf("at the end is named: %q", got)
	}
}

// pick is one of several.
func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

func (w *randomChanges) once() (what string, err error) {
	r, ctx := w.random, w.ctx
	merchant := pick[authority.MerchantID](r, "1", "2", "3")
	if len(w.keys) == 0 || r.IntN(8) == 0 {
		return w.create(merchant)
	}
	k := pick(r, w.keys...)
	switch r.IntN(16) {
	case 0:
		return "disable", errorOf(w.DisableAPIKey(ctx, actor, k.ID, 0))
	case 1, 2:
		return "enable", errorOf(w.EnableAPIKey(ctx, actor, k.ID, 0))
	case 3:
		return "suspend", errorOf(w.SuspendMerchant(ctx, actor, merchant, 0))
	case 4:
		return "resume", errorOf(w.ResumeMerchant(ctx, actor, merchant, 0))
	case 5:
		return "update merchant", errorOf(w.UpdateMerchant(ctx, actor, merchant, authority.MerchantUpdate{KeyLimit: new(r.IntN(6))}))
	case 6:
		if r.IntN(3) == 0 {
			return "delete", w.DeleteAPIKey(ctx, actor, k.ID, 0)
		}
		return "delete scope", w.DeleteScope(ctx, actor, pick(r, "a:read", "c:read"))
	case 7:
		return "create scope", errorOf(w.CreateScope(ctx, actor, authority.Scope{Name: pick(r, "a:read", "c:read"), Resource: pick(r, "", "https://c.example.com")}))
	case 8:
		return "report a secret", w.ReportLeakedSecret(ctx, actor, k.secret.Reveal(), "")
	case 9:
		return "delete a secret", errorOf(w.DeleteSecret(ctx, actor, k.ID, r.Int64N(8), r.IntN(2) == 0, 0))
	case 10, 11, 12:
		next, secret, err := w.RotateSecret(ctx, actor, k.ID, authority.Rotation{
			ExpiresAt: w.end(), Overlap: pick(r, 0, time.Hour, 20*day), RevokeTokens: r.IntN(2) == 0,
		})
		if err == nil {
			w.keys = append(w.keys, &key{*next, secret})
		}
		return "rotate", err
	}
	u := authority.APIKeyUpdate{RevokeTokens: r.IntN(4) == 0}
	if r.IntN(2) == 0 {
		u.Scopes = new(w.scopes())
	}
	if r.IntN(2) == 0 {
		u.AllowedCIDRs = new(w.networks())
	}
	if r.IntN(2) == 0 {
		u.ExpiresAt = new(w.end())
	}
	return "update", errorOf(w.UpdateAPIKey(ctx, actor, k.ID, u))
}

func (w *randomChanges) create(merchant authority.MerchantID) (string, error) {
	n := authority.NewAPIKey{MerchantID: merchant, Env: pick(w.random, "demo", "production"), Name: "Random", Scopes: w.scopes(), AllowedCIDRs: w.networks(), ExpiresAt: w.end()}
	if w.random.IntN(6) == 0 {
		n.MerchantID, n.Env, n.Scopes = "", authority.Platform, []string{authority.APIKeysRead}
	}
	k, secret, err := w.CreateAPIKey(w.ctx, actor, n)
	if err == nil {
		w.keys = append(w.keys, &key{*k, secret})
	}
	return "create", err
}

func (w *randomChanges) scopes() []string {
	return pick(w.random, nil, []string{"a:read"}, []string{"b:write", "a:read"}, []string{"c:read"}, []string{"b:write", "b:write"})
}

func (w *randomChanges) networks() []netip.Prefix {
	a, b := netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")
	return pick(w.random, nil, []netip.Prefix{a}, []netip.Prefix{b, a}, []netip.Prefix{a, a})
}

// end is when something is to expire; zero for never.
func (w *randomChanges) end() time.Time {
	if w.random.IntN(2) == 0 {
		return time.Time{}
	}
	return w.clock.now().Add(time.Duration(1 + w.random.Int64N(int64(30*day))))
}

// The oldest secret that has ended makes room for a new one, also where that one has
// ended it.
func TestVerifyStateKnowsWhichSecretMadeRoom(t *testing.T) {
	h := New(t)
	k := h.ready()
	for range 4 {
		h.rotate(k, authority.Rotation{Overlap: day})
	}
	h.rotate(k, authority.Rotation{})
	if got := h.differences(); len(got) > 0 {
		t.Errorf("named is %q", got)
	}
}

// Whoever verifies does so while others change things: it is as of one moment.
func TestVerifyStateWhileOthersChangeThings(t *testing.T) {
	h := New(t)
	k := h.ready()
	node := h.second()
	done := make(chan error, 1)
	go func() {
		var err error
		for i := 0; i < 30 && err == nil; i++ {
			scopes := [][]string{{"customers:read"}, {"customers:write"}}[i%2]
			if _, err = node.UpdateAPIKey(h.ctx, actor, k.ID, authority.APIKeyUpdate{Scopes: &scopes}); err == nil {
				var born *authority.APIKey
				if born, _, err = node.CreateAPIKey(h.ctx, actor, authority.NewAPIKey{MerchantID: "4259", Env: "demo", Name: "Born"}); err == nil {
					err = node.DeleteAPIKey(h.ctx, actor, born.ID, 0)
				}
			}
		}
		done <- err
	}()
	for times := 0; ; times++ {
		_, list, err := h.VerifyState(h.ctx, nil, nil)
		h.must(err)
		if len(list) > 0 {
			t.Fatalf("named is %v", list)
		}
		select {
		case err := <-done:
			h.must(err)
			if times == 0 {
				t.Error("nothing was verified meanwhile")
			}
			return
		default:
		}
	}
}
