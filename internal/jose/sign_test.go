package jose

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"io"
	"math/big"
	"strconv"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/internal/fuzztest"
)

func TestSignedTokensVerify(t *testing.T) {
	for _, alg := range algorithms {
		t.Run(string(alg), func(t *testing.T) {
			s := testSigner(t, alg)
			prefix := []byte("Bearer ")
			out, err := s.AppendCompact(prefix, s.Header("at+jwt"), benchPayload)
			if err != nil {
				t.Fatal(err)
			}
			token, ok := strings.CutPrefix(string(out), "Bearer ")
			if !ok {
				t.Fatalf("AppendCompact does not append: %s", out)
			}
			m, err := Parse(token)
			if err != nil {
				t.Fatal(err)
			}
			if m.Algorithm != alg || m.KeyID != s.KeyID() || m.Type != "at+jwt" || !bytes.Equal(m.Payload, benchPayload) {
				t.Errorf("parsed as %s, %s, %s, %s", m.Algorithm, m.KeyID, m.Type, m.Payload)
			}
			if err := m.Verify(s.Public()); err != nil {
				t.Error(err)
			}
			header := decode(t, token[:strings.IndexByte(token, '.')])
			if want := `{"alg":"` + string(alg) + `","kid":"` + s.Public().Thumbprint() + `","typ":"at+jwt"}`; string(header) != want {
				t.Errorf("header %s, want %s", header, want)
			}
			if s.Algorithm() != alg || s.Public().Algorithm() != alg || s.Public().KeyID() != s.KeyID() {
				t.Error("signer and key disagree")
			}
		})
	}
}

// C-087: RSA keys have 2048 bits or more; C-088: Ed25519 only; P-256 only.
func TestNewSignerRefusesKeysThatDoNotFit(t *testing.T) {
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var keys []crypto.Signer
	for _, alg := range []Algorithm{ES256, RS256, EdDSA} {
		keys = append(keys, testSigner(t, alg).key)
	}
	good := testSigner(t, RS256).Public().public.(*rsa.PublicKey)
	keys = append(keys, p384,
		external{public: &rsa.PublicKey{N: new(big.Int).Rsh(good.N, 1024), E: good.E}},
		external{public: &rsa.PublicKey{N: new(big.Int).Sub(good.N, big.NewInt(1)), E: good.E}},
		external{public: &rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), 8192, 1), E: good.E}},
		external{public: &rsa.PublicKey{N: good.N, E: 1}},
		external{public: &rsa.PublicKey{N: good.N, E: 65536}},
		external{public: ed25519.PublicKey(make([]byte, 31))},
		//lint:ignore SA1019 only the raw coordinates can make a key that is invalid
		external{public: &ecdsa.PublicKey{Curve: elliptic.P256(), X: big.NewInt(1), Y: big.NewInt(1)}},
		external{public: "a key"},
		external{public: nil},
	)
	fitting := map[Algorithm]int{ES256: 0, RS256: 1, PS256: 1, EdDSA: 2}
	for _, alg := range append(algorithms, "", "none", "HS256") {
		for i, key := range keys {
			want, known := fitting[alg]
			if _, err := NewSigner(alg, key); (err == nil) != (known && want == i) {
				t.Errorf("%q with key %d: %v", alg, i, err)
			} else if err != nil && !errors.Is(err, ErrMalformed) {
				t.Errorf("%q with key %d: %v wraps no error of the package", alg, i, err)
			}
		}
	}
}

func TestGenerateKeyMakesKeysOfTheSizeAsked(t *testing.T) {
	for _, bits := range []int{0, 2048, 3072} {
		key, err := GenerateKey(PS256, bits)
		if err != nil {
			t.Fatal(err)
		}
		if got := key.Public().(*rsa.PublicKey).N.BitLen(); got != max(bits, 2048) {
			t.Errorf("asked for %d bits, got %d", bits, got)
		}
	}
	for _, bits := range []int{-1, 1, 1024, 2047, 4096, 1 << 30} {
		if _, err := GenerateKey(RS256, bits); !errors.Is(err, ErrAlgorithm) {
			t.Errorf("%d bits: %v", bits, err)
		}
	}
	for _, alg := range []Algorithm{"", "none", "HS256", "Ed25519"} {
		if _, err := GenerateKey(alg, 0); !errors.Is(err, ErrAlgorithm) {
			t.Errorf("%q: %v", alg, err)
		}
	}
}

// external stands for a key in a KMS: it signs as the key inside does, but is
// of another type, and keeps what it was asked with.
type external struct {
	crypto.Signer
	public crypto.PublicKey
	random *io.Reader
	answer []byte // instead of a signature
}

func (e external) Public() crypto.PublicKey { return e.public }

func (e external) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	*e.random = random
	if e.answer != nil {
		return e.answer, nil
	}
	return e.Signer.Sign(random, digest, opts)
}

func TestExternalSignersGetARandomSource(t *testing.T) {
	for _, alg := range algorithms {
		var random io.Reader
		key := testSigner(t, alg).key
		s, err := NewSigner(alg, external{Signer: key, public: key.Public(), random: &random})
		if err != nil {
			t.Fatal(err)
		}
		one, two := signToken(t, s, benchPayload), signToken(t, s, benchPayload)
		if random == nil {
			t.Errorf("%s: no random source", alg)
		}
		if err := errors.Join(accept(one, s.Public()), accept(two, s.Public())); err != nil {
			t.Errorf("%s: %v", alg, err)
		}
		if alg == ES256 && one == two {
			t.Error("ES256: the external key signed without randomness")
		}
	}
	local := testSigner(t, ES256)
	first, again := signToken(t, local, benchPayload), signToken(t, local, benchPayload)
	if first != again {
		t.Error("ES256: the local key signed with randomness")
	}
}

func TestSigningFailsOnAnAnswerThatIsNoSignature(t *testing.T) {
	var random io.Reader
	key := testSigner(t, ES256).key
	s, err := NewSigner(ES256, external{Signer: key, public: key.Public(), random: &random, answer: make([]byte, 64)})
	if err != nil {
		t.Fatal(err)
	}
	if token, err := s.AppendCompact(nil, s.Header("at+jwt"), benchPayload); !errors.Is(err, errDER) || token != nil {
		t.Errorf("got %q, %v", token, err)
	}
}

// C-086: 64 bytes whatever r and s are. One in 128 tokens has a leading zero.
func TestES256SignaturesAreAlways64Bytes(t *testing.T) {
	s := testSigner(t, ES256)
	header := s.Header("at+jwt")
	leadingZeros := 0
	for i := range 4000 {
		token := signHeader(t, s, header, strconv.AppendInt(nil, int64(i), 10))
		m, err := Parse(token)
		if err != nil {
			t.Fatal(err)
		}
		if encoded := token[strings.LastIndexByte(token, '.')+1:]; len(encoded) != 86 || len(m.signature) != 64 {
			t.Fatalf("token %d: the signature has %d bytes", i, len(m.signature))
		}
		if err := m.Verify(s.Public()); err != nil {
			t.Fatalf("token %d: %v", i, err)
		}
		if m.signature[0] == 0 || m.signature[32] == 0 {
			leadingZeros++
		}
	}
	if leadingZeros == 0 {
		t.Error("no signature began with a zero: the test shows less than it should")
	}
}

// C-086.
func TestRawSignaturePadsShortIntegers(t *testing.T) {
	zeros := func(n int) string { return strings.Repeat("00", n) }
	full, high := strings.Repeat("7f", 32), strings.Repeat("ff", 32)
	for name, c := range map[string]struct{ der, raw string }{
		"both one byte":         {"3006020101020102", zeros(31) + "01" + zeros(31) + "02"},
		"sign byte, one byte":   {"300802020080020200ff", zeros(31) + "80" + zeros(31) + "ff"},
		"both full":             {"3044" + "0220" + full + "0220" + full, full + full},
		"both full, sign bytes": {"3046" + "022100" + high + "022100" + high, high + high},
		"r short":               {"3025" + "020105" + "0220" + full, zeros(31) + "05" + full},
		"s short":               {"3025" + "0220" + full + "020105", full + zeros(31) + "05"},
		"31 bytes":              {"3042" + "021f" + full[2:] + "021f" + full[2:], "00" + full[2:] + "00" + full[2:]},
		"31 bytes, sign byte":   {"3044" + "022000" + high[2:] + "022000" + high[2:], "00" + high[2:] + "00" + high[2:]},
	} {
		der, err := hex.DecodeString(c.der)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := rawSignature(der)
		if got := hex.EncodeToString(raw); got != c.raw || err != nil {
			t.Errorf("%s: got %s, %v; want %s", name, got, err, c.raw)
		} else if back := hex.EncodeToString(derSignature(raw)); back != c.der {
			t.Errorf("%s: back to %s, want %s", name, back, c.der)
		}
	}
}

func TestRawSignatureRefusesWhatIsNotDER(t *testing.T) {
	full := strings.Repeat("7f", 32)
	for name, text := range map[string]string{
		"nothing":               "",
		"one byte":              "30",
		"empty sequence":        "3000",
		"one integer":           "3003020101",
		"three integers":        "3009020101020102020103",
		"data after":            "300602010102010200",
		"data inside":           "300702010102010200",
		"sequence too short":    "3005020101020102",
		"sequence too long":     "3007020101020102",
		"long form of length":   "308106020101020102",
		"indefinite length":     "30800201010201020000",
		"set":                   "3106020101020102",
		"octet string for r":    "3006040101020102",
		"octet string for s":    "3006020101040102",
		"r without bytes":       "30050200020102",
		"s without bytes":       "30050201010200",
		"r zero":                "3006020100020102",
		"s zero":                "3006020101020100",
		"r negative":            "3006020180020102",
		"s negative":            "30060201010201ff",
		"r with needless zero":  "300702020001020102",
		"s with needless zeros": "30080201010203000001",
		"r of 33 bytes":         "3026" + "022101" + full + "020102",
		"s of 33 bytes":         "3026" + "020101" + "022101" + full,
		"r beyond the end":      "3006027f01020102",
		"r length 255":          "300602ff01020102",
		"s beyond the end":      "3006020101020702",
		"s cut off":             "300502010102",
		"raw":                   full + full,
	} {
		der, err := hex.DecodeString(text)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if raw, err := rawSignature(der); !errors.Is(err, errDER) || raw != nil {
			t.Errorf("%s: got %x, %v", name, raw, err)
		}
	}
}

// whatever a foreign signer returns: what is read as a signature is the DER
// that encoding/asn1 writes of it, and encoding/asn1 reads the same numbers.
func FuzzRawSignature(f *testing.F) {
	f.Add([]byte{0x30, 6, 2, 1, 1, 2, 1, 2})
	f.Add([]byte{0x30, 8, 2, 2, 0, 0x80, 2, 2, 0, 0xff})
	f.Add([]byte{0x30, 6, 2, 1, 0, 2, 1, 1})
	f.Add([]byte{0x30, 6, 2, 1, 0x80, 2, 1, 1})
	f.Add(derSignature(bytes.Repeat([]byte{0xff}, 64)))
	f.Fuzz(func(t *testing.T, der []byte) {
		defer fuzztest.Bound(t)()
		raw, err := rawSignature(der)
		var want struct{ R, S *big.Int }
		rest, asn1Err := asn1.Unmarshal(der, &want)
		fits := asn1Err == nil && len(rest) == 0 && want.R.Sign() > 0 && want.S.Sign() > 0 && want.R.BitLen() <= 256 && want.S.BitLen() <= 256
		if fits { // encoding/asn1 reads lengths and tags that DER does not have
			again, err := asn1.Marshal(want)
			fits = err == nil && bytes.Equal(again, der)
		}
		if (err == nil) != fits {
			t.Fatalf("%x: got %v, encoding/asn1 reads %v, %v", der, err, want, asn1Err)
		}
		if err != nil {
			return
		}
		if len(raw) != 64 || new(big.Int).SetBytes(raw[:32]).Cmp(want.R) != 0 || new(big.Int).SetBytes(raw[32:]).Cmp(want.S) != 0 {
			t.Fatalf("%x is read as %x", der, raw)
		}
	})
}

// The signature itself allocates; around it there is at most the digest and
// the raw form of ES256.
func TestSigningAllocatesLittleAroundTheSignature(t *testing.T) {
	for _, alg := range []Algorithm{ES256, EdDSA} {
		s := testSigner(t, alg)
		header, buffer := s.Header("at+jwt"), make([]byte, 0, MaxTokenSize)
		whole := testing.AllocsPerRun(100, func() {
			if _, err := s.AppendCompact(buffer, header, benchPayload); err != nil {
				t.Error(err)
			}
		})
		digest := make([]byte, 32)
		bare := testing.AllocsPerRun(100, func() {
			if _, err := s.key.Sign(s.random, digest, s.opts); err != nil {
				t.Error(err)
			}
		})
		if whole > bare+3 {
			t.Errorf("%s: %v allocations, of which the signature takes %v", alg, whole, bare)
		}
	}
}
