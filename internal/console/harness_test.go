package console_test

import (
	"context"
	"encoding/base64"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/console"
	"github.com/tokenwright/tokenwright/internal/jose"
	"github.com/tokenwright/tokenwright/internal/store"
	"github.com/tokenwright/tokenwright/internal/storetest"
)

const (
	baseURL  = "https://tokens.example.com"
	password = "gravel otter lantern quince" // of every user of a harness
)

var (
	started = time.UnixMilli(1764000000123).UTC()
	// root is the command line beside the database.
	root = authority.Actor{Permissions: authority.Everything(), ID: "cli:root@host", Address: "192.0.2.1", RequestID: "req-1"}
)

// harness is a node of an installation with the environments demo and production,
// the merchants 4259 (Acme) and 4711 (Blue Bottle), and scopes.
type harness struct {
	t        testing.TB
	ctx      context.Context
	auth     *authority.Authority
	accounts *account.Accounts
	config   console.Config
	handler  http.Handler
	open     authority.Config
	at       *time.Time // moved by the test
}

func newHarness(t testing.TB) *harness {
	t.Helper()
	if _, again := parallel.LoadOrStore(t.Name(), true); !again {
		t.(*testing.T).Parallel()
	}
	template.Do(func() { makeTemplate(t) })
	path := filepath.Join(t.TempDir(), "tokenwright.db")
	if err := os.WriteFile(path, template.database, 0o600); err != nil {
		t.Fatal(err)
	}
	return harnessAt(t, path).node()
}

// parallel are the tests that run beside others: whoever has a harness does.
var parallel sync.Map

// template is the database of every new harness: it is made once.
var template struct {
	sync.Once
	master   authority.MasterKey
	database []byte
}

func makeTemplate(t testing.TB) {
	template.master, _ = authority.NewMasterKey()
	path := filepath.Join(t.TempDir(), "template.db")
	h := harnessAt(t, path)
	h.must(authority.Initialize(h.ctx, h.open, "tw", authority.MerchantNumbers, root))
	h = h.node()
	for id, name := range map[authority.MerchantID]string{"4259": "Acme", "4711": "Blue Bottle"} {
		_, err := h.auth.CreateMerchant(h.ctx, root, authority.NewMerchant{ID: id, Name: name})
		h.must(err)
	}
	for _, scope := range []string{"customers:read", "customers:write", "coupons:read"} {
		_, err := h.auth.CreateScope(h.ctx, root, authority.Scope{Name: scope, Description: "Text about " + scope})
		h.must(err)
	}
	h.must(h.open.Store.(*store.Store).Close()) // now all of it is in the one file
	var err error
	template.database, err = os.ReadFile(path)
	h.must(err)
}

// harnessAt is a harness on the database at path, which has no node yet.
func harnessAt(t testing.TB, path string) *harness {
	t.Helper()
	s, err := storetest.OpenSQLite(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	at := started
	h := &harness{t: t, ctx: t.Context(), at: &at}
	h.open = authority.Config{Store: s, MasterKeys: []authority.MasterKey{template.master}, Clock: func() time.Time { return at }}
	for _, env := range []string{"demo", "production", authority.Platform} {
		issuer := baseURL + "/" + env
		h.open.Environments = append(h.open.Environments, authority.Environment{Name: env, Issuer: issuer, Audience: issuer + "/api", Algorithm: jose.ES256, TokenLifetime: time.Hour})
	}
	return h
}

// node is another node on the same database.
func (h *harness) node() *harness {
	h.t.Helper()
	n := *h
	var err error
	n.auth, err = authority.Open(n.ctx, n.open)
	n.must(err)
	n.accounts = account.New(n.auth, n.open.Store.(account.Store))
	n.configure(func(*console.Config) {})
	return &n
}

// configure makes the console anew, with another configuration.
func (h *harness) configure(change func(*console.Config)) {
	h.t.Helper()
	h.config = console.Config{Authority: h.auth, Accounts: h.accounts, BaseURL: baseURL, Version: "v0.0.0-test"}
	change(&h.config)
	pages, err := console.New(h.config)
	h.must(err)
	mux := http.NewServeMux()
	pages.Register(mux.Handle)
	h.handler = mux
}

func (h *harness) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// user makes a user named after its address, who can sign in with password.
func (h *harness) user(name string, memberships ...account.Membership) *account.User {
	h.t.Helper()
	return h.create(account.NewUser{Email: strings.ToLower(name) + "@example.com", Name: name, Memberships: memberships})
}

func (h *harness) operator(name string) *account.User {
	h.t.Helper()
	return h.create(account.NewUser{Email: strings.ToLower(name) + "@example.com", Name: name, Operator: true})
}

func (h *harness) create(n account.NewUser) *account.User {
	h.t.Helper()
	u, err := h.accounts.CreateUser(h.ctx, root, n)
	h.must(err)
	l, err := h.accounts.ResetUser(h.ctx, root, u.ID, 0)
	h.must(err)
	who := account.Identity{Issuer: "https://idp.example.com", Subject: string(u.ID)}
	e, err := h.accounts.UseLink(h.ctx, account.Origin{}, l.Token, account.Person{Identity: &who, Provider: "test"}, "")
	h.must(err)
	h.must(h.accounts.EndSession(h.ctx, &e.Visitor, account.Origin{}, e.ID))
	h.must(h.open.Store.(account.Store).Enter(h.ctx, &account.Entry{User: u.ID, Credentials: &account.Credentials{Password: cheapHash()}}, nil))
	return e.User
}

// cheapHash is a hash of password that takes next to no work to compare with.
var cheapHash = sync.OnceValue(func() string {
	salt, text := make([]byte, 16), base64.RawStdEncoding.EncodeToString
	return "$argon2id$v=19$m=8,t=1,p=1$" + text(salt) + "$" + text(argon2.IDKey([]byte(password), salt, 1, 8, 1, 32))
})

func at(merchant authority.MerchantID, role account.Role) account.Membership {
	return account.Membership{MerchantID: merchant, Role: role}
}

// browser is somebody's: it keeps the cookies, and the page that it shows. Each of
// its requests is one of a browser's to its own site.
type browser struct {
	h       *harness
	cookies map[string]string
	agent   string
	page    *answer // the last one
}

// answer is a page, or where it leads.
type answer struct {
	status int
	header http.Header
	body   string
}

func (h *harness) browser() *browser {
	return &browser{h: h, cookies: map[string]string{}, agent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
}

// at is the same browser that talks to another node.
func (b *browser) at(node *harness) *browser {
	other := *b
	other.h = node
	return &other
}

// signedIn is a browser of a user who has just signed in.
func (h *harness) signedIn(u *account.User) *browser {
	h.t.Helper()
	b := h.browser()
	b.get("/console/sign-in")
	if a := b.send("/console/sign-in", "email", u.Email, "password", password); a.status != http.StatusSeeOther {
		h.t.Fatalf("signing in as %s: got %d\n%s", u.Email, a.status, a.text())
	}
	return b
}

// get asks for a page.
func (b *browser) get(path string) *answer {
	b.h.t.Helper()
	return b.do(httptest.NewRequest(http.MethodGet, baseURL+path, nil))
}

// post sends a form from the page that the browser shows: pairs of name and value.
func (b *browser) post(path string, pairs ...string) *answer {
	b.h.t.Helper()
	return b.sendForm(path, valuesOf(pairs))
}

// send fills in the form of the page that goes to path, and sends it: names that
// are not among pairs keep what the page has. A test ends where there is none, or
// where it lacks a field.
func (b *browser) send(path string, pairs ...string) *answer {
	b.h.t.Helper()
	form, known := b.page.form(path)
	if form == nil {
		b.h.t.Fatalf("the page has no form that goes to %s:\n%s", path, b.page.body)
	}
	for name, values := range valuesOf(pairs) {
		if !known[name] {
			b.h.t.Fatalf("the form that goes to %s has no field %s:\n%s", path, name, b.page.body)
		}
		form[name] = values
	}
	return b.sendForm(path, form)
}

func valuesOf(pairs []string) url.Values {
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return form
}

func (b *browser) sendForm(path string, form url.Values) *answer {
	b.h.t.Helper()
	if !form.Has("csrf") && b.page != nil {
		form.Set("csrf", b.page.csrf())
	}
	r := httptest.NewRequest(http.MethodPost, baseURL+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", baseURL)
	return b.do(r)
}

// do sends a request with the cookies. A page takes the place of the one that is
// shown; a redirection is not followed.
func (b *browser) do(r *http.Request) *answer {
	b.h.t.Helper()
	r.Header.Set("User-Agent", b.agent)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	w := httptest.NewRecorder()
	b.h.handler.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		} else {
			b.cookies[c.Name] = c.Value
		}
	}
	a := &answer{w.Code, w.Header(), w.Body.String()}
	if a.status != http.StatusSeeOther {
		b.page = a
	}
	return a
}

// follow goes where a redirection leads.
func (b *browser) follow(a *answer) *answer {
	b.h.t.Helper()
	if a.status != http.StatusSeeOther {
		b.h.t.Fatalf("got %d, want a redirection:\n%s", a.status, a.text())
	}
	return b.get(a.header.Get("Location"))
}

var (
	csrfField = regexp.MustCompile(`name="csrf" value="([^"]*)"`)
	formTag   = regexp.MustCompile(`(?s)<form[^>]* action="([^"]*)".*?</form>`)
	fieldTag  = regexp.MustCompile(`(?s)<(input|textarea|select|button)([^>]*)>([^<]*</textarea>|(?:[^<]|</?option)*</select>)?`)
	optionTag = regexp.MustCompile(`<option( value="([^"]*)")?([^>]*)>([^<]*)`)
	tag       = regexp.MustCompile(`(?s)<[^>]*>`)
	blank     = regexp.MustCompile(`\s+`)
)

// csrf is what forms of the page have, "" where none has it.
func (a *answer) csrf() string {
	if m := csrfField.FindStringSubmatch(a.body); m != nil {
		return m[1]
	}
	return ""
}

// text is what of the page is read: its words, without markup.
func (a *answer) text() string {
	return strings.TrimSpace(html.UnescapeString(blank.ReplaceAllString(tag.ReplaceAllString(a.body, " "), " ")))
}

// form is what a browser would send of the form that goes to path, and the names
// of all its fields; nil where there is none.
func (a *answer) form(path string) (form url.Values, known map[string]bool) {
	for _, m := range formTag.FindAllStringSubmatch(a.body, -1) {
		if html.UnescapeString(m[1]) != path {
			continue
		}
		form, known = url.Values{}, map[string]bool{}
		for _, f := range fieldTag.FindAllStringSubmatch(m[0], -1) {
			if name := attribute(f[2], "name"); name != "" {
				known[name] = true
				addField(form, name, f[1], f[2], f[3])
			}
		}
	}
	return form, known
}

// addField adds what the page has in a field.
func addField(form url.Values, name, kind, attributes, inner string) {
	box := attribute(attributes, "type") == "checkbox" || attribute(attributes, "type") == "radio"
	switch {
	case kind == "button", strings.Contains(attributes, " disabled"), box && !strings.Contains(attributes, " checked"):
	case kind == "textarea":
		form.Add(name, html.UnescapeString(strings.TrimSuffix(inner, "</textarea>")))
	case kind == "select":
		options := optionTag.FindAllStringSubmatch(inner, -1)
		for i, o := range options {
			if i == 0 || strings.Contains(o[3], " selected") {
				form.Set(name, html.UnescapeString(map[bool]string{true: o[2], false: o[4]}[o[1] != ""]))
			}
		}
	default:
		form.Add(name, attribute(attributes, "value"))
	}
}

func attribute(attributes, name string) string {
	if m := regexp.MustCompile(` ` + name + `="([^"]*)"`).FindStringSubmatch(attributes); m != nil {
		return html.UnescapeString(m[1])
	}
	return ""
}

// want holds the status of an answer, and what can be read on the page.
func (a *answer) want(t testing.TB, status int, texts ...string) *answer {
	t.Helper()
	if a.status != status {
		t.Fatalf("got %d to %s, want %d:\n%s", a.status, a.header.Get("Location"), status, a.text())
	}
	for _, text := range texts {
		if !strings.Contains(a.text(), text) {
			t.Errorf("the page does not say %q:\n%s", text, a.text())
		}
	}
	return a
}

// wantNot holds that something is nowhere in the page, markup included.
func (a *answer) wantNot(t testing.TB, texts ...string) *answer {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(a.body, text) {
			t.Errorf("the page has %q:\n%s", text, a.body)
		}
	}
	return a
}
