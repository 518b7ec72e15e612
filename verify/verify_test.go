package verify

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/accesstoken"
	"github.com/tokenwright/tokenwright/internal/jose"
)

const (
	issuer   = "http://localhost:8080/demo"
	audience = "http://localhost:8080/demo/api"
)

var algorithms = []jose.Algorithm{jose.ES256, jose.RS256, jose.PS256, jose.EdDSA}

// now is what all clocks of these tests show, and a bit: fractions of a second
// must not matter.
var now = time.Unix(1764000000, 999_999_999)

var sample = accesstoken.Claims{
	Issuer: issuer, Audience: audience, Subject: "twc_demo_0123456789abcdefghijkl", ClientID: "twc_demo_0123456789abcdefghijkl",
	IssuedAt: now.Unix(), Expiry: now.Unix() + 3600, ID: "AAAAAAAAAAAAAAAAAAAAAA", Generation: 1763990000,
	Scope: "customers:read customers:write", Env: "demo", MerchantID: accesstoken.MerchantID{Text: "4259", Number: true},
}

// Keys are made once for a run: RSA keys take long. RS256 and PS256 share one.
var testKeys = func() map[jose.Algorithm]func() (crypto.Signer, error) {
	once := func(alg jose.Algorithm) func() (crypto.Signer, error) {
		return sync.OnceValues(func() (crypto.Signer, error) { return jose.GenerateKey(alg, 0) })
	}
	rsa := once(jose.RS256)
	return map[jose.Algorithm]func() (crypto.Signer, error){
		jose.ES256: once(jose.ES256), jose.RS256: rsa, jose.PS256: rsa, jose.EdDSA: once(jose.EdDSA),
	}
}()

func testSigner(t testing.TB, alg jose.Algorithm) *jose.Signer {
	t.Helper()
	key, err := testKeys[alg]()
	if err != nil {
		t.Fatal(err)
	}
	return newSigner(t, alg, key)
}

func newSigner(t testing.TB, alg jose.Algorithm, key crypto.Signer) *jose.Signer {
	t.Helper()
	s, err := jose.NewSigner(alg, key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func signToken(t testing.TB, s *jose.Signer, payload string) string {
	t.Helper()
	return signHeader(t, s, s.Header(accesstoken.Type), payload)
}

// signHeader signs properly below any header, so that only the header is at fault.
func signHeader(t testing.TB, s *jose.Signer, header, payload string) string {
	t.Helper()
	token, err := s.AppendCompact(nil, header, []byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	return string(token)
}

func encode(text string) string { return string(jose.AppendBase64(nil, []byte(text))) }

// payload is the sample's, with one text in it replaced.
func payload(t testing.TB, old, with string) string {
	t.Helper()
	text := string(sample.AppendJSON(nil))
	if strings.Count(text, old) != 1 {
		t.Fatalf("%s is not once in the payload", old)
	}
	return strings.Replace(text, old, with, 1)
}

type keySet map[string]*jose.Key

func (s keySet) Key(_ context.Context, kid string) (*jose.Key, error) {
	if key, ok := s[kid]; ok {
		return key, nil
	}
	return nil, ErrKey
}

// awayKeys is a key set that cannot be asked.
type awayKeys struct{ err error }

func (k awayKeys) Key(context.Context, string) (*jose.Key, error) { return nil, k.err }

// deadList is revocation as the feed will have it.
type deadList struct {
	generations map[string]int64 // by client ID: tokens of a lower one are dead
	kids, jtis  []string
	err         error // why it cannot be told
}

func (d *deadList) Revoked(_ time.Time, kid string, c *accesstoken.Claims) error {
	if d.err != nil {
		return d.err
	}
	if c.Generation < d.generations[c.ClientID] || slices.Contains(d.kids, kid) || slices.Contains(d.jtis, c.ID) {
		return fmt.Errorf("%w: listed", ErrRevoked)
	}
	return nil
}

// testConfig accepts what the signers sign.
func testConfig(signers ...*jose.Signer) Config {
	keys := keySet{}
	for _, s := range signers {
		keys[s.KeyID()] = s.Public()
	}
	return Config{
		Issuer: issuer, Audience: audience, Keys: keys, Revocations: &deadList{}, Leeway: DefaultLeeway,
		Clock: func() time.Time { return now },
	}
}

func newVerifier(t testing.TB, config Config) *Verifier {
	t.Helper()
	v, err := New(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// refuse checks that the token is refused with want, which no other sentinel
// is, and that the error does not quote it.
func refuse(t *testing.T, v *Verifier, name, token string, want error) {
	t.Helper()
	c, err := v.Verify(context.Background(), token)
	if c != nil || !errors.Is(err, want) || !errors.Is(err, ErrInvalid) {
		t.Errorf("%s: got %v, %v, want %v", name, c, err, want)
		return
	}
	for part := range strings.SplitSeq(token, ".") {
		if len(part) > 8 && strings.Contains(err.Error(), part) {
			t.Errorf("%s: the error quotes the token: %v", name, err)
		}
	}
}

func accept(t *testing.T, v *Verifier, name, token string) {
	t.Helper()
	if c, err := v.Verify(context.Background(), token); c == nil || err != nil {
		t.Errorf("%s: got %v, %v", name, c, err)
	}
}

func TestVerifyReturnsTheClaimsThatWereSigned(t *testing.T) {
	for _, alg := range algorithms {
		s := testSigner(t, alg)
		got, err := newVerifier(t, testConfig(s)).Verify(context.Background(), signToken(t, s, string(sample.AppendJSON(nil))))
		if err != nil || *got != sample {
			t.Errorf("%s: got %+v, %v, want %+v", alg, got, err, sample)
		}
	}
}

// C-088.
func TestEd25519IsTheOtherNameOfEdDSA(t *testing.T) {
	s := testSigner(t, jose.EdDSA)
	header := encode(`{"alg":"Ed25519","kid":"` + s.KeyID() + `","typ":"at+jwt"}`)
	accept(t, newVerifier(t, testConfig(s)), "Ed25519", signHeader(t, s, header, string(sample.AppendJSON(nil))))
}

// C-117.
func TestNewRefusesWhatIsNotConfigured(t *testing.T) {
	s := testSigner(t, jose.ES256)
	for name, spoil := range map[string]func(*Config){
		"nothing":           func(c *Config) { *c = Config{} },
		"no issuer":         func(c *Config) { c.Issuer = "" },
		"no audience":       func(c *Config) { c.Audience = "" },
		"one and any":       func(c *Config) { c.AnyAudience = true },
		"no keys":           func(c *Config) { c.Keys = nil },
		"stale at once":     func(c *Config) { c.MaxStale = time.Second },
		"closed at once":    func(c *Config) { c.FailClosedAfter = -1 },
		"no revocations":    func(c *Config) { c.Revocations = nil },
		"leeway below 0":    func(c *Config) { c.Leeway = -2 },
		"leeway above 60 s": func(c *Config) { c.Leeway = 60*time.Second + 1 },
	} {
		config := testConfig(s)
		newVerifier(t, config)
		spoil(&config)
		if v, err := New(context.Background(), config); v != nil || err == nil {
			t.Errorf("%s: got %v, %v", name, v, err)
		}
	}
}

func TestWithoutAClockItIsNow(t *testing.T) {
	s := testSigner(t, jose.ES256)
	config := testConfig(s)
	config.Clock = nil
	c := sample
	c.IssuedAt, c.Expiry = time.Now().Unix(), time.Now().Unix()+3600
	accept(t, newVerifier(t, config), "a fresh token", signToken(t, s, string(c.AppendJSON(nil))))
	c.IssuedAt, c.Expiry = c.IssuedAt-7200, c.Expiry-7200
	refuse(t, newVerifier(t, config), "an old one", signToken(t, s, string(c.AppendJSON(nil))), ErrExpired)
}

// The shortest limit is a limit.
func TestTheLeastThatRevocationsMayBeOldIsTaken(t *testing.T) {
	config := testConfig(testSigner(t, jose.ES256))
	config.MaxStale, config.FailClosedAfter = minMaxStale, minMaxStale
	if v := newVerifier(t, config); v.config.Logger == nil {
		t.Error("there is no log")
	}
}

// C-109: which keys there are is asked each time.
func TestAKeyThatIsGoneVerifiesNothing(t *testing.T) {
	s := testSigner(t, jose.ES256)
	config := testConfig(s)
	v := newVerifier(t, config)
	token := signToken(t, s, string(sample.AppendJSON(nil)))
	accept(t, v, "before", token)
	delete(config.Keys.(keySet), s.KeyID())
	refuse(t, v, "after", token, ErrKey)
}

// A token is dead by its generation, whatever its times say: a node or a clock
// that lags behind may have issued it after the cut-off.
func TestRevokedTokensAreRefused(t *testing.T) {
	s := testSigner(t, jose.ES256)
	config := testConfig(s)
	other := sample
	other.ClientID, other.Subject = "twc_demo_another", "twc_demo_another"
	later := sample
	later.IssuedAt += 30
	next := sample
	next.Generation++
	cutoff := &deadList{generations: map[string]int64{sample.ClientID: sample.Generation + 1}}
	for _, tc := range []struct {
		name   string
		list   *deadList
		claims accesstoken.Claims
		want   error
	}{
		{"nothing listed", &deadList{}, sample, nil},
		{"generation below the listed one", cutoff, sample, ErrRevoked},
		{"issued later, by a node that lags", cutoff, later, ErrRevoked},
		{"generation as listed", cutoff, next, nil},
		{"another API key", cutoff, other, nil},
		{"jti listed", &deadList{jtis: []string{sample.ID}}, sample, ErrRevoked},
		{"kid listed", &deadList{kids: []string{s.KeyID()}}, sample, ErrRevoked},
	} {
		config.Revocations = tc.list
		v, token := newVerifier(t, config), signToken(t, s, string(tc.claims.AppendJSON(nil)))
		if tc.want == nil {
			accept(t, v, tc.name, token)
		} else {
			refuse(t, v, tc.name, token, tc.want)
		}
	}
}

// Not to know is neither alive nor invalid; and what is invalid anyway is so
// without asking.
func TestWhatCannotBeToldIsNotInvalid(t *testing.T) {
	s := testSigner(t, jose.ES256)
	config := testConfig(s)
	stale := errors.New("stale")
	config.Revocations = &deadList{err: stale}
	v := newVerifier(t, config)
	if c, err := v.Verify(context.Background(), signToken(t, s, string(sample.AppendJSON(nil)))); c != nil || err != stale {
		t.Errorf("got %v, %v", c, err)
	}
	refuse(t, v, "expired", signToken(t, s, payload(t, `"exp":1764003600`, `"exp":1`)), ErrExpired)

	config.Keys = awayKeys{stale}
	if c, err := newVerifier(t, config).Verify(context.Background(), signToken(t, s, string(sample.AppendJSON(nil)))); c != nil || err != stale {
		t.Errorf("without keys: got %v, %v", c, err)
	}
}

// Callers tell the sentinels apart, and give them their words.
func TestSentinelsAreInvalidAndDistinct(t *testing.T) {
	all := map[string]error{}
	for _, err := range []error{ErrMalformed, ErrType, ErrKey, ErrAlgorithm, ErrSignature, ErrIssuer, ErrAudience, ErrExpired, ErrNotYet, ErrRevoked} {
		if !errors.Is(err, ErrInvalid) {
			t.Errorf("%v is not ErrInvalid", err)
		}
		for _, other := range all {
			if errors.Is(err, other) || errors.Is(other, err) {
				t.Errorf("%v is %v", err, other)
			}
		}
		all[err.Error()] = err
	}
	if len(all) != 10 {
		t.Errorf("%d texts for 10 errors", len(all))
	}
}
