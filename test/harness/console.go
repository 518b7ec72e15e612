package harness

import (
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"testing"
	"time"
)

var setUpLink = regexp.MustCompile(`/console/link\?token=([0-9A-Za-z]+)`)

// SetUpLink is the path of the link that the server shows when it starts without an
// operator, a moment after it is ready, and the token of the link.
func (s *Server) SetUpLink(t testing.TB) (path, token string) {
	t.Helper()
	var link []string
	Eventually(t, 10*time.Second, "the server shows a set-up link", func() bool {
		printed, err := os.ReadFile(s.Output)
		if err != nil {
			t.Fatal(err)
		}
		link = setUpLink.FindStringSubmatch(string(printed))
		return link != nil
	})
	return link[0], link[1]
}

// SetUp makes the first operator, by that link.
func (s *Server) SetUp(t testing.TB, email, password string) {
	t.Helper()
	note(password, "password")
	_, token := s.SetUpLink(t)
	form := url.Values{"token": {token}, "email": {email}, "name": {"Ada"}, "password": {password}}
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
