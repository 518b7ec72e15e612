package interop

import (
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/tokenwright/tokenwright/test/harness"
)

// front stands before the server, as a gateway does. It knows of every token
// in what way its client authenticated, for a library that is told a way might
// take another; and it ends TLS for libraries that insist on it.
type front struct {
	url, secureURL string
	certificate    string // path: of secureURL, in PEM

	mu  sync.Mutex
	way map[string]string // by access token: Basic, form or JSON
}

func newFront(t *testing.T, port int) *front {
	t.Helper()
	f := &front{way: map[string]string{}}
	server := &url.URL{Scheme: "http", Host: fmt.Sprintf("127.0.0.1:%d", port)}
	proxy := &httputil.ReverseProxy{
		Rewrite:        func(r *httputil.ProxyRequest) { r.SetURL(server); r.Out.Host = r.In.Host },
		ModifyResponse: f.note,
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { // the server is starting
			w.WriteHeader(http.StatusBadGateway)
		},
	}
	plain, secure := httptest.NewServer(proxy), httptest.NewTLSServer(proxy)
	t.Cleanup(plain.Close)
	t.Cleanup(secure.Close)
	f.url = strings.Replace(plain.URL, "127.0.0.1", "localhost", 1)
	f.secureURL = secure.URL
	f.certificate = filepath.Join(t.TempDir(), "certificate.pem")
	block := &pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw}
	if err := os.WriteFile(f.certificate, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	return f
}

// note reads the answers of the token endpoint on their way.
func (f *front) note(resp *http.Response) error {
	token, err := harness.PassingToken(resp)
	if token == "" {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.way[token] = wayOf(resp.Request.Header)
	return nil
}

// wayOf tells where client ID and secret stand in a request that got a token:
// the server refuses a second place.
func wayOf(h http.Header) string {
	switch {
	case h.Get("Authorization") != "":
		return "Basic"
	case strings.HasPrefix(h.Get("Content-Type"), "application/json"):
		return "JSON"
	default:
		return "form"
	}
}

// wayFor tells in what way the client of a token authenticated.
func (f *front) wayFor(token string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.way[token]
}
