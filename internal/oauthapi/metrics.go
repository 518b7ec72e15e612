package oauthapi

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// metrics counts outcomes. Every label value is known at start (C-231), and
// resolved there.
type metrics struct {
	tokens  map[string]prometheus.Counter // by environment
	refusal map[string]prometheus.Counter // by reason
}

func newMetrics(r prometheus.Registerer, environments []authority.Environment, refusals map[string]*refusal) *metrics {
	tokens := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tokenwright_tokens_issued_total", Help: "Access tokens issued, by environment.",
	}, []string{"env"})
	refused := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tokenwright_oauth_refusals_total", Help: "Requests to the OAuth endpoints that were refused, by error code and reason.",
	}, []string{"error", "reason"})
	r.MustRegister(tokens, refused)
	m := &metrics{tokens: map[string]prometheus.Counter{}, refusal: map[string]prometheus.Counter{}}
	for i := range environments {
		m.tokens[environments[i].Name] = tokens.WithLabelValues(environments[i].Name)
	}
	for reason, f := range refusals {
		m.refusal[reason] = refused.WithLabelValues(f.code, reason)
	}
	return m
}

func (m *metrics) issued(env string) { m.tokens[env].Inc() }

func (m *metrics) refused(reason string) { m.refusal[reason].Inc() }
