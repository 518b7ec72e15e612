package console

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/sso"
)

//go:embed templates/*.html
var templates embed.FS

// pages are the templates by name: each with the layout and the parts, which are read
// when the page is first asked for: all together are 80,000 objects, with which each
// collection of garbage takes longer, also where nobody looks at the console.
type pages map[string]func() *template.Template

// parsePages reads templates/<name>.html. Those that begin with an underscore are
// parts of all others.
func (c *Console) parsePages() (pages, error) {
	files, err := fs.Glob(templates, "templates/[a-z]*.html")
	if err != nil {
		return nil, err
	}
	base := sync.OnceValue(func() *template.Template {
		return template.Must(template.New("").Funcs(c.functions()).ParseFS(templates, "templates/_*.html"))
	})
	all := pages{}
	for _, file := range files {
		all[strings.TrimSuffix(path.Base(file), ".html")] = sync.OnceValue(func() *template.Template {
			return template.Must(template.Must(base().Clone()).ParseFS(templates, file))
		})
	}
	return all, nil
}

// view is what a template sees. Handlers give the upper half.
type view struct {
	Title string
	Nav   string // what of the navigation it belongs to: "api-keys", …
	Chart bool   // it has one
	// Scripts that the page alone has, by their names in package web.
	Scripts []string
	Plain   bool // one form without navigation: sign-in, links
	Data    any

	Visitor  *account.Visitor // nil where nobody has signed in
	Merchant *authority.Merchant
	Env      string
	Actor    authority.Actor
	Switch   []switchItem // merchants that the visitor can go to, where there are several
	MoreOf   bool         // there are others than those of Switch
	CSRF     string
	Path     string // of the page
	NoMail   bool
	BaseURL  string
	Notice   string   // what was just done
	asked    []string // who may do here what the visitor may not: see WhyNot
	console  *Console
}

// render writes a page.
func (v *visit) render(status int, name string, p view) error {
	if err := v.complete(&p); err != nil {
		return err
	}
	return v.write(status, name, "layout", &p)
}

// renderPart writes one part of a page, for script that puts it in the place of
// what the page has there.
func (v *visit) renderPart(name, part string, p view) error {
	if err := v.complete(&p); err != nil {
		return err
	}
	return v.write(http.StatusOK, name, part, &p)
}

// complete gives the lower half of p.
func (v *visit) complete(p *view) (err error) {
	p.Visitor, p.Merchant, p.Env, p.Actor, p.CSRF, p.Path = v.visitor, v.merchant, v.env, v.actor, v.csrf(), v.Request.URL.Path
	p.NoMail, p.BaseURL, p.console = v.console.Mail == nil, v.console.BaseURL, v.console
	p.Notice = notices[v.Request.URL.Query().Get("done")]
	if p.Visitor == nil || p.Visitor.Pending {
		p.Plain = true
	}
	if p.Plain {
		return nil
	}
	if p.Switch, p.MoreOf, err = v.readSwitch(); err != nil {
		return err
	}
	p.asked, err = v.readAsked()
	return err
}

// write executes the template of a page that p is for.
func (v *visit) write(status int, name, part string, p *view) error {
	var out bytes.Buffer
	if err := v.console.pages[name]().ExecuteTemplate(&out, part, p); err != nil {
		v.Header().Set("Content-Type", "text/plain; charset=utf-8")
		v.WriteHeader(http.StatusInternalServerError)
		_, _ = v.Write([]byte("This page cannot be shown. Please report it, with the X-Request-Id of this answer.\n"))
		v.note(slog.String("error", fmt.Sprintf("rendering the page %s: %s", name, err)))
		return nil // it is answered
	}
	v.Header().Set("Content-Type", "text/html; charset=utf-8")
	v.WriteHeader(status)
	_, _ = v.Write(out.Bytes())
	return nil
}

// notices are what a page says of the form that led to it: ?done=<key>. Only
// these texts can be said.
var notices = map[string]string{
	"signed-out": "You have signed out.",
	"confirmed":  "You have confirmed that it is you. Send the form once more.",

	"name":           "Your name was changed.",
	"password":       "Your password was changed. All other sessions of yours have ended.",
	"no-factor":      "The second factor was taken away. Your password alone signs you in.",
	"session-ended":  "The session has ended: its next click leads to the sign-in page.",
	"role":           "The role was changed. It acts from the next click on.",
	"removed":        "The user belongs to the merchant no more, and sees nothing of it.",
	"user":           "The user was changed. It acts from the next click on.",
	"user-enabled":   "The user can sign in again.",
	"user-disabled":  "The user was disabled, and is signed out everywhere.",
	"user-deleted":   "The user was deleted.",
	"withdrawn":      "The invitation was withdrawn: its link is of no use any more.",
	"sessions-ended": "All other sessions of yours have ended.",

	"key-updated":    "The API key was changed.",
	"key-revoked":    "The API key was changed, and its tokens have ended.",
	"key-disabled":   "The API key was disabled. Its tokens have ended, and it gets no others.",
	"key-enabled":    "The API key was enabled. It gets tokens again.",
	"key-deleted":    "The API key was deleted. No token of it is accepted any more.",
	"secret-deleted": "The secret was deleted. It gets no token any more.",

	"merchant-created":   "The merchant was created. Invite its administrator, who makes its API keys.",
	"merchant-updated":   "The merchant was changed.",
	"merchant-suspended": "The merchant is suspended. No API key of it works any more.",
	"merchant-resumed":   "The merchant was resumed. Its API keys get tokens again.",
	"merchant-deleted":   "The merchant was deleted.",

	"scope-created": "The scope was created. Administrators can choose it from now on.",
	"scope-deleted": "The scope was deleted.",

	"signing-key-rotated": "Another signing key signs from now on. Tokens of the one before stay good until they expire.",
	"signing-key-wanted":  "The rotation is noted. The announced signing key takes over as soon as verifiers have had the time to fetch it.",
	"signing-key-revoked": "The signing key was revoked. No token that it has signed is believed any more.",
}

// May tells whether the visitor has a management scope here.
func (p *view) May(scope string) bool { return p.Actor.May(scope) == nil }

// Providers are those of single sign-on.
func (p *view) Providers() []*sso.Provider { return p.console.SingleSignOn }

// Operator tells whether the visitor runs the platform.
func (p *view) Operator() bool { return isOperator(p.Visitor) }

// Environments are those that merchants have API keys in.
func (p *view) Environments() []authority.Environment { return p.console.environments() }

// Choosable are the environments that a filter has.
func (p *view) Choosable() []authority.Environment { return p.console.choosable(p.Merchant) }

// choosable are those of a page of the merchant, or of all: that one has what the
// platform's own does, too.
func (c *Console) choosable(m *authority.Merchant) []authority.Environment {
	if m == nil {
		return c.Authority.Environments()
	}
	return c.environments()
}

// Home is where the pages of the merchant begin.
func (p *view) Home() string { return merchantPath(p.Merchant.ID) }

// merchantPath is the path of something of a merchant.
func merchantPath(id authority.MerchantID, parts ...string) string {
	return Root + "/merchants/" + path.Join(append([]string{string(id)}, parts...)...)
}

// functions are what templates call.
func (c *Console) functions() template.FuncMap {
	return template.FuncMap{
		"asset":    c.assets.URL,
		"when":     func(t time.Time) template.HTML { return timeElement(t, "", "2 Jan 2006, 15:04 UTC") },
		"ago":      func(t time.Time) template.HTML { return timeElement(t, " data-relative", "2 Jan 2006, 15:04 UTC") },
		"date":     func(t time.Time) template.HTML { return timeElement(t, " data-date", "2 Jan 2006") },
		"path":     merchantPath,
		"plus":     func(a, b int) int { return a + b },
		"count":    grouped[int],
		"total":    grouped[int64],
		"dict":     dict,
		"roleName": roleName,
		"roleText": roleText,
		"day":      func(t time.Time) template.HTML { return timeElement(t, " data-day", "2 Jan 2006") },
		"lasts":    lasting,
		"list":     func(items ...any) []any { return items },
	}
}

// dict makes what a part of a page sees of pairs of name and value.
func dict(pairs ...any) map[string]any {
	m := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		m[fmt.Sprint(pairs[i])] = pairs[i+1]
	}
	return m
}

// timeElement is a time that script shows in the reader's zone; zero is never.
func timeElement(t time.Time, attribute, format string) template.HTML {
	if t.IsZero() {
		return `<span class="quiet">never</span>`
	}
	t = t.UTC()
	return template.HTML(`<time datetime="` + t.Format(time.RFC3339) + `"` + attribute + `>` + t.Format(format) + `</time>`) // digits and our own words
}
