package observe

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/test/harness"
)

// metric is one metric as internal/docs/content/metrics.md has it, or a scrape.
type metric struct {
	kind   string
	labels []string // sorted
	both   bool     // in the page: of forward-auth as well
}

var metricRow = regexp.MustCompile("^\\| `(tokenwright_[a-z_]+)`( \\(both\\))? \\| (counter|gauge|histogram)(?: by ([^|]+))? \\| [^|]+ \\|$")

// page reads internal/docs/content/metrics.md: the metrics by name, and those of the Go runtime
// and of the process that it names.
func page(t *testing.T) (ours map[string]metric, others []string) {
	t.Helper()
	text := harness.ReadFile(t, "internal", "docs", "content", "metrics.md")
	ours = map[string]metric{}
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "| `tokenwright_") {
			continue
		}
		row := metricRow.FindStringSubmatch(strings.TrimSpace(line))
		if row == nil {
			t.Errorf("internal/docs/content/metrics.md: no row of metric, type, labels and meaning: %s", line)
			continue
		}
		var labels []string
		for _, label := range regexp.MustCompile("`([a-z]+)`").FindAllStringSubmatch(row[4], -1) {
			labels = append(labels, label[1])
		}
		slices.Sort(labels)
		ours[row[1]] = metric{row[3], labels, row[2] != ""}
	}
	if len(ours) < 30 {
		t.Fatalf("internal/docs/content/metrics.md has %d metrics", len(ours))
	}
	for _, name := range regexp.MustCompile("`((?:go|process)_[a-z_]+)`").FindAllStringSubmatch(text, -1) {
		if !strings.HasSuffix(name[1], "_") {
			others = append(others, name[1])
		}
	}
	return ours, others
}

var (
	selector = regexp.MustCompile(`\b((?:tokenwright|go|process)_[a-z_]+)\b(?:\{([^}]*)\})?`)
	matcher  = regexp.MustCompile(`([a-z_]+)\s*(?:=~|!~|!=|=)\s*"`)
	grouping = regexp.MustCompile(`\b(?:by|on|without|ignoring)\s*\(([^)]*)\)`)
)

// checkExpression holds an expression to the page: it may use no other metrics
// and labels. A query that names what does not exist is silent for ever.
func checkExpression(t *testing.T, where, expression string) {
	t.Helper()
	ours, others := page(t)
	for _, problem := range problems(expression, ours, others) {
		t.Errorf("%s: %s: %s", where, problem, expression)
	}
}

func problems(expression string, ours map[string]metric, others []string) (list []string) {
	found := selector.FindAllStringSubmatch(expression, -1)
	if len(found) == 0 && !strings.Contains(expression, "up{") {
		list = append(list, "no metric")
	}
	known := []string{"job", "instance", "le"} // of Prometheus, and of every histogram
	for _, use := range found {
		m, ok := lookUp(use[1], ours)
		if !ok && !slices.Contains(others, use[1]) {
			list = append(list, use[1]+" is not in internal/docs/content/metrics.md")
		}
		known = append(known, m.labels...)
		for _, label := range matcher.FindAllStringSubmatch(use[2], -1) {
			if !slices.Contains(append([]string{"job", "instance", "le"}, m.labels...), label[1]) {
				list = append(list, use[1]+" has no label "+label[1])
			}
		}
	}
	for _, group := range grouping.FindAllStringSubmatch(expression, -1) {
		for _, label := range strings.Split(group[1], ",") {
			if label = strings.TrimSpace(label); label != "" && !slices.Contains(known, label) {
				list = append(list, "nothing in it has the label "+label)
			}
		}
	}
	return list
}

// lookUp finds a metric by its name, or by that of a part of a histogram.
func lookUp(name string, ours map[string]metric) (metric, bool) {
	m, ok := ours[name]
	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		if histogram, cut := strings.CutSuffix(name, suffix); cut && !ok {
			m = ours[histogram]
			ok = m.kind == "histogram"
		}
	}
	return m, ok
}

// The test of the test: an expression that is wrong must be found.
func TestWrongExpressionsAreFound(t *testing.T) { // C-351
	ours, others := page(t)
	good := `sum by (job, env) (rate(tokenwright_tokens_issued_total{env="demo"}[5m]))`
	if list := problems(good, ours, others); len(list) > 0 {
		t.Errorf("a good expression is refused: %v", list)
	}
	for _, bad := range []string{
		strings.Replace(good, "issued", "given", 1), strings.Replace(good, "{env=", "{environment=", 1), strings.Replace(good, "job, env", "job, outcome", 1),
		"1 + 1", "tokenwright_directory_age_seconds_bucket", "go_nothing",
	} {
		if len(problems(bad, ours, others)) == 0 {
			t.Errorf("not found: %s", bad)
		}
	}
}

// names are the names of metrics, sorted.
func names(list map[string]metric) []string { return slices.Sorted(maps.Keys(list)) }
