package docs

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

const (
	htmlType     = "text/html; charset=utf-8"
	markdownType = "text/markdown; charset=utf-8"
)

// served are the addresses of everything that is served, and its content type.
func served(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{
		"/llms.txt": "text/plain; charset=utf-8", "/llms-full.txt": "text/plain; charset=utf-8",
		"/docs/search.json": "application/json", "/openapi.json": "application/json",
	}
	for _, p := range newSite(t, testConfig()).pages {
		all[p.Path], all[p.MarkdownPath()] = htmlType, markdownType
	}
	for _, name := range []string{"flow.svg", "performance-tokens.svg", "performance-forward-auth.svg"} {
		all["/docs/"+name] = "image/svg+xml"
	}
	return all
}

func testConfig() Config {
	return Config{
		BaseURL: "https://id.acme.test",
		Environments: []Environment{
			{Name: "test", Issuer: "https://id.acme.test/test", Audience: "https://id.acme.test/test/api", Algorithm: "ES256"},
			{Name: "live", Issuer: "https://live.acme.test", Audience: "https://api.acme.test", Algorithm: "RS256"},
		},
		Prefix: "acme",
	}
}

// sampleConfig is the installation that pages and OpenAPI document are written for.
func sampleConfig() Config {
	c := Config{BaseURL: sampleBase}
	for _, name := range []string{sampleFirst, sampleSecond} {
		c.Environments = append(c.Environments, Environment{name, sampleBase + "/" + name, sampleBase + "/" + name + "/api", sampleAlgorithm})
	}
	return c
}

func newSite(t *testing.T, c Config) *Site {
	t.Helper()
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newMux(t *testing.T, c Config) *http.ServeMux {
	t.Helper()
	mux := http.NewServeMux()
	newSite(t, c).Register(mux.Handle)
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
	type request struct {
		method, path string
		status       int
	}
	requests := []request{{"GET", "/docs/nowhere", 404}, {"GET", "/docs/errors/", 404}, {"GET", "/docs/", 308}, {"GET", "/docs/overview", 308}, {"POST", "/docs", 405}}
	all := served(t)
	special := map[string]bool{} // they may ask, or load, more
	for _, p := range newSite(t, testConfig()).pages {
		special[p.Path] = p.keys
	}
	for path := range all {
		requests = append(requests, request{"GET", path, 200})
	}
	for _, r := range requests {
		w := send(mux, r.method, r.path)
		if w.Code != r.status {
			t.Errorf("%s %s: status %d, want %d", r.method, r.path, w.Code, r.status)
		}
		for name, want := range map[string]string{
			"Referrer-Policy":             "no-referrer",
			"X-Content-Type-Options":      "nosniff",
			"Access-Control-Allow-Origin": "*",
			"Cache-Control":               "public, max-age=300",
		} {
			if got := w.Header().Get(name); got != want {
				t.Errorf("%s %s: %s is %q, want %q", r.method, r.path, name, got, want)
			}
		}
		if want, ok := all[r.path]; ok && r.status == 200 && w.Header().Get("Content-Type") != want {
			t.Errorf("GET %s: content type %q, want %q", r.path, w.Header().Get("Content-Type"), want)
		}
		want := closed
		if strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") && r.status != 308 || r.method == "POST" {
			want = policy
		}
		if got := w.Header().Get("Content-Security-Policy"); got != want && !special[r.path] {
			t.Errorf("%s %s: policy %q, want %q", r.method, r.path, got, want)
		}
	}
}

func TestETagAnd304AndHead(t *testing.T) {
	mux := newMux(t, testConfig())
	for path := range served(t) {
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
	if small := send(mux, "GET", "/docs", "Accept-Encoding", "gzip"); small.Header().Get("Content-Encoding") != "gzip" {
		t.Error("a page is not compressed")
	}
}

func TestETagFollowsTheContent(t *testing.T) {
	c := testConfig()
	before := send(newMux(t, c), "GET", "/docs/get-a-token").Header().Get("ETag")
	c.BaseURL = "https://other.acme.test"
	if after := send(newMux(t, c), "GET", "/docs/get-a-token").Header().Get("ETag"); after == before {
		t.Errorf("another page has the same ETag %s", after)
	}
}

func TestOtherMethodsGet405(t *testing.T) {
	mux := newMux(t, testConfig())
	for path := range served(t) {
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
	for _, path := range []string{"/docs/nowhere", "/docs/errors/x", "/docs/%3Cscript%3E", "/docs/layout.html", "/docs/errors.html"} {
		w := send(mux, "GET", path)
		if w.Code != 404 || !strings.Contains(w.Body.String(), `<a href="/docs/errors">`) || strings.Contains(w.Body.String(), "<script>") {
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

func TestNewRefusesWhatIsNoInstallation(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"no base URL":           func(c *Config) { c.BaseURL = "" },
		"base URL not http":     func(c *Config) { c.BaseURL = "javascript://x/" },
		"base URL with slash":   func(c *Config) { c.BaseURL += "/" },
		"base URL with query":   func(c *Config) { c.BaseURL += "?x" },
		"base URL with newline": func(c *Config) { c.BaseURL += "/\n```" },
		"no environment":        func(c *Config) { c.Environments = nil },
		"name of environment":   func(c *Config) { c.Environments[0].Name = "De mo" },
		"issuer with blank":     func(c *Config) { c.Environments[1].Issuer = "https://x/ y" },
	} {
		c := testConfig()
		change(&c)
		if _, err := New(c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
