package web

import (
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var names = []string{"style.css", "docs.css", "app.js", "chart.js", "try.js", "docs.js", "jwt.js", "icon.svg", "htmx.min.js", "uplot.min.js", "uplot.min.css", "explorer.css", "explorer.js"}

func ask(t *testing.T, method, path string, header ...string) *http.Response {
	t.Helper()
	mux := http.NewServeMux()
	New("/console/static").Register(mux.Handle)
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	return w.Result()
}

// C-453
func TestAFileIsKeptForEverUnderTheNameOfItsContent(t *testing.T) {
	assets := New("/console/static")
	for _, name := range names {
		path := assets.URL(name)
		if !regexp.MustCompile(`^/console/static/[A-Za-z0-9_-]{12}/` + regexp.QuoteMeta(name) + `$`).MatchString(path) {
			t.Errorf("the URL of %s is %s", name, path)
		}
		answer := ask(t, "GET", path)
		for header, want := range map[string]string{
			"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding", "X-Content-Type-Options": "nosniff",
		} {
			if got := answer.Header.Get(header); answer.StatusCode != 200 || got != want {
				t.Errorf("%s: %d, %s: %q, want %q", name, answer.StatusCode, header, got, want)
			}
		}
		if again := ask(t, "GET", path, "If-None-Match", answer.Header.Get("ETag")); again.StatusCode != 304 {
			t.Errorf("%s again: %d", name, again.StatusCode)
		}
	}
}

// C-453
func TestAFileIsCompressedForWhoAcceptsThat(t *testing.T) {
	for _, name := range []string{"style.css", "scalar.js"} { // one is embedded as it is, one compressed
		testCompressed(t, New("/console/static").URL(name))
	}
}

func testCompressed(t *testing.T, path string) {
	t.Helper()
	plain := ask(t, "GET", path)
	want := read(t, plain.Body)
	for accept, compressed := range map[string]bool{
		"": false, "gzip": true, "br, GZIP;q=0.5": true, "gzip;q=0": false, "gzip; q=0.000": false, "gzip;q=1.0": true, "deflate": false, "xgzip": false,
	} {
		answer := ask(t, "GET", path, "Accept-Encoding", accept)
		body := io.Reader(answer.Body)
		if got := answer.Header.Get("Content-Encoding") == "gzip"; got != compressed {
			t.Errorf("%s: Accept-Encoding %q: compressed %v", path, accept, got)
			continue
		}
		if compressed {
			var err error
			if body, err = gzip.NewReader(answer.Body); err != nil {
				t.Fatal(err)
			}
			if answer.Header.Get("ETag") == plain.Header.Get("ETag") {
				t.Error("two encodings have one ETag") // RFC 9110 8.8.3.3
			}
		}
		if read(t, body) != want {
			t.Errorf("%s: Accept-Encoding %q: another content", path, accept)
		}
	}
}

// C-509
func TestTheLibrariesOfOthersAreThoseOfTheList(t *testing.T) {
	list, err := os.ReadFile("vendor/README.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\| `([^`]+)` .* `([0-9a-f]{64})` \\|$").FindAllStringSubmatch(string(list), -1)
	files, err := filepath.Glob("vendor/*.*[!Ed]") // neither licences nor the list
	if err != nil || len(rows) == 0 || len(files) != len(rows) {
		t.Fatalf("%d libraries in the list, files %v: %v", len(rows), files, err)
	}
	for _, row := range rows {
		name, sum := strings.TrimSuffix(row[1], ".gz"), row[2]
		body := read(t, ask(t, "GET", New("/console/static").URL(name)).Body) // of who takes no gzip
		if got := fmt.Sprintf("%x", sha256.Sum256([]byte(body))); got != sum {
			t.Errorf("%s has the sum %s, in the list it is %s", name, got, sum)
		}
	}
}

// C-453
func TestOfAnotherReleaseAPageGetsTheFilesThatThereAre(t *testing.T) {
	answer := ask(t, "GET", "/console/static/AAAAAAAAAAAA/style.css")
	if answer.StatusCode != 200 || answer.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d, Cache-Control: %q", answer.StatusCode, answer.Header.Get("Cache-Control"))
	}
}

// C-453
func TestWhatIsNoFileIsNotFound(t *testing.T) {
	for _, path := range []string{
		New("/console/static").URL("no.css"), "/console/static/", "/console/static/style.css", "/console/static/x/y/style.css", "/console/static/x/web.go", "/console/static/x/%2e%2e/web.go",
	} {
		if answer := ask(t, "GET", path); answer.StatusCode != 404 || answer.Header.Get("Cache-Control") != "" {
			t.Errorf("%s: %d, Cache-Control: %q", path, answer.StatusCode, answer.Header.Get("Cache-Control"))
		}
	}
	if answer := ask(t, "POST", New("/console/static").URL("app.js")); answer.StatusCode != 405 || answer.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: %d, Allow: %q", answer.StatusCode, answer.Header.Get("Allow"))
	}
}

// C-451
func TestTheFilesOfAPageAreSmall(t *testing.T) {
	size := func(names ...string) (sum int) {
		for _, name := range names {
			n := len(read(t, ask(t, "GET", New("/console/static").URL(name), "Accept-Encoding", "gzip").Body))
			t.Log(name, n)
			sum += n
		}
		return sum
	}
	every := size("style.css", "app.js", "icon.svg", "htmx.min.js")
	charts := size("chart.js", "uplot.min.js", "uplot.min.css")
	if every > 32<<10 || charts > 28<<10 {
		t.Errorf("every page loads %d bytes, one with a chart %d more", every, charts)
	}
}

// C-210: no other host, and nothing that the policy forbids.
func TestTheFilesLoadNothing(t *testing.T) {
	for _, name := range names {
		text := read(t, ask(t, "GET", New("/console/static").URL(name)).Body)
		for _, forbidden := range []string{"@import", "url(", "sourceMappingURL"} {
			if strings.Contains(text, forbidden) {
				t.Errorf("%s has %s", name, forbidden)
			}
		}
	}
}

func read(t *testing.T, r io.Reader) string {
	t.Helper()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// pieces notes how large the parts are in which an answer is written.
type pieces struct {
	*httptest.ResponseRecorder
	sizes []int
}

func (p *pieces) Write(part []byte) (int, error) {
	p.sizes = append(p.sizes, len(part))
	return p.ResponseRecorder.Write(part)
}

// who reads slowly holds no copy of a file.
func TestAFileIsWrittenFromWhereItIs(t *testing.T) {
	assets := New("/console/static")
	mux := http.NewServeMux()
	assets.Register(mux.Handle)
	for _, c := range []struct {
		asked  string
		status int
	}{{"", http.StatusOK}, {"bytes=100-35099", http.StatusPartialContent}} {
		r := httptest.NewRequest("GET", assets.URL("htmx.min.js"), nil)
		if c.asked != "" {
			r.Header.Set("Range", c.asked)
		}
		w := &pieces{ResponseRecorder: httptest.NewRecorder()}
		mux.ServeHTTP(w, r)
		want := string(assets.files["htmx.min.js"].body())
		if c.asked != "" {
			want = want[100:35100]
		}
		if w.Code != c.status || w.Body.String() != want {
			t.Errorf("asked for %q: status %d, %d bytes, which are not those of the file", c.asked, w.Code, w.Body.Len())
		}
		if c.asked == "" && len(w.sizes) != 1 {
			t.Errorf("written in parts of %d bytes, and not at once", w.sizes)
		}
	}
}
