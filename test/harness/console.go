package harness

import (
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"testing"
)

var setUpLink = regexp.MustCompile(`/console/link\?token=([0-9A-Za-z]+)`)

// SetUp makes the first operator, by the link that the server shows when it
// starts without one.
func (s *Server) SetUp(t testing.TB, email, password string) {
	t.Helper()
	note(password, "password")
	log, err := os.ReadFile(s.Log)
	if err != nil {
		t.Fatal(err)
	}
	link := setUpLink.FindSubmatch(log)
	if link == nil {
		t.Fatal("the server shows no set-up link")
	}
	form := url.Values{"token": {string(link[1])}, "email": {email}, "name": {"Ada"}, "password": {password}}
	if a := s.Submit(t, "/console/link", form); a.Status != http.StatusSeeOther {
		t.Fatalf("the set-up link: status %d\n%s", a.Status, a.Body)
	}
}

// Submit sends a form of the console as a browser does that shows one of its
// pages, and follows no redirect.
func (s *Server) Submit(t testing.TB, path string, form url.Values) *Answer {
	t.Helper()
	resp, err := s.Client.Transport.RoundTrip(FormOf(t, s.URL, path, form))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return &Answer{resp.StatusCode, resp.Header, body}
}

// FormOf prepares a form of the console at base.
func FormOf(t testing.TB, base, path string, form url.Values) *http.Request {
	t.Helper()
	r := NewRequest(t, http.MethodPost, base+path, form.Encode())
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", base)
	return r
}
