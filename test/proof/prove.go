package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/tokenwright/tokenwright/test/evidence"
)

// executions is how often a fuzz target is executed.
const executions = "1000000x"

// outcome is what running a test has shown.
type outcome struct {
	test     test
	passed   bool // and was not skipped
	seconds  float64
	rows     []evidence.Written
	searched *searched
}

// searched is what a run of tests says of its search for secrets, which has failed the
// run where it has found one.
type searched struct {
	Files   int `json:"files"`
	Secrets int `json:"secrets"`
	Forms   int `json:"forms"`
}

// prove runs the tests of all cases, each test once, and keeps the result of each case
// when its last test has ended.
func (r repository) prove(ctx context.Context, cases []provable, part float64, out io.Writer) error {
	commit, err := r.commit(ctx)
	if err != nil {
		return err
	}
	done := map[test]outcome{}
	var failed []string
	for n, c := range cases {
		fmt.Fprintf(out, "\n=== %s (%d of %d), %s\n", c.rule, n+1, len(cases), time.Now().Format(time.TimeOnly))
		for dir, tests := range grouped(c.tests, done) {
			if err := r.runAll(ctx, dir, tests, part, done, out); err != nil {
				return err
			}
		}
		result := c.result(done)
		result.Commit, result.Date, result.Machine, result.Time = commit, time.Now().UTC().Format(time.DateOnly), machine(), part
		if err := r.keep(result); err != nil {
			return err
		}
		if !result.Pass {
			failed = append(failed, c.rule)
		}
	}
	if len(failed) > 0 {
		return fmt.Errorf("not proved: %s", strings.Join(failed, ", "))
	}
	return nil
}

// grouped are the tests that have not run yet, by package.
func grouped(tests []test, done map[test]outcome) map[string][]test {
	groups := map[string][]test{}
	for _, t := range tests {
		if _, ran := done[t]; !ran {
			groups[t.dir] = append(groups[t.dir], t)
		}
	}
	return groups
}

// runAll runs tests of one package: together, but for fuzz targets, and for what stands for
// all tests.
func (r repository) runAll(ctx context.Context, dir string, tests []test, part float64, done map[test]outcome, out io.Writer) error {
	var together []test
	var names []string
	for _, t := range tests {
		var args []string
		switch {
		case t.fuzz():
			args = []string{"-run", "^$", "-fuzz", "^" + t.name + "$", "-fuzztime", executions, "-fuzzminimizetime", "1000x"}
		case !t.everything():
			together, names = append(together, t), append(names, t.name)
			continue
		}
		if err := r.goTest(ctx, dir, []test{t}, args, done, out); err != nil {
			return err
		}
	}
	if len(together) == 0 {
		return nil
	}
	args := []string{"-run", "^(" + strings.Join(names, "|") + ")$"}
	if tests[0].takes {
		args = append(args, "-full", fmt.Sprintf("-time=%g", part))
	}
	return r.goTest(ctx, dir, together, args, done, out)
}

// goTest runs go test, and reads what becomes of tests.
func (r repository) goTest(ctx context.Context, dir string, tests []test, args []string, done map[test]outcome, out io.Writer) error {
	temporary, err := os.MkdirTemp("", "tokenwright-proof-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(temporary) }()
	evidenceFile := filepath.Join(temporary, "evidence")
	c := exec.CommandContext(ctx, "go", append([]string{"test", "-json", "-count=1", "-timeout=24h", "."}, args...)...)
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	c.Dir, c.Env = r.path(dir), append(os.Environ(), "TOKENWRIGHT_PROOF="+evidenceFile)
	var stderr bytes.Buffer
	c.Stderr = &stderr
	pipe, err := c.StdoutPipe()
	if err != nil {
		return err
	}
	if err := c.Start(); err != nil {
		return err
	}
	found, err := read(pipe, out)
	ended := c.Wait()
	if err := errors.Join(ctx.Err(), err); err != nil {
		return err
	}
	if ended != nil {
		fmt.Fprintf(out, "go test %s: %v\n%s", dir, ended, stderr.Bytes())
	}
	rows, search, err := readEvidence(evidenceFile)
	if err != nil {
		return err
	}
	for _, t := range tests {
		o := found[t.name]
		if t.everything() {
			o = sum(found)
		}
		o.test, o.searched = t, search
		o.passed = o.passed && ended == nil // the search behind it may have found a secret
		for _, row := range rows {
			if name, _, _ := strings.Cut(row.Test, "/"); name == t.name {
				o.rows = append(o.rows, row)
			}
		}
		done[t] = o
	}
	return nil
}

// sum is the outcome of all tests of a package.
func sum(found map[string]outcome) outcome {
	all := outcome{passed: len(found) > 0}
	for name, o := range found {
		all.passed = all.passed && o.passed
		if !strings.Contains(name, "/") { // what is below a test is in its time
			all.seconds += o.seconds
		}
	}
	return all
}

// event is one line of go test -json (go doc test2json).
type event struct {
	Action, Test, Output string
	Elapsed              float64
}

// read follows a run: it shows what tests log, all of those that fail, and returns what
// became of each.
func read(from io.Reader, out io.Writer) (map[string]outcome, error) {
	found, said := map[string]outcome{}, map[string][]string{}
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return nil, fmt.Errorf("go test says %q: %w", lines.Text(), err)
		}
		switch e.Action {
		case "output":
			said[e.Test] = append(said[e.Test], e.Output)
			if e.Test == "" || strings.HasPrefix(e.Output, "fuzz: elapsed") {
				fmt.Fprint(out, e.Output)
			}
		case "pass", "fail", "skip":
			if e.Test == "" {
				continue
			}
			found[e.Test] = outcome{passed: e.Action == "pass", seconds: e.Elapsed}
			if e.Action == "pass" {
				fmt.Fprintf(out, "    %s %s (%.1f s)\n", e.Action, e.Test, e.Elapsed)
			} else {
				fmt.Fprint(out, strings.Join(said[e.Test], ""))
			}
			delete(said, e.Test)
		}
	}
	return found, lines.Err()
}

// readEvidence reads what harness.Record has written: rows, and the search behind them.
func readEvidence(path string) (rows []evidence.Written, search *searched, err error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	for line := range bytes.Lines(text) {
		var one struct {
			evidence.Written
			Searched *searched `json:"searched"`
		}
		if err := json.Unmarshal(line, &one); err != nil {
			return nil, nil, fmt.Errorf("reading %q: %w", line, err)
		}
		if one.Searched != nil {
			search = one.Searched
		} else {
			rows = append(rows, one.Written)
		}
	}
	return rows, search, nil
}
