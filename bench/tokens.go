package main

import (
	"context"
	"fmt"
)

// tokenFigures is one row of the comparison.
type tokenFigures struct {
	Name      string  `json:"name"`
	CPU       spread  `json:"cpu_s_per_1000"`
	OfLimit   spread  `json:"limit_cpu_by_own"` // 1 is as good as the limit, 0.5 costs twice as much
	PerSecond spread  `json:"tokens_per_s"`
	P50       float64 `json:"latency_p50_us"` // at one connection
	P99       float64 `json:"latency_p99_us"`
	Memory    float64 `json:"memory_mib"` // after the load
}

// tokens compares the token endpoint, everything on, with the limit and with
// two libraries: form body, ES256, 16 keep-alive connections.
func (b *bench) tokens(ctx context.Context) (any, error) {
	contenders, samples, err := b.race(ctx, b.endpoints)
	defer stopAll(contenders)
	if err != nil {
		return nil, err
	}
	var figures []tokenFigures
	rows := [][]string{{"program", "CPU s/1,000", "limit/own", "(min-max)", "tokens/s on a core", "p50, p99 at 1 connection", "memory", "must reach"}}
	for _, c := range contenders {
		f := tokenFigures{Name: c.Name, CPU: spreadBy(samples[c.Name], (*sample).cpu), OfLimit: ratio(samples[nameLimit], samples[c.Name])}
		f.PerSecond = spreadBy(samples[c.Name], (*sample).perSecond)
		single, err := c.run(ctx, 1, b.duration)
		if err != nil {
			return nil, err
		}
		f.P50, f.P99 = single.P50, single.P99
		if f.Memory, err = c.memory(); err != nil {
			return nil, err
		}
		mustReach := ""
		if f.Name == nameOurs {
			mustReach = barTokens.beside(f.OfLimit.Median)
		}
		figures = append(figures, f)
		rows = append(rows, []string{f.Name, fmt.Sprintf("%.4f", f.CPU.Median), fmt.Sprintf("%.3f", f.OfLimit.Median),
			fmt.Sprintf("%.3f-%.3f", f.OfLimit.Min, f.OfLimit.Max), fmt.Sprintf("%.0f", f.PerSecond.Median),
			fmt.Sprintf("%.0f, %.0f µs", f.P50, f.P99), fmt.Sprintf("%.0f MiB", f.Memory), mustReach})
	}
	b.table(fmt.Sprintf("Token endpoint: ES256, form body, %d connections, %d rounds of %s", connections, b.rounds, b.duration), rows)
	return figures, nil
}

// endpoints starts everything that is compared; what has been started is
// returned with an error too.
func (b *bench) endpoints(ctx context.Context) (all []*contender, err error) {
	c, err := b.ours(ctx, nameOurs, serverCore, 9100)
	if err != nil {
		return nil, err
	}
	all = append(all, c)
	for i, peer := range b.peers() {
		if c, err = b.theirs(ctx, peer.name, peer, serverCore, 9000+i); err != nil {
			return all, err
		}
		all = append(all, c)
	}
	return all, nil
}
