package console

import "github.com/prometheus/client_golang/prometheus"

// What comes of a sign-in, besides the reasons of reasonOf.
const (
	signedIn   = "signed_in"
	codeWanted = "code_wanted" // the password is right, and a second factor is lacking
)

// newSignIns counts sign-ins; r nil: nobody reads it.
func newSignIns(r prometheus.Registerer) *prometheus.CounterVec {
	all := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tokenwright_sign_ins_total", Help: "Tries of people to prove who they are, by outcome.",
	}, []string{"outcome"})
	for _, outcome := range []string{signedIn, codeWanted, "credentials", "throttled", "disabled", "locked", "busy", "other"} {
		all.WithLabelValues(outcome)
	}
	if r != nil {
		r.MustRegister(all)
	}
	return all
}
