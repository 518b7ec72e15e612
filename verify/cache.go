package verify

import (
	"crypto/sha256"
	"encoding/binary"
	"sync/atomic"
)

// cache keeps verified tokens by the SHA-256 of their whole text. It holds no
// judgement: whoever takes a token out looks again at all that can change.
//
// It is a table of slots in sets of a few. The hash, which nobody can choose at
// will, says in which set a token is; there it takes the place of one that nobody
// has asked for since the set was last looked through. There is no lock: two who
// put at once may lose one of the two, which is then verified once more.
type cache struct{ slots []atomic.Pointer[verified] }

// setSize is how many slots a set has.
const setSize = 8

func newCache(size int) *cache {
	if size == 0 {
		size = DefaultCacheSize
	}
	sets := max(1, size/setSize)
	return &cache{make([]atomic.Pointer[verified], sets*setSize)}
}

// set is where a token is, if it is there.
func (c *cache) set(sum *[sha256.Size]byte) []atomic.Pointer[verified] {
	// int has 32 bits on some machines, where half of all hashes would be negative.
	at := int(binary.LittleEndian.Uint32(sum[:])%uint32(len(c.slots)/setSize)) * setSize
	return c.slots[at : at+setSize]
}

// get returns a token that was put, or nil.
func (c *cache) get(sum *[sha256.Size]byte) *verified {
	set := c.set(sum)
	for i := range set {
		if t := set[i].Load(); t != nil && t.sum == *sum {
			if !t.used.Load() { // first, for writing takes the cache line from other cores
				t.used.Store(true)
			}
			return t
		}
	}
	return nil
}

func (c *cache) put(t *verified) {
	set := c.set(&t.sum)
	for i := range set {
		if set[i].CompareAndSwap(nil, t) {
			return
		}
	}
	// From another place for each token, so that all are looked at alike; in the
	// second round none is in use.
	first := int(t.sum[sha256.Size-1])
	for i := range 2 * setSize {
		slot := &set[(first+i)%setSize]
		if old := slot.Load(); !old.used.CompareAndSwap(true, false) {
			slot.Store(t)
			return
		}
	}
}
