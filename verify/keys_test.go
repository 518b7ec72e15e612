package verify

import (
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenwright/tokenwright/internal/jose"
	"github.com/tokenwright/tokenwright/tokenwrighttest"
)

func TestKeysOfASetThatIsGiven(t *testing.T) {
	s := testSigner(t, jose.ES256)
	keys, err := ParseKeys(jose.MarshalJWKS([]*jose.Key{s.Public(), testSigner(t, jose.EdDSA).Public()}))
	if err != nil {
		t.Fatal(err)
	}
	config := testConfig()
	config.Keys = keys
	v := newVerifier(t, config)
	accept(t, v, "by a key of the set", signed(t, s))
	refuse(t, v, "by another", signed(t, testSigner(t, jose.RS256)), ErrKey)
	for _, text := range []string{"", "{}", `{"keys":[]}`, `{"keys":[{"kty":"oct","kid":"a","alg":"HS256"}]}`} {
		if _, err := ParseKeys([]byte(text)); err == nil {
			t.Errorf("%q is a set of keys", text)
		}
	}
}

// P3: a token that has been seen stays so when the set of keys is read again, for
// what it is bound to is still there.
func TestASeenTokenOutlivesTheSetOfKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		iss := tokenwrighttest.New(t, tokenwrighttest.InProcess())
		v, err := New(t.Context(), Config{Issuer: iss.URL, Audience: iss.Audience, HTTPClient: iss.Client()})
		if err != nil {
			t.Fatal(err)
		}
		defer v.Close()
		first := maps.Clone(v.remote.keys.current.Load().byID)
		requests := iss.Requests(tokenwrighttest.JWKS)
		time.Sleep(time.Hour)
		iss.RotateSigningKey()
		time.Sleep(time.Hour)
		if iss.Requests(tokenwrighttest.JWKS) == requests {
			t.Fatal("the set has not been read again")
		}
		now := v.remote.keys.current.Load().byID
		for kid, key := range first {
			if now[kid] != key {
				t.Errorf("key %s is another one", kid)
			}
		}
		if len(now) != len(first)+1 {
			t.Errorf("%d keys have become %d", len(first), len(now))
		}
	})
}

// C-162: what only has the kid of another key does not take its place.
func TestAnotherKeyOfTheSameKidIsAnother(t *testing.T) {
	old := testSigner(t, jose.ES256).Public()
	other, err := jose.GenerateKey(jose.ES256, 0)
	if err != nil {
		t.Fatal(err)
	}
	set := fixedKeys{old.KeyID(): newSigner(t, jose.ES256, other).Public()}
	set.keep(fixedKeys{old.KeyID(): old})
	if set[old.KeyID()] == old {
		t.Error("the key that is gone is kept")
	}
}

// while a set is being read, and after that has failed, it is not read again before
// the pause is over; once it was read, as long before its end as a fifth of its time at least.
func TestWhenASetOfKeysIsDue(t *testing.T) {
	now := time.Unix(1764000000, 0)
	k := &followedKeys{clock: func() time.Time { return now }}
	set := &keys{keep: time.Hour}
	k.current.Store(set)
	a := &attempt{began: now, done: make(chan struct{})}
	k.latest = a
	if a.isDone() || k.due() != set.pause() {
		t.Errorf("while it is read: done %v, due in %s", a.isDone(), k.due())
	}
	a.err = ErrUnavailable
	close(a.done)
	if !a.isDone() || k.due() != set.pause() {
		t.Errorf("after a failure: done %v, due in %s", a.isDone(), k.due())
	}
	a.err = nil
	if due := k.due(); due < set.keep*7/10 || due > set.keep*8/10 {
		t.Errorf("once it was read it is due in %s of %s", due, set.keep)
	}
}

// C-118: keys that are read at the moment in which the old ones are dropped stay.
func TestForgettingKeysForgetsNoNewOnes(t *testing.T) {
	fresh := &keys{readAt: now, byID: fixedKeys{"a": nil}}
	k := new(followedKeys)
	k.current.Store(&keys{readAt: now.Add(-maxKeysAge)})
	k.clock = func() time.Time { // asked for once the old ones have been looked at
		k.current.Store(fresh)
		return now
	}
	k.forget()
	if k.current.Load() != fresh {
		t.Error("the keys that were just read are gone")
	}
}
