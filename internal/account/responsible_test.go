package account_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/authority"
)

// C-456
func TestActiveAdministratorsAreResponsibleAndElseOperators(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	responsible := func(id authority.MerchantID) string {
		t.Helper()
		list, err := h.Responsible(t.Context(), id)
		h.must(err)
		var names []string
		for i := range list {
			names = append(names, list[i].Name)
		}
		slices.Sort(names)
		return strings.Join(names, " ")
	}
	h.user("viewer", account.Membership{MerchantID: "1", Role: account.Viewer})
	if got := responsible("1"); got != "" {
		t.Errorf("of nobody but a viewer: %s", got)
	}
	h.operator("op")
	h.user("ann", account.Membership{MerchantID: "1", Role: account.Administrator}, account.Membership{MerchantID: "2", Role: account.Viewer})
	bob := h.user("bob", account.Membership{MerchantID: "1", Role: account.Administrator})
	for id, want := range map[authority.MerchantID]string{"1": "ann bob", "2": "op", "": "op"} {
		if got := responsible(id); got != want {
			t.Errorf("of merchant %q: %s, want %s", id, got, want)
		}
	}
	_, err := h.DisableUser(t.Context(), root, bob.ID, 0)
	h.must(err)
	h.at = h.at.Add(100 * 24 * time.Hour)
	if u, err := h.User(t.Context(), root, bob.ID); err != nil || !u.Locked(h.at) {
		t.Errorf("after 100 days bob is %+v, %v", u, err)
	}
	if got := responsible("1"); got != "ann" {
		t.Errorf("once bob is disabled, and ann locked: %s", got)
	}
}
