package main

import (
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/evidence"
)

// mutants that a test notices are killed, and those that none looks at survive.
func TestMutantsAreKilledByTestsAlone(t *testing.T) {
	const file = "test/mutants/testdata/planted/planted.go "
	w := work{
		root: t.TempDir(), targets: []target{{dir: "test/mutants/testdata/planted"}}, workers: 2, patience: 2 * time.Second, out: io.Discard,
		judged: map[string]string{
			file + "Twice: total += n => total -= n":  "planted",
			file + "Check: n < 1 => n <= 1":           "killed, so stale",
			file + "Check: n < 100 => n <= 100":       "gone, so stale",
			"internal/other/x.go F: a == b => a != b": "of another package",
		},
	}
	// A module of its own, so that the one of the product need not know of it.
	dir := filepath.Join(w.root, w.targets[0].dir)
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(dir, os.DirFS("testdata/planted")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(w.root, "go.mod"), []byte("module planted\n\ngo 1.26.0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	reports, err := w.do(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]verdict{}
	for name, v := range reports[0].verdicts {
		if v == timedOut {
			v = killed
		}
		got[strings.TrimPrefix(name, file)] = v
	}
	want := map[string]verdict{
		"Check: n < 1 || n > most => n < 1 && n > most": killed,
		"Check: n < 1 => n >= 1":                        killed,
		"Check: n < 1 => n <= 1":                        killed,
		"Check: n > most => n <= most":                  killed,
		"Check: n > most => n >= most":                  killed,
		"Check: return errTooMany => return no error":   killed,
		"Twice: total += n => nothing":                  survived,
		"Twice: total += n => total -= n":               survived,
		"Loop: i++ => i--":                              killed,
		"Loop: i > 3 => i <= 3":                         killed,
		"Loop: i > 3 => i >= 3":                         killed,
		"Alone: a && !b => a || !b":                     notReached,
		"Alone: a => !a":                                notReached,
		"Alone: !b => b":                                notReached,
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if v, made := got[name]; v != want[name] || !made {
			t.Errorf("%s: got %d (made: %v), want %d", name, v, made, want[name])
		}
	}
	if len(got) != len(want) {
		t.Errorf("there are %d mutants: %v", len(got), slices.Sorted(maps.Keys(got)))
	}
	r := reports[0]
	if want := []string{file + "Twice: total += n => nothing"}; !slices.Equal(r.unjudged, want) || r.listed != 1 {
		t.Errorf("not judged are %q, listed are %d", r.unjudged, r.listed)
	}
	if want := []string{file + "Check: n < 1 => n <= 1", file + "Check: n < 100 => n <= 100"}; !slices.Equal(r.stale, want) {
		t.Errorf("stale are %q", r.stale)
	}
	if err := verdictOf(reports, false); err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("the verdict is %v", err)
	}
}

// of the rules themselves; in short, of a few mutants of one package.
func TestChangedRulesAreFoundByTheirTests(t *testing.T) {
	w := work{workers: runtime.NumCPU(), out: t.Output(), targets: evidence.Choose(targets[:1], targets), sample: evidence.Choose(5, 0), seed: 1}
	if err := w.find(t.Context()); err != nil {
		t.Fatal(err)
	}
	reports, err := w.do(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := verdictOf(reports, w.sample > 0); err != nil {
		t.Error(err)
	}
	for _, r := range append(reports, sum(reports)) {
		row := evidence.Row{Rule: "R-54", What: "mutants of " + r.dir, Times: len(r.verdicts)}
		row.AtLeast(t, "killed", r.killed(), "%", leastKilled)
		row.Tell("survivors judged", float64(r.listed), "")
		row.Tell("not judged", float64(len(r.unjudged)), "")
		row.Report(t)
	}
}

// Without running anything: what is listed can still be changed, so a rule that was
// mended since is not excused by an old reason.
func TestEveryListedSurvivorIsStillThere(t *testing.T) {
	judged, err := readSurvivors(survivors)
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	for _, to := range targets {
		s := &subject{target: to, root: root, scratch: t.TempDir()}
		p, err := s.load(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.write(p, nil); err != nil {
			t.Fatal(err)
		}
		for _, m := range s.mutants {
			delete(judged, m.name)
		}
	}
	for name := range judged {
		t.Errorf("no such mutant: %s", name)
	}
}

// The list is as good as its reasons.
func TestEverySurvivorHasAReason(t *testing.T) {
	if _, err := readSurvivors(survivors); err != nil {
		t.Error(err)
	}
	for name, text := range map[string]string{
		"no reason": "a.go F: a => b\n", "a reason of nothing": "\tbecause\n", "twice": "a.go F: a => b\n\tbecause\na.go F: a => b\n\tbecause\n",
	} {
		if got, err := readSurvivors(text); err == nil {
			t.Errorf("%s: got %v", name, got)
		}
	}
}
