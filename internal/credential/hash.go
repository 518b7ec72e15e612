package credential

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"hash"
	"sync"
)

// HashSize is the length of a stored secret hash in bytes.
const HashSize = sha256.Size

// Hash is what is stored of a secret: HMAC-SHA-256 under a pepper. A secret
// holds 256 random bits, so there is nothing for a slow password hash to slow
// down; the pepper makes a stolen database useless for offline checks as well.
type Hash [HashSize]byte

// Pepper is the key under which the secrets of an installation are hashed.
// It is safe for concurrent use.
type Pepper struct {
	macs sync.Pool // of *hmacState, keyed once
}

type hmacState struct {
	mac       hash.Hash
	text, sum []byte
}

// NewPepper returns the pepper with the given 32 byte key, which it keeps.
func NewPepper(key []byte) *Pepper {
	return &Pepper{macs: sync.Pool{New: func() any {
		return &hmacState{mac: hmac.New(sha256.New, key), sum: make([]byte, 0, HashSize)}
	}}}
}

// Hash returns what is stored of s.
func (p *Pepper) Hash(s Secret) Hash {
	st := p.macs.Get().(*hmacState)
	defer p.macs.Put(st)
	st.mac.Reset()
	st.text = append(st.text[:0], s.text...)
	st.mac.Write(st.text)
	clear(st.text)
	return Hash(st.mac.Sum(st.sum))
}

// Equal compares two hashes in constant time.
func (h *Hash) Equal(other *Hash) bool {
	return subtle.ConstantTimeCompare(h[:], other[:]) == 1
}
