package docs

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/harness"
)

// reader is somebody at a page, with an empty directory, a shell, and what the
// page takes for granted: a server, an API key, the command.
type reader struct {
	*harness.Server
	page    string
	key     harness.APIKey
	dir     string
	bin     string // first on the PATH
	environ []string
	ports   map[string]string // that the page names, and what they are here
	seen    string            // what the page's samples have written
}

// newReader starts the server of a page. Each has its own: pages make merchants and
// end keys.
func newReader(t *testing.T, page string) *reader {
	t.Helper()
	s, key := harness.StartWithKey(t, "demo", given[page].serve...)
	s.CLI(t, "scope", "create", "orders:read", "--description", "Read orders")
	r := &reader{Server: s, page: page, key: key, dir: t.TempDir(), bin: t.TempDir()}
	r.ports = map[string]string{"8080": strconv.Itoa(s.Port), "9464": regexp.MustCompile(`:(\d+)/`).FindStringSubmatch(s.MetricsURL)[1]}
	r.watch(t, "tokenwright", s.Binary)
	r.watch(t, "curl", harness.FindProgram(t, "curl"))
	r.watch(t, "python3", "/usr/bin/python3") // Debian's, which has Debian's modules
	r.environ = append(os.Environ(),
		"PATH="+r.bin+":"+os.Getenv("PATH")+":/usr/sbin", "NO_PROXY=*", "NO_COLOR=1", // Debian has servers there
		"TOKENWRIGHT_URL="+s.URL, "TOKENWRIGHT_DATA="+s.Data, "TOKENWRIGHT_CLIENT_ID="+key.ClientID, "TOKENWRIGHT_CLIENT_SECRET="+key.ClientSecret,
		"npm_config_prefer_offline=true", "npm_config_audit=false", "npm_config_fund=false", "npm_config_update_notifier=false",
		"GOFLAGS=-mod=mod -trimpath", "CGO_ENABLED=0", "GOWORK=off",
	)
	r.environ = append(r.environ, modules(t)...)
	if prepare := given[page].prepare; prepare != nil {
		prepare(t, r)
	}
	return r
}

// set adds to the environment that the page takes for granted.
func (r *reader) set(name, value string) { r.environ = append(r.environ, name+"="+value) }

// alone leaves the page nothing but the command: it starts a server of its own.
func alone(_ *testing.T, r *reader) {
	r.environ = slices.DeleteFunc(r.environ, func(v string) bool { return strings.HasPrefix(v, "TOKENWRIGHT_") })
	clear(r.ports)
}

// withJournal gives the page the log of its server where systemd would have it,
// with a request that was refused and a line that is not the server's.
func withJournal(t *testing.T, r *reader) {
	r.Ask(t, r.URL+"/oauth/token", r.key.ClientID, r.key.ClientSecret[:len(r.key.ClientSecret)-1]+"_")
	harness.Eventually(t, harness.Propagation, "the log has the request", func() bool { return strings.Contains(r.ReadLog(t), "secret_") })
	r.install(t, "journalctl", "echo 'Started tokenwright.service - Tokenwright.'\nexec cat "+r.Log)
}

var samplePort = regexp.MustCompile(`\b(localhost|127\.0\.0\.1):(\d{4})\b`)

// onFreePorts is a sample with the ports of this machine: those of the page may be
// in use, as by the same page elsewhere.
func (r *reader) onFreePorts(t *testing.T, text string) string {
	t.Helper()
	return samplePort.ReplaceAllStringFunc(text, func(address string) string {
		host, port, _ := strings.Cut(address, ":")
		if r.ports[port] == "" {
			r.ports[port] = strconv.Itoa(harness.FreePort(t))
		}
		return host + ":" + r.ports[port]
	})
}

// patience ends what hangs, however busy the machine is.
const patience = 4 * time.Minute

// follow does what the page says. The shell is one for the whole page, as readers
// have it: what a sample sets, the next one has.
func (r *reader) follow(t *testing.T, blocks []block) {
	t.Helper()
	var script strings.Builder
	script.WriteString("set -euo pipefail\n")
	steps, files := 0, t.TempDir()
	for i, b := range blocks {
		text := strings.NewReplacer("<client-id>", r.key.ClientID, "<client-secret>", r.key.ClientSecret).Replace(b.text)
		text = r.onFreePorts(t, text)
		switch {
		case b.notRun, b.usage:
		case b.title != "":
			file := filepath.Join(files, fmt.Sprint(i))
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&script, "mkdir -p \"$(dirname %[1]q)\" && cp %[2]q %[1]q\n", b.title, file)
		case b.language == "sh":
			fmt.Fprintf(&script, "echo '--- %s' >&2\n%s\n", b.where(r.page), text)
			steps++
		}
	}
	if steps == 0 {
		return
	}
	path := filepath.Join(files, "script")
	if err := os.WriteFile(path, []byte(script.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	c := exec.Command("bash", path)
	c.Dir, c.Env, c.Stdin = r.dir, r.environ, strings.NewReader(r.key.ClientSecret+"\n")
	output := &bytes.Buffer{}
	c.Stdout, c.Stderr = output, output
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // what it leaves in the background ends with it
	c.WaitDelay = time.Second
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	hung := time.AfterFunc(patience, func() { _ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL) })
	state, err := c.Process.Wait()
	_ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL) // an error says that nothing is left
	_ = c.Wait()                                      // for its output; how it ended is known
	r.seen = output.String()
	if !hung.Stop() {
		t.Errorf("the page does not come to its end")
	}
	r.noteFiles(t)
	r.checkArguments(t)
	shown := noteShown(output.Bytes())
	r.Keep(t, "stdout", shown)
	if err != nil || state.ExitCode() != 0 {
		t.Errorf("what %s says ends with %v, %v:\n%s", r.page, state, err, shown)
	}
	for _, want := range given[r.page].shown {
		if !bytes.Contains(shown, []byte(want)) {
			t.Errorf("no sample of %s shows %q:\n%s", r.page, want, shown)
		}
	}
	if testing.Verbose() {
		t.Logf("%d samples run:\n%s", steps, shown)
	}
}
