package store

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
)

var hour = at.Truncate(time.Hour)

func use(k *authority.APIKey, secret int64, outcome authority.Outcome, count int64, when time.Time, address string) authority.Use {
	return authority.Use{
		ClientID: k.ID, Env: k.Env, SecretID: secret, Outcome: outcome, Hour: when.Truncate(time.Hour), Count: count, At: when, Address: address,
	}
}

// firstUse makes events for AddUsage.
func firstUse(kind authority.EventKind, u *authority.Use, m authority.MerchantID) *authority.Draft {
	d := draft(kind, string(u.ClientID))
	d.MerchantID, d.Env, d.Details = m, u.Env, fmt.Sprintf(`{"secretId":%d}`, u.SecretID)
	return d
}

// addUsage adds uses, of which none may be one to make an event of.
func addUsage(t *testing.T, s authority.Store, uses ...authority.Use) {
	t.Helper()
	must(t, s.AddUsage(t.Context(), uses, func(kind authority.EventKind, u *authority.Use, _ authority.MerchantID) *authority.Draft {
		t.Errorf("there is an event of %+v", u)
		return firstUse(kind, u, "")
	}))
}

func testUsage(t *testing.T, s authority.Store) {
	initialize(t, s)
	addMerchant(t, s, "acme")
	k, other := addKey(t, s, apiKey(1, "demo", "acme")), addKey(t, s, apiKey(2, "demo", "acme"))
	if u, err := s.Usage(t.Context(), k.ID, time.Time{}, at.Add(time.Hour)); err != nil || len(u) != 0 {
		t.Errorf("usage of an API key that was never used: %v, %v", u, err)
	}
	wrong := authority.Outcome(authority.WrongSecret)
	addUsage(t, s, use(k, 1, authority.Issued, 3, at, "192.0.2.1"), use(k, 0, wrong, 2, at.Add(time.Second), "192.0.2.9"))
	addUsage(t, s,
		use(k, 1, authority.Issued, 4, at.Add(time.Minute), "192.0.2.2"),
		use(k, 1, authority.Issued, 1, at.Add(time.Hour), ""),
		use(k, 2, authority.Outcome(authority.ScopeNotHeld), 1, at, "2001:db8::1"),
		use(other, 1, authority.Issued, 9, at, "192.0.2.4"))
	addUsage(t, s, use(k, 1, authority.Issued, 1, at.Add(time.Millisecond), "192.0.2.3")) // late, from another node
	got, err := s.Usage(t.Context(), k.ID, hour, hour.Add(2*time.Hour))
	must(t, err)
	wantEqual(t, "usage", got, []authority.HourUsage{
		{Hour: hour, Outcome: wrong, Count: 2},
		{Hour: hour, SecretID: 1, Outcome: authority.Issued, Count: 8},
		{Hour: hour, SecretID: 2, Outcome: authority.Outcome(authority.ScopeNotHeld), Count: 1},
		{Hour: hour.Add(time.Hour), SecretID: 1, Outcome: authority.Issued, Count: 1},
	})
	got, err = s.Usage(t.Context(), k.ID, hour.Add(time.Millisecond), hour.Add(time.Hour))
	must(t, err)
	wantEqual(t, "usage of no hour", got, []authority.HourUsage{})

	stored := get(t)(s.APIKey(t.Context(), k.ID))
	last := func(secret int) string {
		return fmt.Sprint(stored.Secrets[secret].LastUsedAt.Sub(at), " ", stored.Secrets[secret].LastUsedFrom)
	}
	if a, b, all := last(0), last(1), stored.LastUsedAt.Sub(at); a != "1h0m0s " || b != "0s 2001:db8::1" || all != time.Hour {
		t.Errorf("secrets were last used %q and %q, the API key %s", a, b, all)
	}

	// What was the use of a secret stays when the secret has gone.
	stored.Version, stored.Secrets = stored.Version+1, stored.Secrets[1:]
	must(t, s.UpdateAPIKey(t.Context(), stored, limits, draft(authority.APIKeyUpdated, string(k.ID))))
	if stored = get(t)(s.APIKey(t.Context(), k.ID)); stored.LastUsedAt != at.Add(time.Hour) {
		t.Errorf("without the secret the API key was last used at %s", stored.LastUsedAt)
	}
}

func testDeleteUsage(t *testing.T, s authority.Store) {
	initialize(t, s)
	addMerchant(t, s, "acme")
	k := addKey(t, s, apiKey(1, "demo", "acme"))
	for i := range 5 {
		addUsage(t, s, use(k, 1, authority.Issued, 1, at.Add(time.Duration(i)*time.Hour), ""), use(k, 0, authority.Outcome(authority.WrongSecret), 1, at, ""))
	}
	for _, want := range []int{3, 1, 0} { // the first two hours have three rows, and the third one begins in time
		n, err := s.DeleteUsage(t.Context(), hour.Add(3*time.Hour), 3)
		must(t, err)
		if n != want {
			t.Errorf("%d rows are deleted, want %d", n, want)
		}
	}
	got, err := s.Usage(t.Context(), k.ID, time.Time{}, at.Add(24*time.Hour))
	must(t, err)
	if len(got) != 2 || got[0].Hour != hour.Add(3*time.Hour) {
		t.Errorf("what is left: %v", got)
	}
	if k := get(t)(s.APIKey(t.Context(), k.ID)); k.LastUsedAt != at.Add(4*time.Hour) {
		t.Errorf("the API key was last used at %s", k.LastUsedAt)
	}
}

// One event for each retired secret and hour, whoever writes usage, and however
// many write it at the same time.
func testRetiredUsage(t *testing.T, s authority.Store) {
	initialize(t, s)
	addMerchant(t, s, "acme")
	k := addKey(t, s, apiKey(1, "demo", "acme"))
	addUsage(t, s, use(k, 1, authority.Issued, 5, at, "")) // in this hour, but before
	retired := func(secret int64, outcome authority.Outcome, when time.Time) authority.Use {
		u := use(k, secret, outcome, 2, when, "192.0.2.1")
		u.Retired = true
		return u
	}
	uses := []authority.Use{
		retired(1, authority.Issued, at), retired(1, authority.Outcome(authority.ScopeNone), at), retired(2, authority.Issued, at),
		retired(1, authority.Issued, at.Add(time.Hour)),
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if err := s.AddUsage(t.Context(), uses, firstUse); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	events, err := s.Events(t.Context(), 3, 100)
	must(t, err)
	var got []string
	for _, e := range events {
		got = append(got, fmt.Sprintf("%s %s %s %s %s", e.Kind, e.Subject, e.MerchantID, e.Env, e.Details))
	}
	one := "secret.retired_used " + string(k.ID) + ` acme demo {"secretId":1}`
	wantEqual(t, "events", got, []string{one, strings.Replace(one, ":1", ":2", 1), one})
	usage, err := s.Usage(t.Context(), k.ID, hour, hour.Add(time.Hour))
	must(t, err)
	wantEqual(t, "usage", usage, []authority.HourUsage{
		{Hour: hour, SecretID: 1, Outcome: authority.Issued, Count: 13},
		{Hour: hour, SecretID: 1, Outcome: authority.Outcome(authority.ScopeNone), Count: 8},
		{Hour: hour, SecretID: 2, Outcome: authority.Issued, Count: 8},
	})
}

// One event for each API key and hour in which it reached its limit, whichever
// of its secrets, and also where that one is retired.
func testLimitReached(t *testing.T, s authority.Store) {
	initialize(t, s)
	addMerchant(t, s, "acme")
	k := addKey(t, s, apiKey(1, "demo", "acme"))
	limited := func(secret int64, when time.Time) authority.Use {
		return use(k, secret, authority.Outcome(authority.RateLimited), 2, when, "192.0.2.1")
	}
	uses := []authority.Use{limited(1, at), limited(2, at), limited(1, at.Add(time.Hour))}
	uses[1].Retired = true
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if err := s.AddUsage(t.Context(), uses, firstUse); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	events, err := s.Events(t.Context(), 3, 100)
	must(t, err)
	var got []string
	for _, e := range events {
		got = append(got, fmt.Sprintf("%s %s %s", e.Kind, e.MerchantID, e.Details))
	}
	const once = `api_key.limit_reached acme {"secretId":1}`
	wantEqual(t, "events", got, []string{once, `secret.retired_used acme {"secretId":2}`, once})
	usage, err := s.Usage(t.Context(), k.ID, hour, hour.Add(time.Hour))
	must(t, err)
	wantEqual(t, "usage", usage, []authority.HourUsage{
		{Hour: hour, SecretID: 1, Outcome: authority.Outcome(authority.RateLimited), Count: 8},
		{Hour: hour, SecretID: 2, Outcome: authority.Outcome(authority.RateLimited), Count: 8},
	})
	series, err := s.UsageSeries(t.Context(), authority.UsageQuery{ClientID: k.ID, From: hour, To: hour.Add(time.Hour), Interval: time.Hour})
	must(t, err)
	wantEqual(t, "series", series, []authority.UsageCount{{Time: hour, Outcome: authority.Outcome(authority.RateLimited), Count: 16}})
	page, err := s.KeyUses(t.Context(), authority.KeyQuery{APIKeyFilter: authority.APIKeyFilter{MerchantID: "acme"}, Since: at}, 10)
	must(t, err)
	if len(page) != 1 || page[0].Refused != 24 {
		t.Errorf("uses: %+v, want 24 refused", page)
	}
}

func testKeyUses(t *testing.T, s authority.Store) {
	initialize(t, s)
	addMerchant(t, s, "acme")
	keys := []*authority.APIKey{apiKey(1, "demo", "acme"), apiKey(2, "demo", "acme"), apiKey(3, "production", "acme")}
	keys[1].Secrets[1].CreatedAt, keys[1].Secrets[1].ExpiresAt = at.Add(time.Second), at.Add(2*time.Minute)
	for _, k := range keys {
		addKey(t, s, k)
	}
	deleteKey(t, s, addKey(t, s, apiKey(4, "production", "acme")).ID)
	used := func(outcome authority.Outcome, hours int) authority.Use {
		return use(keys[1], 1, outcome, 1, at.Add(time.Duration(hours)*time.Hour), fmt.Sprint("192.0.2.", hours))
	}
	late := used(authority.Issued, 2)
	late.Retired = true
	must(t, s.AddUsage(t.Context(), []authority.Use{
		used(authority.Issued, 0), used(authority.Issued, 1), used(authority.Outcome(authority.KeyDisabled), 1),
		used(authority.Authenticated, 2), late,
	}, firstUse))
	want := make([]authority.KeyUse, 3)
	for i, k := range keys {
		want[i] = authority.KeyUse{APIKey: *k, MerchantName: merchant("acme").Name, SecretCreatedAt: at}
		want[i].Secrets = slices.Clone(k.Secrets)
	}
	want[1].Secrets[0].LastUsedAt, want[1].Secrets[0].LastUsedFrom = at.Add(2*time.Hour), "192.0.2.2"
	want[1].Issued, want[1].Refused, want[1].LastUsedAt, want[1].LastUsedFrom = 2, 1, at.Add(2*time.Hour), "192.0.2.2"
	want[1].SecretCreatedAt, want[1].SecretExpiresAt = at.Add(time.Second), at.Add(2*time.Minute)
	for _, limit := range []int{1, 2, 10} {
		got, q := []authority.KeyUse{}, authority.KeyQuery{APIKeyFilter: authority.APIKeyFilter{MerchantID: "acme"}, Since: at.Add(time.Hour)}
		for {
			page, err := s.KeyUses(t.Context(), q, limit)
			must(t, err)
			if len(page) == 0 {
				break
			}
			got = append(got, page...)
			q.After.ID = got[len(got)-1].ID
		}
		wantEqual(t, "uses", got, want)
	}
	page, err := s.KeyUses(t.Context(), authority.KeyQuery{APIKeyFilter: authority.APIKeyFilter{Env: "production"}, Since: at}, 10)
	must(t, err)
	if len(page) != 1 || page[0].ID != keys[2].ID || !page[0].LastUsedAt.IsZero() {
		t.Errorf("uses in production: %+v", page)
	}
}

// The use of a merchant, or of one API key, adds up by hour and by day (UTC),
// whatever secrets it was with.
func testUsageSeries(t *testing.T, s authority.Store) {
	initialize(t, s)
	addMerchant(t, s, "acme")
	addMerchant(t, s, "other")
	k, second := addKey(t, s, apiKey(1, "demo", "acme")), addKey(t, s, apiKey(2, "demo", "acme"))
	production, foreign := addKey(t, s, apiKey(3, "production", "acme")), addKey(t, s, apiKey(4, "demo", "other"))
	wrong := authority.Outcome(authority.WrongSecret)
	retired := use(k, 1, authority.Issued, 5, hour.Add(time.Hour), "")
	retired.Retired = true // is counted once
	must(t, s.AddUsage(t.Context(), []authority.Use{
		use(k, 1, authority.Issued, 1, hour, ""), use(k, 2, authority.Issued, 2, hour.Add(time.Minute), ""), use(k, 0, wrong, 3, hour, ""), retired,
		use(k, 1, authority.Issued, 7, hour.Add(-25*time.Hour), ""), use(k, 1, authority.Issued, 11, hour.Add(24*time.Hour), ""),
		use(second, 1, authority.Issued, 100, hour, ""), use(production, 1, authority.Issued, 1000, hour, ""), use(foreign, 1, authority.Issued, 10_000, hour, ""),
	}, firstUse))
	day := hour.Truncate(24 * time.Hour)
	count := func(at time.Time, outcome authority.Outcome, n int64) authority.UsageCount {
		return authority.UsageCount{Time: at, Outcome: outcome, Count: n}
	}
	acme := authority.APIKeyFilter{MerchantID: "acme"}
	for what, test := range map[string]struct {
		q    authority.UsageQuery
		want []authority.UsageCount
	}{
		"one API key": {authority.UsageQuery{ClientID: k.ID, From: hour, To: hour.Add(2 * time.Hour), Interval: time.Hour},
			[]authority.UsageCount{count(hour, authority.Issued, 3), count(hour, wrong, 3), count(hour.Add(time.Hour), authority.Issued, 5)}},
		"its days": {authority.UsageQuery{ClientID: k.ID, From: day.Add(-48 * time.Hour), To: day.Add(48 * time.Hour), Interval: 24 * time.Hour},
			[]authority.UsageCount{count(day.Add(-24*time.Hour), authority.Issued, 7), count(day, authority.Issued, 8), count(day, wrong, 3), count(day.Add(24*time.Hour), authority.Issued, 11)}},
		"a merchant": {authority.UsageQuery{APIKeyFilter: acme, From: hour, To: hour.Add(time.Hour), Interval: time.Hour},
			[]authority.UsageCount{count(hour, authority.Issued, 1103), count(hour, wrong, 3)}},
		"in one environment": {authority.UsageQuery{APIKeyFilter: authority.APIKeyFilter{MerchantID: "acme", Env: "demo"}, From: hour, To: hour.Add(time.Hour), Interval: time.Hour},
			[]authority.UsageCount{count(hour, authority.Issued, 103), count(hour, wrong, 3)}},
		"nobody": {authority.UsageQuery{APIKeyFilter: authority.APIKeyFilter{MerchantID: "none"}, From: hour, To: hour.Add(time.Hour), Interval: time.Hour},
			[]authority.UsageCount{}},
		"a time without": {authority.UsageQuery{ClientID: k.ID, From: hour.Add(2 * time.Hour), To: hour.Add(3 * time.Hour), Interval: time.Hour}, []authority.UsageCount{}},
	} {
		got, err := s.UsageSeries(t.Context(), test.q)
		must(t, err)
		wantEqual(t, what, got, test.want)
	}
	deleteKey(t, s, second.ID) // what was used was used
	got, err := s.UsageSeries(t.Context(), authority.UsageQuery{APIKeyFilter: acme, From: hour, To: hour.Add(time.Hour), Interval: time.Hour})
	must(t, err)
	wantEqual(t, "after a deletion", got, []authority.UsageCount{count(hour, authority.Issued, 1103), count(hour, wrong, 3)})
}
