// Package harness runs the real binary for tests from outside: it builds the
// product, makes installations, starts servers and commands, asks them as
// clients do, and at the end searches everything they left behind for secrets.
// Each kind of test is a package beside this one, whose TestMain calls [Main].
//
// It must not know how the product is built: only what its contract says. What
// a test expects is for the test to say, except where several need the same.
package harness

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// run is the one run of all tests of a package. Directories outlive the test that made
// them, for the search for secrets reads them all.
var run struct {
	root   string // of the repository
	binary string
	own    string // what the tests themselves write; never searched
	seen   string // data directories, logs, standard error, metrics: all of it searched
	watch  Watch
}

// Watch puts something between the client of an installation and what it asks,
// which need not be the installation. A test may send requests in goroutines that
// outlive it.
type Watch func(t testing.TB, in *Installation, next http.RoundTripper) http.RoundTripper

// WatchClients has watch see what the clients of all installations send. TestMain
// calls it before Main.
func WatchClients(watch Watch) { run.watch = watch }

// Main is what TestMain of a package of tests, a sibling of this one, is for.
// It builds the binary once, with the race detector, runs the tests and, when
// all are over, searches what they have left behind. A failed search fails the
// run.
func Main(m *testing.M) { os.Exit(runTests(m, "-race")) }

// MainWithoutRace is Main with a binary that has no race detector: for tests
// that start very many processes, or that measure. It returns the exit code.
func MainWithoutRace(m *testing.M) int { return runTests(m) }

func runTests(m *testing.M, flags ...string) int {
	flag.Parse() // the search wants to know whether -v is given
	dir, err := os.MkdirTemp("", "tokenwright-test-")
	if err != nil {
		return broken(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	run.own, run.seen = filepath.Join(dir, "own"), filepath.Join(dir, "seen")
	for _, d := range []string{run.own, run.seen} {
		if err := os.Mkdir(d, 0o700); err != nil {
			return broken(err)
		}
	}
	if run.root, err = filepath.Abs("../.."); err != nil {
		return broken(err)
	}
	run.binary = filepath.Join(dir, "tokenwright")
	if err := buildOnce(run.binary, flags...); err != nil {
		return broken(err)
	}
	code := m.Run()
	if err := searchEverything(); err != nil {
		fmt.Fprintf(os.Stderr, "--- FAIL: what the whole run left behind\n%s\n", err)
		return 1
	}
	return code
}

func broken(err error) int {
	fmt.Fprintln(os.Stderr, "before or after the tests:", err)
	return 1
}

// released is the environment in which go compiles as deploy/dist does. Whatever
// the tests compile without the race detector is compiled so: each other set of
// flags would compile every dependency once more.
func released() []string { return append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-trimpath") }

// Build makes another binary of the product, with flags of go build, and returns
// its path.
func Build(t testing.TB, flags ...string) string {
	t.Helper()
	return BuildProgram(t, "./cmd/tokenwright", flags...)
}

// Once is a binary that several tests of a package want. The zero value is ready for use.
type Once struct {
	mu   sync.Mutex
	path string
}

// Binary returns the path of the binary, which the first who asks builds; the others wait.
func (o *Once) Binary(build func() string) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.path == "" {
		o.path = build()
	}
	return o.path
}

// Overlay writes what the flag -overlay of go build reads: files, by their paths, and
// those whose content takes their place, or which are there besides.
func Overlay(t testing.TB, replace map[string]string) string {
	t.Helper()
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "overlay.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// BuildProgram makes a binary of any program in the repository, and returns its
// path.
func BuildProgram(t testing.TB, program string, flags ...string) string {
	t.Helper()
	return BuildIn(t, run.root, program, flags...)
}

// BuildIn makes a binary of a program in another module, whose directory it is given,
// and returns its path.
func BuildIn(t testing.TB, module, program string, flags ...string) string {
	t.Helper()
	dir, err := os.MkdirTemp(run.own, "binary-")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, filepath.Base(program))
	if err := buildTo(path, module, program, flags...); err != nil {
		t.Fatal(err)
	}
	return path
}

// buildOnce is buildTo of the product for all packages of tests: go build leaves a
// binary alone that is as it would make it, so only the first of them waits for the
// linker. A later build puts another file in its place, and changes none in use.
func buildOnce(to string, flags ...string) error {
	place := filepath.Join(run.root, "bin", "harness"+strings.Join(flags, ""))
	if err := os.MkdirAll(place, 0o755); err != nil {
		return err
	}
	lock, err := os.Create(filepath.Join(place, "lock"))
	if err != nil {
		return err
	}
	defer func() { _ = lock.Close() }() // which gives it back
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return err
	}
	binary := filepath.Join(place, "tokenwright")
	if err := buildTo(binary, run.root, "./cmd/tokenwright", flags...); err != nil {
		return err
	}
	if os.Link(binary, to) == nil {
		return nil
	}
	content, err := os.ReadFile(binary) // the other file system
	if err != nil {
		return err
	}
	return os.WriteFile(to, content, 0o755)
}

func buildTo(to, module, program string, flags ...string) error {
	args := append([]string{"build", "-buildvcs=false", "-o", to}, flags...)
	c := exec.Command("go", append(args, program)...)
	c.Dir = module
	if !slices.Contains(flags, "-race") {
		c.Env = released()
	}
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s: %w\n%s", program, err, out)
	}
	return nil
}
