package forwardauth

import "github.com/prometheus/client_golang/prometheus"

// passed is the outcome of a check that lets the request pass; all others are
// the reason of a refusal.
const passed reason = "passed"

// outcomes counts checks. Every label value is known at start (C-231), and
// resolved there.
type outcomes map[reason]prometheus.Counter

func newOutcomes(r prometheus.Registerer) outcomes {
	if r == nil {
		return nil
	}
	checks := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tokenwright_forward_auth_checks_total", Help: "Checks that gateways asked for, by outcome.",
	}, []string{"outcome"})
	r.MustRegister(checks)
	all := []reason{
		passed, reasonQuery, reasonUnknownPolicy, reasonUnknownEnvironment, reasonEnvironment, reasonMerchant, reasonOperator, reasonScope,
		reasonNoToken, reasonRequest, reasonUnavailable,
	}
	for _, t := range tokenReasons {
		all = append(all, t.reason)
	}
	o := outcomes{}
	for _, why := range all {
		o[why] = checks.WithLabelValues(string(why))
	}
	return o
}

func (o outcomes) count(why reason) {
	if c, ok := o[why]; ok {
		c.Inc()
	}
}
