// Package evidence is what tests share that show how the product behaves in
// trouble: how much of it they make, inside make test or for make proof; load, and what
// became of it; and the rows of the table that make proof writes (package proof).
package evidence

import (
	"flag"
	"slices"
	"testing"
	"time"
)

var (
	full = flag.Bool("full", false, "as often, as long and as much as the rules say, and figures held to their bars (make proof)")
	part = flag.Float64("time", 1, "with -full, the `part` of a rule's time that a load lasts")
)

// Full tells whether trouble is as much as the rules say. Inside make test it is
// little, and other tests are at work beside it.
func Full() bool { return *full }

// Choose is what is done inside make test, or in full.
func Choose[T any](inShort, inFull T) T {
	if *full {
		return inFull
	}
	return inShort
}

// Lasting is how long a load lasts: a moment inside make test, or as the rule says.
func Lasting(inShort, rule time.Duration) time.Duration {
	return Choose(inShort, time.Duration(*part*float64(rule)))
}

// Short lets a test run beside the others of its package where figures are not judged.
func Short(t *testing.T) {
	t.Helper()
	if !*full {
		t.Parallel()
	}
}

// Within holds a time against its bar. Where other tests are at work beside it, it
// only notices what has come to a stop.
func Within(t *testing.T, what string, took, bar time.Duration) {
	t.Helper()
	if !*full {
		bar = 4*bar + 10*time.Second
	}
	if took > bar {
		t.Errorf("%s took %s, more than %s", what, Milliseconds(took), bar)
	}
}

// Milliseconds is a time without what nobody reads of it.
func Milliseconds(d time.Duration) time.Duration { return d.Round(time.Millisecond) }

// Quantile is that of a sorted list; 0 of an empty one.
func Quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

// Quantiles sorts a list and returns that of each q.
func Quantiles(list []time.Duration, qs ...float64) (values []time.Duration) {
	slices.Sort(list)
	for _, q := range qs {
		values = append(values, Quantile(list, q))
	}
	return values
}
