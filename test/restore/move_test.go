package restore

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tokenwright/tokenwright/admin"
	"github.com/tokenwright/tokenwright/test/harness"
)

// inbox is a receiver of messages about events.
type inbox struct {
	mu       sync.Mutex
	subjects []string
}

// newInbox returns a receiver, and the configuration of the webhook that tells it of
// scopes.
func newInbox(t *testing.T) (in *inbox, config string) {
	t.Helper()
	in = &inbox{}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var m struct{ Data struct{ Subject string } }
		body, err := io.ReadAll(r.Body)
		if err := errors.Join(err, json.Unmarshal(body, &m)); err != nil {
			t.Error(err)
		}
		in.mu.Lock()
		defer in.mu.Unlock()
		in.subjects = append(in.subjects, m.Data.Subject)
	}))
	t.Cleanup(server.Close)
	raw := make([]byte, 32)
	rand.Read(raw) // never fails
	secret := "whsec_" + base64.StdEncoding.EncodeToString(raw)
	harness.NoteSecret(secret)
	file := filepath.Join(t.TempDir(), "secret")
	writeFile(t, file, secret+"\n")
	return in, fmt.Sprintf("webhooks: {crm: {url: %q, events: ['scope.*'], secret_file: %q, allow_private: true}}\n", server.URL, file)
}

func (in *inbox) has(subjects ...string) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return slices.Equal(slices.Sorted(slices.Values(in.subjects)), slices.Sorted(slices.Values(subjects)))
}

// signIn begins a session in the console, and returns its cookie.
func signIn(t *testing.T, s *harness.Server) string {
	t.Helper()
	const email, password = "ada@example.com", "trumpet-oboe-figs-47"
	s.SetUp(t, email, password)
	a := s.Submit(t, "/console/sign-in", url.Values{"email": {email}, "password": {password}})
	cookies := (&http.Response{Header: a.Header}).Cookies()
	if a.Status != http.StatusSeeOther || len(cookies) == 0 {
		t.Fatalf("signing in: %d\n%s", a.Status, a.Body)
	}
	cookie := cookies[0].Name + "=" + cookies[0].Value
	harness.NoteSession(cookie)
	return cookie
}

// isSignedIn tells whether the console shows a page to whoever has the cookie.
func isSignedIn(t *testing.T, in *harness.Installation, cookie string) bool {
	t.Helper()
	r := harness.NewRequest(t, http.MethodGet, in.URL+"/console/users", "")
	r.Header.Set("Cookie", cookie)
	a := in.Do(t, r)
	return a.Status == http.StatusOK && strings.Contains(string(a.Body), "ada@example.com")
}

// keyStates are API keys in all states there are.
type keyStates struct{ active, disabled, deleted, suspended, rotated, old, expired harness.APIKey }

func newKeyStates(t *testing.T, in *harness.Installation) *keyStates {
	t.Helper()
	in.CLI(t, "merchant", "update", "4259", "--key-limit", "100")
	in.CLI(t, "merchant", "create", "--id", "77", "--name", "Suspended")
	k := &keyStates{
		active: in.CreateKey(t, "demo"), disabled: in.CreateKey(t, "demo"), deleted: in.CreateKey(t, "production"),
		suspended: in.CreateKeyOf(t, "77", "demo"), old: in.CreateKey(t, "demo"), expired: in.CreateKey(t, "demo"),
	}
	in.CLI(t, "key", "disable", k.disabled.ClientID)
	in.CLI(t, "key", "delete", k.deleted.ClientID, "--yes")
	in.CLI(t, "merchant", "suspend", "77")
	k.rotated = harness.ReadKey(t, in.CLI(t, "key", "rotate", k.old.ClientID, "--overlap", "1h", "-o", "json"))
	in.CLI(t, "key", "rotate", k.expired.ClientID, "--overlap", "0", "-o", "json") // nobody has its new secret
	return k
}

// hold tells whether the API keys are as they were made.
func (k *keyStates) hold(t *testing.T, in *harness.Installation) {
	t.Helper()
	for what, key := range map[string]harness.APIKey{"active": k.active, "with a new secret": k.rotated, "with an old secret, for a while": k.old} {
		if !in.Works(t, key) {
			t.Errorf("an API key (%s) does not work", what)
		}
	}
	for what, key := range map[string]harness.APIKey{"disabled": k.disabled, "deleted": k.deleted, "of a suspended merchant": k.suspended, "whose secret has ended": k.expired} {
		if !in.Refuses(t, key) {
			t.Errorf("an API key (%s) is not refused", what)
		}
	}
}

// C-546, C-547, C-551: an installation moves to PostgreSQL below a server, its
// writers, a resource server and an application. Nothing that was acknowledged is
// lost, the old server says where all has gone, and whoever relies on the new one
// notices nothing.
func TestAnInstallationMovesBelowItsServer(t *testing.T) {
	t.Parallel()
	harness.Need(t, "sqlite3")
	box, config := newInbox(t)
	from := harness.New(t)
	from.Configure(t, config)
	s := from.Start(t)
	s.Seed(t)
	keys := newKeyStates(t, from)
	harness.Eventually(t, patience, "the API keys are known", func() bool { return s.Works(t, keys.rotated) && s.Refuses(t, keys.expired) })
	keys.hold(t, from)
	cookie := signIn(t, s)
	if !isSignedIn(t, from, cookie) {
		t.Fatal("nobody is signed in")
	}
	harness.Eventually(t, patience, "the receiver has heard of the scopes", func() bool { return box.has("customers:read", "customers:write") })
	token := s.Token(t, keys.active)
	api := newResourceServer(t, from, 0)
	app := newCaller(t, from, keys.active, api)

	c := newCrew(t, s)
	c.failed = func(err error) error {
		if e, ok := errors.AsType[*admin.Error](err); ok && e.Status == http.StatusServiceUnavailable {
			return nil // it takes no changes, and says so
		}
		return err
	}
	end := c.begin(t)
	harness.Eventually(t, patience, "all writers are at work", func() bool { _, n := c.soFar(); return n > 3*writers })
	to := withPostgres(t, from, newPostgres(t))
	to.Configure(t, config)
	before, _ := c.soFar()
	if r := run(t, to, "migrate", "--from", "sqlite:"+database(from)); r.Code != 0 {
		t.Fatalf("migrate: exit code %d\n%s%s", r.Code, r.Stdout, r.Stderr)
	}
	hasLeft(t, s, keys.active)
	end()
	known, _ := c.soFar()
	s.Stop(t)
	neverServes(t, from)

	now := to.Start(t)
	if problems := missing(known, readKeys(t, to)); len(problems) > 0 {
		t.Errorf("the move has lost: %v", problems)
	}
	if len(known) == len(before) {
		t.Error("nothing changed during the move: this run has tested nothing")
	}
	keys.hold(t, to)
	if !isSignedIn(t, to, cookie) {
		t.Error("who was signed in is so no longer")
	}
	form := url.Values{"client_id": {keys.active.ClientID}, "client_secret": {keys.active.ClientSecret}, "token": {token}}
	if a := now.Submit(t, "/demo/oauth/introspect", form); !strings.HasPrefix(string(a.Body), `{"active":true`) {
		t.Errorf("introspection of a token from before: %d %s", a.Status, a.Body)
	}
	to.CLI(t, "scope", "create", "orders:read")
	harness.Eventually(t, patience, "the receiver hears of what comes, and of nothing twice", func() bool {
		return box.has("customers:read", "customers:write", "orders:read")
	})
	// A revocation there reaches verifiers that began here: they follow on.
	to.CLI(t, "key", "disable", keys.rotated.ClientID)
	api.becomes(t, "a token from before", token, http.StatusOK)
	app.wait(t, 3)
	app.end()
	if len(app.answers) != 1 || app.exchange != 1 {
		t.Errorf("the application has noticed: calls ended so: %v; %d tokens were fetched", app.answers, app.exchange)
	}
	if v := to.VerifyEvents(t); !v.OK {
		t.Errorf("the events: %+v", v)
	}
}

// hasLeft holds that a server whose installation was moved does nothing more, and
// says why.
func hasLeft(t *testing.T, s *harness.Server, key harness.APIKey) {
	t.Helper()
	harness.Eventually(t, patience, "the server issues no tokens", func() bool { return !s.Works(t, key) })
	if a := s.Ask(t, s.URL+"/oauth/token", key.ClientID, key.ClientSecret); a.Error != "temporarily_unavailable" {
		t.Errorf("a good secret is answered %+v", a)
	}
	if a := s.Get(t, s.URL+"/readyz"); a.Status != http.StatusServiceUnavailable || !strings.Contains(string(a.Body), "moved") {
		t.Errorf("readyz: %d %s", a.Status, a.Body)
	}
	if log := s.ReadLog(t); !strings.Contains(log, "moved to another database") {
		t.Errorf("the log does not say why:\n%s", s.LastLog(t))
	}
}

// neverServes holds that neither commands nor a server work on what has moved.
func neverServes(t *testing.T, in *harness.Installation) {
	t.Helper()
	refuse(t, in, []string{"moved to another database", "postgres"}, "key", "list")
	refuse(t, in, []string{"moved to another database", "postgres"}, "merchant", "create", "--id", "9", "--name", "Late")
	s := in.Launch(t)
	if state := s.WaitFor(t, patience); state.ExitCode() != 1 || !strings.Contains(s.ReadLog(t), "moved to another database") {
		t.Errorf("serve on what has moved: %s\n%s", state, s.LastLog(t))
	}
}
