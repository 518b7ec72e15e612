package main

import (
	"context"
	"fmt"
)

// freshFigures is one row: what hands out a token that is fresh.
type freshFigures struct {
	Name   string  `json:"name"`
	Time   spread  `json:"cpu_ns"`
	Bytes  float64 `json:"bytes"`
	Allocs float64 `json:"allocs"`
}

// expiryFigures is one row: 10,000 goroutines whose token has died.
type expiryFigures struct {
	Name     string  `json:"name"`
	Requests float64 `json:"requests"`
	Released spread  `json:"ns_until_all_have_a_token"`
}

// sdkResults is the result file.
type sdkResults struct {
	Fresh  []freshFigures   `json:"fresh"`
	Cores  []libraryOnCores `json:"cores"`
	Expiry []expiryFigures  `json:"expiry"`
}

// The contenders, as the benchmarks name them. The second is what clientcredentials
// of golang.org/x/oauth2 returns.
const (
	lineOAuth2 = "ReuseTokenSource"
	lineClock  = "time.Now"
)

var sources = []string{nameOurs, lineOAuth2, lineClock}

// sdk compares the client SDK with golang.org/x/oauth2: a token that is fresh, and
// one that has died while many want it.
func (b *bench) sdk(ctx context.Context) (any, error) {
	if err := b.buildLibraries(ctx); err != nil {
		return nil, err
	}
	rounds, err := b.libraries(ctx, b.inTurns("Token", serverCore, "1"))
	if err != nil {
		return nil, err
	}
	var r sdkResults
	rows := [][]string{{"source", "ns of CPU", "(min-max)", "must reach", "B", "allocations", "must reach"}}
	for _, name := range sources {
		f := freshFigures{name, figureOf(rounds, name, cpuOp), figureOf(rounds, name, bytesOp).Median, figureOf(rounds, name, allocsOp).Median}
		r.Fresh, rows = append(r.Fresh, f), append(rows, f.row())
	}
	b.table(fmt.Sprintf("A fresh token, beside golang.org/x/oauth2: on one core, %d rounds of %s", b.rounds, b.duration), rows)
	if r.Cores, err = b.onBothCores(ctx, "A fresh token", "TokenCores", sources, nameOurs); err != nil {
		return nil, err
	}
	r.Expiry, err = b.expiry(ctx)
	return r, err
}

func (f *freshFigures) row() []string {
	row := []string{f.Name, fmt.Sprintf("%.2f", f.Time.Median), fmt.Sprintf("%.2f-%.2f", f.Time.Min, f.Time.Max), "",
		fmt.Sprintf("%.0f", f.Bytes), fmt.Sprintf("%.0f", f.Allocs), ""}
	if f.Name == nameOurs {
		row[3], row[6] = barFresh.beside(f.Time.Median), barFreshAllocs.beside(f.Allocs)
	}
	return row
}

// expiry has goroutines ask at once for the token after one that has died. The
// benchmark fails where they cause more than one request.
func (b *bench) expiry(ctx context.Context) ([]expiryFigures, error) {
	rounds, err := b.libraries(ctx, inProcess{name: "Expiry", cores: bothCores, cpu: "2", time: "1x", turns: 1})
	if err != nil {
		return nil, err
	}
	var figures []expiryFigures
	rows := [][]string{{"source", "requests", "must reach", "ms until all have it", "(min-max)"}}
	for _, name := range []string{nameOurs, lineOAuth2} {
		f := expiryFigures{name, figureOf(rounds, name+"-2", "requests").Max, figureOf(rounds, name+"-2", perOp)}
		mustReach := ""
		if name == nameOurs {
			mustReach = barHerd.beside(f.Requests)
		}
		figures = append(figures, f)
		rows = append(rows, []string{name, fmt.Sprintf("%.0f", f.Requests), mustReach, fmt.Sprintf("%.1f", f.Released.Median/1e6),
			fmt.Sprintf("%.1f-%.1f", f.Released.Min/1e6, f.Released.Max/1e6)})
	}
	b.table(fmt.Sprintf("A token has died: 10,000 goroutines ask for the next one, on two cores, %d times", b.rounds), rows)
	return figures, nil
}
