package examples

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/tokenwright/tokenwright/test/harness"
)

// front stands before the server and counts what it is asked.
type front struct {
	url string

	mu    sync.Mutex
	asked map[string]int // by path
	// before, if set, is called with the number of an exchange, from 1 on,
	// before the server hears of it.
	before func(n int)
}

func newFront(t *testing.T, server string) *front {
	t.Helper()
	to, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	f := &front{asked: map[string]int{}}
	proxy := &httputil.ReverseProxy{
		Rewrite:        func(r *httputil.ProxyRequest) { r.SetURL(to); r.Out.Host = r.In.Host },
		ModifyResponse: noteTokens,
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { // the server is away
			w.WriteHeader(http.StatusBadGateway)
		},
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		f.asked[r.URL.Path]++
		n, before := f.asked[r.URL.Path], f.before
		f.mu.Unlock()
		if before != nil && strings.HasSuffix(r.URL.Path, "/oauth/token") {
			before(n)
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	f.url = strings.Replace(s.URL, "127.0.0.1", "localhost", 1)
	return f
}

// times is how often the path has been asked for.
func (f *front) times(path string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked[path]
}

func (f *front) exchanges() int { return f.times("/oauth/token") }

// noteTokens notes the access tokens that pass, for the search at the end.
func noteTokens(resp *http.Response) error {
	token, err := harness.PassingToken(resp)
	if token != "" {
		harness.NoteToken(token)
	}
	return err
}
