package account_test

import (
	"testing"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/authority"
)

// C-074: an administrator learns the names of its own merchant's people, and
// nothing of anybody's sessions.
func TestNamesAreThoseOfTheActorsPeople(t *testing.T) {
	h := newHarness(t)
	dana, eve := h.user("dana", at("1", account.Administrator)), h.user("eve", at("2", account.Viewer))
	olga := h.operator("olga")
	all := []account.UserID{dana.ID, eve.ID, olga.ID}
	for who, want := range map[*account.User]map[account.UserID]string{
		dana: {dana.ID: "dana"},
		olga: {dana.ID: "dana", eve.ID: "eve", olga.ID: "olga"},
	} {
		got, err := h.Names(h.ctx, signedIn(who, "1"), all)
		h.must(err)
		wantEqual(t, "names that "+who.Name+" reads", got, want)
	}
	_, err := h.Names(h.ctx, having(authority.UsersWrite), all)
	wantForbidden(t, "names, without the scope", err, authority.UsersRead)
	_, err = h.CountSessions(h.ctx, having(authority.UsersWrite), dana.ID)
	wantForbidden(t, "sessions, without the scope", err, authority.UsersRead)
	_, err = h.CountSessions(h.ctx, signedIn(dana, "1"), dana.ID)
	wantError(t, "sessions, for an administrator", err, authority.ErrNotFound)
	n, err := h.CountSessions(h.ctx, signedIn(olga, ""), dana.ID)
	h.must(err)
	wantEqual(t, "sessions", n, 0)
}
