package main

import (
	"context"
	"fmt"
)

// requestFigures is one row of a comparison of endpoints.
type requestFigures struct {
	Name      string  `json:"name"`
	CPU       spread  `json:"cpu_s_per_1000"`
	OfLimit   spread  `json:"limit_cpu_by_own"` // 1 is as good as the limit, 0.5 costs twice as much
	PerSecond spread  `json:"requests_per_s"`
	P50       float64 `json:"latency_p50_us"` // at one connection
	P99       float64 `json:"latency_p99_us"`
	Memory    float64 `json:"memory_mib"` // after the load
}

// perCore is how many requests a core answers in a second that is all the server's.
func (f *requestFigures) perCore() float64 { return 1000 / f.CPU.Median }

// contest is a comparison of endpoints.
type contest struct {
	title string
	// start starts everything that is compared; what has been started is returned
	// with an error too.
	start func(context.Context) ([]*contender, error)
	// limitOf names the limit that a contender is held against.
	limitOf func(name string) string
	// mustReach is what the table says beside the figures of ours, or "".
	mustReach func(*requestFigures) string
}

// compete compares CPU time, requests, latency and memory of endpoints, started anew
// for each round, on one core and with 16 keep-alive connections.
func (b *bench) compete(ctx context.Context, of contest) ([]requestFigures, error) {
	contenders, samples, err := b.race(ctx, of.start)
	defer stopAll(contenders)
	if err != nil {
		return nil, err
	}
	var figures []requestFigures
	rows := [][]string{{"program", "CPU s/1,000", "limit/own", "(min-max)", "requests/s on a core", "p50, p99 at 1 connection", "memory", "must reach"}}
	for _, c := range contenders {
		own := samples[c.Name]
		f := requestFigures{Name: c.Name, CPU: spreadBy(own, (*sample).cpu), OfLimit: ratio(samples[of.limitOf(c.Name)], own)}
		f.PerSecond = spreadBy(own, (*sample).perSecond)
		single, err := c.run(ctx, 1, b.duration)
		if err != nil {
			return nil, err
		}
		f.P50, f.P99 = single.P50, single.P99
		if f.Memory, err = c.memory(); err != nil {
			return nil, err
		}
		figures = append(figures, f)
		rows = append(rows, []string{f.Name, fmt.Sprintf("%.4f", f.CPU.Median), fmt.Sprintf("%.3f", f.OfLimit.Median),
			fmt.Sprintf("%.3f-%.3f", f.OfLimit.Min, f.OfLimit.Max), fmt.Sprintf("%.0f", f.PerSecond.Median),
			fmt.Sprintf("%.0f, %.0f µs", f.P50, f.P99), fmt.Sprintf("%.0f MiB", f.Memory), of.mustReach(&f)})
	}
	b.table(fmt.Sprintf("%s, %d connections, %d rounds of %s", of.title, connections, b.rounds, b.duration), rows)
	return figures, nil
}
