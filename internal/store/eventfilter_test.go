package store

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// addEvents writes 24 events behind the first, which differ in everything that
// they can be found by. Their times are at, a minute later, and so on.
func addEvents(t *testing.T, s authority.Store) (list []authority.Event) {
	t.Helper()
	initialize(t, s)
	for i := range 24 {
		d := draft([]authority.EventKind{authority.MerchantCreated, authority.APIKeyUpdated, authority.SecretRotated}[i%3], fmt.Sprint("subject", i%4))
		d.MerchantID, d.Env = authority.MerchantID([]string{"", "a", "b"}[i%3]), []string{"demo", "production"}[i%2]
		d.Actor.ID, d.Time = fmt.Sprint("actor", i%5), at.Add(time.Duration(i)*time.Minute)
		must(t, s.CreateScope(t.Context(), scope(fmt.Sprintf("s%d:read", i)), d))
	}
	list, err := s.Events(t.Context(), 0, 100)
	must(t, err)
	return list
}

// C-196, C-227: events are found by what is asked for, in either order, page by
// page.
func testFindEvents(t *testing.T, s authority.Store) {
	all := addEvents(t, s)
	for _, f := range []authority.EventFilter{
		{}, {MerchantID: "a"}, {Env: "demo"}, {Kind: authority.APIKeyUpdated}, {Subject: "subject2"}, {Actor: "actor3"},
		{Since: at.Add(7 * time.Minute)}, {Until: at.Add(7 * time.Minute)}, {Since: at.Add(3 * time.Minute), Until: at.Add(12 * time.Minute)},
		{MerchantID: "b", Env: "demo"}, {MerchantID: "a", Kind: authority.APIKeyUpdated, Actor: "actor1", Since: at.Add(time.Minute)},
		{MerchantID: "none"}, {Subject: "Subject2"}, {Since: at.Add(time.Hour)}, {Kind: "api_key"},
	} {
		for _, newest := range []bool{false, true} {
			f.NewestFirst = newest
			var want []authority.Event
			for i := range all {
				if matches(&f, &all[i]) {
					want = append(want, all[i])
				}
			}
			if newest {
				for i, j := 0, len(want)-1; i < j; i, j = i+1, j-1 {
					want[i], want[j] = want[j], want[i]
				}
			}
			for _, limit := range []int{1, 5, 100} {
				wantEqual(t, fmt.Sprintf("%+v by %d", f, limit), findAll(t, s, f, limit), want)
			}
		}
	}
}

func matches(f *authority.EventFilter, e *authority.Event) bool {
	return (f.MerchantID == "" || f.MerchantID == e.MerchantID) && (f.Env == "" || f.Env == e.Env) && (f.Kind == "" || f.Kind == e.Kind) &&
		(f.Subject == "" || f.Subject == e.Subject) && (f.Actor == "" || f.Actor == e.Actor.ID) &&
		(f.Since.IsZero() || !e.Time.Before(f.Since)) && (f.Until.IsZero() || e.Time.Before(f.Until))
}

func findAll(t *testing.T, s authority.Store, f authority.EventFilter, limit int) (all []authority.Event) {
	t.Helper()
	var after int64
	for {
		page, err := s.FindEvents(t.Context(), f, after, limit)
		must(t, err)
		all = append(all, page...)
		if len(page) < limit {
			return all
		}
		after = page[len(page)-1].Seq
	}
}

// C-395: events whose clocks were up to an hour apart are found by time, whatever
// their order.
func testEventsOfApartClocks(t *testing.T, s authority.Store) {
	initialize(t, s)
	for i, minute := range []int{0, 59, 1, 58, 0, 30, 70, 12, 72, 71, 60, 61} {
		d := draft(authority.ScopeCreated, fmt.Sprint(i))
		d.Time = at.Add(time.Duration(minute) * time.Minute)
		must(t, s.CreateScope(t.Context(), scope(fmt.Sprintf("s%d:read", i)), d))
	}
	all, err := s.Events(t.Context(), 0, 100)
	must(t, err)
	for minute := range 75 {
		edge := at.Add(time.Duration(minute) * time.Minute)
		for _, f := range []authority.EventFilter{{Since: edge}, {Until: edge}, {Since: edge, NewestFirst: true}, {Until: edge, NewestFirst: true}} {
			want := 0
			for i := range all {
				if matches(&f, &all[i]) {
					want++
				}
			}
			if got := len(findAll(t, s, f, 100)); got != want {
				t.Errorf("%+v: %d events, want %d", f, got, want)
			}
		}
	}
}

// C-395: a list of events reads those that it shows, whatever it is asked for:
// each thing has its index, which is read in the order of the list.
func TestSQLiteFindsEventsByIndex(t *testing.T) {
	s := openStore(t, newPath(t))
	addEvents(t, s)
	for index, f := range map[string]authority.EventFilter{
		"INDEX events_by_merchant (merchant_id=?": {MerchantID: "a"}, "INDEX events_by_env (env=?": {Env: "demo"},
		"INDEX events_by_kind (kind=?": {Kind: authority.APIKeyUpdated}, "INDEX events_by_subject (subject=?": {Subject: "x"},
		"INDEX events_by_actor (actor=?":                                     {Actor: "x"},
		"INDEX events_by_merchant_kind (<expr>=? AND <expr>=?":               {MerchantID: "a", Kind: authority.APIKeyUpdated},
		"INDEX events_by_merchant_actor (<expr>=? AND <expr>=?":              {MerchantID: "a", Actor: "x", Env: "demo"},
		"INDEX events_by_merchant_env (<expr>=? AND <expr>=?":                {MerchantID: "a", Env: "demo"},
		"INDEX events_by_kind_actor (<expr>=? AND <expr>=?":                  {Kind: "k", Actor: "x"},
		"INDEX events_by_kind_actor_env (<expr>=? AND <expr>=? AND <expr>=?": {Kind: "k", Actor: "x", Env: "demo"},
		"INDEX events_by_kind_env (<expr>=? AND <expr>=?":                    {Kind: "k", Env: "demo"},
		"INDEX events_by_actor_env (<expr>=? AND <expr>=?":                   {Actor: "x", Env: "demo"},
		"INDEX events_by_subject (subject=? AND seq":                         {Subject: "x", MerchantID: "a", Kind: "k", Actor: "x", Env: "demo", Since: at},
		"COVERING INDEX events_by_time (time>? AND time<?)":                  {Since: at}, "COVERING INDEX events_by_time (time>? AND time<?": {Until: at},
	} {
		for n := range 8 {
			f.NewestFirst = n&1 != 0
			if n&2 != 0 {
				f.Since = at
			}
			if n&4 != 0 {
				f.Until = at.Add(day)
			}
			query, args := findEvents(f, 0, 10)
			plan := explain(t, s, query, args...)
			if !strings.Contains(plan, "SEARCH events USING "+index) || strings.Contains(plan, "SCAN events") || strings.Contains(plan, "TEMP B-TREE") {
				t.Errorf("%+v: %s", f, plan)
			}
		}
	}
}

func explain(t *testing.T, s *Store, query string, args ...any) string {
	t.Helper()
	var plan []string
	for _, step := range planOf(t, s, query, args...) {
		plan = append(plan, step.detail)
	}
	return strings.Join(plan, "; ")
}

// step is one of a plan of SQLite.
type step struct {
	inner  bool // within another one
	detail string
}

func planOf(t *testing.T, s *Store, query string, args ...any) (plan []step) {
	t.Helper()
	rows, err := s.read.QueryContext(context.WithoutCancel(t.Context()), `EXPLAIN QUERY PLAN `+query, args...)
	must(t, err)
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var detail string
		must(t, rows.Scan(&id, &parent, &unused, &detail))
		plan = append(plan, step{parent != 0, detail})
	}
	must(t, rows.Err())
	return plan
}
