package differential

import (
	"crypto"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"

	gojose "github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"
	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jws"

	"github.com/tokenwright/tokenwright/internal/jose"
)

// writer makes tokens of typ at+jwt with one key.
type writer func(alg jose.Algorithm, key crypto.Signer, kid string, payload []byte) (string, error)

var writers = map[string]writer{
	"ours": func(alg jose.Algorithm, key crypto.Signer, _ string, payload []byte) (string, error) {
		signer, err := jose.NewSigner(alg, key)
		if err != nil {
			return "", err
		}
		token, err := signer.AppendCompact(nil, signer.Header("at+jwt"), payload)
		return string(token), err
	},
	"go-jose": func(alg jose.Algorithm, key crypto.Signer, kid string, payload []byte) (string, error) {
		signingKey := gojose.SigningKey{Algorithm: gojose.SignatureAlgorithm(alg), Key: gojose.JSONWebKey{Key: key, KeyID: kid}}
		signer, err := gojose.NewSigner(signingKey, new(gojose.SignerOptions).WithType("at+jwt"))
		if err != nil {
			return "", err
		}
		m, err := signer.Sign(payload)
		if err != nil {
			return "", err
		}
		return m.CompactSerialize()
	},
	"golang-jwt": func(alg jose.Algorithm, key crypto.Signer, kid string, payload []byte) (string, error) {
		var claims jwt.MapClaims
		if err := json.Unmarshal(payload, &claims); err != nil {
			return "", err
		}
		token := jwt.NewWithClaims(jwt.GetSigningMethod(string(alg)), claims)
		token.Header["kid"], token.Header["typ"] = kid, "at+jwt"
		return token.SignedString(key)
	},
	"jwx": func(alg jose.Algorithm, key crypto.Signer, kid string, payload []byte) (string, error) {
		header := jws.NewHeaders()
		if err := header.Set(jws.KeyIDKey, kid); err != nil {
			return "", err
		}
		if err := header.Set(jws.TypeKey, "at+jwt"); err != nil {
			return "", err
		}
		name, _ := jwa.LookupSignatureAlgorithm(string(alg))
		token, err := jws.Sign(payload, jws.WithKey(name, key, jws.WithProtectedHeaders(header)))
		return string(token), err
	},
}

// what each makes, each accepts. C-086: among so many ES256 signatures
// are some whose r or s begins with zero.
func TestTokensOfEachAreAcceptedByAll(t *testing.T) {
	is := newIssuer(t)
	readers := newReaders(t, is.keys)
	for _, alg := range algorithms {
		n := 20
		if alg == jose.ES256 {
			n = 600
		}
		short := 0
		for name, write := range writers {
			for i := range n {
				want := message{string(alg), is.signers[alg].KeyID(), "at+jwt", `{"n":` + strconv.Itoa(i) + "}"}
				token, err := write(alg, is.private[alg], want.kid, []byte(want.payload))
				must(t, err)
				for _, r := range readers {
					if got, err := r.read(token); err != nil || got != want {
						t.Errorf("%s by %s reads as %+v by %s: %v", alg, name, got, r.name, err)
					}
				}
				signature := decode(t, token[strings.LastIndexByte(token, '.')+1:])
				if signature[0] == 0 || signature[len(signature)/2] == 0 {
					short++
				}
			}
		}
		if alg == jose.ES256 && short == 0 {
			t.Error("no signature with a zero in front")
		}
	}
}

// each reads the key sets of each, with equal kid, alg and thumbprint
// (RFC 7638).
func TestKeySetsOfEachAreReadByAll(t *testing.T) {
	is := newIssuer(t)
	keys, private := slices.Clone(is.keys), []crypto.Signer{}
	for _, alg := range algorithms {
		private = append(private, is.private[alg])
	}
	key, err := jose.GenerateKey(jose.RS256, 3072)
	must(t, err)
	signer, err := jose.NewSigner(jose.RS256, key)
	must(t, err)
	keys, private = append(keys, signer.Public()), append(private, key)

	var want []publicKey
	var theirs gojose.JSONWebKeySet
	jwxSet := jwk.NewSet()
	for i, key := range keys {
		want = append(want, publicKey{key.KeyID(), string(key.Algorithm()), key.KeyID()}) // a kid of ours is the thumbprint
		theirs.Keys = append(theirs.Keys, gojose.JSONWebKey{Key: private[i].Public(), KeyID: key.KeyID(), Algorithm: string(key.Algorithm()), Use: "sig"})
		k, err := jwk.Import(private[i].Public())
		must(t, err)
		must(t, k.Set(jwk.KeyIDKey, key.KeyID()))
		must(t, k.Set(jwk.AlgorithmKey, string(key.Algorithm())))
		must(t, jwxSet.AddKey(k))
	}
	byGoJose, err := json.Marshal(theirs)
	must(t, err)
	byJWX, err := json.Marshal(jwxSet)
	must(t, err)
	for name, set := range map[string][]byte{"ours": jose.MarshalJWKS(keys), "go-jose": byGoJose, "jwx": byJWX} {
		for _, r := range setReaders {
			if got, err := r.read(set); err != nil || !slices.Equal(got, want) {
				t.Errorf("the set by %s reads as %v by %s, want %v: %v\n%s", name, got, r.name, want, err, set)
			}
		}
	}
}

// every bit of what the three parts hold. (The bits of their text are
// flipped by a test of internal/jose.)
func TestNoTokenSurvivesAFlippedBit(t *testing.T) {
	is := newIssuer(t)
	for _, alg := range algorithms {
		t.Run(string(alg), func(t *testing.T) {
			t.Parallel()
			ours := newReaders(t, is.keys)[0]
			parts := strings.Split(is.sign(t, alg, is.header(alg), payload), ".")
			if _, err := ours.read(strings.Join(parts, ".")); err != nil {
				t.Fatal(err)
			}
			for i, part := range parts {
				data := decode(t, part)
				for bit := range 8 * len(data) {
					data[bit/8] ^= 1 << (bit % 8)
					flipped := slices.Clone(parts)
					flipped[i] = encode(data)
					if _, err := ours.read(strings.Join(flipped, ".")); err == nil {
						t.Errorf("bit %d of part %d: accepted", bit, i)
					}
					data[bit/8] ^= 1 << (bit % 8)
				}
			}
		})
	}
}
