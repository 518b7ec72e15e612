package store

import (
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/authority"
)

// C-540: what a replay leaves without what it signs in with is told, and nothing else.
func testLacking(t *testing.T, s authority.Store) {
	initialize(t, s)
	addMerchant(t, s, "acme")
	addKey(t, s, apiKey(1, "demo", "acme"))
	none, older, gone := apiKey(2, "demo", "acme"), apiKey(3, "demo", "acme"), apiKey(4, "demo", "acme")
	none.Secrets, none.LastSecretID, older.LastSecretID, gone.LastSecretID = nil, 1, 3, 3
	deleteKey(t, s, addKey(t, s, gone).ID)
	addKey(t, s, none)
	addKey(t, s, older)
	lacks, password, identity, deleted := addUser(t, s, user(1)), addUser(t, s, user(2)), addUser(t, s, user(3)), addUser(t, s, user(4))
	signedIn := func(n int, u *account.User, c *account.Credentials, i *account.Identity) {
		t.Helper()
		must(t, enter(t, s, &account.Entry{Session: sessionOf(n, u), Hash: token(n), User: u.ID, Credentials: c, Identity: i}))
	}
	signedIn(1, lacks, &account.Credentials{}, nil)
	signedIn(2, password, &account.Credentials{Password: "phc"}, nil)
	signedIn(3, identity, &account.Credentials{}, &account.Identity{Issuer: "https://idp.example.com", Subject: "3"})
	must(t, deleteUser(t, s, deleted, false))
	got, err := s.Lacking(t.Context())
	must(t, err)
	wantEqual(t, "lacking", *got, authority.Lacking{
		Keys:  map[authority.ClientID]int64{none.ID: 1, older.ID: 3},
		Users: map[string]bool{string(lacks.ID): true, string(password.ID): false, string(identity.ID): false, string(deleted.ID): false},
	})
}

// C-549
func testRedoUser(t *testing.T, s authority.Store) {
	initialize(t, s)
	addMerchant(t, s, "acme")
	u, other := addUser(t, s, user(1)), addUser(t, s, user(2))
	sessions := 0
	in := func(u *account.User) {
		t.Helper()
		sessions++
		must(t, enter(t, s, &account.Entry{Session: sessionOf(sessions, u), Hash: token(sessions), User: u.ID, Credentials: &account.Credentials{Password: "phc"}}))
	}
	in(u)
	in(other)
	redo := func(wipe bool) error {
		next := *u
		next.Version++
		err := accounts(s).RedoUser(t.Context(), &next, wipe, draft(authority.UserUpdated, string(u.ID)))
		if err == nil {
			*u = next
		}
		return err
	}
	wantIn := func(what string, session bool, password string) {
		t.Helper()
		wantUser(t, s, u)
		if _, _, err := accounts(s).Session(t.Context(), token(sessions)); (err == nil) != session {
			t.Errorf("%s: its session: %v", what, err)
		}
		c, err := accounts(s).Credentials(t.Context(), u.ID)
		must(t, err)
		wantEqual(t, what, c.Password, password)
	}
	u.UsedAt, u.Operator, u.Memberships = at.Add(time.Hour), true, []account.Membership{{MerchantID: "acme", Role: account.Viewer}}
	must(t, redo(false))
	in(u)
	u.UsedAt = at.Add(time.Hour)
	wantIn("active", true, "phc")
	u.Status = authority.Disabled
	must(t, redo(false))
	wantIn("disabled", false, "phc")
	u.Status = authority.Active
	must(t, redo(true))
	wantIn("wiped", false, "")
	wantUser(t, s, other)
	u.Version--
	refused(t, s, authority.ErrConflict, func() error { return redo(false) })
}
