package verify

import (
	"crypto/sha256"
	"sync"
)

// cache keeps verified tokens by the SHA-256 of their whole text. It holds no
// judgement: whoever takes a token out looks again at all that can change.
//
// Each of its parts has two maps. What is put goes into the young one; when that
// is full it becomes the old one, and the old one is forgotten. What is found in
// the old one is put again, so tokens in use stay, at no cost for order.
type cache struct{ parts [16]cachePart }

type cachePart struct {
	mu         sync.RWMutex
	young, old map[[sha256.Size]byte]*verified
	most       int // of each map
}

func newCache(size int) *cache {
	if size == 0 {
		size = DefaultCacheSize
	}
	c := new(cache)
	for i := range c.parts {
		p := &c.parts[i]
		p.young, p.most = map[[sha256.Size]byte]*verified{}, max(1, size/(2*len(c.parts)))
	}
	return c
}

// part spreads tokens by their hash, which nobody can choose at will.
func (c *cache) part(sum [sha256.Size]byte) *cachePart { return &c.parts[int(sum[0])%len(c.parts)] }

// get returns a token that was put, or nil.
func (c *cache) get(sum [sha256.Size]byte) *verified {
	p := c.part(sum)
	p.mu.RLock()
	t, young := p.young[sum]
	if !young {
		t = p.old[sum]
	}
	p.mu.RUnlock()
	if t != nil && !young {
		p.put(sum, t)
	}
	return t
}

func (c *cache) put(sum [sha256.Size]byte, t *verified) { c.part(sum).put(sum, t) }

func (p *cachePart) put(sum [sha256.Size]byte, t *verified) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.young) >= p.most {
		p.old, p.young = p.young, make(map[[sha256.Size]byte]*verified, p.most)
	}
	p.young[sum] = t
}
