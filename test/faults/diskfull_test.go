package faults

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/evidence"
	"github.com/tokenwright/tokenwright/test/harness"
)

const (
	smallDisk = 64 << 20
	diskFull  = "disk is full"       // as SQLite says it
	noSpace   = "no space left on d" // as the system does
)

// fill takes all room that a disk has left; the function that it returns gives it back.
func fill(t *testing.T, dir string) (free func()) {
	t.Helper()
	path := filepath.Join(dir, "filler")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for size := 1 << 20; size > 0; {
		n, err := f.Write(make([]byte, size))
		switch {
		case errors.Is(err, syscall.ENOSPC) && n == 0:
			size /= 2
		case err != nil && !errors.Is(err, syscall.ENOSPC):
			t.Fatal(err)
		}
	}
	return func() {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

// the disk of the embedded database is full to the last byte. Changes are refused
// as ones that may be tried again, what changes nothing goes on, and once there is room
// all goes on by itself; what was acknowledged is there.
func TestAFullDiskRefusesChangesAndLosesNothing(t *testing.T) {
	evidence.Short(t)
	harness.Need(t, "sqlite3")
	in := harness.New(t)
	in.OnSmallDisk(t, smallDisk)
	s := in.Start(t)
	s.SetUp(t, "ada@example.com", password)
	in.Seed(t)
	keys := []harness.APIKey{in.CreateKey(t, "demo"), in.CreateKey(t, "demo"), in.CreateOperatorKey(t, "merchants:read", "merchants:write", "api-keys:read", "api-keys:write")}
	in.AwaitKeys(t, keys...)
	c := newChanges(t, s, keys[1], keys[2])
	tokens := evidence.StartLoad(t, in, keys[0], evidence.Choose(50, 400))
	o := evidence.Row{Rule: "R-13", What: "the disk of the database is full"}
	for o.Times < evidence.Choose(2, 20) && !t.Failed() {
		in.SQLite(t, "UPDATE sessions SET seen_at = seen_at - 120000;") // so that the next page has its use to note
		free := fill(t, in.Data)
		c.untilRefused(t)
		for range evidence.Choose(2, 4) {
			c.areRefused(t, &o)
			c.readsGoOn(t)
		}
		if o.Times == 0 || evidence.Full() { // the server writes by itself as well
			harness.Eventually(t, harness.Soon, "the log says that use is not written", func() bool { return c.unwritten(t) > c.written(t) })
		}
		free()
		began := time.Now()
		harness.Eventually(t, harness.Soon, "changes are taken again", func() bool { return c.allTaken(t) })
		o.Recovers(t, time.Since(began), 5*time.Second)
		o.Times++
	}
	tokens.Into(t, &o, nil)
	harness.Eventually(t, harness.Soon, "the use of API keys is written", func() bool {
		return c.written(t) == c.unwritten(t) && s.Metric(t, "tokenwright_usage_waiting") == 0
	})
	c.lostInto(t, &o)
	if len(c.refused) != 5 {
		t.Errorf("of five kinds of changes these were refused: %v", c.refused)
	}
	for _, problem := range halfDone(t, in) {
		o.Lost++
		t.Error(problem)
	}
	for _, record := range s.Records(t, "writing usage failed") {
		if text := fmt.Sprint(record["error"]); !strings.Contains(text, diskFull) {
			t.Errorf("the log says of use that is not written: %s", text)
		}
	}
	s.Stop(t)
	if problems := lost(t, in.Start(t).Installation, c.log); len(problems) > 0 {
		o.Lost += len(problems)
		t.Errorf("after another start: %q", problems)
	}
	o.Report(t)
}

const password = "trumpet-oboe-figs-47"

var csrf = regexp.MustCompile(`name="csrf" value="([^"]+)"`)

// changes are made in each way that there is: by a command, by the admin API, in the
// console, and by an application that revokes its tokens.
type changes struct {
	s             *harness.Server
	key, operator harness.APIKey
	token, access string // of key; of operator, for the admin API
	session       *http.Cookie
	csrf          string // of the forms of the session
	log           *log
	made          int
	refused       map[string]int // by kind
	merchants     []string       // that were acknowledged
	revoked       []revoked      // likewise
}

func newChanges(t *testing.T, s *harness.Server, key, operator harness.APIKey) *changes {
	t.Helper()
	c := &changes{s: s, key: key, operator: operator, log: newLog(t), refused: map[string]int{}}
	c.log.add(t, acknowledgement{Created: key.ClientID, Secret: key.ClientSecret})
	c.log.add(t, acknowledgement{Created: operator.ClientID, Secret: operator.ClientSecret})
	c.token = s.Token(t, key)
	c.access = s.Ask(t, s.URL+"/oauth/token", operator.ClientID, operator.ClientSecret, "resource", s.URL+"/admin").AccessToken
	a := c.signIn(t)
	cookies := (&http.Response{Header: a.Header}).Cookies()
	if a.Status != http.StatusSeeOther || len(cookies) != 1 {
		t.Fatalf("signing in: status %d, %d cookies", a.Status, len(cookies))
	}
	c.session = cookies[0]
	found := csrf.FindSubmatch(c.page(t, "/console/merchants/new").Body)
	if found == nil {
		t.Fatal("the form for a merchant has no csrf")
	}
	c.csrf = string(found[1])
	return c
}

// signIn opens another session.
func (c *changes) signIn(t *testing.T) *harness.Answer {
	t.Helper()
	a := c.s.Submit(t, "/console/sign-in", url.Values{"email": {"ada@example.com"}, "password": {password}})
	for _, cookie := range (&http.Response{Header: a.Header}).Cookies() {
		harness.NoteSession(cookie.Name + "=" + cookie.Value)
	}
	return a
}

// unwritten and written are how often the log has said that use cannot be written, and
// that it is again.
func (c *changes) unwritten(t *testing.T) int {
	t.Helper()
	return len(c.s.Records(t, "writing usage failed"))
}

func (c *changes) written(t *testing.T) int {
	t.Helper()
	return len(c.s.Records(t, "writing usage works again"))
}

// command makes a merchant.
func (c *changes) command(t *testing.T) harness.Result {
	t.Helper()
	c.made++
	r := c.s.Try(t, "merchant", "create", "--id", fmt.Sprint(c.made), "--name", "By command")
	if r.Code == 0 {
		c.merchants = append(c.merchants, fmt.Sprint(c.made))
	}
	return r
}

// admin makes a merchant over the admin API.
func (c *changes) admin(t *testing.T) *harness.Answer {
	t.Helper()
	c.made++
	r := harness.NewRequest(t, http.MethodPost, c.s.URL+"/admin/v1/merchants", fmt.Sprintf(`{"id":%d,"name":"By the admin API"}`, c.made))
	r.Header.Set("Authorization", "Bearer "+c.access)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", rand.Text())
	a := c.s.Do(t, r)
	if a.Status == http.StatusCreated {
		c.merchants = append(c.merchants, fmt.Sprint(c.made))
	}
	return a
}

// console makes a merchant in the console.
func (c *changes) console(t *testing.T) *harness.Answer {
	t.Helper()
	c.made++
	r := harness.FormOf(t, c.s.URL, "/console/merchants/new", url.Values{"merchantId": {fmt.Sprint(c.made)}, "name": {"In the console"}, "keyLimit": {"3"}, "csrf": {c.csrf}})
	r.AddCookie(c.session)
	a := c.roundTrip(t, r)
	if a.Status == http.StatusSeeOther {
		c.merchants = append(c.merchants, fmt.Sprint(c.made))
	}
	return a
}

// page is one of the console.
func (c *changes) page(t *testing.T, path string) *harness.Answer {
	t.Helper()
	r := harness.NewRequest(t, http.MethodGet, c.s.URL+path, "")
	r.AddCookie(c.session)
	return c.roundTrip(t, r)
}

// roundTrip sends a request and follows no redirect.
func (c *changes) roundTrip(t *testing.T, r *http.Request) *harness.Answer {
	t.Helper()
	client := *c.s.Client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	in := *c.s.Installation
	in.Client = &client
	return in.Do(t, r)
}

// revoke revokes a token.
func (c *changes) revoke(t *testing.T) evidence.Failure {
	t.Helper()
	token := c.s.Token(t, c.key)
	f := evidence.Post(c.s.Client, c.s.URL+"/demo/oauth/revoke", evidence.Credentials(c.key, "token", token))
	if f.Status == http.StatusOK {
		c.revoked = append(c.revoked, revoked{token, c.key, time.Now()})
	}
	return f
}

// untilRefused makes changes until there is no room even in what the database has of
// its own already.
func (c *changes) untilRefused(t *testing.T) {
	t.Helper()
	for range 2000 {
		if c.admin(t).Status != http.StatusCreated {
			return
		}
	}
	t.Fatal("the disk is full, and 2000 changes are taken")
}

// areRefused makes a change of each kind, and holds that what is refused is as it is
// documented. A small one may be taken, in room that the database has of its own.
func (c *changes) areRefused(t *testing.T, o *evidence.Row) {
	t.Helper()
	began := time.Now()
	if r := c.command(t); r.Code != 0 {
		c.refused["a command"]++
		o.Slowest = max(o.Slowest, time.Since(began))
		if !strings.Contains(r.Stderr, diskFull) {
			t.Errorf("a command ends with exit code %d and says %q", r.Code, r.Stderr)
		}
	}
	answers := map[string]*harness.Answer{"the admin API": c.admin(t), "the console": c.console(t)}
	if o.Times < 2 { // more often nobody may try it
		answers["the sign-in"] = c.signIn(t)
	}
	for what, a := range answers {
		switch {
		case a.Status == http.StatusServiceUnavailable && a.Header.Get("Retry-After") != "":
			c.refused[what]++
		case a.Status != http.StatusCreated && a.Status != http.StatusSeeOther:
			o.Wrong++
			t.Errorf("%s answers a change with %d, Retry-After %q: %.300s", what, a.Status, a.Header.Get("Retry-After"), a.Body)
		}
	}
	switch f := c.revoke(t); {
	case f.Unavailable():
		c.refused["a revocation"]++
	case f.Status != http.StatusOK:
		o.Wrong++
		t.Errorf("a revocation is answered at %s", f)
	}
}

// readsGoOn holds that what changes nothing is answered as ever.
func (c *changes) readsGoOn(t *testing.T) {
	t.Helper()
	for _, path := range []string{"/demo/oauth/jwks", "/demo/oauth/revocations", "/.well-known/oauth-authorization-server/demo", "/readyz", "/docs/"} {
		if a := c.s.Get(t, c.s.URL+path); a.Status != http.StatusOK {
			t.Errorf("%s answers %d: %.300s", path, a.Status, a.Body)
		}
	}
	if answer := introspect(c.s, c.key, c.token); !strings.HasPrefix(answer, `{"active":true,`) {
		t.Errorf("introspection says %s", answer)
	}
	if a := c.page(t, "/console/merchants"); a.Status != http.StatusOK {
		t.Errorf("the console shows merchants with status %d: %.300s", a.Status, a.Body)
	}
	if r := c.s.Try(t, "merchant", "list"); r.Code != 0 {
		t.Errorf("merchant list ends with exit code %d: %s", r.Code, r.Stderr)
	}
}

// allTaken makes a change of each kind, and tells whether all were taken.
func (c *changes) allTaken(t *testing.T) bool {
	t.Helper()
	return c.command(t).Code == 0 && c.admin(t).Status == http.StatusCreated && c.console(t).Status == http.StatusSeeOther && c.revoke(t).Status == http.StatusOK
}

// lostInto counts into a row what was acknowledged and is not there.
func (c *changes) lostInto(t *testing.T, o *evidence.Row) {
	t.Helper()
	there := map[string]bool{}
	for _, id := range c.s.Lines(t, "SELECT id FROM merchants") {
		there[id] = true
	}
	for _, id := range c.merchants {
		if !there[id] {
			o.Lost++
			t.Errorf("merchant %s was acknowledged, and is not there", id)
		}
	}
	for _, r := range c.revoked {
		if !r.knownTo(c.s) {
			o.Lost++
			t.Error("a revocation was acknowledged, and is not known")
		}
	}
	o.Note = fmt.Sprintf("%d changes acknowledged of %d tried, beside %d revocations", len(c.merchants), c.made, len(c.revoked))
}

// on a disk that is full neither a new nor an old installation starts; it says
// why, and starts once there is room.
func TestAFullDiskAtTheStartIsNamed(t *testing.T) {
	evidence.Short(t)
	in := harness.New(t)
	in.OnSmallDisk(t, smallDisk)
	o := evidence.Row{Rule: "R-13", What: "the disk is full at the start"}
	for _, what := range []string{"nothing", "an installation"} {
		free := fill(t, in.Data)
		began := time.Now()
		s := in.Launch(t)
		state := s.WaitFor(t, harness.Soon)
		evidence.Within(t, "a start that cannot be", time.Since(began), 5*time.Second)
		if said := s.ReadLog(t); state.ExitCode() != 1 || !strings.Contains(said, diskFull) && !strings.Contains(said, noSpace) {
			t.Errorf("a start on a full disk with %s ends with %s and says %q", what, state, said)
		}
		free()
		in.Start(t).Stop(t)
		o.Times++
	}
	if v := in.VerifyEvents(t); !v.OK {
		t.Errorf("the events: %+v", v)
	}
	o.Report(t)
}

// the disk of the log is full. Requests and changes are answered, and once there
// is room the log goes on.
func TestAFullDiskOfTheLogStopsNothing(t *testing.T) {
	evidence.Short(t)
	in := harness.New(t)
	disk := t.TempDir()
	harness.MountSmall(t, disk, 1<<20)
	serve := in.Command(t.Context(), "serve", "--url", in.URL, "--listen", fmt.Sprintf("%s:%d", in.Host, in.Port),
		"--metrics-listen", fmt.Sprintf("%s:%d", in.Host, harness.FreePort(t)), "--log-format", "json", "--token-limit", "1000000")
	logged := exec.CommandContext(t.Context(), "/bin/sh", append([]string{"-c", `log=$1; shift; exec "$@" 2>>"$log"`, "sh", filepath.Join(disk, "log")}, serve.Args...)...)
	logged.Env = serve.Env
	server := in.Background(t, "server", logged)
	harness.Eventually(t, harness.Soon, "the server is ready", in.Ready)
	in.NoteMasterKeys(t)
	in.Seed(t)
	key := in.CreateKey(t, "demo")
	in.AwaitKeys(t, key)
	free := fill(t, disk)
	o := evidence.Row{Rule: "R-13", What: "the disk of the log is full", Times: 1}
	tokens := evidence.StartLoad(t, in, key, 100)
	<-time.After(evidence.Choose(2*time.Second, 30*time.Second)) // of requests that cannot be logged
	other := in.CreateKey(t, "demo")
	in.AwaitKeys(t, other)
	free()
	size := func() int64 {
		info, err := os.Stat(filepath.Join(disk, "log"))
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	before := size()
	harness.Eventually(t, harness.Soon, "the log goes on", func() bool { return size() > before })
	tokens.Into(t, &o, nil)
	text, err := os.ReadFile(filepath.Join(disk, "log"))
	if err != nil {
		t.Fatal(err)
	}
	in.Keep(t, "server", text)
	server.Kill()
	o.Report(t)
}
