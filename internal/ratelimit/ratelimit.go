// Package ratelimit counts requests in windows of time, and tells clients in
// headers how many they have left. Who is counted, and what a request over the
// limit is answered, is for its callers to say.
package ratelimit

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Policy is a limit: so many requests in a window, which begins with the first.
type Policy struct {
	Name   string // of what is limited together; a token (RFC 9110 5.6.2)
	Limit  int
	Window time.Duration // whole seconds
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

// Memory is a Store for one process. It holds a window for each key that has
// made a request in it, about 150 bytes and the key. The zero value is ready.
type Memory struct {
	Clock func() time.Time // nil is time.Now

	mu      sync.Mutex
	windows map[string]window
	sweepAt int // number of windows at which those that have ended are dropped
}

type window struct {
	used int
	ends time.Time
}

// minSweep keeps small maps from being swept all the time.
const minSweep = 1024

// Count implements Store. It never fails.
func (m *Memory) Count(_ context.Context, key string, length time.Duration) (used int, left time.Duration, err error) {
	now := time.Now()
	if m.Clock != nil {
		now = m.Clock()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	w, found := m.windows[key]
	if !found {
		m.sweep(now)
	}
	if !w.ends.After(now) || w.ends.Sub(now) > length { // over, or the clock was set back
		w = window{ends: now.Add(length)}
	}
	w.used++
	m.windows[key] = w
	return w.used, w.ends.Sub(now), nil
}

// sweep drops windows that have ended, once there are twice as many as were
// alive the last time: so it costs each request the same on average.
func (m *Memory) sweep(now time.Time) {
	if m.windows == nil {
		m.windows, m.sweepAt = map[string]window{}, minSweep
	}
	if len(m.windows) < m.sweepAt {
		return
	}
	for key, w := range m.windows {
		if !w.ends.After(now) {
			delete(m.windows, key)
		}
	}
	m.sweepAt = max(minSweep, 2*len(m.windows))
}

// Allows tells whether a request that is number used in its window may pass.
func (p *Policy) Allows(used int) bool { return used <= p.Limit }

// WriteHeaders tells the client: X-RateLimit-* as the reference API has them,
// with seconds until the window ends, and the fields of the IETF's draft
// (draft-ietf-httpapi-ratelimit-headers, sections 3 and 4). Over the limit there
// is Retry-After too (RFC 6585 4).
func (p *Policy) WriteHeaders(h http.Header, used int, left time.Duration) {
	limit, remaining := strconv.Itoa(p.Limit), strconv.Itoa(max(0, p.Limit-used))
	reset := strconv.FormatInt(int64((left+time.Second-1)/time.Second), 10) // never too early
	h.Set("X-RateLimit-Limit", limit)
	h.Set("X-RateLimit-Remaining", remaining)
	h.Set("X-RateLimit-Reset", reset)
	h.Set("RateLimit-Policy", `"`+p.Name+`";q=`+limit+`;w=`+strconv.FormatInt(int64(p.Window/time.Second), 10))
	h.Set("RateLimit", `"`+p.Name+`";r=`+remaining+`;t=`+reset)
	if !p.Allows(used) {
		h.Set("Retry-After", reset)
	}
}
