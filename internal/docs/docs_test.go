package docs

import (
	"encoding/json"
	"html"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const policy = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// The addresses of everything that is served, and its content type.
var served = map[string]string{
	"/docs":                "text/html; charset=utf-8",
	"/docs/errors":         "text/html; charset=utf-8",
	"/docs/get-a-token.md": "text/markdown; charset=utf-8",
	"/docs/errors.md":      "text/markdown; charset=utf-8",
	"/docs/style.css":      "text/css; charset=utf-8",
	"/docs/icon.svg":       "image/svg+xml",
	"/llms.txt":            "text/plain; charset=utf-8",
	"/openapi.json":        "application/json",
}

var htmlPages = []string{"/docs", "/docs/errors"}

func testConfig() Config {
	return Config{
		BaseURL: "https://auth.example.com",
		Environments: []Environment{
			{Name: "demo", Issuer: "https://auth.example.com/demo", Audience: "https://auth.example.com/demo/api", Algorithm: "ES256"},
			{Name: "production", Issuer: "https://production.example.com", Audience: "https://api.example.com", Algorithm: "RS256"},
		},
		Errors: []ErrorKind{
			{Code: "invalid_request", Status: 400, Meaning: "The request is not well-formed.", Causes: []Cause{
				{"The parameter grant_type is missing.", "Send `grant_type` with the value `client_credentials`."},
			}},
			{Code: "invalid_client", Status: 401, Meaning: "No API key was authenticated.", Causes: []Cause{
				{"The client ID is a placeholder.", "Replace `<client-id>` by yours."},
				{"It is <b>*odd*</b> | `so` \\ it is & stays.", "Do <i>this</i> | *that* & [more](https://evil.example)."},
			}},
			{Code: "temporarily_unavailable", Status: 429, Meaning: "There were too many requests."},
			{Code: "temporarily_unavailable", Status: 503, Meaning: "The server cannot answer now."},
		},
	}
}

func newMux(t *testing.T, c Config) *http.ServeMux {
	t.Helper()
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	s.Register(mux.Handle)
	return mux
}

func send(h http.Handler, method, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func get(t *testing.T, h http.Handler, path string) string {
	t.Helper()
	w := send(h, "GET", path)
	if w.Code != http.StatusOK {
		t.Fatalf("GET %s: status %d", path, w.Code)
	}
	return w.Body.String()
}

func TestEveryAnswerCarriesTheHeaders(t *testing.T) { // C-210
	mux := newMux(t, testConfig())
	requests := []struct {
		method, path string
		status       int
	}{
		{"GET", "/docs/nowhere", 404}, {"GET", "/docs/errors/", 404}, {"GET", "/docs/jwt", 404},
		{"GET", "/docs/", 308}, {"POST", "/docs", 405},
	}
	for path := range served {
		requests = append(requests, struct {
			method, path string
			status       int
		}{"GET", path, 200})
	}
	for _, r := range requests {
		w := send(mux, r.method, r.path)
		if w.Code != r.status {
			t.Errorf("%s %s: status %d, want %d", r.method, r.path, w.Code, r.status)
		}
		for name, want := range map[string]string{
			"Content-Security-Policy":     policy,
			"Referrer-Policy":             "no-referrer",
			"X-Content-Type-Options":      "nosniff",
			"Access-Control-Allow-Origin": "*",
			"Cache-Control":               "public, max-age=300",
		} {
			if got := w.Header().Get(name); got != want {
				t.Errorf("%s %s: %s is %q, want %q", r.method, r.path, name, got, want)
			}
		}
		if want, ok := served[r.path]; ok && r.status == 200 && w.Header().Get("Content-Type") != want {
			t.Errorf("GET %s: content type %q, want %q", r.path, w.Header().Get("Content-Type"), want)
		}
	}
}

func TestETagAnd304AndHead(t *testing.T) {
	mux := newMux(t, testConfig())
	for path := range served {
		full := send(mux, "GET", path)
		etag := full.Header().Get("ETag")
		if !regexp.MustCompile(`^"[\w-]{8,}"$`).MatchString(etag) {
			t.Errorf("GET %s: ETag %q", path, etag)
		}
		again := send(mux, "GET", path, "If-None-Match", etag)
		if again.Code != http.StatusNotModified || again.Body.Len() != 0 || again.Header().Get("ETag") != etag {
			t.Errorf("GET %s with its ETag: status %d, %d bytes, ETag %q", path, again.Code, again.Body.Len(), again.Header().Get("ETag"))
		}
		if changed := send(mux, "GET", path, "If-None-Match", `"other"`); changed.Code != http.StatusOK {
			t.Errorf("GET %s with another ETag: status %d", path, changed.Code)
		}
		head := send(mux, "HEAD", path)
		if head.Code != http.StatusOK || head.Body.Len() != 0 || head.Header().Get("Content-Length") != strconv.Itoa(full.Body.Len()) {
			t.Errorf("HEAD %s: status %d, %d bytes, length %s", path, head.Code, head.Body.Len(), head.Header().Get("Content-Length"))
		}
	}
}

func TestETagFollowsTheContent(t *testing.T) {
	c := testConfig()
	before := send(newMux(t, c), "GET", "/docs/errors").Header().Get("ETag")
	c.Errors = c.Errors[:1]
	if after := send(newMux(t, c), "GET", "/docs/errors").Header().Get("ETag"); after == before {
		t.Errorf("another page has the same ETag %s", after)
	}
}

func TestOtherMethodsGet405(t *testing.T) {
	mux := newMux(t, testConfig())
	for path := range served {
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"} {
			w := send(mux, method, path)
			var body struct{ Code, Message string }
			err := json.Unmarshal(w.Body.Bytes(), &body)
			if w.Code != 405 || w.Header().Get("Allow") != "GET, HEAD" || w.Header().Get("Content-Type") != "application/json" ||
				err != nil || body.Code != "405" || body.Message == "" {
				t.Errorf("%s %s: status %d, Allow %q, body %s", method, path, w.Code, w.Header().Get("Allow"), w.Body)
			}
		}
	}
}

func TestUnknownPageGets404AndAWayOn(t *testing.T) {
	mux := newMux(t, testConfig())
	for _, path := range []string{"/docs/nowhere", "/docs/jwt", "/docs/errors/x", "/docs/%3Cscript%3E", "/docs/layout.html"} {
		w := send(mux, "GET", path)
		if w.Code != 404 || !strings.Contains(w.Body.String(), `<a href="/docs/errors">`) || strings.Contains(w.Body.String(), "script") {
			t.Errorf("GET %s: status %d, body %s", path, w.Code, w.Body)
		}
	}
	if w := send(mux, "GET", "/docs/"); w.Header().Get("Location") != "/docs" {
		t.Errorf("GET /docs/ leads to %q", w.Header().Get("Location"))
	}
}

func TestPatternsLiveBesideTheOtherSurfaces(t *testing.T) {
	mux := newMux(t, testConfig())
	teapot := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }
	others := []string{"/oauth/token", "/api/oauth/token", "/demo/oauth/token", "/healthz", "/demo/oauth/jwks/", "GET /metrics", "/"}
	for _, pattern := range others {
		mux.HandleFunc(pattern, teapot) // panics at a conflict
	}
	for _, path := range []string{"/oauth/token", "/demo/oauth/token", "/healthz", "/", "/elsewhere", "/docsy"} {
		if w := send(mux, "GET", path); w.Code != http.StatusTeapot {
			t.Errorf("GET %s: status %d, so the documentation took it", path, w.Code)
		}
	}
}

func TestEveryErrorHasItsAnchor(t *testing.T) {
	c := testConfig()
	page := get(t, newMux(t, c), "/docs/errors")
	for _, k := range c.Errors {
		if n := strings.Count(page, `id="`+k.Code+`"`); n != 1 {
			t.Errorf("%d elements have the id %q, want 1", n, k.Code)
		}
		at := strings.Index(page, `<h2 id="`+k.Code+`"`)
		if at < 0 || !strings.Contains(page[at:], "<strong>Status "+strconv.Itoa(k.Status)+".</strong> "+k.Meaning) {
			t.Errorf("%s: no section with status %d and its meaning", k.Code, k.Status)
		}
	}
}

func TestCausesStandOnThePageAsTheyAre(t *testing.T) {
	c := testConfig()
	page := get(t, newMux(t, c), "/docs/errors")
	for _, want := range []string{
		`<td><code>` + html.EscapeString(c.Errors[1].Causes[1].Description) + `</code></td>`,
		`<td>Do &lt;i&gt;this&lt;/i&gt; | *that* &amp; [more](https://evil.example).</td>`,
		`<td>Replace <code>&lt;client-id&gt;</code> by yours.</td>`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
}

var (
	tagPattern   = regexp.MustCompile(`<([a-z][a-z0-9]*)([^>]*)>`)
	attrPattern  = regexp.MustCompile(`\s([a-z-]+)(?:="([^"]*)")?`)
	idPattern    = regexp.MustCompile(`\sid="([^"]*)"`)
	loadingAttrs = []string{"src", "srcset", "poster", "data", "background"}
)

func TestPagesAreWellMade(t *testing.T) {
	mux := newMux(t, testConfig())
	for _, path := range append([]string{"/docs/nowhere"}, htmlPages...) {
		page := send(mux, "GET", path).Body.String()
		for text, n := range map[string]int{
			"<h1": 1, "<main": 1, "<title>": 1, `<html lang="en-GB">`: 1, "<header>": 1, "<footer>": 1,
			`name="viewport"`: 1, `<a class="skip" href="#content">`: 1, `id="content"`: 1, "<!-- raw HTML omitted -->": 0,
		} {
			if got := strings.Count(page, text); got != n {
				t.Errorf("%s: %d times %s, want %d", path, got, text, n)
			}
		}
		ids := idPattern.FindAllString(page, -1)
		if slices.Sort(ids); len(slices.Compact(slices.Clone(ids))) != len(ids) {
			t.Errorf("%s: an id stands twice: %q", path, ids)
		}
		for _, tag := range tagPattern.FindAllStringSubmatch(page, -1) {
			name := tag[1]
			if name == "script" || name == "style" || name == "iframe" || name == "form" || name == "base" {
				t.Errorf("%s: element %s", path, name)
			}
			for _, a := range attrPattern.FindAllStringSubmatch(tag[2], -1) {
				loads := slices.Contains(loadingAttrs, a[1]) || name == "link" && a[1] == "href"
				switch {
				case a[1] == "style", strings.HasPrefix(a[1], "on"):
					t.Errorf("%s: inline %s in %s", path, a[1], tag[0])
				case loads && (!strings.HasPrefix(a[2], "/") || strings.HasPrefix(a[2], "//")):
					t.Errorf("%s: loads %s", path, a[2])
				}
			}
		}
	}
	if css := get(t, mux, "/docs/style.css"); strings.Contains(css, "url(") || strings.Contains(css, "@import") {
		t.Error("the style sheet loads something")
	}
}

func TestEveryLinkLeadsSomewhere(t *testing.T) {
	mux := newMux(t, testConfig())
	for _, path := range append([]string{"/docs/nowhere"}, htmlPages...) {
		page := send(mux, "GET", path).Body.String()
		links := regexp.MustCompile(`\s(?:href|src)="([^"]*)"`).FindAllStringSubmatch(page, -1)
		if len(links) < 5 {
			t.Fatalf("%s: only %d links found", path, len(links))
		}
		for _, link := range links {
			target, anchor, _ := strings.Cut(html.UnescapeString(link[1]), "#")
			body := page
			if target != "" {
				body = get(t, mux, target)
			}
			if anchor != "" && !strings.Contains(body, ` id="`+anchor+`"`) {
				t.Errorf("%s: no anchor at the end of %s", path, link[1])
			}
		}
	}
}

func TestMarkdownAndIndexListEveryPage(t *testing.T) {
	c := testConfig()
	mux := newMux(t, c)
	index := get(t, mux, "/llms.txt")
	if !regexp.MustCompile(`^# Tokenwright\n\n> [^\n]+\n\n(- [^\n]+\n)+\n## [^\n]+\n\n(- \[[^\n]+\]\(https://[^\n]+\.(md|json)\): [^\n]+\n)+$`).MatchString(index) {
		t.Errorf("llms.txt is not of its form:\n%s", index)
	}
	links := regexp.MustCompile(`\(([^)\s]+)\)`)
	for path, contentType := range served {
		listed := strings.HasPrefix(contentType, "text/markdown") || path == "/openapi.json"
		if listed && !strings.Contains(index, "("+c.BaseURL+path+")") {
			t.Errorf("llms.txt does not list %s", path)
		}
	}
	for _, path := range []string{"/llms.txt", "/docs/get-a-token.md", "/docs/errors.md"} {
		body := get(t, mux, path)
		if !strings.HasPrefix(body, "# ") || strings.Contains(body, "{{") || strings.Contains(body, "\n\n\n\n") {
			t.Errorf("%s is not clean Markdown", path)
		}
		for _, link := range links.FindAllStringSubmatch(body, -1) {
			if target, ok := strings.CutPrefix(link[1], c.BaseURL); ok {
				want := "text/markdown; charset=utf-8"
				if target == "/openapi.json" {
					want = served[target]
				}
				if w := send(mux, "GET", target); w.Header().Get("Content-Type") != want {
					t.Errorf("%s: %s answers %q", path, link[1], w.Header().Get("Content-Type"))
				}
			}
		}
	}
}

func TestGuideIsFilledIn(t *testing.T) {
	mux := newMux(t, testConfig())
	guide := get(t, mux, "/docs/get-a-token.md")
	for _, want := range []string{
		"'https://auth.example.com/oauth/token'",
		`"iss": "https://auth.example.com/demo"`,
		`"aud": "https://auth.example.com/demo/api"`,
		"`https://auth.example.com/demo/oauth/jwks/{kid}.pem`",
		"`https://auth.example.com/demo/oauth/revocations`",
		`URL:          "https://auth.example.com",`,
		"`https://auth.example.com/.well-known/oauth-authorization-server/demo`",
		// An issuer without a path (RFC 8414 3.1).
		"`https://production.example.com/.well-known/oauth-authorization-server`",
		"`https://production.example.com/oauth/token`",
	} {
		if !strings.Contains(guide, want) {
			t.Errorf("the guide lacks %s", want)
		}
	}
	for _, block := range regexp.MustCompile("(?s)```json\n(.*?)```").FindAllStringSubmatch(guide, -1) {
		if !json.Valid([]byte(block[1])) {
			t.Errorf("a sample is no JSON:\n%s", block[1])
		}
	}
	// Planned features are not described before they are there.
	for _, word := range []string{"the console", "/admin"} {
		if strings.Contains(guide, word) {
			t.Errorf("the guide mentions %q", word)
		}
	}
}

func TestOddCharactersStayText(t *testing.T) {
	const odd = "https://a'b$(c)<i>&*_d.example.com/e`f|g"
	c := testConfig()
	c.BaseURL = odd
	c.Environments = []Environment{{Name: "demo", Issuer: odd + "/demo"}}
	mux := newMux(t, c)
	page := get(t, mux, "/docs")
	text := html.EscapeString(odd)
	text = strings.ReplaceAll(text, "&#39;", "'") // goldmark leaves it, in text it is harmless
	for _, want := range []string{
		"curl -sS --fail-with-body " + strings.ReplaceAll("'"+text+"/oauth/token'", "a'b", `a'\''b`),
		`TokenURL:     &quot;` + text + `/oauth/token&quot;,`,
		`<code>` + text + `/oauth/token</code>`,
		`<code>` + strings.Replace(text, "/e`f|g", "/.well-known/oauth-authorization-server/e`f|g", 1) + `/demo</code>`,
		`<td><code>` + text + `/demo/oauth/jwks</code></td>`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	for _, path := range htmlPages {
		if strings.Contains(get(t, mux, path), "<i>") {
			t.Errorf("%s: the base URL became a tag", path)
		}
	}
}

func TestNewRefusesWhatItCannotWriteDown(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"no base URL":           func(c *Config) { c.BaseURL = "" },
		"base URL not http":     func(c *Config) { c.BaseURL = "javascript://x/" },
		"base URL with slash":   func(c *Config) { c.BaseURL += "/" },
		"base URL with query":   func(c *Config) { c.BaseURL += "?x" },
		"base URL with newline": func(c *Config) { c.BaseURL += "/\n```" },
		"no environment":        func(c *Config) { c.Environments = nil },
		"name of environment":   func(c *Config) { c.Environments[0].Name = "De mo" },
		"issuer with blank":     func(c *Config) { c.Environments[1].Issuer = "https://x/ y" },
		"code of an error":      func(c *Config) { c.Errors[0].Code = "when-to-repeat-a-request" },
		"empty code":            func(c *Config) { c.Errors[0].Code = "" },
	} {
		c := testConfig()
		change(&c)
		if _, err := New(c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
