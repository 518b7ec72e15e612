package store

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// listKeys reads a list page by page and returns the names.
func listKeys(t *testing.T, s authority.Store, q authority.KeyQuery, limit int) string {
	t.Helper()
	var names []string
	for {
		page, err := s.KeyUses(t.Context(), q, limit)
		must(t, err)
		for i := range page {
			names = append(names, page[i].Name)
		}
		if len(page) < limit {
			return strings.Join(names, " ")
		}
		q.After, err = authority.ParseKeyPlace(page[len(page)-1].Place().String())
		must(t, err)
	}
}

// C-460: API keys are listed by creation or by name, and found by how name or
// client ID begin, without a row twice or left out between pages.
func testKeyOrders(t *testing.T, s authority.Store) {
	initialize(t, s)
	acme := addMerchant(t, s, "acme")
	acme.KeyLimit, acme.Version = 100, 2
	must(t, s.UpdateMerchant(t.Context(), acme, 0, draft(authority.MerchantUpdated, "acme")))
	addMerchant(t, s, "other")
	add := func(n int, env string, m authority.MerchantID, name string, after time.Duration) *authority.APIKey {
		k := apiKey(n, env, m)
		k.Name, k.CreatedAt = name, at.Add(after)
		return addKey(t, s, k)
	}
	add(5, "demo", "acme", "beta", 0)
	add(1, "demo", "acme", "Alpha", time.Second)
	add(2, "demo", "acme", "alpha", time.Second)
	add(4, "demo", "acme", "ALP%", 2*time.Second)
	add(3, "demo", "acme", "Äther", time.Minute)
	add(13, "demo", "acme", "a_lp", time.Hour)
	add(6, "production", "acme", "alpine", 0)
	add(7, "demo", "other", "alps", 0)
	gone := add(8, "demo", "acme", "alpgone", 0)
	deleteKey(t, s, gone.ID)
	const all = "twc_demo_00000000000000000000"
	for _, test := range []struct {
		search string
		order  authority.KeyOrder
		want   string
	}{
		{"", authority.KeysNewestFirst, "a_lp Äther ALP% alpha Alpha beta"},
		{"", authority.KeysByName, "a_lp ALP% Alpha alpha beta Äther"},
		{"", authority.KeysByID, "Alpha alpha Äther ALP% beta a_lp"},
		{"aLp", authority.KeysByName, "ALP% Alpha alpha"},
		{"alp", authority.KeysNewestFirst, "ALP% alpha Alpha"},
		{"alp%", authority.KeysByName, "ALP%"},
		{"a_", authority.KeysByName, "a_lp"},
		{"Ä", authority.KeysByName, "Äther"},
		{"lpha", authority.KeysByName, ""},
		{"' OR 1=1 --", authority.KeysByName, ""},
		{all + "0", authority.KeysByName, "ALP% Alpha alpha beta Äther"},
		{all + "13", authority.KeysNewestFirst, "a_lp"},
		{strings.ToUpper(all), authority.KeysByName, ""},
		{string(gone.ID), authority.KeysByName, ""},
	} {
		q := authority.KeyQuery{APIKeyFilter: authority.APIKeyFilter{MerchantID: "acme", Env: "demo"}, Search: test.search, Order: test.order}
		for _, limit := range []int{1, 2, 100} {
			wantEqual(t, fmt.Sprintf("%q by %q, %d at a time", test.search, test.order, limit), listKeys(t, s, q, limit), test.want)
		}
	}
	disabled := authority.KeyQuery{APIKeyFilter: authority.APIKeyFilter{MerchantID: "acme", Env: "demo", Status: authority.Disabled}, Search: "a"}
	wantEqual(t, "disabled", listKeys(t, s, disabled, 10), "")
}

// C-460: what a merchant has of its limits is counted as they are held.
func testKeyCount(t *testing.T, s authority.Store) {
	initialize(t, s)
	addMerchant(t, s, "acme")
	for n := range 2 {
		addKey(t, s, apiKey(n, "demo", "acme"))
	}
	k := addKey(t, s, apiKey(3, "demo", "acme"))
	k.Status, k.Version = authority.Disabled, 2
	must(t, s.UpdateAPIKey(t.Context(), k, limits, draft(authority.APIKeyDisabled, string(k.ID))))
	deleteKey(t, s, addKey(t, s, apiKey(4, "demo", "acme")).ID)
	addKey(t, s, apiKey(5, "production", "acme"))
	got, err := s.KeyCount(t.Context(), "acme", "demo", limits)
	must(t, err)
	wantEqual(t, "count", got, authority.KeyCount{Active: 2, ActiveLimit: 3, Undeleted: 3, UndeletedLimit: 30})
	_, err = s.KeyCount(t.Context(), "nobody", "demo", limits)
	wantError(t, err, authority.ErrNotFound)
}

// A place is what it was, whatever the name; anything else is none.
func TestKeyPlaceIsReadAsItWasWritten(t *testing.T) {
	for _, name := range []string{"", "a", " a b ", "1 2 3", "ä"} {
		k := apiKey(1, "demo", "acme")
		k.Name = name
		got, err := authority.ParseKeyPlace(k.Place().String())
		must(t, err)
		wantEqual(t, "place", got, k.Place())
	}
	for _, text := range []string{"", "id", "id 1", "id x name"} {
		_, err := authority.ParseKeyPlace(text)
		wantError(t, err, authority.ErrCursor)
	}
}
