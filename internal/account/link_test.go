package account_test

import (
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/authority"
)

func (h *harness) invite(actor authority.Actor, merchant authority.MerchantID, role account.Role) (*account.IssuedLink, error) {
	return h.Invite(h.ctx, actor, account.NewInvitation{Email: "eve@example.com", MerchantID: merchant, Role: role})
}

func (h *harness) use(l *account.IssuedLink, p account.Person) (*account.Entered, error) {
	return h.UseLink(h.ctx, from, l.Token, p, "")
}

// C-214, C-483: each link works once, whoever else tries at the same time, and
// not behind its end.
func TestLinksWorkOnce(t *testing.T) {
	h := newHarness(t)
	u := h.user("u")
	makers := map[string]struct {
		life time.Duration
		make func() (*account.IssuedLink, error)
	}{
		"set-up":     {24 * time.Hour, func() (*account.IssuedLink, error) { return h.SetUpLink(h.ctx) }},
		"invitation": {7 * 24 * time.Hour, func() (*account.IssuedLink, error) { return h.invite(root, "1", account.Viewer) }},
		"reset":      {24 * time.Hour, func() (*account.IssuedLink, error) { return h.ResetUser(h.ctx, root, u.ID, 0) }},
		"portal":     {5 * time.Minute, func() (*account.IssuedLink, error) { return h.PortalLink(h.ctx, root, "1") }},
	}
	for _, kind := range []string{"invitation", "reset", "portal", "set-up"} {
		m := makers[kind]
		l, err := m.make()
		h.must(err)
		p := account.Person{Name: "Eve", Email: "op@example.com", Password: good}
		h.at = l.ExpiresAt
		wantError(t, kind+" that has expired", errorOf(h.use(l, p)), account.ErrLink)
		wantError(t, kind+" that has expired, looked at", errorOf(h.Link(h.ctx, l.Token)), account.ErrLink)
		if life := l.ExpiresAt.Sub(l.CreatedAt); life != m.life {
			t.Errorf("%s: it lives for %s", kind, life)
		}
		l, err = m.make()
		h.must(err)
		for range 2 { // looking at it does not use it up
			h.must(errorOf(h.Link(h.ctx, l.Token)))
		}
		var wg sync.WaitGroup
		results := make([]error, 4)
		for i := range results {
			wg.Go(func() { results[i] = errorOf(h.use(l, p)) })
		}
		wg.Wait()
		worked := 0
		for _, err := range results {
			if err == nil {
				worked++
			} else if !errors.Is(err, account.ErrLink) && !errors.Is(err, account.ErrEmailTaken) {
				t.Errorf("%s: %v", kind, err)
			}
		}
		if worked != 1 {
			t.Errorf("%s has worked %d times", kind, worked)
		}
		wantError(t, kind+" that was used", errorOf(h.use(l, p)), account.ErrLink)
	}
	wantError(t, "a set-up link where there is an operator", errorOf(h.SetUpLink(h.ctx)), account.ErrSetUp)
}

// C-483: whatever makes the first operator ends the links that would have: what a
// server has printed does not make a second one.
func TestSetUpLinksEndWithTheFirstOperator(t *testing.T) {
	for name, first := range map[string]func(h *harness){
		"a user is created": func(h *harness) { h.operator("op") },
		"a user is promoted": func(h *harness) {
			yes := true
			h.must(errorOf(h.UpdateUser(h.ctx, root, h.user("op").ID, account.UserUpdate{Operator: &yes})))
		},
		"an operator is enabled": func(h *harness) {
			u := h.operator("op")
			h.must(errorOf(h.DisableUser(h.ctx, root, u.ID, 0)))
			l, err := h.SetUpLink(h.ctx) // there is none that is active
			h.must(err)
			h.must(errorOf(h.EnableUser(h.ctx, root, u.ID, 0)))
			wantError(t, "the link of meanwhile", errorOf(h.use(l, account.Person{Name: "Eve", Email: "eve@example.com", Password: good})), account.ErrLink)
		},
		"an invitation is used": func(h *harness) {
			l, err := h.invite(root, "", account.Operator)
			h.must(err)
			h.must(errorOf(h.use(l, account.Person{Name: "Op", Password: good})))
		},
	} {
		h := newHarness(t)
		l, err := h.SetUpLink(h.ctx)
		h.must(err)
		h.user("ann") // who is no operator ends nothing
		h.must(errorOf(h.Link(h.ctx, l.Token)))
		first(h)
		wantError(t, name, errorOf(h.use(l, account.Person{Name: "Mallory", Email: "mallory@example.com", Password: good})), account.ErrLink)
	}
}

// C-484: an invitation gives its role to somebody new, or to who has an account;
// what is wrong with a choice uses nothing up.
func TestInvitationsGiveTheirRole(t *testing.T) {
	h := newHarness(t)
	l, err := h.invite(root, "1", account.Administrator)
	h.must(err)
	wantInvalid(t, "a short password", errorOf(h.use(l, account.Person{Name: "Eve", Password: "short"})), "password")
	wantInvalid(t, "no name", errorOf(h.use(l, account.Person{Password: good})), "name")
	e, err := h.use(l, account.Person{Name: "Eve", Email: "other@example.com", Password: good})
	h.must(err)
	if e.User.Email != "eve@example.com" || len(e.User.Memberships) != 1 || e.User.Memberships[0] != at("1", account.Administrator) || e.User.Operator {
		t.Errorf("it makes %+v", e.User)
	}
	again, err := h.invite(root, "2", account.Viewer)
	h.must(err)
	wantError(t, "a second account", errorOf(h.use(again, account.Person{Name: "Eve", Password: good})), account.ErrEmailTaken)
	h.must(h.AcceptInvitation(h.ctx, from, &e.Visitor, again.Token))
	lower, err := h.invite(root, "1", account.Viewer)
	h.must(err)
	h.must(h.AcceptInvitation(h.ctx, from, &e.Visitor, lower.Token))
	now, err := h.User(h.ctx, root, e.User.ID)
	h.must(err)
	wantEqual(t, "the roles", now.Memberships, []account.Membership{at("1", account.Administrator), at("2", account.Viewer)})
	wantError(t, "an invitation that was accepted", h.AcceptInvitation(h.ctx, from, &e.Visitor, again.Token), account.ErrLink)
}

// A user belongs to 100 merchants at most, by whichever way it accepts an invitation.
func TestInvitationsKeepTheLimitOfMemberships(t *testing.T) {
	h := newHarness(t)
	var list []account.Membership
	for id := 3; id <= 103; id++ {
		m := at(authority.MerchantID(strconv.Itoa(id)), account.Viewer)
		h.must(errorOf(h.auth.CreateMerchant(h.ctx, root, authority.NewMerchant{ID: m.MerchantID, Name: "Merchant"})))
		list = append(list, m)
	}
	person := account.Person{Name: "Eve", Identity: &account.Identity{Issuer: "https://idp.example.com", Subject: "42"}, Provider: "corp"}
	reset, err := h.ResetUser(h.ctx, root, h.user("eve", list[:100]...).ID, 0)
	h.must(err)
	in, err := h.use(reset, person)
	h.must(err)
	more, err := h.invite(root, "103", account.Viewer)
	h.must(err)
	wantInvalid(t, "signed in", h.AcceptInvitation(h.ctx, from, &in.Visitor, more.Token), "memberships")
	wantInvalid(t, "by single sign-on", errorOf(h.use(more, person)), "memberships")
}

// C-484: single sign-on is bound to the user by a link, and to nothing else.
func TestIdentitiesAreBoundByLinks(t *testing.T) {
	h := newHarness(t)
	id := account.Identity{Issuer: "https://idp.example.com", Subject: "42"}
	person := account.Person{Name: "Eve", Identity: &id, Provider: "corp"}
	h.user("eve", at("2", account.Administrator)) // the same e-mail address, without the identity
	wantError(t, "an identity that nobody has", errorOf(h.SignInWith(h.ctx, from, "corp", id, time.Time{}, "")), account.ErrNoAccount)
	l, err := h.invite(root, "1", account.Viewer)
	h.must(err)
	wantError(t, "a second user with the address", errorOf(h.use(l, person)), account.ErrEmailTaken)
	l, err = h.Invite(h.ctx, root, account.NewInvitation{Email: "new@example.com", MerchantID: "1", Role: account.Viewer})
	h.must(err)
	e, err := h.use(l, person)
	h.must(err)
	in, err := h.SignInWith(h.ctx, from, "corp", id, time.Time{}, "")
	h.must(err)
	if in.User.ID != e.User.ID || in.Method != "sso:corp" {
		t.Errorf("it signs in as %+v", in)
	}
	for _, id := range []account.Identity{{Issuer: id.Issuer, Subject: "43"}, {Issuer: "https://evil.example.com", Subject: "42"}} {
		wantError(t, "another identity", errorOf(h.SignInWith(h.ctx, from, "corp", id, time.Time{}, "")), account.ErrNoAccount)
	}
	more, err := h.Invite(h.ctx, root, account.NewInvitation{Email: "third@example.com", MerchantID: "2", Role: account.Viewer})
	h.must(err)
	joined, err := h.use(more, person) // the identity has an account: the role is for that
	h.must(err)
	wantEqual(t, "the roles", joined.User.Memberships, []account.Membership{at("1", account.Viewer), at("2", account.Viewer)})
	reset, err := h.ResetUser(h.ctx, root, e.User.ID, 0)
	h.must(err)
	wantError(t, "the identity after a reset", errorOf(h.SignInWith(h.ctx, from, "corp", id, time.Time{}, "")), account.ErrNoAccount)
	h.must(errorOf(h.use(reset, person)))
	h.must(errorOf(h.SignInWith(h.ctx, from, "corp", id, time.Time{}, "")))
}

// C-207: who loses a role loses the invitations that it has made, and nothing else.
func TestInvitationsEndWithTheRoleOfWhoInvites(t *testing.T) {
	h := newHarness(t)
	no, yes, name := false, true, "Renamed"
	for what, c := range map[string]struct {
		update account.UserUpdate
		ends   bool
	}{
		"no operator any more":  {account.UserUpdate{Operator: &no}, true},
		"a lower role":          {account.UserUpdate{Memberships: &[]account.Membership{at("1", account.Viewer)}}, true},
		"no role":               {account.UserUpdate{Memberships: &[]account.Membership{}}, true},
		"another name":          {account.UserUpdate{Name: &name}, false},
		"one merchant more":     {account.UserUpdate{Memberships: &[]account.Membership{at("1", account.Administrator), at("2", account.Viewer)}}, false},
		"an operator all along": {account.UserUpdate{Operator: &yes, Name: &name}, false},
	} {
		u := h.able(account.NewUser{Email: "eva@example.com", Name: "Eva", Operator: true, Memberships: []account.Membership{at("1", account.Administrator)}})
		in := h.entered(u)
		l, err := h.invite(in.Actor(from, ""), "", account.Operator)
		h.must(err)
		own, err := h.ResetUser(h.ctx, root, h.user("other").ID, 0) // of somebody else, by another
		h.must(err)
		h.must(errorOf(h.UpdateUser(h.ctx, root, u.ID, c.update)))
		if _, err := h.Link(h.ctx, l.Token); errors.Is(err, account.ErrLink) != c.ends {
			t.Errorf("%s: %v", what, err)
		}
		h.must(errorOf(h.Link(h.ctx, own.Token)))
		h.wantAlive(what, in.Token)
		for _, id := range []account.UserID{u.ID, own.UserID} {
			h.must(h.DeleteUser(h.ctx, root, id, 0))
		}
	}
}

// C-392: nobody invites above their own role, or elsewhere; what a user has given
// ends with the user.
func TestNobodyInvitesAboveTheirOwnRole(t *testing.T) {
	h := newHarness(t)
	boss, viewer := h.user("boss", at("1", account.Administrator)), h.user("viewer", at("1", account.Viewer))
	wantForbidden(t, "a viewer", errorOf(h.invite(signedIn(viewer, "1"), "1", account.Viewer)), authority.UsersWrite)
	wantForbidden(t, "an operator's role", errorOf(h.invite(signedIn(boss, "1"), "", account.Operator)), "")
	wantInvalid(t, "another merchant", errorOf(h.invite(signedIn(boss, "1"), "2", account.Viewer)), "memberships")
	wantInvalid(t, "no merchant", errorOf(h.invite(root, "99", account.Viewer)), "memberships")
	wantInvalid(t, "no role", errorOf(h.invite(root, "1", "owner")), "role")
	wantInvalid(t, "an operator of a merchant", errorOf(h.invite(root, "1", account.Operator)), "role")
	wantForbidden(t, "a link into the console", errorOf(h.PortalLink(h.ctx, having(authority.UsersWrite), "1")), "")
	wantError(t, "a link to another merchant", errorOf(h.PortalLink(h.ctx, signedIn(boss, "1"), "2")), authority.ErrNotFound)
	wantError(t, "a link to no merchant", errorOf(h.PortalLink(h.ctx, root, "99")), authority.ErrNotFound)
	wantForbidden(t, "a reset", errorOf(h.ResetUser(h.ctx, signedIn(boss, "1"), viewer.ID, 0)), "")

	l, err := h.invite(signedIn(boss, "1"), "1", account.Viewer)
	h.must(err)
	list, err := h.Invitations(h.ctx, signedIn(viewer, "1"), "1")
	h.must(err)
	wantEqual(t, "the invitations", list, []account.Link{l.Link})
	none, err := h.Invitations(h.ctx, signedIn(boss, "1"), "2")
	h.must(err)
	wantEqual(t, "those of another merchant", len(none), 0)
	wantError(t, "one of another merchant", h.WithdrawInvitation(h.ctx, root, "2", l.ID), authority.ErrNotFound)
	h.must(h.WithdrawInvitation(h.ctx, signedIn(boss, "1"), "1", l.ID))
	wantError(t, "one that was withdrawn", errorOf(h.Link(h.ctx, l.Token)), account.ErrLink)
	l, err = h.invite(signedIn(boss, "1"), "1", account.Viewer)
	h.must(err)
	h.must(errorOf(h.DisableUser(h.ctx, root, boss.ID, 0)))
	wantError(t, "one of who was disabled", errorOf(h.Link(h.ctx, l.Token)), account.ErrLink)
}

// C-485: a link of the platform lets one merchant's keys be managed for an hour, by
// a guest who is no user.
func TestPortalLinksLeadToOneMerchant(t *testing.T) {
	h := newHarness(t)
	l, err := h.PortalLink(h.ctx, root, "1")
	h.must(err)
	e, err := h.use(l, account.Person{})
	h.must(err)
	here, elsewhere, nowhere := e.Actor(from, "1"), e.Actor(from, "2"), e.Actor(from, "")
	if here.May(authority.APIKeysWrite) != nil || here.ID != "portal:"+l.ID || here.Permissions.MerchantID != "1" {
		t.Errorf("at its merchant: %+v", here)
	}
	if elsewhere.May(authority.APIKeysRead) == nil || nowhere.May(authority.APIKeysRead) == nil {
		t.Error("it may something elsewhere")
	}
	h.at = h.at.Add(5 * time.Minute)
	if v := h.wantAlive("five minutes later", e.Token); v.RecentlyProven(h.at) {
		t.Error("it counts as proven who it is")
	}
	wantError(t, "a proof by a password", errorOf(h.Confirm(h.ctx, from, &e.Visitor, e.Token, good)), account.ErrSignIn)
	for range 2 {
		h.at = h.at.Add(27 * time.Minute)
		h.wantAlive("in use", e.Token)
	}
	h.at = e.ExpiresAt
	h.wantEnded("an hour later", e.Token)
}

// C-212: a name of the merchant that invites is no password either.
func TestTheMerchantsNameIsNoPassword(t *testing.T) {
	h := newHarness(t)
	_, err := h.auth.UpdateMerchant(h.ctx, root, "1", authority.MerchantUpdate{Name: new("Zanzibar Spice Company")})
	h.must(err)
	l, err := h.invite(root, "1", account.Viewer)
	h.must(err)
	wantInvalid(t, "the merchant's name", errorOf(h.use(l, account.Person{Name: "Eve", Password: "Zanzibar Spice Company 1"})), "password")
	h.must(errorOf(h.use(l, account.Person{Name: "Eve", Password: good})))
}
