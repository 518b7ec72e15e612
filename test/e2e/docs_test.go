package e2e

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/test/harness"
)

func TestDocsAnswerAndEveryPageOfTheirIndexDoes(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	for path, want := range map[string]string{
		"/docs": "text/html; charset=utf-8", "/docs/errors": "text/html; charset=utf-8", "/llms.txt": "text/plain; charset=utf-8",
	} {
		a := s.Get(t, s.URL+path)
		if a.Status != http.StatusOK || a.Header.Get("Content-Type") != want || len(a.Body) < 200 {
			t.Errorf("%s answers %d, %q, %d bytes", path, a.Status, a.Header.Get("Content-Type"), len(a.Body))
		}
	}
	pages := regexp.MustCompile(`\]\((\S+)\)`).FindAllSubmatch(s.Get(t, s.URL+"/llms.txt").Body, -1)
	if len(pages) < 2 {
		t.Fatalf("llms.txt lists %d pages", len(pages))
	}
	for _, page := range pages {
		if a := s.Get(t, string(page[1])); a.Status != http.StatusOK {
			t.Errorf("%s of llms.txt answers %d", page[1], a.Status)
		}
	}
	if a := s.Get(t, s.URL+"/docs/nothing"); a.Status != http.StatusNotFound {
		t.Errorf("a page that does not exist answers %d", a.Status)
	}
}

func TestErrorURIOfEveryErrorLeadsToItsSection(t *testing.T) {
	t.Parallel()
	s, key := harness.StartWithKey(t, "demo")
	url := s.URL + "/oauth/token"
	for code, a := range map[string]harness.TokenAnswer{
		"invalid_client":         s.Ask(t, url, "twc_demo_"+strings.Repeat("A", 22), key.ClientSecret),
		"invalid_request":        s.Ask(t, url+"?client_id=1", key.ClientID, key.ClientSecret),
		"unsupported_grant_type": s.Ask(t, url, key.ClientID, key.ClientSecret, "grant_type", "password"),
		"invalid_scope":          s.Ask(t, url, key.ClientID, key.ClientSecret, "scope", "rewards:delete"),
		"invalid_target":         s.Ask(t, url, key.ClientID, key.ClientSecret, "resource", "https://elsewhere.example"),
	} {
		if a.Error != code || a.Description == "" || a.Message == "" || a.Code == "" {
			t.Errorf("%s: %+v", code, a)
		}
		page, anchor, ok := strings.Cut(a.URI, "#")
		if !ok || page != s.URL+"/docs/errors" {
			t.Errorf("%s: error_uri is %q", code, a.URI)
			continue
		}
		if got := s.Get(t, page); got.Status != http.StatusOK || !strings.Contains(string(got.Body), `id="`+anchor+`"`) {
			t.Errorf("%s answers %d, without the anchor", a.URI, got.Status)
		}
	}
}
