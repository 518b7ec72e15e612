package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
)

func testUnannounced(t *testing.T, s authority.Store) {
	initialize(t, s)
	addMerchant(t, s, "acme")
	k := addKey(t, s, apiKey(1, "demo", "acme"))
	end := at.Add(time.Hour)
	expiry := func(secret int64, end time.Time, days int) authority.Expiry {
		return authority.Expiry{ClientID: k.ID, MerchantID: "acme", Env: "demo", SecretID: secret, ExpiresAt: end, Days: days}
	}
	unannounced := func(list ...authority.Expiry) string {
		t.Helper()
		left, err := s.Unannounced(t.Context(), list)
		must(t, err)
		text := ""
		for _, e := range left {
			text += fmt.Sprintf("%d/%d ", e.SecretID, e.Days)
			wantEqual(t, "expiry", e, expiry(e.SecretID, e.ExpiresAt, e.Days))
		}
		return text
	}
	notice := func(e authority.Expiry) error {
		return s.AddExpiryNotice(t.Context(), &e, draft(authority.SecretExpiring, string(k.ID)))
	}
	key, first, second := expiry(0, end, 7), expiry(1, end, 7), expiry(2, end, 7)
	wantEqual(t, "of nothing", unannounced(), "")
	wantEqual(t, "at first", unannounced(key, first, second), "0/7 1/7 2/7 ")
	must(t, notice(key))
	must(t, notice(second))
	wantEqual(t, "of two", unannounced(key, first, second), "1/7 ")
	wantEqual(t, "less urgent", unannounced(expiry(0, end, 30)), "")
	wantEqual(t, "more urgent", unannounced(expiry(0, end, 1)), "0/1 ")
	wantEqual(t, "another end", unannounced(expiry(0, end.Add(time.Millisecond), 7)), "0/7 ")
	refused(t, s, authority.ErrExists, func() error { return notice(key) })

	k.Version, k.Secrets[0].RetiredAt = 2, at
	must(t, s.UpdateAPIKey(t.Context(), k, limits, draft(authority.APIKeyUpdated, string(k.ID))))
	addUsage(t, s, use(k, 1, authority.Issued, 1, at.Add(-time.Millisecond), ""), use(k, 2, authority.Issued, 1, at, ""))
	wantEqual(t, "retired, and not used since", unannounced(first), "")
	addUsage(t, s, use(k, 1, authority.Issued, 1, at, ""))
	wantEqual(t, "retired, but used", unannounced(first), "1/7 ")

	must(t, s.DeleteExpiryNotices(t.Context(), end))
	wantEqual(t, "not ended yet", unannounced(key), "")
	must(t, s.DeleteExpiryNotices(t.Context(), end.Add(time.Millisecond)))
	wantEqual(t, "forgotten", unannounced(key, second), "0/7 2/7 ")
}
