package proof

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
)

// report is what was measured in one case.
type report struct {
	Kinds    []Kind `json:"kinds"`
	Pairs    []Pair `json:"pairs"`    // that must look alike
	Controls []Pair `json:"controls"` // that must not
}

// judge compares each kind with each other, and the control with all.
func judge(kinds []*kind) *report {
	var r report
	var c Kind
	slices.SortFunc(kinds, func(a, b *kind) int { return strings.Compare(a.name, b.name) })
	for _, k := range kinds {
		summary := summarize(k.name, k.times)
		if k.control {
			c = summary
			continue
		}
		for _, before := range r.Kinds {
			r.Pairs = append(r.Pairs, compare(before, summary))
		}
		r.Kinds = append(r.Kinds, summary)
	}
	for _, k := range r.Kinds {
		r.Controls = append(r.Controls, compare(k, c))
	}
	r.Kinds = append(r.Kinds, c)
	return &r
}

// pass tells whether all that must look alike does, and the control does not.
func (r *report) pass() bool {
	told := func(p Pair) bool { return !p.alike() }
	return !slices.ContainsFunc(r.Pairs, told) && !slices.ContainsFunc(r.Controls, Pair.alike)
}

// String is the report as tables.
func (r *report) String() string {
	var out strings.Builder
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nkind\tn\tmedian µs\tmean µs\tsd µs")
	for _, k := range r.Kinds {
		fmt.Fprintf(w, "%s\t%d\t%.1f\t%.1f\t%.1f\n", k.Name, k.N, k.Median, k.Mean, k.SD)
	}
	fmt.Fprintln(w, "\nmust look alike\t\tratio of medians\tt\tvisible µs")
	for _, p := range r.Pairs {
		fmt.Fprintf(w, "%s\t%s\t%.3f\t%.2f\t%.2f\n", p.A, p.B, p.Ratio, p.T, p.Visible)
	}
	fmt.Fprintln(w, "\nmust differ\t\tratio of medians\tt\tvisible µs")
	for _, p := range r.Controls {
		fmt.Fprintf(w, "%s\t%s\t%.3f\t%.2f\t%.2f\n", p.A, p.B, p.Ratio, p.T, p.Visible)
	}
	_ = w.Flush() // into memory
	return out.String()
}

// result is what is kept of a case.
type result struct {
	Case    string  `json:"case"`
	Pass    bool    `json:"pass"`
	Figures *report `json:"figures"`
	Commit  string  `json:"commit"`
}

// write keeps the report, in the place of the one before.
func (r *report) write(t *testing.T, name, commit string) {
	t.Helper()
	text, err := json.MarshalIndent(result{name, r.pass(), r, commit}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join("results", name+".json"), append(text, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}

// commit names the sources that are measured; results of before are none of them.
func commit(t *testing.T) string {
	t.Helper()
	git := func(args ...string) string {
		out, err := exec.Command("git", args...).Output()
		if err != nil {
			t.Logf("git %s: %v", strings.Join(args, " "), err)
			return "unknown"
		}
		return strings.TrimSpace(string(out))
	}
	head := git("rev-parse", "HEAD")
	if git("status", "--porcelain", "--", ":/", ":(exclude)results") != "" {
		head += " with changes"
	}
	return head
}
