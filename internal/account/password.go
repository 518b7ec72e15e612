package account

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"runtime"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
)

// ErrBusy says that so many passwords wait to be looked at that one more is not
// worth the wait. It is over within seconds.
var ErrBusy = errors.New("too many people sign in at this moment")

const (
	minPassword = 15  // characters, where a password alone signs in: NIST SP 800-63B-4 3.1.1.2
	maxPassword = 256 // characters
	// maxTyped is more bytes than the longest password has in any of its
	// spellings: whatever is longer is none, and is not worth its normalising.
	maxTyped = 16 * maxPassword

	// maxWaiting passwords wait behind those that are hashed.
	maxWaiting = 64
)

// Passwords hashes passwords, a few at a time: each takes a processor for some
// 25 ms and 19 MiB of memory, which must not be for others to use up. It is
// safe for concurrent use.
type Passwords struct {
	places  chan struct{} // of those that are hashed or wait
	running chan struct{} // of those that are hashed
	derive  func(password string, p phc) []byte
}

// NewPasswords returns a Passwords that hashes so many at a time; below 1, half
// as many as there are processors, and at least one.
func NewPasswords(parallel int) *Passwords {
	if parallel < 1 {
		parallel = max(1, runtime.GOMAXPROCS(0)/2)
	}
	return &Passwords{make(chan struct{}, parallel+maxWaiting), make(chan struct{}, parallel), derive}
}

// Hash returns what is stored of a password: argon2id in the PHC string format,
// with a salt of its own. The password is one that CheckPassword accepts; a
// longer one, or one that is not UTF-8, is an *authority.InvalidError. ErrBusy,
// or the error of ctx where that ends first.
func (p *Passwords) Hash(ctx context.Context, password string) (text string, err error) {
	normal, ok := normalize(password)
	if !ok {
		return "", invalid("password", "is longer than %d characters, or not UTF-8", maxPassword)
	}
	h := phc{memory: hashMemory, time: hashTime, threads: hashThreads, salt: make([]byte, saltLength), key: make([]byte, keyLength)}
	rand.Read(h.salt) // never fails (crypto/rand)
	done, err := p.turn(ctx)
	if err != nil {
		return "", err
	}
	defer done()
	h.key = p.derive(normal, h)
	return h.String(), nil
}

// Verify tells whether the hash text is that of the password, when it is its turn.
// Where there is no hash, "" for nobody of that name or for no password, the answer is false
// after the same work as for a wrong one, so that nobody sees which it was.
// Errors as Hash, and one for a hash that is damaged.
func (p *Passwords) Verify(ctx context.Context, text, password string) (ok bool, err error) {
	done, err := p.turn(ctx)
	if err != nil {
		return false, err
	}
	defer done()
	return p.verify(text, password)
}

// verify is Verify for whoever has got the turn.
func (p *Passwords) verify(text, password string) (ok bool, err error) {
	h := nobody
	if text != "" {
		if h, err = parsePHC(text); err != nil {
			return false, fmt.Errorf("reading a password's hash: %w", err)
		}
	}
	normal, possible := normalize(password)
	if !possible {
		normal = ""
	}
	same := subtle.ConstantTimeCompare(p.derive(normal, h), h.key) == 1
	return same && possible && text != "", nil
}

// turn waits until somebody's password may be looked at, which the caller ends with
// done.
func (p *Passwords) turn(ctx context.Context) (done func(), err error) {
	select {
	case p.places <- struct{}{}:
	default:
		return nil, ErrBusy
	}
	select {
	case p.running <- struct{}{}:
		return func() { <-p.running; <-p.places }, nil
	case <-ctx.Done():
		<-p.places
		return nil, fmt.Errorf("%w: %w", ErrBusy, ctx.Err())
	}
}

func derive(password string, h phc) []byte {
	return argon2.IDKey([]byte(password), h.salt, h.time, h.memory, h.threads, uint32(len(h.key)))
}

// normalize is a password as all keyboards and systems spell it: NFC, for some
// send ü as one character and others as two (NIST SP 800-63B-4 3.1.1.2, RFC
// 8265 4.2). It is false for what is no password: not UTF-8, or too long.
func normalize(password string) (normal string, ok bool) {
	if len(password) > maxTyped || !utf8.ValidString(password) {
		return "", false
	}
	normal = norm.NFC.String(password)
	return normal, utf8.RuneCountInString(normal) <= maxPassword
}
