package ratelimit

import (
	"hash/maphash"
	"math"
	"math/bits"
	"net/netip"
	"sync/atomic"
	"time"
)

// Sketch counts what keys do that anybody can make up, in memory that is fixed
// when it is made: 16 bytes a cell. It never counts too little. It may count too
// much, where a key shares both of its cells with others: of n requests of
// other keys in a window spread over c cells a row, each cell has n/c on average,
// and a key is charged with the lesser of two such (a count-min sketch of two
// rows; Cormode and Muthukrishnan, 2005). Whoever sends f requests for each of k
// keys makes one that is not his own look as busy with a probability below
// (k/c)². Which keys share cells nobody can know: the seed is random.
//
// Windows are aligned to the clock, so one ends for all keys at once; a window
// that ends while requests are counted may lose some of them. It is used
// concurrently, and has no lock.
type Sketch struct {
	seed   maphash.Seed
	window time.Duration
	mask   uint32
	rows   [2][]atomic.Uint64 // of cells: number of the window, and how many it has, 32 bits each
}

// NewSketch returns a Sketch with so many cells a row, at least 1 and at most
// 2³¹, rounded up to a power of two; window is at least a second.
func NewSketch(cells int, window time.Duration) *Sketch {
	n := 1 << bits.Len(uint(cells-1))
	return &Sketch{
		seed: maphash.MakeSeed(), window: window, mask: uint32(n - 1),
		rows: [2][]atomic.Uint64{make([]atomic.Uint64, n), make([]atomic.Uint64, n)},
	}
}

// Count counts one request of key at now, and returns how many there have been
// in the window, this one included, and how long the window still lasts.
func (s *Sketch) Count(key string, now time.Time) (used int, left time.Duration) {
	at := now.UnixNano()
	window := at / int64(s.window)
	hash := maphash.String(s.seed, key)
	used = min(
		countIn(&s.rows[0][uint32(hash)&s.mask], uint32(window)),
		countIn(&s.rows[1][uint32(hash>>32)&s.mask], uint32(window)))
	return used, time.Duration((window+1)*int64(s.window) - at)
}

// countIn adds one to a cell, which begins anew with each window: with a former
// one too, for clocks are set back.
func countIn(cell *atomic.Uint64, window uint32) int {
	for {
		old := cell.Load()
		count := uint32(old)
		switch {
		case uint32(old>>32) != window:
			count = 1
		case count < math.MaxInt32: // as much as an int holds everywhere
			count++
		}
		if cell.CompareAndSwap(old, uint64(window)<<32|uint64(count)) {
			return int(count)
		}
	}
}

// AddressKey is what requests from an address are counted under: an IPv4
// address, also where it is written as IPv6 (RFC 4291 2.5.5.2), and of an IPv6
// address the first 64 bits, for whoever has one has all of that network
// (RFC 4291 2.5.4, RFC 6177). All that is no address has one key.
func AddressKey(a netip.Addr) string {
	a = a.Unmap()
	if !a.Is6() {
		return string(a.AsSlice())
	}
	sixteen := a.As16()
	return string(sixteen[:8])
}
