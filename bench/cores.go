package main

import (
	"context"
	"fmt"
)

// coresFigures is one row: a program on one core and on two.
type coresFigures struct {
	Name  string `json:"name"`
	One   spread `json:"cpu_s_per_1000_on_1"`
	Two   spread `json:"cpu_s_per_1000_on_2"`
	Ratio spread `json:"cpu_on_2_by_on_1"`
	// Tokens per second; on two cores the load generator takes its share of one.
	PerSecondOne spread `json:"tokens_per_s_on_1"`
	PerSecondTwo spread `json:"tokens_per_s_on_2"`
}

// bothCores has the load generator's core in it, where the generator stays
// pinned: what then differs is only that the server may run there too. So the
// generator sleeps when it finds no answer, here and on one core alike. The
// server pays for waking it, and for its company (caches, switches); the limit,
// which has next to nothing of its own to share between cores, shows how much.
const bothCores = serverCore + "," + loadCore

// cores compares the CPU time of a token on two cores with that on one.
func (b *bench) cores(ctx context.Context) (any, error) {
	contenders, samples, err := b.race(ctx, b.onCores)
	defer stopAll(contenders)
	if err != nil {
		return nil, err
	}
	var figures []coresFigures
	rows := [][]string{{"program", "CPU s/1,000 on 1 core", "on 2", "2/1", "(min-max)", "must reach", "tokens/s on 1 core", "on 2, beside the load"}}
	for i := 0; i < len(contenders); i += 2 {
		one, two := samples[contenders[i].Name], samples[contenders[i+1].Name]
		f := coresFigures{
			contenders[i].Name, spreadBy(one, (*sample).cpu), spreadBy(two, (*sample).cpu), ratio(two, one), spreadBy(one, (*sample).perSecond), spreadBy(two, (*sample).perSecond),
		}
		mustReach := ""
		if f.Name == nameOurs {
			mustReach = barCores.beside(f.Ratio.Median)
		}
		figures = append(figures, f)
		rows = append(rows, []string{f.Name, fmt.Sprintf("%.4f", f.One.Median), fmt.Sprintf("%.4f", f.Two.Median),
			fmt.Sprintf("%.3f", f.Ratio.Median), fmt.Sprintf("%.3f-%.3f", f.Ratio.Min, f.Ratio.Max), mustReach,
			fmt.Sprintf("%.0f", f.PerSecondOne.Median), fmt.Sprintf("%.0f", f.PerSecondTwo.Median)})
	}
	b.table(fmt.Sprintf("Two cores: %d connections, %d rounds of %s", connections, b.rounds, b.duration), rows)
	return figures, nil
}

// onCores starts ours and the limit, each on one core and on two; what has
// been started is returned with an error too.
func (b *bench) onCores(ctx context.Context) (all []*contender, err error) {
	settings := []string{serverCore, bothCores}
	for i, cores := range settings {
		c, err := b.ours(ctx, onName(nameOurs, cores), cores, 9130+i)
		if err != nil {
			return all, err
		}
		c.sleeps = true
		all = append(all, c)
	}
	limit := b.peers()[0]
	for i, cores := range settings {
		c, err := b.theirs(ctx, onName(nameLimit, cores), limit, cores, 9030+i)
		if err != nil {
			return all, err
		}
		c.sleeps = true
		all = append(all, c)
	}
	return all, nil
}

// onName tells the two of a program apart in samples.
func onName(name, cores string) string {
	if cores == bothCores {
		return name + " on two cores"
	}
	return name
}
