package faults

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/evidence"
	"github.com/tokenwright/tokenwright/test/harness"
)

// touching are the system calls by which something comes to a disk.
const touching = "open,openat,write,pwrite64,fsync,fdatasync,rename,renameat,renameat2,ftruncate"

// failure is a system call that fails, as a bad or full disk lets it fail.
type failure struct {
	harness.Moment
	as string // error of errno(3)
}

// failures are every call of a trace with every error; inside make test one of each kind
// of call, with few errors.
func failures(t *testing.T, trace string) (all []failure) {
	t.Helper()
	for _, as := range []string{"EIO", "ENOSPC", "EINTR"} {
		byCall := map[string][]failure{}
		for _, m := range harness.Moments(trace) {
			byCall[m.Call] = append(byCall[m.Call], failure{m, as})
		}
		for call, list := range byCall {
			if !evidence.Full() {
				if as != "EIO" && call != "pwrite64" {
					continue
				}
				list = list[(len(list)-1)/2:][:1]
			}
			all = append(all, list...)
		}
	}
	if len(all) == 0 {
		t.Fatalf("no call comes to the disk:\n%s", trace)
	}
	return all
}

func (f failure) flag() string {
	return fmt.Sprintf("inject=%s:error=%s:when=%d", f.Call, f.as, f.N)
}

// injected is the line of a trace with the call that has failed.
var injected = regexp.MustCompile(`(?m)^.*\(INJECTED\)$`)

// brokenPromise tells whether what follows in the trace, up to a call that answers, is
// an answer though a file was not brought to the disk before it: behind an error of
// fsync nothing is known of what was written (https://wiki.postgresql.org/wiki/Fsync_Errors).
func brokenPromise(trace, answers string) bool {
	before, _, answered := strings.Cut(trace, answers)
	failed := slices.IndexFunc(injected.FindAllString(before, -1), func(line string) bool { return strings.Contains(line, "sync(") })
	return answered && failed >= 0
}

// of all that a command asks of the disk to create an API key one thing fails,
// once with each error. Either the command fails, or the API key is there; and the next
// command finds everything in order.
func TestACommandWhoseDiskFailsOnceAcknowledgesNothingThatIsNotThere(t *testing.T) {
	evidence.Short(t)
	harness.Need(t, "strace", "sqlite3")
	in := harness.New(t)
	in.Start(t).Stop(t)
	in.Seed(t)
	in.CLI(t, "merchant", "update", "4259", "--key-limit", "10000")
	l := newLog(t)
	first := in.CreateKey(t, "demo")
	l.add(t, acknowledgement{Created: first.ClientID, Secret: first.ClientSecret})
	dir := t.TempDir()
	create := func(flags ...string) (r harness.Result, answer, trace string) {
		t.Helper()
		path := filepath.Join(dir, "answer")
		out, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = out.Close() }()
		flags = append(in.OnItsDisk(path, filepath.Join(in.Data, "master.key")), flags...)
		flags = append(flags, "-y", "-o", filepath.Join(dir, "trace"), "-e", "trace="+touching)
		c := harness.BelowStrace(context.Background(), t, in.Command(context.Background(), "key", "create", "--merchant", "4259", "--env", "demo",
			"--name", "Orders sync", "--scope", "customers:read", "-o", "json"), flags...)
		c.Env = append(c.Env, "GOMAXPROCS=1")
		var errors strings.Builder
		c.Stdout, c.Stderr = out, &errors
		_ = c.Run() // its exit code tells
		in.Keep(t, "stderr", []byte(errors.String()))
		return harness.Result{Code: c.ProcessState.ExitCode(), Stderr: errors.String()}, read(t, path), read(t, filepath.Join(dir, "trace"))
	}
	_, answer, trace := create()
	key := harness.ReadKey(t, answer)
	l.add(t, acknowledgement{Created: key.ClientID, Secret: key.ClientSecret})
	o := evidence.Row{Rule: "R-12", What: "one system call of key create fails"}
	refused, acknowledged := 0, 0
	for _, f := range failures(t, trace) {
		r, answer, trace := create("-e", f.flag())
		line := injected.FindString(trace)
		if line == "" {
			continue // fewer calls than the first time
		}
		o.Times++
		switch {
		case r.Code == 0:
			acknowledged++
			if brokenPromise(trace, dir+"/answer>, \"{") {
				o.Wrong++
				t.Errorf("acknowledged though the disk keeps nothing: %s", line)
			}
		case r.Code == 1 && r.Stderr != "":
			refused++
		default:
			t.Errorf("%s: exit code %d: %s", line, r.Code, r.Stderr)
		}
		if json.Valid([]byte(answer)) && answer != "" { // the secret was told, whatever else
			key := harness.ReadKey(t, answer)
			l.add(t, acknowledgement{Created: key.ClientID, Secret: key.ClientSecret})
		} else if r.Code == 0 {
			o.Wrong++
			t.Errorf("%s: success with the answer %q", line, answer)
		}
		for _, problem := range halfDone(t, in) {
			o.Lost++
			t.Errorf("after %s: %s", line, problem)
		}
	}
	o.Note = fmt.Sprintf("%d times the command has failed, %d times it did what it said", refused, acknowledged)
	for _, problem := range lost(t, in.Start(t).Installation, l) {
		o.Lost++
		t.Error(problem)
	}
	o.Report(t)
	if refused == 0 || acknowledged == 0 && evidence.Full() {
		t.Error("all were refused, or none: this has tested little")
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// the same of a server that is asked over the admin API. It answers that it
// cannot now, or the change is there; and the next change is taken.
func TestAServerWhoseDiskFailsOnceAcknowledgesNothingThatIsNotThere(t *testing.T) {
	evidence.Short(t)
	harness.Need(t, "strace", "sqlite3")
	in := harness.New(t)
	in.Environ = []string{"GOMAXPROCS=1"}
	s := in.Start(t)
	s.SetUp(t, "ada@example.com", password)
	in.Seed(t)
	keys := []harness.APIKey{in.CreateKey(t, "demo"), in.CreateOperatorKey(t, "merchants:read", "merchants:write", "api-keys:read", "api-keys:write")}
	in.AwaitKeys(t, keys...)
	c := newChanges(t, s, keys[0], keys[1])
	tokens := evidence.StartLoad(t, in, keys[0], 20)
	traced := func(flags ...string) (*harness.Answer, string) {
		t.Helper()
		end := s.Trace(t, append(append(in.OnItsDisk(), "-y", "-e", "trace="+touching), flags...)...)
		a := c.admin(t)
		return a, end()
	}
	_, trace := traced()
	o := evidence.Row{Rule: "R-12", What: "one system call of a server that creates a merchant fails"}
	refused, acknowledged := 0, 0
	for _, f := range failures(t, trace) {
		a, trace := traced("-e", f.flag())
		for again := 0; again < 3 && !injected.MatchString(trace); again++ {
			a, trace = traced("-e", f.flag()) // threads of the server have shared the calls
		}
		line := injected.FindString(trace)
		if line == "" {
			continue
		}
		o.Times++
		switch {
		case a.Status == http.StatusCreated:
			acknowledged++
			// Of the fsyncs the first is the commit's; others copy from the write-ahead log.
			if first := regexp.MustCompile(`(?m)^.*sync\(.*$`).FindString(trace); first == line {
				o.Wrong++
				t.Errorf("acknowledged though the disk keeps nothing: %s", line)
			}
		case a.Status == http.StatusServiceUnavailable && a.Header.Get("Retry-After") != "":
			refused++
		default:
			o.Wrong++
			t.Errorf("%s: status %d: %s", line, a.Status, a.Body)
		}
		began := time.Now()
		if a := c.admin(t); a.Status != http.StatusCreated {
			o.Failed++
			t.Errorf("behind %s the next change is answered %d: %s", line, a.Status, a.Body)
		}
		o.Recovery = append(o.Recovery, time.Since(began))
		for _, problem := range halfDone(t, in) {
			o.Lost++
			t.Errorf("after %s: %s", line, problem)
		}
	}
	tokens.Into(t, &o, nil)
	s.Stop(t)
	c.s = in.Start(t)
	c.lostInto(t, &o)
	o.Note = fmt.Sprintf("%d changes refused, %d taken", refused, acknowledged)
	o.Report(t)
	if refused == 0 || acknowledged == 0 && evidence.Full() {
		t.Error("all were refused, or none: this has tested little")
	}
}

// what a command has to say does not come to its file. Then it has not succeeded.
func TestACommandThatCannotAnswerFails(t *testing.T) {
	in := harness.New(t)
	in.Start(t).Stop(t)
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = full.Close() }()
	c := in.Command(t.Context(), "merchant", "list")
	var errors strings.Builder
	c.Stdout, c.Stderr = full, &errors
	if err := c.Run(); err == nil || !strings.Contains(errors.String(), noSpace) {
		t.Errorf("%v: %s", err, errors.String())
	}
}
