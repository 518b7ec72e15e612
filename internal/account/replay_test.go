package account_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/store"
)

// backup copies the database into a file.
func (h *harness) backup() string {
	h.t.Helper()
	s, err := store.OpenSQLite(h.ctx, h.path, store.Options{})
	h.must(err)
	defer func() { h.must(s.Close()) }()
	_, err = s.Backup(h.ctx, h.path+".backup", nil)
	h.must(err)
	return h.path + ".backup"
}

// restored is the installation of a backup in which every event since was done
// again.
func (h *harness) restored(backup string) (*harness, *authority.Restored) {
	h.t.Helper()
	s, err := store.OpenSQLite(h.ctx, backup, store.Options{Scratch: true})
	h.must(err)
	h.t.Cleanup(func() { _ = s.Close() })
	next := *h
	next.path, next.cfg.Store = backup, s
	next.auth, err = authority.Open(h.ctx, next.cfg)
	h.must(err)
	next.Accounts = account.New(next.auth, s)
	out, err := next.auth.Restore(h.ctx, root, authority.Restoration{
		Events: h.auth.AllEvents(h.ctx, root, authority.EventFilter{}), Users: next.Replay,
	})
	h.must(err)
	return &next, out
}

// C-549: what was done to users since is done again; who has changed what it signs
// in with has nothing left, and is named; sessions and links have ended.
func TestReplayDoesAgainWhatWasDoneToUsers(t *testing.T) {
	h := newHarness(t)
	h.ada()
	var users []*account.User
	for _, name := range []string{"eva", "finn", "greta", "hugo"} {
		users = append(users, h.able(account.NewUser{Email: name + "@example.com", Name: name, Operator: true}))
	}
	eva, finn, greta, hugo := users[0], users[1], users[2], users[3]
	roles, disabled, enabled, deleted := h.user("roles", at("1", account.Viewer), at("2", account.Viewer)), h.operator("disabled"), h.operator("enabled"), h.user("deleted", at("1", account.Viewer))
	_, err := h.DisableUser(h.ctx, root, enabled.ID, 0)
	h.must(err)
	kept := h.entered(eva)
	invitation, err := h.invite(root, "1", account.Administrator)
	h.must(err)
	backup := h.backup()

	h.at = h.at.Add(time.Hour)
	no := false
	memberships := []account.Membership{at("1", account.Administrator)}
	_, err = h.UpdateUser(h.ctx, root, roles.ID, account.UserUpdate{Memberships: &memberships})
	h.must(err)
	_, err = h.UpdateUser(h.ctx, root, finn.ID, account.UserUpdate{Operator: &no})
	h.must(err)
	_, err = h.DisableUser(h.ctx, root, disabled.ID, 0)
	h.must(err)
	_, err = h.EnableUser(h.ctx, root, enabled.ID, 0)
	h.must(err)
	h.must(h.DeleteUser(h.ctx, root, deleted.ID, 0))
	_, err = h.ResetUser(h.ctx, root, greta.ID, 0)
	h.must(err)
	late := h.user("late", at("2", account.Viewer))
	h.must(h.WithdrawInvitation(h.ctx, root, "1", invitation.ID))

	next, out := h.restored(backup)
	for _, id := range []account.UserID{roles.ID, disabled.ID, enabled.ID, finn.ID} {
		want, err := h.User(h.ctx, root, id)
		h.must(err)
		got, err := next.User(h.ctx, root, id)
		h.must(err)
		if got.Status != want.Status || got.Operator != want.Operator || !slices.Equal(got.Memberships, want.Memberships) || !got.EnabledAt.Equal(want.EnabledAt) {
			t.Errorf("%s is %+v, want %+v", want.Email, got, want)
		}
	}
	if _, err := next.User(h.ctx, root, deleted.ID); err == nil {
		t.Error("a user who was deleted is back")
	}
	want := []authority.Unfinished{{Kind: authority.UserReset, Subject: string(greta.ID)}, {Kind: authority.UserCreated, Subject: string(late.ID), MerchantID: "2"}}
	if !slices.Equal(out.Unfinished, want) {
		t.Errorf("it says %+v, want %+v", out.Unfinished, want)
	}
	out, err = next.auth.Restore(h.ctx, root, authority.Restoration{ // C-540: as where that answer was lost
		Events: h.auth.AllEvents(h.ctx, root, authority.EventFilter{}), Users: next.Replay, InPlace: true,
	})
	h.must(err)
	slices.Reverse(want)
	slices.SortFunc(out.Unfinished, func(a, b authority.Unfinished) int { return strings.Compare(string(a.Kind), string(b.Kind)) })
	if !slices.Equal(out.Unfinished, want) {
		t.Errorf("run again it says %+v, want %+v", out.Unfinished, want)
	}
	if _, err := next.signIn(greta.Email, good); err == nil {
		t.Error("a user who was reset signs in with the password of before")
	}
	if _, err := next.signIn(hugo.Email, good); err != nil {
		t.Errorf("a user of whom there is no event cannot sign in: %v", err)
	}
	next.wantEnded("a session of before", kept.Token)
	if _, err := next.use(invitation, account.Person{Name: "X", Password: good}); err == nil {
		t.Error("a link of before works")
	}
	if _, err := next.auth.VerifyEvents(h.ctx, nil, nil); err != nil {
		t.Error(err)
	}
}

// C-481, C-549: after a replay nobody is locked who was there since: who has signed in,
// or used a link.
func TestReplayLocksNobodyWhoWasThere(t *testing.T) {
	h := newHarness(t)
	h.ada()
	able := func(name string) *account.User {
		return h.able(account.NewUser{Email: name + "@example.com", Name: name, Memberships: []account.Membership{at("1", account.Viewer)}})
	}
	here, away, invited, anew := able("here"), able("away"), able("invited"), able("anew")
	identity := account.Identity{Issuer: "https://idp.example.com", Subject: "42"}
	bound := account.Person{Name: "Sam", Identity: &identity, Provider: "corp"}
	reset, err := h.ResetUser(h.ctx, root, invited.ID, 0)
	h.must(err)
	h.must(errorOf(h.use(reset, bound)))
	backup := h.backup()

	h.at = h.at.Add(60 * 24 * time.Hour)
	h.entered(here)
	used := h.at
	l, err := h.invite(root, "2", account.Viewer)
	h.must(err)
	h.must(errorOf(h.use(l, bound)))
	reset, err = h.ResetUser(h.ctx, root, anew.ID, 0)
	h.must(err)
	h.must(errorOf(h.use(reset, account.Person{Password: good})))
	h.at = h.at.Add(60 * 24 * time.Hour)

	next, _ := h.restored(backup)
	for _, u := range []*account.User{here, away, invited, anew} {
		got, err := next.User(h.ctx, root, u.ID)
		h.must(err)
		was, err := h.User(h.ctx, root, u.ID)
		h.must(err)
		if locked := u == away; got.Locked(h.at) != locked || !locked && !got.UsedAt.Equal(used) || !got.UpdatedAt.Equal(was.UpdatedAt) {
			t.Errorf("%s was last there at %s, and changed at %s; want %s, %s", u.Email, got.UsedAt, got.UpdatedAt, was.UsedAt, was.UpdatedAt)
		}
	}
	if _, err := next.signIn(here.Email, good); err != nil {
		t.Errorf("who was there does not get in: %v", err)
	}
}

// C-540: of another name no event says which; it is named, beside what else is left to do.
func TestReplayNamesNames(t *testing.T) {
	h := newHarness(t)
	renamed, both, deleted := h.operator("renamed"), h.operator("both"), h.operator("deleted")
	backup := h.backup()
	lost := h.operator("lost")
	for _, u := range []*account.User{renamed, renamed, both, deleted, lost} {
		name := "Another " + h.at.String()
		_, err := h.UpdateUser(h.ctx, root, u.ID, account.UserUpdate{Name: &name})
		h.must(err)
		h.at = h.at.Add(time.Second)
	}
	_, err := h.ResetUser(h.ctx, root, both.ID, 0)
	h.must(err)
	h.must(h.DeleteUser(h.ctx, root, deleted.ID, 0))
	_, out := h.restored(backup)
	want := []authority.Unfinished{
		{Kind: authority.UserCreated, Subject: string(lost.ID)}, {Kind: authority.UserUpdated, Subject: string(renamed.ID)},
		{Kind: authority.UserUpdated, Subject: string(both.ID)}, {Kind: authority.UserReset, Subject: string(both.ID)},
	}
	if !slices.Equal(out.Unfinished, want) {
		t.Errorf("it says %+v, want %+v", out.Unfinished, want)
	}
}

// C-484, C-549: an invitation that a user has accepted is done again as it was: never a
// lower role than the user has, the one of the platform too. Its event says what has
// changed.
func TestReplayGivesWhatInvitationsGave(t *testing.T) {
	h := newHarness(t)
	identity := account.Identity{Issuer: "https://idp.example.com", Subject: "42"}
	bound := account.Person{Name: "Sam", Identity: &identity, Provider: "corp"}
	sam := h.user("sam", at("1", account.Administrator))
	reset, err := h.ResetUser(h.ctx, root, sam.ID, 0)
	h.must(err)
	h.must(errorOf(h.use(reset, bound)))
	eva := h.able(account.NewUser{Email: "eva@example.com", Name: "Eva", Memberships: []account.Membership{at("1", account.Administrator)}})
	entered := h.entered(eva)
	backup := h.backup()
	for _, step := range []struct {
		merchant authority.MerchantID
		role     account.Role
		told     string // beside the link
	}{
		{"1", account.Viewer, ``},
		{"2", account.Viewer, `"memberships":{"2":"viewer"}`},
		{"2", account.Administrator, `"memberships":{"2":"administrator"}`},
		{"", account.Operator, `"operator":true`},
	} {
		for _, accept := range []func(l *account.IssuedLink) error{
			func(l *account.IssuedLink) error { return h.AcceptInvitation(h.ctx, from, &entered.Visitor, l.Token) },
			func(l *account.IssuedLink) error { return errorOf(h.use(l, bound)) },
		} {
			l, err := h.invite(root, step.merchant, step.role)
			h.must(err)
			h.must(accept(l))
			want := `{"link":"` + l.ID + `"`
			if step.told != "" {
				want += "," + step.told
			}
			if last := h.state().last; last.Kind != authority.UserUpdated || last.Details != want+"}" {
				t.Errorf("the event is %s %s, want %s}", last.Kind, last.Details, want)
			}
		}
	}
	next, out := h.restored(backup)
	for _, u := range []*account.User{eva, sam} {
		want, err := h.User(h.ctx, root, u.ID)
		h.must(err)
		got, err := next.User(h.ctx, root, u.ID)
		h.must(err)
		if !got.Operator || !slices.Equal(got.Memberships, want.Memberships) {
			t.Errorf("%s is %+v, want %+v", u.Email, got, want)
		}
	}
	if len(out.Unfinished) > 0 {
		t.Errorf("left to do: %+v", out.Unfinished)
	}
}

// Events of releases before told the role of the link.
func TestReplayReadsInvitationsOfBefore(t *testing.T) {
	h := newHarness(t)
	u := h.user("eva", at("1", account.Administrator))
	for _, given := range []map[authority.MerchantID]account.Role{{"1": account.Viewer}, {"2": account.Viewer}, {"": account.Operator}} {
		d, err := h.auth.NewDraft(root, authority.UserUpdated, string(u.ID), "", map[string]any{"link": "inv_1", "memberships": given}, nil)
		h.must(err)
		h.must(h.Replay(h.ctx, d))
	}
	got, err := h.User(h.ctx, root, u.ID)
	h.must(err)
	if want := []account.Membership{at("1", account.Administrator), at("2", account.Viewer)}; !got.Operator || !slices.Equal(got.Memberships, want) {
		t.Errorf("restored is %+v", got)
	}
}
