package tokenwright

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// api is a resource server that refuses some tokens.
type api struct {
	mu      sync.Mutex
	came    []received
	refuses func(authorization string) bool // nil: none
	says    []string                        // WWW-Authenticate of a refusal; nil for invalid_token
}

type received struct {
	at     time.Time
	header http.Header
	body   string
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.came = append(a.came, received{time.Now(), r.Header.Clone(), string(body)})
	if a.refuses != nil && a.refuses(r.Header.Get("Authorization")) {
		w.Header()["Www-Authenticate"] = a.says
		if a.says == nil {
			w.Header().Set("WWW-Authenticate", `Bearer realm="api", error="invalid_token"`)
		}
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, "Expired token.")
		return
	}
	_, _ = io.WriteString(w, "hello")
}

func (a *api) requests() []received {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]received(nil), a.came...)
}

func (a *api) expect(t *testing.T, tokens ...string) {
	t.Helper()
	var got []string
	for _, r := range a.requests() {
		got = append(got, strings.TrimPrefix(r.header.Get("Authorization"), "Bearer "))
	}
	if strings.Join(got, " ") != strings.Join(tokens, " ") {
		t.Errorf("the API received %v, not %v", got, tokens)
	}
}

// hosts sends requests to handlers by host.
type hosts map[string]http.Handler

func (h hosts) RoundTrip(r *http.Request) (*http.Response, error) {
	handler, ok := h[r.URL.Host]
	if !ok {
		return nil, errors.New("no such host: " + r.URL.Host)
	}
	return inProcess{handler}.RoundTrip(r)
}

// apiClient attaches tokens of s to requests to a.
func apiClient(t *testing.T, s *server, a http.Handler) *http.Client {
	t.Helper()
	c := testConfig(s)
	c.HTTPClient.Transport = hosts{"auth.example.com": s, "api.example.com": a}
	return c.Client(t.Context())
}

// call wants this status and returns the body.
func call(t *testing.T, client *http.Client, r *http.Request, want int) string {
	t.Helper()
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != want {
		t.Fatalf("status %d, not %d; %s, %v", resp.StatusCode, want, body, err)
	}
	return string(body)
}

func request(t *testing.T, body io.Reader) *http.Request {
	t.Helper()
	method := http.MethodGet
	if body != nil {
		method = http.MethodPost
	}
	r, err := http.NewRequestWithContext(t.Context(), method, "https://api.example.com/x", body)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func only(token string) func(string) bool {
	return func(authorization string) bool { return authorization == "Bearer "+token }
}

func TestEveryRequestGetsTheToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, a := &server{}, &api{}
		client := apiClient(t, s, a)
		for range 3 {
			r := request(t, nil)
			if got := call(t, client, r, http.StatusOK); got != "hello" || len(r.Header) != 0 {
				t.Errorf("got %s; the request has %v", got, r.Header)
			}
		}
		a.expect(t, "token-1", "token-1", "token-1")
		s.expect(t, 1)
	})
}

// C-252.
func TestARefusedTokenIsReplacedAndTheRequestSentOnceMore(t *testing.T) {
	for name, body := range map[string]func() io.Reader{
		"no body": func() io.Reader { return nil }, "http.NoBody": func() io.Reader { return http.NoBody },
		"bytes": func() io.Reader { return bytes.NewReader([]byte("four")) }, "a string": func() io.Reader { return strings.NewReader("four") },
	} {
		synctest.Test(t, func(t *testing.T) {
			s, a := &server{}, &api{refuses: only("token-1")}
			r := request(t, body())
			if got := call(t, apiClient(t, s, a), r, http.StatusOK); got != "hello" {
				t.Errorf("%s: got %s", name, got)
			}
			a.expect(t, "token-1", "token-2")
			if came := a.requests(); came[0].body != came[1].body || body() != nil && body() != http.NoBody && came[1].body != "four" {
				t.Errorf("%s: %q was sent, then %q", name, came[0].body, came[1].body)
			}
			s.expect(t, 2)
		})
	}
}

// C-252: a body that is gone cannot be sent again.
func TestARequestWhoseBodyCannotBeReadAgainIsNotSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, a := &server{}, &api{refuses: only("token-1")}
		r := request(t, io.MultiReader(strings.NewReader("gone")))
		if got := call(t, apiClient(t, s, a), r, http.StatusUnauthorized); got != "Expired token." {
			t.Errorf("got %s", got)
		}
		a.expect(t, "token-1")
	})
}

// C-252: no loop, and a server that is left alone: exchanges after 0, 1, 3, 7, 15,
// 31, 63 s, then once a minute, beside those at 80 % of each life.
func TestAnAPIThatRefusesEveryTokenCausesFewExchanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, a := &server{}, &api{refuses: func(string) bool { return true }}
		client := apiClient(t, s, a)
		if got := call(t, client, request(t, nil), http.StatusUnauthorized); got != "Expired token." {
			t.Errorf("got %s", got)
		}
		a.expect(t, "token-1", "token-2")
		for range 10 * 600 {
			call(t, client, request(t, nil), http.StatusUnauthorized)
			time.Sleep(100 * time.Millisecond)
		}
		if n := len(s.requests()); n < 15 || n > 17 {
			t.Errorf("%d exchanges in ten minutes", n)
		}
		// After quiet, as at the beginning.
		time.Sleep(3 * time.Minute)
		before := len(s.requests())
		call(t, client, request(t, nil), http.StatusUnauthorized)
		time.Sleep(1100 * time.Millisecond)
		call(t, client, request(t, nil), http.StatusUnauthorized)
		s.expect(t, before+2)
	})
}

// C-252, C-250.
func TestManyRefusalsOfOneTokenCauseOneExchange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, a := &server{}, &api{}
		client := apiClient(t, s, a)
		call(t, client, request(t, nil), http.StatusOK)
		s.set(slow(time.Second, issue))
		a.refuses = only("token-1")
		var callers sync.WaitGroup
		for i := range 200 {
			callers.Go(func() {
				time.Sleep(time.Duration(i) * 10 * time.Millisecond) // before, while and after it is replaced
				call(t, client, request(t, nil), http.StatusOK)
			})
		}
		callers.Wait()
		s.expect(t, 2)
	})
}

// C-252: the answer of the API is all that a caller can use then, and it is
// whole.
func TestARefusalIsReturnedWhereNoOtherTokenCanBeHad(t *testing.T) {
	for _, status := range []int{401, 503} {
		synctest.Test(t, func(t *testing.T) {
			s, a := &server{}, &api{}
			client := apiClient(t, s, a)
			call(t, client, request(t, nil), http.StatusOK)
			s.set(refuse(status, "an_error"))
			a.refuses = only("token-1")
			if got := call(t, client, request(t, nil), http.StatusUnauthorized); got != "Expired token." {
				t.Errorf("%d: got %s", status, got)
			}
			a.expect(t, "token-1", "token-1")
		})
	}
}

// C-252: another token must be another one.
func TestTheSameTokenIsNotSentAgain(t *testing.T) {
	for name, source := range map[string]TokenSource{"the same": stubborn{fixed("x")}, "none": helpless{fixed("x")}} {
		a := &api{refuses: func(string) bool { return true }}
		client := &http.Client{Transport: &Transport{Source: source, Base: inProcess{a}}}
		if got := call(t, client, request(t, nil), http.StatusUnauthorized); got != "Expired token." || len(a.requests()) != 1 {
			t.Errorf("%s: got %s after %d requests", name, got, len(a.requests()))
		}
	}
}

type stubborn struct{ TokenSource }

func (stubborn) Replace(_ context.Context, refused *Token) (*Token, error) { return refused, nil }

type helpless struct{ TokenSource }

func (helpless) Replace(context.Context, *Token) (*Token, error) { return nil, nil }

// C-252: the answer that nobody gets gives its connection back.
func TestARefusalIsReadToItsEnd(t *testing.T) {
	a := &api{refuses: only("token-1")}
	var connections atomic.Int32
	tokens := &server{}
	server := httptest.NewUnstartedServer(a)
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	source := newSource(t, testConfig(tokens))
	client := &http.Client{Transport: &Transport{Source: source, Base: &http.Transport{}}}
	defer client.CloseIdleConnections()
	resp, err := client.Post(server.URL, "text/plain", strings.NewReader("body"))
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("got %v, %v", resp, err)
	}
	_ = resp.Body.Close()
	a.expect(t, "token-1", "token-2")
	if n := connections.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

// http.Request allows it to clients.
func TestARequestWithoutHeaderIsSent(t *testing.T) {
	a := &api{}
	r := request(t, nil)
	r.Header = nil
	resp, err := (&Transport{Source: fixed("x"), Base: inProcess{a}}).RoundTrip(r)
	if err != nil || r.Header != nil {
		t.Fatalf("got %v, header %v", err, r.Header)
	}
	_ = resp.Body.Close()
	a.expect(t, "x")
}

// A Source that cannot replace a token: the answer is the caller's.
func TestAForeignSourceGetsNoReplay(t *testing.T) {
	a := &api{refuses: func(string) bool { return true }}
	client := &http.Client{Transport: &Transport{Source: fixed("foreign"), Base: inProcess{a}}}
	call(t, client, request(t, nil), http.StatusUnauthorized)
	a.expect(t, "foreign")
}

type fixed string

func (f fixed) Token(context.Context) (*Token, error) { return &Token{AccessToken: string(f)}, nil }

// C-255: tokens over http to loopback alone, unless allowed.
func TestTokensAreNotSentOverHTTP(t *testing.T) {
	for url, good := range map[string]bool{
		"https://api.example.com": true, "http://localhost:1": true, "http://127.0.0.1": true, "http://[::1]:8080": true,
		"http://api.example.com": false, "http://10.0.0.1": false, "http://localhost.example.com": false,
	} {
		for _, allowed := range []bool{false, true} {
			a := &api{}
			body := &closed{Reader: strings.NewReader("body")}
			r, err := http.NewRequest(http.MethodPost, url, body)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := (&Transport{Source: fixed("x"), Base: inProcess{a}, AllowHTTP: allowed}).RoundTrip(r)
			if want := good || allowed; (err == nil) != want || len(a.requests()) == 1 != want || !body.is || (resp != nil) != want {
				t.Errorf("%s, allowed %v: got %v, %d requests, closed %v", url, allowed, err, len(a.requests()), body.is)
			}
		}
	}
}

// closed notes whether a body was closed.
type closed struct {
	io.Reader
	is bool
}

func (c *closed) Close() error {
	c.is = true
	return nil
}

// http.RoundTripper: the body is closed whatever happens.
func TestTheBodyOfARequestThatIsNotSentIsClosed(t *testing.T) {
	for name, transport := range map[string]*Transport{
		"no Source": {}, "no token": {Source: brokenSource{errors.New("none")}}, "a header of its own": {Source: fixed("x")},
	} {
		body := &closed{Reader: strings.NewReader("body")}
		r := request(t, body)
		if name == "a header of its own" {
			r.Header.Set("Authorization", "Basic eDp5")
		}
		a := &api{}
		transport.Base = inProcess{a}
		if resp, err := transport.RoundTrip(r); err == nil || resp != nil || !body.is || strings.Contains(err.Error(), "eDp5") {
			t.Errorf("%s: got %v, %v, closed %v", name, resp, err, body.is)
		}
		if len(a.requests()) != 0 {
			t.Errorf("%s: it was sent", name)
		}
	}
}
