package main

import (
	"bufio"
	"context"
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strconv"
	"strings"
)

// part is one benchmark of the main module: medians, by unit.
type part struct {
	Name    string             `json:"name"`
	Figures map[string]float64 `json:"figures"`
}

// partRuns are the benchmarks that a token is made of, in its order.
var partRuns = []struct{ pkg, benchmarks string }{
	{"./internal/server", "^BenchmarkMiddleware$"},
	{"./internal/oauthapi", "^(BenchmarkReadTokenRequest|BenchmarkToken)$"},
	{"./internal/authority", "^(BenchmarkUnsignedToken|BenchmarkIssueToken|BenchmarkDirectory)$"},
	{"./internal/jose", "^BenchmarkSign$/^ES256"},
}

// The units that go test prints first; the others have a column together.
const (
	perOp     = "ns/op"
	bytesOp   = "B/op"
	allocsOp  = "allocs/op"
	cpuOp     = "cpu-ns/op" // of the package libraries
	partCount = "3"         // times each
)

// parts runs the benchmarks of the main module on the server's core.
func (b *bench) parts(ctx context.Context) (any, error) {
	var figures []part
	rows := [][]string{{"benchmark", perOp, bytesOp, allocsOp, "", "must reach"}}
	for _, run := range partRuns {
		c := exec.CommandContext(ctx, "go", "test", "-exec", "taskset -c "+serverCore, "-run", "^$", "-bench", run.benchmarks,
			"-benchmem", "-count", partCount, run.pkg)
		c.Dir = b.root
		out, err := c.CombinedOutput()
		if err != nil {
			return nil, fmt.Errorf("%s: %w\n%s", c, err, out)
		}
		parts, err := readBenchmarks(string(out))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c, err)
		}
		b.progress("%s", run.pkg)
		for _, p := range parts {
			p.Name = strings.TrimPrefix(run.pkg, "./internal/") + " " + p.Name
			figures, rows = append(figures, p), append(rows, p.row())
		}
	}
	b.table("Parts: benchmarks of the main module on one core, medians of "+partCount, rows)
	return figures, nil
}

func (p *part) row() []string {
	number := func(unit string) string {
		if v, ok := p.Figures[unit]; ok {
			return strconv.FormatFloat(v, 'f', -1, 64)
		}
		return ""
	}
	var others []string
	mustReach := ""
	for _, unit := range slices.Sorted(maps.Keys(p.Figures)) {
		if unit != perOp && unit != bytesOp && unit != allocsOp {
			others = append(others, number(unit)+" "+unit)
		}
		if unit == "B/key" && strings.Contains(p.Name, fmt.Sprintf("keys=%d/", manyKeys)) {
			mustReach = barKey.beside(p.Figures[unit])
		}
	}
	return []string{p.Name, number(perOp), number(bytesOp), number(allocsOp), strings.Join(others, ", "), mustReach}
}

// readBenchmarks reads what `go test -bench` prints: a name, a count of
// iterations, then values with units. Of several runs it takes the median.
func readBenchmarks(text string) ([]part, error) {
	var names []string
	values := map[string]map[string][]float64{}
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 4 || len(fields)%2 != 0 || !strings.HasPrefix(fields[0], "Benchmark") {
			continue
		}
		name := strings.TrimPrefix(fields[0], "Benchmark")
		if values[name] == nil {
			names, values[name] = append(names, name), map[string][]float64{}
		}
		for i := 2; i < len(fields); i += 2 {
			v, err := strconv.ParseFloat(fields[i], 64)
			if err != nil {
				return nil, fmt.Errorf("reading %q: %w", lines.Text(), err)
			}
			values[name][fields[i+1]] = append(values[name][fields[i+1]], v)
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("no benchmark has run:\n%s", text)
	}
	var parts []part
	for _, name := range names {
		p := part{name, map[string]float64{}}
		for unit, v := range values[name] {
			p.Figures[unit] = spreadOf(v).Median
		}
		parts = append(parts, p)
	}
	return parts, lines.Err()
}
