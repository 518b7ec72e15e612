package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// test is a test of a package, and what it comes across.
type test struct {
	name string
	took time.Duration
	ok   bool
	ids  []int
}

// verdict is what became of a mutant.
type verdict int

const (
	notReached verdict = iota // no test comes across it
	survived
	killed
	timedOut // which counts as killed
)

// quick is how long the tests may take that a mutant meets first, and those after
// them: among them the ones that come across the fewest others, for they were written
// for it, as a rule.
var quick = [...]time.Duration{time.Second, 5 * time.Second}

// patienceTimes is how many times longer than before the tests of a mutant may take, besides
// work.patience.
const patienceTimes = 3

// each calls f for 0 to n, as many at once as there are workers.
func each(ctx context.Context, workers, n int, f func(i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	next := make(chan int)
	for range workers {
		wg.Go(func() {
			for i := range next {
				if err := f(i); err != nil {
					cancel(err)
				}
			}
		})
	}
	for i := range n {
		select {
		case next <- i:
		case <-ctx.Done():
		}
	}
	close(next)
	wg.Wait()
	return context.Cause(ctx)
}

// tests asks each test which mutants it comes across. One that fails with all
// mutants asleep judges none of them: it counts allocations, as a rule.
func (s *subject) tests(ctx context.Context, workers int) ([]test, error) {
	c := exec.CommandContext(ctx, s.binary, "-test.list", ".")
	c.Dir = filepath.Join(s.root, s.dir)
	said, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("listing the tests of %s: %w", s.dir, err)
	}
	var all []test
	for _, name := range strings.Fields(string(said)) {
		if !strings.HasPrefix(name, "Benchmark") {
			all = append(all, test{name: name})
		}
	}
	err = each(ctx, workers, len(all), func(i int) error {
		t := &all[i]
		reached := filepath.Join(s.scratch, t.name+".reached")
		began := time.Now()
		code, err := s.run(ctx, 5*time.Minute, []string{t.name}, "MUTANT_REACHED="+reached)
		if err != nil {
			return err
		}
		t.took, t.ok = time.Since(began), code == 0
		if !t.ok { // by the load of the machine, or always
			code, err = s.run(ctx, 5*time.Minute, []string{t.name}, "MUTANT=")
			if err != nil {
				return err
			}
			t.ok = code == 0
		}
		text, err := os.ReadFile(reached)
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		for _, id := range strings.Fields(string(text)) {
			n, err := strconv.Atoi(id)
			if err != nil {
				return err
			}
			t.ids = append(t.ids, n)
		}
		return err
	})
	slices.SortFunc(all, func(a, b test) int { return len(a.ids) - len(b.ids) })
	return all, err
}

// judge wakes one mutant, and runs the tests that come across it.
func (s *subject) judge(ctx context.Context, id int, all []test, patience time.Duration) (verdict, error) {
	var batches [len(quick) + 1][]string
	var times [len(quick) + 1]time.Duration
	for _, t := range all {
		if !t.ok || !slices.Contains(t.ids, id) {
			continue
		}
		i := 0
		for i < len(quick) && times[i]+t.took > quick[i] {
			i++
		}
		batches[i], times[i] = append(batches[i], t.name), times[i]+t.took
	}
	met := notReached
	for i, names := range batches {
		if len(names) == 0 {
			continue
		}
		met = survived
		code, err := s.run(ctx, patience+patienceTimes*times[i], names, "MUTANT="+strconv.Itoa(id))
		switch {
		case errors.Is(err, errPatience):
			return timedOut, nil
		case err != nil:
			return 0, err
		case code != 0:
			return killed, nil
		}
	}
	return met, nil
}

var errPatience = errors.New("the tests took too long")

// run runs tests by their names in the directory of their package, and returns
// how they ended.
func (s *subject) run(ctx context.Context, limit time.Duration, names []string, env string) (code int, err error) {
	dir, err := os.MkdirTemp(s.scratch, "run-")
	if err != nil {
		return 0, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	within, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	c := exec.CommandContext(within, s.binary, "-test.short", "-test.failfast", "-test.run", "^("+strings.Join(names, "|")+")$")
	c.Dir = filepath.Join(s.root, s.dir)
	c.Env = append(os.Environ(), "TMPDIR="+dir, env)
	// What a test has started ends with it.
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
	c.WaitDelay = time.Second
	err = c.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return 0, ctx.Err()
	case within.Err() != nil:
		return 0, errPatience
	case err == nil:
		return 0, nil
	case errors.As(err, &exit):
		return exit.ExitCode(), nil
	}
	return 0, err
}
