package console_test

import (
	"encoding/csv"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/authority"
)

// usedKey is an API key of a merchant that has got tokens, and was refused others
// for a scope that it does not hold.
func (h *harness) usedKey(id authority.MerchantID, env, name string, issued, refused int) *authority.APIKey {
	h.t.Helper()
	k, s, err := h.auth.CreateAPIKey(h.ctx, root, authority.NewAPIKey{MerchantID: id, Env: env, Name: name, Scopes: []string{"customers:read"}})
	h.must(err)
	for i := range issued + refused {
		r := authority.TokenRequest{ClientID: string(k.ID), ClientSecret: s.Reveal(), Address: netip.MustParseAddr("192.0.2.9")}
		if i >= issued {
			r.Scope = "customers:write"
		}
		if _, err := h.auth.IssueToken(&r); (err != nil) != (i >= issued) {
			h.t.Fatal(err)
		}
	}
	h.must(h.auth.FlushUsage(h.ctx))
	return k
}

// C-470
func TestUsageOfAMerchantIsShownByReasonAndAPIKey(t *testing.T) {
	h := newHarness(t)
	h.must(h.auth.LoadDirectory(h.ctx))
	orders := h.usedKey("4259", "demo", "Orders", 12, 3)
	h.usedKey("4259", "production", "Shop", 1200, 0)
	other := h.usedKey("4711", "demo", "Other", 7, 0)
	*h.at = h.at.Add(2 * time.Hour)
	ada := h.signedIn(h.user("Ada", at("4259", account.Viewer)))
	page := ada.get("/console/merchants/4259/usage").want(t, http.StatusOK, "Tokens issued 1,212", "Refused 3", "Scope not held scope_not_held", "Orders", "Shop").wantNot(t, "Other</a>")
	if strings.Index(page.body, ">Shop</a>") > strings.Index(page.body, ">Orders</a>") {
		t.Error("the API key that is used most is not the first")
	}
	ada.get("/console/merchants/4259/usage?range=24h&env=demo").want(t, http.StatusOK, "Tokens issued 12").wantNot(t, ">Shop</a>")
	ada.get("/console/merchants/4259/usage?range=90d").want(t, http.StatusOK, "Tokens issued 1,212", "of the last 31 days")
	ada.get("/console/merchants/4259/usage?key="+string(orders.ID)).want(t, http.StatusOK, "Usage of Orders", "Tokens issued 12")
	for _, path := range []string{"?key=" + string(other.ID), "?range=1y", "?env=nowhere", "?env=platform", "/export?key=" + string(other.ID)} {
		ada.get("/console/merchants/4259/usage"+path).want(t, http.StatusNotFound)
	}
	// A reason has words, and advice or a link to it.
	var refused []authority.Use
	for _, reason := range []authority.Reason{authority.SecretIsID, authority.SecretBlanks} {
		refused = append(refused, authority.Use{ClientID: orders.ID, Env: "demo", Outcome: authority.Outcome(reason), Hour: h.at.Truncate(time.Hour), Count: 1, At: *h.at})
	}
	h.must(h.open.Store.AddUsage(h.ctx, refused, func(authority.EventKind, *authority.Use, authority.MerchantID) *authority.Draft { return nil }))
	page = ada.get("/console/merchants/4259/usage?range=30d").want(t, http.StatusOK, "Secret is the ID secret_is_id The application sends the client ID", "see the errors page of the documentation")
	if page.link(t, "the errors page") != "/docs/errors" {
		t.Error("the errors page is no link")
	}
	// An operator sees all merchants, but on the page of one its own alone.
	olga := h.signedIn(h.operator("Olga"))
	olga.get("/console/merchants/4259/usage?key="+string(other.ID)).want(t, http.StatusNotFound)
	olga.get("/console/usage").want(t, http.StatusOK, "Tokens issued 1,219", "Refused 5")
	olga.get("/console/usage?env=production").want(t, http.StatusOK, "Tokens issued 1,200")
	olga.get("/console/usage?env=platform").want(t, http.StatusOK, "Nothing was asked for")
	for _, page := range []string{"/console/usage", "/console/events"} { // where operator keys are seen, too
		olga.get(page).want(t, http.StatusOK, "demo production platform")
		olga.get("/console/merchants/4259"+strings.TrimPrefix(page, "/console")).want(t, http.StatusOK, "demo production").wantNot(t, "platform</option>")
	}
	olga.get("/console/merchants/4711/usage?range=30d").want(t, http.StatusOK, "Tokens issued 7")
}

// C-470
func TestUsageExportHasTheFiguresOfThePage(t *testing.T) {
	h := newHarness(t)
	h.must(h.auth.LoadDirectory(h.ctx))
	h.usedKey("4259", "demo", "Orders", 2, 1)
	ada := h.signedIn(h.user("Ada", at("4259", account.Viewer)))
	file := ada.get(ada.get("/console/merchants/4259/usage").link(t, "Export CSV")).want(t, http.StatusOK)
	rows, err := csv.NewReader(strings.NewReader(file.body)).ReadAll()
	h.must(err)
	got := map[string]string{}
	for _, row := range rows[1:] {
		got[row[1]] = row[2]
	}
	if len(rows) != 3 || got["issued"] != "2" || got["scope_not_held"] != "1" {
		t.Errorf("the file is\n%s", file.body)
	}
}

// C-470
func TestUsageWithoutAnyTeachesWhatIsCounted(t *testing.T) {
	h := newHarness(t)
	ada := h.signedIn(h.user("Ada", at("4259", account.Viewer)))
	ada.get("/console/merchants/4259/usage").want(t, http.StatusOK, "Nothing was asked for in this time", "Get a first token")
}
