package store

import (
	"testing"

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
