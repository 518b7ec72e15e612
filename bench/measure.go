package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// sample is one contender in one round.
type sample struct {
	used     time.Duration // CPU
	others   time.Duration // CPU that something else has used on the same cores
	requests int
	seconds  float64
}

// cpu is in seconds per 1,000 tokens.
func (s *sample) cpu() float64 { return s.used.Seconds() / float64(s.requests) * 1000 }

func (s *sample) perSecond() float64 { return float64(s.requests) / s.seconds }

func (s *sample) quiet() bool { return s.others.Seconds() <= tolerated*s.seconds }

const (
	// What else may run on the server's cores while it is measured.
	tolerated = 0.10
	// How often a round is tried again before the machine is called too busy.
	retries = 5
	// How long a contender is measured before it is the next one's turn: a
	// virtual machine is faster in one second than in the next by more than
	// what the contenders differ in.
	turn = 200 * time.Millisecond
)

// measure loads a contender for a time, and adds what it sees to s. The load
// generator is not something else.
func (c *contender) measure(ctx context.Context, d time.Duration, s *sample) error {
	cpu, err := c.cpuTime()
	if err != nil {
		return err
	}
	busy, err := coresBusy(c.cores)
	if err != nil {
		return err
	}
	load, err := c.run(ctx, c.connections, d)
	if err != nil {
		return err
	}
	busyAfter, err := coresBusy(c.cores)
	if err != nil {
		return err
	}
	cpuAfter, err := c.cpuTime()
	if err != nil {
		return err
	}
	used := cpuAfter - cpu
	s.used += used
	s.others += busyAfter - busy - used
	if strings.Contains(c.cores, loadCore) {
		s.others -= load.cpu
	}
	s.requests += load.Requests
	s.seconds += load.Seconds
	return nil
}

// round measures each contender for b.duration, all of them in turns.
func (b *bench) round(ctx context.Context, contenders []*contender) ([]sample, error) {
	for _, c := range contenders {
		if _, err := c.run(ctx, c.connections, min(warming, b.duration)); err != nil {
			return nil, fmt.Errorf("%s: %w", c.Name, err)
		}
	}
	samples := make([]sample, len(contenders))
	turns := max(1, int(b.duration/turn))
	for first := range turns {
		for i := range contenders {
			i = (first + i) % len(contenders)
			if err := contenders[i].measure(ctx, b.duration/time.Duration(turns), &samples[i]); err != nil {
				return nil, fmt.Errorf("%s: %w", contenders[i].Name, err)
			}
		}
	}
	return samples, nil
}

// warming is how long a contender is loaded before it is measured: for
// connections, caches and the size of the heap.
const warming = time.Second

// compare measures the contenders round after round, and throws away rounds in
// which the machine was busy with something else.
func (b *bench) compare(ctx context.Context, contenders []*contender) (map[string][]sample, error) {
	return b.repeat(ctx, func() ([]*contender, error) { return contenders, nil })
}

// race is compare, of what start starts anew for each round: where in memory a
// process lies makes it one or two per cent faster or slower for as long as it
// runs. The contenders of the last round are running when race returns, with an
// error too, and are for the caller to stop.
func (b *bench) race(ctx context.Context, start func(context.Context) ([]*contender, error)) (last []*contender, _ map[string][]sample, _ error) {
	samples, err := b.repeat(ctx, func() (_ []*contender, err error) {
		stopAll(last)
		last, err = start(ctx)
		return last, err
	})
	return last, samples, err
}

func (b *bench) repeat(ctx context.Context, start func() ([]*contender, error)) (map[string][]sample, error) {
	samples := map[string][]sample{}
	return samples, b.count(func() (keep func(), quiet bool, err error) {
		contenders, err := start()
		if err != nil {
			return nil, false, err
		}
		this, err := b.round(ctx, contenders)
		keep = func() {
			for i, c := range contenders {
				samples[c.Name] = append(samples[c.Name], this[i])
			}
		}
		return keep, !slices.ContainsFunc(this, func(s sample) bool { return !s.quiet() }), err
	})
}

// count runs rounds until b.rounds of them are kept: those in which the machine
// was quiet.
func (b *bench) count(round func() (keep func(), quiet bool, err error)) error {
	discarded := 0
	for done := 0; done < b.rounds; {
		keep, quiet, err := round()
		if err != nil {
			return err
		}
		if !quiet && !b.noisy {
			if discarded++; discarded > retries*b.rounds {
				return fmt.Errorf("this machine is busy with something else: %d rounds were thrown away (-noisy measures all the same)", discarded)
			}
			b.progress("round %d thrown away: something else was running", done+1)
			continue
		}
		keep()
		done++
		b.progress("round %d of %d", done, b.rounds)
	}
	return nil
}

func stopAll(contenders []*contender) {
	for _, c := range contenders {
		c.disconnect()
		c.stop()
	}
}

// spread is a median with what it was taken from.
type spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

func spreadOf(values []float64) spread {
	sorted := slices.Sorted(slices.Values(values))
	if len(sorted) == 0 {
		return spread{math.NaN(), math.NaN(), math.NaN()}
	}
	middle := sorted[len(sorted)/2]
	if len(sorted)%2 == 0 {
		middle = (middle + sorted[len(sorted)/2-1]) / 2
	}
	return spread{middle, sorted[0], sorted[len(sorted)-1]}
}

func spreadBy(samples []sample, value func(*sample) float64) spread {
	values := make([]float64, len(samples))
	for i := range samples {
		values[i] = value(&samples[i])
	}
	return spreadOf(values)
}

// ratio is a/b, pair by pair: what drifts between rounds falls out.
func ratio(a, b []sample) spread {
	values := make([]float64, len(a))
	for i := range a {
		values[i] = a[i].cpu() / b[i].cpu()
	}
	return spreadOf(values)
}
