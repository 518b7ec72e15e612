package jose

import (
	"bytes"
	"crypto"
	"encoding/base64"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
)

var algorithms = []Algorithm{ES256, RS256, PS256, EdDSA}

// Keys are made once for a run: RSA keys take long.
var testKeys = func() map[Algorithm]func() (crypto.Signer, error) {
	once := func(alg Algorithm) func() (crypto.Signer, error) {
		return sync.OnceValues(func() (crypto.Signer, error) { return GenerateKey(alg, 0) })
	}
	rsa := once(RS256)
	return map[Algorithm]func() (crypto.Signer, error){ES256: once(ES256), RS256: rsa, PS256: rsa, EdDSA: once(EdDSA)}
}()

// testSigner returns the same signer for alg throughout a run.
func testSigner(t testing.TB, alg Algorithm) *Signer {
	t.Helper()
	key, err := testKeys[alg]()
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewSigner(alg, key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// newTestSigner returns a signer with a key of its own.
func newTestSigner(t testing.TB, alg Algorithm) *Signer {
	t.Helper()
	key, err := GenerateKey(alg, 0)
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewSigner(alg, key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func signToken(t testing.TB, s *Signer, payload []byte) string {
	t.Helper()
	return signHeader(t, s, s.Header("at+jwt"), payload)
}

// signHeader signs properly below any header, so that only the header is at fault.
func signHeader(t testing.TB, s *Signer, header string, payload []byte) string {
	t.Helper()
	token, err := s.AppendCompact(nil, header, payload)
	if err != nil {
		t.Fatal(err)
	}
	return string(token)
}

func encode(text string) string { return string(AppendBase64(nil, []byte(text))) }

func decode(t testing.TB, text string) []byte {
	t.Helper()
	data, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// accept is what a verifier that trusts one key does.
func accept(token string, key *Key) error {
	m, err := Parse(token)
	if err != nil {
		return err
	}
	return m.Verify(key)
}

func TestParseAlgorithmTakesExactNamesOnly(t *testing.T) {
	for name, want := range map[string]Algorithm{
		"ES256": ES256, "RS256": RS256, "PS256": PS256, "EdDSA": EdDSA,
		"Ed25519": EdDSA, // C-088, RFC 9864
	} {
		if got, err := ParseAlgorithm(name); got != want || err != nil {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
	for _, name := range []string{"", "none", "None", "nOnE", "es256", "ES256 ", "ES256\x00", "ES384", "ES512", "ES256K",
		"RS384", "RS512", "PS384", "PS512", "HS256", "HS384", "HS512", "Ed448", "EDDSA", "ed25519", "ML-DSA-44"} {
		if got, err := ParseAlgorithm(name); got != "" || !errors.Is(err, ErrAlgorithm) {
			t.Errorf("%q: got %q, %v", name, got, err)
		}
	}
}

// C-103.
func TestDecodeBase64AcceptsOneSpelling(t *testing.T) {
	for name, text := range map[string]string{
		"padding":             "YQ==",
		"half the padding":    "YQ=",
		"plus":                "-_-+",
		"slash":               "-_-/",
		"space before":        " YWJj",
		"space inside":        "YW Jj",
		"tab after":           "YWJj\t",
		"line feed inside":    "YW\nJj",
		"line feed after":     "YWJj\n",
		"carriage return":     "YW\rJj",
		"CR LF":               "YWJj\r\n",
		"NUL":                 "YWJj\x00",
		"one character":       "Y",
		"five characters":     "YWJjY",
		"trailing bits of 4":  "YR",
		"trailing bits of 2":  "YWJ",
		"not ASCII":           "YWJé",
		"full width":          "ＹＷ",
		"dot":                 "YWJj.",
		"only padding":        "====",
		"padding in between":  "YQ==YQ==",
		"bad UTF-8":           "YWJj\xff\xff\xff\xff",
		"line feed only":      "\n",
		"line feed before":    "\nYWJj",
		"CR before":           "\rYWJj",
		"percent encoding":    "YWJj%0A",
		"unicode line breaks": "YWJj\u2028",
	} {
		if data, err := DecodeBase64(text); !errors.Is(err, ErrMalformed) || data != nil {
			t.Errorf("%s: got %q, %v", name, data, err)
		}
	}
	if data, err := DecodeBase64(""); err != nil || len(data) != 0 {
		t.Errorf("empty text: got %q, %v", data, err)
	}
}

// Of the 64 last characters that a text may have, those are accepted that the
// encoder writes: 1 in 16 after one byte, 1 in 4 after two, all after three.
func TestDecodeBase64RefusesTrailingBitsThatAreNotZero(t *testing.T) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for prefix, want := range map[string]int{"Q": 4, "QU": 16, "QUE": 64} {
		accepted := 0
		for _, last := range alphabet {
			text := prefix + string(last)
			data, err := DecodeBase64(text)
			if err != nil {
				continue
			}
			accepted++
			if again := string(AppendBase64(nil, data)); again != text {
				t.Errorf("%s decodes, but is written %s", text, again)
			}
		}
		if accepted != want {
			t.Errorf("%d last characters accepted after %s, want %d", accepted, prefix, want)
		}
	}
}

func TestBase64RoundTrip(t *testing.T) {
	for n := range 200 {
		data := make([]byte, n)
		for i := range data {
			data[i] = byte(rand.Uint32())
		}
		text := string(AppendBase64([]byte("kept."), data))
		if !strings.HasPrefix(text, "kept.") {
			t.Fatalf("AppendBase64 does not append: %s", text)
		}
		got, err := DecodeBase64(text[5:])
		if err != nil || !bytes.Equal(got, data) {
			t.Fatalf("%d bytes: got %x, %v; want %x", n, got, err, data)
		}
	}
}
