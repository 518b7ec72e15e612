package authority

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/jose"
)

// at is a moment of the tests below.
func at(hours int) time.Time { return time.Unix(1764000000, 0).Add(time.Duration(hours) * time.Hour) }

// C-181: whose turn it is, of an environment's signing keys.
func TestWhichSigningKeyIsNext(t *testing.T) {
	key := func(kid string, status SigningKeyStatus, ripe, wanted int) SigningKey {
		k := SigningKey{KeyID: kid, Status: status, RipeAt: at(ripe)}
		if wanted != 0 {
			k.WantedAt = at(wanted)
		}
		return k
	}
	active, retired := key("active", SigningKeyActive, 0, 0), key("retired", SigningKeyRetired, 0, 3)
	for what, tc := range map[string]struct {
		ring              keyring
		next, spare, ripe string // at 5 hours
	}{
		"none at all":         {},
		"none announced":      {ring: keyring{retired, active}},
		"one that is ripe":    {keyring{active, key("a", SigningKeyAnnounced, 5, 0)}, "a", "a", "a"},
		"one that is not":     {keyring{active, key("a", SigningKeyAnnounced, 6, 0)}, "a", "a", ""},
		"the oldest of two":   {keyring{active, key("a", SigningKeyAnnounced, 4, 0), key("b", SigningKeyAnnounced, 4, 0)}, "a", "a", "a"},
		"the one wanted":      {keyring{active, key("a", SigningKeyAnnounced, 4, 0), key("b", SigningKeyAnnounced, 4, 3)}, "b", "a", "b"},
		"wanted and not ripe": {keyring{active, key("a", SigningKeyAnnounced, 4, 0), key("b", SigningKeyAnnounced, 6, 3)}, "b", "a", "a"},
		"wanted alone":        {keyring{active, key("b", SigningKeyAnnounced, 6, 3)}, "b", "", ""},
	} {
		kid := func(k *SigningKey) string {
			if k == nil {
				return ""
			}
			return k.KeyID
		}
		next, spare, ripe := kid(tc.ring.next()), kid(tc.ring.spare()), kid(tc.ring.ripe(at(5)))
		if next != tc.next || spare != tc.spare || ripe != tc.ripe {
			t.Errorf("%s: next %q, spare %q, ripe %q; want %q, %q, %q", what, next, spare, ripe, tc.next, tc.spare, tc.ripe)
		}
	}
}

// When another key takes over: wanted ones when they are ripe, else after the
// configured time, but never before one is ripe.
func TestWhenAnotherSigningKeyTakesOver(t *testing.T) {
	active := SigningKey{Env: "demo", Status: SigningKeyActive, ActivatedAt: at(1)}
	spare := func(ripe int) SigningKey {
		return SigningKey{Env: "demo", Status: SigningKeyAnnounced, RipeAt: at(ripe)}
	}
	wanted := spare(4)
	wanted.WantedAt = at(3)
	for what, tc := range map[string]struct {
		keys     []SigningKey
		rotation time.Duration
		want     time.Time
	}{
		"no keys":             {nil, time.Hour, time.Time{}},
		"none that signs":     {[]SigningKey{spare(9)}, time.Hour, time.Time{}},
		"none that is next":   {[]SigningKey{active}, time.Hour, at(2)},
		"one that is ripe":    {[]SigningKey{active, spare(1)}, time.Hour, at(2)},
		"one that is ripe in": {[]SigningKey{active, spare(3)}, time.Hour, at(3)},
		"never":               {[]SigningKey{active, spare(3)}, 0, time.Time{}},
		"never, but wanted":   {[]SigningKey{active, wanted}, 0, at(4)},
		"of another":          {[]SigningKey{{Env: "production", Status: SigningKeyActive, ActivatedAt: at(1)}}, time.Hour, time.Time{}},
	} {
		if got := (&Authority{rotation: tc.rotation}).RotatesAt(tc.keys, "demo"); !got.Equal(tc.want) {
			t.Errorf("%s: at %s, want %s", what, got, tc.want)
		}
	}
}

// C-181: a retired key goes when the last token that it signed has ended, and never
// where nobody knows how long tokens live.
func TestWhichSigningKeyIsRemoved(t *testing.T) {
	for what, tc := range map[string]struct {
		k    SigningKey
		gone bool
	}{
		"its time has come":   {SigningKey{Status: SigningKeyRetired, RetiredAt: at(1), KeepFor: 4 * time.Hour}, true},
		"not yet":             {SigningKey{Status: SigningKeyRetired, RetiredAt: at(1), KeepFor: 4*time.Hour + 1}, false},
		"nobody knows":        {SigningKey{Status: SigningKeyRetired, RetiredAt: at(1)}, false},
		"active":              {SigningKey{Status: SigningKeyActive, RetiredAt: at(1), KeepFor: time.Hour}, false},
		"revoked":             {SigningKey{Status: SigningKeyRevoked, RetiredAt: at(1), KeepFor: time.Hour}, false},
		"removed before that": {SigningKey{Status: SigningKeyRemoved, RetiredAt: at(1), KeepFor: time.Hour}, false},
	} {
		s := (&Authority{}).remove(&Environment{}, keyring{tc.k}, at(5))
		if (s != nil) != tc.gone || s != nil && (s.changed[0].Status != SigningKeyRemoved || s.changed[0].Sealed != nil) {
			t.Errorf("%s: got %+v", what, s)
		}
		if kept := tc.k.KeptUntil(); kept.IsZero() == (tc.k.Status == SigningKeyRetired) {
			t.Errorf("%s: kept until %s", what, kept)
		}
	}
}

// Times are made longer where this node's configuration asks for it, and never shorter.
func TestWhichTimesOfASigningKeyAreLengthened(t *testing.T) {
	a := &Authority{announceFor: 2 * time.Hour, keepFor: func(*Environment) time.Duration { return 3 * time.Hour }}
	for what, tc := range map[string]struct {
		k             SigningKey
		ripe, keepFor bool
	}{
		"announced, soon ripe":     {SigningKey{Status: SigningKeyAnnounced, CreatedAt: at(0), RipeAt: at(1)}, true, false},
		"announced, ripe in time":  {SigningKey{Status: SigningKeyAnnounced, CreatedAt: at(0), RipeAt: at(2)}, false, false},
		"announced, ripe later":    {SigningKey{Status: SigningKeyAnnounced, CreatedAt: at(0), RipeAt: at(3)}, false, false},
		"active, kept for less":    {SigningKey{Status: SigningKeyActive, CreatedAt: at(0), KeepFor: time.Hour}, false, true},
		"active, kept for as long": {SigningKey{Status: SigningKeyActive, CreatedAt: at(0), KeepFor: 3 * time.Hour}, false, false},
		"retired, kept for less":   {SigningKey{Status: SigningKeyRetired, CreatedAt: at(0)}, false, true},
		"retired, kept for longer": {SigningKey{Status: SigningKeyRetired, CreatedAt: at(0), KeepFor: 4 * time.Hour}, false, false},
		"removed":                  {SigningKey{Status: SigningKeyRemoved, CreatedAt: at(0)}, false, false},
		"revoked":                  {SigningKey{Status: SigningKeyRevoked, CreatedAt: at(0)}, false, false},
	} {
		s := a.lengthen(&Environment{}, keyring{tc.k})
		if (s != nil) != (tc.ripe || tc.keepFor) {
			t.Errorf("%s: got %+v", what, s)
			continue
		}
		if s == nil {
			continue
		}
		if got := s.changed[0]; tc.ripe && !got.RipeAt.Equal(at(2)) || tc.keepFor && got.KeepFor != 3*time.Hour {
			t.Errorf("%s: got %+v", what, got)
		}
	}
}

// C-184: without an active signing key nothing is done, and a new one is as large as is
// configured, or, where nothing is, as the active one, which has to open for that.
func TestASigningKeyIsMadeFromWhatIsKnown(t *testing.T) {
	a := &Authority{root: newRootKey(), keepFor: func(*Environment) time.Duration { return 0 }}
	env := &Environment{Name: "demo", Algorithm: jose.ES256}
	for what, decide := range map[string]func() (*step, error){
		"due": func() (*step, error) { return a.due(env, nil, at(0)) }, "rotate": func() (*step, error) { return a.rotate(env, nil, at(0)) },
	} {
		if s, err := decide(); s != nil || err != ErrActiveSigningKey {
			t.Errorf("%s without an active key: %+v, %v", what, s, err)
		}
	}
	damaged := keyring{{KeyID: "x", Env: "demo", Algorithm: jose.ES256, Status: SigningKeyActive, RootKeyID: 1}}
	for what, decide := range map[string]func(*Environment, keyring, time.Time) (*step, error){"announce": a.announce, "rotate": a.rotate} {
		if s, err := decide(env, damaged, at(0)); s != nil || err == nil {
			t.Errorf("%s, of the size of a damaged key: %+v, %v", what, s, err)
		}
	}
	for what, env := range map[string]*Environment{"a configured size": {Name: "demo", Algorithm: jose.ES256, RSABits: 2048}, "another key": env} {
		ring := damaged
		if env.RSABits == 0 {
			ring = nil
		}
		s, err := a.announce(env, ring, at(0))
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		k := s.changed[0]
		if signer, err := k.open(a.root); err != nil || signer.KeyID() != k.KeyID {
			t.Errorf("%s: it does not open: %v", what, err)
		}
		k.KeyID = "x"
		if _, err := k.open(a.root); err == nil {
			t.Errorf("%s: it opens under another ID", what)
		}
	}
	if s, err := a.announce(&Environment{Name: "demo", Algorithm: "none"}, nil, at(0)); s != nil || err == nil {
		t.Errorf("of no algorithm: %+v, %v", s, err)
	}
}

// C-183: a key pair that is sealed under another name, or in the place of another,
// never signs: its key ID says which it is.
func TestASealedKeyIsTheOneItsKeyIDNames(t *testing.T) {
	root := newRootKey()
	env := &Environment{Name: "demo", Algorithm: jose.ES256}
	k, err := newSigningKey(root, env, 0, at(0))
	if err != nil {
		t.Fatal(err)
	}
	other, err := newSigningKey(root, env, 0, at(0))
	if err != nil {
		t.Fatal(err)
	}
	der, err := unseal(root.wrap, other.Sealed, other.identity())
	if err != nil {
		t.Fatal(err)
	}
	for what, sealed := range map[string][]byte{"another pair": der, "no key": []byte("x"), "nothing": nil} {
		damaged := *k
		damaged.Sealed = seal(root.wrap, sealed, k.identity()) // as nobody without the root key can
		if signer, err := damaged.open(root); signer != nil || err == nil {
			t.Errorf("%s: it opens, %v", what, err)
		}
	}
	foreign := *k
	foreign.RootKeyID = 2
	if signer, err := foreign.open(root); signer != nil || err == nil {
		t.Errorf("of another root key: it opens, %v", err)
	}
	if signer, err := k.open(root); err != nil || signer.KeyID() != k.KeyID {
		t.Errorf("as it is: %v", err)
	}
}

// A kid is an argument of signing-key revoke: none is taken for a flag.
func TestNoKeyIDBeginsWithAHyphen(t *testing.T) {
	for range 500 { // of which 8 would, by chance
		if _, signer, err := generateKeyPair(jose.EdDSA, 0); err != nil || signer.KeyID()[0] == '-' {
			t.Fatalf("kid %s, %v", signer.KeyID(), err)
		}
	}
}

// Who may not revoke the active signing key hears when it can be done.
func TestAnUnripeErrorTellsSinceWhenItIsNone(t *testing.T) {
	for want, e := range map[string]UnripeError{
		"of demo is announced": {Env: "demo"}, "of demo has been published for long enough": {Env: "demo", RipeAt: at(0)}, "at 2025-11-24T": {Env: "demo", RipeAt: at(0).UTC()},
	} {
		if got := e.Error(); !strings.Contains(got, want) {
			t.Errorf("got %q, want it to say %q", got, want)
		}
	}
}

func TestSpansOfASigningKeyHaveBounds(t *testing.T) {
	for what, tc := range map[string]struct {
		c     Config
		field string
	}{
		"as they are":                {Config{}, ""},
		"the shortest age":           {Config{JWKSMaxAge: time.Second}, ""},
		"the longest age":            {Config{JWKSMaxAge: 24 * time.Hour}, ""},
		"an age that is too long":    {Config{JWKSMaxAge: 24*time.Hour + time.Second}, "jwks_max_age"},
		"a negative age":             {Config{JWKSMaxAge: -time.Second}, "jwks_max_age"},
		"a part of a second":         {Config{JWKSMaxAge: time.Second + 1}, "jwks_max_age"},
		"the shortest skew":          {Config{ClockSkew: time.Second}, ""},
		"a skew that is too short":   {Config{ClockSkew: time.Second - 1}, "clock_skew"},
		"the longest skew":           {Config{ClockSkew: 10 * time.Minute}, ""},
		"a skew that is too long":    {Config{ClockSkew: 10*time.Minute + 1}, "clock_skew"},
		"the shortest rotation":      {Config{SigningKeyRotation: 11*time.Minute + 1}, ""},
		"one that is too short":      {Config{SigningKeyRotation: 11 * time.Minute}, "signing_key_rotation"},
		"one that is below nothing":  {Config{SigningKeyRotation: -time.Hour}, "signing_key_rotation"},
		"one for other spans":        {Config{SigningKeyRotation: 11*time.Minute + 1, MaxStaleness: 6 * time.Minute}, "signing_key_rotation"},
		"one for a shorter max-age":  {Config{SigningKeyRotation: 7*time.Minute + 1, JWKSMaxAge: time.Minute}, ""},
		"one for a longer clockskew": {Config{SigningKeyRotation: 11*time.Minute + 1, ClockSkew: 2 * time.Minute}, "signing_key_rotation"},
	} {
		var field string
		err := tc.c.CheckSigningKeyTimes()
		if invalid, ok := errors.AsType[*InvalidError](err); ok {
			field = invalid.Field
		} else if err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if field != tc.field {
			t.Errorf("%s: refused for %q, want %q", what, field, tc.field)
		}
	}
	both := Config{JWKSMaxAge: -time.Second, ClockSkew: -time.Second}
	if joined, ok := both.CheckSigningKeyTimes().(interface{ Unwrap() []error }); !ok || len(joined.Unwrap()) != 2 {
		t.Errorf("of two faults it tells %v", both.CheckSigningKeyTimes())
	}
	if got := (&Config{}).keepFor(&Environment{}); got != 0 {
		t.Errorf("where nobody knows how long tokens live: kept for %s", got)
	}
	if got := (&Config{}).keepFor(&Environment{TokenLifetime: time.Hour}); got != time.Hour+6*time.Minute {
		t.Errorf("tokens of an hour: kept for %s", got)
	}
}
