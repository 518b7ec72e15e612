package restore

import (
	"bytes"
	"context"
	"io"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/harness"
)

// waiting is a restore that has begun, and waits for the events on its standard input.
type waiting struct {
	in             *harness.Installation
	c              *exec.Cmd
	events         io.WriteCloser
	stdout, stderr bytes.Buffer
}

func beginRestore(t *testing.T, in *harness.Installation, args ...string) *waiting {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	w := &waiting{in: in, c: in.Command(ctx, append([]string{"restore", "--replay", "-"}, args...)...)}
	var err error
	if w.events, err = w.c.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	w.c.Stdout, w.c.Stderr = &w.stdout, &w.stderr
	if err := w.c.Start(); err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, patience, "the restore is at work", func() bool { return exists(t, database(in)+".restoring-wal") })
	return w
}

// end gives it the events, and returns how it ended.
func (w *waiting) end(t *testing.T, events string) harness.Result {
	t.Helper()
	if _, err := io.WriteString(w.events, events); err != nil {
		t.Error(err)
	}
	if err := w.events.Close(); err != nil {
		t.Error(err)
	}
	_ = w.c.Wait() // ProcessState tells
	w.in.Keep(t, "stdout", w.stdout.Bytes())
	w.in.Keep(t, "stderr", w.stderr.Bytes())
	return harness.Result{Code: w.c.ProcessState.ExitCode(), Stdout: w.stdout.String(), Stderr: w.stderr.String()}
}

// C-550: a server that is started while a restore is at work keeps its database: the
// restore ends, and says so.
func TestAServerThatIsStartedDuringARestoreKeepsItsDatabase(t *testing.T) {
	t.Parallel()
	w := newScene(t)
	restoring := beginRestore(t, w.Installation, w.backup, "--replace")
	s := w.Start(t)
	key := s.CreateKey(t, "demo")
	if r := restoring.end(t, readFile(t, w.events)); r.Code != 1 || !strings.Contains(r.Stderr, "in use") {
		t.Errorf("the restore: exit code %d\n%s%s", r.Code, r.Stdout, r.Stderr)
	}
	harness.Eventually(t, patience, "what was created meanwhile works", func() bool { return s.Works(t, key) })
	s.Stop(t)
	holds(t, w.Installation, key)
	succeed[restored](t, w.Installation, "restore", w.backup, "--replace", "--accept-lost-changes")
}

// C-550: where there is no database, a server makes none while one is being
// restored, nor where that was interrupted.
func TestAServerMakesNoInstallationWhereOneIsRestored(t *testing.T) {
	t.Parallel()
	w := newScene(t)
	to := elsewhere(t, w.Installation)
	to.Public = w.URL // that of the installation in the backup
	refusesToServe := func(when string) {
		t.Helper()
		s := to.Launch(t)
		if state := s.WaitFor(t, patience); state.ExitCode() != 1 || !strings.Contains(s.ReadLog(t), "run tokenwright restore again") || exists(t, database(to)) {
			t.Errorf("serve %s: %s, and there is a database: %t\n%s", when, state, exists(t, database(to)), s.LastLog(t))
		}
	}
	interrupted := beginRestore(t, to, w.backup)
	refusesToServe("during a restore")
	if err := interrupted.c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = interrupted.c.Wait()
	refusesToServe("after a restore that was killed")

	restoring := beginRestore(t, to, w.backup)
	if r := restoring.end(t, readFile(t, w.events)); r.Code != 0 {
		t.Fatalf("the restore: exit code %d\n%s", r.Code, r.Stderr)
	}
	s := to.Start(t)
	if !s.Works(t, w.key) {
		t.Error("an API key of the backup does not work")
	}
	s.Stop(t)
}

// C-550: of two restores to one place, one is refused.
func TestTwoRestoresToOnePlaceAreNotMixed(t *testing.T) {
	t.Parallel()
	w := newScene(t)
	first := beginRestore(t, w.Installation, w.backup, "--replace")
	refuse(t, w.Installation, []string{"another restore"}, "restore", w.backup, "--replace", "--accept-lost-changes")
	if r := first.end(t, readFile(t, w.events)); r.Code != 0 {
		t.Fatalf("the first restore: exit code %d\n%s", r.Code, r.Stderr)
	}
	holds(t, w.Installation, w.key)
}
