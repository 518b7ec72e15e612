package e2e

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
)

func TestDocsAnswerAndEveryPageOfTheirIndexDoes(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	for path, want := range map[string]string{
		"/docs": "text/html; charset=utf-8", "/docs/errors": "text/html; charset=utf-8", "/llms.txt": "text/plain; charset=utf-8",
	} {
		a := s.get(t, s.url+path)
		if a.status != http.StatusOK || a.header.Get("Content-Type") != want || len(a.body) < 200 {
			t.Errorf("%s answers %d, %q, %d bytes", path, a.status, a.header.Get("Content-Type"), len(a.body))
		}
	}
	pages := regexp.MustCompile(`\]\((\S+)\)`).FindAllSubmatch(s.get(t, s.url+"/llms.txt").body, -1)
	if len(pages) < 2 {
		t.Fatalf("llms.txt lists %d pages", len(pages))
	}
	for _, page := range pages {
		if a := s.get(t, string(page[1])); a.status != http.StatusOK {
			t.Errorf("%s of llms.txt answers %d", page[1], a.status)
		}
	}
	if a := s.get(t, s.url+"/docs/nothing"); a.status != http.StatusNotFound {
		t.Errorf("a page that does not exist answers %d", a.status)
	}
}

func TestErrorURIOfEveryErrorLeadsToItsSection(t *testing.T) {
	t.Parallel()
	s, key := startWithKey(t, "demo")
	url := s.url + "/oauth/token"
	for code, a := range map[string]tokenAnswer{
		"invalid_client":         s.ask(t, url, "twc_demo_"+strings.Repeat("A", 22), key.ClientSecret),
		"invalid_request":        s.ask(t, url+"?client_id=1", key.ClientID, key.ClientSecret),
		"unsupported_grant_type": s.ask(t, url, key.ClientID, key.ClientSecret, "grant_type", "password"),
		"invalid_scope":          s.ask(t, url, key.ClientID, key.ClientSecret, "scope", "rewards:delete"),
		"invalid_target":         s.ask(t, url, key.ClientID, key.ClientSecret, "resource", "https://elsewhere.example"),
	} {
		if a.Error != code || a.Description == "" || a.Message == "" || a.Code == "" {
			t.Errorf("%s: %+v", code, a)
		}
		page, anchor, ok := strings.Cut(a.URI, "#")
		if !ok || page != s.url+"/docs/errors" {
			t.Errorf("%s: error_uri is %q", code, a.URI)
			continue
		}
		if got := s.get(t, page); got.status != http.StatusOK || !strings.Contains(string(got.body), `id="`+anchor+`"`) {
			t.Errorf("%s answers %d, without the anchor", a.URI, got.status)
		}
	}
}
