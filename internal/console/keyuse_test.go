package console_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/authority"
)

// C-467
func TestUseTellsWhetherAnAPIKeyIsSafeToDelete(t *testing.T) {
	h := newHarness(t)
	k, secret := h.key("Orders", "customers:read")
	unused, _ := h.key("Unused")
	dana := h.user("Dana", at("4259", account.Administrator))
	says := func(k *authority.APIKey, text string) {
		t.Helper()
		b := h.signedIn(dana)
		b.get(demoKeys+"/"+string(k.ID)).want(t, http.StatusOK, text)
		b.get(demoKeys+"/"+string(k.ID)+"/delete").want(t, http.StatusOK, text)
	}
	says(k, "Too early to say")
	h.must(h.use(k, secret))
	h.must(h.use(k, secret))
	if h.use(k, secret[:len(secret)-1]) == nil {
		t.Fatal("a broken secret got a token")
	}
	says(k, "not safe to delete It was last used")
	says(k, "got 2 tokens in the last 30 days")
	h.signedIn(dana).get(demoKeys+"/"+string(k.ID)).want(t, http.StatusOK, "Tokens, 7 days 2", "Tokens, 30 days 2", "Refused, 30 days 1", "2025-11-24 2 1")
	*h.at = h.at.Add(10 * 24 * time.Hour)
	says(unused, "Too early to say")
	h.signedIn(dana).get(demoKeys+"/"+string(k.ID)).want(t, http.StatusOK, "Tokens, 7 days 0", "Tokens, 30 days 2")
	*h.at = h.at.Add(22 * 24 * time.Hour)
	says(k, "Safe to delete It was last used")
	says(unused, "Safe to delete Nobody has ever used it")
}

// C-467: an open page hears of the first token, and does not ask for ever.
func TestAnOpenPageHearsOfTheLastUse(t *testing.T) {
	h := newHarness(t)
	k, secret := h.key("Orders", "customers:read")
	b := h.administrator()
	poll := func(a *answer) string {
		t.Helper()
		_, rest, _ := strings.Cut(a.body, `id="use" hx-get="`)
		path, _, _ := strings.Cut(rest, `"`)
		return strings.ReplaceAll(path, "&amp;", "&")
	}
	ask := func(path string) *answer {
		t.Helper()
		r := httptest.NewRequest(http.MethodGet, baseURL+path, nil)
		r.Header.Set("HX-Request", "true")
		return b.do(r)
	}
	path := poll(b.get(demoKeys + "/" + string(k.ID)))
	if path == "" {
		t.Fatalf("the page does not ask:\n%s", b.page.body)
	}
	ask(path).want(t, http.StatusNoContent)
	h.must(h.use(k, secret))
	a := ask(path).want(t, http.StatusOK, "Last used", "192.0.2.44", "Tokens, 7 days 1").wantNot(t, "<html", "<h1")
	path = poll(a)
	ask(path).want(t, http.StatusNoContent)
	*h.at = h.at.Add(5 * time.Minute)
	if a := ask(path).want(t, http.StatusOK, "192.0.2.44"); poll(a) != "" {
		t.Errorf("it goes on: %s", a.body)
	}
	// Who signs in after the page has asked comes back to the page, and not to its part.
	*h.at = h.at.Add(time.Hour)
	ask(path).want(t, http.StatusUnauthorized)
	b.get(path).want(t, http.StatusUnauthorized, "Sign in")
	b.follow(b.follow(b.send("/console/sign-in", "email", "dana@example.com", "password", password))).want(t, http.StatusOK, "Is it safe to delete?")
}

// C-467: the page leads through with the reader's own API key, and its secret can
// go nowhere but to the token endpoint.
func TestTheFirstTokenIsOfTheReadersOwnAPIKey(t *testing.T) {
	h := newHarness(t)
	const start = "/console/merchants/4259/start"
	b, viewer := h.administrator(), h.signedIn(h.user("Vera", at("4259", account.Viewer)))
	b.get(start).want(t, http.StatusOK, "Create an API key", "Add new API key")
	viewer.get(start).want(t, http.StatusOK, "Ask an administrator of Acme: Dana.")
	k, _ := h.key("Orders", "customers:read")
	other, _ := h.key("Other", authority.APIKeysRead)
	a := viewer.get(start+"?key="+string(k.ID)).want(t, http.StatusOK, string(k.ID), baseURL+"/oauth/token", baseURL+"/demo/api", "customers:read",
		`"client_secret": "$TOKENWRIGHT_CLIENT_SECRET"`, `"client_id": "`+string(k.ID)+`"`, "ask an administrator to rotate it")
	if strings.Contains(strings.SplitN(a.body, `id="try-secret"`, 2)[1], ` name="client_secret`) || strings.Contains(a.body, `id="try-secret" name=`) {
		t.Error("the field of the secret has a name")
	}
	b.get(start+"?env=demo&key="+string(other.ID)).want(t, http.StatusOK, "It has no scopes of the API").wantNot(t, authority.APIKeysRead)
	b.get(start+"?env=production").want(t, http.StatusOK, "Acme has no API key in production").wantNot(t, string(k.ID))
	b.get(start+"?env=production&key="+string(k.ID)).want(t, http.StatusOK).wantNot(t, string(k.ID))
	b.get(start+"?env=nowhere").want(t, http.StatusOK, "demo")
	foreign, _, err := h.auth.CreateAPIKey(h.ctx, root, authority.NewAPIKey{MerchantID: "4711", Env: "demo", Name: "Foreign"})
	h.must(err)
	b.get(start+"?key="+string(foreign.ID)).want(t, http.StatusNotFound)
	_, err = h.auth.DisableAPIKey(h.ctx, root, k.ID, 0)
	h.must(err)
	b.get(start+"?key="+string(k.ID)).want(t, http.StatusOK, "Orders is disabled, and gets no token.")

	// What is too old for the choice is chosen all the same.
	h.keyLimit(100)
	for range 50 {
		h.key("Newer")
	}
	b.get(start + "?key=" + string(other.ID))
	if form, _ := b.page.form(start); form.Get("key") != string(other.ID) {
		t.Errorf("the page is of %s, and its form of %v", other.ID, form["key"])
	}
}
