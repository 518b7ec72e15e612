package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/tokenwright/tokenwright/test/evidence"
	"github.com/tokenwright/tokenwright/test/harness"
)

// page is the one of the documentation that has the table.
const page = "proof.md"

// groups are the parts of the table, by how rules begin.
var groups = []struct{ prefix, heading string }{
	{"R-0", "Load"},
	{"R-1", "Crashes and disks"},
	{"R-2", "PostgreSQL in trouble"},
	{"R-3", "Revocation, rotation, clocks"},
	{"R-4", "Attacks"},
	{"R-5", "What strangers send, and the tests themselves"},
	{"R-6", "Life of an installation"},
	{"R-7", "Life of an installation, continued"},
	{"C-", "Times that must not tell, and one client"},
	{"P", "Statements"},
}

// entry is a rule of the table, and its result, nil where there is none yet.
type entry struct {
	rule, says string
	result     *Result
}

// entries are what the table tells of each case.
func (r repository) entries(cases []provable) ([]entry, error) {
	var list []entry
	for _, c := range cases {
		result, err := r.kept(c.rule)
		if err != nil {
			return nil, err
		}
		list = append(list, entry{c.rule, c.says, result})
	}
	return list, nil
}

// writePage writes the table of all results into the documentation.
func (r repository) writePage() error {
	path := r.path("internal", "docs", "content", page)
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	tables, err := r.tables()
	if err != nil {
		return err
	}
	changed, _, err := harness.Between(string(text), "test/proof", tables)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, []byte(changed), 0o644)
}

// tables are all results as Markdown.
func (r repository) tables() (string, error) {
	all, err := r.cases()
	if err != nil {
		return "", err
	}
	shown, err := chosen(all, nil)
	if err != nil {
		return "", err
	}
	entries, err := r.entries(shown)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	out.WriteString(summary(entries) + "\n")
	for _, g := range groups {
		var lines []string
		for _, e := range entries {
			if strings.HasPrefix(e.rule, g.prefix) {
				lines = append(lines, e.lines()...)
			}
		}
		if len(lines) == 0 {
			continue
		}
		fmt.Fprintf(&out, "\n### %s\n\n| Rule | What happened | Lost / wrong / failed | Measured |\n|---|---|---|---|\n", g.heading)
		out.WriteString(strings.Join(lines, ""))
	}
	return out.String(), nil
}

// summary is the whole in a few lines.
func summary(entries []entry) string {
	var proved, requests, lost, wrong, failed, secrets int
	var missing, not, part []string
	machines := map[string]bool{}
	for _, e := range entries {
		if e.result == nil {
			missing = append(missing, e.rule)
			continue
		}
		if e.result.Pass {
			proved++
		} else {
			not = append(not, e.rule)
		}
		if e.result.Time != 1 {
			part = append(part, e.rule)
		}
		for _, row := range e.result.Figures {
			requests += row.Requests
		}
		lost, wrong, failed = lost+e.result.Lost, wrong+e.result.Wrong, failed+e.result.Failed
		secrets += e.result.Searched.Secrets
		machines[e.result.Machine] = true
	}
	text := fmt.Sprintf("**%d of %d rules proved**, with %s requests: %d acknowledged changes lost, %d wrong answers, %d requests failed. "+
		"Whatever was left behind was searched for %s secrets and tokens, and holds none.", proved, len(entries), thousands(requests), lost, wrong, failed, thousands(secrets))
	if len(not) > 0 {
		text += " **Not proved: " + strings.Join(not, ", ") + ".**"
	}
	if len(part) > 0 {
		text += " For a part of their time: " + strings.Join(part, ", ") + "."
	}
	if len(missing) > 0 {
		text += " Not run in full yet: " + strings.Join(missing, ", ") + "."
	}
	for m := range machines {
		text += "\n\nOn " + m + "."
	}
	return text
}

// lines are the rows of one rule.
func (e entry) lines() (list []string) {
	line := func(cells ...string) { list = append(list, "| "+strings.Join(cells, " | ")+" |\n") }
	r := e.result
	switch {
	case r == nil:
		line(e.rule, e.says, "", "not run in full yet")
		return list
	case len(r.Figures) == 0:
		line(e.rule+mark(r), e.says, "", r.ran())
		return list
	}
	for n, row := range r.Figures {
		rule := ""
		if n == 0 {
			rule = e.rule + mark(r)
		}
		line(rule, happened(row, r.Time), fmt.Sprintf("%d / %d / %d", row.Lost, row.Wrong, row.Failed), cmp.Or(row.Say(), "—"))
	}
	return list
}

// happened is what, how often, and beside what.
func happened(row evidence.Written, part float64) string {
	text := row.What
	if row.Times > 1 {
		text += ": " + thousands(row.Times) + " times"
	}
	if row.Requests > 0 {
		text += ", with " + thousands(row.Requests) + " requests"
	}
	if part != 1 {
		text += fmt.Sprintf(" (loads lasted %g of their time)", part)
	}
	return text
}

func mark(r *Result) string {
	if r.Pass {
		return ""
	}
	return " **not proved**"
}

// ran says what a case without rows was.
func (r *Result) ran() string {
	seconds, tests := 0.0, "tests"
	for _, t := range r.Tests {
		seconds += t.Seconds
	}
	if len(r.Tests) == 1 {
		tests = "test"
	}
	return fmt.Sprintf("%d %s, %.0f s", len(r.Tests), tests, seconds)
}

// thousands writes a number with spaces that do not break.
func thousands(n int) string {
	text := fmt.Sprint(n)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + " " + text[at:]
	}
	return text
}

// show prints the table for who has run the cases.
func (r repository) show(cases []provable, out io.Writer) error {
	entries, err := r.entries(cases)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nrule\t\ttimes\trequests\tlost\twrong\tfailed\twhat happened")
	for _, e := range entries {
		switch {
		case e.result == nil:
			fmt.Fprintf(w, "%s\tnot run\n", e.rule)
		case len(e.result.Figures) == 0:
			fmt.Fprintf(w, "%s\t%s\t\t\t\t\t\t%s\n", e.rule, verdict(e.result), e.result.ran())
		default:
			for _, row := range e.result.Figures {
				fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d\t%d\t%d\t%s\n", e.rule, verdict(e.result), row.Times, row.Requests, row.Lost, row.Wrong, row.Failed, said(row))
			}
		}
	}
	return w.Flush()
}

func verdict(r *Result) string {
	if r.Pass {
		return "proved"
	}
	return "NOT PROVED"
}

func said(row evidence.Written) string {
	if figures := row.Say(); figures != "" {
		return row.What + ": " + figures
	}
	return row.What
}
