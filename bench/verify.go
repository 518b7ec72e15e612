package main

import (
	"context"
	"fmt"
)

// verifyFigures is one row of the comparison.
type verifyFigures struct {
	Name    string  `json:"name"`
	Time    spread  `json:"cpu_ns"`
	Bytes   float64 `json:"bytes"`
	Allocs  float64 `json:"allocs"`
	ByLimit spread  `json:"by_limit"`          // 1 is as good as what nobody can do without
	ByOurs  *spread `json:"by_ours,omitempty"` // of the others
}

// verifyResults is the result file.
type verifyResults struct {
	Verifiers []verifyFigures  `json:"verifiers"`
	Cores     []libraryOnCores `json:"cores"`
}

// verifier is a row of the table before it is measured.
type verifier struct {
	line, limit string // as the benchmarks name them; ES256/new is ours
	name        string
	revocations string // whether it follows them
}

const (
	lineNew       = "ES256/new"
	lineSeen      = "ES256/seen"
	lineGolangJWT = "ES256/golang-jwt"
	lineGoOIDC    = "ES256/go-oidc"
)

var verifiers = []verifier{
	{"ES256/bare", "ES256/bare", "limit: the bare check of ES256", "-"},
	{lineNew, "ES256/bare", "tokenwright, new token", "yes"},
	{lineGolangJWT, "ES256/bare", "keyfunc + golang-jwt", "no"},
	{lineGoOIDC, "ES256/bare", "coreos/go-oidc", "no"},
	{"ES256/sha256", "ES256/sha256", "limit: SHA-256 of the token", "-"},
	{lineSeen, "ES256/sha256", "tokenwright, seen token", "yes"},
	{"EdDSA/bare", "EdDSA/bare", "limit: the bare check of EdDSA", "-"},
	{"EdDSA/new", "EdDSA/bare", "tokenwright, new token, EdDSA", "yes"},
	{"RS256/bare", "RS256/bare", "limit: the bare check of RS256", "-"},
	{"RS256/new", "RS256/bare", "tokenwright, new token, RS256", "yes"},
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
	rows := [][]string{{"verifier", "µs of CPU", "own/limit", "(min-max)", "own/ours", "(min-max)", "B", "allocations", "must reach", "revocations"}}
	for _, v := range verifiers {
		f := v.figures(rounds)
		r.Verifiers, rows = append(r.Verifiers, f), append(rows, f.row(&v))
	}
	b.table(fmt.Sprintf("Verification: on one core, %d rounds of %s. All check signature, iss, aud and exp, and fetch nothing meanwhile", b.rounds, b.duration), rows)
	r.Cores, err = b.onBothCores(ctx, "Verification", "VerifyCores", []string{"bare", "new", "sha256", "seen"}, "new")
	return r, err
}

func (v *verifier) figures(rounds []lines) verifyFigures {
	f := verifyFigures{
		Name: v.name, Time: figureOf(rounds, v.line, cpuOp), ByLimit: quotient(rounds, v.line, v.limit),
		Bytes: figureOf(rounds, v.line, bytesOp).Median, Allocs: figureOf(rounds, v.line, allocsOp).Median,
	}
	if v.line == lineGolangJWT || v.line == lineGoOIDC {
		byOurs := quotient(rounds, v.line, lineNew)
		f.ByOurs = &byOurs
	}
	return f
}

func (f *verifyFigures) row(v *verifier) []string {
	byOurs, byOursSpread := "", ""
	if f.ByOurs != nil {
		byOurs, byOursSpread = fmt.Sprintf("%.3f", f.ByOurs.Median), fmt.Sprintf("%.3f-%.3f", f.ByOurs.Min, f.ByOurs.Max)
	}
	return []string{f.Name, fmt.Sprintf("%.2f", f.Time.Median/1000), fmt.Sprintf("%.3f", f.ByLimit.Median),
		fmt.Sprintf("%.3f-%.3f", f.ByLimit.Min, f.ByLimit.Max), byOurs, byOursSpread,
		fmt.Sprintf("%.0f", f.Bytes), fmt.Sprintf("%.0f", f.Allocs), f.mustReach(v.line), v.revocations}
}

func (f *verifyFigures) mustReach(line string) string {
	switch line {
	case lineNew:
		return barNew.beside(f.ByLimit.Median)
	case lineGolangJWT:
		return barGolangJWT.beside(f.ByOurs.Median)
	case lineGoOIDC:
		return barGoOIDC.beside(f.ByOurs.Median)
	case lineSeen:
		return barSeen.beside(f.Time.Median / 1000)
	}
	return ""
}
