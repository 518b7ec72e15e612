package harness

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Missing ends a test that cannot run here. Where everything must run, that is
// a failure: a test that CI skips guards nothing.
func Missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("TOKENWRIGHT_TEST_ALL") != "" {
		t.Fatalf("%s; TOKENWRIGHT_TEST_ALL wants every test to run (make tools installs it)", what)
	}
	t.Skipf("%s (make tools installs it)", what)
}

// NeedRoot skips the test where it is not run by root, who alone can do what it needs.
func NeedRoot(t testing.TB, what string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can " + what)
	}
}

// Need ends the test where a program is not installed.
func Need(t testing.TB, programs ...string) {
	t.Helper()
	for _, p := range programs {
		program(t, p)
	}
}

// program finds a program, which must be installed. Debian has some in a
// directory that is on the PATH of root alone; what is built for the tests is in bin.
func program(t testing.TB, name string) string {
	t.Helper()
	for _, p := range []string{name, "/usr/sbin/" + name, filepath.Join(run.root, "bin", name)} {
		if path, err := exec.LookPath(p); err == nil {
			return path
		}
	}
	Missing(t, name+" is not installed")
	return ""
}

// Tool runs a program that must succeed, and returns its output.
func Tool(t testing.TB, stdin string, name string, args ...string) string {
	t.Helper()
	c := exec.Command(program(t, name), args...)
	c.Stdin = strings.NewReader(stdin)
	c.Dir = run.own
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + run.own}
	dieWithParent(c)
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, stderr.Bytes())
	}
	return string(out)
}

// Script runs a program that reports what it finds, with an environment of PATH,
// HOME and what is given. Where it fails, the test does, with all that it said.
func Script(t testing.TB, environ []string, name string, args ...string) {
	t.Helper()
	c := exec.Command(program(t, name), args...)
	c.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + run.own}, environ...)
	dieWithParent(c)
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	} else if testing.Verbose() {
		t.Logf("%s", out)
	}
}

// SQLite runs SQL with the sqlite3 command, as somebody with the file would.
func (in *Installation) SQLite(t testing.TB, sql string) string {
	t.Helper()
	Need(t, "sqlite3")
	return strings.TrimSpace(Tool(t, ".bail on\n.timeout 5000\n"+sql+"\n", "sqlite3", "-batch", filepath.Join(in.Data, "tokenwright.db")))
}

// Curl runs curl and reads the answer that it shows.
func Curl(t testing.TB, args ...string) *Answer {
	t.Helper()
	Need(t, "curl")
	return readAnswer(t, Tool(t, "", "curl", append([]string{"-sS", "-i", "--http1.1", "--noproxy", "*", "-m", "30"}, args...)...))
}

func readAnswer(t testing.TB, text string) *Answer {
	t.Helper()
	resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(text)), nil)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return &Answer{resp.StatusCode, resp.Header, body}
}

// Verification is what jose is to check.
type Verification struct {
	Token      string          `json:"token"`
	JWKSURI    string          `json:"jwksUri,omitempty"`
	JWKS       json.RawMessage `json:"jwks,omitempty"`
	Issuer     string          `json:"issuer,omitempty"`
	Audience   string          `json:"audience,omitempty"`
	Type       string          `json:"typ,omitempty"`
	Algorithms []string        `json:"algorithms,omitempty"`
}

// Verified is what jose found: Error is its code, "" where the token is good.
type Verified struct {
	Header  map[string]any `json:"header"`
	Payload map[string]any `json:"payload"`
	Error   string         `json:"error"`
}

// Node runs a script of test/interop, which uses npm jose, to its end.
func Node(t testing.TB, stdin, script string) string {
	t.Helper()
	Need(t, "node")
	interop := filepath.Join(run.root, "test", "interop")
	if _, err := os.Stat(filepath.Join(interop, "node_modules", "jose")); err != nil {
		Missing(t, "the npm package jose is not installed in test/interop")
	}
	return Tool(t, stdin, "node", filepath.Join(interop, script))
}

// Jose verifies tokens with npm jose.
func Jose(t testing.TB, jobs ...Verification) []Verified {
	t.Helper()
	input, err := json.Marshal(jobs)
	if err != nil {
		t.Fatal(err)
	}
	var results []Verified
	out := Node(t, string(input), "verify.mjs")
	if err := json.Unmarshal([]byte(out), &results); err != nil || len(results) != len(jobs) {
		t.Fatalf("reading what verify.mjs found: %v\n%s", err, out)
	}
	return results
}
