package oauthapi

import (
	"errors"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// metrics counts outcomes. Every label value is known at start (C-231), and
// resolved there.
type metrics struct {
	tokens  map[string]prometheus.Counter // by environment
	denied  map[string]prometheus.Counter // by environment, or unknownEnv
	refusal map[string]prometheus.Counter // by reason
	limits  *prometheus.CounterVec        // of which tokenLimit and failureLimit take theirs
}

// unknownEnv is the label of requests that name no environment of ours.
const unknownEnv = "unknown"

func newMetrics(r prometheus.Registerer, environments []authority.Environment, refusals map[string]*refusal) *metrics {
	tokens := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tokenwright_tokens_issued_total", Help: "Access tokens issued, by environment.",
	}, []string{"env"})
	denied := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tokenwright_tokens_refused_total", Help: "Requests for an access token that got none, by environment.",
	}, []string{"env"})
	refused := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tokenwright_oauth_refusals_total", Help: "Requests to the OAuth endpoints that were refused, by error code and reason.",
	}, []string{"error", "reason"})
	limits := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tokenwright_ratelimit_total", Help: "Requests that a limit counted, by limit and outcome: passed, refused, would_refuse.",
	}, []string{"limit", "outcome"})
	r.MustRegister(tokens, denied, refused, limits)
	m := &metrics{
		tokens: map[string]prometheus.Counter{}, denied: map[string]prometheus.Counter{}, refusal: map[string]prometheus.Counter{}, limits: limits,
	}
	for i := range environments {
		m.tokens[environments[i].Name] = tokens.WithLabelValues(environments[i].Name)
		m.denied[environments[i].Name] = denied.WithLabelValues(environments[i].Name)
	}
	m.denied[unknownEnv] = denied.WithLabelValues(unknownEnv)
	for reason, f := range refusals {
		m.refusal[reason] = refused.WithLabelValues(f.code, reason)
	}
	return m
}

func (m *metrics) issued(env string) { m.tokens[env].Inc() }

func (m *metrics) refused(reason string) { m.refusal[reason].Inc() }

// countRefusals counts requests to a token endpoint of env, "" for the common
// one, that get no token: there under the environment of the client ID.
func (a *API) countRefusals(env string, next func(http.ResponseWriter, *http.Request) error) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		err := next(w, r)
		if err != nil {
			a.metrics.tokenRefused(env, err)
		}
		return err
	}
}

func (m *metrics) tokenRefused(env string, err error) {
	if refused, ok := errors.AsType[*authority.Refusal](err); ok && env == "" {
		env = refused.Env
	}
	counter, ok := m.denied[env]
	if !ok { // what a client ID names is the client's text
		counter = m.denied[unknownEnv]
	}
	counter.Inc()
}
