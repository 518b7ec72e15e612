package docs

import (
	"encoding/json"
	"html"
	"io/fs"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// htmlPages are the addresses of all pages, and of one that is none.
func htmlPages(t *testing.T) []string {
	t.Helper()
	list := []string{"/docs/nowhere"}
	for path, contentType := range served(t) {
		if contentType == htmlType {
			list = append(list, path)
		}
	}
	return list
}

// C-495: what is in the content and in no chapter would never be found.
func TestEveryFileOfTheContentIsAPage(t *testing.T) {
	var known []string
	for _, p := range newSite(t, testConfig()).pages {
		known = append(known, p.Name)
	}
	files, err := fs.Glob(content, "content/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(strings.TrimPrefix(file, "content/"), ".md")
		if name != "not-found" && !slices.Contains(known, name) {
			t.Errorf("%s is in no chapter", file)
		}
	}
}

var (
	tagPattern   = regexp.MustCompile(`<([a-z][a-z0-9]*)([^>]*)>`)
	attrPattern  = regexp.MustCompile(`\s([a-z-]+)(?:="([^"]*)")?`)
	idPattern    = regexp.MustCompile(`\sid="([^"]*)"`)
	loadingAttrs = []string{"src", "srcset", "poster", "data", "background"}
)

// C-210
func TestPagesAreWellMade(t *testing.T) {
	mux := newMux(t, testConfig())
	for _, path := range htmlPages(t) {
		page := send(mux, "GET", path).Body.String()
		for text, n := range map[string]int{
			"<h1": 1, "<main": 1, "<title>": 1, `<html lang="en-GB">`: 1, "<header class=\"top\">": 1, "<footer class=\"foot\">": 1,
			`name="viewport"`: 1, `<a class="skip" href="#content">`: 1, `id="content"`: 1, "<!-- raw HTML omitted -->": 0, "<!--": 0,
		} {
			if got := strings.Count(page, text); got != n {
				t.Errorf("%s: %d times %s, want %d", path, got, text, n)
			}
		}
		ids := idPattern.FindAllString(page, -1)
		if slices.Sort(ids); len(slices.Compact(slices.Clone(ids))) != len(ids) {
			t.Errorf("%s: an id stands twice: %q", path, ids)
		}
		checkTags(t, path, page)
	}
}

// checkTags holds that a page runs and loads nothing but files of its own server.
func checkTags(t *testing.T, path, page string) {
	t.Helper()
	for _, tag := range tagPattern.FindAllStringSubmatch(page, -1) {
		name := tag[1]
		if name == "style" || name == "iframe" || name == "base" || name == "script" && !strings.Contains(tag[2], ` src="/docs/static/`) {
			t.Errorf("%s: element %s", path, tag[0])
		}
		for _, a := range attrPattern.FindAllStringSubmatch(tag[2], -1) {
			loads := slices.Contains(loadingAttrs, a[1]) || name == "link" && a[1] == "href" && !strings.HasPrefix(a[2], "#")
			switch {
			case a[1] == "style", strings.HasPrefix(a[1], "on"):
				t.Errorf("%s: inline %s in %s", path, a[1], tag[0])
			case loads && (!strings.HasPrefix(a[2], "/") || strings.HasPrefix(a[2], "//")):
				t.Errorf("%s: loads %s", path, a[2])
			}
		}
	}
}

// C-496: links of the pages as people see them.
func TestEveryLinkLeadsSomewhere(t *testing.T) {
	mux := newMux(t, testConfig())
	bodies := map[string]string{}
	for _, path := range htmlPages(t) {
		bodies[path] = send(mux, "GET", path).Body.String()
	}
	for path, page := range bodies {
		links := regexp.MustCompile(`\s(?:href|src)="([^"]*)"`).FindAllStringSubmatch(page, -1)
		if len(links) < 5 {
			t.Fatalf("%s: only %d links found", path, len(links))
		}
		for _, link := range links {
			target, anchor, _ := strings.Cut(html.UnescapeString(link[1]), "#")
			if strings.HasPrefix(target, "https://") || target == "/console" { // elsewhere
				continue
			}
			body, ok := page, true
			if target != "" {
				if body, ok = bodies[target]; !ok {
					body = get(t, mux, target)
				}
			}
			if anchor != "" && !strings.Contains(body, ` id="`+anchor+`"`) {
				t.Errorf("%s: no anchor at the end of %s", path, link[1])
			}
		}
	}
}

// C-497: llms.txt lists every page, and each is Markdown that can be read.
func TestMarkdownAndIndexListEveryPage(t *testing.T) {
	c := testConfig()
	mux := newMux(t, c)
	index, whole := get(t, mux, "/llms.txt"), get(t, mux, "/llms-full.txt")
	if !regexp.MustCompile(`^# Tokenwright\n\n> [^\n]+\n\n(- [^\n]+\n)+(\n## [^\n]+\n\n(- \[[^\n]+\]\(https://[^\n]+\.(md|json)\): [^\n]+\n)+)+$`).MatchString(index) {
		t.Errorf("llms.txt is not of its form:\n%s", index)
	}
	links := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	for path, contentType := range served(t) {
		if contentType != markdownType {
			continue
		}
		body := get(t, mux, path)
		if !strings.Contains(index, "("+c.BaseURL+path+")") || !strings.Contains(whole, body) {
			t.Errorf("llms.txt does not list %s, or llms-full.txt does not have it", path)
		}
		outside := regexp.MustCompile("(?ms)^(`{3,})[^`\n]*\n.*?^`{3,}$").ReplaceAllString(body, "code")
		if !regexp.MustCompile(`^# [^\n]+\n\n[A-Z]`).MatchString(body) || strings.Contains(outside, "{{") || strings.Contains(outside, "\n\n\n") || strings.Contains(outside, "<!--") {
			t.Errorf("%s is not clean Markdown", path)
		}
		for _, link := range links.FindAllStringSubmatch(outside, -1) {
			target, ok := strings.CutPrefix(link[1], c.BaseURL)
			switch {
			case ok:
				target, _, _ = strings.Cut(target, "#")
				get(t, mux, target)
			case !strings.HasPrefix(link[1], "#") && !strings.HasPrefix(link[1], "https://"):
				t.Errorf("%s: a link leads to %s", path, link[1])
			}
		}
	}
}

// C-497: the home page has the name that its address gives it, too.
func TestTheHomePageIsMarkdownByItsAddress(t *testing.T) {
	mux := newMux(t, testConfig())
	if get(t, mux, "/docs.md") != get(t, mux, "/docs/overview.md") {
		t.Error("/docs.md is not the home page")
	}
}

// C-498: the reader's own addresses, environments and prefix stand in the samples.
func TestPagesAreFilledIn(t *testing.T) {
	c := testConfig()
	mux := newMux(t, c)
	for path, contentType := range served(t) {
		if contentType != markdownType {
			continue
		}
		body := get(t, mux, path)
		for _, left := range []string{sampleBase, "twc_", "tws_", `"demo"`, "`demo`", "--env demo", "env=demo"} {
			if at := strings.Index(body, left); at >= 0 {
				t.Errorf("%s: the sample's own %q is left: …%s…", path, left, body[max(0, at-40):min(len(body), at+60)])
			}
		}
	}
	for path, list := range map[string][]string{
		"/docs/get-a-token.md":  {"https://id.acme.test/oauth/token"},
		"/docs/access-token.md": {`"iss": "https://id.acme.test/test"`, "acmec_test_"},
		"/docs/environments.md": {
			"`https://id.acme.test/.well-known/oauth-authorization-server/test`",
			// An issuer without a path (RFC 8414 3.1).
			"`https://live.acme.test/.well-known/oauth-authorization-server`", "`https://live.acme.test/oauth/jwks/{kid}.pem`",
		},
	} {
		page := get(t, mux, path)
		for _, want := range list {
			if !strings.Contains(page, want) {
				t.Errorf("%s lacks %s", path, want)
			}
		}
	}
}

// C-498: the algorithm too, however a language quotes it.
func TestSamplesNameTheAlgorithmOfTheInstallation(t *testing.T) {
	c := testConfig()
	c.Environments[0].Algorithm = "RS256"
	mux := newMux(t, c)
	for page, want := range map[string]string{"verify-in-node": `'RS256'`, "verify-in-python": `"RS256"`, "gateways": `jwt_verify("RS256"`} {
		body := get(t, mux, "/docs/"+page+".md")
		if !strings.Contains(body, want) || strings.Contains(body, `"ES256"`) || strings.Contains(body, `'ES256'`) {
			t.Errorf("%s does not name the algorithm everywhere", page)
		}
	}
}

// C-498: what the pages show in the repository is what an installation of that name
// shows.
func TestPagesInTheRepositoryAreThoseOfTheSample(t *testing.T) {
	c := sampleConfig()
	s := newSite(t, c)
	for _, p := range s.pages {
		text, err := s.text(p, func(to *page) string { return to.Name + ".md" })
		if err != nil {
			t.Fatal(err)
		}
		for _, table := range tablePattern.FindAllString(p.source, -1) {
			inner := strings.TrimSuffix(strings.TrimPrefix(table, "<!-- begin: environments -->\n"), "<!-- end: environments -->")
			if !strings.Contains(text, strings.TrimSpace(inner)) {
				t.Errorf("%s: the tables of environments are not what is served:\n%s", p.Name, environmentTables(c.Environments))
			}
		}
	}
}

// C-498
func TestAddressesThatMeanSomethingElseAreNotWrittenIn(t *testing.T) {
	c := testConfig()
	c.BaseURL = "https://a'b$(c)<i>&*_d.test/e`f|g"
	c.Environments = []Environment{{Name: "test", Issuer: c.BaseURL + "/test", Audience: c.BaseURL}}
	mux := newMux(t, c)
	for _, path := range htmlPages(t) {
		if page := send(mux, "GET", path).Body.String(); strings.Contains(page, "$(c)<i>") {
			t.Errorf("%s: the base URL became a tag", path)
		}
	}
	if guide := get(t, mux, "/docs/get-a-token.md"); strings.Contains(guide, "$(c)<i>&*_d.test/e`f|g/oauth") || !strings.Contains(guide, sampleBase+"/oauth/token") {
		t.Error("the base URL stands in a sample")
	}
}

// C-499: whatever stands in a section is found by its address.
func TestEverySectionCanBeFound(t *testing.T) {
	mux := newMux(t, testConfig())
	var index []entry
	if err := json.Unmarshal([]byte(get(t, mux, "/docs/search.json")), &index); err != nil {
		t.Fatal(err)
	}
	sections := 0
	for _, e := range index {
		path, anchor, _ := strings.Cut(e.Address, "#")
		page := send(mux, "GET", path)
		if page.Code != http.StatusOK || anchor != "" && !strings.Contains(page.Body.String(), ` id="`+anchor+`"`) {
			t.Errorf("%s leads nowhere", e.Address)
		}
		if e.Section != "" {
			sections++
		}
	}
	want := 0
	for _, path := range htmlPages(t)[1:] {
		mark := regexp.MustCompile(`class="anchor"`)
		if strings.HasPrefix(path, "/docs/reference/") { // the parts of an operation are found with it
			mark = regexp.MustCompile(`<h2 [^\n]*class="anchor"`)
		}
		want += len(mark.FindAllString(get(t, mux, path), -1))
	}
	if sections != want || want < 50 {
		t.Errorf("%d sections can be found, of %d", sections, want)
	}
}

func TestBlocksOfCodeSayWhatTheyAre(t *testing.T) {
	for source, want := range map[string]string{
		"```go title=main.go\npackage main\n```":        `<figcaption>main.go</figcaption>`,
		"```java not-run\nclass A {}\n```":              `<span class="tag">not run by our tests</span>`,
		"```sh\necho '<b>'\n```":                        `class="language-sh">echo &#39;&lt;b&gt;&#39;`,
		"| a | b |\n|---|---|\n| 1 | <i>2</i> |":        `role="region" tabindex="0"`,
		"## One\n\ntext\n\n## One":                      `<h2 id="one-2">`,
		"`tokens_issued_total_<b>` and `short_name`":    `<code>tokens_<wbr>issued_<wbr>total_<wbr>&lt;b&gt;</code> and <code>short_name</code>`,
		"<!-- tabs -->\n### A\n\n### B\n<!-- /tabs -->": "<div class=\"samples\">\n<section class=\"sample\">",
	} {
		lead, body, err := parse("# T\n\nLead.\n\n" + source).render()
		if err != nil || !strings.Contains(string(lead+body), want) {
			t.Errorf("%q became %v\n%s", source, err, body)
		}
	}
	if _, _, err := parse("# T\n\nLead.\n\n```sh runit\n```").render(); err == nil {
		t.Error("an option that there is not is no error")
	}
}
