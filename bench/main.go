// Command bench measures Tokenwright side by side with the physical limit, with
// other token endpoints and with other libraries, in one run, and prints tables. It builds what it
// measures from the sources around it.
//
// What counts are the ratios of one run: absolute figures differ from machine
// to machine, and from hour to hour. The server has one core, the load
// generator another; programs take turns, round after round; a round in
// which something else used more than a tenth of the server's core is thrown
// away; the ratio is the median of the ratios within each round.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"
)

// bench is one run.
type bench struct {
	root     string // of the repository
	dir      string // temporary
	results  string // directory of the result files
	rounds   int
	duration time.Duration // of one program in one round
	noisy    bool
	out      io.Writer // tables
	progress func(format string, args ...any)

	generator             generator
	onlySuites, onlyPeers string // names, parted by commas; "" for all
}

// suite is a group of figures with a table and a result file of its own.
type suite struct {
	name string
	run  func(*bench, context.Context) (any, error)
}

var suites = []suite{
	{"tokens", (*bench).tokens},
	{"start", (*bench).start},
	{"cores", (*bench).cores},
	{"directory", (*bench).directory},
	{"restore", (*bench).restore},
	{"database", (*bench).database},
	{"algorithms", (*bench).algorithms},
	{"parts", (*bench).parts},
	{"introspection", (*bench).introspection},
	{"forward-auth", (*bench).forwardAuth},
	{"revocation", (*bench).revocation},
	{"verify", (*bench).verify},
	{"sdk", (*bench).sdk},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	b := &bench{out: os.Stdout, progress: func(format string, args ...any) {
		fmt.Fprintf(os.Stderr, "  "+format+"\n", args...)
	}}
	if err := b.run(ctx, os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func (b *bench) run(ctx context.Context, args []string) (err error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.IntVar(&b.rounds, "rounds", 7, "counted rounds")
	flags.DurationVar(&b.duration, "time", 4*time.Second, "how long each program is measured in a round")
	flags.BoolVar(&b.noisy, "noisy", false, "keep rounds in which the machine was busy with something else")
	flags.StringVar(&b.results, "results", "results", "`directory` of the result files")
	flags.StringVar(&b.onlySuites, "only", "", "measure only these suites: "+strings.Join(suiteNames(), ","))
	flags.StringVar(&b.onlyPeers, "peers", "", "compare only with these, and with limit: "+strings.Join(peerIDs, ","))
	if err := flags.Parse(args); err != nil {
		return err
	}
	if runtime.GOOS != "linux" || runtime.NumCPU() < 2 {
		return errors.New("this needs Linux and two cores: one for the server, one for the load")
	}
	if err := errors.Join(known("suite", b.onlySuites, suiteNames()), known("peer", b.onlyPeers, peerIDs)); err != nil {
		return err
	}
	if b.root, err = filepath.Abs(".."); err != nil {
		return err
	}
	if b.generator, err = newGenerator(); err != nil {
		return err
	}
	if b.dir, err = os.MkdirTemp("", "tokenwright-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	b.progress("building")
	if err := b.build(ctx); err != nil {
		return err
	}
	for _, s := range suites {
		if !wanted(b.onlySuites, s.name) {
			continue
		}
		b.progress("%s", s.name)
		figures, err := s.run(b, ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		if err := b.write(s.name, figures); err != nil {
			return err
		}
	}
	return nil
}

func suiteNames() (names []string) {
	for _, s := range suites {
		names = append(names, s.name)
	}
	return names
}

// wanted tells whether name is in the list, parted by commas; "" has all.
func wanted(list, name string) bool {
	return list == "" || slices.Contains(strings.Split(list, ","), name)
}

// known refuses a list with a name that nothing has: it would select nothing.
func known(kind, list string, names []string) error {
	for name := range strings.SplitSeq(list, ",") {
		if list != "" && !slices.Contains(names, name) {
			return fmt.Errorf("there is no %s %q, only %s", kind, name, strings.Join(names, ", "))
		}
	}
	return nil
}

// binary is where build has put a program.
func (b *bench) binary(name string) string { return filepath.Join(b.dir, name) }

// build makes Tokenwright as it is released, and the peers written in Go.
func (b *bench) build(ctx context.Context) error {
	for _, program := range []struct{ name, module, pkg string }{
		{"tokenwright", b.root, "./cmd/tokenwright"},
		{"limit", filepath.Join(b.root, "bench"), "./peers/limit"},
		{"fosite", filepath.Join(b.root, "bench"), "./peers/fosite"},
	} {
		c := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-ldflags", "-s -w", "-o", b.binary(program.name), program.pkg)
		c.Dir, c.Env = program.module, released()
		if out, err := c.CombinedOutput(); err != nil {
			return fmt.Errorf("building %s: %w\n%s", program.name, err, out)
		}
	}
	return nil
}

// released is the environment in which go compiles as deploy/dist does.
func released() []string { return append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-trimpath") }

// report is a result file.
type report struct {
	Measured time.Time `json:"measured"`
	Commit   string    `json:"commit"`
	Machine  string    `json:"machine"`
	Go       string    `json:"go"`
	Figures  any       `json:"figures"`
}

func (b *bench) write(name string, figures any) error {
	r := report{time.Now().UTC().Truncate(time.Second), commit(b.root), machine(), runtime.Version(), figures}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(b.results, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(b.results, name+".json"), append(text, '\n'), 0o644)
}

// readResult reads a result file, with figures as the suite returned them.
func readResult(results, suite string, figures any) (*report, error) {
	text, err := os.ReadFile(filepath.Join(results, suite+".json"))
	if err != nil {
		return nil, err
	}
	r := &report{Figures: figures}
	if err := json.Unmarshal(text, r); err != nil {
		return nil, fmt.Errorf("reading the results of %s: %w", suite, err)
	}
	return r, nil
}

// commit names what is measured: "+" is behind it where files are changed
// (those that the benchmark writes do not count).
func commit(root string) string {
	git := func(args ...string) string {
		out, err := exec.Command("git", append([]string{"-C", root}, args...)...).Output()
		if err != nil {
			return "unknown"
		}
		return strings.TrimSpace(string(out))
	}
	id := git("rev-parse", "--short=12", "HEAD")
	if git("status", "--porcelain", "--", ".", ":!bench/results") != "" {
		id += "+"
	}
	return id
}

func machine() string {
	model := "unknown processor"
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if _, rest, ok := strings.Cut(string(text), "model name"); ok {
			line, _, _ := strings.Cut(rest, "\n")
			model = strings.TrimSpace(strings.TrimLeft(line, "\t :"))
		}
	}
	return fmt.Sprintf("%d cores, %s, %s/%s", runtime.NumCPU(), model, runtime.GOOS, runtime.GOARCH)
}

// table prints rows in columns below a title.
func (b *bench) table(title string, rows [][]string) {
	fmt.Fprintf(b.out, "\n%s\n", title)
	w := tabwriter.NewWriter(b.out, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintf(w, "  %s\n", strings.Join(row, "\t"))
	}
	_ = w.Flush() // standard output: whoever closed it reads no more
}
