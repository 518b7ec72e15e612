package ratelimit

import (
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// clock is set by hand.
type clock struct{ now time.Time }

func (c *clock) memory() *Memory { return &Memory{Clock: func() time.Time { return c.now }} }

func count(t *testing.T, m *Memory, key string, want int, wantLeft time.Duration) {
	t.Helper()
	if used, left, err := m.Count(t.Context(), key, 5*time.Minute); used != want || left != wantLeft || err != nil {
		t.Errorf("%s: got %d, %v, %v, want %d, %v", key, used, left, err, want, wantLeft)
	}
}

func TestAWindowBeginsWithTheFirstRequestAndEnds(t *testing.T) {
	c := &clock{time.Unix(1764000000, 0)}
	m := c.memory()
	count(t, m, "a", 1, 5*time.Minute)
	count(t, m, "a", 2, 5*time.Minute)
	c.now = c.now.Add(4 * time.Minute)
	count(t, m, "a", 3, time.Minute)
	count(t, m, "b", 1, 5*time.Minute)
	c.now = c.now.Add(time.Minute - 1)
	count(t, m, "a", 4, 1)
	c.now = c.now.Add(1)
	count(t, m, "a", 1, 5*time.Minute)
	count(t, m, "b", 2, 4*time.Minute)
}

// whoever waited for a window would wait for as long as the clock was set back.
func TestAClockThatIsSetBackMakesNoWindowLonger(t *testing.T) {
	c := &clock{time.Unix(1764000000, 0)}
	m := c.memory()
	count(t, m, "a", 1, 5*time.Minute)
	c.now = c.now.Add(-time.Hour)
	count(t, m, "a", 1, 5*time.Minute)
}

func TestConcurrentRequestsAreEachCounted(t *testing.T) {
	m := new(Memory)
	var wg sync.WaitGroup
	var within atomic.Int64
	policy := Policy{Limit: 300}
	for range 8 {
		wg.Go(func() {
			for range 100 {
				used, _, err := m.Count(t.Context(), "a", time.Hour)
				if err != nil {
					t.Error(err)
				}
				if policy.Allows(used) {
					within.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if within.Load() != 300 {
		t.Errorf("%d of 800 requests passed a limit of 300", within.Load())
	}
}

func TestWindowsThatHaveEndedAreForgotten(t *testing.T) {
	c := &clock{time.Unix(1764000000, 0)}
	m := c.memory()
	for i := range 100_000 {
		c.now = c.now.Add(time.Second) // 300 are alive at any time
		count(t, m, fmt.Sprint(i), 1, 5*time.Minute)
	}
	held := 0
	for i := range m.windows.shards {
		held += len(m.windows.shards[i].windows)
	}
	if held > windowShards*minSweep {
		t.Errorf("there are %d windows", held)
	}
}

func TestManyWindowsThatHaveEndedAreForgotten(t *testing.T) {
	const alive = 200 * windowShards
	c := &clock{time.Unix(1764000000, 0)}
	m := c.memory()
	for i := range 10 * alive {
		if i%alive == 0 {
			c.now = c.now.Add(5 * time.Minute) // nothing is alive
		}
		count(t, m, strconv.Itoa(i), 1, 5*time.Minute)
	}
	held := 0
	for i := range m.windows.shards {
		held += len(m.windows.shards[i].windows)
	}
	if held > 3*alive {
		t.Errorf("there are %d windows, of which %d are alive", held, alive)
	}
}

// Who asks seldom, or comes near the limit, hears all of it; whose answers are to
// cost little, X-RateLimit-* alone.
func TestWhoAsksAllTheTimeGetsFewHeaders(t *testing.T) {
	for _, tc := range []struct {
		used, limit int
		all         bool
	}{{1, 300, true}, {10, 300, true}, {11, 300, false}, {149, 300, false}, {150, 300, true}, {301, 300, true}, {11, 22, true}, {11, 23, false}} {
		h := http.Header{}
		NewPolicy("token", tc.limit, time.Minute).WriteFewHeaders(h, tc.used, time.Minute)
		_, policy := h["Ratelimit-Policy"]
		_, limit := h["Ratelimit"]
		if policy != tc.all || limit != tc.all || h.Get("X-RateLimit-Remaining") != strconv.Itoa(max(0, tc.limit-tc.used)) {
			t.Errorf("request %d of %d: got %v", tc.used, tc.limit, h)
		}
	}
}

func TestHeadersSayWhatIsLeft(t *testing.T) {
	p := NewPolicy("customers", 300, 5*time.Minute)
	for _, tc := range []struct {
		used int
		left time.Duration
		want map[string]string
	}{
		{1, 5 * time.Minute, map[string]string{
			"X-RateLimit-Limit": "300", "X-RateLimit-Remaining": "299", "X-RateLimit-Reset": "300", "Retry-After": "",
			"RateLimit-Policy": `"customers";q=300;w=300`, "RateLimit": `"customers";r=299;t=300`,
		}},
		{300, 1500 * time.Millisecond, map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "2", "Retry-After": ""}},
		{301, time.Nanosecond, map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1", "Retry-After": "1", "RateLimit": `"customers";r=0;t=1`}},
	} {
		h := http.Header{}
		p.WriteHeaders(h, tc.used, tc.left)
		for name, want := range tc.want {
			if got := h.Get(name); got != want {
				t.Errorf("request %d: %s: got %q, want %q", tc.used, name, got, want)
			}
		}
	}
}

func BenchmarkWindows(b *testing.B) {
	w := NewWindows[[49]byte]()
	keys := make([][49]byte, 1<<8)
	for i := range keys {
		copy(keys[i][:], fmt.Sprintf("twc_demo_%022d", i))
	}
	now := time.Unix(1764000000, 0)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		w.Count(keys[i&(1<<8-1)], 5*time.Minute, now)
		i++
	}
}

func BenchmarkWriteHeaders(b *testing.B) {
	p, h := NewPolicy("token", 600, 5*time.Minute), http.Header{}
	b.ReportAllocs()
	used := 0
	for b.Loop() {
		used++
		p.WriteHeaders(h, used, 4*time.Minute)
	}
}
