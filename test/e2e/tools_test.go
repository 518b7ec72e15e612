package e2e

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

// missing ends a test that cannot run here. Where everything must run, that is
// a failure: a test that CI skips guards nothing.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("TOKENWRIGHT_TEST_ALL") != "" {
		t.Fatalf("%s; TOKENWRIGHT_TEST_ALL wants every test to run (make tools installs it)", what)
	}
	t.Skipf("%s (make tools installs it)", what)
}

// need ends the test where a program is not installed.
func need(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			missing(t, p+" is not installed")
		}
	}
}

// tool runs a program that must succeed, and returns its output.
func tool(t *testing.T, stdin string, name string, args ...string) string {
	t.Helper()
	c := exec.Command(name, args...)
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

// sqlite runs SQL with the sqlite3 command, as somebody with the file would.
func sqlite(t *testing.T, in *installation, sql string) string {
	t.Helper()
	need(t, "sqlite3")
	return strings.TrimSpace(tool(t, ".bail on\n.timeout 5000\n"+sql+"\n", "sqlite3", "-batch", filepath.Join(in.data, "tokenwright.db")))
}

// curl runs curl and reads the answer that it shows.
func curl(t *testing.T, args ...string) *answer {
	t.Helper()
	need(t, "curl")
	return readAnswer(t, tool(t, "", "curl", append([]string{"-sS", "-i", "--http1.1", "--noproxy", "*", "-m", "30"}, args...)...))
}

func readAnswer(t *testing.T, text string) *answer {
	t.Helper()
	resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(text)), nil)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return &answer{resp.StatusCode, resp.Header, body}
}

// verification is what jose is to check.
type verification struct {
	Token      string          `json:"token"`
	JWKSURI    string          `json:"jwksUri,omitempty"`
	JWKS       json.RawMessage `json:"jwks,omitempty"`
	Issuer     string          `json:"issuer,omitempty"`
	Audience   string          `json:"audience,omitempty"`
	Type       string          `json:"typ,omitempty"`
	Algorithms []string        `json:"algorithms,omitempty"`
}

// verified is what jose found: Error is its code, "" where the token is good.
type verified struct {
	Header  map[string]any `json:"header"`
	Payload map[string]any `json:"payload"`
	Error   string         `json:"error"`
}

// jose verifies tokens with npm jose.
func jose(t *testing.T, jobs ...verification) []verified {
	t.Helper()
	need(t, "node")
	interop := filepath.Join(run.root, "test", "interop")
	if _, err := os.Stat(filepath.Join(interop, "node_modules", "jose")); err != nil {
		missing(t, "the npm package jose is not installed in test/interop")
	}
	input, err := json.Marshal(jobs)
	if err != nil {
		t.Fatal(err)
	}
	var results []verified
	out := tool(t, string(input), "node", filepath.Join(interop, "verify.mjs"))
	if err := json.Unmarshal([]byte(out), &results); err != nil || len(results) != len(jobs) {
		t.Fatalf("reading what verify.mjs found: %v\n%s", err, out)
	}
	return results
}
