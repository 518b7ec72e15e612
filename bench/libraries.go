package main

import (
	"context"
	"fmt"
	"math"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// inProcess is a benchmark of the package libraries.
type inProcess struct {
	name  string // without "Benchmark"
	cores string
	cpu   string // GOMAXPROCS, each after the other: "1", "1,2"
	time  string // of one turn: "200ms", or how often: "1x"
	turns int
}

// lines are the lines of a benchmark in one round: medians of its turns, by name
// and unit.
type lines map[string]map[string]float64

// figure is one of them, or no number where it was not measured.
func (l lines) figure(name, unit string) float64 {
	if v, ok := l[name][unit]; ok {
		return v
	}
	return math.NaN()
}

// buildLibraries makes the program that holds the benchmarks.
func (b *bench) buildLibraries(ctx context.Context) error {
	c := exec.CommandContext(ctx, "go", "test", "-c", "-o", b.binary("libraries"), "./libraries")
	c.Dir, c.Env = filepath.Join(b.root, "bench"), released()
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s: %w\n%s", c, err, out)
	}
	return nil
}

// inTurns is the benchmark with each of its contenders measured for b.duration, in
// short turns.
func (b *bench) inTurns(name, cores, cpu string) inProcess {
	return inProcess{name, cores, cpu, min(turn, b.duration).String(), max(1, int(b.duration/turn))}
}

// libraries runs a benchmark in a process of its own for each round: where things
// lie in memory makes one contender faster than another for as long as it runs.
func (b *bench) libraries(ctx context.Context, in inProcess) (rounds []lines, err error) {
	err = b.count(func() (keep func(), quiet bool, err error) {
		busy, err := coresBusy(in.cores)
		if err != nil {
			return nil, false, err
		}
		began := time.Now()
		c := exec.CommandContext(ctx, "taskset", "-c", in.cores, b.binary("libraries"), "-test.run", "^$", "-test.bench", "^Benchmark"+in.name+"$",
			"-test.cpu", in.cpu, "-test.benchtime", in.time, "-turns", strconv.Itoa(in.turns), "-test.timeout", "0")
		out, err := c.CombinedOutput()
		if err != nil {
			return nil, false, fmt.Errorf("%s: %w\n%s", c, err, out)
		}
		busyAfter, err := coresBusy(in.cores)
		if err != nil {
			return nil, false, err
		}
		round, err := readTurns(in.name, string(out))
		s := sample{others: busyAfter - busy - c.ProcessState.UserTime() - c.ProcessState.SystemTime(), seconds: time.Since(began).Seconds()}
		return func() { rounds = append(rounds, round) }, s.quiet(), err
	})
	return rounds, err
}

// again is what testing adds to a name that has been there: "#01".
var again = regexp.MustCompile(`(?m)^(Benchmark\S*)#\d+`)

// readTurns reads one round. It has more lines than one to a name.
func readTurns(name, text string) (lines, error) {
	parts, err := readBenchmarks(again.ReplaceAllString(text, "$1"))
	if err != nil {
		return nil, err
	}
	round := lines{}
	for _, p := range parts {
		round[strings.TrimPrefix(p.Name, name+"/")] = p.Figures
	}
	return round, nil
}

// figureOf is one contender over all rounds, in one unit.
func figureOf(rounds []lines, name, unit string) spread {
	return spreadOver(rounds, func(round lines) float64 { return round.figure(name, unit) })
}

// quotient is a/b in CPU time, round by round: what drifts between rounds falls out.
func quotient(rounds []lines, a, b string) spread {
	return spreadOver(rounds, func(round lines) float64 { return round.figure(a, cpuOp) / round.figure(b, cpuOp) })
}

func spreadOver(rounds []lines, value func(lines) float64) spread {
	var values []float64
	for _, round := range rounds {
		values = append(values, value(round))
	}
	return spreadOf(values)
}

// libraryOnCores is one row: a contender on one core and on two at once.
type libraryOnCores struct {
	Name string `json:"name"`
	One  spread `json:"cpu_ns_on_1"`
	Two  spread `json:"cpu_ns_on_2"` // of both together
	Cost spread `json:"cpu_on_2_by_on_1"`
	// Apart is the time from one to the next.
	Apart spread `json:"ns_on_2"`
}

// onBothCores compares what contenders cost on two cores with what they cost on
// one, where ours have a bar.
func (b *bench) onBothCores(ctx context.Context, title, benchmark string, names []string, ours ...string) ([]libraryOnCores, error) {
	rounds, err := b.libraries(ctx, b.inTurns(benchmark, bothCores, "1,2"))
	if err != nil {
		return nil, err
	}
	var figures []libraryOnCores
	rows := [][]string{{"", "CPU ns on 1 core", "on 2", "2/1", "(min-max)", "must reach", "ns from one to the next on 2"}}
	for _, name := range names {
		two := name + "-2" // as testing writes GOMAXPROCS
		f := libraryOnCores{name, figureOf(rounds, name, cpuOp), figureOf(rounds, two, cpuOp), quotient(rounds, two, name), figureOf(rounds, two, perOp)}
		mustReach := ""
		if slices.Contains(ours, name) {
			mustReach = barCores.beside(f.Cost.Median)
		}
		figures = append(figures, f)
		rows = append(rows, []string{name, fmt.Sprintf("%.4g", f.One.Median), fmt.Sprintf("%.4g", f.Two.Median),
			fmt.Sprintf("%.3f", f.Cost.Median), fmt.Sprintf("%.3f-%.3f", f.Cost.Min, f.Cost.Max), mustReach, fmt.Sprintf("%.4g", f.Apart.Median)})
	}
	b.table(fmt.Sprintf("%s: on two cores at once, %d rounds of %s", title, b.rounds, b.duration), rows)
	return figures, nil
}
