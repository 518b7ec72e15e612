package differential

import (
	"bytes"
	"encoding/json"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/internal/fuzztest"
	"github.com/tokenwright/tokenwright/internal/jose"
)

// FuzzTokenDifferential signs any header and payload, then changes the token:
// from at on, cut bytes give way to insert. KID stands for the kid of the key.
// what ours accepts the others accept, and read alike. R-52: and it is
// the token that was signed.
func FuzzTokenDifferential(f *testing.F) {
	is := newIssuer(f)
	readers := newReaders(f, is.keys)
	for n, alg := range algorithms {
		header := `{"alg":"` + string(alg) + `","kid":"KID","typ":"at+jwt"}`
		for _, h := range []string{header, " " + header, `{"x":[{"crit":1.5}],` + header[1:], strings.Replace(header, "a", `\u0061`, 2),
			`{"nonce":1,` + header[1:], `{"crit":[],` + header[1:], strings.Replace(header, "EdDSA", "Ed25519", 1)} {
			f.Add(byte(n), h, payload, uint16(0), byte(0), "")
		}
		for at, insert := range []string{"\n", "=", ".", "A", "+", " "} {
			f.Add(byte(n), header, `{"sub":"a"}`, uint16(40*at), byte(at%2), insert)
			f.Add(byte(n), header, `{"sub":"a"}`, uint16(1<<15), byte(0), insert) // at the end
		}
		f.Add(byte(n), header, "\xff", uint16(0), byte(0), "")
	}
	f.Fuzz(func(t *testing.T, n byte, header, payload string, at uint16, cut byte, insert string) {
		defer fuzztest.Bound(t)()
		alg := algorithms[int(n)%len(algorithms)]
		header = strings.ReplaceAll(header, "KID", is.signers[alg].KeyID())
		// What no signature can save is not worth one: those of RSA take long.
		if _, err := jose.Parse(encode([]byte(header)) + "." + encode([]byte(payload)) + ".AA"); err != nil {
			return
		}
		signed := is.sign(t, alg, header, payload)
		start := min(int(at), len(signed))
		token := signed[:start] + insert + signed[min(start+int(cut), len(signed)):]
		want, err := readers[0].read(token)
		if err != nil {
			return
		}
		if token != signed || want.payload != payload {
			t.Fatalf("%q is accepted as %+v; signed was %q", token, want, signed)
		}
		for _, r := range readers[1:] {
			got, err := r.read(token)
			if got.alg == "Ed25519" {
				got.alg = "EdDSA"
			}
			if err != nil && !excusedToken(r.name, header, payload) || err == nil && got != want {
				t.Fatalf("%s reads %+v, %v; ours %+v out of %q.%q", r.name, got, err, want, header, payload)
			}
		}
	})
}

// excusedToken tells whether the library may refuse what ours accepts: the list
// is widerTokens.
func excusedToken(name, header, payload string) bool {
	var members map[string]any
	_ = json.Unmarshal([]byte(header), &members)
	switch name {
	case "go-jose":
		_, text := members["nonce"].(string)
		return members["nonce"] != nil && !text || members["alg"] == "Ed25519"
	case "golang-jwt":
		var claims map[string]any
		return json.Unmarshal([]byte(payload), &claims) != nil || members["alg"] == "Ed25519"
	}
	return strings.Trim(header, " \t\r\n") != header // jwx
}

// every key that ours reads out of a set the others read out of its JWK; and
// where ours reads all of a set, so do they.
func FuzzJWKSDifferential(f *testing.F) {
	const (
		rsa = `{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMs` +
			`tn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbI` +
			`SD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"a"}` // RFC 7638 3.1
		ec = `{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","alg":"ES256","kid":"b"}` // RFC 7515 A.3
		ed = `{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","alg":"EdDSA","kid":"c","use":"sig","key_ops":["verify"]}`               // RFC 8037 A.2
	)
	for _, jwk := range []string{rsa, ec, ed} {
		f.Add(set(jwk))
		f.Add(set(`{"kty":"X","kid":"x"}`, jwk))
		f.Add(set(strings.Replace(jwk, "}", `,"x-y":{"a":[1.5,null]},"use":"sig"}`, 1)))
	}
	f.Add(set(rsa, ec, ed))
	f.Add(set(strings.Replace(rsa, "RS256", "PS256", 1), strings.Replace(ed, "EdDSA", "Ed25519", 1)))
	f.Fuzz(func(t *testing.T, data string) {
		defer fuzztest.Bound(t)()
		ours, err := ourKeys([]byte(data))
		if err != nil || len(ours) == 0 {
			return
		}
		var raw struct {
			Keys []json.RawMessage `json:"keys"`
		}
		must(t, json.Unmarshal([]byte(data), &raw))
		for _, r := range setReaders[1:] {
			excused := len(raw.Keys) != len(ours)
			for _, jwk := range raw.Keys {
				alone := []byte(set(string(jwk)))
				want, err := ourKeys(alone)
				if err != nil {
					t.Fatalf("%s alone is refused: %v", jwk, err)
				}
				if len(want) == 0 || excusedKey(r.name, jwk) {
					excused = true
					continue
				}
				if got, err := r.read(alone); err != nil || !slices.Equal(got, want) || !slices.Contains(ours, want[0]) {
					t.Fatalf("%s reads %v, %v; ours %v out of %s", r.name, got, err, want, jwk)
				}
			}
			if got, err := r.read([]byte(data)); !excused && (err != nil || !slices.Equal(got, ours)) {
				t.Fatalf("%s reads %v, %v; ours %v out of %s", r.name, got, err, ours, data)
			}
		}
	})
}

// excusedKey tells whether the library may refuse a JWK that ours reads: the
// list is widerSets. Members that belong to other types of key, or to
// certificates, are not looked at by ours.
func excusedKey(name string, jwk []byte) bool {
	var members map[string]any
	if json.Unmarshal(jwk, &members) != nil {
		return false
	}
	foreign := []string{"x5c", "x5t", "x5u", "x5t#S256", "pub"}
	switch members["kty"] {
	case "EC":
		foreign = append(foreign, "n", "e")
	case "OKP":
		foreign = append(foreign, "n", "e", "y")
	case "RSA":
		foreign = append(foreign, "crv", "x", "y")
		n, _ := members["n"].(string)
		data, _ := jose.DecodeBase64(n)
		if name == "go-jose" && new(big.Int).SetBytes(data).BitLen() > 4096 {
			return true
		}
	}
	return slices.ContainsFunc(foreign, func(member string) bool {
		return bytes.Contains(bytes.ToLower(jwk), []byte(`"`+strings.ToLower(member)+`"`))
	})
}
