package store

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/authority"
)

// Pages name people and merchants whom they know by ID: those that there are, and
// within a merchant those who belong to it.
func testNames(t *testing.T, s authority.Store) {
	initialize(t, s)
	for _, id := range []authority.MerchantID{"1", "2"} {
		addMerchant(t, s, id)
	}
	addUser(t, s, user(1, "1"))
	addUser(t, s, user(2, "2"))
	gone := addUser(t, s, user(3, "1"))
	must(t, deleteUser(t, s, gone, false))
	all := []account.UserID{user(1).ID, user(2).ID, gone.ID, "usr_nobody"}
	for merchant, want := range map[authority.MerchantID]map[account.UserID]string{
		"":  {user(1).ID: "User 1", user(2).ID: "User 2"},
		"1": {user(1).ID: "User 1"},
		"3": {},
	} {
		got, err := accounts(s).Names(t.Context(), merchant, all)
		must(t, err)
		wantEqual(t, "names within "+string(merchant), got, want)
	}
	got, err := s.MerchantNames(t.Context(), []authority.MerchantID{"1", "2", "3"})
	must(t, err)
	wantEqual(t, "names of merchants", len(got), 2)
}

// Pages name API keys whom they know by ID: those that there are, within a merchant
// its own.
func testAPIKeyNames(t *testing.T, s authority.Store) {
	initialize(t, s)
	var all []authority.ClientID
	for i, merchant := range []authority.MerchantID{"1", "2", "1"} {
		if i < 2 {
			addMerchant(t, s, merchant)
		}
		k := apiKey(i, []string{"demo", "demo", "production"}[i], merchant)
		k.Name = "Key of " + string(merchant)
		all = append(all, addKey(t, s, k).ID)
	}
	for f, want := range map[authority.APIKeyFilter][]authority.ClientID{
		{}:                             all,
		{MerchantID: "1"}:              {all[0], all[2]},
		{MerchantID: "1", Env: "demo"}: {all[0]},
		{MerchantID: "3"}:              nil,
		{Status: authority.Disabled}:   nil,
	} {
		got, err := s.APIKeyNames(t.Context(), f, append(all, "twc_demo_nobody"))
		must(t, err)
		wantEqual(t, "API keys named", slices.Sorted(maps.Keys(got)), slices.Sorted(slices.Values(want)))
	}
	names, err := s.APIKeyNames(t.Context(), authority.APIKeyFilter{}, all[1:2])
	must(t, err)
	wantEqual(t, "name", names[all[1]], "Key of 2")
}

// A user is in several places, and ends all sessions but one at once. Pages list no
// more of them than they ask for.
func testOtherSessions(t *testing.T, s authority.Store) {
	initialize(t, s)
	for n := 1; n <= 2; n++ {
		addUser(t, s, user(n))
	}
	for i := range 4 {
		addSession(t, s, user(1), i)
	}
	addSession(t, s, user(2), 4)
	wantSessions(t, s, user(1), 10, "3", "2", "1", "0")
	wantSessions(t, s, user(1), 2, "3", "2")
	must(t, accounts(s).EndOtherSessions(t.Context(), "2", user(1).ID, draft(authority.SessionEnded, string(user(1).ID))))
	wantSessions(t, s, user(1), 10, "2")
	wantSessions(t, s, user(2), 10, "4")
}

// addSession begins the n-th session, which was seen n seconds after the first.
func addSession(t *testing.T, s authority.Store, u *account.User, n int) {
	t.Helper()
	seen := at.Add(time.Duration(n) * time.Second)
	must(t, accounts(s).Enter(t.Context(), &account.Entry{
		Session: &account.Session{ID: string(rune('0' + n)), UserID: u.ID, Method: "password", CreatedAt: at, SeenAt: seen, AuthenticatedAt: at, ExpiresAt: at.Add(time.Hour)},
		Hash:    []byte{byte(n)}, Replaces: []byte("none"),
	}, nil))
}

func wantSessions(t *testing.T, s authority.Store, u *account.User, limit int, want ...string) {
	t.Helper()
	list, err := accounts(s).Sessions(t.Context(), u.ID, at, at.Add(-time.Second), limit)
	must(t, err)
	var ids []string
	for _, v := range list {
		ids = append(ids, v.ID)
	}
	wantEqual(t, "sessions", ids, want)
}
