package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/postgrestest"
)

// served is a server in this process.
type served struct {
	url    string
	mu     sync.Mutex
	log    bytes.Buffer
	stop   func()
	ended  chan struct{}
	result int
}

// Write takes what the server logs.
func (s *served) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.Write(p)
}

func (s *served) logged() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.String()
}

func serveHere(t *testing.T, environ ...string) *served {
	t.Helper()
	return serveAt(t, "http://localhost:8080", environ...)
}

// serveAt is a server whose base URL is url, wherever it listens.
func serveAt(t *testing.T, url string, environ ...string) *served {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	s := &served{url: "http://" + address, stop: cancel, ended: make(chan struct{})}
	go func() {
		defer close(s.ended)
		s.result = run(ctx, []string{"serve", "--listen", address, "--url", url, "--metrics-listen", "off"}, environ, nil, io.Discard, s)
	}()
	t.Cleanup(func() {
		cancel()
		<-s.ended
		if t.Failed() {
			t.Log(s.logged())
		}
	})
	return s
}

// ask returns the head of an answer.
func (s *served) ask(t *testing.T, path string) *http.Response {
	t.Helper()
	resp, err := http.DefaultTransport.RoundTrip(httptest.NewRequest(http.MethodGet, s.url+path, nil)) // which follows nothing
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp
}

// ends waits until the server has ended by itself.
func (s *served) ends(t *testing.T) {
	t.Helper()
	select {
	case <-s.ended:
	case <-time.After(20 * time.Second):
		t.Fatal("it has not ended")
	}
}

// answers waits until the address answers with the status, and returns the body.
func (s *served) answers(t *testing.T, path string, status int) (body string, header http.Header) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		resp, err := http.Get(s.url + path)
		if err == nil {
			text, err := io.ReadAll(resp.Body)
			if err == nil && resp.StatusCode == status && resp.Body.Close() == nil {
				return string(text), resp.Header
			}
			body = resp.Status + " " + string(text)
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not answer %d: %v %s", path, status, err, body)
		}
	}
}

func masterKey(fill byte) string {
	return "TOKENWRIGHT_MASTER_KEY=" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{fill}, 32))
}

// a node whose database is away lives, is not ready, says why, and begins
// to work once the database is there. C-022: it never says that credentials are
// wrong.
func TestServeWaitsForItsDatabase(t *testing.T) {
	t.Parallel()
	database := postgrestest.Start(t, "fsync=off")
	url := "TOKENWRIGHT_DATABASE=" + database.Database(t)
	if err := database.Stop(syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	s, other := serveHere(t, url, masterKey(1)), serveHere(t, url, masterKey(2))
	s.answers(t, "/healthz", http.StatusOK)
	if body, header := s.answers(t, "/readyz", http.StatusServiceUnavailable); !strings.Contains(body, "has not answered since this node was started") || header.Get("Retry-After") == "" {
		t.Errorf("it does not say why it is not ready: %s %v", body, header)
	}
	if body, header := s.answers(t, "/oauth/token", http.StatusServiceUnavailable); !strings.Contains(body, "waits for its database") || header.Get("Retry-After") == "" {
		t.Errorf("a request before the database is there: %s %v", body, header)
	}
	for _, path := range []string{"/forward-auth?env=demo&scope=a", "/forward-auth/orders//x"} { // C-334: gateways understand no 503
		if body, _ := s.answers(t, path, http.StatusForbidden); !strings.Contains(body, "cannot be verified at the moment") {
			t.Errorf("a gateway that asks before the database is there: %s", body)
		}
	}
	if err := database.Restart(); err != nil {
		t.Fatal(err)
	}
	// Whichever is first sets the database up; the other one has another key.
	first, second := s, other
	select {
	case <-s.ended:
		first, second = other, s
	case <-other.ended:
	case <-time.After(30 * time.Second):
		t.Fatal("neither of two nodes with different master keys has ended")
	}
	if second.result != exitFailed || !strings.Contains(second.logged(), "the master key does not open this database") {
		t.Errorf("the node with another master key ended with %d:\n%s", second.result, second.logged())
	}
	first.answers(t, "/readyz", http.StatusOK)
	first.answers(t, "/demo/oauth/jwks", http.StatusOK)
	first.stop()
	<-first.ended
	if first.result != exitOK {
		t.Errorf("exit code %d", first.result)
	}
	if log := first.logged(); strings.Count(log, "the database does not answer") != 1 || !strings.Contains(log, "the database answers") || strings.Contains(log, postgrestest.Password) {
		t.Errorf("the log:\n%s", log)
	}
}

// C-560: no installation is made in the place of one whose database is gone.
func TestNoLostDatabaseIsTakenForANewOne(t *testing.T) {
	t.Parallel()
	const own, given = "master.key", ""
	for name, c := range map[string]struct {
		key       string // where it is
		left      []byte // of the database; nil for no file
		restoring bool
		refused   string
	}{
		"removed":              {own, nil, false, "is not there"},
		"cut off":              {own, []byte{}, false, "is empty"},
		"cut off, a key given": {given, []byte{}, false, "is empty"},
		"never made":           {given, nil, false, ""},
		"to be restored":       {own, nil, true, "interrupted"},
		"empty, and no key":    {"another.file", []byte{}, false, ""},
		"no database":          {own, []byte("text"), false, "damaged or no database"},
	} {
		t.Run(name, func(t *testing.T) {
			data := t.TempDir()
			path, environ := filepath.Join(data, "tokenwright.db"), []string{"TOKENWRIGHT_DATA=" + data}
			_, key, _ := strings.Cut(masterKey(1), "=")
			if c.key == given {
				environ = append(environ, masterKey(1))
			} else if err := os.WriteFile(filepath.Join(data, c.key), []byte(key), 0o600); err != nil {
				t.Fatal(err)
			}
			if c.left != nil {
				if err := os.WriteFile(path, c.left, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if c.restoring {
				if err := os.WriteFile(path+restoringSuffix, nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			code, _, said := command(t, environ, "migrate") // makes a database as well
			s := serveHere(t, environ...)
			if c.refused == "" {
				if code != exitOK {
					t.Errorf("migrate ended with %d: %s", code, said)
				}
				s.answers(t, "/readyz", http.StatusOK)
				return
			}
			s.ends(t)
			if log := s.logged() + said; code != exitFailed || s.result != exitFailed || strings.Count(log, c.refused) != 2 || strings.Contains(log, key) || strings.Contains(log, "console/link") {
				t.Errorf("they ended with %d and %d:\n%s", code, s.result, log)
			}
			if left, err := os.ReadFile(path); !bytes.Equal(left, c.left) || c.left == nil && !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("of the database there is now %d bytes, %v", len(left), err)
			}
		})
	}
}

// what waiting does not mend ends the server, which says what it is.
func TestServeDoesNotWaitForWhatIsWrong(t *testing.T) {
	t.Parallel()
	url := postgrestest.Shared(t).Database(t)
	for what, want := range map[string]string{
		strings.Replace(url, postgrestest.Password, "guessed", 1): "refuses this user or password",
		url + "_missing": "no such database",
	} {
		s := serveHere(t, "TOKENWRIGHT_DATABASE="+what, masterKey(1))
		s.ends(t)
		if log := s.logged(); s.result != exitFailed || !strings.Contains(log, want) || strings.Contains(log, postgrestest.Password) || strings.Contains(log, "guessed") {
			t.Errorf("it ended with %d:\n%s", s.result, log)
		}
	}
}
