package timing

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/tokenwright/tokenwright/test/evidence"
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

// row is what the table of make proof says of it; the rest it keeps.
func (r *report) row(rule string) evidence.Row {
	row := evidence.Row{Rule: rule, Times: 1, Detail: r}
	var names []string
	for _, k := range r.Kinds {
		row.Requests += k.N
		names = append(names, k.Name)
	}
	row.What = strings.Join(names, "; ") + ": in turn, " + fmt.Sprint(measured()) + " times each"
	apart, welch, seen := 0.0, 0.0, 0.0
	for _, p := range r.Pairs {
		apart, welch, seen = max(apart, p.apart()), max(welch, math.Abs(float64(p.T))), max(seen, float64(p.Visible))
	}
	row.Tell("medians apart", 100*apart, "%")
	row.Tell("largest t", welch, "")
	row.Tell("would have been seen", seen, "µs")
	return row
}
