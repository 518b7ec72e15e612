package jose

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/internal/fuzztest"
	"github.com/tokenwright/tokenwright/internal/strictjson"
)

func parseJWK(t testing.TB, text string) (*Key, error) {
	t.Helper()
	object, err := strictjson.ParseObject(text)
	if err != nil {
		t.Fatal(err)
	}
	return ParseJWK(object)
}

// C-179.
func TestPublishedKeySetIsReadBackAndVerifies(t *testing.T) {
	var keys []*Key
	for _, alg := range []Algorithm{ES256, RS256, EdDSA} {
		keys = append(keys, testSigner(t, alg).Public())
	}
	text := MarshalJWKS(keys)
	var set struct{ Keys []map[string]any }
	if err := json.Unmarshal(text, &set); err != nil {
		t.Fatal(err)
	}
	want := [][]string{
		{"alg", "crv", "kid", "kty", "use", "x", "y"},
		{"alg", "e", "kid", "kty", "n", "use"},
		{"alg", "crv", "kid", "kty", "use", "x"},
	}
	for i, jwk := range set.Keys {
		var names []string
		for name := range jwk {
			names = append(names, name)
		}
		slices.Sort(names)
		if !slices.Equal(names, want[i]) || jwk["use"] != "sig" || jwk["alg"] != string(keys[i].alg) || jwk["kid"] != keys[i].kid {
			t.Errorf("key %d: %v", i, jwk)
		}
	}
	got, err := ParseJWKS(text)
	if err != nil || len(got) != len(keys) {
		t.Fatalf("got %d keys, %v", len(got), err)
	}
	if again := MarshalJWKS(got); !bytes.Equal(again, text) {
		t.Errorf("read and written again: %s, was %s", again, text)
	}
	for _, key := range got {
		if err := accept(signToken(t, testSigner(t, key.Algorithm()), benchPayload), key); err != nil {
			t.Errorf("%s: %v", key.Algorithm(), err)
		}
	}
	if text := string(MarshalJWKS(nil)); text != `{"keys":[]}` {
		t.Errorf("no keys: %s", text)
	}
}

// C-179, RFC 7518 6.2.1.2: a coordinate keeps its leading zeros.
func TestCoordinatesAlwaysHave32Bytes(t *testing.T) {
	for {
		s := newTestSigner(t, ES256)
		point, err := s.Public().public.(*ecdsa.PublicKey).Bytes()
		if err != nil {
			t.Fatal(err)
		}
		if point[1] != 0 && point[33] != 0 {
			continue
		}
		var jwk map[string]string
		text := s.Public().AppendJWK(nil)
		if err := json.Unmarshal(text, &jwk); err != nil {
			t.Fatal(err)
		}
		if len(decode(t, jwk["x"])) != 32 || len(decode(t, jwk["y"])) != 32 {
			t.Errorf("coordinates cut: %s", text)
		}
		if key, err := parseJWK(t, string(text)); err != nil || key.Thumbprint() != s.KeyID() {
			t.Errorf("got %v, %v", key, err)
		}
		return
	}
}

func TestPEMHoldsTheSameKey(t *testing.T) {
	for _, alg := range algorithms {
		key := testSigner(t, alg).Public()
		text, err := key.PEM()
		if err != nil {
			t.Fatal(err)
		}
		block, rest := pem.Decode(text)
		if block == nil || block.Type != "PUBLIC KEY" || len(rest) > 0 {
			t.Fatalf("%s: %s", alg, text)
		}
		public, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := newKey(alg, "", public); err != nil || again.Thumbprint() != key.Thumbprint() {
			t.Errorf("%s: another key came back, %v", alg, err)
		}
	}
}

// members returns the JWK of alg, to be altered.
func members(t testing.TB, alg Algorithm) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(testSigner(t, alg).Public().AppendJWK(nil), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

type alteration struct {
	alg   Algorithm
	name  string
	value any // nil removes the member
}

func (a alteration) apply(t testing.TB) string {
	m := members(t, a.alg)
	if a.value == nil {
		delete(m, a.name)
	} else {
		m[a.name] = a.value
	}
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// C-179; C-088: Ed25519 only.
func TestParseJWKRefusesMalformedKeys(t *testing.T) {
	ec, edX := members(t, ES256), members(t, EdDSA)["x"]
	x, y := decode(t, ec["x"].(string)), decode(t, ec["y"].(string))
	n := testSigner(t, RS256).Public().public.(*rsa.PublicKey).N
	b64 := func(data ...byte) string { return string(AppendBase64(nil, data)) }
	offCurve := bytes.Clone(y)
	offCurve[31] ^= 1
	alterations := []alteration{
		{ES256, "kty", nil}, {ES256, "kty", ""}, {ES256, "kty", 1}, {ES256, "kty", []string{"EC"}},
		{ES256, "crv", nil}, {ES256, "crv", ""}, {ES256, "crv", 256}, {EdDSA, "crv", nil},
		{ES256, "alg", nil}, {ES256, "alg", ""}, {ES256, "alg", []string{"ES256"}}, {RS256, "alg", nil}, {EdDSA, "alg", nil},
		{ES256, "alg", "RS256"}, {ES256, "alg", "EdDSA"}, {RS256, "alg", "ES256"}, {RS256, "alg", "EdDSA"}, {EdDSA, "alg", "ES256"},
		{ES256, "kid", nil}, {ES256, "kid", ""}, {ES256, "kid", 7}, {ES256, "kid", "a b"}, {ES256, "kid", "a\"b"}, {ES256, "kid", "é"},
		{ES256, "kid", strings.Repeat("a", 129)}, {ES256, "kid", "a\x00"},
		{ES256, "use", ""}, {ES256, "use", 1}, {ES256, "use", []string{"sig"}},
		{ES256, "x", nil}, {ES256, "y", nil}, {ES256, "x", ""}, {ES256, "x", 5},
		{ES256, "x", b64(x[1:]...)}, {ES256, "y", b64(y[1:]...)}, {ES256, "x", b64(append([]byte{0}, x...)...)},
		{ES256, "y", b64(append(bytes.Clone(y), 0)...)}, {ES256, "x", ec["x"].(string) + "="}, {ES256, "x", ec["x"].(string) + "\n"},
		{ES256, "y", b64(offCurve...)}, {ES256, "x", b64(make([]byte, 32)...)}, {ES256, "x", b64(bytes.Repeat([]byte{0xff}, 32)...)},
		{EdDSA, "x", nil}, {EdDSA, "x", b64(make([]byte, 31)...)}, {EdDSA, "x", b64(make([]byte, 33)...)}, {EdDSA, "x", edX.(string) + "="},
		{RS256, "n", nil}, {RS256, "e", nil}, {RS256, "n", ""}, {RS256, "n", "AAAA"}, {RS256, "n", "!"},
		{RS256, "n", b64(append([]byte{0}, n.Bytes()...)...)},
		{RS256, "n", b64(n.Bytes()[:128]...)}, {RS256, "n", b64(new(big.Int).Rsh(n, 1).Bytes()...)},
		{RS256, "n", b64(new(big.Int).Sub(n, big.NewInt(1)).Bytes()...)},
		{RS256, "n", b64(bytes.Repeat([]byte{0xff}, 1025)...)}, {RS256, "n", b64(bytes.Repeat([]byte{0xff}, 4096)...)},
		{RS256, "e", b64(0, 1, 0, 1)}, {RS256, "e", b64(0)}, {RS256, "e", b64(1)}, {RS256, "e", b64(2)}, {RS256, "e", b64(1, 0, 0)},
		{RS256, "e", b64(0x80, 0, 0, 1)}, {RS256, "e", b64(1, 0, 0, 0, 0, 0, 0, 0, 3)}, {RS256, "e", 65537},
		{RS256, "e", b64(1, 0, 0, 0, 1)},
	}
	for _, private := range privateMembers {
		for _, alg := range []Algorithm{ES256, RS256, EdDSA} {
			alterations = append(alterations, alteration{alg, private, "AAAA"}, alteration{alg, private, 0})
		}
	}
	for _, a := range alterations {
		text := a.apply(t)
		if key, err := parseJWK(t, text); !errors.Is(err, ErrMalformed) || key != nil {
			t.Errorf("%s with %s = %v: got %v, %v", a.alg, a.name, a.value, key, err)
		}
		if _, err := ParseJWKS([]byte(`{"keys":[` + text + `]}`)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s with %s = %v does not spoil its set: %v", a.alg, a.name, a.value, err)
		}
	}
}

// C-097, RFC 7517 4.2, 4.3, 5.
func TestParseJWKSSkipsKeysThatAreNotForUs(t *testing.T) {
	var set []string
	for _, a := range []alteration{
		{ES256, "kty", "oct"}, {ES256, "kty", "AKP"}, {ES256, "kty", "ec"},
		{ES256, "crv", "P-384"}, {ES256, "crv", "secp256k1"}, {ES256, "crv", "p-256"},
		{EdDSA, "crv", "Ed448"}, {EdDSA, "crv", "X25519"}, // C-088
		{ES256, "alg", "ES384"}, {ES256, "alg", "ECDH-ES"}, {RS256, "alg", "RS512"}, {RS256, "alg", "RSA-OAEP"}, {EdDSA, "alg", "Ed448"},
		{ES256, "use", "enc"}, {ES256, "use", "SIG"}, {RS256, "use", "enc"},
		{ES256, "key_ops", []string{}}, {ES256, "key_ops", []string{"sign"}}, {ES256, "key_ops", []string{"encrypt", "wrapKey"}},
		{ES256, "key_ops", "verify"}, {ES256, "key_ops", []any{1, nil}}, {ES256, "key_ops", []any{"verify", 1}},
	} {
		text := a.apply(t)
		if key, err := parseJWK(t, text); !errors.Is(err, ErrAlgorithm) || key != nil {
			t.Errorf("%s with %s = %v: got %v, %v", a.alg, a.name, a.value, key, err)
		}
		set = append(set, text)
	}
	good := string(testSigner(t, ES256).Public().AppendJWK(nil))
	keys, err := ParseJWKS([]byte(`{"keys":[` + strings.Join(append(set, good), ",") + `],"other":1}`))
	if err != nil || len(keys) != 1 || keys[0].KeyID() != testSigner(t, ES256).KeyID() {
		t.Errorf("got %v, %v", keys, err)
	}
}

func TestParseJWKTakesOptionalMembersAndBothNamesOfEd25519(t *testing.T) {
	for _, a := range []alteration{
		{ES256, "use", nil}, {ES256, "key_ops", []string{"verify"}}, {RS256, "key_ops", []string{"sign", "verify"}},
		{ES256, "x5t", "ignored"}, {ES256, "kid", strings.Repeat("~", 128)}, {EdDSA, "alg", "Ed25519"}, {RS256, "alg", "PS256"},
		{RS256, "e", "Aw"}, {RS256, "e", "f____w"}, {RS256, "n", strings.Repeat("_", 1365) + "w"}, // 8192 bits
	} {
		if _, err := parseJWK(t, a.apply(t)); err != nil {
			t.Errorf("%s with %s = %v: %v", a.alg, a.name, a.value, err)
		}
	}
}

func TestParseJWKSRefusesMalformedSets(t *testing.T) {
	good := string(testSigner(t, ES256).Public().AppendJWK(nil))
	many := func(n int) string {
		var set []string
		for i := range n {
			set = append(set, strings.Replace(good, `"kid":"`, `"kid":"`+strconv.Itoa(i), 1))
		}
		return `{"keys":[` + strings.Join(set, ",") + `]}`
	}
	for name, text := range map[string]string{
		"nothing":           "",
		"null":              "null",
		"array":             "[" + good + "]",
		"one key":           good,
		"no keys":           `{}`,
		"keys null":         `{"keys":null}`,
		"keys an object":    `{"keys":{}}`,
		"keys in capitals":  `{"KEYS":[` + good + `]}`,
		"keys twice":        `{"keys":[],"keys":[` + good + `]}`,
		"key a string":      `{"keys":["` + testSigner(t, ES256).KeyID() + `"]}`,
		"key null":          `{"keys":[` + good + `,null]}`,
		"key empty":         `{"keys":[{}]}`,
		"kid repeated":      `{"keys":[` + good + `,` + good + `]}`,
		"member repeated":   `{"keys":[` + strings.Replace(good, `{`, `{"alg":"RS256",`, 1) + `]}`,
		"private, skipped":  `{"keys":[{"kty":"oct","k":"AAAA","kid":"a","alg":"HS256"}]}`,
		"data after":        `{"keys":[` + good + `]}x`,
		"101 keys":          many(101),
		"more than 64 KiB":  `{"keys":[` + good + `]` + strings.Repeat(" ", 64<<10) + `}`,
		"far too many keys": `{"keys":[` + strings.Repeat("{},", 10_000) + `{}]}`,
		"PEM":               "-----BEGIN PUBLIC KEY-----",
	} {
		if keys, err := ParseJWKS([]byte(text)); !errors.Is(err, ErrMalformed) || keys != nil {
			t.Errorf("%s: got %d keys, %v", name, len(keys), err)
		}
	}
	if keys, err := ParseJWKS([]byte(many(100))); err != nil || len(keys) != 100 {
		t.Errorf("100 keys: got %d, %v", len(keys), err)
	}
	longest := `{"keys":[` + good + `]}`
	longest += strings.Repeat(" ", 64<<10-len(longest))
	if keys, err := ParseJWKS([]byte(longest)); err != nil || len(keys) != 1 {
		t.Errorf("64 KiB: got %d, %v", len(keys), err)
	}
	if keys, err := ParseJWKS([]byte(longest + " ")); !errors.Is(err, ErrMalformed) || keys != nil {
		t.Errorf("64 KiB and a byte: got %d, %v", len(keys), err)
	}
	if keys, err := ParseJWKS([]byte(`{"keys":[]}`)); err != nil || len(keys) != 0 {
		t.Errorf("no keys: got %v, %v", keys, err)
	}
}

// C-097: for each of these keys a signature that nobody made verifies with
// crypto/ed25519, for some message: S = 0, and R a point of small order too.
func TestEd25519KeysThatAnybodyCanSignForAreRefused(t *testing.T) {
	const one, y8, other8 = "01", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"
	last := strings.Repeat("f", 60) + "7f"
	for _, y := range []string{"00", one, y8, other8, "ec" + last, "ed" + last, "ee" + last} {
		for _, sign := range []byte{0, 0x80} {
			key := make([]byte, 32)
			if _, err := hex.Decode(key, []byte(y)); err != nil {
				t.Fatal(err)
			}
			key[31] |= sign
			signature := make([]byte, 64)
			signature[0] = 1 // R is the neutral point
			forged := slices.ContainsFunc(make([]int, 200), func(int) bool {
				return ed25519.Verify(key, []byte(rand.Text()), signature)
			})
			if !forged {
				t.Errorf("%x: no signature is forged, so nothing is wrong with the key", key)
			}
			set := `{"keys":[{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","kid":"a","x":"` + string(AppendBase64(nil, key)) + `"}]}`
			if keys, err := ParseJWKS([]byte(set)); !errors.Is(err, ErrMalformed) {
				t.Errorf("%x: got %v, %v", key, keys, err)
			}
		}
	}
}

// privateMembers of RFC 7518 6 and RFC 9964.
var privateMembers = []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"}

// a set that is accepted is written in one way, which is accepted again.
// Each key stands among the JWKs that encoding/json reads, number for number,
// and none of these holds a private member.
func FuzzParseJWKS(f *testing.F) {
	for _, alg := range algorithms {
		f.Add(MarshalJWKS([]*Key{testSigner(f, alg).Public()}))
	}
	for _, jwk := range []string{
		`{"kty":"oct","kid":"a","alg":"HS256"}`, `{"kty":"RSA","n":"` + rfc7638N + `","e":"AQAB","alg":"RS256","kid":"2011-04-29"}`,
		`{"kty":"EC","crv":"P-256","x":"` + rfc7515ES256X + `","y":"` + rfc7515ES256Y + `","alg":"ES256","kid":"1","key_ops":["verify"]}`,
		`{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","alg":"Ed25519","kid":"~","use":"sig","d":null}`,
	} {
		f.Add([]byte(`{"keys":[` + jwk + `]}`))
	}
	for _, private := range privateMembers {
		f.Add(bytes.Replace(MarshalJWKS([]*Key{testSigner(f, ES256).Public()}), []byte("}"), []byte(`,"`+private+`":""}`), 1))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		defer fuzztest.Bound(t)()
		keys, err := ParseJWKS(data)
		if err != nil {
			if keys != nil || !errors.Is(err, ErrMalformed) {
				t.Fatalf("refused with %v, %v", keys, err)
			}
			return
		}
		written := MarshalJWKS(keys)
		again, err := ParseJWKS(written)
		if err != nil || !bytes.Equal(MarshalJWKS(again), written) {
			t.Fatalf("written as %s, which gives %v", written, err)
		}
		var sent, got struct {
			Keys []map[string]any `json:"keys"`
		}
		if err := errors.Join(json.Unmarshal(data, &sent), json.Unmarshal(written, &got)); err != nil || len(sent.Keys) < len(keys) || len(keys) > 100 {
			t.Fatalf("%d keys, encoding/json reads %d: %v", len(keys), len(sent.Keys), err)
		}
		kids := map[string]bool{}
		for i, jwk := range got.Keys {
			delete(jwk, "use") // which we add
			if kids[keys[i].KeyID()] || !slices.ContainsFunc(sent.Keys, func(s map[string]any) bool { return holds(s, jwk) }) {
				t.Fatalf("%v is not in %s, or stands twice", jwk, data)
			}
			kids[keys[i].KeyID()] = true
			if _, err := keys[i].PEM(); err != nil {
				t.Fatal(err)
			}
		}
		for _, jwk := range sent.Keys {
			for _, private := range privateMembers {
				if _, found := jwk[private]; found {
					t.Fatalf("accepted with %s", private)
				}
			}
		}
	})
}

// holds tells whether the JWK has all members of the other.
func holds(jwk, members map[string]any) bool {
	for name, value := range members {
		if jwk[name] != value && !(value == "EdDSA" && jwk[name] == "Ed25519") {
			return false
		}
	}
	return true
}
