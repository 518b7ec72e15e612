package verify

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/jose"
)

// oneKey is a set of one key, which can be replaced.
type oneKey struct {
	mu  sync.Mutex
	key *jose.Key
}

func (k *oneKey) Key(context.Context, string) (*jose.Key, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.key == nil {
		return nil, ErrKey
	}
	return k.key, nil
}

// C-162: whatever can change is looked at again, also for a token that was
// verified a moment ago, and however often it was used since.
func TestAVerifiedTokenIsJudgedAgainEachTime(t *testing.T) {
	s := testSigner(t, jose.ES256)
	token := signed(t, s)
	for _, tc := range []struct {
		name   string
		change func(now *time.Time, keys *oneKey, dead *deadList)
		want   error
	}{
		{"nothing", func(*time.Time, *oneKey, *deadList) {}, nil},
		{"expired", func(now *time.Time, _ *oneKey, _ *deadList) { *now = now.Add(time.Hour + DefaultLeeway) }, ErrExpired},
		{"a second before", func(now *time.Time, _ *oneKey, _ *deadList) { *now = now.Add(time.Hour + DefaultLeeway - time.Second) }, nil},
		{"clock set back", func(now *time.Time, _ *oneKey, _ *deadList) { *now = now.Add(-time.Hour) }, ErrNotYet},
		{"generation", func(_ *time.Time, _ *oneKey, d *deadList) {
			d.generations = map[string]int64{sample.ClientID: sample.Generation + 1}
		}, ErrRevoked},
		{"jti", func(_ *time.Time, _ *oneKey, d *deadList) { d.jtis = []string{sample.ID} }, ErrRevoked},
		{"kid", func(_ *time.Time, _ *oneKey, d *deadList) { d.kids = []string{s.KeyID()} }, ErrRevoked},
		{"revocations away", func(_ *time.Time, _ *oneKey, d *deadList) { d.err = ErrUnavailable }, ErrUnavailable},
		{"key gone", func(_ *time.Time, k *oneKey, _ *deadList) { k.key = nil }, ErrKey},
		{"another key of that kid", func(_ *time.Time, k *oneKey, _ *deadList) { k.key = testSigner(t, jose.EdDSA).Public() }, ErrAlgorithm},
		{"the same key, read anew", func(_ *time.Time, k *oneKey, _ *deadList) { again := *k.key; k.key = &again }, nil},
	} {
		config, at, dead := testConfig(s), now, &deadList{}
		keys := &oneKey{key: s.Public()}
		config.Keys, config.Revocations, config.Clock = keys, dead, func() time.Time { return at }
		v := newVerifier(t, config)
		for range 3 {
			accept(t, v, tc.name+": before", token)
		}
		tc.change(&at, keys, dead)
		for range 2 {
			if c, err := v.Verify(t.Context(), token); !errors.Is(err, tc.want) || (c == nil) != (tc.want != nil) {
				t.Errorf("%s: got %v, %v, want %v", tc.name, c, err, tc.want)
			}
		}
	}
}

// C-162: the signature belongs to what was verified.
func TestOnlyTheWholeTokenIsKnownAgain(t *testing.T) {
	s := testSigner(t, jose.EdDSA)
	v := newVerifier(t, testConfig(s))
	token := signed(t, s)
	accept(t, v, "the token", token)
	for i := len(token) - 86; i < len(token)-1; i++ { // each character of the signature but the last, which has spare bits
		other := []byte(token)
		other[i] = 'A' + (other[i]+1)%26
		if string(other) != token {
			refuse(t, v, "with another signature", string(other), ErrSignature)
		}
	}
	refuse(t, v, "cut off", token[:len(token)-1], ErrMalformed)
}

func TestClaimsBelongToTheCaller(t *testing.T) {
	s := testSigner(t, jose.ES256)
	v := newVerifier(t, testConfig(s))
	token := signed(t, s)
	for range 2 {
		c, err := v.Verify(t.Context(), token)
		if err != nil || *c != sample {
			t.Fatalf("got %+v, %v", c, err)
		}
		c.Scope, c.MerchantID.Text = "all", "1"
	}
}

// C-162: bounded, and tokens in use stay.
func TestTheCacheIsBoundedAndKeepsWhatIsUsed(t *testing.T) {
	const size = 1000
	c := newCache(size)
	token := func(i int) *verified { return &verified{sum: sha256.Sum256(binary.AppendVarint(nil, int64(i)))} }
	used := token(-1)
	c.put(used)
	for i := range 100 * size {
		c.put(token(i))
		if c.get(&used.sum) != used {
			t.Fatalf("a token that is used all the time is forgotten after %d others", i)
		}
	}
	held := 0
	for i := range c.slots {
		if c.slots[i].Load() != nil {
			held++
		}
	}
	if held != size {
		t.Errorf("%d tokens are held, where there is room for %d", held, size)
	}
	if first := token(0); c.get(&first.sum) != nil {
		t.Error("the first token is still there")
	}
	for i := range setSize { // all are in use: one goes all the same
		c = newCache(1)
		for j := range setSize {
			c.put(token(j))
		}
		for j := range setSize {
			if sum := token(j).sum; c.get(&sum) == nil {
				t.Fatalf("token %d of a full set is not there", j)
			}
		}
		last := token(100 + i)
		if c.put(last); c.get(&last.sum) != last {
			t.Error("a token finds no place")
		}
	}
}

func TestConcurrentUseOfTheCache(t *testing.T) {
	s := testSigner(t, jose.EdDSA)
	config := testConfig(s)
	config.CacheSize = 32
	v := newVerifier(t, config)
	var tokens []string
	for i := range 20 {
		tokens = append(tokens, signed(t, s, "x", strconv.Itoa(i)))
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 400 {
				if _, err := v.Verify(context.Background(), tokens[i%len(tokens)]); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

// C-162: a signature is looked at once, unless tokens are not to be kept.
func TestAVerifiedTokenIsKeptUnlessNoneAre(t *testing.T) {
	s := testSigner(t, jose.ES256)
	token := signed(t, s)
	sum := sha256.Sum256([]byte(token))
	for size, slots := range map[int]int{0: DefaultCacheSize, 80: 80, -1: 0} {
		config := testConfig(s)
		config.CacheSize = size
		v := newVerifier(t, config)
		accept(t, v, "good", token)
		refuse(t, v, "for another", signToken(t, s, payload(t, `/api"`, `/"`)), ErrAudience)
		switch {
		case (v.verified == nil) != (slots == 0):
			t.Errorf("size %d: got %v", size, v.verified)
		case slots > 0 && (len(v.verified.slots) != slots || v.verified.get(&sum) == nil):
			t.Errorf("size %d: %d slots, and the token is there: %v", size, len(v.verified.slots), v.verified.get(&sum) != nil)
		}
	}
}
