package ratelimit

import (
	"fmt"
	"math"
	"net/netip"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// noon is the beginning of a window of five minutes.
var noon = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

func TestAWindowOfTheSketchEndsWithTheClock(t *testing.T) {
	s := NewSketch(1<<16, 5*time.Minute)
	for _, step := range []struct {
		key  string
		at   time.Duration
		used int
		left time.Duration
	}{
		{"a", 0, 1, 5 * time.Minute},
		{"a", 4 * time.Minute, 2, time.Minute},
		{"b", 4 * time.Minute, 1, time.Minute},
		{"a", 5*time.Minute - 1, 3, 1},
		{"a", 5 * time.Minute, 1, 5 * time.Minute},
		{"a", -time.Hour, 1, 5 * time.Minute}, // the clock was set back
		{"a", -time.Hour, 2, 5 * time.Minute},
	} {
		if used, left := s.Count(step.key, noon.Add(step.at)); used != step.used || left != step.left {
			t.Errorf("%s at %v: got %d, %v, want %d, %v", step.key, step.at, used, left, step.used, step.left)
		}
	}
}

// C-041: no request of one key is lost, however many come at the same time.
func TestTheSketchNeverCountsTooLittle(t *testing.T) {
	s := NewSketch(1<<10, time.Hour)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 4000 {
				s.Count(strconv.Itoa(i%100), noon)
			}
		})
	}
	wg.Wait()
	for i := range 100 {
		if used, _ := s.Count(strconv.Itoa(i), noon); used < 321 {
			t.Errorf("key %d: got %d, want at least 321", i, used)
		}
	}
}

// a million made-up keys neither make the sketch grow nor make others look
// busy.
func TestAMillionKeysLeaveTheSketchAsItIs(t *testing.T) {
	const cells, keys, each = 1 << 18, 1_000_000, 2
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	s := NewSketch(cells, 5*time.Minute)
	key := make([]byte, 0, 32)
	for i := range keys * each {
		key = strconv.AppendInt(append(key[:0], "twc_demo_"...), int64(i%keys), 36)
		s.Count(string(key), noon)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 16*cells+64<<10 {
		t.Errorf("the sketch has %d bytes, want %d", grown, 16*cells)
	}
	for i := range 1000 { // of whom one in a million million would
		if used, _ := s.Count(fmt.Sprint("honest ", i), noon); used > 30 {
			t.Errorf("an honest key with one request looks as if it had %d", used)
		}
	}
}

// C-042: spellings of one address, and addresses of one network, are one.
func TestAnAddressHasOneKey(t *testing.T) {
	for _, same := range [][]string{
		{"192.0.2.1", "::ffff:192.0.2.1", "::ffff:c000:201"},
		{"2001:db8::1", "2001:DB8:0:0::2", "2001:db8::ffff:ffff:ffff:ffff", "2001:db8::1%eth0"},
		{"2001:db8:0:1::1", "2001:db8:0:1:8000::"},
		{"192.0.2.2"},
		{""},
	} {
		for _, text := range same {
			a, _ := netip.ParseAddr(text)
			if got := AddressKey(a); got != AddressKey(mustParse(same[0])) {
				t.Errorf("%s and %s have different keys", text, same[0])
			}
		}
	}
	seen := map[string]string{}
	for _, text := range []string{"", "192.0.2.1", "192.0.2.2", "2001:db8::", "2001:db8:0:1::", "::", "::ffff:0.0.0.0"} {
		key := AddressKey(mustParse(text))
		if other, ok := seen[key]; ok {
			t.Errorf("%q and %q have the same key", text, other)
		}
		seen[key] = text
	}
}

// mustParse takes the empty text for no address.
func mustParse(text string) netip.Addr {
	if text == "" {
		return netip.Addr{}
	}
	return netip.MustParseAddr(text)
}

func BenchmarkSketch(b *testing.B) {
	s := NewSketch(1<<18, 5*time.Minute)
	keys := make([]string, 1<<16)
	for i := range keys {
		keys[i] = fmt.Sprintf("twc_demo_%022d", i)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		s.Count(keys[i&(1<<16-1)], noon)
		i++
	}
}

// Two keys that meet in one row part in the other.
func TestRowsOfTheSketchMixKeysEachInItsWay(t *testing.T) {
	s := NewSketch(1<<10, time.Hour)
	for i := range 100 {
		s.Count(strconv.Itoa(i), noon)
	}
	var used [2]int
	apart := false
	for i := range s.rows[0] {
		for row := range s.rows {
			if s.rows[row][i].Load() != 0 {
				used[row]++
			}
		}
		apart = apart || s.rows[0][i].Load() != s.rows[1][i].Load()
	}
	if min(used[0], used[1]) < 50 || !apart {
		t.Errorf("100 keys are in %d cells; the rows are apart: %v", used, apart)
	}
}

// A cell that is full stays so: whoever had used it up would begin anew.
func TestACellThatIsFullStaysFull(t *testing.T) {
	var cell atomic.Uint64
	cell.Store(7<<32 | math.MaxInt32 - 1)
	for range 2 {
		if n := countIn(&cell, 7); n != math.MaxInt32 {
			t.Errorf("got %d", n)
		}
	}
}
