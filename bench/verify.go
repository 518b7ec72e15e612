package main

import (
	"context"
	"fmt"
	"strings"
)

// verifyFigures is one row of the comparison.
type verifyFigures struct {
	Name   string  `json:"name"`
	Time   spread  `json:"cpu_ns"`
	Bytes  float64 `json:"bytes"`
	Allocs float64 `json:"allocs"`
	ByBare spread  `json:"by_bare"` // 1 is as good as the bare check of the signature
	ByOurs *spread `json:"by_ours,omitempty"`
}

// verifyResults is the result file.
type verifyResults struct {
	Verifiers []verifyFigures  `json:"verifiers"`
	Cores     []libraryOnCores `json:"cores"`
}

// verifier is a row of the table before it is measured.
type verifier struct {
	line, name  string
	revocations string // whether it follows them
}

var verifiers = []verifier{
	{"ES256/bare", "bare check, ES256 (the limit)", "-"},
	{"ES256/new", "tokenwright, ES256, new token", "yes"},
	{"ES256/golang-jwt", "keyfunc + golang-jwt, ES256", "no"},
	{"ES256/go-oidc", "coreos/go-oidc, ES256", "no"},
	{"ES256/seen", "tokenwright, ES256, seen token", "yes"},
	{"ES256/sha256", "SHA-256 of the token", "-"},
	{"EdDSA/bare", "bare check, EdDSA", "-"},
	{"EdDSA/new", "tokenwright, EdDSA, new token", "yes"},
	{"RS256/bare", "bare check, RS256", "-"},
	{"RS256/new", "tokenwright, RS256, new token", "yes"},
}

// verify compares the verification of access tokens with the bare check of their
// signature and with other libraries, and on two cores with that on one.
func (b *bench) verify(ctx context.Context) (any, error) {
	if err := b.buildLibraries(ctx); err != nil {
		return nil, err
	}
	in := b.inTurns("Verify", serverCore, "1")
	rounds, err := b.libraries(ctx, in)
	if err != nil {
		return nil, err
	}
	var r verifyResults
	rows := [][]string{{"verifier", "µs of CPU", "own/bare", "(min-max)", "own/ours", "(min-max)", "B", "allocations", "must reach", "revocations"}}
	for _, v := range verifiers {
		f := v.figures(rounds)
		r.Verifiers, rows = append(r.Verifiers, f), append(rows, f.row(&v))
	}
	b.table(fmt.Sprintf("Verification: on one core, %d rounds of %s. All check signature, iss, aud and exp, and fetch nothing meanwhile", b.rounds, b.duration), rows)
	r.Cores, err = b.onBothCores(ctx, "Verification", "VerifyCores", []string{"bare", "new", "seen"}, "new", "seen")
	return r, err
}

func (v *verifier) figures(rounds []lines) verifyFigures {
	algorithm, _, _ := strings.Cut(v.line, "/")
	f := verifyFigures{
		Name: v.name, Time: figureOf(rounds, v.line, cpuOp), ByBare: quotient(rounds, v.line, algorithm+"/bare"),
		Bytes: figureOf(rounds, v.line, bytesOp).Median, Allocs: figureOf(rounds, v.line, allocsOp).Median,
	}
	if v.revocations == "no" { // one of the others
		byOurs := quotient(rounds, v.line, algorithm+"/new")
		f.ByOurs = &byOurs
	}
	return f
}

func (f *verifyFigures) row(v *verifier) []string {
	byOurs, byOursSpread := "", ""
	if f.ByOurs != nil {
		byOurs, byOursSpread = fmt.Sprintf("%.3f", f.ByOurs.Median), fmt.Sprintf("%.3f-%.3f", f.ByOurs.Min, f.ByOurs.Max)
	}
	return []string{f.Name, fmt.Sprintf("%.2f", f.Time.Median/1000), fmt.Sprintf("%.3f", f.ByBare.Median),
		fmt.Sprintf("%.3f-%.3f", f.ByBare.Min, f.ByBare.Max), byOurs, byOursSpread,
		fmt.Sprintf("%.0f", f.Bytes), fmt.Sprintf("%.0f", f.Allocs), f.mustReach(v.line), v.revocations}
}

func (f *verifyFigures) mustReach(line string) string {
	switch line {
	case "ES256/new":
		return barNew.beside(f.ByBare.Median)
	case "ES256/golang-jwt":
		return barGolangJWT.beside(f.ByOurs.Median)
	case "ES256/go-oidc":
		return barGoOIDC.beside(f.ByOurs.Median)
	case "ES256/seen":
		return barSeen.beside(f.Time.Median / 1000)
	}
	return ""
}
