package verify

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/internal/accesstoken"
	"github.com/tokenwright/tokenwright/internal/fuzztest"
	"github.com/tokenwright/tokenwright/internal/jose"
)

// FuzzVerify takes the text for a token, and then for the payload of one that
// is signed. C-095 to C-108, R-50: what is accepted was signed by the one key,
// and encoding/json reads issuer, audience and times that are ours.
func FuzzVerify(f *testing.F) {
	// The same key in each process of the fuzzer, so that its seeds verify in all.
	key := ed25519.NewKeyFromSeed([]byte("a seed of thirty-two bytes, fine"))
	public := key.Public().(ed25519.PublicKey)
	s := newSigner(f, jose.EdDSA, key)
	v := newVerifier(f, testConfig(s))
	good := signed(f, s)
	for _, seed := range []string{
		good, good + ".", strings.Replace(good, ".", "..", 1), good[:len(good)-1], "..", signed(f, s, "alg", `"none"`), signed(f, s, "kid", `"x"`),
		signed(f, s, "typ", `"application/AT+JWT"`), signed(f, s, "crit", `["x"]`), signToken(f, s, "{}"),
		string(sample.AppendJSON(nil)), payload(f, `"exp":1764003600`, `"exp":1763999999`), payload(f, `"exp":`, `"nbf":1764000001,"exp":`),
		payload(f, `"exp":1764003600`, `"exp":9223372036854775807`), payload(f, `"aud":"`+audience+`"`, `"aud":["`+audience+`"]`),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		defer fuzztest.Bound(t)()
		for _, token := range []string{text, signToken(t, s, text)} {
			c, err := v.Verify(context.Background(), token)
			if (c == nil) == (err == nil) || err != nil && !errors.Is(err, ErrInvalid) {
				t.Fatalf("%q: got %v, %v", token, c, err)
			}
			if err == nil {
				checkAccepted(t, token, public, c)
			}
		}
	})
}

// checkAccepted judges an accepted token anew, with the standard library.
func checkAccepted(t *testing.T, token string, public ed25519.PublicKey, c *accesstoken.Claims) {
	t.Helper()
	message, text, _ := cutLast(token)
	signature, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || !ed25519.Verify(public, []byte(message), signature) {
		t.Fatalf("%q is not signed, but accepted", token)
	}
	_, encoded, _ := strings.Cut(message, ".")
	decoded, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil {
		t.Fatal(err)
	}
	var members map[string]json.RawMessage // names with their case, unlike in a struct
	if err := json.Unmarshal(decoded, &members); err != nil {
		t.Fatal(err)
	}
	var iss, aud string
	var iat, nbf, exp int64
	if _, found := members["nbf"]; !found {
		members["nbf"] = json.RawMessage("0")
	}
	err = errors.Join(json.Unmarshal(members["iss"], &iss), json.Unmarshal(members["aud"], &aud),
		json.Unmarshal(members["iat"], &iat), json.Unmarshal(members["nbf"], &nbf), json.Unmarshal(members["exp"], &exp))
	if err != nil || iss != issuer || aud != audience || iss != c.Issuer || aud != c.Audience {
		t.Fatalf("%s is accepted as %+v (%v)", decoded, c, err)
	}
	if unix := now.Unix(); exp <= unix-60 || nbf > unix+60 || iat > unix+60 {
		t.Fatalf("%s is accepted, out of its time", decoded)
	}
}
