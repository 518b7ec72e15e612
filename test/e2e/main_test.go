package e2e

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// run is the one run of all tests. Directories outlive the test that made
// them, for the search for secrets reads them all.
var run struct {
	root   string // of the repository
	binary string // with the race detector
	own    string // what the tests themselves write; never searched
	seen   string // data directories, logs, standard error, metrics: all of it searched
}

// TestMain builds the binary once and, when all tests are over, searches what
// they have left behind. A failed search fails the run.
func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "tokenwright-e2e-")
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
	if err := build(run.binary, "-race"); err != nil {
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
	fmt.Fprintln(os.Stderr, "e2e:", err)
	return 1
}

// build makes the binary from the sources of the repository.
func build(to string, flags ...string) error {
	args := append([]string{"build", "-buildvcs=false", "-o", to}, flags...)
	c := exec.Command("go", append(args, "./cmd/tokenwright")...)
	c.Dir = run.root
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("building the binary: %w\n%s", err, out)
	}
	return nil
}
