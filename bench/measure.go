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
	cpu  float64 // CPU seconds per 1,000 tokens
	load *load
}

const (
	// What else may run on the server's cores while it is measured.
	tolerated = 0.10
	// How often a round is tried again before the machine is called too busy.
	retries = 5
)

// measure loads a contender once. quiet is false where something else has
// used too much of its cores; the load generator does not count.
func (c *contender) measure(ctx context.Context, d time.Duration) (s sample, quiet bool, err error) {
	cpu, err := c.cpuTime()
	if err != nil {
		return s, false, err
	}
	busy, err := coresBusy(c.cores)
	if err != nil {
		return s, false, err
	}
	if s.load, err = c.run(ctx, c.connections, d); err != nil {
		return s, false, err
	}
	busyAfter, err := coresBusy(c.cores)
	if err != nil {
		return s, false, err
	}
	cpuAfter, err := c.cpuTime()
	if err != nil {
		return s, false, err
	}
	used := cpuAfter - cpu
	others := busyAfter - busy - used
	if strings.Contains(c.cores, loadCore) {
		others -= s.load.cpu
	}
	s.cpu = used.Seconds() / float64(s.load.Requests) * 1000
	return s, others.Seconds() <= tolerated*s.load.Seconds, nil
}

// compare measures the contenders in turn, round after round, each round
// beginning with another one, and throws away rounds in which the machine was
// busy with something else.
func (b *bench) compare(ctx context.Context, contenders []*contender) (map[string][]sample, error) {
	for _, c := range contenders { // warm: connections, caches, the size of the heap
		if _, err := c.run(ctx, c.connections, b.duration); err != nil {
			return nil, fmt.Errorf("%s: %w", c.Name, err)
		}
	}
	samples := map[string][]sample{}
	discarded := 0
	for round := 0; round < b.rounds; {
		this := map[string]sample{}
		quiet := true
		for i := range contenders {
			c := contenders[(round+i)%len(contenders)]
			s, ok, err := c.measure(ctx, b.duration)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.Name, err)
			}
			this[c.Name], quiet = s, quiet && ok
		}
		if !quiet && !b.noisy {
			if discarded++; discarded > retries*b.rounds {
				return nil, fmt.Errorf("this machine is busy with something else: %d rounds were thrown away (-noisy measures all the same)", discarded)
			}
			b.progress("round %d thrown away: something else was running", round+1)
			continue
		}
		for name, s := range this {
			samples[name] = append(samples[name], s)
		}
		round++
		b.progress("round %d of %d", round, b.rounds)
	}
	return samples, nil
}

// race compares what start starts, all of which the caller has to stop: start
// and race return it with an error too.
func (b *bench) race(ctx context.Context, start func(context.Context) ([]*contender, error)) ([]*contender, map[string][]sample, error) {
	contenders, err := start(ctx)
	if err != nil {
		return contenders, nil, err
	}
	samples, err := b.compare(ctx, contenders)
	return contenders, samples, err
}

func stopAll(contenders []*contender) {
	for _, c := range contenders {
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

func spreadBy(samples []sample, value func(sample) float64) spread {
	values := make([]float64, len(samples))
	for i, s := range samples {
		values[i] = value(s)
	}
	return spreadOf(values)
}

func cpuOf(s sample) float64     { return s.cpu }
func perSecond(s sample) float64 { return float64(s.load.Requests) / s.load.Seconds }

// ratio is a/b, pair by pair: what drifts between rounds falls out.
func ratio(a, b []sample) spread {
	values := make([]float64, len(a))
	for i := range a {
		values[i] = a[i].cpu / b[i].cpu
	}
	return spreadOf(values)
}
