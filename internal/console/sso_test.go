package console_test

import (
	"html"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/console"
	"github.com/tokenwright/tokenwright/internal/sso"
	"github.com/tokenwright/tokenwright/internal/ssotest"
)

// withSSO is a harness whose console leads to a provider, corp, that has the clock of
// the harness.
func withSSO(t *testing.T) (*harness, *ssotest.IdP) {
	t.Helper()
	h, idp := newHarness(t), ssotest.Start(t)
	now := func() time.Time { idp.Set(func() { idp.Now = *h.at }); return *h.at }
	h.configure(func(c *console.Config) {
		c.SingleSignOn = []*sso.Provider{sso.New(sso.Config{Name: "corp", Label: "Example Corp", Issuer: idp.URL, ClientID: ssotest.ClientID,
			ClientSecret: ssotest.ClientSecret, RedirectURL: baseURL + console.SSOCallback, Now: now})}
	})
	return h, idp
}

// led is the URL of the provider that a page leads to by itself, and by a link.
func (a *answer) led(t testing.TB, idp *ssotest.IdP) string {
	t.Helper()
	to, ok := strings.CutPrefix(a.want(t, http.StatusOK, "You are led to Example Corp").header.Get("Refresh"), "0; url=")
	if !ok || !strings.HasPrefix(to, idp.URL+"/authorize?") || !strings.Contains(html.UnescapeString(a.body), `href="`+to+`"`) {
		t.Fatalf("the page leads to %q:\n%s", to, a.body)
	}
	return to
}

// back is the provider's answer of somebody, as the browser brings it.
func (b *browser) back(idp *ssotest.IdP, to, subject string, claims map[string]any) *answer {
	b.h.t.Helper()
	q := idp.SignIn(to)
	idp.Set(func() {
		idp.Now = *b.h.at
		idp.Claims = map[string]any{"sub": subject, "auth_time": idp.Now.Unix()}
		maps.Copy(idp.Claims, claims)
	})
	return b.get(console.SSOCallback + "?" + q.Encode())
}

// bound is a user who signs in as subject at the provider, in its browser.
func (h *harness) bound(idp *ssotest.IdP, u *account.User, subject string) *browser {
	h.t.Helper()
	l, err := h.accounts.ResetUser(h.ctx, root, u.ID, 0)
	h.must(err)
	b := h.browser()
	b.get(account.LinkPath + l.Token.Reveal())
	b.back(idp, b.post("/console/sso/corp", "token", l.Token.Reveal()).led(h.t, idp), subject, nil).want(h.t, http.StatusSeeOther)
	return b
}

// visitor is whose session the browser has.
func (b *browser) visitor() *account.Visitor {
	b.h.t.Helper()
	v, err := b.h.accounts.Visitor(b.h.ctx, account.Token(b.cookies["__Host-tokenwright"]))
	b.h.must(err)
	return v
}

// C-474: who is invited may choose the provider, and signs in there from then on.
func TestAnInvitationBindsAnIdentity(t *testing.T) {
	h, idp := withSSO(t)
	l, err := h.accounts.Invite(h.ctx, root, account.NewInvitation{Email: "vera@example.com", MerchantID: "4259", Role: account.Viewer})
	h.must(err)
	b := h.browser()
	b.get(account.LinkPath+l.Token.Reveal()).want(t, http.StatusOK, "Continue with Example Corp")
	to := b.post("/console/sso/corp", "token", l.Token.Reveal(), "name", "", "email", "").led(t, idp)
	b.back(idp, to, "vera", map[string]any{"name": "Vera of Corp"}).want(t, http.StatusSeeOther)
	vera := b.visitor().User
	if vera.Name != "Vera of Corp" || vera.Email != "vera@example.com" || !slices.Equal(vera.Memberships, []account.Membership{at("4259", account.Viewer)}) {
		t.Errorf("she is %+v", vera)
	}

	// The link is used up; another browser signs in with the identity alone.
	b.get(account.LinkPath+l.Token.Reveal()).want(t, http.StatusConflict, "This link is of no use any more")
	other := h.browser()
	other.get("/console/sign-in").want(t, http.StatusOK, "Continue with Example Corp")
	to = other.send("/console/sso/corp").led(t, idp)
	if a := other.back(idp, to, "vera", nil); a.status != http.StatusSeeOther || a.header.Get("Location") != "/console" {
		t.Errorf("signing in: got %d to %q", a.status, a.header.Get("Location"))
	}
	if v := other.visitor(); v.User.ID != vera.ID || v.Method != "sso:corp" {
		t.Errorf("the session is %+v", v.Session)
	}

	// A second invitation gives the same user another role.
	l, err = h.accounts.Invite(h.ctx, root, account.NewInvitation{Email: "else@example.com", MerchantID: "4711", Role: account.Administrator})
	h.must(err)
	third := h.browser()
	third.back(idp, third.post("/console/sso/corp", "token", l.Token.Reveal()).led(t, idp), "vera", nil).want(t, http.StatusSeeOther)
	if u := third.visitor().User; u.ID != vera.ID || !slices.Equal(u.Memberships, []account.Membership{at("4259", account.Viewer), at("4711", account.Administrator)}) {
		t.Errorf("she is %+v", u)
	}
}

// C-474: nobody comes in by an e-mail address or a name, but by issuer and subject.
func TestAnIdentityIsNoEmailAddress(t *testing.T) {
	h, idp := withSSO(t)
	ada := h.operator("Ada")
	h.bound(idp, ada, "ada")
	for _, claims := range []map[string]any{
		{"sub": "eve", "email": ada.Email, "email_verified": true, "name": "Ada", "preferred_username": ada.Email},
		{"sub": ada.Email}, {"sub": string(ada.ID)}, {"sub": "ADA"}, {"sub": "ada "},
	} {
		b := h.browser()
		b.get("/console/sign-in")
		b.back(idp, b.send("/console/sso/corp").led(t, idp), "", claims).want(t, http.StatusConflict, "Nobody has connected this identity with an account")
		b.get("/console").want(t, http.StatusUnauthorized)
	}
	// An identity is of one user.
	bob := h.operator("Bob")
	l, err := h.accounts.ResetUser(h.ctx, root, bob.ID, 0)
	h.must(err)
	b := h.browser()
	b.back(idp, b.post("/console/sso/corp", "token", l.Token.Reveal()).led(t, idp), "ada", nil).want(t, http.StatusConflict, "Another user signs in with this identity already")
	b.get("/console").want(t, http.StatusUnauthorized)
}

// C-474: who is disabled, or locked, does not come in by the provider either.
func TestTheProviderDoesNotOpenClosedAccounts(t *testing.T) {
	h, idp := withSSO(t)
	off, away := h.user("Off", at("4259", account.Viewer)), h.user("Away", at("4259", account.Viewer))
	b := h.bound(idp, off, "off")
	h.bound(idp, away, "away")
	_, err := h.accounts.DisableUser(h.ctx, root, off.ID, 0)
	h.must(err)
	b.get("/console").want(t, http.StatusUnauthorized)
	enter := func(subject string) *answer {
		b := h.browser()
		b.get("/console/sign-in")
		return b.back(idp, b.send("/console/sso/corp").led(t, idp), subject, nil)
	}
	enter("off").want(t, http.StatusConflict, "Your account is disabled")
	enter("away").want(t, http.StatusSeeOther)
	*h.at = h.at.Add(90 * 24 * time.Hour)
	enter("away").want(t, http.StatusConflict, "Your account is locked")
}

// C-475: an answer is of use once, in the browser that has asked, for 10 minutes.
func TestAnAnswerIsOfUseOnceInOneBrowser(t *testing.T) {
	h, idp := withSSO(t)
	h.bound(idp, h.operator("Ada"), "ada")
	const cookie = "__Host-tokenwright-sso"
	b := h.browser()
	b.get("/console/sign-in")
	to := b.send("/console/sso/corp").led(t, idp)
	set := b.page.header.Get("Set-Cookie")
	for _, part := range []string{cookie + "=", "; Path=/", "; Max-Age=600", "; HttpOnly", "; Secure", "; SameSite=Lax"} {
		if !strings.Contains(set, part) || strings.Contains(set, "Domain") {
			t.Errorf("the cookie is %q, without %q", set, part)
		}
	}
	u, err := url.Parse(to)
	h.must(err)
	for _, name := range []string{"state", "nonce"} {
		if strings.Contains(b.cookies[cookie], u.Query().Get(name)) {
			t.Errorf("the cookie shows the %s", name)
		}
	}
	ended := func(name string, b *browser) {
		t.Helper()
		b.back(idp, to, "ada", nil).want(t, http.StatusBadRequest, "This has ended")
		if b.cookies["__Host-tokenwright"] != "" || b.cookies[cookie] != "" {
			t.Errorf("%s: the browser has %v", name, b.cookies)
		}
	}
	kept := b.cookies[cookie]
	ended("another browser", h.browser())
	forged := h.browser()
	forged.cookies[cookie] = kept[:len(kept)-4] + "AAAA"
	ended("a changed cookie", forged)
	two := httptest.NewRequest(http.MethodGet, baseURL+console.SSOCallback+"?"+idp.SignIn(to).Encode(), nil)
	two.AddCookie(&http.Cookie{Name: cookie, Value: kept})
	twice := h.browser()
	twice.cookies[cookie] = kept[:len(kept)-4] + "AAAA"
	twice.do(two).want(t, http.StatusBadRequest, "This has ended") // who could set one of two chose
	cursor := h.browser()
	cursor.cookies[cookie] = h.auth.Cursor("users", `{"s":"x"}`)
	ended("the seal of something else", cursor)
	late := h.browser()
	late.cookies[cookie] = kept
	*h.at = h.at.Add(10 * time.Minute)
	ended("after 10 minutes", late)
	*h.at = h.at.Add(-time.Second)
	b.back(idp, to, "ada", nil).want(t, http.StatusSeeOther)
	delete(b.cookies, "__Host-tokenwright")
	ended("once more", b)
	// The answer of another attempt uses this one up.
	other := h.browser()
	other.get("/console/sign-in")
	first := other.send("/console/sso/corp").led(t, idp)
	second := other.post("/console/sso/corp").led(t, idp)
	other.back(idp, first, "ada", nil).want(t, http.StatusBadRequest, "The answer of Example Corp does not fit")
	other.back(idp, second, "ada", nil).want(t, http.StatusBadRequest, "This has ended")
}

// C-206, C-475: a session that was there before ends, and its cookie is of no use.
func TestSigningInByTheProviderBeginsAnotherSession(t *testing.T) {
	h, idp := withSSO(t)
	ada := h.operator("Ada")
	b := h.bound(idp, ada, "ada")
	before := b.cookies["__Host-tokenwright"]
	b.back(idp, b.post("/console/sso/corp").led(t, idp), "ada", nil).want(t, http.StatusSeeOther)
	if after := b.cookies["__Host-tokenwright"]; after == before || after == "" {
		t.Errorf("the session's cookie was %q and is %q", before, after)
	}
	old := h.browser()
	old.cookies["__Host-tokenwright"] = before
	old.get("/console").want(t, http.StatusUnauthorized)
}

// C-216: whatever next says, the way back from the provider stays here.
func TestTheWayBackFromTheProviderStaysHere(t *testing.T) {
	h, idp := withSSO(t)
	h.bound(idp, h.operator("Ada"), "ada")
	for next, want := range map[string]string{
		"/console/merchants?after=x": "/console/merchants?after=x", "": "/console", "https://evil.example": "/console", "//evil.example": "/console",
		"/\\evil.example": "/console", "/console/../../evil": "/console", "javascript:alert(1)": "/console", "/docs": "/console",
		"/console/\nLocation: https://evil.example": "/console", "/console?" + strings.Repeat("a", 4000): "/console", "/console?" + strings.Repeat("&", 900): "/console", "/console?" + strings.Repeat("a", 900): "/console?" + strings.Repeat("a", 900),
	} {
		b := h.browser()
		b.get("/console/sign-in")
		to := b.post("/console/sso/corp", "next", next).led(t, idp)
		if cookie := b.page.header.Get("Set-Cookie"); len(cookie) > 4096 {
			t.Errorf("next of %d bytes makes a cookie of %d", len(next), len(cookie))
		}
		a := b.back(idp, to, "ada", nil)
		if got := a.header.Get("Location"); a.status != http.StatusSeeOther || got != want {
			t.Errorf("next %q leads to %q (%d), want %q", next, got, a.status, want)
		}
	}
	// The provider's own parameters lead nowhere.
	b := h.browser()
	b.get("/console/merchants?after=x").want(t, http.StatusUnauthorized)
	q := idp.SignIn(b.send("/console/sso/corp").led(t, idp))
	q.Set("next", "https://evil.example")
	idp.Set(func() { idp.Claims = map[string]any{"sub": "ada"} })
	if a := b.get(console.SSOCallback + "?" + q.Encode()); a.header.Get("Location") != "/console/merchants?after=x" {
		t.Errorf("it leads to %q", a.header.Get("Location"))
	}
}
