package browser

import (
	"html/template"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/web"
	"github.com/tokenwright/tokenwright/test/harness"
)

// Without the race detector: what it could find here the tests of the packages have
// looked for, and a password takes ten times as long with it.
func TestMain(m *testing.M) { os.Exit(harness.MainWithoutRace(m)) }

// policy is that of the console.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'"

// C-450, C-451, C-452
func TestEveryPartOfAPageIsForEverybody(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(gallery(t))
	defer server.Close()
	Run(t, "gallery.mjs", map[string]string{"BASE_URL": server.URL})
}

// broken breaks rules that the tests are to notice.
const broken = `<!DOCTYPE html><html lang="en"><title>Broken</title><img src="https://example.com/x.png">
<div style="width: 3000px; color: #aaa">Too wide and too pale</div>
<p id="late">Moved</p><script>setTimeout(() => { late.style.marginTop = "300px" }, 200)</script>`

// galleryKey is a row of the gallery's table of API keys.
type galleryKey struct {
	ID, Name, Status, Used string
	Scopes                 []string
	Tokens                 int
}

// galleryDay is a row of the gallery's chart.
type galleryDay struct {
	Date            string
	Issued, Refused int
}

// gallery serves the pages that show every part of a page.
func gallery(t *testing.T) http.Handler {
	assets := web.New("/console/static")
	read := func(name string) *template.Template {
		text := harness.ReadFile(t, "internal", "web", "testdata", name)
		return template.Must(template.New(name).Funcs(template.FuncMap{"asset": assets.URL}).Parse(text))
	}
	mux := http.NewServeMux()
	assets.Register(mux.Handle)
	page := func(tmpl *template.Template) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Security-Policy", policy)
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			if err := tmpl.Execute(w, galleryData(r)); err != nil {
				t.Error(err)
			}
		}
	}
	parts, plain := page(read("gallery.html")), page(read("gallery-plain.html"))
	mux.Handle("/gallery/{env}", parts)
	mux.Handle("/plain", plain)
	mux.HandleFunc("/gallery/keys", func(w http.ResponseWriter, r *http.Request) {
		switch r.FormValue("q") {
		case "signed out":
			http.Redirect(w, r, "/plain", http.StatusSeeOther)
		case "forbidden":
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.WriteHeader(http.StatusForbidden)
			plain(w, r)
		default:
			parts(w, r)
		}
	})
	mux.HandleFunc("/broken", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(broken)) })
	return mux
}

func galleryData(r *http.Request) map[string]any {
	env := r.PathValue("env")
	if env == "" {
		env = "demo"
	}
	var keys []galleryKey
	for _, k := range []galleryKey{
		{"twc_demo_4vT0cLx8SgJrQ2mYbKw1Zp", "Shop integration", "active", "2026-11-28T20:59:00Z", []string{"customers:read", "customers:write", "coupons:read"}, 18204},
		{"twc_demo_9hWq3VtRz7NdB5sXa0LkCe", "Nightly export of rewards to the data warehouse", "expired", "2026-10-02T03:00:00Z", []string{"rewards:read"}, 0},
		{"twc_demo_2pMf6YuJ1oGxE8iTb4HrSn", "Support desk", "disabled", "", []string{"customers:read"}, 0},
	} {
		if strings.Contains(strings.ToLower(k.Name+k.ID), strings.ToLower(r.FormValue("q"))) {
			keys = append(keys, k)
		}
	}
	var days []galleryDay
	for i := range 30 {
		date := time.Date(2026, 10, 30+i, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
		days = append(days, galleryDay{date, 3000 + (i*i*37+i*811)%2600, (i * 7 % 11) * 40})
	}
	return map[string]any{"Env": env, "Keys": keys, "Days": days}
}
