package examples

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/harness"
)

var clients = []program{
	{file: "clients/curl.sh", command: []string{"bash"}, needs: func(t *testing.T) { harness.Need(t, "bash", "curl", "jq", "flock") }},
	{file: "clients/python-authlib.py", command: []string{"/usr/bin/python3"}, needs: needPython("authlib")},
	{file: "clients/python-requests-oauthlib.py", command: []string{"/usr/bin/python3"}, needs: needPython("requests_oauthlib")},
	{file: "clients/node-openid-client.mjs", command: []string{"node"}, needs: needNode},
	{file: "clients/node-fetch.mjs", command: []string{"node"}, needs: needNode},
	{file: "clients/go-tokenwright", needs: needNothing},
	{file: "clients/go-x-oauth2", needs: needNothing},
}

func needNothing(*testing.T) {}

// clientWorld is one client before the server and an API of its own.
type clientWorld struct {
	program
	server *harness.Server
	front  *front
	api    *callee
	key    harness.APIKey
}

// Every client does the same, in its own language.
func TestClients(t *testing.T) {
	in := harness.New(t)
	in.Configure(t, "environments: {demo: {token_lifetime: 1h}, short: {token_lifetime: 4s}}")
	s := in.Start(t)
	s.Seed(t)
	keys := map[string]harness.APIKey{}
	for _, env := range []string{"demo", "short"} {
		keys[env] = s.CreateKey(t, env)
		s.AwaitKeys(t, keys[env])
	}
	tests := []struct {
		name, env string
		test      func(*testing.T, *clientWorld)
	}{
		{"twenty calls at once", "demo", testOneExchange},
		{"over several expiries", "short", testRenewal},
		{"refused once", "demo", testReplay},
		{"refused always", "demo", testOneReplay},
		{"refused otherwise", "demo", testNoReplay},
		{"wrong secret", "demo", testWrongSecret},
	}
	for _, c := range clients {
		t.Run(c.name(), func(t *testing.T) {
			t.Parallel()
			for _, test := range tests {
				t.Run(test.name, func(t *testing.T) {
					test.test(t, &clientWorld{c, s, newFront(t, s.URL), newCallee(t, s.URL+"/"+test.env), keys[test.env]})
				})
			}
		})
	}
}

// running is a client that has been started.
type running struct {
	*harness.Program
	paths io.WriteCloser // its standard input
}

// run starts the client with its secret in a file, or in the environment.
func (w *clientWorld) run(t *testing.T, secret, from string) *running {
	t.Helper()
	environ := []string{"TOKENWRIGHT_URL=" + w.front.url, "TOKENWRIGHT_CLIENT_ID=" + w.key.ClientID, "API_URL=" + w.api.url}
	if from == "file" {
		file := filepath.Join(t.TempDir(), "secret")
		if err := os.WriteFile(file, []byte(secret+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		environ = append(environ, "TOKENWRIGHT_CLIENT_SECRET_FILE="+file)
	} else {
		environ = append(environ, "TOKENWRIGHT_CLIENT_SECRET="+secret)
	}
	c := w.command(t, environ...)
	paths, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	return &running{w.server.Background(t, strings.ReplaceAll(t.Name(), "/", "_"), c), paths}
}

// command runs the client; one in Go is built once.
func (w *clientWorld) command(t *testing.T, environ ...string) *exec.Cmd {
	t.Helper()
	if w.program.command != nil {
		return w.prepare(t, environ...)
	}
	binaries.Lock()
	defer binaries.Unlock()
	if binaries.of[w.file] == "" {
		binaries.of[w.file] = harness.BuildProgram(t, "./examples/"+w.file)
	}
	c := exec.Command(binaries.of[w.file])
	c.Env = environ
	return c
}

// binaries are the clients in Go that have been built, by file.
var binaries = struct {
	sync.Mutex
	of map[string]string
}{of: map[string]string{}}

// call has the client call these paths, all at once.
func (r *running) call(t *testing.T, paths ...string) {
	t.Helper()
	if _, err := io.WriteString(r.paths, strings.Join(paths, "\n")+"\n"); err != nil {
		t.Fatalf("the client has ended: %v", err)
	}
}

// finish lets the client come to its end, and returns its exit code and what it
// has said.
func (r *running) finish(t *testing.T) (code int, says string) {
	t.Helper()
	if err := r.paths.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-r.Ended:
	case <-time.After(30 * time.Second):
		t.Fatal("the client does not come to an end")
	}
	return r.Process.ProcessState.ExitCode(), r.says(t)
}

// says is what the client has said so far.
func (r *running) says(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(r.Log)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// succeed holds that a client has made its calls, with so many exchanges.
func (w *clientWorld) succeed(t *testing.T, r *running, calls, exchanges int) {
	t.Helper()
	code, says := r.finish(t)
	if n := strings.Count(says, "200 /"); code != 0 || n != calls || strings.Count(says, "\n") != calls {
		t.Errorf("exit code %d, %d calls of %d:\n%s", code, n, calls, says)
	}
	if n := w.front.exchanges(); n != exchanges {
		t.Errorf("%d exchanges, not %d", n, exchanges)
	}
}

// C-250
func testOneExchange(t *testing.T, w *clientWorld) {
	const calls = 20
	w.api.barrier = newBarrier(calls)
	r := w.run(t, w.key.ClientSecret, "file")
	r.call(t, slices.Repeat([]string{"/whoami"}, calls)...)
	w.succeed(t, r, calls, 1)
	if n := w.api.answered(http.StatusOK); n != calls {
		t.Errorf("the API has answered %d calls", n)
	}
}

// C-251: a token is replaced before its end, and used while its successor is
// on the way.
func testRenewal(t *testing.T, w *clientWorld) {
	const exchanges = 4 // three lives
	var answered atomic.Int32
	w.front.before = func(n int) {
		if n > 1 {
			select {
			case <-w.api.nextAnswer():
			case <-time.After(5 * time.Second):
				t.Errorf("exchange %d: no call was made while it was on the way", n)
			}
		}
		answered.Add(1)
	}
	r := w.run(t, w.key.ClientSecret, "env")
	calls := 0
	for range time.Tick(100 * time.Millisecond) {
		if answered.Load() == exchanges {
			break
		}
		if calls++; calls == 300 {
			t.Fatalf("%d exchanges in 30 s", w.front.exchanges())
		}
		r.call(t, fmt.Sprintf("/%d", calls))
	}
	w.succeed(t, r, calls, exchanges)
	if n := w.api.answered(http.StatusUnauthorized); n != 0 {
		t.Errorf("%d calls had a token that had ended", n)
	}
	t.Logf("%d calls, %d exchanges, none refused", calls, exchanges)
}

const invalidToken = `Bearer realm="api", error="invalid_token", error_description="Revoked token."`

// C-252
func testReplay(t *testing.T, w *clientWorld) {
	w.api.refuse, w.api.how = 1, invalidToken
	r := w.run(t, w.key.ClientSecret, "file")
	r.call(t, "/whoami")
	w.succeed(t, r, 1, 2)
	if w.api.answered(http.StatusUnauthorized) != 1 || w.api.answered(http.StatusOK) != 1 {
		t.Errorf("the API answered %v", w.api.answers)
	}
}

// C-252
func testOneReplay(t *testing.T, w *clientWorld) {
	w.api.refuse, w.api.how = 1000, invalidToken
	w.fail(t, w.key.ClientSecret, 2, 2, "401")
}

// C-252: a 401 that does not blame the token is no reason to get another.
func testNoReplay(t *testing.T, w *clientWorld) {
	w.api.refuse, w.api.how = 1000, `Bearer realm="api"`
	w.fail(t, w.key.ClientSecret, 1, 1, "401")
}

// C-253, C-256
func testWrongSecret(t *testing.T, w *clientWorld) {
	secret := harness.WithChecksum("tws_demo_" + strings.Repeat("0", 43) + "000000")
	harness.NoteSecret(secret)
	w.fail(t, secret, 0, 1, "invalid_client", "Client authentication failed. Check client_id and client_secret")
}

// fail has a client make calls, one at least of which fails for a reason it
// tells. Those after it cause no exchange either.
func (w *clientWorld) fail(t *testing.T, secret string, calls, exchanges int, says ...string) {
	t.Helper()
	r := w.run(t, secret, "file")
	r.call(t, "/first")
	harness.Eventually(t, harness.Soon, "the client says that the call has failed", func() bool { return r.says(t) != "" })
	if calls == 0 {
		r.call(t, "/second", "/third")
	}
	code, said := r.finish(t)
	unsaid := func(text string) bool { return !strings.Contains(said, text) }
	if code != 1 || strings.Contains(said, "200 /") || slices.ContainsFunc(says, unsaid) {
		t.Errorf("exit code %d, and not all of %q:\n%s", code, says, said)
	}
	if n := w.front.exchanges(); n != exchanges {
		t.Errorf("%d exchanges, not %d", n, exchanges)
	}
	if n := w.api.answered(http.StatusUnauthorized); n != calls {
		t.Errorf("the API was called %d times, not %d", n, calls)
	}
	if strings.Contains(said, secret) {
		t.Error("the secret is shown")
	}
}
