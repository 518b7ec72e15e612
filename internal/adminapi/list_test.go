package adminapi_test

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/admin"
	"github.com/tokenwright/tokenwright/internal/authority"
)

// pages follows a list to its end and returns what id says of each item; between,
// if any, runs after each page.
func pages[T any](in *installation, token, path string, id func(T) string, between func(n int)) (all []string) {
	in.Helper()
	cursor := ""
	for n := 0; ; n++ {
		p := into[page[T]](in.send(token, "GET", path+cursor, "").want(200, ""))
		for _, item := range p.Items {
			all = append(all, id(item))
		}
		if p.Next == "" || n > 1000 {
			return all
		}
		join := "&"
		if !strings.Contains(path, "?") {
			join = "?"
		}
		cursor = join + "cursor=" + p.Next
		if between != nil {
			between(n)
		}
	}
}

// C-195: every list is whole and in one order, however long its pages are.
func TestListsArePagedWithoutGaps(t *testing.T) {
	t.Parallel()
	in := install(t)
	token := in.token(in.operator("merchants:read", "scopes:read", "api-keys:read", "api-keys:write", "events:read", "signing-keys:read"))
	for i := range 6 {
		in.merchant(authority.MerchantID(fmt.Sprint(1000 + i)))
		_, err := in.CreateScope(t.Context(), root, authority.Scope{Name: fmt.Sprintf("s%d:read", i)})
		in.must(err)
		in.key([]string{"demo", "production"}[i%2], "customers:read")
	}
	rotating := in.key("demo")
	for range 4 {
		_, _, err := in.RotateSecret(t.Context(), root, rotating.id, authority.Rotation{Overlap: 1 << 40})
		in.must(err)
	}
	merchantID := func(m admin.Merchant) string { return m.ID.String() }
	keyID := func(k admin.APIKey) string { return k.ID }
	reportID := func(k admin.APIKeyReport) string { return k.ClientID }
	seq := func(e admin.Event) string { return fmt.Sprintf("%09d", e.Seq) }
	for path, list := range map[string]func(path string) []string{
		"/merchants":         func(p string) []string { return pages(in, token, p, merchantID, nil) },
		"/scopes":            func(p string) []string { return pages(in, token, p, func(s admin.Scope) string { return s.Name }, nil) },
		"/api-keys":          func(p string) []string { return pages(in, token, p, keyID, nil) },
		"/api-keys?env=demo": func(p string) []string { return pages(in, token, p, keyID, nil) },
		"/api-keys/report":   func(p string) []string { return pages(in, token, p, reportID, nil) },
		"/api-keys/report?unusedOnly=true&unusedFor=0s": func(p string) []string { return pages(in, token, p, reportID, nil) },
		"/api-keys/" + string(rotating.id) + "/secrets": func(p string) []string {
			return pages(in, token, p, func(s admin.Secret) string { return fmt.Sprint(s.ID) }, nil)
		},
		"/signing-keys": func(p string) []string {
			return pages(in, token, p, func(k admin.SigningKey) string { return k.KeyID }, nil)
		},
		"/events":                       func(p string) []string { return pages(in, token, p, seq, nil) },
		"/events?after=7":               func(p string) []string { return pages(in, token, p, seq, nil) },
		"/events?kind=merchant.created": func(p string) []string { return pages(in, token, p, seq, nil) },
		"/events?order=desc":            func(p string) []string { return pages(in, token, p, seq, nil) },
		"/events?order=desc&env=demo":   func(p string) []string { return pages(in, token, p, seq, nil) },
	} {
		join := map[bool]string{true: "&", false: "?"}[strings.Contains(path, "?")]
		whole := list(path + join + "limit=500")
		if len(whole) < 3 {
			t.Errorf("%s has %d items: nothing to page", path, len(whole))
		}
		sorted := slices.Sorted(slices.Values(whole))
		if strings.Contains(path, "desc") {
			slices.Reverse(sorted)
		}
		if !strings.HasPrefix(path, "/signing-keys") && !slices.Equal(whole, sorted) || len(slices.Compact(sorted)) != len(whole) {
			t.Errorf("%s is in the order %v", path, whole)
		}
		for _, limit := range []int{2, len(whole), len(whole) + 1} {
			if got := list(fmt.Sprintf("%s%slimit=%d", path, join, max(1, limit))); !slices.Equal(got, whole) {
				t.Errorf("%s with pages of %d: %v, want %v", path, limit, got, whole)
			}
		}
	}
}

// C-195: what comes or goes while a list is read moves nothing else in it.
func TestPagingHoldsWhileItemsComeAndGo(t *testing.T) {
	t.Parallel()
	in := install(t)
	token := in.token(in.operator("api-keys:read"))
	var stay, leaving []apiKey
	for range 8 {
		stay, leaving = append(stay, in.key("demo")), append(leaving, in.key("demo"))
	}
	got := pages(in, token, "/api-keys?env=demo&limit=2", func(k admin.APIKey) string { return k.ID }, func(n int) {
		if n < len(leaving) {
			in.must(in.DeleteAPIKey(t.Context(), root, leaving[n].id, 0))
		}
		in.key("demo")
	})
	if len(slices.Compact(slices.Sorted(slices.Values(got)))) != len(got) {
		t.Errorf("an API key comes twice: %v", got)
	}
	for _, k := range stay {
		if !slices.Contains(got, string(k.id)) {
			t.Errorf("%s was there all the time, and is not in the list", k.id)
		}
	}
}

// C-195: a cursor is of use for the list it was made for, as whom it was made for,
// and of no other; one that was made up is refused without a look at the database.
func TestCursorsOfOthersAreRefused(t *testing.T) {
	in := install(t)
	in.merchant("77")
	scopes := []string{"merchants:read", "scopes:read", "api-keys:read", "events:read", "signing-keys:read"}
	token := in.token(in.operator(scopes...))
	var tokens []string // of merchants: one of 4259 in demo and in production, one of 77
	for _, n := range []authority.NewAPIKey{{MerchantID: ours, Env: "demo"}, {MerchantID: ours, Env: "production"}, {MerchantID: "77", Env: "demo"}} {
		n.Scopes = []string{"api-keys:read"}
		in.create(n)
		tokens = append(tokens, in.token(in.create(n)))
	}
	next := func(token, path string) string {
		got := into[page[any]](in.send(token, "GET", path, "").want(200, ""))
		if got.Next == "" {
			t.Fatalf("%s has no further page", path)
		}
		return got.Next
	}
	lists := []string{
		"/merchants?limit=1", "/scopes?limit=1", "/api-keys?limit=1", "/api-keys?limit=1&env=demo", "/api-keys?limit=1&merchantId=4259",
		"/api-keys?limit=1&status=active", "/api-keys/report?limit=1", "/api-keys/report?limit=1&env=demo", "/signing-keys?limit=1",
		"/events?limit=1", "/events?limit=1&order=desc", "/events?limit=1&kind=api_key.created", "/events?limit=1&env=demo",
	}
	for _, from := range lists {
		cursor := next(token, from)
		for _, to := range lists {
			a := in.send(token, "GET", to+"&cursor="+cursor, "")
			if to == from {
				a.want(200, "")
			} else {
				a.want(400, "cursor")
			}
		}
		// The length of pages is no part of the list.
		in.send(token, "GET", strings.Replace(from, "limit=1", "limit=2", 1)+"&cursor="+cursor, "").want(200, "")
	}
	for i, mine := range tokens {
		cursor := next(mine, "/api-keys?limit=1")
		for j, other := range append(slices.Clone(tokens), token) {
			if i != j {
				in.send(other, "GET", "/api-keys?limit=1&cursor="+cursor, "").want(400, "cursor")
			}
		}
		in.send(mine, "GET", "/api-keys?limit=1&cursor="+next(token, "/api-keys?limit=1"), "").want(400, "cursor")
	}
	cursor := next(token, "/api-keys?limit=1")
	other := install(t)
	foreign := into[page[any]](other.send(other.token(other.operator(scopes...)), "GET", "/scopes?limit=1", "")).Next
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	in.must(err)
	forged := []string{
		foreign, "x", "1", "0", "twc_demo_0000000000000000000000", "'%20OR%201=1--", "%27;DROP%20TABLE%20events;--", cursor[:len(cursor)-1], cursor + "A", cursor + "=",
		cursor[1:], strings.ToUpper(cursor), base64.RawURLEncoding.EncodeToString([]byte("twc_demo_0")), base64.RawURLEncoding.EncodeToString(nil) + "A",
		base64.StdEncoding.EncodeToString(raw) + "%0a", strings.Repeat("A", 5000),
	}
	for i := range raw { // each byte altered
		altered := slices.Clone(raw)
		altered[i] ^= 1
		forged = append(forged, base64.RawURLEncoding.EncodeToString(altered))
	}
	for _, f := range forged {
		if a := in.send(token, "GET", "/api-keys?limit=1&cursor="+f, ""); a.status != 400 {
			t.Errorf("cursor %s: %d %s", f, a.status, a.body)
		}
	}
	in.must(in.store.Close())
	in.send(token, "GET", "/api-keys?limit=1&cursor="+forged[20], "").want(400, "cursor")
	in.send(token, "GET", "/api-keys?limit=1&cursor="+cursor, "").want(503, "unavailable")
}

// C-562: a filter by what there is not at all, as a misspelt one, is refused: an empty list would
// say that nothing is there. Which environments there are is no secret.
func TestFiltersByWhatThereIsNotAreRefused(t *testing.T) {
	t.Parallel()
	in := install(t)
	token := in.token(in.operator("api-keys:read", "events:read", "usage:read", "signing-keys:read"))
	own := in.token(in.key("demo", "api-keys:read"))
	const env, kind = "env is none of this installation: demo, production, platform.", "kind is no kind of event."
	for _, row := range [][3]string{
		{token, "/api-keys?env=prod", env}, {token, "/api-keys/report?env=prod", env}, {token, "/events?env=prod", env}, {token, "/usage?env=prod", env},
		{token, "/signing-keys?env=prod", env}, {own, "/api-keys?env=prod", env}, {token, "/events?kind=api_key.create", kind}, {token, "/events?kind=api_key.*", kind},
	} {
		if a := in.send(row[0], "GET", row[1], "").want(400, "invalid"); !strings.Contains(a.body, "The request cannot be taken: "+row[2]) {
			t.Errorf("%s: %s", row[1], a.body)
		}
	}
	for _, path := range []string{"/api-keys?env=platform", "/events?env=production&kind=user.invited", "/signing-keys?env=", "/events?kind="} {
		in.send(token, "GET", path, "").want(200, "")
	}
}

// C-195: a cursor says nothing of what it stands for.
func TestCursorsAreOpaque(t *testing.T) {
	in := install(t)
	in.key("demo")
	in.key("demo")
	token := in.token(in.operator("api-keys:read"))
	path := "/api-keys?limit=1&env=demo"
	first, second := into[page[admin.APIKey]](in.send(token, "GET", path, "")), into[page[admin.APIKey]](in.send(token, "GET", path, ""))
	raw, err := base64.RawURLEncoding.DecodeString(first.Next)
	in.must(err)
	if strings.Contains(string(raw), first.Items[0].ID[9:]) || first.Next == second.Next {
		t.Errorf("cursors %s and %s", first.Next, second.Next)
	}
}
