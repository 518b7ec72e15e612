package console_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/console"
)

// C-468
func TestEventsSayWhoDidWhatInWords(t *testing.T) {
	h := newHarness(t)
	olga := h.operator("Olga")
	b := h.signedIn(olga)
	b.get("/console/merchants/4259")
	b.follow(b.send("/console/merchants/4259", "name", "Acme Ltd", "keyLimit", "5"))
	b.get("/console/events").want(t, http.StatusOK,
		"Merchant updated Acme Ltd by Olga", "Scope created customers:write by the command line", "Installation created", "key limit 5", "name Acme Ltd")
	b.get("/console/events?kind=merchant.updated").want(t, http.StatusOK, "Merchant updated Acme Ltd").wantNot(t, "<strong>Scope created")
	b.get("/console/events?subject=4711").want(t, http.StatusOK, "Merchant created Blue Bottle").wantNot(t, "<strong>Merchant updated")
	b.get("/console/events?actor=user:"+string(olga.ID)).want(t, http.StatusOK, "Merchant updated").wantNot(t, "<strong>Merchant created")
	day := h.at.UTC().Format(time.DateOnly)
	b.get("/console/events?since="+day+"&until="+day).want(t, http.StatusOK, "Merchant updated")
	b.get("/console/events?until=2020-01-01").want(t, http.StatusOK, "No such event")
	b.get("/console/events?since=yesterday").want(t, http.StatusBadRequest, "This is not a day")
}

// C-468
func TestEventsOfAMerchantAreItsOwn(t *testing.T) {
	h := newHarness(t)
	for _, id := range []authority.MerchantID{"4259", "4711"} {
		_, _, err := h.auth.CreateAPIKey(h.ctx, root, authority.NewAPIKey{MerchantID: id, Env: "demo", Name: "Key of " + string(id)})
		h.must(err)
	}
	for _, b := range []*browser{
		h.signedIn(h.user("Vic", at("4259", account.Viewer))), h.signedIn(h.user("Ada", at("4259", account.Administrator))), h.signedIn(h.operator("Olga")),
	} {
		b.get("/console/merchants/4259/events").want(t, http.StatusOK, "API key created demo Key of 4259 by the command line").wantNot(t, "Key of 4711", "4711", "Scope created</strong>")
		if all := b.get("/console/merchants/4259/events/export?format=ndjson"); !strings.Contains(all.body, "Key of 4259") || strings.Contains(all.body, "4711") || strings.Contains(all.body, "scope.created") {
			t.Errorf("the export is\n%s", all.body)
		}
	}
	vic := h.signedIn(h.user("Vera", at("4259", account.Viewer)))
	vic.get("/console/merchants/4711/events").want(t, http.StatusNotFound)
	vic.get("/console/merchants/4711/events/export?format=csv").want(t, http.StatusNotFound)
}

// C-468
func TestEventsArePagedByCursors(t *testing.T) {
	h := newHarness(t)
	for i := range 60 {
		name := fmt.Sprintf("Name %d.", i)
		_, err := h.auth.UpdateMerchant(h.ctx, root, "4259", authority.MerchantUpdate{Name: &name})
		h.must(err)
	}
	b := h.signedIn(h.operator("Olga"))
	first := b.get("/console/events?kind=merchant.updated").want(t, http.StatusOK, "Name 59.", "Name 30.").wantNot(t, "Name 29.")
	b.get(first.link(t, "Next page")).want(t, http.StatusOK, "Name 29.", "Name 0.", "First page").wantNot(t, "Name 30.", "Next page")
	b.get(strings.Replace(first.link(t, "Next page"), "merchant.updated", "merchant.created", 1)).want(t, http.StatusBadRequest, "Begin at the first page")
}

// C-198
func TestNaughtyNamesAreTextInEventsAndTheirExports(t *testing.T) {
	h := newHarness(t)
	b := h.signedIn(h.operator("Olga"))
	for i, name := range naughty {
		_, _, err := h.auth.CreateAPIKey(h.ctx, root, authority.NewAPIKey{MerchantID: "4259", Env: "demo", Name: name, Description: name})
		h.must(err)
		if i%3 == 2 { // within the limit of active ones
			h.deleteKeys("4259")
		}
	}
	page := b.get("/console/events?kind=api_key.created").want(t, http.StatusOK).wantNot(t, "<script>alert", "<img", "<svg/", "<!--")
	for _, name := range naughty {
		if !strings.Contains(page.text(), name) {
			t.Errorf("the page does not show %q", name)
		}
	}
	file := b.get("/console/events/export?format=csv").wantNot(t, "<svg/onload=alert(1)>\r\n<")
	rows, err := csv.NewReader(strings.NewReader(file.body)).ReadAll()
	h.must(err)
	if len(rows) < 2*len(naughty) {
		t.Fatalf("the export has %d lines", len(rows))
	}
	for _, row := range rows {
		for _, cell := range row {
			if strings.IndexAny(strings.TrimSpace(cell), "=+-@") == 0 {
				t.Errorf("a spreadsheet takes %q for a formula", cell)
			}
		}
	}
	for header, want := range map[string]string{"Content-Type": "text/csv; charset=utf-8", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"} {
		if got := file.header.Get(header); got != want {
			t.Errorf("%s is %q, want %q", header, got, want)
		}
	}
	if got := file.header.Get("Content-Disposition"); !strings.HasPrefix(got, `attachment; filename="events-`) {
		t.Errorf("the browser would show it: %s", got)
	}
}

// deleteKeys deletes the API keys of a merchant.
func (h *harness) deleteKeys(id authority.MerchantID) {
	h.t.Helper()
	keys, err := h.auth.APIKeys(h.ctx, root, authority.APIKeyFilter{MerchantID: id}, "", 100)
	h.must(err)
	for _, k := range keys {
		h.must(h.auth.DeleteAPIKey(h.ctx, root, k.ID, 0))
	}
}

// C-468
func TestExportHasEveryEventOfTheFilter(t *testing.T) {
	h := newHarness(t)
	for i := range 1100 { // more than two pages of the store
		name := fmt.Sprintf("Name %d.", i)
		_, err := h.auth.UpdateMerchant(h.ctx, root, "4259", authority.MerchantUpdate{Name: &name})
		h.must(err)
	}
	b := h.signedIn(h.operator("Olga"))
	file := b.get(b.get("/console/events?kind=merchant.updated").link(t, "Export NDJSON"))
	lines := strings.Split(strings.TrimSuffix(file.body, "\n"), "\n")
	if len(lines) != 1100 {
		t.Fatalf("the export has %d lines", len(lines))
	}
	var last struct {
		Seq        int64
		Kind       string
		MerchantID int64
		Details    map[string]string
		Hash       string
	}
	h.must(json.Unmarshal([]byte(lines[1099]), &last))
	if last.Kind != "merchant.updated" || last.MerchantID != 4259 || last.Details["name"] != "Name 1099." || len(last.Hash) != 64 {
		t.Errorf("the last line is %s", lines[1099])
	}
	if file.header.Get("Content-Type") != "application/x-ndjson" {
		t.Errorf("the export is %s", file.header.Get("Content-Type"))
	}
	// Without a filter it is what event verify --export verifies.
	all := b.get("/console/events/export?format=ndjson")
	if head, n, err := h.auth.ChainKey().VerifyExport(authority.ReadEvents(strings.NewReader(all.body)), authority.EventHead{}, nil); err != nil || n < 1100 || head.Seq != n {
		t.Errorf("%d events to %s, %v", n, head, err)
	}
	b.get("/console/events/export?since=never").want(t, http.StatusBadRequest)
}

// C-229
func TestChainOfEventsIsVerifiedInPieces(t *testing.T) {
	h := newHarness(t)
	c, err := console.New(h.config)
	h.must(err)
	c.VerifyInPieces(5)
	mux := http.NewServeMux()
	c.Register(mux.Handle)
	h.handler = mux
	b := h.signedIn(h.operator("Olga"))
	const path = "/console/events/verify"
	b.get(path).want(t, http.StatusOK)
	b.send(path, "head", "5:abc").want(t, http.StatusBadRequest, "is not SEQ:HASH")
	b.get(path)
	page := b.send(path).want(t, http.StatusOK, "5 of ", "Go on")
	pieces := 1
	for ; strings.Contains(page.body, "Go on"); pieces++ {
		page = b.send(path).want(t, http.StatusOK)
	}
	events, err := h.auth.Events(h.ctx, root, authority.EventFilter{}, 0, 1000)
	h.must(err)
	last := events[len(events)-1]
	head := fmt.Sprintf("%d:%x", last.Seq, last.Hash)
	page.want(t, http.StatusOK, fmt.Sprintf("%d events, unbroken", len(events)), head)
	if pieces < len(events)/5 {
		t.Errorf("%d events in %d pieces", len(events), pieces)
	}

	b.send(path, "head", head).want(t, http.StatusOK, "Go on")
	// What a form has of the walk is of use with the same head alone.
	b.send(path, "head", fmt.Sprintf("%d:%x", events[0].Seq, events[0].Hash)).want(t, http.StatusBadRequest)
	b.get(path)
	for page = b.send(path, "head", head); strings.Contains(page.body, "Go on"); {
		page = b.send(path)
	}
	page.want(t, http.StatusOK, "the head that you had noted is part of them")
	cut := fmt.Sprintf("%d:%x", last.Seq+1, last.Hash) // of a tail that is gone
	b.get(path)
	for page = b.send(path, "head", cut); strings.Contains(page.body, "Go on"); {
		page = b.send(path)
	}
	page.want(t, http.StatusOK, fmt.Sprintf("The chain is broken at event %d", last.Seq+1), "is missing")
}
