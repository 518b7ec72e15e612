package console_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/console"
	"github.com/tokenwright/tokenwright/internal/ssotest"
)

// C-476, C-199: a proof counts from when it was given to the provider.
func TestAnOldSessionAtTheProviderProvesNothing(t *testing.T) {
	h, idp := withSSO(t)
	h.bound(idp, h.operator("Ada"), "ada")
	for name, row := range map[string]struct {
		authTime any
		proven   bool
	}{
		"just now":         {h.at.Unix(), true},
		"4 minutes ago":    {h.at.Add(-4 * time.Minute).Unix(), true},
		"5 minutes ago":    {h.at.Add(-5 * time.Minute).Unix(), false},
		"this morning":     {h.at.Add(-5 * time.Hour).Unix(), false},
		"nobody says when": {nil, false},
		"tomorrow":         {h.at.Add(24 * time.Hour).Unix(), true}, // a clock that is ahead: no more than now
	} {
		b := h.browser()
		b.get("/console/sign-in")
		b.back(idp, b.send("/console/sso/corp").led(t, idp), "ada", map[string]any{"auth_time": row.authTime}).want(t, http.StatusSeeOther)
		v := b.visitor()
		if v.RecentlyProven(*h.at) != row.proven || v.RecentlyProven(h.at.Add(5*time.Minute)) {
			t.Errorf("%s: proven at %s", name, v.AuthenticatedAt)
		}
	}
}

// C-476: a confirmation renews the session that it was begun in, and no other.
func TestAConfirmationIsOfTheSameSession(t *testing.T) {
	h, idp := withSSO(t)
	b := h.bound(idp, h.operator("Ada"), "ada")
	*h.at = h.at.Add(10 * time.Minute)
	before := b.visitor()
	confirm := func(next string) string {
		return b.post("/console/sso/corp", "for", "confirm", "next", next).led(t, idp)
	}
	to := confirm("/console/scopes?q=a")
	if !strings.Contains(to, "&prompt=login") || !strings.Contains(to, "&max_age=0&") {
		t.Errorf("the browser is sent to %s", to)
	}
	a := b.back(idp, to, "ada", nil)
	if got := a.header.Get("Location"); a.status != http.StatusSeeOther || got != "/console/scopes?done=confirmed&q=a" {
		t.Errorf("got %d to %q", a.status, got)
	}
	after := b.visitor()
	if after.ID != before.ID || !after.AuthenticatedAt.Equal(*h.at) || !after.ExpiresAt.Equal(before.ExpiresAt) {
		t.Errorf("the session was %+v, and is %+v", before.Session, after.Session)
	}

	// The session that has confirmed must still be there, and be the same.
	to = confirm("")
	gone := b.cookies["__Host-tokenwright"]
	delete(b.cookies, "__Host-tokenwright")
	b.back(idp, to, "ada", nil).want(t, http.StatusUnauthorized, "Sign in")
	b.cookies["__Host-tokenwright"] = gone
	to = confirm("")
	b.cookies["__Host-tokenwright"] = h.signedIn(h.operator("Bob")).cookies["__Host-tokenwright"]
	b.back(idp, to, "ada", nil).want(t, http.StatusUnauthorized, "Sign in")
}

// C-476: only the visitor's own identity confirms, and only by a new proof.
func TestNobodyElseConfirms(t *testing.T) {
	h, idp := withSSO(t)
	b := h.bound(idp, h.operator("Ada"), "ada")
	h.bound(idp, h.operator("Bob"), "bob")
	*h.at = h.at.Add(10 * time.Minute)
	for name, row := range map[string]struct {
		subject string
		claims  map[string]any
		want    string
	}{
		"another user":  {"bob", nil, "That was somebody else"},
		"nobody's user": {"eve", nil, "That was somebody else"},
		"an old proof":  {"ada", map[string]any{"auth_time": h.at.Add(-2 * time.Minute).Unix()}, "Example Corp does not confirm that it is you"},
		"no proof":      {"ada", map[string]any{"auth_time": nil}, "Example Corp does not confirm that it is you"},
	} {
		b.back(idp, b.post("/console/sso/corp", "for", "confirm").led(t, idp), row.subject, row.claims).want(t, http.StatusForbidden, row.want)
		if v := b.visitor(); v.User.Name != "Ada" || v.RecentlyProven(*h.at) {
			t.Errorf("%s: the session is %+v", name, v.Session)
		}
	}
	// Who has no session, or half of one, has nothing to confirm.
	for name, other := range map[string]*browser{"nobody": h.browser(), "half way": (&things{h: h}).pending()} {
		if a := other.post("/console/sso/corp", "for", "confirm"); a.status != http.StatusUnauthorized || a.header.Get("Refresh") != "" {
			t.Errorf("%s: got %d\n%s", name, a.status, a.text())
		}
	}
}

// C-477: a provider that fails is named, in our own words; nothing is echoed.
func TestWhatAProviderSaysIsToldInOurOwnWords(t *testing.T) {
	h, idp := withSSO(t)
	const path = "/.well-known/openid-configuration"
	idp.Set(func() { idp.Answers[path] = ssotest.Status(http.StatusBadGateway) })
	b := h.browser()
	b.get("/console/sign-in").want(t, http.StatusOK, "Continue with Example Corp") // the rest of the page works
	a := b.send("/console/sso/corp").want(t, http.StatusServiceUnavailable, "Example Corp does not answer", "Try again in a moment")
	if a.header.Get("Retry-After") != "5" || a.header.Get("Set-Cookie") != "" {
		t.Errorf("the answer has %v", a.header)
	}
	a.wantNot(t, "hunter2")
	idp.Set(func() { delete(idp.Answers, path) })
	*h.at = h.at.Add(3 * time.Second)
	for code, row := range map[string]struct {
		status int
		text   string
	}{
		"access_denied":           {http.StatusForbidden, "Example Corp has not let you in"},
		"login_required":          {http.StatusForbidden, "Example Corp has not let you in"},
		"temporarily_unavailable": {http.StatusServiceUnavailable, "Example Corp does not answer"},
		"unauthorized_client":     {http.StatusBadGateway, "Example Corp does not accept this console"},
		"<script>alert(1)":        {http.StatusBadGateway, "Example Corp does not accept this console"},
	} {
		b.get("/console/sign-in")
		q := idp.SignIn(b.send("/console/sso/corp").led(t, idp))
		q.Del("code")
		q.Set("error", code)
		q.Set("error_description", "<b>hunter2</b>")
		q.Set("error_uri", "https://evil.example")
		a := b.get(console.SSOCallback+"?"+q.Encode()).want(t, row.status, row.text)
		a.wantNot(t, "hunter2", "alert(1)", "evil.example")
	}
	b.get(console.SSOCallback+"?error=access_denied&error_description=hunter2").want(t, http.StatusBadRequest, "This has ended").wantNot(t, "hunter2")
}

// C-474: a form that would not be taken after the way to the provider and back is
// refused before it.
func TestLinksAreCheckedBeforeTheProvider(t *testing.T) {
	h, idp := withSSO(t)
	b := h.browser()
	b.get("/console/sign-in")
	b.post("/console/sso/other").want(t, http.StatusNotFound)
	b.post("/console/sso/corp", "token", "x").want(t, http.StatusConflict, "This link is of no use any more")
	portal, err := h.accounts.PortalLink(h.ctx, root, "4259")
	h.must(err)
	b.get(account.LinkPath+portal.Token.Reveal()).want(t, http.StatusOK, "Open the console").wantNot(t, "Example Corp")
	b.post("/console/sso/corp", "token", portal.Token.Reveal()).want(t, http.StatusNotFound)

	setUp, err := h.accounts.SetUpLink(h.ctx)
	h.must(err)
	token := setUp.Token.Reveal()
	b.get(account.LinkPath+token).want(t, http.StatusOK, "Continue with Example Corp")
	b.post("/console/sso/corp", "token", token, "name", "Olga").want(t, http.StatusBadRequest, "This was not taken", "the provider is not asked for it")
	b.post("/console/sso/corp", "token", token, "name", strings.Repeat("x", 101), "email", "olga@example.com").want(t, http.StatusBadRequest, "This was not taken")
	// What only the way back shows is told on the page of the link, which is good for
	// another try.
	a := b.back(idp, b.post("/console/sso/corp", "token", token, "email", "olga@example.com").led(t, idp), "olga", map[string]any{"name": nil})
	a.want(t, http.StatusBadRequest, "This was not taken", "Continue with Example Corp")
	form, _ := a.form("/console/link")
	if form.Get("token") != token || form.Get("email") != "olga@example.com" {
		t.Errorf("the form has %v", form)
	}
	form.Set("name", "Olga")
	b.back(idp, b.sendForm("/console/sso/corp", form).led(t, idp), "olga", map[string]any{"name": "Somebody else"}).want(t, http.StatusSeeOther)
	if u := b.visitor().User; u.Name != "Olga" || !u.Operator {
		t.Errorf("the first operator is %+v", u)
	}
}

// C-213, C-477: answers are counted by address, beside forms, for each may make the
// server ask the provider.
func TestAnswersOfAProviderAreCounted(t *testing.T) {
	h, _ := withSSO(t)
	b := h.browser()
	for range 100 {
		b.get(console.SSOCallback+"?code=x&state=y").want(t, http.StatusBadRequest, "This has ended")
	}
	if a := b.get(console.SSOCallback+"?code=x&state=y").want(t, http.StatusTooManyRequests); a.header.Get("Retry-After") == "" {
		t.Error("it is not told when to come back")
	}
	b.get("/console/sign-in")
	b.send("/console/sso/corp").want(t, http.StatusOK) // forms are counted by themselves
}
