package main

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// A contender has one figure to a round, whatever number testing adds to its name.
func TestTurnsAreReadTogether(t *testing.T) {
	round, err := readTurns("Token", `cpu: Some Processor
BenchmarkToken/tokenwright         	46 	 4.0 cpu-ns/op	 5 ns/op	 0 B/op	 0 allocs/op
BenchmarkToken/tokenwright-2       	46 	 2.0 cpu-ns/op	 1 ns/op	 0 B/op	 0 allocs/op
BenchmarkToken/time.Now            	46 	50.0 cpu-ns/op	51 ns/op	 0 B/op	 0 allocs/op
BenchmarkToken/tokenwright#01      	46 	 6.0 cpu-ns/op	 7 ns/op	 0 B/op	 0 allocs/op
BenchmarkToken/tokenwright#01-2    	46 	 2.0 cpu-ns/op	 1 ns/op	 0 B/op	 0 allocs/op
BenchmarkToken/tokenwright#10      	46 	90.0 cpu-ns/op	99 ns/op	 1 B/op	 0 allocs/op
PASS
`)
	want := lines{
		"tokenwright":   {cpuOp: 6, perOp: 7, bytesOp: 0, allocsOp: 0},
		"tokenwright-2": {cpuOp: 2, perOp: 1, bytesOp: 0, allocsOp: 0},
		"time.Now":      {cpuOp: 50, perOp: 51, bytesOp: 0, allocsOp: 0},
	}
	if err != nil || !reflect.DeepEqual(round, want) {
		t.Errorf("got  %v, %v\nwant %v", round, err, want)
	}
	if got := round.figure("go-oidc", cpuOp); !math.IsNaN(got) {
		t.Errorf("what was not measured took %v", got)
	}
}

func TestQuotientIsTakenRoundByRound(t *testing.T) {
	round := func(a, b float64) lines { return lines{"a": {cpuOp: a}, "b": {cpuOp: b}} }
	if got, want := quotient([]lines{round(1, 1), round(9, 3), round(4, 2)}, "a", "b"), (spread{2, 1, 3}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

// One short round of the suites of the libraries, everything in it real.
func TestRunOfLibraries(t *testing.T) {
	if _, err := exec.LookPath("taskset"); err != nil {
		missing(t, "taskset is not installed")
	}
	results := t.TempDir()
	var out bytes.Buffer
	b := &bench{out: &out, progress: t.Logf}
	if err := b.run(t.Context(), []string{"-only", "verify,sdk", "-rounds", "1", "-time", "10ms", "-noisy", "-results", results}); err != nil {
		t.Fatal(err)
	}
	var v verifyResults
	readFigures(t, filepath.Join(results, "verify.json"), &v)
	if len(v.Verifiers) != len(verifiers) || len(v.Cores) != 4 {
		t.Fatalf("the figures are %+v", v)
	}
	for i, f := range v.Verifiers {
		if f.Name != verifiers[i].name || f.Time.Median <= 0 || f.ByLimit.Median <= 0 || !strings.Contains(out.String(), f.Name) {
			t.Errorf("figures of %s: %+v", verifiers[i].name, f)
		}
		if limit := verifiers[i].line == verifiers[i].limit; limit != (f.ByLimit.Median == 1) {
			t.Errorf("%s costs %v of its limit", f.Name, f.ByLimit.Median)
		}
	}
	var s sdkResults
	readFigures(t, filepath.Join(results, "sdk.json"), &s)
	if len(s.Fresh) != len(sources) || len(s.Cores) != len(sources) || len(s.Expiry) != 2 {
		t.Fatalf("the figures are %+v", s)
	}
	for _, f := range append(v.Cores, s.Cores...) {
		if f.One.Median <= 0 || f.Two.Median <= 0 || f.Cost.Median <= 0 || f.Apart.Median <= 0 {
			t.Errorf("figures of %s on two cores: %+v", f.Name, f)
		}
	}
	for _, f := range s.Expiry { // P4
		if f.Requests != 1 || f.Released.Median <= 0 {
			t.Errorf("figures of %s at the expiry: %+v", f.Name, f)
		}
	}
	for _, bar := range []string{"≤ 1.1: ", "≥ 1: ", "≥ 1.25: ", "≤ 1 µs: ", "≤ 30 ns: ", "≤ 0: yes", "≤ 1: yes", "≤ 1.05: "} {
		if !strings.Contains(out.String(), bar) {
			t.Errorf("no table has the bar %q", bar)
		}
	}
	t.Log(out.String())
}

// readFigures reads a result file.
func readFigures(t *testing.T, file string, figures any) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	r := report{Figures: figures}
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	if r.Measured.IsZero() || r.Commit == "" {
		t.Errorf("%s is of no time and no commit", file)
	}
}
