package browser

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/console"
	"github.com/tokenwright/tokenwright/test/harness"
)

// page is one that pages.mjs looks at.
type page struct {
	Name   string // of its pictures
	As     string // whose session
	Path   string
	Status int // 0 for 200
}

// C-486, C-487: every page that there is, as everybody who sees it: by the list of routes,
// so that none is forgotten.
func TestEveryPageIsForEverybody(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	b := newBusy(t, s)
	Run(t, "pages.mjs", map[string]string{"BASE_URL": b.URL, "SESSIONS": asJSON(t, b.sessions()), "PAGES": asJSON(t, b.pages()), "FORMS": asJSON(t, b.forms())})
}

// sessions are the cookies of everybody who sees pages.
func (b *busy) sessions() map[string]string {
	b.t.Helper()
	return map[string]string{
		"operator":      b.signIn(account.NewUser{Email: "olga@example.com", Name: "Olga Operator", Operator: true, Memberships: []account.Membership{{MerchantID: "4259", Role: account.Administrator}, {MerchantID: "4711", Role: account.Administrator}}}),
		"administrator": b.signIn(account.NewUser{Email: "ada@example.com", Name: "Ada Administrator", Memberships: []account.Membership{{MerchantID: "4259", Role: account.Administrator}, {MerchantID: "4711", Role: account.Administrator}}}),
		"viewer":        b.signIn(account.NewUser{Email: "vera@example.com", Name: "Vera Viewer", Memberships: []account.Membership{{MerchantID: "4259", Role: account.Viewer}}}),
		"guest":         b.guest("4259"),
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// pages are those of every route that shows one, each as the operator and as
// whoever else may; and what there is besides.
func (b *busy) pages() (list []page) {
	for _, r := range console.Routes() {
		if r.Method != http.MethodGet || strings.Contains(r.Path, "/export") || strings.HasSuffix(r.Path, "/use") || slices.Contains([]string{"", "/sign-in", "/link", "/sso/callback"}, r.Path) {
			continue
		}
		name, path := nameOf(r.Path), b.fill(r.Path)
		if r.Level != console.Scoped {
			list = append(list, page{Name: name, As: "operator", Path: path}, page{Name: name + "-viewer", As: "viewer", Path: path})
			continue
		}
		list = append(list, page{Name: name, As: "operator", Path: path})
		if !strings.Contains(r.Path, "{merchantId}") || r.Path == "/merchants/{merchantId}" {
			continue
		}
		list = append(list, page{Name: name + "-administrator", As: "administrator", Path: path})
		viewers := page{Name: name + "-viewer", As: "viewer", Path: path}
		if !slices.Contains(account.Viewer.Scopes(), r.Scope) {
			viewers.Status = http.StatusForbidden
		}
		list = append(list, viewers, page{Name: name + "-guest", As: "guest", Path: path})
	}
	return append(list, b.otherPages()...)
}

// forms are all that need a scope that viewers have not, with the status that they
// get: there are none but of their merchant.
func (b *busy) forms() (list []page) {
	for _, r := range console.Routes() {
		if r.Method != http.MethodPost || r.Level != console.Scoped {
			continue
		}
		f := page{Path: b.fill(strings.ReplaceAll(r.Path, "{linkId}", "lnk_0000000000000000000000")), Status: http.StatusForbidden}
		if !strings.HasPrefix(r.Path, "/merchants/{merchantId}") {
			f.Status = http.StatusNotFound
		}
		list = append(list, f)
	}
	return list
}

// otherPages are those that a route shows besides the one above: empty, with a
// filter, of another environment, errors, and what people see who are not signed in.
func (b *busy) otherPages() []page {
	ctx := b.t.Context()
	invitation, err := b.accounts.Invite(ctx, shell, account.NewInvitation{Email: "invited@example.com", MerchantID: "4711", Role: account.Administrator})
	b.must(err)
	portal, err := b.accounts.PortalLink(ctx, shell, "4259")
	b.must(err)
	reset, err := b.accounts.ResetUser(ctx, shell, b.Member, 0)
	b.must(err)
	list := []page{
		{Name: "sign-in", Path: "/console/sign-in"},
		{Name: "sign-in-asked", Path: "/console/scopes", Status: http.StatusUnauthorized},
		{Name: "link-invitation", Path: account.LinkPath + invitation.Token.Reveal()},
		{Name: "link-portal", Path: account.LinkPath + portal.Token.Reveal()},
		{Name: "link-reset", Path: account.LinkPath + reset.Token.Reveal()},
		{Name: "link-gone", Path: account.LinkPath + strings.Repeat("A", 43), Status: http.StatusConflict},
		{Name: "not-found", As: "viewer", Path: "/console/merchants/4711/users", Status: http.StatusNotFound},
	}
	for name, path := range map[string]string{
		"empty-keys": "merchants/4711/api-keys/demo", "empty-start": "merchants/4711/start", "empty-users": "merchants/4711/users", "empty-usage": "merchants/4711/usage",
		"empty-events": "merchants/4259/events?kind=webhook.created", "production-keys": "merchants/4259/api-keys/production", "suspended": "merchants/4712/api-keys/demo",
		"key-idle": "merchants/4259/api-keys/demo/" + string(b.Idle), "usage-of-key": "merchants/4259/usage?key=" + string(b.Key), "no-such-merchant": "merchants?q=zzz",
		"no-such-key": "merchants/4259/api-keys/demo?q=zzz", "merchant-suspended": "merchants/4712",
	} {
		list = append(list, page{Name: name, As: "operator", Path: console.Root + "/" + path})
	}
	return list
}

// fill puts what there is in the place of names in a pattern.
func (b *busy) fill(pattern string) string {
	keys, err := b.auth.SigningKeys(b.t.Context(), shell)
	b.must(err)
	things := map[string]string{
		"{merchantId}": "4259", "{env}": "demo", "{clientId}": string(b.Key), "{secretId}": "1", "{userId}": string(b.Member), "{kid}": keys[0].KeyID, "{scope}": "customers:read",
	}
	return console.Root + regexp.MustCompile(`\{\w+\}`).ReplaceAllStringFunc(pattern, func(name string) string {
		if things[name] == "" {
			b.t.Fatalf("%s: what is %s?", pattern, name)
		}
		return things[name]
	})
}

func nameOf(pattern string) string {
	return strings.Trim(strings.NewReplacer("/", "-", "{merchantId}", "merchant", "{", "", "}", "").Replace(pattern), "-")
}
