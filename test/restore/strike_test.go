package restore

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/harness"
)

// moment is when a command has made the n-th of all system calls that are looked at
// or, where one is named, the n-th of these.
type moment struct {
	call string
	n    int
}

// lasting are the system calls that change what is on a disk.
const lasting = "pwrite64,ftruncate,fsync,fdatasync,rename,renameat,renameat2,link,linkat,unlink,unlinkat"

// names are those of them that change which file has which name: few, and nothing
// of what they do must ever be seen by half.
var names = map[string]bool{"rename": true, "renameat": true, "renameat2": true, "link": true, "linkat": true}

// moments runs a command to its end, and returns when it can be killed: every
// moment in which a file gets a name, and of the others some from everywhere, as
// many as count together.
func moments(t *testing.T, in *harness.Installation, calls string, count int, args ...string) []moment {
	t.Helper()
	trace := filepath.Join(t.TempDir(), "trace")
	if r := strace(t, in, nil, []string{"-o", trace, "-e", "trace=" + calls}, args...); r.Code != 0 {
		t.Fatalf("tokenwright %s under strace: exit code %d\n%s%s", strings.Join(args, " "), r.Code, r.Stdout, r.Stderr)
	}
	var list []moment
	all, named := 0, map[string]int{}
	for line := range strings.Lines(readFile(t, trace)) {
		found := harness.TracedCall.FindStringSubmatch(line)
		if found == nil {
			continue
		}
		all++
		if call := found[2]; names[call] {
			named[call]++
			list = append(list, moment{call, named[call]})
		}
	}
	if all == 0 {
		t.Fatal("strace has seen nothing")
	}
	count = max(count-len(list), 2)
	for i := range count {
		from, to := i*all/count, max(i*all/count+1, (i+1)*all/count)
		list = append(list, moment{"", 1 + from + rand.IntN(to-from)})
	}
	return list
}

// strike runs a command, kills it behind m, and tells whether it was.
func strike(t *testing.T, in *harness.Installation, m moment, calls string, args ...string) (killed bool) {
	t.Helper()
	// Each call takes a moment longer, in which its line arrives here.
	delay := 300
	if m.call != "" {
		calls, delay = m.call, 50_000
	}
	seen := 0
	flags := []string{"-o", "/dev/fd/3", "-e", "trace=" + calls, "-e", fmt.Sprintf("inject=%s:delay_exit=%d", calls, delay)}
	r := strace(t, in, func(line string) {
		found := harness.TracedCall.FindStringSubmatch(line)
		if found == nil {
			return
		}
		if seen++; seen == m.n {
			thread, _ := strconv.Atoi(found[1])
			_ = syscall.Kill(thread, syscall.SIGKILL) // an error says that it has ended
		}
	}, flags, args...)
	if r.Code > 0 {
		t.Errorf("tokenwright %s, to be killed at %v: exit code %d\n%s", strings.Join(args, " "), m, r.Code, r.Stderr)
	}
	return r.Code < 0
}

// strace runs a command of the product below strace, to its end; heard, where not
// nil, is told each line that strace writes to /dev/fd/3. The exit code is -1 where
// the command was killed, and so strace, which does to itself what happened to it.
func strace(t *testing.T, in *harness.Installation, heard func(string), flags []string, args ...string) harness.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	c := harness.BelowStrace(ctx, t, in.Command(ctx, args...), append([]string{"--seccomp-bpf"}, flags...)...)
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	if heard != nil {
		defer listen(t, c, heard)()
	}
	err := c.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || ctx.Err() != nil {
		t.Fatalf("running %s: %v", c.Args, err)
	}
	in.Keep(t, "stdout", stdout.Bytes())
	in.Keep(t, "stderr", stderr.Bytes())
	if status, ok := c.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() && status.Signal() != syscall.SIGKILL {
		t.Fatalf("%s ended with %s\n%s", c.Args, c.ProcessState, stderr.Bytes())
	}
	return harness.Result{Code: c.ProcessState.ExitCode(), Stdout: stdout.String(), Stderr: stderr.String()}
}

// listen gives c, which is not started yet, a pipe at its descriptor 3; the function
// that it returns waits until all lines were heard.
func listen(t *testing.T, c *exec.Cmd, heard func(string)) (wait func()) {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	c.ExtraFiles = []*os.File{write}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for lines := bufio.NewScanner(read); lines.Scan(); {
			heard(lines.Text())
		}
	}()
	return func() {
		_ = write.Close()
		<-done
		_ = read.Close()
	}
}

// filesIn are the names in a directory.
func filesIn(t *testing.T, dir string) (list []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}
