package console_test

import (
	"net/http"
	"testing"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/authority"
)

// C-470
func TestPagesOfOperatorsAreNobodyElses(t *testing.T) {
	h := newHarness(t)
	admin, viewer := h.signedIn(h.user("Ada", at("4259", account.Administrator))), h.signedIn(h.user("Vic", at("4259", account.Viewer)))
	for _, b := range []*browser{admin, viewer} {
		for _, path := range []string{"/merchants", "/merchants/new", "/scopes", "/scopes/new", "/signing-keys", "/usage", "/events", "/events/export", "/events/verify", "/system"} {
			b.get("/console"+path).want(t, http.StatusNotFound, "There is no such page")
		}
		b.get("/console/merchants/4259").want(t, http.StatusForbidden, "You may not do this")
		b.get("/console/merchants/4711").want(t, http.StatusNotFound)
		for path, status := range map[string]int{
			"/merchants/new": http.StatusNotFound, "/merchants/4259": http.StatusForbidden, "/merchants/4259/suspend": http.StatusForbidden,
			"/merchants/4259/resume": http.StatusForbidden, "/merchants/4259/delete": http.StatusForbidden, "/merchants/4711/suspend": http.StatusNotFound,
			"/scopes/new": http.StatusNotFound, "/scopes/customers:read/delete": http.StatusNotFound, "/signing-keys/rotate": http.StatusNotFound, "/signing-keys/kid/revoke": http.StatusNotFound,
			"/events/verify": http.StatusNotFound,
		} {
			b.post("/console"+path, "confirm", "4259", "merchantId", "1", "name", "X", "version", "1").want(t, status)
		}
	}
	m, err := h.auth.Merchant(h.ctx, root, "4259")
	h.must(err)
	if m.Status != authority.Active || m.Version != 1 {
		t.Errorf("the merchant was changed: %+v", m)
	}
}
