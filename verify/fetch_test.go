package verify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/accesstoken"
)

// C-118: whoever can alter the issuer's documents on their way can make tokens.
func TestDocumentsComeByHTTPSOrFromThisHost(t *testing.T) {
	for _, address := range []string{
		"https://auth.example.com", "https://auth.example.com:8443/demo", "http://localhost:8080/demo", "http://auth.localhost/demo",
		"http://127.0.0.1:8080", "http://127.1.2.3", "http://[::1]:8080/demo",
	} {
		if _, err := checkURL(address); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
	for _, address := range []string{
		"", "demo", "https://", "https:///demo", "https://auth.example.com/%zz", "https://a@auth.example.com", "https://auth.example.com/#a",
		"https://auth.example.com/?a=b", "https://auth.example.com/?", "https://auth.example.com/demo#", "http://auth.example.com", "http://192.0.2.1/demo", "http://localhost.example.com", "ftp://localhost/demo",
	} {
		if u, err := checkURL(address); err == nil {
			t.Errorf("%q is taken as %v", address, u)
		}
	}
}

// C-118: no redirect is followed, no cookie is sent, no document is read that is
// too large, and each connection can be used again.
func TestADocumentIsFetchedAsItIsAskedFor(t *testing.T) {
	const size = 100
	answers := map[string]func(http.ResponseWriter, *http.Request){
		"/moved":   func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/good", http.StatusFound) },
		"/busy":    func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Retry-After", "7"); w.WriteHeader(503) },
		"/longest": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, strings.Repeat("x", size)) },
		"/longer":  func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, strings.Repeat("x", size+1)) },
		"/text":    func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Type", "text/plain") },
		"/good": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "max-age=5")
			http.SetCookie(w, &http.Cookie{Name: "a", Value: "b"})
			fmt.Fprint(w, r.Header.Get("Accept"), r.Header.Get("User-Agent"), r.Header.Get("Cookie"))
		},
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/jwt")
		answers[r.URL.Path](w, r)
	}))
	defer server.Close()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	opened, closed := 0, 0
	counted := func(r *http.Request) (*http.Response, error) {
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err == nil {
			opened++
			resp.Body = closing{resp.Body, &closed}
		}
		return resp, err
	}
	documents := fetcherOf(&http.Client{Jar: jar, Transport: roundTrip(counted)})
	get := func(path string) (string, error) {
		d, err := documents.fetch(t.Context(), server.URL+path, "application/jwt", size)
		if err != nil {
			return "", err
		}
		return d.whole(), nil
	}
	for range 2 { // the second time there would be a cookie
		if got, err := get("/good"); got != "application/jwttokenwright-verify;max-age=5" || err != nil {
			t.Errorf("good: got %q, %v", got, err)
		}
	}
	if got, err := get("/longest"); len(got) < size || err != nil {
		t.Errorf("as long as may be: %v", err)
	}
	for path, want := range map[string]statusError{"/moved": {302, 0}, "/busy": {503, 7 * time.Second}} {
		_, err := get(path)
		if got, ok := errors.AsType[*statusError](err); !ok || *got != want {
			t.Errorf("%s: got %v", path, err)
		}
	}
	for _, path := range []string{"/longer", "/text"} {
		if got, err := get(path); err == nil {
			t.Errorf("%s: got %q", path, got)
		}
	}
	if opened != closed {
		t.Errorf("of %d answers %d are closed", opened, closed)
	}
}

// whole is all that a document is.
func (d *document) whole() string { return string(d.body) + ";" + d.cacheControl }

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

type closing struct {
	io.ReadCloser
	closed *int
}

func (c closing) Close() error { *c.closed++; return c.ReadCloser.Close() }

// A client that is given stays as it is, and keeps the transport it has.
func TestTheClientThatFetchesIsOurOwn(t *testing.T) {
	if c := fetcherOf(nil); c.Transport == nil || c.Transport == http.DefaultTransport {
		t.Error("without a client connections are shared with others")
	}
	transport := new(idle)
	given := http.Client{Timeout: time.Nanosecond, Transport: transport}
	if c := fetcherOf(&given); c.Timeout != 0 || c.Transport != transport || given.Timeout != time.Nanosecond || given.CheckRedirect != nil {
		t.Errorf("given %+v, got %+v", given, c)
	}
	r, err := newRemote(&Config{Issuer: "https://auth.example.com/demo", HTTPClient: &given})
	if err != nil {
		t.Fatal(err)
	}
	r.close()
	if !transport.closed {
		t.Error("connections stay open behind Close")
	}
}

type idle struct {
	http.RoundTripper
	closed bool
}

func (i *idle) CloseIdleConnections() { i.closed = true }

// RFC 9111 section 5.2.2.1.
func TestMaxAgeIsReadFromCacheControl(t *testing.T) {
	for header, want := range map[string]time.Duration{
		"max-age=60": time.Minute, "public, Max-Age=60": time.Minute, `no-transform,max-age="60"`: time.Minute, "s-maxage=1, max-age=60": time.Minute, "max-age=0": 0,
		"": -1, "no-cache": -1, "max-age": -1, "max-age=x": -1, "max-age=-60": -1,
	} {
		if got, ok := maxAge(header); ok != (want >= 0) || ok && got != want {
			t.Errorf("%q: got %v, %v", header, got, ok)
		}
	}
}

func TestWhoFailsIsAskedLessAndLessOften(t *testing.T) {
	busy := func(after time.Duration) error { return fmt.Errorf("x: %w", &statusError{503, after}) }
	for _, tc := range []struct {
		err      error
		failures int
		least    time.Duration
	}{
		{io.EOF, 1, 250 * time.Millisecond}, {io.EOF, 2, 500 * time.Millisecond}, {io.EOF, 5, 4 * time.Second}, {io.EOF, 6, 5 * time.Second}, {io.EOF, 1000, 5 * time.Second},
		{busy(0), 1, 250 * time.Millisecond}, {busy(20 * time.Second), 1, 20 * time.Second}, {busy(time.Hour), 1, time.Minute},
	} {
		for range 100 {
			if got := retryPause(tc.err, tc.failures); got < tc.least || got >= 2*tc.least {
				t.Errorf("%v, %d failures: %v, want %v and as much again at most", tc.err, tc.failures, got, tc.least)
			}
		}
	}
}

func TestSleepEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	if !sleep(ctx, 0) {
		t.Error("it was not slept")
	}
	cancel()
	if sleep(ctx, time.Hour) {
		t.Error("it was slept for an hour")
	}
}

// What is known is shared with who reads it, so it is copied before more is added.
func TestWhatIsKnownOfRevocationsIsNeverChanged(t *testing.T) {
	known := map[string]int{"a": 1}
	more := with(known, 1)
	more["b"] = 2
	if len(known) != 1 || more["a"] != 1 {
		t.Errorf("known is %v, and with one more %v", known, more)
	}
	if with(known, 0)["c"] = 3; known["c"] != 3 {
		t.Error("it is copied for nothing")
	}
	if with[string, int](nil, 0) == nil {
		t.Error("nothing can be added to what is empty")
	}
}

// docs/revocation: news that do not join on to what is known are not taken, and
// everything is read again.
func TestNewsThatDoNotJoinOnHaveAllReadAgain(t *testing.T) {
	now := time.Now()
	known := &revoked{issuedAt: now, lineage: 1, seq: 5}
	for name, r := range map[string]*accesstoken.Revocations{
		"news are missing": {Partial: true, Lineage: 1, Seq: 10, After: 6}, "another lineage": {Partial: true, Lineage: 2, Seq: 10, After: 5},
	} {
		f := &followedFeed{remote: &remote{}, clock: time.Now, wholeAt: now}
		if err := f.take(r, known); err == nil || !f.wholeAt.IsZero() || f.list.Load() != nil {
			t.Errorf("%s: got %v, whole at %v", name, err, f.wholeAt)
		}
	}
	f := &followedFeed{remote: &remote{}, clock: time.Now, wholeAt: now}
	if err := f.take(&accesstoken.Revocations{Partial: true, Lineage: 1, Seq: 10, After: 5}, known); err != nil || f.list.Load() == nil || !f.wholeAt.Equal(now) {
		t.Errorf("news that join on: %v", err)
	}
}

// C-118: exactly as old as it may be is not too old.
func TestRevocationsAreBelievedUpToTheirLimit(t *testing.T) {
	f := &followedFeed{remote: &remote{}}
	f.metadata.Store(&metadata{maxStale: time.Minute})
	f.list.Store(&revoked{issuedAt: now})
	if err := f.Revoked(now.Add(time.Minute), "", &Claims{}); err != nil {
		t.Errorf("at the limit: %v", err)
	}
	if err := f.Revoked(now.Add(time.Minute+1), "", &Claims{}); !errors.Is(err, ErrUnavailable) {
		t.Errorf("behind the limit: %v", err)
	}
}
