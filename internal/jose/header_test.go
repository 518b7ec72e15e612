package jose

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/internal/fuzztest"
)

// FuzzHeader fuzzes the JSON of a header, which FuzzParse hardly reaches
// through base64. C-095 to C-105, R-50: what is accepted encoding/json reads
// alike, with nothing in it that a header may not hold; the signature below it
// then verifies as the one of the key that the header names.
func FuzzHeader(f *testing.F) {
	s := testSigner(f, EdDSA)
	const plain = `{"alg":"EdDSA","kid":"KID","typ":"at+jwt"}`
	for _, seed := range []string{
		plain, " \n" + plain + "\t", `{"typ":"JWT","alg":"Ed25519","kid":"KID","x":{"crit":[1.5e3]}}`, `{"alg":"none","kid":"KID","typ":"at+jwt"}`,
		`{"\u0061lg":"ES256","kid":"KI\u0044","typ":"a\ud83d\ude00"}`, `{"alg":"RS256","kid":"x","typ":"at+jwt","Crit":null}`, `{"alg":"PS256","kid":"a b","typ":"x"}`,
		strings.Replace(plain, "}", `,"alg":"none"}`, 1), strings.Replace(plain, "}", `,"ALG":"none"}`, 1), plain + "{}", "[" + plain + "]", `{"alg":["EdDSA"],"kid":1,"typ":null}`,
	} {
		f.Add(seed)
	}
	for _, name := range []string{"crit", "b64", "zip", "enc", "cty", "jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256"} {
		f.Add(strings.Replace(plain, "}", `,"`+name+`":"x"}`, 1))
	}
	f.Fuzz(func(t *testing.T, header string) {
		defer fuzztest.Bound(t)()
		header = strings.ReplaceAll(header, "KID", s.KeyID())
		encoded := encode(header)
		m, err := Parse(encoded + ".e30.AA")
		if err != nil {
			if m != nil || !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrAlgorithm) {
				t.Fatalf("refused with %v, %v", m, err)
			}
			return
		}
		var members map[string]any
		if err := json.Unmarshal([]byte(header), &members); err != nil {
			t.Fatalf("accepted %q, which encoding/json does not: %v", header, err)
		}
		alg := members["alg"]
		if alg == "Ed25519" {
			alg = "EdDSA"
		}
		if alg != string(m.Algorithm) || members["kid"] != m.KeyID || members["typ"] != m.Type || len(encoded) > maxHeaderSize {
			t.Fatalf("%q is read as %+v", header, m)
		}
		if !slices.Contains(algorithms, m.Algorithm) || m.Type == "" || m.KeyID == "" || len(m.KeyID) > 128 {
			t.Fatalf("%q is accepted", header)
		}
		for _, name := range []string{"crit", "b64", "zip", "enc", "cty", "jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256"} {
			if _, found := members[name]; found {
				t.Fatalf("%q is accepted, with %s", header, name)
			}
		}
		ours := m.Algorithm == EdDSA && m.KeyID == s.KeyID()
		if err := accept(signHeader(t, s, encoded, []byte("{}")), s.Public()); (err == nil) != ours {
			t.Fatalf("%q, signed by %s, with EdDSA: %v", header, s.KeyID(), err)
		}
	})
}
