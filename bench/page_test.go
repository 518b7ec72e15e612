package main

import (
	"flag"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the results into the page of the documentation that tells them")

const content = "../internal/docs/content/"

// page is performance.md while it is compared, or written.
type page struct {
	*testing.T
	text string
}

// P1 and the others: what the documentation says is what was measured.
func TestThePageSaysWhatTheResultsSay(t *testing.T) {
	text, err := os.ReadFile(content + "performance.md")
	if err != nil {
		t.Fatal(err)
	}
	p := &page{t, string(text)}
	r := readResults(t)
	p.says("bars", r.bars())
	p.says("tokens", r.about("tokens", r.chart("tokens", "Tokens a second, for each core", r.tokens), requestTable(r.tokens)))
	p.says("introspection", r.about("introspection", requestTable(r.introspection)))
	p.says("forward-auth", r.about("forward-auth", r.chart("forward-auth", "Checks a second, for each core", r.forwardAuth), requestTable(r.forwardAuth)))
	p.says("revocation", r.about("revocation", r.revocationTable()))
	p.says("verify", r.about("verify", r.verifyTable()))
	p.says("sdk", r.about("sdk", r.sdkTable()))
	p.says("start", r.about("start", r.startTable()))
	p.says("directory", r.about("directory", r.directoryTable()))
	p.says("cores", r.about("cores", r.coresTable())+r.about("database", r.nodesTable()))
	for name, drawing := range r.charts {
		p.same(content+name, drawing)
	}
	if *update {
		p.write(content+"performance.md", p.text)
	}
}

// The README tells some of it, in words.
func TestTheReadmeSaysWhatTheResultsSay(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	measured := map[string]float64{}
	for _, g := range readResults(t).goals() {
		measured[g.what] = g.figure
	}
	want := fmt.Sprintf("a token costs %.2f times what a bare `net/http` handler with the same signature costs, a million API keys add %.0f %%, "+
		"and the first token is there %.0f ms after start. To verify one costs %.2f times the check of its signature, or %.2g µs where it was seen "+
		"before; a fresh one from the client SDK %.0f ns.",
		1/measured["a token: CPU of the limit by ours"], 100*(measured["a token with a million API keys by one with a thousand"]-1),
		measured["from start to the first token"], measured["a token that is verified for the first time, by the check of its signature"],
		measured["a token that was verified before"], measured["a fresh token from the client SDK"])
	if !strings.Contains(strings.Join(strings.Fields(string(text)), " "), want) {
		t.Errorf("README.md does not say what the results say:\n%s", want)
	}
}

// says holds that the part of the page that is written by the benchmark says want,
// or has it say so.
func (p *page) says(part, want string) {
	p.Helper()
	begin, end := "<!-- begin: written by bench, "+part+" -->\n", "<!-- end: written by bench, "+part+" -->\n"
	before, rest, ok := strings.Cut(p.text, begin)
	said, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		p.Fatalf("performance.md has no %q with %q behind it", begin, end)
	}
	want = "\n" + strings.TrimSpace(want) + "\n\n" // a comment beside a table would be a part of it
	if *update {
		p.text = before + begin + want + end + after
	} else if said != want {
		p.Errorf("performance.md does not say of %s what the results say; go test -run ThePage -update in bench mends that. It says:\n%s\nThe results:\n%s", part, said, want)
	}
}

// same holds that a file has this text.
func (p *page) same(name, want string) {
	p.Helper()
	if *update {
		p.write(name, want)
		return
	}
	if text, err := os.ReadFile(name); err != nil || string(text) != want {
		p.Errorf("%s does not show what the results say (%v); go test -run ThePage -update in bench mends that", name, err)
	}
}

func (p *page) write(name, text string) {
	p.Helper()
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		p.Fatal(err)
	}
}

// results are those of all suites that the page tells of.
type results struct {
	reports map[string]*report
	charts  map[string]string // files

	tokens, introspection, forwardAuth []requestFigures
	revocation                         revocationFigures
	verify                             verifyResults
	sdk                                sdkResults
	start                              []startFigures
	directory                          directoryRatios
	cores                              []coresFigures
	database                           databaseResults
	restore                            restoreFigures
}

func readResults(t *testing.T) *results {
	t.Helper()
	r := &results{reports: map[string]*report{}, charts: map[string]string{}}
	for suite, figures := range map[string]any{
		"tokens": &r.tokens, "introspection": &r.introspection, "forward-auth": &r.forwardAuth, "revocation": &r.revocation, "verify": &r.verify,
		"sdk": &r.sdk, "start": &r.start, "directory": &r.directory, "cores": &r.cores, "database": &r.database, "restore": &r.restore,
	} {
		report, err := readResult("results", suite, figures)
		if err != nil {
			t.Fatal(err)
		}
		r.reports[suite] = report
	}
	return r
}

// about puts below what a suite has measured when that was, and on what.
func (r *results) about(suite string, parts ...string) string {
	of := r.reports[suite]
	return strings.Join(parts, "\n") + fmt.Sprintf("\nMeasured on %s, commit %s: suite `%s`, %s, %s.\n\n",
		of.Measured.Format("2 January 2006"), of.Commit, suite, of.Machine, of.Go)
}

// table is rows in Markdown, the first of them the heads of columns.
func table(rows ...[]string) string {
	var b strings.Builder
	for i, row := range rows {
		fmt.Fprintf(&b, "| %s |\n", strings.Join(row, " | "))
		if i == 0 {
			b.WriteString("|" + strings.Repeat("---|", len(row)) + "\n")
		}
	}
	return b.String()
}

// three is a number with the three digits that may be believed.
func three(v float64) string {
	if v == 0 || math.IsNaN(v) {
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	decimals := 2 - int(math.Floor(math.Log10(math.Abs(v))))
	unit := math.Pow(10, float64(-decimals))
	text := strconv.FormatFloat(math.Round(v/unit)*unit, 'f', max(0, decimals), 64)
	whole, fraction, _ := strings.Cut(text, ".")
	for at := len(whole) - 3; at > 0; at -= 3 {
		whole = whole[:at] + "," + whole[at:]
	}
	if fraction = strings.TrimRight(fraction, "0"); fraction != "" {
		fraction = "." + fraction
	}
	return whole + fraction
}

// between is a median, with the smallest and the largest where these are others.
func (s spread) between() string {
	least, median, most := fmt.Sprintf("%.2f", s.Min), fmt.Sprintf("%.2f", s.Median), fmt.Sprintf("%.2f", s.Max)
	if least == most {
		return median
	}
	return fmt.Sprintf("%s (%s to %s)", median, least, most)
}

func TestThreeDigitsAreTold(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 0.93144: "0.931", 1.0714: "1.07", 10.9046: "10.9", 126.5: "127", 999.6: "1,000", 1234: "1,230", 19407.2: "19,400", 1234567: "1,230,000", 0.0047: "0.0047",
		2: "2",
	} {
		if got := three(v); got != want {
			t.Errorf("%v is told as %s, not %s", v, got, want)
		}
	}
}

// A result that is other than what the page says is noticed: an eighth more is.
func TestThePageFollowsTheResults(t *testing.T) {
	r := readResults(t)
	before := requestTable(r.tokens)
	r.tokens[0].CPU.Median *= 1.125
	if requestTable(r.tokens) == before {
		t.Error("another result makes the same table")
	}
	missed := r.bars()
	r.directory.Large.Load.Median = 2 * barLoad.most
	if missed == r.bars() || !strings.Contains(r.bars(), "| **no** |") {
		t.Error("a bar that is missed is not told")
	}
}
