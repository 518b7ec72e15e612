package main

import (
	"fmt"
	"slices"
	"strings"
)

// goal is a bar, and what was measured of it.
type goal struct {
	rule, what string
	bar        bar
	figure     float64
}

func (r *results) goals() []goal {
	verifier := func(name string) *verifyFigures {
		return &r.verify.Verifiers[slices.IndexFunc(r.verify.Verifiers, func(f verifyFigures) bool { return f.Name == name })]
	}
	fresh, start, large := r.sdk.Fresh[0], r.start[0], &r.directory.Large
	return []goal{
		{"P1", "a token: CPU of the limit by ours", barTokens, r.tokens[0].OfLimit.Median},
		{"P3", "a token that is verified for the first time, by the check of its signature", barNew, verifier("tokenwright, new token").ByLimit.Median},
		{"P3", "keyfunc + golang-jwt by that", barGolangJWT, verifier("keyfunc + golang-jwt").ByOurs.Median},
		{"P3", "coreos/go-oidc by that", barGoOIDC, verifier("coreos/go-oidc").ByOurs.Median},
		{"P3", "a token that was verified before", barSeen, verifier("tokenwright, seen token").Time.Median / 1000},
		{"P4", "a fresh token from the client SDK", barFresh, fresh.Time.Median},
		{"P4", "what is allocated for it", barFreshAllocs, fresh.Allocs},
		{"P4", "requests of 10,000 goroutines whose token has ended", barHerd, r.sdk.Expiry[0].Requests},
		{"P5", "memory for each of a million API keys", barKey, r.directory.PerKey},
		{"P5", "a token with a million API keys by one with a thousand", barMillionKeys, r.directory.Slowing.Median},
		{"P5", "start with a million API keys", barLoad, large.Load.Median},
		{"P6", "revocation: another node, 99 of 100", barOtherNode, r.revocation.Node.P99 / 1000},
		{"P6", "revocation: a verifier that asks nobody, 99 of 100", barVerifier, r.revocation.Verifier.P99 / 1000},
		{"P8", "from start to the first token", barStart, start.First.Median},
		{"P8", "memory after it", barIdle, start.Idle.Median},
		{"P8", "size of the binary", barBinary, start.Binary},
		{"P9", "a token on two cores by one on one core", barCores, r.cores[0].Ratio.Median},
		{"", "introspections a second, for each core", barIntrospection, r.introspection[0].perCore()},
		{"", "restore of a million API keys", barRestore, r.restore.Restore.Median},
	}
}

// bars is the table of all bars; what is missed stands out.
func (r *results) bars() string {
	rows := [][]string{{"Rule", "What", "Must reach", "Measured", "Reached"}}
	var missed []string
	for _, g := range r.goals() {
		reached := "yes"
		if !g.bar.reachedBy(g.figure) {
			reached = "**no**"
			missed = append(missed, g.what)
		}
		bound := "≤ " + three(g.bar.most)
		if g.bar.least != 0 {
			bound = "≥ " + three(g.bar.least)
		}
		rows = append(rows, []string{g.rule, g.what, bound + g.bar.unit, three(g.figure) + g.bar.unit, reached})
	}
	said := "All of them are reached.\n"
	if missed != nil {
		said = fmt.Sprintf("Not reached: %s.\n", strings.Join(missed, "; "))
	}
	return table(rows...) + "\n" + said
}

// titled is a name as people write it.
func titled(name string) string {
	if rest, ours := strings.CutPrefix(name, nameOurs); ours {
		return "Tokenwright" + rest
	}
	return name
}

// shown is a name as tables have it.
func shown(name string) string {
	if strings.HasPrefix(name, nameOurs) {
		return "**" + titled(name) + "**"
	}
	return name
}

func requestTable(figures []requestFigures) string {
	rows := [][]string{{"Program", "Limit / own", "For each core", "Half, 99 of 100 within", "Memory"}}
	for _, f := range figures {
		rows = append(rows, []string{shown(f.Name), f.OfLimit.between(), three(f.perCore()) + " /s",
			three(f.P50) + " µs, " + three(f.P99) + " µs", three(f.Memory) + " MiB"})
	}
	return table(rows...)
}

func (r *results) revocationTable() string {
	rows := [][]string{{"Who knows of it", "Half of the times within", "99 of 100 within", "Always within", "Times"}}
	for _, w := range []struct {
		who string
		delays
	}{{"the other node", r.revocation.Node}, {"a verifier that follows the other node's feed", r.revocation.Verifier}} {
		rows = append(rows, []string{w.who, three(w.P50) + " ms", three(w.P99) + " ms", three(w.Max) + " ms", fmt.Sprint(w.Trials)})
	}
	return table(rows...)
}

func (r *results) verifyTable() string {
	rows := [][]string{{"Verifier", "Own / limit", "Own / ours", "CPU", "Allocations"}}
	for _, f := range r.verify.Verifiers {
		byOurs := ""
		if f.ByOurs != nil {
			byOurs = f.ByOurs.between()
		}
		rows = append(rows, []string{shown(f.Name), f.ByLimit.between(), byOurs, three(f.Time.Median/1000) + " µs", three(f.Allocs)})
	}
	return table(rows...)
}

func (r *results) sdkTable() string {
	rows := [][]string{{"A fresh token from", "CPU", "Allocations"}}
	for _, f := range r.sdk.Fresh {
		rows = append(rows, []string{shown(f.Name), three(f.Time.Median) + " ns", three(f.Allocs)})
	}
	return table(rows...)
}

func (r *results) startTable() string {
	rows := [][]string{{"Program", "First token", "Memory", "Binary"}}
	for _, f := range r.start {
		binary := "none of its own"
		if f.Binary != 0 {
			binary = three(f.Binary) + " MiB"
		}
		rows = append(rows, []string{shown(f.Name), three(f.First.Median) + " ms", three(f.Idle.Median) + " MiB", binary})
	}
	return table(rows...)
}

func (r *results) directoryTable() string {
	few, many := &r.directory.Small, &r.directory.Large
	row := func(what string, value func(*directoryFigures) float64, unit string) []string {
		return []string{what, three(value(few)) + unit, three(value(many)) + unit}
	}
	return table(
		[]string{"", three(float64(few.Keys)) + " API keys", three(float64(many.Keys)) + " API keys"},
		row("from start to ready, embedded database", func(f *directoryFigures) float64 { return f.Load.Median }, " s"),
		row("memory when ready", func(f *directoryFigures) float64 { return f.Memory }, " MiB"),
		[]string{"of it for each API key", "cannot be told", three(r.directory.PerKey) + " bytes"},
		[]string{"CPU of a token / with few", "1", r.directory.Slowing.between()},
		row("disable an API key, until it is refused", func(f *directoryFigures) float64 { return f.Change.Median }, " ms"),
	)
}

func (r *results) coresTable() string {
	rows := [][]string{{"Program", "A token on two cores / on one", "One core", "Two cores"}}
	for _, f := range r.cores {
		rows = append(rows, []string{shown(f.Name), f.Ratio.between(), three(f.PerSecondOne.Median) + " /s", three(f.PerSecondTwo.Median) + " /s"})
	}
	return table(rows...)
}

func (r *results) nodesTable() string {
	f := r.database.Nodes
	return table([]string{"Nodes on one PostgreSQL", "A token / on one node"}, []string{"one", "1"}, []string{"two", f.Ratio.between()})
}
