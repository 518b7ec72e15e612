package tokenwright

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"
)

const testSecret = "tws_demo_0123456789012345678901234567890123456789"

// server is a token endpoint that does what a test wants.
type server struct {
	mu     sync.Mutex
	asked  []asked
	answer func(n int, w http.ResponseWriter, r *http.Request) // to the n-th request, from 1; nil for issue
}

// asked is one request that came.
type asked struct {
	at     time.Time
	method string
	url    string
	header http.Header
	form   url.Values
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	s.mu.Lock()
	s.asked = append(s.asked, asked{time.Now(), r.Method, r.URL.String(), r.Header.Clone(), r.PostForm})
	n, answer := len(s.asked), s.answer
	s.mu.Unlock()
	if answer == nil {
		answer = issue
	}
	answer(n, w, r)
}

// set changes what the server does from now on.
func (s *server) set(answer func(n int, w http.ResponseWriter, r *http.Request)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = answer
}

func (s *server) requests() []asked {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

// expect fails the test unless so many requests have come.
func (s *server) expect(t *testing.T, want int) {
	t.Helper()
	if got := len(s.requests()); got != want {
		t.Fatalf("%d exchanges, not %d", got, want)
	}
}

// issue answers with a token of an hour, named by its number.
func issue(n int, w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, fmt.Sprintf(`{"access_token":"token-%d","expires_in":3600,"token_type":"bearer","scope":"customers:read"}`, n))
}

// refuse answers with an error of RFC 6749.
func refuse(status int, code string) func(int, http.ResponseWriter, *http.Request) {
	return func(_ int, w http.ResponseWriter, _ *http.Request) {
		reply(w, status, `{"error":"`+code+`","error_description":"No."}`)
	}
}

// slow answers as another, so much later.
func slow(d time.Duration, answer func(int, http.ResponseWriter, *http.Request)) func(int, http.ResponseWriter, *http.Request) {
	return func(n int, w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(d):
			answer(n, w, r)
		case <-r.Context().Done(): // the client has gone
		}
	}
}

func reply(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body))
}

// inProcess answers requests by a handler, without a network: in a bubble of
// synctest, time goes on only while all goroutines wait for each other.
type inProcess struct{ http.Handler }

func (p inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer func() { _ = r.Body.Close() }()
	}
	done := make(chan *http.Response, 1)
	go func() {
		w := httptest.NewRecorder()
		in := r.Clone(r.Context())
		if in.Body == nil {
			in.Body = http.NoBody // as in a server
		}
		p.ServeHTTP(w, in)
		done <- w.Result()
	}()
	select {
	case resp := <-done:
		return resp, nil
	case <-r.Context().Done():
		return nil, context.Cause(r.Context())
	}
}

// testConfig is that of a client of s.
func testConfig(s *server) Config {
	return Config{
		URL: "https://auth.example.com", ClientID: "twc_demo_0123456789012345678901", ClientSecret: testSecret,
		HTTPClient: &http.Client{Transport: inProcess{s}}, Logger: slog.New(slog.DiscardHandler),
	}
}

func newSource(t *testing.T, c Config) TokenSource {
	t.Helper()
	source, err := c.TokenSource(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return source
}

// get wants this token.
func get(t *testing.T, source TokenSource, want string) *Token {
	t.Helper()
	token, err := source.Token(t.Context())
	if err != nil {
		t.Fatalf("no token: %v", err)
	}
	if token.AccessToken != want {
		t.Fatalf("got %s, not %s", token.AccessToken, want)
	}
	return token
}

// getError wants none.
func getError(t *testing.T, source TokenSource) error {
	t.Helper()
	token, err := source.Token(t.Context())
	if err == nil {
		t.Fatalf("got %s", token.AccessToken)
	}
	return err
}
