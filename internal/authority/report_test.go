package authority_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
)

const day = 24 * time.Hour

// C-303: what is safe to delete is told from use: retired, and left alone.
func TestSafeToDeleteIsToldFromUse(t *testing.T) {
	ago := func(d time.Duration) time.Time { return started.Add(-d) }
	for _, test := range []struct {
		retired, used time.Time
		want          bool
	}{
		{time.Time{}, time.Time{}, false},
		{time.Time{}, ago(100 * day), false},
		{ago(day), time.Time{}, true},
		{ago(day - time.Second), time.Time{}, false},
		{ago(day), ago(day + time.Second), true},
		{ago(day), ago(day), false},
		{ago(day), ago(time.Hour), false},
		{ago(60 * day), ago(31 * day), true},
		{ago(60 * day), ago(31*day - time.Second), false},
	} {
		s := authority.Secret{RetiredAt: test.retired, LastUsedAt: test.used}
		if got := s.SafeToDelete(started); got != test.want {
			t.Errorf("retired at %s, last used at %s: %t", test.retired, test.used, got)
		}
	}
}

func TestReportFlagsWhatToLookAt(t *testing.T) {
	at := func(days int) time.Time { return started.Add(time.Duration(days) * day) }
	use := func(change func(*authority.KeyUse)) authority.KeyUse {
		u := authority.KeyUse{APIKey: authority.APIKey{CreatedAt: at(-400), LastUsedAt: at(-1)}, SecretCreatedAt: at(-10)}
		change(&u)
		return u
	}
	for want, u := range map[string]authority.KeyUse{
		"[]":                  use(func(*authority.KeyUse) {}),
		"[never_used unused]": use(func(u *authority.KeyUse) { u.LastUsedAt = time.Time{} }),
		"[never_used]":        use(func(u *authority.KeyUse) { u.LastUsedAt, u.CreatedAt = time.Time{}, at(-89) }),
		"[unused]":            use(func(u *authority.KeyUse) { u.LastUsedAt = at(-90) }),
		"[expires_soon]":      use(func(u *authority.KeyUse) { u.ExpiresAt = at(30) }),
		"[expired]":           use(func(u *authority.KeyUse) { u.ExpiresAt, u.SecretExpiresAt = at(300), at(0) }),
		"[old_secret]":        use(func(u *authority.KeyUse) { u.SecretCreatedAt, u.ExpiresAt = at(-365), at(31) }),
		"[unused expired]":    use(func(u *authority.KeyUse) { u.LastUsedAt, u.ExpiresAt, u.SecretCreatedAt = at(-91), at(-1), time.Time{} }),
	} {
		if got := fmt.Sprint(u.Flags(started, 90*day, 365*day)); got != want {
			t.Errorf("flags are %s, want %s", got, want)
		}
	}
}

// C-460: orders and searches are within one merchant and environment, and what
// is of another merchant is in none.
func TestKeyUsesAreSearchedWithinOneMerchant(t *testing.T) {
	h := New(t)
	k := h.ready()
	within := authority.APIKeyFilter{MerchantID: "4259", Env: "demo"}
	for _, q := range []authority.KeyQuery{
		{Search: "o"}, {Order: authority.KeysByName, APIKeyFilter: authority.APIKeyFilter{MerchantID: "4259"}},
		{Order: "size", APIKeyFilter: within}, {Search: "a\x00", APIKeyFilter: within}, {Search: strings.Repeat("a", 301), APIKeyFilter: within},
	} {
		if _, err := h.KeyUses(h.ctx, actor, q, 10); !errors.As(err, new(*authority.InvalidError)) {
			t.Errorf("%+v: %v", q, err)
		}
	}
	own := authority.Actor{Permissions: &authority.Permissions{Scopes: []string{authority.APIKeysRead}, MerchantID: "4259", Env: "demo"}}
	list, err := h.KeyUses(h.ctx, own, authority.KeyQuery{Search: "ORDERS"}, 10) // its merchant and environment are given
	h.must(err)
	if len(list) != 1 || list[0].ID != k.ID || list[0].LiveSecrets(h.clock.now()) != 1 {
		t.Errorf("found %+v", list)
	}
	h.merchant("7")
	other := authority.Actor{Permissions: &authority.Permissions{Scopes: []string{authority.APIKeysRead}, MerchantID: "7"}}
	if list, err := h.KeyUses(h.ctx, other, authority.KeyQuery{APIKeyFilter: within, Search: string(k.ID)}, 10); err != nil || len(list) != 0 {
		t.Errorf("another merchant's: %v, %v", list, err)
	}
	_, err = h.KeyCount(h.ctx, other, "4259", "demo")
	wantError(t, "another merchant's count", err, authority.ErrNotFound)
	_, err = h.KeyCount(h.ctx, actor, "4259", "nowhere")
	wantError(t, "an environment that is none", err, authority.ErrNotFound)
	c, err := h.KeyCount(h.ctx, own, "4259", "demo")
	if h.must(err); c != (authority.KeyCount{Active: 1, ActiveLimit: 3, Undeleted: 1, UndeletedLimit: 30}) {
		t.Errorf("count %+v", c)
	}
}
