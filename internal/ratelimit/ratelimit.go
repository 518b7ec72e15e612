// Package ratelimit counts requests in windows of time, and tells clients in
// headers how many they have left. Who is counted, and what a request over the
// limit is answered, is for its callers to say.
package ratelimit

import (
	"context"
	"net/http"
	"strconv"
	"time"
)

// Policy is a limit: so many requests in a window, which begins with the first.
type Policy struct {
	Name   string // of what is limited together; a token (RFC 9110 5.6.2)
	Limit  int
	Window time.Duration // whole seconds

	limit, policy []string // values of headers that are always the same
	member        string   // what the header RateLimit begins with
}

// NewPolicy returns the policy whose headers can be written; window is whole
// seconds.
func NewPolicy(name string, limit int, window time.Duration) *Policy {
	q := strconv.Itoa(limit)
	return &Policy{
		Name: name, Limit: limit, Window: window, limit: []string{q}, member: `"` + name + `";r=`,
		policy: []string{`"` + name + `";q=` + q + `;w=` + strconv.FormatInt(int64(window/time.Second), 10)},
	}
}

// Store counts.
type Store interface {
	// Count counts one request of key, and returns how many there have been in
	// the window, this one included, and how long the window still lasts. A
	// window begins with the first request and is as long as given. It is
	// called concurrently; whoever counts for several processes does so in one
	// step, so that none is lost.
	Count(ctx context.Context, key string, window time.Duration) (used int, left time.Duration, err error)
}

// Allows tells whether a request that is number used in its window may pass.
func (p *Policy) Allows(used int) bool { return used <= p.Limit }

// WriteHeaders tells the client: X-RateLimit-* as the reference API has them,
// with seconds until the window ends, and the fields of the IETF's draft
// (draft-ietf-httpapi-ratelimit-headers, sections 3 and 4). Over the limit there
// is Retry-After too (RFC 6585 4).
func (p *Policy) WriteHeaders(h http.Header, used int, left time.Duration) {
	h["Ratelimit-Policy"] = p.policy
	h["Ratelimit"] = p.write(h, used, left)
}

// manyInWindow is how many requests in a window are so many that their answers
// are to cost little.
const manyInWindow = 10

// WriteFewHeaders is WriteHeaders for answers of which each is to cost little, but
// leaves the draft's fields out of those to a client that asks all the time: who
// asks seldom gets them, and who comes near the limit. The draft lets servers
// that mind the cost do so.
func (p *Policy) WriteFewHeaders(h http.Header, used int, left time.Duration) {
	if used <= manyInWindow || 2*used >= p.Limit {
		p.WriteHeaders(h, used, left)
		return
	}
	p.write(h, used, left)
}

// write writes X-RateLimit-*, and returns the value of RateLimit, of which the
// others are parts. Names are canonical as they stand here.
func (p *Policy) write(h http.Header, used int, left time.Duration) []string {
	var buffer [64]byte
	b := append(buffer[:0], p.member...)
	b = strconv.AppendInt(b, int64(max(0, p.Limit-used)), 10)
	remaining := len(b)
	b = append(b, ";t="...)
	reset := len(b)
	b = strconv.AppendInt(b, wholeSeconds(left), 10)
	text := string(b)
	values := &[...]string{text, text[len(p.member):remaining], text[reset:]}
	h["X-Ratelimit-Limit"] = p.limit
	h["X-Ratelimit-Remaining"] = values[1:2:2]
	h["X-Ratelimit-Reset"] = values[2:3:3]
	if !p.Allows(used) {
		h["Retry-After"] = values[2:3:3]
	}
	return values[0:1:1]
}

// Seconds is left as Retry-After says it (RFC 9110 10.2.3).
func Seconds(left time.Duration) string { return strconv.FormatInt(wholeSeconds(left), 10) }

// wholeSeconds is never too early.
func wholeSeconds(left time.Duration) int64 { return int64((left + time.Second - 1) / time.Second) }
