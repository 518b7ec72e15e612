package account

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenwright/tokenwright/internal/fuzztest"
)

// C-211: what is not to be seen is held by the work, not by its time.
func TestNobodyCostsTheSameWorkAsAWrongPassword(t *testing.T) {
	p := NewPasswords(1)
	var work []phc
	var derived []string
	real := p.derive
	p.derive = func(password string, h phc) []byte {
		work, derived = append(work, phc{h.memory, h.time, h.threads, nil, nil}), append(derived, password)
		if len(h.salt) != saltLength || len(h.key) != keyLength {
			t.Errorf("the salt has %d bytes, the key %d", len(h.salt), len(h.key))
		}
		return real(password, h)
	}
	hash, err := p.Hash(t.Context(), "theremin oboe fig")
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("x", 2*maxTyped)
	for _, c := range []struct{ password, derived string }{
		{"another oboe fig", "another oboe fig"}, {"", ""}, {"u\u0308", "ü"}, {long, ""}, {"\xff", ""},
	} {
		for _, text := range []string{hash, ""} {
			work, derived = nil, nil
			if ok, err := p.Verify(t.Context(), text, c.password); ok || err != nil {
				t.Errorf("got %t and error %v", ok, err)
			}
			if len(work) != 1 || work[0].memory != hashMemory || work[0].time != hashTime || work[0].threads != hashThreads || derived[0] != c.derived {
				t.Errorf("%.20q against %q costs %+v of %.20q", c.password, text, work, derived)
			}
		}
	}
}

// C-211: not even the password whose hash stands for nobody's is right.
func TestNobodyHasNoPassword(t *testing.T) {
	p := NewPasswords(1)
	p.derive = func(string, phc) []byte { return nobody.key }
	if ok, err := p.Verify(t.Context(), "", "theremin oboe fig"); ok || err != nil {
		t.Errorf("got %t and error %v", ok, err)
	}
}

// C-217
func TestPasswordsAreHashedAFewAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const parallel, took = 3, 25 * time.Millisecond
		p := NewPasswords(parallel)
		var mu sync.Mutex
		var running, most, hashed int
		var busy atomic.Int64
		p.derive = func(string, phc) []byte {
			mu.Lock()
			running++
			most = max(most, running)
			mu.Unlock()
			time.Sleep(took)
			mu.Lock()
			running--
			hashed++
			mu.Unlock()
			return nobody.key
		}
		began := time.Now()
		var done sync.WaitGroup
		for range 200 {
			done.Go(func() {
				if _, err := p.Verify(t.Context(), "", "x"); errors.Is(err, ErrBusy) {
					busy.Add(1)
					if waited := time.Since(began); waited != 0 {
						t.Errorf("that it is busy is told after %s", waited)
					}
				} else if err != nil {
					t.Error(err)
				}
			})
		}
		done.Wait()
		if most != parallel || hashed != parallel+maxWaiting || busy.Load() != 200-parallel-maxWaiting {
			t.Errorf("of 200, %d are hashed, %d at a time, and %d sent away", hashed, most, busy.Load())
		}
		if turns := (parallel + maxWaiting + parallel - 1) / parallel; time.Since(began) != time.Duration(turns)*took {
			t.Errorf("it took %s", time.Since(began))
		}
		if _, err := p.Verify(t.Context(), "", "x"); err != nil {
			t.Errorf("once it is over: %v", err)
		}
	})
}

// R-50, C-211, C-217: a damaged row asks for no more than a server has.
func FuzzParsePHC(f *testing.F) {
	f.Add(nobody.String())
	f.Add("$argon2id$v=19$m=65536,t=8,p=4$c29tZXNhbHRzb21lc2FsdA$X0mDJw6n8Ky3zjrEfUMXd2Q4CdY4sXjQAGXv/La0/Rk")
	f.Add("$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$X0mDJw6n8Ky3zjrEfUMXd2Q4CdY4sXjQAGXv/La0/Rk")
	f.Add("$argon2id$v=19$m=19456,t=2,p=1$$")
	f.Fuzz(func(t *testing.T, text string) {
		defer fuzztest.Bound(t)()
		h, err := parsePHC(text)
		if err != nil {
			return
		}
		if h.String() != text {
			t.Errorf("%q is read as %q", text, h)
		}
		sizes := []int{len(h.salt), len(h.key)}
		if h.memory > 64<<10 || h.time > 8 || h.threads > 4 || h.time*uint32(h.threads) == 0 || slices.Min(sizes) < 16 || slices.Max(sizes) > 64 {
			t.Errorf("%q is within bounds", text)
		}
	})
}
