package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// leastKilled is the bar of R-54, in per cent. Survivors that are judged count
// as not killed.
const leastKilled = 90.0

// report is what became of the mutants of one package.
type report struct {
	dir        string
	verdicts   map[string]verdict
	unjudged   []string // survivors that are not listed
	stale      []string // listed, but killed, not reached or not made
	failing    []string // tests that fail with all mutants asleep
	unviable   int
	took       time.Duration
	listed     int // survivors that are listed
	notReached []string
}

func (r *report) count(v verdict) int {
	n := 0
	for _, got := range r.verdicts {
		if got == v {
			n++
		}
	}
	return n
}

// met is the number of mutants that a test comes across.
func (r *report) met() int { return len(r.verdicts) - r.count(notReached) }

// killed is in per cent of the mutants that a test comes across.
func (r *report) killed() float64 {
	if r.met() == 0 {
		return 0
	}
	return 100 * float64(r.count(killed)+r.count(timedOut)) / float64(r.met())
}

// do tries the mutants of every package.
func (w *work) do(ctx context.Context) ([]*report, error) {
	scratch, err := os.MkdirTemp("", "mutants-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(scratch) }()
	var subjects []*subject
	chosen := map[string]bool{}
	var names []string
	for _, t := range w.targets {
		s, err := build(ctx, w.root, scratch, t)
		if err != nil {
			return nil, err
		}
		subjects = append(subjects, s)
		for _, m := range s.mutants {
			if strings.Contains(m.name, w.match) {
				names = append(names, m.name)
			}
		}
	}
	if w.sample > 0 {
		fmt.Fprintf(w.out, "-sample %d -seed %d\n", w.sample, w.seed)
		rand.New(rand.NewPCG(w.seed, 0)).Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		names = names[:min(w.sample, len(names))]
	}
	for _, name := range names {
		chosen[name] = true
	}
	var reports []*report
	for _, s := range subjects {
		r, err := w.judge(ctx, s, chosen)
		if err != nil {
			return nil, err
		}
		reports = append(reports, r)
	}
	return reports, nil
}

// judge tries the chosen mutants of one package.
func (w *work) judge(ctx context.Context, s *subject, chosen map[string]bool) (*report, error) {
	began := time.Now()
	r := &report{dir: s.dir, verdicts: map[string]verdict{}, unviable: s.unviable}
	var todo []mutant
	for _, m := range s.mutants {
		if chosen[m.name] {
			todo = append(todo, m)
		}
	}
	if len(todo) == 0 {
		return r, nil
	}
	fmt.Fprintf(w.out, "\n%s: %d mutants\n", s.dir, len(todo))
	all, err := s.tests(ctx, w.workers)
	if err != nil {
		return nil, err
	}
	for _, t := range all {
		if !t.ok {
			r.failing = append(r.failing, t.name)
		}
	}
	verdicts := make([]verdict, len(todo))
	err = each(ctx, w.workers, len(todo), func(i int) error {
		v, err := s.judge(ctx, todo[i].id, all, w.patience)
		_, listed := w.judged[todo[i].name]
		if listed && v >= killed && err == nil {
			v, err = s.judge(ctx, todo[i].id, all, w.patience) // once may have been the load of the machine
		}
		if v == survived && !listed && err == nil {
			w.survives(todo[i].name)
		}
		verdicts[i] = v
		return err
	})
	if err != nil {
		return nil, err
	}
	made := map[string]bool{}
	for _, m := range s.mutants {
		made[m.name] = true
	}
	for i, m := range todo {
		r.verdicts[m.name] = verdicts[i]
		_, listed := w.judged[m.name]
		switch {
		case verdicts[i] == notReached:
			r.notReached = append(r.notReached, m.name)
		case verdicts[i] == survived && !listed:
			r.unjudged = append(r.unjudged, m.name)
		case verdicts[i] == survived:
			r.listed++
		case listed:
			r.stale = append(r.stale, m.name)
		}
	}
	for name := range w.judged {
		if strings.HasPrefix(name, s.dir+"/") && !made[name] {
			r.stale = append(r.stale, name)
		}
	}
	slices.Sort(r.stale)
	r.took = time.Since(began)
	r.tell(w.out)
	return r, nil
}

// survives tells of a mutant at once: all of them take long, and this one is known.
func (w *work) survives(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	fmt.Fprintf(w.out, "survives: %s\n", name)
}

// tell prints what somebody should look at.
func (r *report) tell(out io.Writer) {
	fmt.Fprintf(out, "%s: %.1f %% killed, in %s\n", r.dir, r.killed(), r.took.Round(time.Second))
	for _, list := range []struct {
		title string
		names []string
	}{
		{"fail with all mutants asleep, so they judge none", r.failing},
		{"no test comes across", r.notReached},
		{"in survivors.txt, but killed or gone", r.stale},
		{"survive, and nobody has judged them", r.unjudged},
	} {
		if len(list.names) > 0 {
			fmt.Fprintf(out, "%s:\n\t%s\n", list.title, strings.Join(list.names, "\n\t"))
		}
	}
}

// table prints all packages.
func table(out io.Writer, reports []*report) {
	fmt.Fprintln(out)
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "package\tmutants\tmet by a test\tkilled\t%\ttimed out\tsurvivors judged\tnot judged\tstale\t")
	for _, r := range append(reports, sum(reports)) {
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%.1f\t%d\t%d\t%d\t%d\t\n", r.dir, len(r.verdicts), r.met(), r.count(killed)+r.count(timedOut), r.killed(),
			r.count(timedOut), r.listed, len(r.unjudged), len(r.stale))
	}
	_ = t.Flush() // as any print
}

// sum is of all packages.
func sum(reports []*report) *report {
	all := &report{dir: "all packages", verdicts: map[string]verdict{}}
	for _, r := range reports {
		for name, v := range r.verdicts {
			all.verdicts[name] = v
		}
		all.unjudged, all.stale = append(all.unjudged, r.unjudged...), append(all.stale, r.stale...)
		all.listed += r.listed
		all.took += r.took
	}
	return all
}

// verdictOf is nil if the bar is met. Of a part of the mutants no share is judged.
func verdictOf(reports []*report, part bool) error {
	var faults []error
	for _, r := range reports {
		if n := len(r.unjudged); n > 0 {
			faults = append(faults, fmt.Errorf("%s: %d mutants survive that nobody has judged", r.dir, n))
		}
		if n := len(r.stale); n > 0 {
			faults = append(faults, fmt.Errorf("%s: %d mutants in survivors.txt are killed or gone", r.dir, n))
		}
		if !part && r.killed() < leastKilled {
			faults = append(faults, fmt.Errorf("%s: %.1f %% of the mutants are killed, the bar is %.0f", r.dir, r.killed(), leastKilled))
		}
	}
	return errors.Join(faults...)
}
