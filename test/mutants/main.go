package main

import (
	"context"
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
	"sync"
	"syscall"
	"time"
)

// work is what to do.
type work struct {
	root    string // of the module
	targets []target
	judged  map[string]string // survivors, with the reasons
	match   string            // part of the names of the mutants to try, "" for all
	sample  int               // of so many mutants by chance, 0 for all
	seed    uint64
	workers int
	// A mutant may loop for ever. Its tests have this long, and some times what they took before.
	patience time.Duration

	mu  sync.Mutex // for out, while mutants are judged
	out io.Writer
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	w := work{out: out, patience: 5 * time.Second, seed: uint64(time.Now().UnixNano())}
	flags := flag.NewFlagSet("mutants", flag.ContinueOnError)
	only := flags.String("only", "", "packages to look at, parted by commas (default all)")
	flags.StringVar(&w.match, "match", "", "try only mutants with this text in their name")
	flags.IntVar(&w.sample, "sample", 0, "try only so many mutants, chosen by -seed (default all)")
	flags.Uint64Var(&w.seed, "seed", w.seed, "what -sample chooses by")
	flags.IntVar(&w.workers, "workers", runtime.NumCPU(), "tests that run at once")
	if err := flags.Parse(args); err != nil {
		return err
	}
	for _, t := range targets {
		if *only == "" || slices.Contains(strings.Split(*only, ","), t.dir) {
			w.targets = append(w.targets, t)
		}
	}
	if len(w.targets) == 0 {
		return fmt.Errorf("no package of -only %s is known", *only)
	}
	if err := w.find(ctx); err != nil {
		return err
	}
	reports, err := w.do(ctx)
	if err != nil {
		return err
	}
	table(out, reports)
	return verdictOf(reports, w.match != "" || w.sample > 0)
}

// find finds the module, and what is judged of it.
func (w *work) find(ctx context.Context) error {
	mod, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return fmt.Errorf("looking for the module: %w", err)
	}
	w.root = filepath.Dir(filepath.Dir(strings.TrimSpace(string(mod)))) // above the module of the tests
	w.judged, err = readSurvivors(survivors)
	return err
}
