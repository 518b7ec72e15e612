package console_test

import (
	"encoding/csv"
	"fmt"
	"html"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/authority"
)

const (
	demoKeys       = "/console/merchants/4259/api-keys/demo"
	productionKeys = "/console/merchants/4259/api-keys/production"
)

// administrator is somebody of merchant 4259 who has just signed in.
func (h *harness) administrator() *browser {
	h.t.Helper()
	return h.signedIn(h.user("Dana", at("4259", account.Administrator)))
}

// key makes an API key of merchant 4259 in demo.
func (h *harness) key(name string, scopes ...string) (*authority.APIKey, string) {
	h.t.Helper()
	k, secret, err := h.auth.CreateAPIKey(h.ctx, root, authority.NewAPIKey{MerchantID: "4259", Env: "demo", Name: name, Scopes: scopes})
	h.must(err)
	return k, secret.Reveal()
}

// keyLimit is how many active API keys merchant 4259 may have.
func (h *harness) keyLimit(n int) {
	h.t.Helper()
	_, err := h.auth.UpdateMerchant(h.ctx, root, "4259", authority.MerchantUpdate{KeyLimit: &n})
	h.must(err)
}

// keys are those of merchant 4259 in demo.
func (h *harness) keys() []authority.APIKey {
	h.t.Helper()
	list, err := h.auth.APIKeys(h.ctx, root, authority.APIKeyFilter{MerchantID: "4259", Env: "demo"}, "", 100)
	h.must(err)
	return list
}

// use asks for a token, and has the use written down.
func (h *harness) use(k *authority.APIKey, secret string) error {
	h.t.Helper()
	h.must(h.auth.LoadDirectory(h.ctx)) // what the follower of a server does
	_, err := h.auth.IssueToken(&authority.TokenRequest{ClientID: string(k.ID), ClientSecret: secret, Address: netip.MustParseAddr("192.0.2.44")})
	h.must(h.auth.FlushUsage(h.ctx))
	return err
}

// C-465
func TestWhatCannotBeAddedSaysWhyAndWhomToAsk(t *testing.T) {
	h := newHarness(t)
	administrator := h.administrator()
	h.user("Gone", at("4711", account.Administrator))
	viewer := h.signedIn(h.user("Vera", at("4259", account.Viewer)))
	const add = `href="` + demoKeys + `/new"`
	if a := administrator.get(demoKeys).want(t, http.StatusOK, "No API key in demo yet", "0 of 3", "Create the first API key"); !strings.Contains(a.body, add) {
		t.Error("an administrator finds no link to add one")
	}
	viewer.get(demoKeys).want(t, http.StatusOK, "Viewers cannot do this. Ask an administrator of Acme: Dana.").wantNot(t, add, "Gone")
	k, _ := h.key("One")
	viewer.get(demoKeys+"/"+string(k.ID)).want(t, http.StatusOK, "Ask an administrator of Acme: Dana.").wantNot(t, "<form method=\"post\" action=\""+demoKeys, "/edit\"", "/rotate\"", "/delete\"")
	h.key("Two")
	h.key("Three")
	administrator.get(demoKeys).want(t, http.StatusOK, "3 of 3", "The limit of active API keys is reached.", "ask an operator").wantNot(t, add)
	administrator.get(productionKeys).want(t, http.StatusOK, "0 of 3", "3 of 3")
}

// C-465: nobody can be asked where a merchant has viewers alone.
func TestWhoHasNobodyToAskIsSentToTheOperators(t *testing.T) {
	h := newHarness(t)
	viewer := h.signedIn(h.user("Vera", at("4259", account.Viewer)))
	viewer.get(demoKeys).want(t, http.StatusOK, "Acme has no administrator. Ask an operator of the platform.")
}

// C-465, C-195
func TestAPIKeysAreListedInPagesAndFound(t *testing.T) {
	h := newHarness(t)
	h.keyLimit(100)
	for i := range 51 {
		h.key(fmt.Sprintf("Key %02d", i))
		*h.at = h.at.Add(time.Second)
	}
	_, _, err := h.auth.CreateAPIKey(h.ctx, root, authority.NewAPIKey{MerchantID: "4711", Env: "demo", Name: "Key of others"})
	h.must(err)
	b := h.administrator()
	first := b.get(demoKeys).want(t, http.StatusOK, "Key 50", "Key 01", "Next page").wantNot(t, "Key 00", "Key of others", "First page")
	next := link(t, first, "Next page")
	b.get(next).want(t, http.StatusOK, "Key 00", "First page").wantNot(t, "Key 01", "Next page")
	b.get(strings.Replace(next, "?", "?sort=name&", 1)).want(t, http.StatusBadRequest)
	b.get(demoKeys+"?sort=name").want(t, http.StatusOK, "Key 00", "Key 49").wantNot(t, "Key 50")
	b.get(demoKeys+"?q=kEy+07").want(t, http.StatusOK, "Key 07").wantNot(t, "Key 08")
	for query, found := range map[string]string{"": "more than 50", "?q=kEy+07": "1", "?q=nothing": "0"} { // said when it comes while somebody types
		if a := b.get(demoKeys + query); !strings.Contains(a.body, ` id="keys" data-announce="`+found+` found"`) {
			t.Errorf("%q does not say that %s are found", query, found)
		}
	}
	id := string(h.keys()[0].ID)
	b.get(demoKeys+"?q="+id[:20]).want(t, http.StatusOK, id)
	b.get(demoKeys+"?q=nothing").want(t, http.StatusOK, "No API key has a name or client ID that begins with “nothing”")
}

// link is where a link of the page leads.
func link(t *testing.T, a *answer, text string) string {
	t.Helper()
	before, _, ok := strings.Cut(a.body, ">"+text+"</a>")
	at := strings.LastIndex(before, `href="`)
	if !ok || at < 0 {
		t.Fatalf("the page has no link %q:\n%s", text, a.body)
	}
	href, _, _ := strings.Cut(before[at+len(`href="`):], `"`)
	return html.UnescapeString(href)
}

// C-074: an API key is at one address alone, for operators too.
func TestAnAPIKeyIsWhereItIsAlone(t *testing.T) {
	h := newHarness(t)
	k, _ := h.key("Orders")
	b := h.signedIn(h.operator("Olga"))
	b.get(demoKeys+"/"+string(k.ID)).want(t, http.StatusOK, "Orders")
	for _, keys := range []string{productionKeys, "/console/merchants/4711/api-keys/demo"} {
		for _, page := range []string{"", "/use", "/edit", "/rotate", "/delete", "/secrets/1/delete"} {
			b.get(keys+"/"+string(k.ID)+page).want(t, http.StatusNotFound)
		}
		b.get(demoKeys) // a page with the token of the session
		for _, form := range []string{"/edit", "/rotate", "/disable", "/enable", "/delete", "/secrets/1/delete"} {
			b.post(keys+"/"+string(k.ID)+form, "confirm", "Orders", "version", "1", "once", strings.Repeat("A", 26)).want(t, http.StatusNotFound)
		}
	}
	b.get(demoKeys+"/"+string(k.ID)+"%00").want(t, http.StatusNotFound)
	b.get(demoKeys+"/"+string(k.ID)+"/secrets/01/delete").want(t, http.StatusNotFound)
	if now, err := h.auth.APIKey(h.ctx, root, k.ID); err != nil || now.Version != 1 {
		t.Errorf("it was changed: %+v, %v", now, err)
	}
}

// C-198
func TestNamesOfAPIKeysAreTextOnEveryPage(t *testing.T) {
	h := newHarness(t)
	h.keyLimit(100)
	b := h.administrator()
	for _, name := range naughty {
		k, _, err := h.auth.CreateAPIKey(h.ctx, root, authority.NewAPIKey{MerchantID: "4259", Env: "demo", Name: name, Description: name})
		h.must(err)
		key := demoKeys + "/" + string(k.ID)
		pages := []*answer{b.get(demoKeys), b.get(demoKeys + "?q=" + string(k.ID)), b.get(key), b.get(key + "/rotate"), b.get(key + "/delete"),
			b.get("/console/merchants/4259/start?env=demo&key=" + string(k.ID)), b.get(key + "/edit")}
		form, _ := b.page.form(key + "/edit")
		if form.Get("name") != name || form.Get("description") != name {
			t.Errorf("%q is %q and %q in the form", name, form.Get("name"), form.Get("description"))
		}
		b.get(key + "/rotate")
		for _, a := range append(pages, b.send(key+"/rotate", "name", name)) {
			if a.status != http.StatusOK || !strings.Contains(a.body, html.EscapeString(name)) && !strings.Contains(a.body, strings.ReplaceAll(html.EscapeString(name), "+", "&#43;")) {
				t.Errorf("%q: %d, and the page does not have it:\n%s", name, a.status, a.body)
			}
			if strings.ContainsAny(name, `<"'`) && strings.Contains(a.body, name) {
				t.Errorf("%q stands in the page as it is", name)
			}
		}
	}
	wantExport(t, b.get(demoKeys+"/export.csv"))
}

// wantExport holds that each name is a cell that is no formula.
func wantExport(t *testing.T, a *answer) {
	t.Helper()
	lines, err := csv.NewReader(strings.NewReader(a.body)).ReadAll()
	if err != nil || len(lines) != len(naughty)+1 || a.header.Get("Content-Type") != "text/csv; charset=utf-8" ||
		a.header.Get("Content-Disposition") != `attachment; filename="api-keys-4259-demo.csv"` {
		t.Fatalf("%d lines, %v, %v", len(lines), err, a.header)
	}
	names := map[string]bool{}
	for _, line := range lines[1:] {
		for _, cell := range line {
			if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r") {
				t.Errorf("the cell %q is a formula", cell)
			}
		}
		names[strings.TrimPrefix(line[1], "'")] = true
	}
	for _, name := range naughty {
		if !names[strings.TrimPrefix(name, "'")] {
			t.Errorf("the export lacks %q", name)
		}
	}
}

// C-199, C-045
func TestAnAPIKeyIsDeletedBehindItsName(t *testing.T) {
	h := newHarness(t)
	k, secret := h.key(" Orders  sync\ufeff", "customers:read") // a page shows one space
	b := h.administrator()
	page := demoKeys + "/" + string(k.ID) + "/delete"
	b.get(page).want(t, http.StatusOK, "Is it safe to delete? Too early to say", "Type Orders sync to confirm")
	for _, word := range []string{"", "orders sync", "Orders", string(k.ID)} {
		b.send(page, "confirm", word).want(t, http.StatusBadRequest, "Nothing has happened")
	}
	h.must(h.use(k, secret))
	b.follow(b.send(page, "confirm", "Orders sync ")).want(t, http.StatusOK, "The API key was deleted.")
	if err := h.use(k, secret); err == nil {
		t.Error("a deleted API key gets a token")
	}
	b.get(demoKeys+"/"+string(k.ID)).want(t, http.StatusNotFound)

	// Between these letters there is more than can be typed.
	for _, name := range []string{"Orders\u200bsync", "Ord\u00aderssync\ufe0f", "\ufeffOrders\ufeffsync\u2060"} {
		k, _ := h.key(name)
		page := demoKeys + "/" + string(k.ID) + "/delete"
		b.get(page)
		b.follow(b.send(page, "confirm", "Orderssync")).want(t, http.StatusOK, "The API key was deleted.")
	}
	// Of these names nothing can be seen.
	for _, name := range []string{"\u200b\u2060", "\u3164", "\u2800\u00a0", "\ufe0f", "\u200d\u0301"} {
		k, _ := h.key(name)
		page := demoKeys + "/" + string(k.ID) + "/delete"
		b.get(page).want(t, http.StatusOK, "Type "+string(k.ID)+" to confirm")
		b.follow(b.send(page, "confirm", string(k.ID))).want(t, http.StatusOK, "The API key was deleted.")
	}
}

// C-199: what takes power away does not wait for a password; what gives it does.
func TestAnAPIKeyIsDisabledAtOnceAndEnabledWithAProof(t *testing.T) {
	h := newHarness(t)
	k, secret := h.key("Orders", "customers:read")
	b := h.administrator()
	key := demoKeys + "/" + string(k.ID)
	*h.at = h.at.Add(6 * time.Minute)
	b.get(key)
	b.follow(b.send(key+"/disable")).want(t, http.StatusOK, "The API key was disabled.", "disabled", "Enable API key")
	if err := h.use(k, secret); err == nil {
		t.Error("a disabled API key gets a token")
	}
	b.send(key+"/enable").want(t, http.StatusForbidden, "Confirm that it is you")
	b.follow(b.send(key+"/enable", "confirm-password", password)).want(t, http.StatusOK, "The API key was enabled.")
	h.must(h.use(k, secret))
}
