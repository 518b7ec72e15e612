package store

import (
	"fmt"
	"testing"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/authority"
)

// C-460: merchants are found by how their ID or their name begins, each once.
func testMerchantSearch(t *testing.T, s authority.Store) {
	initialize(t, s)
	for id, name := range map[authority.MerchantID]string{"acme": "Acme", "ac2": "Other", "b": "ACcord", "c": "Zac", "d": "acid", "AC": "x"} {
		m := merchant(id)
		m.Name = name
		must(t, s.CreateMerchant(t.Context(), m, draft(authority.MerchantCreated, string(id))))
	}
	deleteMerchant(t, s, "d")
	for search, want := range map[string][]authority.MerchantID{
		"": {"AC", "ac2", "acme", "b", "c"}, "ac": {"ac2", "acme", "b"}, "AC": {"AC", "acme", "b"}, "acme": {"acme"}, "%": nil, "x": {"AC"}, "zacs": nil,
	} {
		for _, limit := range []int{1, 2, 100} {
			var got []authority.MerchantID
			for after := authority.MerchantID(""); ; after = got[len(got)-1] {
				page, err := s.Merchants(t.Context(), authority.MerchantFilter{Search: search}, after, limit)
				must(t, err)
				if len(page) == 0 {
					break
				}
				for i := range page {
					got = append(got, page[i].ID)
				}
			}
			wantEqual(t, fmt.Sprintf("%q, %d at a time", search, limit), got, want)
		}
	}
}

// C-460
func testActiveKeys(t *testing.T, s authority.Store) {
	initialize(t, s)
	for _, id := range []authority.MerchantID{"a", "b", "c"} {
		addMerchant(t, s, id)
	}
	addKey(t, s, apiKey(1, "demo", "a"))
	addKey(t, s, apiKey(2, "demo", "a"))
	addKey(t, s, apiKey(3, "production", "a"))
	deleteKey(t, s, addKey(t, s, apiKey(4, "production", "a")).ID)
	k := addKey(t, s, apiKey(5, "demo", "b"))
	k.Status, k.Version = authority.Disabled, 2
	must(t, s.UpdateAPIKey(t.Context(), k, limits, draft(authority.APIKeyDisabled, string(k.ID))))
	addKey(t, s, apiKey(6, "demo", "c"))
	got, err := s.ActiveKeys(t.Context(), []authority.MerchantID{"a", "b", "nobody"})
	must(t, err)
	wantEqual(t, "counts", got, map[authority.MerchantID]map[string]int{"a": {"demo": 2, "production": 1}})
	got, err = s.ActiveKeys(t.Context(), nil)
	must(t, err)
	wantEqual(t, "counts of nobody", len(got), 0)
}

// C-460: users are found by how their address or their name begins, whatever the
// merchant.
func testUserSearch(t *testing.T, s authority.Store) {
	initialize(t, s)
	addMerchant(t, s, "a")
	for n, u := range []struct {
		email, name string
		merchants   []authority.MerchantID
	}{
		{"Ada@example.com", "Lovelace", []authority.MerchantID{"a"}}, {"b@example.com", "ADAm", nil}, {"c@example.com", "Ada", []authority.MerchantID{"a"}}, {"d@example.com", "x Ada", nil},
	} {
		row := user(n, u.merchants...)
		row.Email, row.Name = u.email, u.name
		addUser(t, s, row)
	}
	for _, c := range []struct {
		f    account.UserFilter
		want string
	}{
		{account.UserFilter{Search: "ada"}, "[Lovelace ADAm Ada]"}, {account.UserFilter{Search: "ADA", MerchantID: "a"}, "[Lovelace Ada]"},
		{account.UserFilter{Search: "ada@EXAMPLE.com"}, "[Lovelace]"}, {account.UserFilter{Search: "ada", Status: authority.Disabled}, "[]"},
		{account.UserFilter{Search: "_da"}, "[]"}, {account.UserFilter{Search: "x", MerchantID: "a"}, "[]"},
	} {
		for _, limit := range []int{1, 100} {
			got := []string{}
			for _, u := range users(t, s, c.f, limit) {
				got = append(got, u.Name)
			}
			wantEqual(t, fmt.Sprintf("%+v", c.f), fmt.Sprint(got), c.want)
		}
	}
}
