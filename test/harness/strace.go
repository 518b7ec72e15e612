package harness

import (
	"bufio"
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// BelowStrace is a command that runs c, which is not started, below strace.
func BelowStrace(ctx context.Context, t testing.TB, c *exec.Cmd, flags ...string) *exec.Cmd {
	t.Helper()
	line := append([]string{"-f", "-qq"}, flags...)
	below := exec.CommandContext(ctx, program(t, "strace"), append(append(line, "--"), c.Args...)...)
	below.Env, below.Stdout, below.Stderr = c.Env, c.Stdout, c.Stderr
	return below
}

// Moment is one at which a process makes a system call for the n-th time.
type Moment struct {
	Call string
	N    int
}

// TracedCall finds thread and name of the system calls in what strace writes.
var TracedCall = regexp.MustCompile(`(?m)^(\d+) +([a-z0-9_]+)\(`)

// Moments are all that a trace has. strace counts calls by thread, and so do they: a
// process that is to have each of them should have GOMAXPROCS=1.
func Moments(trace string) (all []Moment) {
	threads, most := map[[2]string]int{}, map[string]int{}
	for _, call := range TracedCall.FindAllStringSubmatch(trace, -1) {
		thread := [2]string{call[1], call[2]}
		threads[thread]++
		most[call[2]] = max(most[call[2]], threads[thread])
	}
	for _, call := range slices.Sorted(maps.Keys(most)) {
		for n := range most[call] {
			all = append(all, Moment{call, n + 1})
		}
	}
	return all
}

// OnItsDisk are flags of strace for system calls on the files of the embedded database
// and on further ones.
func (in *Installation) OnItsDisk(further ...string) (flags []string) {
	for _, name := range []string{"tokenwright.db", "tokenwright.db-wal", "tokenwright.db-shm"} {
		further = append(further, filepath.Join(in.Data, name))
	}
	for _, path := range further {
		flags = append(flags, "-P", path)
	}
	return flags
}

// Trace has strace look at the server, until the function that it returns is called,
// which returns what strace has written.
func (s *Server) Trace(t testing.TB, flags ...string) (end func() string) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "trace")
	c := exec.Command(program(t, "strace"), append([]string{"-f", "-o", out, "-p", fmt.Sprint(s.Process.Process.Pid)}, flags...)...)
	dieWithParent(c)
	said, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(said)
	for lines.Scan() && !strings.Contains(lines.Text(), "attached") {
		t.Log(lines.Text())
	}
	go func() { // until strace ends
		for lines.Scan() {
		}
	}()
	return func() string {
		t.Helper()
		_ = c.Process.Signal(syscall.SIGINT)
		_ = c.Wait() // by a signal
		text, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
}
