package store

import (
	"fmt"
	"path/filepath"
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

// retiredUse makes events for AddUsage.
func retiredUse(u *authority.Use, m authority.MerchantID) *authority.Draft {
	d := draft(authority.RetiredSecretUsed, string(u.ClientID))
	d.MerchantID, d.Env, d.Details = m, u.Env, fmt.Sprintf(`{"secretId":%d}`, u.SecretID)
	return d
}

// addUsage adds uses, of which none may be one to make an event of.
func addUsage(t *testing.T, s authority.Store, uses ...authority.Use) {
	t.Helper()
	must(t, s.AddUsage(t.Context(), uses, func(u *authority.Use, _ authority.MerchantID) *authority.Draft {
		t.Errorf("there is an event of %+v", u)
		return retiredUse(u, "")
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
		use(k, 1, authority.Issued, 1, at.Add(time.Millisecond), "192.0.2.3"), // late, from another node
		use(k, 2, authority.Outcome(authority.ScopeNotHeld), 1, at, "2001:db8::1"),
		use(other, 1, authority.Issued, 9, at, "192.0.2.4"))
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
			if err := s.AddUsage(t.Context(), uses, retiredUse); err != nil {
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
	}, retiredUse))
	want := make([]authority.KeyUse, 3)
	for i, k := range keys {
		want[i] = authority.KeyUse{APIKey: *k, SecretCreatedAt: at}
		want[i].Secrets = nil
	}
	want[1].Issued, want[1].Refused, want[1].LastUsedAt, want[1].LastUsedFrom = 2, 1, at.Add(2*time.Hour), "192.0.2.2"
	want[1].SecretCreatedAt, want[1].SecretExpiresAt = at.Add(time.Second), at.Add(2*time.Minute)
	for _, limit := range []int{1, 2, 10} {
		got, after := []authority.KeyUse{}, authority.ClientID("")
		for {
			page, err := s.KeyUses(t.Context(), authority.APIKeyFilter{MerchantID: "acme"}, at.Add(time.Hour), after, limit)
			must(t, err)
			if len(page) == 0 {
				break
			}
			got = append(got, page...)
			after = got[len(got)-1].ID
		}
		wantEqual(t, "uses", got, want)
	}
	page, err := s.KeyUses(t.Context(), authority.APIKeyFilter{Env: "production"}, at, "", 10)
	must(t, err)
	if len(page) != 1 || page[0].ID != keys[2].ID || !page[0].LastUsedAt.IsZero() {
		t.Errorf("uses in production: %+v", page)
	}
}

func testExpiring(t *testing.T, s authority.Store) {
	initialize(t, s)
	addMerchant(t, s, "acme")
	day := 24 * time.Hour
	add := func(n int, key, first, second time.Time, change func(*authority.APIKey)) *authority.APIKey {
		k := apiKey(n, "demo", "acme")
		k.ExpiresAt, k.Secrets[0].ExpiresAt, k.Secrets[1].ExpiresAt = key, first, second
		if change != nil {
			change(k)
		}
		must(t, s.CreateAPIKey(t.Context(), k, authority.KeyLimits{Active: 100, Undeleted: 10}, draft(authority.APIKeyCreated, string(k.ID))))
		return k
	}
	never := time.Time{}
	add(1, never, never, never, nil)
	a := add(2, at.Add(day), never, at.Add(day+time.Millisecond), nil)
	add(3, at, at.Add(-time.Second), never, nil) // over
	add(4, at.Add(time.Hour), at.Add(time.Hour), never, func(k *authority.APIKey) { k.Status = authority.Disabled })
	deleteKey(t, s, add(5, at.Add(time.Hour), at.Add(time.Hour), never, nil).ID)
	b := add(6, never, at.Add(time.Minute), at.Add(time.Minute), func(k *authority.APIKey) {
		k.Secrets[0].RetiredAt, k.Secrets[1].RetiredAt = at, at
	})
	addUsage(t, s, use(b, 1, authority.Issued, 1, at.Add(-time.Millisecond), ""), use(b, 2, authority.Issued, 1, at, ""))

	expiring := func(days int, from, until time.Time, limit int) string {
		list, err := s.Expiring(t.Context(), days, from, until, limit)
		must(t, err)
		text := ""
		for _, e := range list {
			if e.MerchantID != "acme" || e.Env != "demo" || e.Days != days {
				t.Errorf("got %+v", e)
			}
			text += fmt.Sprintf("%s/%d in %s; ", strings.TrimLeft(string(e.ClientID)[9:], "0"), e.SecretID, e.ExpiresAt.Sub(at))
		}
		return text
	}
	wantEqual(t, "within a day", expiring(1, at, at.Add(day), 10), "6/2 in 1m0s; 2/0 in 24h0m0s; ")
	wantEqual(t, "the first within a day", expiring(1, at, at.Add(day), 1), "6/2 in 1m0s; ")
	wantEqual(t, "within a week", expiring(7, at.Add(day), at.Add(7*day), 10), "2/2 in 24h0m0.001s; ")

	notice := func(k *authority.APIKey, secret int64, end time.Time, days int) error {
		e := &authority.Expiry{ClientID: k.ID, SecretID: secret, ExpiresAt: end, Days: days}
		return s.AddExpiryNotice(t.Context(), e, draft(authority.SecretExpiring, string(k.ID)))
	}
	must(t, notice(a, 0, a.ExpiresAt, 7))
	wantEqual(t, "within a day, announced a week before", expiring(1, at, at.Add(day), 10), "6/2 in 1m0s; 2/0 in 24h0m0s; ")
	must(t, notice(a, 0, a.ExpiresAt, 1))
	must(t, notice(b, 2, at.Add(time.Minute), 1))
	wantEqual(t, "within a day, announced", expiring(1, at, at.Add(day), 10), "")
	wantEqual(t, "within a week, announced", expiring(7, at, at.Add(day), 10), "")
	refused(t, s, authority.ErrExists, func() error { return notice(a, 0, a.ExpiresAt, 1) })
	must(t, s.DeleteExpiryNotices(t.Context(), at.Add(time.Hour)))
	wantEqual(t, "those forgotten", expiring(1, at, at.Add(day), 10), "6/2 in 1m0s; ")
}

// A million API keys of which few end soon are not read for those few.
func TestWhatEndsSoonIsFoundByIndex(t *testing.T) {
	s := openStore(t, filepath.Join(t.TempDir(), "tokenwright.db"))
	rows, err := s.read.QueryContext(t.Context(), `EXPLAIN QUERY PLAN `+selectExpiring, 1, 2, 3, 4)
	must(t, err)
	defer func() { _ = rows.Close() }()
	var plan []string
	for rows.Next() {
		var id, parent, unused int
		var detail string
		must(t, rows.Scan(&id, &parent, &unused, &detail))
		plan = append(plan, detail)
	}
	must(t, rows.Err())
	for _, index := range []string{"api_keys_by_end", "secrets_by_end"} {
		if !slices.ContainsFunc(plan, func(s string) bool { return strings.Contains(s, index) }) {
			t.Errorf("%s is not used: %q", index, plan)
		}
	}
	if i := slices.IndexFunc(plan, func(s string) bool { return strings.HasPrefix(s, "SCAN") }); i >= 0 {
		t.Errorf("a table is read whole: %q", plan[i])
	}
}
