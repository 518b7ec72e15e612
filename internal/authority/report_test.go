package authority_test

import (
	"fmt"
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
