package store

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// totals are the rows of usage_totals.
func totals(t *testing.T, s authority.Store) (list []string) {
	t.Helper()
	rows, err := s.(*Store).read.QueryContext(t.Context(), `SELECT merchant_id, span, began, env, outcome, count FROM usage_totals
		ORDER BY merchant_id, span, began, env, outcome`)
	must(t, err)
	defer rows.Close()
	for rows.Next() {
		var merchant, env, outcome string
		var span, began, count int64
		must(t, rows.Scan(&merchant, &span, &began, &env, &outcome, &count))
		list = append(list, fmt.Sprintf("%q %dh %s %s %s %d", merchant, span/time.Hour.Milliseconds(), time.UnixMilli(began).Sub(hour.Truncate(day)), env, outcome, count))
	}
	must(t, rows.Err())
	return list
}

// useOfAll is use of two merchants and of the operator, in three days.
func useOfAll(t *testing.T, s authority.Store) {
	t.Helper()
	initialize(t, s)
	addMerchant(t, s, "acme")
	addMerchant(t, s, "other")
	k, second := addKey(t, s, apiKey(1, "demo", "acme")), addKey(t, s, apiKey(2, "demo", "acme"))
	foreign, platform := addKey(t, s, apiKey(4, "production", "other")), apiKey(5, "platform", "")
	must(t, s.CreateAPIKey(t.Context(), platform, authority.KeyLimits{Active: 50, Undeleted: 10}, draft(authority.APIKeyCreated, string(platform.ID))))
	wrong := authority.Outcome(authority.WrongSecret)
	retired := use(k, 1, authority.Issued, 5, hour.Add(time.Hour), "")
	retired.Retired = true // is counted once
	for _, uses := range [][]authority.Use{
		{use(k, 1, authority.Issued, 1, hour, ""), use(k, 2, authority.Issued, 2, hour, ""), use(k, 0, wrong, 3, hour, ""), retired},
		{use(second, 1, authority.Issued, 100, hour, ""), use(foreign, 1, authority.Issued, 1000, hour, ""), use(platform, 1, authority.Issued, 10_000, hour, "")},
		{use(k, 1, authority.Issued, 7, hour.Add(-day), ""), use(second, 1, authority.Issued, 9, hour.Add(day), "")},
		{use(apiKey(9, "demo", "acme"), 1, authority.Issued, 5, hour, "")}, // there never was such an API key
	} {
		must(t, s.AddUsage(t.Context(), uses, firstUse))
	}
}

// C-461: the use of all adds up, as that of a merchant does, by hour and by day.
func testUsageOfAll(t *testing.T, s authority.Store) {
	useOfAll(t, s)
	count := func(at time.Time, n int64) authority.UsageCount {
		return authority.UsageCount{Time: at, Outcome: authority.Issued, Count: n}
	}
	today := hour.Truncate(day)
	wrong := authority.UsageCount{Time: hour, Outcome: authority.Outcome(authority.WrongSecret), Count: 3}
	wrongToday := wrong
	wrongToday.Time = today
	for what, test := range map[string]struct {
		q    authority.UsageQuery
		want []authority.UsageCount
	}{
		"all, by hour": {authority.UsageQuery{All: true, From: hour, To: hour.Add(2 * time.Hour), Interval: time.Hour},
			[]authority.UsageCount{count(hour, 11_103), wrong, count(hour.Add(time.Hour), 5)}},
		"all, by day": {authority.UsageQuery{All: true, From: today.Add(-day), To: today.Add(2 * day), Interval: day},
			[]authority.UsageCount{count(today.Add(-day), 7), count(today, 11_108), wrongToday, count(today.Add(day), 9)}},
		"days that are not whole": {authority.UsageQuery{All: true, From: hour.Add(time.Hour), To: hour.Add(day), Interval: day},
			[]authority.UsageCount{count(today, 5)}},
		"one environment": {authority.UsageQuery{All: true, APIKeyFilter: authority.APIKeyFilter{Env: "production"}, From: hour, To: hour.Add(time.Hour), Interval: time.Hour},
			[]authority.UsageCount{count(hour, 1000)}},
		"operator keys": {authority.UsageQuery{All: true, APIKeyFilter: authority.APIKeyFilter{Env: "platform"}, From: hour, To: hour.Add(time.Hour), Interval: time.Hour},
			[]authority.UsageCount{count(hour, 10_000)}},
		"a merchant, by day": {authority.UsageQuery{APIKeyFilter: authority.APIKeyFilter{MerchantID: "acme"}, From: today, To: today.Add(day), Interval: day},
			[]authority.UsageCount{count(today, 108), wrongToday}},
	} {
		got, err := s.UsageSeries(t.Context(), test.q)
		must(t, err)
		wantEqual(t, what, got, test.want)
	}
	for _, want := range []int{2, 1, 0} { // yesterday's: two hours, of acme and of all, and a day
		n, err := s.DeleteUsageTotals(t.Context(), hour, 2)
		must(t, err)
		wantEqual(t, "deleted", n, want)
	}
	got, err := s.UsageSeries(t.Context(), authority.UsageQuery{All: true, From: today.Add(-day), To: today.Add(day), Interval: day})
	must(t, err)
	wantEqual(t, "what is left", got, []authority.UsageCount{count(today, 11_108), wrongToday})
}

// C-461: an upgrade adds up what is there as use adds it up from then on.
func testTotalsOfUpgrade(t *testing.T, s authority.Store) {
	useOfAll(t, s)
	want := totals(t, s)
	script, err := migrations.ReadFile("migrations/00010_pages.sql")
	must(t, err)
	write := s.(*Store).write
	statements := slices.DeleteFunc(strings.Split(string(script), ";\n"), func(text string) bool { return !strings.HasPrefix(text, "INSERT INTO usage_totals") })
	if len(statements) != 3 {
		t.Fatalf("%d statements fill the table, want 3", len(statements))
	}
	for _, statement := range append([]string{`DELETE FROM usage_totals`}, statements...) {
		_, err := write.ExecContext(t.Context(), statement)
		must(t, err)
	}
	wantEqual(t, "totals", totals(t, s), want)
}

// C-461
func testTopKeys(t *testing.T, s authority.Store) {
	useOfAll(t, s)
	acme := authority.APIKeyFilter{MerchantID: "acme", Env: "demo"}
	first, second := apiKey(1, "demo", "acme").ID, apiKey(2, "demo", "acme").ID
	top := func(id authority.ClientID, status authority.Status, issued, refused int64) authority.KeyTotal {
		return authority.KeyTotal{ClientID: id, Name: "Key", Env: "demo", Status: status, Issued: issued, Refused: refused}
	}
	deleteKey(t, s, second) // what was used was used
	q := authority.UsageQuery{APIKeyFilter: acme, From: hour, To: hour.Add(2 * time.Hour)}
	got, err := s.TopKeys(t.Context(), q, 10)
	must(t, err)
	wantEqual(t, "top", got, []authority.KeyTotal{top(second, "deleted", 100, 0), top(first, authority.Active, 8, 3)})
	got, err = s.TopKeys(t.Context(), q, 1)
	must(t, err)
	wantEqual(t, "the first", got, []authority.KeyTotal{top(second, "deleted", 100, 0)})
	q.Env = "production"
	got, err = s.TopKeys(t.Context(), q, 10)
	must(t, err)
	wantEqual(t, "nothing", got, []authority.KeyTotal{})
}
