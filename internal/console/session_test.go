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

const (
	cookie = "__Host-tokenwright"
	home   = "/console/account" // a page that every user may see
)

// C-205
func TestTheSessionIsInACookieAlone(t *testing.T) {
	h := newHarness(t)
	b := h.signedIn(h.user("Dana", at("4259", account.Administrator)))
	b.get("/console/sign-in")
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPost, baseURL+"/console/sign-in", strings.NewReader(valuesOf([]string{"email", "dana@example.com", "password", password}).Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", baseURL)
	h.handler.ServeHTTP(w, r)
	got := w.Result().Cookies()
	if len(got) != 1 {
		t.Fatalf("got the cookies %v, want one", got)
	}
	c := got[0]
	if c.Name != cookie || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.MaxAge != 0 || !c.Expires.IsZero() {
		t.Errorf("the cookie is %s", c.Raw)
	}
	if len(c.Value) < 22 { // 128 bits in base64url
		t.Errorf("its value is %q", c.Value)
	}
	for _, path := range []string{home, "/console/merchants/4259/users"} {
		a := b.get(path).want(t, http.StatusOK).wantNot(t, b.cookies[cookie])
		if strings.Contains(a.header.Get("Location"), b.cookies[cookie]) {
			t.Errorf("%s leads to an address with the token", path)
		}
	}
}

// Who can set a second cookie of the name must not choose which one counts.
//
// C-205
func TestTwoSessionCookiesAreNone(t *testing.T) {
	h := newHarness(t)
	b := h.signedIn(h.user("Dana"))
	r := httptest.NewRequest(http.MethodGet, baseURL+home, nil)
	r.AddCookie(&http.Cookie{Name: cookie, Value: "another"})
	b.do(r).want(t, http.StatusUnauthorized, "Sign in")
}

// C-206
func TestASessionHasANewTokenAtSignInAndAtConfirmation(t *testing.T) {
	h := newHarness(t)
	u := h.user("Dana")
	b := h.browser()
	b.cookies[cookie] = "chosen-by-somebody-else"
	b.get("/console/sign-in")
	b.send("/console/sign-in", "email", u.Email, "password", password).want(t, http.StatusSeeOther)
	first := b.cookies[cookie]
	if first == "chosen-by-somebody-else" {
		t.Fatal("the token from before the sign-in is that of the session")
	}

	// Signing in again ends the session that the browser had.
	b.sendForm("/console/sign-in", valuesOf([]string{"email", u.Email, "password", password})).want(t, http.StatusSeeOther)
	second := b.cookies[cookie]
	h.holding(first).get(home).want(t, http.StatusUnauthorized)

	// So does a proof of who it is: what was read before is of no use for more.
	*h.at = h.at.Add(6 * time.Minute)
	b.get(home)
	if a := b.send("/console/account/second-factor/new").want(t, http.StatusForbidden, "Confirm that it is you"); !strings.Contains(a.body, ` autofocus`) {
		t.Error("the field of the password has not the focus")
	}
	b.send("/console/account/second-factor/new", "confirm-password", password).want(t, http.StatusOK, "Set up a second factor")
	if b.cookies[cookie] == second {
		t.Error("the token is the same after a confirmation")
	}
	h.holding(second).get(home).want(t, http.StatusUnauthorized)
	b.get(home).want(t, http.StatusOK)
}

// C-207, C-216: who has to sign in for a form comes back to the page that has sent it.
func TestAFormWithoutASessionLeadsBackToItsPage(t *testing.T) {
	h := newHarness(t)
	dana := h.user("Dana", at("4259", account.Administrator))
	for _, c := range []struct{ referer, next string }{
		{baseURL + demoKeys + "/new", demoKeys + "/new"}, {baseURL + home + "?done=name", home + "?done=name"}, {"", ""},
		{baseURL + "/console/account/second-factor/remove", ""}, // which takes forms alone
		{baseURL + "/docs", ""}, {baseURL + ".evil.example/console/account", ""}, {baseURL + "@evil.example/console/account", ""}, {"https://evil.example/console/account", ""},
		{baseURL + "//evil.example/console/account", ""}, {baseURL + "/console/nothing", ""},
	} {
		b := h.signedIn(dana)
		b.get(home)
		*h.at = h.at.Add(time.Hour)
		b.page = b.raw(demoKeys+"/new", valuesOf([]string{"csrf", b.page.csrf(), "name", "Orders"}), func(r *http.Request) {
			r.Header.Set("Referer", c.referer)
		}).want(t, http.StatusUnauthorized, "Your session has ended. What you have sent was not taken.")
		want := c.next
		if want == "" {
			want = "/console"
		}
		if a := b.send("/console/sign-in", "email", dana.Email, "password", password); a.header.Get("Location") != want {
			t.Errorf("a form of %q leads to %q", c.referer, a.header.Get("Location"))
		}
	}
	if len(h.keys()) != 0 {
		t.Error("an API key was made")
	}
}

// holding is a browser that has the token of a session.
func (h *harness) holding(token string) *browser {
	b := h.browser()
	b.cookies[cookie] = token
	return b
}

// C-207
func TestAnEndedSessionIsNobodysOnAnyNode(t *testing.T) {
	for name, end := range map[string]func(h *harness, b *browser, u *account.User){
		"signing out": func(h *harness, b *browser, _ *account.User) {
			b.get(home)
			b.send("/console/sign-out").want(h.t, http.StatusSeeOther)
		},
		"another password": func(h *harness, b *browser, _ *account.User) {
			b.get(home)
			b.send("/console/account/password", "current", password, "password", "mortar nimbus walnut oyster").want(h.t, http.StatusSeeOther)
		},
		"another password, elsewhere": func(h *harness, _ *browser, u *account.User) {
			other := h.signedIn(u)
			other.get(home)
			other.send("/console/account/password", "current", password, "password", "mortar nimbus walnut oyster").want(h.t, http.StatusSeeOther)
			other.get(home).want(h.t, http.StatusOK)
		},
		"ended elsewhere": func(h *harness, b *browser, u *account.User) {
			other := h.signedIn(u)
			other.get(home).want(h.t, http.StatusOK, "this one")
			for path := range other.page.forms("/console/account/sessions/") {
				if path != "/console/account/sessions/end-others" {
					other.send(path).want(h.t, http.StatusSeeOther)
				}
			}
			other.get(home).want(h.t, http.StatusOK)
		},
		"all others ended": func(h *harness, _ *browser, u *account.User) {
			other := h.signedIn(u)
			other.get(home)
			other.send("/console/account/sessions/end-others").want(h.t, http.StatusSeeOther)
			other.get(home).want(h.t, http.StatusOK)
		},
		"disabled": func(h *harness, _ *browser, u *account.User) {
			_, err := h.accounts.DisableUser(h.ctx, root, u.ID, 0)
			h.must(err)
		},
		"deleted": func(h *harness, _ *browser, u *account.User) { h.must(h.accounts.DeleteUser(h.ctx, root, u.ID, 0)) },
		"reset": func(h *harness, _ *browser, u *account.User) {
			_, err := h.accounts.ResetUser(h.ctx, root, u.ID, 0)
			h.must(err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t)
			other := h.node()
			u := h.user("Dana", at("4259", account.Viewer))
			b := h.signedIn(u)
			old := b.cookies[cookie]
			h.holding(old).at(other).get(home).want(t, http.StatusOK)
			end(h, b, u)
			h.holding(old).get(home).want(t, http.StatusUnauthorized, "Sign in")
			h.holding(old).at(other).get(home).want(t, http.StatusUnauthorized, "Sign in")
			h.holding(old).at(other).get("/console/merchants/4259/users").want(t, http.StatusUnauthorized)
		})
	}
}

// forms are the paths of the page's forms that begin with prefix.
func (a *answer) forms(prefix string) map[string]bool {
	found := map[string]bool{}
	for _, m := range formTag.FindAllStringSubmatch(a.body, -1) {
		if strings.HasPrefix(m[1], prefix) {
			found[m[1]] = true
		}
	}
	return found
}

// C-208
func TestSessionsEndByTheClock(t *testing.T) {
	h := newHarness(t)
	u := h.user("Dana")
	idle := h.signedIn(u)
	*h.at = h.at.Add(30*time.Minute - time.Second)
	idle.get(home).want(t, http.StatusOK)
	*h.at = h.at.Add(30 * time.Minute)
	idle.get(home).want(t, http.StatusUnauthorized)

	b, began := h.signedIn(u), *h.at
	for h.at.Sub(began) < 12*time.Hour-10*time.Minute {
		*h.at = h.at.Add(10 * time.Minute)
		b.get(home).want(t, http.StatusOK)
	}
	*h.at = began.Add(12*time.Hour - time.Millisecond)
	b.get(home).want(t, http.StatusOK)
	*h.at = began.Add(12 * time.Hour)
	b.get(home).want(t, http.StatusUnauthorized)
}

// What ended while a form was filled in is not taken, nor is it there in the page
// to sign in.
//
// C-208
func TestAFormOfAnEndedSessionIsNotTaken(t *testing.T) {
	h := newHarness(t)
	b := h.signedIn(h.user("Dana"))
	b.get(home)
	*h.at = h.at.Add(time.Hour)
	b.send("/console/account/name", "name", "Another").want(t, http.StatusUnauthorized, "not taken")
	b.page.wantNot(t, "Another")
	h.signedIn(&account.User{Email: "dana@example.com"}).get(home).want(t, http.StatusOK).wantNot(t, "Another")
}

// C-218
func TestARoleActsOnTheNextRequest(t *testing.T) {
	h := newHarness(t)
	node := h.node()
	u := h.user("Dana", at("4259", account.Administrator), at("4711", account.Viewer))
	b := h.signedIn(u).at(node)
	invite := "/console/merchants/4259/users/invite"
	b.get(invite).want(t, http.StatusOK)

	h.setRoles(u, at("4259", account.Viewer), at("4711", account.Viewer))
	b.send(invite, "email", "eve@example.com").want(t, http.StatusForbidden)
	b.get("/console/merchants/4259/users").want(t, http.StatusOK, "Viewers cannot do this")

	h.setRoles(u, at("4711", account.Viewer))
	b.get("/console/merchants/4259/users").want(t, http.StatusNotFound)
	b.get("/console/merchants/4711/users").want(t, http.StatusOK)

	h.setRoles(u, at("4259", account.Administrator))
	b.get(invite).want(t, http.StatusOK)
	h.must(h.auth.DeleteMerchant(h.ctx, root, "4259", 0))
	b.get("/console/merchants/4259/users").want(t, http.StatusNotFound)
}

// setRoles gives a user roles on the first node.
func (h *harness) setRoles(u *account.User, roles ...account.Membership) {
	h.t.Helper()
	_, err := h.accounts.UpdateUser(h.ctx, root, u.ID, account.UserUpdate{Memberships: &roles})
	h.must(err)
}

// What an operator was, it is no more on its next click.
//
// C-218
func TestAnOperatorWhoIsNoneActsOnTheNextRequest(t *testing.T) {
	h := newHarness(t)
	h.operator("Olga")
	u := h.operator("Otto")
	b := h.signedIn(u)
	b.get("/console/users").want(t, http.StatusOK)
	no := false
	_, err := h.accounts.UpdateUser(h.ctx, root, u.ID, account.UserUpdate{Operator: &no})
	h.must(err)
	b.get("/console/users").want(t, http.StatusNotFound)
	b.get("/console/merchants/4259/users").want(t, http.StatusNotFound)
}

// A guest of another product has a merchant, and no account.
//
// C-471
func TestAGuestHasNoAccount(t *testing.T) {
	h := newHarness(t)
	l, err := h.accounts.PortalLink(h.ctx, root, "4259")
	h.must(err)
	b := h.browser()
	b.get(strings.TrimPrefix(account.LinkPath, "") + l.Token.Reveal())
	b.send("/console/link").want(t, http.StatusSeeOther)
	b.get("/console/merchants/4259/users").want(t, http.StatusOK, "Guest of the platform")
	b.get(home).want(t, http.StatusNotFound)
	b.get("/console/users").want(t, http.StatusNotFound)
	b.get("/console/merchants/4711/users").want(t, http.StatusNotFound)
	b.post("/console/account/name", "name", "Somebody").want(t, http.StatusNotFound)
	if v, err := h.accounts.Visitor(h.ctx, account.Token(b.cookies[cookie])); err != nil || v.MerchantID != authority.MerchantID("4259") {
		t.Errorf("the session is %+v, error %v", v, err)
	}
}
