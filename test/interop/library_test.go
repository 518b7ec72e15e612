package interop

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/test/harness"
)

// library is somebody else's, as the page works-with names it.
type library struct {
	name      string
	language  string // to people
	program   string // runs its script; "" where it has none
	suffix    string // of the script
	pinned    bool   // the version is in a lock file, and the same everywhere
	installed func() bool
}

func goModule(path string) library {
	return library{name: path, language: "Go", pinned: true, installed: func() bool { return true }}
}

// npm is one package, or several that are used together: "a + b".
func npm(name string) library {
	return library{name: name, language: "JavaScript", program: "node", suffix: ".mjs", pinned: true, installed: func() bool {
		for _, dir := range strings.Split(name, " + ") {
			if _, err := os.Stat(filepath.Join("node_modules", dir)); err != nil {
				return false
			}
		}
		return succeeds("node", "--version")
	}}
}

// python is a Debian package; its module belongs to Debian's Python.
func python(name, module string) library {
	const python3 = "/usr/bin/python3"
	return library{name: name, language: "Python", program: python3, suffix: ".py", installed: func() bool {
		return succeeds(python3, "-c", "import "+module)
	}}
}

func ruby(name, gem string) library {
	return library{name: name, language: "Ruby", program: "ruby", suffix: ".rb", installed: func() bool {
		return succeeds("ruby", "-r"+gem, "-e", "")
	}}
}

func perl(name, module string) library {
	return library{name: name, language: "Perl", program: "perl", suffix: ".pl", installed: func() bool {
		return succeeds("perl", "-M"+module, "-e", "")
	}}
}

func command(name, program string) library {
	return library{name: name, language: "shell", installed: func() bool { return succeeds(program, "--version") }}
}

func succeeds(program string, args ...string) bool {
	return exec.Command(program, args...).Run() == nil
}

// need ends the test where the library is not installed.
func (l *library) need(t *testing.T) {
	t.Helper()
	if !l.installed() {
		harness.Missing(t, l.name+" is not installed")
	}
}

// script gives a job to the library's script in a directory, and reads what
// became of it.
func (l *library) script(t *testing.T, w *world, dir string, job, result any) {
	t.Helper()
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	input, err := json.Marshal(job)
	if err != nil {
		t.Fatal(err)
	}
	name, _, _ := strings.Cut(l.name, " + ")
	name = strings.ReplaceAll(strings.TrimPrefix(name, "@"), "/", "-") + l.suffix
	out := harness.Tool(t, string(input), "env", "PYTHONPATH="+here, "PYTHONDONTWRITEBYTECODE=1", "NODE_EXTRA_CA_CERTS="+w.front.certificate,
		l.program, filepath.Join(here, dir, name))
	if err := json.Unmarshal([]byte(out), result); err != nil {
		t.Fatalf("reading the result of %s: %v\n%s", name, err, out)
	}
}
