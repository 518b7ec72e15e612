package console_test

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tokenwright/tokenwright/internal/console"
)

// C-227: operators see how many people come in, and how many are turned away.
func TestSignInsAreCounted(t *testing.T) {
	h := newHarness(t)
	registry := prometheus.NewRegistry()
	h.configure(func(c *console.Config) { c.Registry = registry })
	ada := h.operator("Ada")
	h.signedIn(ada)
	for range 6 {
		b := h.browser()
		b.get("/console/sign-in")
		b.post("/console/sign-in", "email", ada.Email, "password", "not the password at all")
	}
	families, err := registry.Gather()
	h.must(err)
	got := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			got[m.GetLabel()[0].GetValue()] = m.GetCounter().GetValue()
		}
	}
	for outcome, want := range map[string]float64{"signed_in": 1, "credentials": 5, "throttled": 1, "code_wanted": 0, "locked": 0} {
		if got[outcome] != want {
			t.Errorf("%s: counted %g, want %g", outcome, got[outcome], want)
		}
	}
}
