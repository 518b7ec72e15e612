package authority_test

import (
	"errors"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/credential"
)

// rotate gives k another secret, and returns k with it.
func (h *harness) rotate(k *key, r authority.Rotation) *key {
	h.t.Helper()
	next, secret, err := h.RotateSecret(h.ctx, actor, k.ID, r)
	h.must(err)
	return &key{*next, secret}
}

// An old secret works until the overlap has passed, by the clock alone; the
// new one works at once, and for as long as it likes.
func TestSecretsOverlap(t *testing.T) {
	h := New(t)
	h.ready()
	old := h.key(authority.NewAPIKey{MerchantID: "4259", Env: "demo", Scopes: []string{"customers:read"}})
	token, err := h.IssueToken(old.request())
	h.must(err)
	if !token.SecretExpires.IsZero() {
		t.Errorf("a secret without an end is told to end at %s", token.SecretExpires)
	}
	next := h.rotate(old, authority.Rotation{Name: "second", Overlap: 2 * time.Second})
	if len(next.Secrets) != 2 || next.Secrets[1].Name != "second" || next.Secrets[1].Hint != next.secret.Hint() || next.LastSecretID != 2 {
		t.Errorf("secrets are %+v", next.Secrets)
	}
	end := h.clock.now().Truncate(time.Millisecond).Add(2 * time.Second)
	for _, k := range []*key{old, next} {
		token, err := h.IssueToken(k.request())
		h.must(err)
		if want := map[bool]time.Time{true: end}[k == old]; !token.SecretExpires.Equal(want) {
			t.Errorf("the answer to secret %d says that it ends at %s, want %s", token.SecretID, token.SecretExpires, want)
		}
	}
	h.clock.advance(2 * time.Second)
	h.refused(h.Authority, old.request(), authority.SecretExpired)
	_, err = h.IssueToken(next.request())
	h.must(err)
}

func TestRotateKeepsTheEarlierEnd(t *testing.T) {
	h := New(t)
	h.ready()
	k := h.key(authority.NewAPIKey{MerchantID: "4259", Env: "demo"})
	first := h.clock.now().Truncate(time.Millisecond)
	k = h.rotate(k, authority.Rotation{Overlap: time.Hour, ExpiresAt: first.Add(10 * time.Minute)})
	h.clock.advance(time.Minute)
	k = h.rotate(k, authority.Rotation{Overlap: 24 * time.Hour})
	k = h.rotate(k, authority.Rotation{Overlap: 0})
	now := h.clock.now().Truncate(time.Millisecond)
	ends := []time.Time{now, now, now, {}}
	retired := []time.Time{first, now, now, {}}
	for i, s := range k.Secrets {
		if !s.ExpiresAt.Equal(ends[i]) || !s.RetiredAt.Equal(retired[i]) {
			t.Errorf("secret %d ends at %s and is retired at %s, want %s and %s", s.ID, s.ExpiresAt, s.RetiredAt, ends[i], retired[i])
		}
	}
	generation := k.Generation
	if k = h.rotate(k, authority.Rotation{}); k.Generation != generation {
		t.Error("rotating alone killed tokens")
	}
	if k = h.rotate(k, authority.Rotation{RevokeTokens: true}); k.Generation <= generation {
		t.Error("tokens were not revoked")
	}
}

// Five that work are the most; of those that have ended the oldest makes room.
func TestFiveSecretsWorkAtMost(t *testing.T) {
	h := New(t)
	h.ready()
	first := h.key(authority.NewAPIKey{MerchantID: "4259", Env: "demo", Scopes: []string{"customers:read"}})
	keys := []*key{first}
	for range 4 {
		keys = append(keys, h.rotate(first, authority.Rotation{Overlap: time.Hour}))
	}
	for _, k := range keys {
		_, err := h.IssueToken(k.request())
		h.must(err)
	}
	_, _, err := h.RotateSecret(h.ctx, actor, first.ID, authority.Rotation{Overlap: time.Hour})
	wantError(t, "RotateSecret", err, authority.ErrSecretLimit)
	last := h.rotate(first, authority.Rotation{Overlap: 0}) // ends them, which makes room
	ids := func(k *key) (ids []int64) {
		for _, s := range k.Secrets {
			ids = append(ids, s.ID)
		}
		return ids
	}
	if got := ids(last); !slices.Equal(got, []int64{2, 3, 4, 5, 6}) {
		t.Errorf("secrets %v are left", got)
	}
	h.refused(h.Authority, keys[0].request(), authority.WrongSecret) // forgotten
	h.refused(h.Authority, keys[1].request(), authority.SecretExpired)
}

func TestDeleteSecret(t *testing.T) {
	h := New(t)
	h.ready()
	old := h.key(authority.NewAPIKey{MerchantID: "4259", Env: "demo", Scopes: []string{"customers:read"}})
	_, err := h.DeleteSecret(h.ctx, actor, old.ID, 1, false, 0)
	wantError(t, "DeleteSecret of the only one", err, authority.ErrLastSecret)
	next := h.rotate(old, authority.Rotation{Overlap: time.Hour})
	_, err = h.DeleteSecret(h.ctx, actor, old.ID, 3, false, 0)
	wantError(t, "DeleteSecret of none", err, authority.ErrNotFound)
	left, err := h.DeleteSecret(h.ctx, actor, old.ID, 1, true, 0)
	h.must(err)
	if len(left.Secrets) != 1 || left.Secrets[0].ID != 2 || left.Generation <= next.Generation {
		t.Errorf("left is %+v", left)
	}
	h.refused(h.Authority, old.request(), authority.WrongSecret)
	_, err = h.IssueToken(next.request())
	h.must(err)
}

// C-227: the event of a rotation tells which secrets end and when, and whether tokens do.
func TestTheEventOfARotationTellsWhatEnds(t *testing.T) {
	h := New(t)
	h.ready()
	k := h.key(authority.NewAPIKey{MerchantID: "4259", Env: "demo"})
	h.rotate(k, authority.Rotation{Overlap: time.Hour})
	h.rotate(k, authority.Rotation{})
	at := started.Add(24 * time.Hour)
	h.rotate(k, authority.Rotation{ExpiresAt: at, RevokeTokens: true})
	_, err := h.DeleteSecret(h.ctx, actor, k.ID, 1, false, 0)
	h.must(err)
	_, err = h.DeleteSecret(h.ctx, actor, k.ID, 2, true, 0)
	h.must(err)
	events, err := h.Events(h.ctx, actor, authority.EventFilter{Subject: string(k.ID)}, 0, 10)
	h.must(err)
	var got []string
	for _, e := range events[1:] {
		got = append(got, e.Details)
	}
	want := []string{
		`{"overlap":"1h0m0s","retired":[1],"secretId":2}`, `{"overlap":"0s","retired":[1,2],"secretId":3}`,
		`{"expiresAt":"` + at.Format(time.RFC3339Nano) + `","overlap":"0s","retired":[3],"secretId":4,"tokensRevoked":true}`,
		`{"secretId":1}`, `{"secretId":2,"tokensRevoked":true}`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// Who manages secrets sees when those end that were made before there was a greatest age,
// and cannot delete the only one that works.
func TestMaxSecretAgeIsSeen(t *testing.T) {
	h := New(t)
	k := h.ready()
	h.clock.advance(48 * time.Hour)
	cfg := h.config
	cfg.Environments = environments()
	cfg.Environments[0].MaxSecretAge = 24 * time.Hour
	strict := h.node(cfg)
	ended, works := started.Add(24*time.Hour), h.clock.now().Add(24*time.Hour)
	rotated, _, err := strict.RotateSecret(h.ctx, actor, k.ID, authority.Rotation{Overlap: 7 * 24 * time.Hour})
	h.must(err)
	shown, err := strict.APIKey(h.ctx, actor, k.ID)
	h.must(err)
	for _, k := range []*authority.APIKey{rotated, shown} {
		if got := k.Secrets; len(got) != 2 || !got[0].ExpiresAt.Equal(ended) || !got[1].ExpiresAt.Equal(works) || k.LiveSecrets(h.clock.now()) != 1 {
			t.Errorf("its secrets are %+v", got)
		}
	}
	uses, err := strict.KeyUses(h.ctx, actor, authority.KeyQuery{}, 10)
	h.must(err)
	if got := uses[0]; !got.SecretExpiresAt.Equal(works) || !got.Secrets[0].ExpiresAt.Equal(ended) {
		t.Errorf("the report has %+v", got)
	}
	wantError(t, "deleting the only secret that works", errorOf(strict.DeleteSecret(h.ctx, actor, k.ID, 2, false, 0)), authority.ErrLastSecret)
	h.must(errorOf(strict.DeleteSecret(h.ctx, actor, k.ID, 1, false, 0)))
	agree := func() {
		t.Helper()
		if _, differences, err := strict.VerifyState(h.ctx, nil, nil); err != nil || len(differences) > 0 {
			t.Errorf("the events say otherwise: %v %v", differences, err)
		}
	}
	full := h.key(authority.NewAPIKey{MerchantID: "4259", Env: "demo", Scopes: []string{"customers:read"}})
	old := full
	for range 4 {
		old = h.rotate(full, authority.Rotation{Overlap: 90 * 24 * time.Hour})
	}
	h.clock.advance(48 * time.Hour) // so none of the five works any more
	for _, overlap := range []time.Duration{7 * 24 * time.Hour, 7 * 24 * time.Hour, 0} {
		rotated, _, err = strict.RotateSecret(h.ctx, actor, full.ID, authority.Rotation{Overlap: overlap})
		h.must(err)
		agree()
	}
	if got := rotated.Secrets; len(got) != 5 || got[0].ID != 4 || got[4].ID != 8 || rotated.LiveSecrets(h.clock.now()) != 1 {
		t.Errorf("its secrets are %+v", got)
	}
	h.must(h.LoadDirectory(h.ctx))
	h.refused(h.Authority, old.request(), authority.SecretExpired) // where secrets may be older again, what was rotated stays dead
	name := "renamed"                                              // writes what is stored, not what is seen
	h.must(errorOf(strict.UpdateAPIKey(h.ctx, actor, k.ID, authority.APIKeyUpdate{Name: &name})))
	agree()
}

// An environment's greatest age holds for secrets made before it was set, too.
func TestMaxSecretAge(t *testing.T) {
	h := New(t)
	h.ready()
	k := h.key(authority.NewAPIKey{MerchantID: "4259", Env: "demo", Scopes: []string{"customers:read"}})
	cfg := h.config
	cfg.Environments = environments()
	cfg.Environments[0].MaxSecretAge = 24 * time.Hour
	strict := h.node(cfg)
	token, err := strict.IssueToken(k.request())
	h.must(err)
	if want := started.Add(24 * time.Hour); !token.SecretExpires.Equal(want) {
		t.Errorf("the secret ends at %s, want %s", token.SecretExpires, want)
	}
	rotated, secret, err := strict.RotateSecret(h.ctx, actor, k.ID, authority.Rotation{Overlap: time.Hour, ExpiresAt: started.Add(48 * time.Hour)})
	h.must(err)
	if got, want := rotated.Secrets[1].ExpiresAt, started.Add(24*time.Hour); !got.Equal(want) {
		t.Errorf("the new secret ends at %s, want %s", got, want)
	}
	h.clock.advance(24 * time.Hour)
	h.must(strict.LoadDirectory(h.ctx))
	for _, s := range []credential.Secret{k.secret, secret} {
		h.refused(strict, (&key{k.APIKey, s}).request(), authority.SecretExpired)
	}
}

func TestRotationIsChecked(t *testing.T) {
	h := New(t)
	h.ready()
	k := h.key(authority.NewAPIKey{MerchantID: "4259", Env: "demo"})
	for name, r := range map[string]authority.Rotation{
		"a negative overlap":    {Overlap: -1},
		"an overlap too long":   {Overlap: 90*24*time.Hour + 1},
		"an end that has come":  {ExpiresAt: started},
		"a name with a newline": {Name: "a\nb"},
		"a name too long":       {Name: strings.Repeat("n", 101)},
	} {
		var invalid *authority.InvalidError
		if _, _, err := h.RotateSecret(h.ctx, actor, k.ID, r); !errors.As(err, &invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, _, err := h.RotateSecret(h.ctx, actor, k.ID, authority.Rotation{IfVersion: k.Version + 1})
	wantError(t, "RotateSecret of another version", err, authority.ErrVersion)
	now, err := h.APIKey(h.ctx, actor, k.ID)
	h.must(err)
	if !reflect.DeepEqual(now.Secrets, k.Secrets) {
		t.Errorf("a refused rotation has changed the secrets: %+v", now.Secrets)
	}
	end := started.Add(90 * 24 * time.Hour) // the longest overlap, and name, are taken
	if next := h.rotate(k, authority.Rotation{Overlap: 90 * 24 * time.Hour, Name: strings.Repeat("n", 100)}); !next.Secrets[0].ExpiresAt.Equal(end.Truncate(time.Millisecond)) {
		t.Errorf("the older secret ends at %s", next.Secrets[0].ExpiresAt)
	}
}

// C-036: outside its networks an API key is as unknown.
func TestAllowedCIDRs(t *testing.T) {
	h := New(t)
	h.ready()
	cidrs, err := authority.ParseCIDRs([]string{"2001:db8::/32", "192.0.2.0/24", "198.51.100.7", "192.0.2.0/24"})
	h.must(err)
	k := h.key(authority.NewAPIKey{MerchantID: "4259", Env: "demo", Scopes: []string{"customers:read"}, AllowedCIDRs: cidrs})
	if len(k.AllowedCIDRs) != 3 {
		t.Errorf("networks are %v", k.AllowedCIDRs)
	}
	for address, allowed := range map[string]bool{
		"192.0.2.1": true, "192.0.2.255": true, "198.51.100.7": true, "2001:db8:1::1": true, "::ffff:192.0.2.1": true, "2001:db8::1%eth0": true,
		"192.0.3.1": false, "198.51.100.8": false, "2001:db9::1": false, "::ffff:192.0.3.1": false, "127.0.0.1": false, "": false,
	} {
		r := k.request()
		r.Address, _ = netip.ParseAddr(address) // none for ""
		if _, err := h.IssueToken(r); allowed {
			if err != nil {
				t.Errorf("%s: %v", address, err)
			}
		} else {
			h.refused(h.Authority, r, authority.OtherAddress)
		}
	}
	_, err = h.UpdateAPIKey(h.ctx, actor, k.ID, authority.APIKeyUpdate{AllowedCIDRs: &[]netip.Prefix{}})
	h.must(err)
	_, err = h.IssueToken(k.request())
	h.must(err)
}

func TestParseCIDRsRefuses(t *testing.T) {
	for _, text := range []string{"", "x", "192.0.2.0/33", "192.0.2.1/24", "::ffff:192.0.2.0/120", "fe80::1%eth0", "192.0.2.0/24 ", "2001:db8::1/32"} {
		var invalid *authority.InvalidError
		if list, err := authority.ParseCIDRs([]string{text}); !errors.As(err, &invalid) {
			t.Errorf("%q is read as %v", text, list)
		}
	}
	many := make([]string, 51)
	for i := range many {
		many[i] = netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}).String()
	}
	if _, err := authority.ParseCIDRs(many); err == nil {
		t.Error("51 addresses are accepted")
	}
}

// Removing a scope acts at the next token; issued ones live on unless asked.
func TestUpdateRevokesTokensWhenAsked(t *testing.T) {
	h := New(t)
	h.ready()
	k := h.key(authority.NewAPIKey{MerchantID: "4259", Env: "demo", Scopes: []string{"customers:read", "customers:write"}})
	scopes := []string{"customers:read"}
	updated, err := h.UpdateAPIKey(h.ctx, actor, k.ID, authority.APIKeyUpdate{Scopes: &scopes})
	h.must(err)
	if updated.Generation != k.Generation {
		t.Error("tokens were revoked without being asked")
	}
	updated, err = h.UpdateAPIKey(h.ctx, actor, k.ID, authority.APIKeyUpdate{RevokeTokens: true})
	h.must(err)
	if updated.Generation <= k.Generation {
		t.Error("tokens were not revoked")
	}
}

// Whatever is done to one API key at the same time, it stays whole: never more
// than five secrets that work, numbers used once, an event for each change,
// and the directory as the database.
func TestConcurrentLifeOfOneKey(t *testing.T) {
	rounds := 1000
	if underRace || testing.Short() {
		rounds = 50
	}
	h := New(t)
	h.ready()
	two := h.second()
	nodes := []*authority.Authority{h.Authority, two}
	for round := range rounds {
		k := h.key(authority.NewAPIKey{MerchantID: "4259", Env: "demo", Scopes: []string{"customers:read"}})
		var wg sync.WaitGroup
		var mu sync.Mutex
		acknowledged := []*key{k}
		for i := range 4 {
			node := nodes[i%2]
			wg.Go(func() {
				next, secret, err := node.RotateSecret(h.ctx, actor, k.ID, authority.Rotation{Overlap: time.Duration(i) * time.Minute})
				if err == nil {
					mu.Lock()
					acknowledged = append(acknowledged, &key{*next, secret})
					mu.Unlock()
				} else if !expected(err) {
					t.Errorf("rotate: %v", err)
				}
			})
			wg.Go(func() {
				if _, err := node.DeleteSecret(h.ctx, actor, k.ID, int64(i), i%2 == 0, 0); err != nil && !expected(err) {
					t.Errorf("delete secret: %v", err)
				}
			})
		}
		deleting := round%3 == 0
		if deleting {
			wg.Go(func() {
				if err := two.DeleteAPIKey(h.ctx, actor, k.ID, 0); err != nil && !expected(err) {
					t.Errorf("delete: %v", err)
				}
			})
		}
		wg.Wait()
		h.must(h.Authority.LoadDirectory(h.ctx)) // both nodes know everything
		h.must(two.LoadDirectory(h.ctx))
		now, err := h.APIKey(h.ctx, actor, k.ID)
		if deleting {
			wantError(t, "APIKey", err, authority.ErrNotFound)
		} else {
			h.must(err)
			checkSecrets(t, now, h.clock.now())
			h.must(h.DeleteAPIKey(h.ctx, actor, k.ID, 0))
			h.must(two.LoadDirectory(h.ctx))
		}
		for _, node := range nodes {
			for _, a := range acknowledged {
				h.refused(node, a.request(), authority.UnknownID)
			}
		}
		if t.Failed() {
			t.Fatalf("in round %d", round)
		}
	}
	_, err := h.VerifyEvents(h.ctx, nil, nil)
	h.must(err)
}

func expected(err error) bool {
	for _, e := range []error{authority.ErrConflict, authority.ErrNotFound, authority.ErrLastSecret, authority.ErrSecretLimit} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

func checkSecrets(t *testing.T, k *authority.APIKey, now time.Time) {
	t.Helper()
	live, last := 0, int64(0)
	for _, s := range k.Secrets {
		if s.ID <= last || s.ID > k.LastSecretID {
			t.Errorf("secrets are %+v", k.Secrets)
		}
		last = s.ID
		if s.ExpiresAt.IsZero() || s.ExpiresAt.After(now) {
			live++
		}
	}
	if live < 1 || live > 5 || len(k.Secrets) > 5 {
		t.Errorf("%d of %d secrets work", live, len(k.Secrets))
	}
}
