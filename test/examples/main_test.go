package examples

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

// program is how an example is run.
type program struct {
	file    string   // below examples
	command []string // to which the file is appended
	needs   func(t *testing.T)
}

func (p program) name() string { return filepath.Base(p.file) }

// prepare returns what runs the example, with an environment of nothing but what
// is given.
func (p program) prepare(t *testing.T, environ ...string) *exec.Cmd {
	t.Helper()
	p.needs(t)
	path := harness.Example(p.file)
	if p.command[0] == "node" {
		path = besidePackages(t, path)
	}
	c := exec.Command(p.command[0], append(p.command[1:], path)...)
	c.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "NO_PROXY=*"}, environ...)
	return c
}

// besidePackages copies a script to where Node finds the npm packages of the
// tests: it looks beside the file.
func besidePackages(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	packages := harness.Example("..", "test", "interop", "node_modules")
	if _, err := os.Stat(filepath.Join(packages, "jose")); err != nil {
		harness.Missing(t, "the npm packages of test/interop are not installed")
	}
	dir := t.TempDir()
	if err := os.Symlink(packages, filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(dir, filepath.Base(path))
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func needNode(t *testing.T) { harness.Need(t, "node") }

// needPython wants a module of Debian's Python, which need not be the first one
// on the PATH.
func needPython(module string) func(t *testing.T) {
	return func(t *testing.T) {
		if err := exec.Command("/usr/bin/python3", "-c", "import "+module).Run(); err != nil {
			harness.Missing(t, "the Python module "+module+" is not installed")
		}
	}
}

// says waits until a program has said a line that begins with prefix, and returns
// the rest of it.
func says(t *testing.T, p *harness.Program, prefix string) (rest string) {
	t.Helper()
	harness.Eventually(t, 30*time.Second, "it says: "+prefix, func() bool {
		if !p.Running() {
			t.Fatalf("it has ended, and not said %q", prefix)
		}
		text, err := os.ReadFile(p.Log)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if after, found := strings.CutPrefix(line, prefix); found {
				rest = strings.TrimSpace(after)
			}
		}
		return rest != ""
	})
	return rest
}
