package account_test

import (
	"slices"
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
