package ratelimit

import (
	"context"
	"hash/maphash"
	"sync"
	"time"
)

// Windows counts the requests of each key in a window that begins with its first
// request. For each key that has made one in its window it holds 16 bytes and the
// key, and up to one and a half times as much for the map: keys are for the
// caller to bound. It is used concurrently.
type Windows[K comparable] struct {
	seed   maphash.Seed
	shards [windowShards]windowShard[K]
}

const (
	// windowShards keep requests of different keys from waiting for each other.
	windowShards = 64
	// minSweep keeps small maps from being swept all the time.
	minSweep = 64
)

// windowShard holds its lock for one look-up. Where keys have no pointers,
// neither has the map, and the garbage collector does not walk it.
type windowShard[K comparable] struct {
	mu      sync.Mutex
	windows map[K]window
	sweepAt int      // number of windows at which those that have ended are dropped
	_       [40]byte // a cache line of its own
}

type window struct {
	used int
	ends int64 // Unix nanoseconds
}

// NewWindows returns Windows without any key.
func NewWindows[K comparable]() *Windows[K] {
	return &Windows[K]{seed: maphash.MakeSeed()}
}

// Count counts one request of key at now, and returns how many there have been
// in the window, this one included, and how long the window still lasts: length
// at most.
func (w *Windows[K]) Count(key K, length time.Duration, now time.Time) (used int, left time.Duration) {
	at := now.UnixNano()
	s := &w.shards[maphash.Comparable(w.seed, key)%windowShards]
	s.mu.Lock()
	defer s.mu.Unlock()
	n, found := s.windows[key]
	if !found {
		s.sweep(at)
	}
	if n.ends <= at || n.ends-at > int64(length) { // over, or the clock was set back
		n = window{ends: at + int64(length)}
	}
	n.used++
	s.windows[key] = n
	return n.used, time.Duration(n.ends - at)
}

// sweep drops windows that have ended, once there are twice as many as were
// alive the last time: so it costs each request the same on average.
func (s *windowShard[K]) sweep(at int64) {
	if s.windows == nil {
		s.windows, s.sweepAt = map[K]window{}, minSweep
	}
	if len(s.windows) < s.sweepAt {
		return
	}
	for key, n := range s.windows {
		if n.ends <= at {
			delete(s.windows, key)
		}
	}
	s.sweepAt = max(minSweep, 2*len(s.windows))
}

// Memory is a Store for one process. The zero value is ready.
type Memory struct {
	Clock func() time.Time // nil is time.Now

	once    sync.Once
	windows *Windows[string]
}

// Count implements Store. It never fails.
func (m *Memory) Count(_ context.Context, key string, length time.Duration) (used int, left time.Duration, err error) {
	m.once.Do(func() { m.windows = NewWindows[string]() })
	now := time.Now()
	if m.Clock != nil {
		now = m.Clock()
	}
	used, left = m.windows.Count(key, length, now)
	return used, left, nil
}
