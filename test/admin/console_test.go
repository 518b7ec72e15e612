package admin

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/admin"
	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/test/harness"
)

// guest is a browser that knows one server's console: it follows no redirect by
// itself, and keeps the cookie of the session.
type guest struct {
	*harness.Server
	cookie string
}

// ask asks for a page; with a form it sends that, as from a page of the console.
func (g *guest) ask(t *testing.T, address string, form url.Values) *harness.Answer {
	t.Helper()
	method := http.MethodGet
	if form != nil {
		method = http.MethodPost
	}
	r := harness.NewRequest(t, method, address, form.Encode())
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", g.URL)
	}
	if g.cookie != "" {
		r.Header.Set("Cookie", g.cookie)
	}
	client := *g.Client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	in := *g.Installation
	in.Client = &client
	a := in.Do(t, r)
	if set, _, ok := strings.Cut(a.Header.Get("Set-Cookie"), ";"); ok {
		g.cookie = set
	}
	return a
}

// want asks for a page, which must have this status and text.
func (g *guest) want(t *testing.T, address string, status int, text string) {
	t.Helper()
	if a := g.ask(t, address, nil); a.Status != status || !strings.Contains(string(a.Body), text) {
		t.Errorf("%s: status %d, want %d and %q: %s", strings.TrimPrefix(address, g.URL), a.Status, status, text, a.Body)
	}
}

// token is that of a link into the console of the server.
func (g *guest) token(t *testing.T, link string) string {
	t.Helper()
	token, ok := strings.CutPrefix(link, g.URL+"/console/link?token=")
	if !ok || harness.NoteLinks(link) != 1 {
		t.Fatalf("the link is %s", link)
	}
	return token
}

// entersThePortal opens a link of the portal, and holds what is behind it.
func entersThePortal(t *testing.T, s *harness.Server, link string) {
	t.Helper()
	g := &guest{Server: s}
	form := url.Values{"token": {g.token(t, link)}}
	for range 2 { // looking at it does not use it up
		g.want(t, link, 200, "Open the console")
	}
	a := g.ask(t, s.URL+"/console/link", form)
	if a.Status != 303 || a.Header.Get("Location") != "/console" || g.cookie == "" {
		t.Fatalf("the link is answered %d, to %q: %s", a.Status, a.Header.Get("Location"), a.Body)
	}
	harness.NoteSession(g.cookie)
	home := g.ask(t, s.URL+a.Header.Get("Location"), nil).Header.Get("Location")
	if home != "/console/merchants/4259/api-keys/demo" {
		t.Errorf("the console begins at %q", home)
	}
	g.want(t, s.URL+home, 200, "API key")
	for _, path := range []string{"/merchants/1/api-keys/demo", "/merchants/999999/api-keys/demo", "/merchants", "/users", "/merchants/4259/api-keys/platform"} {
		g.want(t, s.URL+"/console"+path, 404, "")
	}
	other := &guest{Server: s}
	other.want(t, link, 409, "of no use any more")
	if a := other.ask(t, s.URL+"/console/link", form); a.Status != 409 || other.cookie != "" {
		t.Errorf("the second time it is answered %d, with the cookie %q", a.Status, other.cookie)
	}
	other.want(t, s.URL+home, 401, "Sign in")
}

// C-074, C-479: a link of the portal leads into its merchant, once, whoever has
// made it; and to nothing else.
func TestAPortalLinkLeadsIntoItsMerchantAlone(t *testing.T) {
	t.Parallel()
	s, key, c := start(t)
	s.CLI(t, "merchant", "create", "--id", "1", "--name", "Other")
	link := ok[*admin.Link](t)(c.CreatePortalLink(t.Context(), admin.NumberID("4259")))
	entersThePortal(t, s, link.URL)
	printed := far(t, s, key).run(t, "portal-link", "--merchant", "4259").Stdout
	entersThePortal(t, s, regexp.MustCompile(`http://\S+`).FindString(printed))
}

// C-478: a user begins, and begins anew, by the link that the API gives; what the
// user had before is over, on the page that is open too.
func TestAUserBeginsByTheLinkOfAReset(t *testing.T) {
	t.Parallel()
	s, _, c := start(t)
	u := ok[*admin.User](t)(c.CreateUser(t.Context(), admin.NewUser{
		Email: "ann@example.com", Name: "Ann", Memberships: []admin.Membership{{MerchantID: admin.NumberID("4259"), Role: "viewer"}},
	}))
	const home = "/console/merchants/4259/api-keys/demo"
	g := &guest{Server: s}
	begin := func(password, title string) {
		t.Helper()
		link := ok[*admin.Link](t)(c.ResetUser(t.Context(), u.ID, 0))
		g.want(t, link.URL, 200, title)
		g.cookie = ""
		if a := g.ask(t, s.URL+"/console/link", url.Values{"token": {g.token(t, link.URL)}, "password": {password}}); a.Status != 303 {
			t.Fatalf("the link is answered %d: %s", a.Status, a.Body)
		}
		harness.NoteSession(g.cookie)
		g.want(t, s.URL+home, 200, "Ann")
	}
	begin("gravel otter lantern quince", "Welcome")
	old := *g
	begin("quince lantern otter gravel", "Choose a new password")
	old.want(t, s.URL+home, 401, "Sign in")
	if now := ok[*admin.User](t)(c.User(t.Context(), u.ID)); now.LastSignInAt == nil || now.Locked {
		t.Errorf("the user is %+v", now)
	}
}

// page is a page of the documentation.
func page(t *testing.T, name string) string {
	t.Helper()
	return harness.ReadFile(t, "internal", "docs", "content", name)
}

// C-360: whoever chooses events by kind finds each in the page about webhooks, and
// those about people in the page of the console.
func TestThePagesNameEveryKindOfEvent(t *testing.T) {
	var told, known []string
	family := ""
	for _, row := range regexp.MustCompile("(?m)^\\| (?:`([a-z_]+)\\.\\*`)? ?\\| (`[^|]*) \\|").FindAllStringSubmatch(page(t, "webhooks.md"), -1) {
		if row[1] != "" {
			family = row[1]
		}
		for _, kind := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(row[2], -1) {
			told = append(told, family+"."+kind[1])
		}
	}
	console := page(t, "console.md")
	for _, kind := range authority.EventKinds() {
		known = append(known, string(kind))
		people := strings.HasPrefix(string(kind), "user.") || strings.HasPrefix(string(kind), "portal_link.")
		if people && !strings.Contains(console, "`"+string(kind)+"`") {
			t.Errorf("internal/docs/content/console.md does not name %s", kind)
		}
	}
	slices.Sort(told)
	slices.Sort(known)
	if !slices.Equal(told, known) {
		t.Errorf("internal/docs/content/webhooks.md has\n%v\nthere are\n%v", told, known)
	}
}
