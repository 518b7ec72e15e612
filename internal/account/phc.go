package account

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// argon2id as the OWASP Password Storage Cheat Sheet asks for it, in the first
// of its configurations that takes a processor alone.
const (
	hashMemory  = 19 << 10 // KiB
	hashTime    = 2        // passes
	hashThreads = 1
	saltLength  = 16 // bytes
	keyLength   = 32 // bytes
)

// What a stored hash may ask for at most: a damaged row, or one of somebody who
// can write rows, must not take the memory of a server.
const (
	maxMemory  = 64 << 10 // KiB
	maxTime    = 8
	maxThreads = 4
	maxBytes   = 64 // of salt and key
)

// phc is a password's hash taken apart:
// $argon2id$v=19$m=19456,t=2,p=1$<salt>$<key>, both base64 without padding (PHC
// string format; RFC 9106 for the parameters).
type phc struct {
	memory    uint32 // KiB
	time      uint32
	threads   uint8
	salt, key []byte
}

// nobody is the hash that no password has: it gives the same work.
var nobody = phc{hashMemory, hashTime, hashThreads, make([]byte, saltLength), make([]byte, keyLength)}

var strictBase64 = base64.RawStdEncoding.Strict()

// String is the text of a hash, which parsePHC takes apart.
func (h phc) String() string {
	return fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=%d$%s$%s", h.memory, h.time, h.threads,
		strictBase64.EncodeToString(h.salt), strictBase64.EncodeToString(h.key))
}

var errPHC = errors.New("it is not argon2id in the PHC string format, within bounds")

// parsePHC reads a hash of the form that String writes, to the letter. The
// error repeats nothing of it.
func parsePHC(text string) (h phc, err error) {
	if len(text) > 256 {
		return phc{}, errPHC
	}
	parts := strings.Split(text, "$")
	if len(parts) != 6 {
		return phc{}, errPHC
	}
	if _, err = fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &h.memory, &h.time, &h.threads); err != nil {
		return phc{}, errPHC
	}
	if h.salt, err = strictBase64.DecodeString(parts[4]); err != nil {
		return phc{}, errPHC
	}
	if h.key, err = strictBase64.DecodeString(parts[5]); err != nil {
		return phc{}, errPHC
	}
	if !h.withinBounds() || h.String() != text { // which leaves one spelling of each
		return phc{}, errPHC
	}
	return h, nil
}

// withinBounds keeps a short key out as well: any password would have it.
func (h phc) withinBounds() bool {
	return h.memory >= 8*uint32(h.threads) && h.memory <= maxMemory &&
		h.time >= 1 && h.time <= maxTime && h.threads >= 1 && h.threads <= maxThreads &&
		len(h.salt) >= saltLength && len(h.salt) <= maxBytes && len(h.key) >= keyLength && len(h.key) <= maxBytes
}
