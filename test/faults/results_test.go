package faults

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// outcome is one row of the table: what a fault has done, all its times together.
type outcome struct {
	rule, fault string
	times       int
	asked       int           // for tokens, meanwhile
	lost        int           // changes acknowledged and not there
	wrong       int           // answers that say what is not so
	failed      int           // requests that had to be answered well and were not
	slowest     time.Duration // answer to a change that could not be made
	recovery    []time.Duration
	note        string // what else was measured
}

// results are the rows of this run.
var results table

type table struct {
	mu   sync.Mutex
	rows []outcome
}

// report adds a row. What a row counts is a failure of the test as well: the
// table shows, it does not judge.
func (o outcome) report(t *testing.T) {
	t.Helper()
	if o.times == 0 {
		t.Error("the fault never happened: this run has tested nothing")
	}
	slices.Sort(o.recovery)
	results.mu.Lock()
	defer results.mu.Unlock()
	results.rows = append(results.rows, o)
	t.Log(o.cells())
}

// recovers holds the time that a recovery took against its bar, where times are judged.
func (o *outcome) recovers(t *testing.T, took, bar time.Duration) {
	t.Helper()
	o.recovery = append(o.recovery, took)
	within(t, o.fault+": recovery", took, bar)
}

// within holds a time against its bar. The short run has other tests beside it
// on the machine, so it only notices what has come to a stop.
func within(t *testing.T, what string, took, bar time.Duration) {
	t.Helper()
	if !*full {
		bar = 4*bar + 10*time.Second
	}
	if took > bar {
		t.Errorf("%s took %s, more than %s", what, milliseconds(took), bar)
	}
}

func (o outcome) cells() []string {
	recovery := "-"
	if n := len(o.recovery); n > 0 {
		recovery = fmt.Sprintf("%s / %s / %s", milliseconds(o.recovery[n/2]), milliseconds(o.recovery[(n*99+99)/100-1]), milliseconds(o.recovery[n-1]))
	}
	slowest := "-"
	if o.slowest > 0 {
		slowest = milliseconds(o.slowest).String()
	}
	number := func(n int) string { return fmt.Sprint(n) }
	return []string{o.rule, o.fault, number(o.times), number(o.asked), number(o.lost), number(o.wrong), number(o.failed), slowest, recovery, cmp.Or(o.note, "-")}
}

var headings = []string{
	"rule", "fault", "times", "token requests", "acknowledged and lost", "wrong answers", "failed requests", "slowest refusal of a change", "recovery: median / p99 / max", "beside it",
}

// show prints all rows, and writes them to a file where one is named.
func (r *table) show(path string) error {
	if len(r.rows) == 0 || !testing.Verbose() && path == "" {
		return nil
	}
	slices.SortStableFunc(r.rows, func(a, b outcome) int { return strings.Compare(a.rule, b.rule) })
	var out strings.Builder
	line := func(cells []string) { fmt.Fprintf(&out, "| %s |\n", strings.Join(cells, " | ")) }
	line(headings)
	line(slices.Repeat([]string{"---"}, len(headings)))
	for _, o := range r.rows {
		line(o.cells())
	}
	fmt.Print("\n", out.String())
	if path == "" {
		return nil
	}
	return os.WriteFile(path, []byte(introduction()+out.String()), 0o644)
}

// introduction says what was measured where.
func introduction() string {
	return fmt.Sprintf(`# Faults

Written by `+"`make faults`"+` on %s, at commit %s, on %s. What each rule wants is in
[docs/rules.md](../../docs/rules.md). A request that had to be answered well counts as failed whatever it got instead; a
wrong answer is a refusal of good credentials, or a token for deleted ones.

`, time.Now().UTC().Format(time.DateOnly), commit(), machine())
}

func commit() string {
	out, err := exec.Command("git", "describe", "--always", "--dirty").Output()
	if err != nil {
		return "(none)"
	}
	return strings.TrimSpace(string(out))
}

func machine() string {
	name := "a processor of unknown name"
	text, _ := os.ReadFile("/proc/cpuinfo") // there is none elsewhere
	for line := range strings.Lines(string(text)) {
		if what, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(what) == "model name" {
			name = strings.TrimSpace(value)
		}
	}
	return fmt.Sprintf("%s/%s with %d cores (%s)", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), name)
}
