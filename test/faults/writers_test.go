package faults

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/harness"
)

const (
	writers   = 16
	merchants = 4 // each with the default limit, 3, which is less than its writers want

	atLimit = "the limit of active API keys is reached"
)

// operation is a command whose end nobody saw.
type operation struct {
	merchant string
	name     string // of the API key to be created; "" to delete
	id       string // of the API key to be deleted
}

// work is what all writers of all rounds share.
type work struct {
	in  *harness.Installation
	log *log

	databaseFails bool // so commands may fail: nobody knows then what they have done

	starting sync.Mutex
	running  map[*exec.Cmd]bool

	mu      sync.Mutex
	keys    map[string][]string // by merchant: client IDs that are there and that nobody has tried to delete
	begun   int                 // creations
	done    int                 // operations acknowledged
	refused int                 // creations, by the limit
	inDoubt []operation         // of this round
	last    time.Time           // when an operation was acknowledged
}

// write runs one command after the other until all are killed. acknowledged is
// told of each that was.
func (w *work) write(ctx context.Context, t *testing.T, merchant string, acknowledged func()) {
	for ctx.Err() == nil {
		if w.step(ctx, t, merchant) {
			acknowledged()
		}
	}
}

// step runs one command, and tells whether it was acknowledged.
func (w *work) step(ctx context.Context, t *testing.T, merchant string) bool {
	op := w.choose(merchant)
	if op.name != "" {
		return w.create(ctx, t, op)
	}
	return w.delete(ctx, t, op)
}

// choose takes an API key to delete, or a name for another one.
func (w *work) choose(merchant string) operation {
	w.mu.Lock()
	defer w.mu.Unlock()
	if there := w.keys[merchant]; len(there) > 0 && rand.IntN(2) == 0 {
		i := rand.IntN(len(there))
		id := there[i]
		w.keys[merchant] = slices.Delete(there, i, i+1)
		return operation{merchant: merchant, id: id}
	}
	w.begun++
	return operation{merchant: merchant, name: fmt.Sprintf("Creation %d", w.begun)}
}

func (w *work) create(ctx context.Context, t *testing.T, op operation) bool {
	r := w.run(ctx, t, op, "key", "create", "--merchant", op.merchant, "--env", "demo", "--name", op.name, "--scope", "customers:read", "-o", "json")
	if r.code == 1 && strings.Contains(r.stderr, atLimit) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.refused++
		return false
	}
	if !json.Valid([]byte(r.stdout)) { // cut off, or an error, which run has reported
		w.doubt(r, op)
		return false
	}
	// Whoever has read the whole answer has the API key, even if the command
	// was killed before its exit.
	key := harness.ReadKey(t, r.stdout)
	w.log.add(t, acknowledgement{Created: key.ClientID, Secret: key.ClientSecret})
	w.mu.Lock()
	defer w.mu.Unlock()
	w.done, w.last = w.done+1, time.Now()
	w.keys[op.merchant] = append(w.keys[op.merchant], key.ClientID)
	return true
}

func (w *work) delete(ctx context.Context, t *testing.T, op operation) bool {
	r := w.run(ctx, t, op, "key", "delete", op.id, "--yes")
	if r.code != 0 {
		w.doubt(r, op)
		return false
	}
	w.log.add(t, acknowledgement{Deleted: op.id})
	w.mu.Lock()
	defer w.mu.Unlock()
	w.done, w.last = w.done+1, time.Now()
	return true
}

// doubt keeps an operation that was cut off, or puts back what was not begun.
func (w *work) doubt(r result, op operation) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case r.cutOff:
		w.inDoubt = append(w.inDoubt, op)
	case op.id != "":
		w.keys[op.merchant] = append(w.keys[op.merchant], op.id)
	}
}

// result is a command that has ended, or was killed, or was never begun (code -1).
type result struct {
	code           int
	cutOff         bool // by a kill, or by the end of the database
	stdout, stderr string
}

// run runs a command to its end or the kill. It must not fail by itself, but
// for the limit.
func (w *work) run(ctx context.Context, t *testing.T, op operation, args ...string) result {
	c := w.in.Command(ctx, args...)
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	err := w.runToItsEnd(c)
	if c.ProcessState == nil {
		if ctx.Err() == nil {
			t.Errorf("running %v: %v", op, err)
		}
		return result{code: -1}
	}
	if stderr.Len() > 0 {
		w.in.Keep(t, "stderr", stderr.Bytes())
	}
	r := result{c.ProcessState.ExitCode(), wasKilled(c), stdout.String(), stderr.String()}
	if w.databaseFails && r.code == 1 && !strings.Contains(r.stderr, atLimit) {
		r.cutOff = true
	}
	if r.code != 0 && !r.cutOff && !strings.Contains(r.stderr, atLimit) {
		t.Errorf("%v: %s\n%s", op, c.ProcessState, r.stderr)
	}
	return r
}

// runToItsEnd runs a command, which can be stopped meanwhile.
func (w *work) runToItsEnd(c *exec.Cmd) error {
	w.starting.Lock()
	err := c.Start()
	if err == nil {
		w.running[c] = true
	}
	w.starting.Unlock()
	if err != nil {
		return err
	}
	err = c.Wait()
	w.starting.Lock()
	delete(w.running, c)
	w.starting.Unlock()
	return err
}

// stopAll stops the server and all commands where they are, and waits until none of
// their threads runs, nor is in a system call. No command may be starting.
func (w *work) stopAll(t *testing.T, s *harness.Server) {
	t.Helper()
	pids := []int{s.Process.Process.Pid}
	for c := range w.running {
		pids = append(pids, c.Process.Pid)
	}
	for _, pid := range pids {
		_ = syscall.Kill(pid, syscall.SIGSTOP) // an error says that it has ended
	}
	for _, pid := range pids {
		harness.Eventually(t, harness.Soon, "a process is stopped", func() bool { return stopped(pid) })
	}
}

// stopped tells whether every thread of a process is, or has ended.
func stopped(pid int) bool {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	for _, thread := range threads {
		text, err := os.ReadFile(thread)
		if err != nil {
			continue // it has ended
		}
		_, state, _ := strings.Cut(string(text), ") ") // behind the name (proc(5))
		if !strings.ContainsAny(state[:1], "TZX") {
			return false
		}
	}
	return true
}

func wasKilled(c *exec.Cmd) bool {
	status, ok := c.ProcessState.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}
