package oauthapi

import (
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/ratelimit"
)

// limitWindow is the window of all limits.
const limitWindow = 5 * time.Minute

// tokenLimit counts the token requests of each API key: those that proved its
// secret, so nobody but its owner can use up what it has. A nil one limits
// nothing.
type tokenLimit struct {
	policy  *ratelimit.Policy
	dryRun  bool
	windows *ratelimit.Windows[countedID]

	passed, refused, wouldRefuse prometheus.Counter
}

// countedID is a client ID in a form without pointers: the longest one has a
// prefix of 8 characters and an environment of 16.
type countedID [8 + 2 + 16 + 1 + 22]byte

func newTokenLimit(c *Config, outcomes *prometheus.CounterVec) *tokenLimit {
	if c.TokenLimit <= 0 {
		return nil
	}
	return &tokenLimit{
		policy: ratelimit.NewPolicy("token", c.TokenLimit, limitWindow), dryRun: c.TokenLimitDryRun,
		windows: ratelimit.NewWindows[countedID](),
		passed:  outcomes.WithLabelValues("token", "passed"), refused: outcomes.WithLabelValues("token", "refused"),
		wouldRefuse: outcomes.WithLabelValues("token", "would_refuse"),
	}
}

// count counts a request and tells the client what is left. Over the limit it
// returns what the request is refused with.
func (l *tokenLimit) count(w http.ResponseWriter, p *authority.Proof) error {
	if l == nil {
		return nil
	}
	var id countedID
	copy(id[:], p.ClientID)
	used, left := l.windows.Count(id, limitWindow, p.Time())
	over := !l.policy.Allows(used)
	switch {
	case l.dryRun && over:
		note(w, slog.Bool("would_limit", true))
		l.wouldRefuse.Inc()
		return nil
	case l.dryRun:
		l.passed.Inc()
		return nil
	}
	l.policy.WriteFewHeaders(w.Header(), used, left)
	if over {
		l.refused.Inc()
		return p.Refuse(authority.RateLimited)
	}
	l.passed.Inc()
	return nil
}

// failureLimit counts failed authentication, at every endpoint together: by the
// client ID that was claimed, whether it exists or not, and by address. It has a
// say about answers that are refusals already, so it locks nobody out: a right
// secret never gets here. A nil one limits nothing.
type failureLimit struct {
	limit          int
	ids, addresses *ratelimit.Sketch
	byID           failureOutcomes
	byAddress      failureOutcomes
}

type failureOutcomes struct{ passed, refused prometheus.Counter }

const (
	// addressFactor is how many times the limit of a client ID an address has:
	// behind it there may be many clients.
	addressFactor = 10
	// Enough for 5,000 made-up IDs a second to leave others alone; addresses have
	// ten times the limit, and need a tenth (ratelimit.Sketch).
	failureIDCells      = 1 << 18
	failureAddressCells = 1 << 16
	// FailureMemory is what the counters of failures take, in bytes.
	FailureMemory = 16 * (failureIDCells + failureAddressCells)
)

func newFailureLimit(c *Config, outcomes *prometheus.CounterVec) *failureLimit {
	if c.FailureLimit <= 0 {
		return nil
	}
	of := func(limit string) failureOutcomes {
		return failureOutcomes{outcomes.WithLabelValues(limit, "passed"), outcomes.WithLabelValues(limit, "refused")}
	}
	return &failureLimit{
		limit: c.FailureLimit, ids: ratelimit.NewSketch(failureIDCells, limitWindow), addresses: ratelimit.NewSketch(failureAddressCells, limitWindow),
		byID: of("failures_by_id"), byAddress: of("failures_by_address"),
	}
}

// count counts a failure of id, "" where none was claimed that is well-formed,
// and returns the reason to refuse further ones, if any, and how long for. Both
// counters are asked each time, and windows end together: the answer does not
// tell which of them was full, and nothing depends on whether id exists (C-036,
// C-037).
func (l *failureLimit) count(id authority.ClientID, from netip.Addr, now time.Time) (reason string, left time.Duration) {
	if l == nil {
		return "", 0
	}
	used, left := l.addresses.Count(ratelimit.AddressKey(from), now)
	if l.byAddress.full(used, addressFactor*l.limit) {
		reason = reasonFailuresHere
	}
	if id != "" {
		used, _ = l.ids.Count(string(id), now)
		if l.byID.full(used, l.limit) {
			reason = reasonFailuresOfID
		}
	}
	return reason, left
}

func (o *failureOutcomes) full(used, limit int) bool {
	if used > limit {
		o.refused.Inc()
		return true
	}
	o.passed.Inc()
	return false
}
