package sdk

import (
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/tokenwright/tokenwright"
	"github.com/tokenwright/tokenwright/test/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

// counting is a transport that counts token requests.
type counting struct {
	http.RoundTripper
	exchanges atomic.Int64
}

func (c *counting) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path == "/oauth/token" || r.URL.Path == "/demo/oauth/token" {
		c.exchanges.Add(1)
	}
	return c.RoundTripper.RoundTrip(r)
}

// application is a client of a server, its secret in a file.
type application struct {
	tokenwright.Config
	*counting
}

func newApplication(t *testing.T, s *harness.Server, key harness.APIKey) *application {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	writeSecret(t, path, key.ClientSecret)
	transport := s.Client.Transport.(*http.Transport).Clone()
	t.Cleanup(transport.CloseIdleConnections)
	c := &counting{RoundTripper: transport}
	return &application{
		tokenwright.Config{
			URL: s.URL, ClientID: key.ClientID, ClientSecretFile: path,
			HTTPClient: &http.Client{Transport: c}, Logger: slog.New(slog.DiscardHandler),
		}, c,
	}
}

// writeSecret replaces the file at once, as whoever rotates a secret should.
func writeSecret(t *testing.T, path, secret string) {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

func newSource(t *testing.T, c tokenwright.Config) tokenwright.TokenSource {
	t.Helper()
	source, err := c.TokenSource(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return source
}

// get returns a token, and notes it for the search at the end.
func get(t *testing.T, source tokenwright.TokenSource) *tokenwright.Token {
	t.Helper()
	token, err := source.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	harness.NoteToken(token.AccessToken)
	return token
}
