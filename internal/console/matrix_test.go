package console_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/console"
)

// caller is a kind of visitor, and what it may.
type caller struct {
	name     string
	browser  *browser
	merchant authority.MerchantID // "" for the platform, and so for all
	scopes   []string             // nil: of no session that could do anything
	nobody   bool
}

// things are what paths name, all of merchant 4259.
type things struct {
	h      *harness
	key    *authority.APIKey
	member *account.User
	kid    string
}

func newThings(h *harness) *things {
	key, _, err := h.auth.CreateAPIKey(h.ctx, root, authority.NewAPIKey{MerchantID: "4259", Env: "demo", Name: "Orders", Scopes: []string{"customers:read"}})
	h.must(err)
	keys, err := h.auth.SigningKeys(h.ctx, root)
	h.must(err)
	return &things{h, key, h.user("Member", at("4259", account.Viewer)), keys[0].KeyID}
}

// path fills in the names of a pattern; an invitation is made for each.
func (n *things) path(pattern string) string {
	n.h.t.Helper()
	return regexp.MustCompile(`\{(\w+)\}`).ReplaceAllStringFunc(console.Root+pattern, func(name string) string {
		switch name[1 : len(name)-1] {
		case "merchantId":
			return "4259"
		case "env":
			return "demo"
		case "clientId":
			return string(n.key.ID)
		case "secretId":
			return "1"
		case "userId":
			return string(n.member.ID)
		case "kid":
			return n.kid
		case "name":
			return "coupons:read"
		case "invitationId", "linkId":
			l, err := n.h.accounts.Invite(n.h.ctx, root, account.NewInvitation{Email: "x@example.com", MerchantID: "4259", Role: account.Viewer})
			n.h.must(err)
			return l.ID
		}
		return "x"
	})
}

// callers are everybody who can come; pending is a user whose second factor is
// lacking.
func (n *things) callers() []caller {
	h := n.h
	viewer, administrator := h.user("Viewer", at("4259", account.Viewer)), h.user("Administrator", at("4259", account.Administrator))
	stranger, operator := h.user("Stranger", at("4711", account.Administrator)), h.operator("Operator")
	link, err := h.accounts.PortalLink(h.ctx, root, "4259")
	h.must(err)
	guest := h.browser()
	guest.get(account.LinkPath + link.Token.Reveal())
	guest.send("/console/link").want(h.t, http.StatusSeeOther)
	forged := h.browser()
	forged.cookies["__Host-tokenwright"] = strings.Repeat("A", 43)
	return []caller{
		{name: "nobody", browser: h.browser(), nobody: true},
		{name: "somebody with a made-up session", browser: forged, nobody: true},
		{name: "half way", browser: n.pending(), nobody: true},
		{name: "viewer", browser: h.signedIn(viewer), merchant: "4259", scopes: account.Viewer.Scopes()},
		{name: "administrator", browser: h.signedIn(administrator), merchant: "4259", scopes: account.Administrator.Scopes()},
		{name: "guest of the platform", browser: guest, merchant: "4259", scopes: account.Administrator.Scopes()},
		{name: "administrator of another merchant", browser: h.signedIn(stranger), merchant: "4711", scopes: account.Administrator.Scopes()},
		{name: "operator", browser: h.signedIn(operator), scopes: account.Operator.Scopes()},
	}
}

// pending is a browser whose user has given the password, and no code.
func (n *things) pending() *browser {
	h := n.h
	h.t.Helper()
	u := h.operator("Half")
	e, err := h.accounts.SignIn(h.ctx, account.Origin{}, u.Email, password, "")
	h.must(err)
	secret, sealed := h.accounts.NewTOTP(&e.Visitor)
	b := h.browser()
	_, _, err = h.accounts.EnableTOTP(h.ctx, account.Origin{}, &e.Visitor, e.Token, sealed, b.code(account.TOTPText(secret)))
	h.must(err)
	b.get("/console/sign-in")
	b.send("/console/sign-in", "email", u.Email, "password", password).want(h.t, http.StatusUnauthorized, "Second factor")
	return b
}

// wants is the status that a caller gets; 0 where the handler is reached.
func (c *caller) wants(r *console.Route) int {
	switch {
	case r.Level == console.Anybody:
		return 0
	case c.nobody && (r.Level != console.HalfWay || c.name != "half way"):
		return http.StatusUnauthorized
	case r.Level != console.Scoped:
		return 0
	case c.merchant != "" && (!strings.Contains(r.Path, "{merchantId}") || c.merchant != "4259"):
		return http.StatusNotFound
	case !slices.Contains(c.scopes, r.Scope):
		return http.StatusForbidden
	}
	return 0
}

// head is where the events end: what has changed nothing leaves it there.
func (h *harness) head() int64 {
	h.t.Helper()
	events, err := h.auth.Events(h.ctx, root, authority.EventFilter{NewestFirst: true}, 0, 1)
	h.must(err)
	return events[0].Seq
}

// R-55, C-074, C-192, C-209: every page and form, asked for by everybody. Whoever
// may not changes nothing, and hears 401, 403 or 404; no page changes anything.
func TestEveryRouteIsForWhomItIsFor(t *testing.T) {
	if len(console.Routes()) < 5 {
		t.Fatal("there are no routes")
	}
	h := newHarness(t)
	n := newThings(h)
	callers := n.callers()
	for _, r := range console.Routes() {
		for i := range callers {
			c := &callers[i]
			want := c.wants(&r)
			if want == 0 && r.Method != http.MethodGet {
				continue // the tests of its own say what it does
			}
			path := n.path(r.Path)
			before := h.head()
			a := c.browser.ask(r.Method, path)
			switch {
			case want != 0 && a.status != want:
				t.Errorf("%s: %s %s is %d, want %d", c.name, r.Method, r.Path, a.status, want)
			case want == 0 && (a.status == http.StatusForbidden || a.status == http.StatusServiceUnavailable || a.status == http.StatusInternalServerError ||
				a.status == http.StatusUnauthorized && !c.nobody):
				t.Errorf("%s: %s %s is %d", c.name, r.Method, r.Path, a.status)
			}
			if after := h.head(); after != before {
				t.Errorf("%s: %s %s has changed something", c.name, r.Method, r.Path)
			}
		}
	}
}

// ask asks with the method, with a token of the session where there is a form.
func (b *browser) ask(method, path string) *answer {
	b.h.t.Helper()
	if method == http.MethodGet {
		return b.get(path)
	}
	if b.page == nil || b.page.csrf() == "" {
		b.get("/console/nothing")
	}
	return b.post(path)
}

// what a form is for cannot be had with another method.
func TestEveryRouteTakesItsMethodsAlone(t *testing.T) {
	h := newHarness(t)
	n := newThings(h)
	b := h.signedIn(h.operator("Operator"))
	methods := map[string][]string{}
	for _, r := range console.Routes() {
		methods[r.Path] = append(methods[r.Path], r.Method)
	}
	for pattern, list := range methods {
		if slices.Contains(list, http.MethodGet) {
			list = append(list, http.MethodHead)
		}
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "PROPFIND"} {
			if slices.Contains(list, method) {
				continue
			}
			r := b.raw(n.path(pattern), nil, func(r *http.Request) { r.Method = method })
			if r.status != http.StatusMethodNotAllowed || r.header.Get("Allow") == "" {
				t.Errorf("%s %s is %d", method, pattern, r.status)
			}
		}
	}
}

// C-199: what gives power away is held until it is proven lately who it is, and
// then goes on as it was sent.
func TestFormsThatGivePowerWaitForAProof(t *testing.T) {
	h := newHarness(t)
	n := newThings(h)
	b := h.signedIn(h.operator("Operator"))
	b.get("/console/merchants")
	*h.at = h.at.Add(5 * time.Minute)
	for _, r := range console.Routes() {
		if !r.Fresh {
			continue
		}
		before := h.head()
		path := n.path(r.Path)
		if strings.Contains(r.Path, "nvitationId") {
			before++
		}
		b.post(path, "some", "thing").want(t, http.StatusForbidden, "Confirm that it is you")
		if form, _ := b.page.form(path); form.Get("some") != "thing" || form.Get("csrf") == "" {
			t.Errorf("%s: the form that waits is %v", r.Path, form)
		}
		b.send(path, "confirm-password", "not the password at all").want(t, http.StatusUnauthorized, "This is not your password.")
		if after := h.head(); after != before {
			t.Errorf("%s: something has happened without a proof", r.Path)
		}
		*h.at = h.at.Add(time.Hour / 4) // tries are counted
		b.get("/console/merchants")
	}
}
