package account_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/authority"
)

// C-392: what each role may do, for the merchant that its user works for.
func TestRolesStandForScopes(t *testing.T) {
	viewer := []string{"api-keys:read", "events:read", "merchants:read", "scopes:read", "usage:read", "users:read"}
	administrator := []string{"api-keys:delete", "api-keys:read", "api-keys:write", "events:read", "merchants:read", "scopes:read", "usage:read",
		"users:delete", "users:read", "users:write"}
	member := &account.User{Status: authority.Active, Memberships: []account.Membership{at("1", account.Viewer), at("2", account.Administrator)}}
	operator := &account.User{Status: authority.Active, Operator: true, Memberships: member.Memberships}
	off := func(u account.User) *account.User {
		u.Status = authority.Disabled
		return &u
	}
	for _, c := range []struct {
		what     string
		user     *account.User
		merchant authority.MerchantID
		scopes   []string
		only     authority.MerchantID
	}{
		{"viewer", member, "1", viewer, "1"},
		{"administrator", member, "2", administrator, "2"},
		{"member elsewhere", member, "3", nil, "3"},
		{"member of no merchant", member, "", nil, ""},
		{"operator", operator, "", authority.ManagementScopes(), ""},
		{"operator for a merchant", operator, "1", authority.ManagementScopes(), ""},
		{"disabled member", off(*member), "2", nil, "2"},
		{"disabled operator", off(*operator), "", nil, ""},
		{"nobody", &account.User{}, "1", nil, "1"},
		{"nobody's role", &account.User{Status: authority.Active, Memberships: []account.Membership{at("1", "owner")}}, "1", nil, "1"},
	} {
		p := account.RolePermissions(c.user, c.merchant)
		slices.Sort(p.Scopes)
		if !slices.Equal(p.Scopes, c.scopes) || p.MerchantID != c.only || p.Env != "" || p.Bounds != nil {
			t.Errorf("%s: %+v, want %s of merchant %q", c.what, p, c.scopes, c.only)
		}
		actor := authority.Actor{Permissions: p}
		if actor.MayEverything() {
			t.Errorf("%s may do what the command line may", c.what)
		}
		for _, scope := range authority.ManagementScopes() {
			if (actor.May(scope) == nil) != slices.Contains(c.scopes, scope) {
				t.Errorf("%s: %s is %v", c.what, scope, actor.May(scope))
			}
		}
	}
}

// without returns the management scopes but one.
func without(scope string) []string {
	return slices.DeleteFunc(authority.ManagementScopes(), func(s string) bool { return s == scope })
}

// C-392: each scope that a role stands for is needed to give it, to take it, and
// to change in any way who has it.
func TestNobodyGivesARoleAboveItsOwn(t *testing.T) {
	h := newHarness(t)
	users := map[account.Role]*account.User{
		account.Operator: h.operator("op"), account.Administrator: h.user("admin", at("1", account.Administrator)), account.Viewer: h.user("viewer", at("1", account.Viewer)),
	}
	h.operator("another")
	nobody := h.user("nobody")
	for role, u := range users {
		give := func(actor authority.Actor) error {
			up := account.UserUpdate{Memberships: &[]account.Membership{at("1", role)}}
			if role == account.Operator {
				up = account.UserUpdate{Operator: new(true)}
			}
			return errorOf(h.UpdateUser(h.ctx, actor, nobody.ID, up))
		}
		create := func(actor authority.Actor) error {
			n := account.NewUser{Email: "new@example.com", Name: "n", Memberships: []account.Membership{at("1", role)}}
			if role == account.Operator {
				n.Operator, n.Memberships = true, nil
			}
			return errorOf(h.CreateUser(h.ctx, actor, n))
		}
		changes := []call{{"give", "", give}, {"create", "", create}, {"take", "", func(actor authority.Actor) error {
			return errorOf(h.UpdateUser(h.ctx, actor, u.ID, account.UserUpdate{Operator: new(false), Memberships: &[]account.Membership{}}))
		}}}
		for _, c := range h.calls(u) {
			if c.scope != authority.UsersRead && c.name != "CreateUser" {
				changes = append(changes, c)
			}
		}
		before := h.state()
		for _, scope := range role.Scopes() {
			for _, c := range changes {
				lacking := having(without(scope)...)
				wantForbidden(t, fmt.Sprintf("%s %s without %s", c.name, role, scope), c.do(lacking), scope)
				// Its API key has not got what its token says.
				lacking = having(authority.ManagementScopes()...)
				lacking.Permissions.Bounds = &authority.Bounds{Scopes: without(scope)}
				wantForbidden(t, fmt.Sprintf("%s %s beyond the bounds", c.name, role), c.do(lacking), "")
			}
		}
		wantEqual(t, "what there is", h.state(), before)
	}
}

// And the role's own scopes are enough.
func TestARoleIsGivenByWhoHasIt(t *testing.T) {
	h := newHarness(t)
	h.operator("another")
	for _, role := range []account.Role{account.Operator, account.Administrator, account.Viewer} {
		scopes := append(role.Scopes(), authority.UsersRead, authority.UsersWrite, authority.UsersDelete)
		actor := having(scopes...)
		actor.Permissions.Bounds = &authority.Bounds{Scopes: scopes}
		n := account.NewUser{Email: "new@example.com", Name: "n", Memberships: []account.Membership{at("1", role)}}
		if role == account.Operator {
			n.Operator, n.Memberships = true, nil
		}
		u, err := h.CreateUser(h.ctx, actor, n)
		h.must(err)
		for _, c := range h.calls(u) {
			if c.name == "CreateUser" {
				continue
			}
			if err := c.do(actor); err != nil {
				t.Errorf("%s %s: %v", role, c.name, err)
			}
		}
	}
}

// C-393, C-074: for the people of a merchant, those of another do not exist, nor
// what somebody of theirs is there.
func TestAMerchantsPeopleSeeTheirOwn(t *testing.T) {
	h := newHarness(t)
	boss := h.user("boss", at("1", account.Administrator))
	shared := h.user("shared", at("1", account.Viewer), at("2", account.Administrator))
	foreign, operator, nobody := h.user("foreign", at("2", account.Viewer)), h.operator("op"), h.user("nobody")
	actor := signedIn(boss, "1")

	for _, hidden := range []*account.User{foreign, operator, nobody, {ID: "usr_0000000000000000000000"}} {
		for _, c := range h.calls(hidden) {
			if c.name != "CreateUser" && c.name != "Users" {
				wantError(t, c.name+" "+hidden.Name, h.unchanged(c.name, func() error { return c.do(actor) }), authority.ErrNotFound)
			}
		}
		roles := &[]account.Membership{at("1", account.Viewer)}
		wantError(t, "a role for "+hidden.Name, h.unchanged("a role", func() error {
			return errorOf(h.UpdateUser(h.ctx, actor, hidden.ID, account.UserUpdate{Memberships: roles}))
		}), authority.ErrNotFound)
	}
	seen := *shared
	seen.Memberships = []account.Membership{at("1", account.Viewer)}
	got, err := h.User(h.ctx, actor, shared.ID)
	h.must(err)
	wantEqual(t, "who is also elsewhere", got, &seen)
	for f, want := range map[account.UserFilter]int{{}: 2, {MerchantID: "1"}: 2, {MerchantID: "2"}: 0, {MerchantID: "3"}: 0, {Status: authority.Disabled}: 0} {
		list, err := h.Users(h.ctx, actor, f, "", 10)
		h.must(err)
		for _, u := range list {
			if len(u.Memberships) != 1 || u.Memberships[0].MerchantID != "1" {
				t.Errorf("%+v shows %+v", f, u)
			}
		}
		if len(list) != want {
			t.Errorf("%+v shows %d users, want %d", f, len(list), want)
		}
	}
	for _, merchant := range []authority.MerchantID{"1", ""} {
		inDemo := having(account.Administrator.Scopes()...)
		inDemo.Permissions.MerchantID, inDemo.Permissions.Env = merchant, "demo"
		wantError(t, "an environment's actor", errorOf(h.User(h.ctx, inDemo, shared.ID)), authority.ErrNotFound)
		if list, err := h.Users(h.ctx, inDemo, account.UserFilter{}, "", 10); len(list) > 0 || err != nil {
			t.Errorf("an environment's actor sees %+v, %v", list, err)
		}
	}
}

// C-393.
func TestAMerchantsPeopleChangeTheirRolesAlone(t *testing.T) {
	h := newHarness(t)
	boss := h.user("boss", at("1", account.Administrator))
	shared := h.user("shared", at("1", account.Viewer), at("2", account.Administrator))
	actor := signedIn(boss, "1")
	for _, c := range h.calls(shared) {
		if c.scope != authority.UsersRead && c.name != "EnableUser" { // which is nothing to do
			wantForbidden(t, c.name, h.unchanged(c.name, func() error { return c.do(actor) }), "")
		}
	}
	set := func(actor authority.Actor, roles ...account.Membership) (*account.User, error) {
		return h.UpdateUser(h.ctx, actor, shared.ID, account.UserUpdate{Memberships: &roles})
	}
	wantForbidden(t, "operator", errorOf(h.UpdateUser(h.ctx, actor, shared.ID, account.UserUpdate{Operator: new(true)})), "")
	// Another merchant reads as one that does not exist.
	var texts []string
	for _, id := range []authority.MerchantID{"2", "3"} {
		err := h.unchanged("another merchant", func() error { return errorOf(set(actor, at("1", account.Viewer), at(id, account.Viewer))) })
		wantInvalid(t, "another merchant", err, "memberships")
		var invalid *authority.InvalidError
		if !errors.As(err, &invalid) {
			t.FailNow()
		}
		texts = append(texts, strings.ReplaceAll(invalid.Reason, string(id), "N"))
	}
	if texts[0] != texts[1] {
		t.Errorf("refused with %q, one that does not exist with %q", texts[0], texts[1])
	}
	wantInvalid(t, "twice", errorOf(set(actor, at("1", account.Viewer), at("1", account.Viewer))), "memberships")

	got, err := set(actor, at("1", account.Administrator))
	h.must(err)
	wantEqual(t, "what the actor is told", got.Memberships, []account.Membership{at("1", account.Administrator)})
	whole, err := h.User(h.ctx, root, shared.ID)
	h.must(err)
	wantEqual(t, "the roles", whole.Memberships, []account.Membership{at("1", account.Administrator), at("2", account.Administrator)})
	if last := h.state().last; last.MerchantID != "1" || last.Details != `{"memberships":{"1":"administrator"}}` {
		t.Errorf("the event is about merchant %q: %s", last.MerchantID, last.Details)
	}
	// What the user is elsewhere does not stand in the way: it does not exist.
	weak := having(append(account.Viewer.Scopes(), authority.UsersWrite)...)
	weak.Permissions.MerchantID = "1"
	wantForbidden(t, "an administrator's role", errorOf(set(weak)), "")
	h.must(errorOf(set(actor, at("1", account.Viewer))))
	h.must(errorOf(set(weak)))
	whole, err = h.User(h.ctx, root, shared.ID)
	h.must(err)
	wantEqual(t, "the roles left", whole.Memberships, []account.Membership{at("2", account.Administrator)})
	wantError(t, "who has left", errorOf(set(actor, at("1", account.Viewer))), authority.ErrNotFound)
}

// C-392: nor does an administrator change an operator who also works for its
// merchant, and a viewer changes nobody.
func TestAMerchantsPeopleDoNotChangeWhoIsAbove(t *testing.T) {
	h := newHarness(t)
	boss, viewer := h.user("boss", at("1", account.Administrator)), h.user("viewer", at("1", account.Viewer))
	op := h.create(account.NewUser{Email: "op@example.com", Name: "op", Operator: true, Memberships: []account.Membership{at("1", account.Viewer)}})
	wantForbidden(t, "operator", errorOf(h.UpdateUser(h.ctx, signedIn(boss, "1"), op.ID, account.UserUpdate{Memberships: &[]account.Membership{}})), "")
	for _, c := range h.calls(boss) {
		if c.scope != authority.UsersRead {
			wantForbidden(t, c.name, h.unchanged(c.name, func() error { return c.do(signedIn(viewer, "1")) }), c.scope)
		}
	}
	for _, c := range h.calls(viewer) {
		if c.scope != authority.UsersRead {
			wantForbidden(t, c.name, h.unchanged(c.name, func() error { return c.do(signedIn(boss, "2")) }), c.scope)
		}
	}
}

// C-394.
func TestAnOperatorIsLeft(t *testing.T) {
	h := newHarness(t)
	last := h.operator("last")
	off := h.operator("off")
	h.must(errorOf(h.DisableUser(h.ctx, root, off.ID, 0)))
	demote := func(actor authority.Actor) error {
		return errorOf(h.UpdateUser(h.ctx, actor, last.ID, account.UserUpdate{Operator: new(false)}))
	}
	for _, actor := range []authority.Actor{signedIn(last, ""), having(authority.ManagementScopes()...)} {
		for _, c := range append(h.calls(last), call{"demote", "", demote}) {
			if c.name == "DisableUser" || c.name == "DeleteUser" || c.name == "demote" {
				wantError(t, actor.ID+" "+c.name, h.unchanged(c.name, func() error { return c.do(actor) }), account.ErrLastOperator)
			}
		}
		h.must(errorOf(h.UpdateUser(h.ctx, actor, last.ID, account.UserUpdate{Name: new("Renamed by " + actor.ID[:4])})))
	}
	h.must(errorOf(h.EnableUser(h.ctx, root, off.ID, 0)))
	h.must(demote(signedIn(last, "")))
	h.must(errorOf(h.DisableUser(h.ctx, root, off.ID, 0))) // the command line
	h.must(h.DeleteUser(h.ctx, having(authority.ManagementScopes()...), last.ID, 0))
}
