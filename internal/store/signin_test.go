package store

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/authority"
)

// token stands for the hash of one.
func token(n int) []byte { return fmt.Appendf(nil, "%032d", n) }

func link(n int, kind account.LinkKind, merchant authority.MerchantID) *account.Link {
	return &account.Link{ID: fmt.Sprintf("lnk_%022d", n), Kind: kind, Email: "eve@example.com", MerchantID: merchant, Role: account.Viewer,
		CreatedAt: at, CreatedBy: "somebody", ExpiresAt: at.Add(time.Hour)}
}

func addLink(t *testing.T, s authority.Store, n int, l *account.Link) *account.Link {
	t.Helper()
	must(t, accounts(s).CreateLink(t.Context(), l, token(n), draft(authority.UserInvited, l.ID)))
	return l
}

func sessionOf(n int, u *account.User) *account.Session {
	v := &account.Session{ID: fmt.Sprintf("ses_%022d", n), Method: "password", CreatedAt: at, SeenAt: at, AuthenticatedAt: at.Add(time.Second),
		ExpiresAt: at.Add(time.Hour), Address: "192.0.2.1", Agent: "Browser/1"}
	if u != nil {
		v.UserID = u.ID
	}
	return v
}

// enter writes e with an event.
func enter(t *testing.T, s authority.Store, e *account.Entry) error {
	t.Helper()
	return accounts(s).Enter(t.Context(), e, draft(authority.UserSignedIn, "usr_x"))
}

// signedIn is a session of u with the token n.
func signedIn(t *testing.T, s authority.Store, n int, u *account.User) *account.Session {
	t.Helper()
	v := sessionOf(n, u)
	must(t, enter(t, s, &account.Entry{Session: v, Hash: token(n)}))
	return v
}

func wantSession(t *testing.T, s authority.Store, n int, want *account.Session, user *account.User) {
	t.Helper()
	v, u, err := accounts(s).Session(t.Context(), token(n))
	must(t, err)
	wantEqual(t, "session", v, want)
	wantEqual(t, "its user", u, user)
}

func wantNoSession(t *testing.T, s authority.Store, n int) {
	t.Helper()
	_, _, err := accounts(s).Session(t.Context(), token(n))
	wantError(t, err, authority.ErrNotFound)
}

func wantNoLink(t *testing.T, s authority.Store, n int) {
	t.Helper()
	_, err := accounts(s).Link(t.Context(), token(n))
	wantError(t, err, authority.ErrNotFound)
}

func testLinks(t *testing.T, s authority.Store) {
	initialize(t, s)
	addMerchant(t, s, "a")
	addMerchant(t, s, "b")
	portal := addLink(t, s, 1, link(1, account.Portal, "a"))
	one, two := addLink(t, s, 2, link(2, account.Invitation, "a")), addLink(t, s, 3, link(3, account.Invitation, "a"))
	platform := addLink(t, s, 4, link(4, account.Invitation, ""))
	for n, want := range map[int]*account.Link{1: portal, 2: one, 3: two, 4: platform} {
		got, err := accounts(s).Link(t.Context(), token(n))
		must(t, err)
		wantEqual(t, "link", got, want)
	}
	wantNoLink(t, s, 9)
	before := read(t, s)
	err := accounts(s).CreateLink(t.Context(), link(5, account.Invitation, "c"), token(5), draft(authority.UserInvited, "x"))
	var unknown *authority.InvalidError
	if !errors.As(err, &unknown) {
		t.Errorf("an unknown merchant: %v", err)
	}
	wantState(t, s, before)
	invitations := func(id authority.MerchantID, now time.Time, limit int, want ...account.Link) {
		t.Helper()
		got, err := accounts(s).Invitations(t.Context(), id, now, limit)
		must(t, err)
		wantEqual(t, "invitations", got, append([]account.Link{}, want...))
	}
	invitations("a", at, 10, *one, *two)
	invitations("a", at, 1, *one)
	invitations("", at, 10, *platform)
	invitations("b", at, 10)
	invitations("a", one.ExpiresAt, 10)
	withdraw := func(merchant authority.MerchantID, id string) error {
		return accounts(s).DeleteInvitation(t.Context(), merchant, id, draft(authority.InvitationWithdrawn, id))
	}
	refused(t, s, authority.ErrNotFound, func() error { return withdraw("b", one.ID) })
	refused(t, s, authority.ErrNotFound, func() error { return withdraw("a", portal.ID) })
	must(t, withdraw("a", one.ID))
	wantNoLink(t, s, 2)
	late := link(6, account.Invitation, "a")
	late.CreatedAt = two.ExpiresAt
	addLink(t, s, 6, late)
	wantNoLink(t, s, 3) // it had expired, and made room
}

// C-214
func testSetUpLinks(t *testing.T, s authority.Store) {
	initialize(t, s)
	setUp := func(n int) error {
		return accounts(s).CreateSetUpLink(t.Context(), link(n, account.SetUp, ""), token(n))
	}
	must(t, setUp(1))
	must(t, setUp(2))
	off := operator(1)
	off.Status = authority.Disabled
	addUser(t, s, off)
	must(t, setUp(3))
	first := operator(2)
	must(t, enter(t, s, &account.Entry{Link: token(1), Created: first, User: first.ID, Session: sessionOf(1, first), Hash: token(1)}))
	for n := range 4 {
		wantNoLink(t, s, n)
	}
	wantError(t, setUp(4), account.ErrSetUp)
	addLink(t, s, 5, link(5, account.SetUp, "")) // as of a server that saw no operator when it began
	second := operator(3)
	wantError(t, enter(t, s, &account.Entry{Link: token(5), Created: second, User: second.ID, Session: sessionOf(2, second), Hash: token(2)}), account.ErrLink)
}

// C-206: all of an entry is written, or nothing.
func testEnter(t *testing.T, s authority.Store) {
	initialize(t, s)
	addMerchant(t, s, "a")
	u := addUser(t, s, user(1, "a"))
	addLink(t, s, 1, link(1, account.Invitation, "a"))
	must(t, accounts(s).CountFailure(t.Context(), token(7), at, at.Add(-time.Hour), func(int, time.Time) bool { return true }))
	v := sessionOf(1, u)
	whole := account.Entry{
		Session: v, Hash: token(1), Link: token(1), User: u.ID, Credentials: &account.Credentials{Password: "phc", TOTP: []byte("sealed"), TOTPStep: 4},
		Identity: &account.Identity{Issuer: "https://idp.example.com", Subject: "1"}, UsedAt: at, Forgotten: [][]byte{token(7)},
	}
	fail := func(what string, want error, change func(*account.Entry)) {
		t.Helper()
		e := whole
		change(&e)
		refused(t, s, want, func() error { return enter(t, s, &e) })
		wantNoSession(t, s, 1)
		got, c, err := accounts(s).UserByEmail(t.Context(), u.EmailKey())
		must(t, err)
		wantEqual(t, what+": the user", got, u)
		wantEqual(t, what+": the credentials", c.Password, "")
	}
	fail("no link", account.ErrLink, func(e *account.Entry) { e.Link = token(2) })
	fail("no session", account.ErrSession, func(e *account.Entry) { e.Replaces, e.MustReplace = token(3), true })
	fail("another code", account.ErrSignIn, func(e *account.Entry) { e.Code = token(4) })
	fail("a used step", account.ErrSignIn, func(e *account.Entry) { e.Step = 4 })
	fail("another password", account.ErrSignIn, func(e *account.Entry) { e.Proven.Password = "before" })
	fail("another identity", account.ErrSignIn, func(e *account.Entry) { e.Proven.Identity = whole.Identity })
	fail("nobody", account.ErrDisabled, func(e *account.Entry) { e.Session = sessionOf(1, user(9)) })
	fail("a taken address", account.ErrEmailTaken, func(e *account.Entry) { e.Created = user(1) })
	fail("another version", authority.ErrConflict, func(e *account.Entry) { e.Updated = user(1, "a") })
	must(t, enter(t, s, &whole))

	u.UsedAt = at
	wantSession(t, s, 1, v, u)
	wantNoLink(t, s, 1)
	_, c, err := accounts(s).UserByEmail(t.Context(), u.EmailKey())
	must(t, err)
	wantEqual(t, "the credentials", c, whole.Credentials)
	got, err := accounts(s).UserByIdentity(t.Context(), *whole.Identity)
	must(t, err)
	wantEqual(t, "the user of the identity", got, u)
	must(t, enter(t, s, &account.Entry{Session: sessionOf(6, u), Hash: token(6), Proven: account.Proof{Password: "phc", TOTP: []byte("sealed"), Identity: whole.Identity}}))
	refused(t, s, account.ErrSignIn, func() error { // a second factor came meanwhile
		return enter(t, s, &account.Entry{Session: sessionOf(7, u), Hash: token(7), Proven: account.Proof{Password: "phc"}})
	})
	other := addUser(t, s, user(2))
	refused(t, s, account.ErrIdentityTaken, func() error {
		return enter(t, s, &account.Entry{User: other.ID, Identity: whole.Identity, Session: sessionOf(2, other), Hash: token(2)})
	})
	must(t, enter(t, s, &account.Entry{User: u.ID, Step: 5, Session: sessionOf(3, u), Hash: token(3), Replaces: token(1), MustReplace: true}))
	wantNoSession(t, s, 1)
	for _, step := range []int64{4, 5} {
		refused(t, s, account.ErrSignIn, func() error {
			return enter(t, s, &account.Entry{User: u.ID, Step: step, Session: sessionOf(4, u), Hash: token(4)})
		})
	}
	must(t, enter(t, s, &account.Entry{User: u.ID, Fresh: true, Credentials: &account.Credentials{Password: "other"}, Session: sessionOf(5, u), Hash: token(5)}))
	wantNoSession(t, s, 3) // what was signed in with is no more
	_, err = accounts(s).UserByIdentity(t.Context(), *whole.Identity)
	wantError(t, err, authority.ErrNotFound)
}

// C-207, C-208
func testSessions(t *testing.T, s authority.Store) {
	initialize(t, s)
	addMerchant(t, s, "a")
	u, other := addUser(t, s, user(1, "a")), addUser(t, s, user(2))
	first, second := signedIn(t, s, 1, u), signedIn(t, s, 2, u)
	guest := sessionOf(3, nil)
	guest.MerchantID = "a"
	must(t, enter(t, s, &account.Entry{Session: guest, Hash: token(3)}))
	wantSession(t, s, 3, guest, nil)
	strange := signedIn(t, s, 4, other)
	second.SeenAt = at.Add(time.Minute)
	must(t, accounts(s).TouchSession(t.Context(), second.ID, second.SeenAt))
	must(t, accounts(s).TouchSession(t.Context(), second.ID, at)) // a clock that is behind
	list := func(now, idle time.Time, want ...account.Session) {
		t.Helper()
		got, err := accounts(s).Sessions(t.Context(), u.ID, now, idle, 10)
		must(t, err)
		wantEqual(t, "sessions", got, append([]account.Session{}, want...))
	}
	list(at, at.Add(-1), *second, *first)
	list(at, at, *second)
	list(first.ExpiresAt, at.Add(-1))
	end := func(v *account.Session, user account.UserID) error {
		return accounts(s).EndSession(t.Context(), v.ID, user, draft(authority.SessionEnded, string(user)))
	}
	refused(t, s, authority.ErrNotFound, func() error { return end(strange, u.ID) })
	must(t, end(first, u.ID))
	must(t, accounts(s).EndSession(t.Context(), guest.ID, "", nil))
	wantNoSession(t, s, 1)
	wantNoSession(t, s, 3)
	late := sessionOf(5, other)
	late.SeenAt = second.ExpiresAt
	must(t, enter(t, s, &account.Entry{Session: late, Hash: token(5)}))
	wantNoSession(t, s, 2) // it had ended, and made room
}

// C-207: a user who is disabled, reset or deleted is signed in nowhere, and what it
// has given ends with it.
func testUsersTakeTheirSessionsWithThem(t *testing.T, s authority.Store) {
	initialize(t, s)
	for i, end := range []func(u *account.User) error{
		func(u *account.User) error {
			u.Status = authority.Disabled
			return updateUser(t, s, u, false)
		},
		func(u *account.User) error { return deleteUser(t, s, u, false) },
		func(u *account.User) error {
			next := *u
			next.Version++
			return accounts(s).ResetUser(t.Context(), &next, link(100, account.Reset, ""), token(100), draft(authority.UserReset, string(u.ID)))
		},
	} {
		n := 10 * (i + 1)
		u := addUser(t, s, user(n))
		e := &account.Entry{Session: sessionOf(n, u), Hash: token(n), User: u.ID, Credentials: &account.Credentials{Password: "phc"},
			Identity: &account.Identity{Issuer: "https://idp.example.com", Subject: fmt.Sprint(n)}}
		must(t, enter(t, s, e))
		given, own := link(n+1, account.Invitation, ""), link(n+2, account.Reset, "")
		given.CreatedBy, own.UserID = "user:"+string(u.ID), u.ID
		addLink(t, s, n+1, given)
		addLink(t, s, n+2, own)
		must(t, end(u))
		wantNoSession(t, s, n)
		wantNoLink(t, s, n+1)
		wantNoLink(t, s, n+2)
		if i == 0 {
			continue // it can be enabled again
		}
		c, err := accounts(s).Credentials(t.Context(), u.ID)
		must(t, err)
		wantEqual(t, "credentials", c.Password, "")
		_, err = accounts(s).UserByIdentity(t.Context(), *e.Identity)
		wantError(t, err, authority.ErrNotFound)
	}
}

// C-207: what an API key has let in goes with its tokens and with its scopes: the links
// that it has made, and the guests who came by them. Those of others stay.
func testAPIKeysTakeTheirGuestsWithThem(t *testing.T, s authority.Store) {
	initialize(t, s)
	addMerchant(t, s, "a")
	made := func(n int, by string) {
		t.Helper()
		guest := sessionOf(n, nil)
		for i := range 2 {
			l := link(n+i, account.Portal, "a")
			l.CreatedBy = by
			d := draft(authority.PortalLinkCreated, l.ID)
			d.Actor.ID = by
			must(t, accounts(s).CreateLink(t.Context(), l, token(n+i), d))
			guest.MerchantID, guest.Method = l.MerchantID, "portal:"+l.ID
		}
		must(t, enter(t, s, &account.Entry{Link: token(n + 1), Session: guest, Hash: token(n)}))
	}
	alive := func(n int) bool {
		t.Helper()
		_, _, noGuest := accounts(s).Session(t.Context(), token(n))
		_, noLink := accounts(s).Link(t.Context(), token(n))
		if (noGuest == nil) != (noLink == nil) {
			t.Errorf("the guest: %v; the link that nobody has used: %v", noGuest, noLink)
		}
		return noGuest == nil
	}
	update := func(k *authority.APIKey) error {
		return s.UpdateAPIKey(t.Context(), k, limits, draft(authority.APIKeyUpdated, string(k.ID)))
	}
	made(1, "api_key:twc_platform_x")
	for i, c := range []struct {
		what   string
		ends   bool
		change func(k *authority.APIKey) error
	}{
		{"deleted", true, func(k *authority.APIKey) error {
			return s.DeleteAPIKey(t.Context(), k, draft(authority.APIKeyDeleted, string(k.ID)))
		}},
		{"its tokens ended", true, func(k *authority.APIKey) error { k.Generation++; return update(k) }},
		{"a scope lost", true, func(k *authority.APIKey) error { k.Scopes = []string{"merchants:read"}; return update(k) }},
		{"a scope more", false, func(k *authority.APIKey) error {
			k.Scopes = []string{"merchants:read", "users:read", "users:write"}
			return update(k)
		}},
		{"renamed", false, func(k *authority.APIKey) error { k.Name = "Renamed"; return update(k) }},
	} {
		n := 10 * (i + 1)
		k := apiKey(n, authority.Platform, "", "merchants:read", "users:write")
		must(t, s.CreateAPIKey(t.Context(), k, authority.KeyLimits{Active: 50, Undeleted: 10}, draft(authority.APIKeyCreated, string(k.ID))))
		made(n, "api_key:"+string(k.ID))
		k.Version++
		must(t, c.change(k))
		if lives := alive(n); lives == c.ends {
			t.Errorf("%s: what it has let in lives: %t", c.what, lives)
		}
	}
	if !alive(1) {
		t.Error("what another has let in has ended")
	}
}

// C-213: tries at the same time are each counted.
func testCountFailure(t *testing.T, s authority.Store) {
	initialize(t, s)
	count := func(n int, now time.Time, may func(int, time.Time) bool) error {
		return accounts(s).CountFailure(t.Context(), token(n), now, now.Add(-time.Hour), may)
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	throttled := 0
	for range 12 {
		wg.Go(func() {
			err := count(1, at, func(failures int, _ time.Time) bool { return failures < 5 })
			mu.Lock()
			defer mu.Unlock()
			if errors.Is(err, account.ErrThrottled) {
				throttled++
			} else if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	wantEqual(t, "tries that were not taken", throttled, 7)
	saw := func(n int, now time.Time, failures int, last time.Time) {
		t.Helper()
		must(t, count(n, now, func(got int, at time.Time) bool {
			wantEqual(t, "failures", got, failures)
			wantEqual(t, "the last one", at, last)
			return true
		}))
	}
	saw(1, at.Add(time.Minute), 5, at)
	saw(2, at.Add(time.Minute), 0, time.Time{})
	saw(1, at.Add(2*time.Minute), 6, at.Add(time.Minute))
	saw(1, at.Add(2*time.Hour), 0, time.Time{}) // forgotten
	must(t, enter(t, s, &account.Entry{Forgotten: [][]byte{token(1)}}))
	saw(1, at.Add(2*time.Hour), 0, time.Time{})
}

// C-215
func testChangeCredentials(t *testing.T, s authority.Store) {
	initialize(t, s)
	u := addUser(t, s, user(1))
	here, elsewhere := signedIn(t, s, 1, u), signedIn(t, s, 2, u)
	c := &account.CredentialChange{User: u.ID, After: account.Credentials{Password: "phc", TOTP: []byte("sealed"), TOTPStep: 3},
		RenewCodes: true, Codes: [][]byte{token(21), token(22)}, Session: here.ID, Hash: token(3), Replaces: token(1)}
	change := func(c account.CredentialChange) error {
		return accounts(s).ChangeCredentials(t.Context(), &c, draft(authority.UserCredentialsChanged, string(u.ID)))
	}
	stale := *c
	stale.Before.Password = "another"
	refused(t, s, authority.ErrConflict, func() error { return change(stale) })
	gone := *c
	gone.Replaces = token(9)
	refused(t, s, account.ErrSession, func() error { return change(gone) })
	wantSession(t, s, 2, elsewhere, u)
	must(t, change(*c))
	wantNoSession(t, s, 1)
	wantNoSession(t, s, 2)
	wantSession(t, s, 3, here, u)
	use := func(code []byte) error {
		return enter(t, s, &account.Entry{User: u.ID, Code: code, Session: sessionOf(4, u), Hash: token(4), Replaces: token(4)})
	}
	must(t, use(token(21)))
	refused(t, s, account.ErrSignIn, func() error { return use(token(21)) })
	next := account.CredentialChange{User: u.ID, Before: c.After, After: account.Credentials{Password: "phc"}, RenewCodes: true,
		Session: here.ID, Hash: token(5), Replaces: token(3)}
	must(t, change(next))
	refused(t, s, account.ErrSignIn, func() error { return use(token(22)) })
	got, err := accounts(s).Credentials(t.Context(), u.ID)
	must(t, err)
	wantEqual(t, "credentials", *got, account.Credentials{Password: "phc", TOTP: got.TOTP})
	wantEqual(t, "the second factor", len(got.TOTP), 0)
}
