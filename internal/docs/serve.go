package docs

import (
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/tokenwright/tokenwright/internal/web"
)

// closed is the policy of what runs and loads nothing.
const closed = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// policy lets a page load what this server has, and ask this server and the origins
// that the page may ask besides.
func (s *Site) policy(p *page) string {
	connect := append([]string{"'self'"}, s.origins(p)...)
	return "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src " + strings.Join(connect, " ") +
		"; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}

// answer is one file, made when it is first asked for; it is its own handler.
type answer struct {
	policy string
	body   func() []byte
	file   func() *web.File
}

func newAnswer(contentType, policy string, body func() ([]byte, error)) *answer {
	made := sync.OnceValue(func() []byte {
		b, err := body()
		if err != nil {
			panic(fmt.Errorf("making a page of the documentation: %w", err)) // all is embedded, and tests make every page
		}
		return b
	})
	return &answer{policy, made, sync.OnceValue(func() *web.File { return web.NewFile(contentType, made()) })}
}

// ServeHTTP answers GET and HEAD, and 304 to who has the body already.
func (a *answer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	setHeaders(h, a.policy)
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		h.Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusMethodNotAllowed)
		_, _ = w.Write([]byte(`{"code":"405","message":"This page only answers GET and HEAD. Repeat the request with GET."}` + "\n"))
		return
	}
	a.file().Serve(w, r)
}

// serveStatus answers with a page that says why there is no other.
func (a *answer) serveStatus(w http.ResponseWriter, status int) {
	setHeaders(w.Header(), a.policy)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(a.body())
}

// setHeaders sets what every answer carries (C-210). The pages are public, and
// debuggers in a browser may read them from any origin.
func setHeaders(h http.Header, policy string) {
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Cache-Control", "public, max-age=300")
}
