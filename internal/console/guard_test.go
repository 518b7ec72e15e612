package console_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/linetest"
)

// crossing is a form as another site, or no browser, would send it.
type crossing struct {
	name   string
	change func(r *http.Request)
}

var crossings = []crossing{
	{"from another site", func(r *http.Request) {
		r.Header.Set("Origin", "https://evil.example")
		r.Header.Set("Sec-Fetch-Site", "cross-site")
	}},
	{"from another site, by an old browser", func(r *http.Request) { r.Header.Set("Origin", "https://evil.example"); r.Header.Del("Sec-Fetch-Site") }},
	{"from a sister site", func(r *http.Request) {
		r.Header.Set("Origin", "https://x.example.com")
		r.Header.Set("Sec-Fetch-Site", "same-site")
	}},
	{"from the same host in clear", func(r *http.Request) { r.Header.Set("Origin", strings.Replace(baseURL, "https", "http", 1)) }},
	{"from another port", func(r *http.Request) { r.Header.Set("Origin", baseURL+":8443") }},
	{"from nowhere", func(r *http.Request) { r.Header.Set("Origin", "null") }},
	{"by no browser", func(r *http.Request) { r.Header.Del("Origin"); r.Header.Del("Sec-Fetch-Site") }},
	{"as plain text", func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }},
	{"as JSON", func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }},
	{"as parts", func(r *http.Request) { r.Header.Set("Content-Type", "multipart/form-data; boundary=x") }},
	{"without a type", func(r *http.Request) { r.Header.Del("Content-Type") }},
}

// raw sends a form with the cookies of b, as change leaves it.
func (b *browser) raw(path string, form url.Values, change func(*http.Request)) *answer {
	b.h.t.Helper()
	r := httptest.NewRequest(http.MethodPost, baseURL+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", baseURL)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	change(r)
	w := httptest.NewRecorder()
	b.h.handler.ServeHTTP(w, r)
	body, err := io.ReadAll(w.Result().Body)
	b.h.must(err)
	return &answer{w.Code, w.Header(), string(body)}
}

// C-209: a form is taken from our own pages alone, whatever it would do.
func TestFormsOfOtherSitesAreRefused(t *testing.T) {
	h := newHarness(t)
	ada := h.operator("Ada")
	b := h.signedIn(ada)
	b.get("/console")
	b.follow(b.get("/console"))
	good := url.Values{"csrf": {b.page.csrf()}}
	if good.Get("csrf") == "" {
		t.Fatal("the page has no form")
	}
	for _, c := range crossings {
		b.raw("/console/sign-out", good, c.change).want(t, http.StatusForbidden)
		b.raw("/console/sign-in", url.Values{"email": {ada.Email}, "password": {password}}, c.change).want(t, http.StatusForbidden)
	}
	for name, csrf := range map[string]string{"without a token": "", "with another": strings.Repeat("A", len(good.Get("csrf"))), "cut short": good.Get("csrf")[1:]} {
		if a := b.raw("/console/sign-out", url.Values{"csrf": {csrf}}, func(*http.Request) {}); a.status != http.StatusForbidden {
			t.Errorf("%s: got %d", name, a.status)
		}
	}
	other := h.signedIn(ada)
	other.follow(other.get("/console"))
	b.raw("/console/sign-out", url.Values{"csrf": {other.page.csrf()}}, func(*http.Request) {}).want(t, http.StatusForbidden)
	b.follow(b.get("/console")).want(t, http.StatusOK) // none of them has signed out
	b.raw("/console/sign-out", good, func(*http.Request) {}).want(t, http.StatusSeeOther)
	b.get("/console").want(t, http.StatusUnauthorized, "Sign in")
}

// C-209: in the query a token is worth nothing, nor is a form that is too long.
func TestFormsAreReadFromTheBodyAlone(t *testing.T) {
	h := newHarness(t)
	b := h.signedIn(h.operator("Ada"))
	b.follow(b.get("/console"))
	b.raw("/console/sign-out?csrf="+b.page.csrf(), nil, func(*http.Request) {}).want(t, http.StatusForbidden)
	long := url.Values{"csrf": {b.page.csrf()}, "name": {strings.Repeat("x", 65<<10)}}
	b.raw("/console/sign-out", long, func(*http.Request) {}).want(t, http.StatusRequestEntityTooLarge)
	b.raw("/console/sign-out", url.Values{"csrf": {b.page.csrf()}}, func(r *http.Request) {
		r.Body = io.NopCloser(strings.NewReader("csrf=%zz"))
	}).want(t, http.StatusBadRequest)
}

// C-210
func TestEveryPageHasItsHeaders(t *testing.T) {
	h := newHarness(t)
	b := h.signedIn(h.operator("Ada"))
	if a := h.browser().get("/console/"); a.header.Get("Location") != "/console" {
		t.Errorf("/console/ leads to %q", a.header.Get("Location"))
	}
	for _, a := range []*answer{
		h.browser().get("/console"), h.browser().get("/console/sign-in"), h.browser().get("/console/link?token=none"),
		b.get("/console"), b.get("/console/merchants"), b.get("/console/nothing"), b.raw("/console/sign-out", nil, func(*http.Request) {}),
	} {
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Cache-Control": "no-store",
			"Cross-Origin-Opener-Policy": "same-origin",
		} {
			if got := a.header.Get(name); got != want {
				t.Errorf("%d: %s is %q, want %q", a.status, name, got, want)
			}
		}
		policy := a.header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "script-src 'self'"} {
			if !strings.Contains(policy, want) {
				t.Errorf("%d: the policy %q lacks %s", a.status, policy, want)
			}
		}
		if strings.Contains(policy, "unsafe") || strings.Contains(a.body, " style=") || strings.Contains(a.body, "<script>") {
			t.Errorf("%d: something is inline, or may be: %q", a.status, policy)
		}
	}
}

// C-216: whatever next says, nobody is led away.
func TestSigningInLeadsNowhereElse(t *testing.T) {
	h := newHarness(t)
	ada := h.operator("Ada")
	for next, want := range map[string]string{
		"/console/merchants?after=x": "/console/merchants?after=x", "/console": "/console", "": "/console",
		"https://evil.example": "/console", "//evil.example": "/console", "///evil.example": "/console", "/\\evil.example": "/console",
		"\\\\evil.example": "/console", "/console/../../evil": "/console", "/console//evil.example": "/console", "/consoleevil": "/console",
		"/console@evil.example": "/console", "https:/evil.example": "/console", "javascript:alert(1)": "/console", "/docs": "/console",
		"/console/\nLocation: https://evil.example": "/console", "/\t/evil.example": "/console", " /console": "/console", "%2f%2fevil.example": "/console",
		"http:console": "/console", "/console/%2e%2e/%2e%2e/evil": "/console", "console": "/console", "?x": "/console", "/console/é": "/console",
	} {
		b := h.browser()
		b.get("/console/sign-in")
		a := b.post("/console/sign-in", "email", ada.Email, "password", password, "next", next)
		if got := a.header.Get("Location"); a.status != http.StatusSeeOther || got != want {
			t.Errorf("next %q leads to %q (%d), want %q", next, got, a.status, want)
		}
	}
	// Where nobody has signed in, the page comes back to what was asked for.
	b := h.browser()
	b.get("/console/merchants?after=x").want(t, http.StatusUnauthorized, "Sign in")
	if a := b.send("/console/sign-in", "email", ada.Email, "password", password); a.header.Get("Location") != "/console/merchants?after=x" {
		t.Errorf("it leads to %q", a.header.Get("Location"))
	}
}

// C-211: what is wrong with e-mail address and password cannot be seen.
func TestUnknownUsersAndWrongPasswordsLookAlike(t *testing.T) {
	h := newHarness(t)
	h.user("Ada")
	off := h.user("Off")
	_, err := h.accounts.DisableUser(h.ctx, root, off.ID, 0)
	h.must(err)
	try := func(email, secret string) *answer {
		b := h.browser()
		b.get("/console/sign-in")
		a := b.post("/console/sign-in", "email", email, "password", secret)
		a.body = strings.ReplaceAll(a.body, email, "EMAIL")
		return a
	}
	want := try("ada@example.com", "not the password at all")
	want.want(t, http.StatusUnauthorized, "E-mail address or password is wrong.")
	for _, email := range []string{"nobody@example.com", "off@example.com", "ADA@example.com", "no address", "usr_0123456789012345678901"} {
		if got := try(email, "not the password at all"); got.status != want.status || got.body != want.body {
			t.Errorf("%s: got %d\n%s\nwant\n%s", email, got.status, got.body, want.body)
		}
	}
	// Who proves the password hears more.
	try("off@example.com", password).want(t, http.StatusUnauthorized, "disabled")
}

// C-214: there is no default password. The link of the first start makes one
// operator, once, within a day.
func TestTheFirstOperatorIsMadeByALinkOnce(t *testing.T) {
	h := newHarness(t)
	old, err := h.accounts.SetUpLink(h.ctx)
	h.must(err)
	*h.at = h.at.Add(24*60*60*1e9 - 1e6)
	h.browser().get(account.LinkPath+old.Token.Reveal()).want(t, http.StatusOK, "Set up the console")
	second, err := h.accounts.SetUpLink(h.ctx)
	h.must(err)
	*h.at = h.at.Add(1e6)
	gone := "This link is of no use any more"
	h.browser().get(account.LinkPath+old.Token.Reveal()).want(t, http.StatusConflict, gone)
	third, err := h.accounts.SetUpLink(h.ctx)
	h.must(err)

	b := h.browser()
	b.get(account.LinkPath + third.Token.Reveal())
	b.send("/console/link", "email", "ada@example.com", "name", "Ada", "password", "short").want(t, http.StatusBadRequest, "fewer than 15 characters")
	if field := b.page.body; !strings.Contains(field, `value="ada@example.com"`) || !strings.Contains(field, `value="Ada"`) {
		t.Error("what was typed is lost")
	}
	a := b.send("/console/link", "password", password)
	b.follow(b.follow(a)).want(t, http.StatusOK, "Merchants", "Operator of the platform")
	for _, l := range []*account.IssuedLink{third, second} { // once there is an operator no such link is of use
		other := h.browser()
		other.get(account.LinkPath+l.Token.Reveal()).want(t, http.StatusConflict, gone)
		other.post("/console/link", "token", l.Token.Reveal(), "email", "eve@example.com", "name", "Eve", "password", password).want(t, http.StatusConflict, gone)
	}
	if _, err := h.accounts.SetUpLink(h.ctx); err == nil {
		t.Error("there is another set-up link")
	}
}

// What is no text comes to no database: PostgreSQL takes none to compare with, and
// would seem not to answer.
func TestWhatIsNoTextIsRefused(t *testing.T) {
	h := newHarness(t)
	b := h.signedIn(h.operator("Olga"))
	for path, want := range map[string]int{
		"/console/events?subject=%00":       http.StatusBadRequest,
		"/console/events?subject=a%ffb":     http.StatusBadRequest,
		"/console/events?%00=a":             http.StatusBadRequest,
		"/console/merchants/%00":            http.StatusNotFound,
		"/console/users/usr_%ff":            http.StatusNotFound,
		"/console/events?subject=%C3%BC%0A": http.StatusOK,
	} {
		if a := b.get(path); a.status != want {
			t.Errorf("%s: %d, want %d", path, a.status, want)
		}
	}
	for _, email := range []string{"a\x00@example.com", "\xff"} {
		form := url.Values{"email": {email}, "password": {"x"}}
		if a := h.browser().sendForm("/console/sign-in", form); a.status != http.StatusBadRequest {
			t.Errorf("%q: %d", email, a.status)
		}
	}
}

// C-207: a form changes nothing whose session ended while it came.
func TestAFormWhoseSessionEndsChangesNothing(t *testing.T) {
	h := newHarness(t)
	u := h.operator("Olga")
	b := h.signedIn(u)
	b.get("/console/users/invite")
	form, _ := b.page.form("/console/users/invite")
	form.Set("email", "eve@example.com")
	a := b.raw("/console/users/invite", form, func(r *http.Request) {
		r.Body = io.NopCloser(linetest.Slowly(r.Body, func() {
			_, err := h.accounts.DisableUser(t.Context(), root, u.ID, 0)
			h.must(err)
		}))
	})
	if a.status != http.StatusUnauthorized || !strings.Contains(a.body, "Your session has ended") {
		t.Errorf("%d:\n%s", a.status, a.text())
	}
	if list, err := h.accounts.Invitations(t.Context(), root, ""); err != nil || len(list) > 0 {
		t.Errorf("it has made %+v (%v)", list, err)
	}
}
