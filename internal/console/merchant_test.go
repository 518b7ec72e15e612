package console_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// C-470
func TestOperatorsCreateAndChangeMerchants(t *testing.T) {
	h := newHarness(t)
	b := h.signedIn(h.operator("Olga"))
	b.get("/console/merchants").want(t, http.StatusOK, "Acme", "Blue Bottle", "0 of 3")
	b.get("/console/merchants/new").want(t, http.StatusOK)
	b.send("/console/merchants/new", "merchantId", "4259", "name", "Kept as typed").want(t, http.StatusConflict, "This ID is taken")
	if form, _ := b.page.form("/console/merchants/new"); form.Get("name") != "Kept as typed" || form.Get("merchantId") != "4259" {
		t.Errorf("what was typed is gone: %v", form)
	}
	b.send("/console/merchants/new", "merchantId", "abc").want(t, http.StatusBadRequest, "is not a whole number")
	b.send("/console/merchants/new", "merchantId", "77", "name", "").want(t, http.StatusBadRequest, "The name is empty")
	b.send("/console/merchants/new", "name", "Contoso", "keyLimit", "many").want(t, http.StatusBadRequest, "This is not a whole number")
	b.follow(b.send("/console/merchants/new", "keyLimit", "5")).want(t, http.StatusOK, "The merchant was created", "Contoso", "of 5 active")

	b.send("/console/merchants/77", "keyLimit", "10001").want(t, http.StatusBadRequest, "is not from 0 to 10000")
	b.follow(b.send("/console/merchants/77", "name", "Contoso Ltd", "keyLimit", "7")).want(t, http.StatusOK, "The merchant was changed", "Contoso Ltd", "of 7 active")
}

// C-196
func TestMerchantChangedMeanwhileIsNotOverwritten(t *testing.T) {
	h := newHarness(t)
	b := h.signedIn(h.operator("Olga"))
	b.get("/console/merchants/4259").want(t, http.StatusOK)
	name := "Changed elsewhere"
	_, err := h.auth.UpdateMerchant(h.ctx, root, "4259", authority.MerchantUpdate{Name: &name})
	h.must(err)
	b.send("/console/merchants/4259", "name", "Mine").want(t, http.StatusConflict, "Somebody else has changed it meanwhile")
	b.get("/console/merchants/4259").want(t, http.StatusOK, "Changed elsewhere")
}

// C-470
func TestMerchantIsSuspendedResumedAndDeletedByTypedWord(t *testing.T) {
	h := newHarness(t)
	k, _, err := h.auth.CreateAPIKey(h.ctx, root, authority.NewAPIKey{MerchantID: "4259", Env: "demo", Name: "Orders"})
	h.must(err)
	b := h.signedIn(h.operator("Olga"))
	b.get("/console/merchants/4259").want(t, http.StatusOK, "It has 1 API key that is not deleted")
	b.send("/console/merchants/4259/suspend", "confirm", "4711").want(t, http.StatusBadRequest, "This is not what was asked for")
	b.follow(b.send("/console/merchants/4259/suspend", "confirm", " 4259 ")).want(t, http.StatusOK, "The merchant is suspended", "suspended", "No API key of this merchant works")
	b.follow(b.send("/console/merchants/4259/resume")).want(t, http.StatusOK, "The merchant was resumed", "active")

	b.post("/console/merchants/4259/delete", "confirm", "4259", "version", "3").want(t, http.StatusConflict, "The merchant still has API keys")
	h.must(h.auth.DeleteAPIKey(h.ctx, root, k.ID, 0))
	b.get("/console/merchants/4259").want(t, http.StatusOK)
	b.send("/console/merchants/4259/delete").want(t, http.StatusBadRequest, "This is not what was asked for")
	b.follow(b.send("/console/merchants/4259/delete", "confirm", "4259")).want(t, http.StatusOK, "The merchant was deleted").wantNot(t, "Acme")
	b.get("/console/merchants/4259").want(t, http.StatusNotFound)
}

// C-199
func TestWhatOnlyTakesPowerAwayNeedsNoFreshProof(t *testing.T) {
	h := newHarness(t)
	b := h.signedIn(h.operator("Olga"))
	*h.at = h.at.Add(6 * time.Minute)
	b.get("/console/merchants/4259").want(t, http.StatusOK)
	b.send("/console/merchants/4259", "name", "New").want(t, http.StatusForbidden, "Confirm that it is you")
	b.get("/console/merchants/4259")
	b.follow(b.send("/console/merchants/4259/suspend", "confirm", "4259")).want(t, http.StatusOK, "The merchant is suspended")
	b.send("/console/merchants/4259/resume").want(t, http.StatusForbidden, "Confirm that it is you")
	b.follow(b.send("/console/merchants/4259/resume", "confirm-password", password)).want(t, http.StatusOK, "The merchant was resumed")
}

// C-470
func TestMerchantsAreListedInPagesAndSearched(t *testing.T) {
	h := newHarness(t)
	for i := range 60 {
		_, err := h.auth.CreateMerchant(h.ctx, root, authority.NewMerchant{ID: authority.MerchantID(fmt.Sprint(1000 + i)), Name: fmt.Sprintf("Shop %d", i)})
		h.must(err)
	}
	b := h.signedIn(h.operator("Olga"))
	first := b.get("/console/merchants").want(t, http.StatusOK, "Shop 0", "Shop 49", "Next page").wantNot(t, "Shop 50", "First page")
	second := b.get(first.link(t, "Next page")).want(t, http.StatusOK, "Shop 50", "Acme", "First page").wantNot(t, "Shop 49", "Next page")
	if second.link(t, "First page") != "/console/merchants" {
		t.Errorf("the first page is %s", second.link(t, "First page"))
	}
	b.get("/console/merchants?q=shop+1").want(t, http.StatusOK, "Shop 1", "Shop 19").wantNot(t, "Shop 2<", "Acme")
	b.get("/console/merchants?q=1059").want(t, http.StatusOK, "Shop 59").wantNot(t, "Shop 1<")
	b.get("/console/merchants?q=nobody").want(t, http.StatusOK, "No merchant's name or ID begins like this")
	// C-195: a cursor is of its list alone.
	b.get(strings.Replace(first.link(t, "Next page"), "?", "?q=shop&", 1)).want(t, http.StatusBadRequest, "Begin at the first page")
	b.get("/console/merchants?after=AAAA").want(t, http.StatusBadRequest, "Begin at the first page")
}

// C-198
func TestNamesOfMerchantsAreText(t *testing.T) {
	h := newHarness(t)
	b := h.signedIn(h.operator("Olga"))
	for i, name := range naughty {
		path := fmt.Sprintf("/console/merchants/%d", 100+i)
		_, err := h.auth.CreateMerchant(h.ctx, root, authority.NewMerchant{ID: authority.MerchantID(fmt.Sprint(100 + i)), Name: name})
		h.must(err)
		b.get(path).want(t, http.StatusOK, name).wantNot(t, "<script>alert", "<img", "<svg/", "<!--")
		if form, _ := b.page.form(path); form.Get("name") != name {
			t.Errorf("the form has %q, want %q", form.Get("name"), name)
		}
	}
	b.get("/console/merchants").want(t, http.StatusOK, naughty...).wantNot(t, "<script>alert", "<img", "<svg/", "<!--")
}

// link returns where a link of the page with this text goes.
func (a *answer) link(t testing.TB, text string) string {
	t.Helper()
	for _, part := range strings.Split(a.body, "<a ")[1:] {
		tag, rest, _ := strings.Cut(part, ">")
		if inner, _, _ := strings.Cut(rest, "</a>"); inner == text {
			return strings.TrimPrefix(attribute(" "+tag, "href"), "https://tokens.example.com")
		}
	}
	t.Fatalf("the page has no link %q:\n%s", text, a.body)
	return ""
}
