package verify

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/tokenwright/tokenwright/internal/ratelimit"
)

// LimitStore counts requests. The one in memory counts for its process; several
// processes share a limit where they share a store, such as Redis: INCR, and
// EXPIRE with the first of a window.
type LimitStore = ratelimit.Store

// RateLimit is a limit of requests: so many in a window of time, for each
// merchant or API key. Its Middleware stands behind a Verifier's:
//
//	limit := verify.RateLimit{Limit: 300, Group: "customers"}.Middleware()
//	mux.Handle("POST /customers", verifier.Middleware(verify.Require("customers:read"))(limit(customers)))
type RateLimit struct {
	// Limit is how many requests a window has, at least 1.
	Limit int
	// Window begins with the first request. Whole seconds; 0 is 5 minutes.
	Window time.Duration
	// Group names the endpoints that are counted together, in letters, digits,
	// - and _. Limits of one Group share what they count where they share a
	// Store. "" is "default".
	Group string
	// By returns what is counted. nil is ByMerchant.
	By func(*Claims) string
	// Store counts. nil is the memory of this process, for this limit alone.
	Store LimitStore
}

// ByMerchant counts the requests of a merchant in an environment together,
// whichever of its API keys they come from.
func ByMerchant(c *Claims) string {
	if c.MerchantID.Text == "" {
		return ByAPIKey(c)
	}
	return "merchant:" + c.Env + ":" + c.MerchantID.Text
}

// ByAPIKey counts the requests of each API key by itself.
func ByAPIKey(c *Claims) string { return "api_key:" + c.ClientID }

// Middleware counts requests and tells in headers how many are left. One over
// the limit is answered with status 429 and Retry-After; where the Store fails,
// with 503. It panics where the limit is not one that can be kept.
func (l RateLimit) Middleware() func(http.Handler) http.Handler {
	policy := ratelimit.NewPolicy(cmp.Or(l.Group, "default"), l.Limit, cmp.Or(l.Window, 5*time.Minute))
	unfit := func(c rune) bool {
		return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_')
	}
	if policy.Limit < 1 || policy.Window < time.Second || policy.Window%time.Second != 0 || strings.ContainsFunc(policy.Name, unfit) {
		panic(fmt.Sprintf("verify: no such limit: %d in %s, group %q", policy.Limit, policy.Window, policy.Name))
	}
	if l.By == nil {
		l.By = ByMerchant
	}
	if l.Store == nil {
		l.Store = new(ratelimit.Memory)
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if refusal := l.count(policy, w.Header(), r); refusal != nil {
				refusal.ServeHTTP(w, r)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// count returns nil where the request may pass.
func (l *RateLimit) count(p *ratelimit.Policy, h http.Header, r *http.Request) *Refusal {
	claims, ok := FromContext(r.Context())
	if !ok { // wired in the wrong order: nobody is counted, so nobody passes
		return &Refusal{Status: http.StatusInternalServerError, Message: "Internal error: the rate limit does not stand behind the check of access tokens."}
	}
	used, left, err := l.Store.Count(r.Context(), p.Name+":"+l.By(claims), p.Window)
	if err != nil {
		return &Refusal{
			Status: http.StatusServiceUnavailable, Err: err,
			Message: "Requests cannot be counted at the moment. Try again after the time in Retry-After.",
		}
	}
	p.WriteHeaders(h, used, left)
	if p.Allows(used) {
		return nil
	}
	return &Refusal{
		Status:  http.StatusTooManyRequests,
		Message: fmt.Sprintf("Too many requests: %d in %s are allowed. Try again after the time in Retry-After.", p.Limit, inWords(p.Window)),
	}
}

// inWords says a window as people do.
func inWords(d time.Duration) string {
	for _, unit := range []struct {
		of       time.Duration
		one, all string
	}{{time.Hour, "an hour", "hours"}, {time.Minute, "a minute", "minutes"}, {time.Second, "a second", "seconds"}} {
		switch n := d / unit.of; {
		case n == 1 && d == unit.of:
			return unit.one
		case d%unit.of == 0:
			return fmt.Sprintf("%d %s", n, unit.all)
		}
	}
	return d.String()
}
