package evidence

import "testing"

// Figures are kept as they were measured, and told as people read them.
func TestFiguresAreTold(t *testing.T) {
	bar := func(v float64) *float64 { return &v }
	for want, f := range map[string]Figure{
		"p99 12.3 ms (at most 50)":    {Name: "p99", Value: 12.345, Unit: "ms", Most: bar(50)},
		"killed 89.9 % (at least 90)": {Name: "killed", Value: 89.94, Unit: "%", Least: bar(90)},
		"answered 1980":               {Name: "answered", Value: 1979.96},
		"apart 0.00123":               {Name: "apart", Value: 0.0012345},
		"growth -0.5 MiB":             {Name: "growth", Value: -0.5, Unit: "MiB"},
		"errors 0 (at most 0)":        {Name: "errors", Most: bar(0)},
		"tokens 3600000":              {Name: "tokens", Value: 3_600_000},
	} {
		if got := f.String(); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}
