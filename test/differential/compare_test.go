package differential

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/internal/jose"
)

// difference is a group of mutants on which the libraries disagree, for one reason.
type difference struct {
	who    string // those that accept
	reason string
	names  []string // of mutants; with algorithms where it is not so for all that have the mutant
}

// disagreements are the mutants that some accept and others refuse, with who
// accepts them.
func disagreements(all int, accepted map[jose.Algorithm]map[string][]string) map[string]string {
	byName := map[string]map[string][]string{} // mutant -> who -> algorithms
	for _, alg := range algorithms {
		for name, who := range accepted[alg] {
			if byName[name] == nil {
				byName[name] = map[string][]string{}
			}
			text := strings.Join(who, " ")
			byName[name][text] = append(byName[name][text], string(alg))
		}
	}
	rows := map[string]string{}
	for name, verdicts := range byName {
		for who, algs := range verdicts {
			row := name
			if len(verdicts) > 1 {
				row += " [" + strings.Join(algs, " ") + "]"
			}
			if n := len(strings.Fields(who)); n > 0 && n < all {
				rows[row] = who
			}
		}
	}
	return rows
}

// compare fails unless the disagreements are exactly those listed, and says
// them: ours accepts none of the stricter ones, and all of the wider ones.
func compare(t *testing.T, got map[string]string, stricter, wider []difference) {
	t.Helper()
	want, reasons := map[string]string{}, map[string]string{}
	for _, d := range slices.Concat(stricter, wider) {
		for _, name := range d.names {
			if reasons[name] != "" {
				t.Errorf("%s is listed twice", name)
			}
			want[name], reasons[name] = d.who, d.reason
		}
	}
	isOurs := func(d difference) bool { return strings.HasPrefix(d.who, "ours") }
	if slices.ContainsFunc(stricter, isOurs) || slices.ContainsFunc(wider, func(d difference) bool { return !isOurs(d) }) {
		t.Error("a difference is in the wrong list")
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if got[name] != want[name] {
			t.Errorf("%s: accepted by %s; listed is %q", name, got[name], want[name])
		} else if testing.Verbose() { // a failure alone does not need the table
			t.Logf("%-64s accepted by %-24s %s", name, got[name], reasons[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if got[name] == "" {
			t.Errorf("%s: listed as accepted by %s; there is no difference any more", name, want[name])
		}
	}
}
