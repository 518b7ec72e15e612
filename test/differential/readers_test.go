package differential

import (
	"bytes"
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	gojose "github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jws"

	"github.com/tokenwright/tokenwright/internal/jose"
)

// message is what a library reads out of a token it accepts.
type message struct{ alg, kid, typ, payload string }

// reader is a library that trusts the keys of one issuer.
type reader struct {
	name string
	read func(token string) (message, error)
}

// newReaders gives every library the same keys: one of each algorithm, as an
// issuer has them while it changes from one to another. Ours comes first.
func newReaders(t testing.TB, keys []*jose.Key) []reader {
	t.Helper()
	set := jose.MarshalJWKS(keys)
	return []reader{
		{"ours", readOurs(t, set)}, {"go-jose", readGoJose(t, set)}, {"golang-jwt", readGolangJWT(t, keys)}, {"jwx", readJWX(t, set)},
	}
}

func readOurs(t testing.TB, set []byte) func(string) (message, error) {
	t.Helper()
	keys, err := jose.ParseJWKS(set)
	must(t, err)
	return func(token string) (message, error) {
		m, err := jose.Parse(token)
		if err != nil {
			return message{}, err
		}
		for _, key := range keys {
			if key.KeyID() == m.KeyID {
				return message{string(m.Algorithm), m.KeyID, m.Type, string(m.Payload)}, m.Verify(key)
			}
		}
		return message{}, errors.New("no key of that kid")
	}
}

func readGoJose(t testing.TB, data []byte) func(string) (message, error) {
	t.Helper()
	var set gojose.JSONWebKeySet
	must(t, json.Unmarshal(data, &set))
	algs := []gojose.SignatureAlgorithm{gojose.ES256, gojose.RS256, gojose.PS256, gojose.EdDSA}
	return func(token string) (message, error) {
		m, err := gojose.ParseSignedCompact(token, algs)
		if err != nil {
			return message{}, err
		}
		payload, err := m.Verify(set)
		header := m.Signatures[0].Protected
		typ, _ := header.ExtraHeaders[gojose.HeaderType].(string)
		return message{header.Algorithm, header.KeyID, typ, string(payload)}, err
	}
}

// golang-jwt knows no key sets: it gets each key as PEM.
func readGolangJWT(t testing.TB, keys []*jose.Key) func(string) (message, error) {
	t.Helper()
	public := map[string]crypto.PublicKey{}
	for _, key := range keys {
		text, err := key.PEM()
		must(t, err)
		public[key.KeyID()], err = parsePEM(key.Algorithm(), text)
		must(t, err)
	}
	parser := jwt.NewParser(
		jwt.WithStrictDecoding(), jwt.WithValidMethods([]string{"ES256", "RS256", "PS256", "EdDSA"}),
		jwt.WithoutClaimsValidation(), // times are not what is compared
	)
	text := func(m *jwt.Token, name string) string { s, _ := m.Header[name].(string); return s }
	return func(token string) (message, error) {
		m, err := parser.Parse(token, func(m *jwt.Token) (any, error) {
			key, ok := public[text(m, "kid")]
			if !ok {
				return nil, errors.New("no key of that kid")
			}
			return key, nil
		})
		if err != nil {
			return message{}, err
		}
		payload, err := parser.DecodeSegment(strings.Split(m.Raw, ".")[1])
		return message{m.Method.Alg(), text(m, "kid"), text(m, "typ"), string(payload)}, err
	}
}

func parsePEM(alg jose.Algorithm, text []byte) (crypto.PublicKey, error) {
	switch alg {
	case jose.ES256:
		return jwt.ParseECPublicKeyFromPEM(text)
	case jose.EdDSA:
		return jwt.ParseEdPublicKeyFromPEM(text)
	}
	return jwt.ParseRSAPublicKeyFromPEM(text)
}

// jwx takes the algorithm from the key, and looks at crit only when told.
func readJWX(t testing.TB, data []byte) func(string) (message, error) {
	t.Helper()
	set, err := jwk.Parse(data, jwk.WithRejectDuplicateKID(true))
	must(t, err)
	return func(token string) (message, error) {
		m := jws.NewMessage()
		payload, err := jws.Verify([]byte(token), jws.WithCompact(), jws.WithKeySet(set, jws.WithRequireKid(true)),
			jws.WithCritValidation(true), jws.WithValidateKey(true), jws.WithMessage(m))
		if err != nil {
			return message{}, err
		}
		header := m.Signatures()[0].ProtectedHeaders()
		alg, _ := header.Algorithm()
		kid, _ := header.KeyID()
		typ, _ := header.Type()
		return message{alg.String(), kid, typ, string(payload)}, nil
	}
}

// publicKey is what a library reads out of a JWK.
type publicKey struct{ kid, alg, thumbprint string }

func newPublicKey(kid, alg string, thumbprint []byte) publicKey {
	if alg == "Ed25519" { // RFC 9864: the newer name of the same
		alg = "EdDSA"
	}
	return publicKey{kid, alg, encode(thumbprint)}
}

// setReader is a library that reads key sets, whole or key by key.
type setReader struct {
	name string
	read func(set []byte) ([]publicKey, error)
}

var setReaders = []setReader{{"ours", ourKeys}, {"go-jose", goJoseKeys}, {"jwx", jwxKeys}}

func ourKeys(data []byte) ([]publicKey, error) {
	set, err := jose.ParseJWKS(data)
	keys := make([]publicKey, 0, len(set))
	for _, key := range set {
		keys = append(keys, publicKey{key.KeyID(), string(key.Algorithm()), key.Thumbprint()})
	}
	return keys, err
}

// goJoseKeys asks for all that go-jose offers to ask: Valid and IsPublic.
func goJoseKeys(data []byte) ([]publicKey, error) {
	var set gojose.JSONWebKeySet
	if err := json.Unmarshal(data, &set); err != nil {
		return nil, err
	}
	keys := make([]publicKey, 0, len(set.Keys))
	for _, key := range set.Keys {
		if !key.Valid() || !key.IsPublic() {
			return nil, errors.New("a key that is not valid, or not public")
		}
		sum, err := key.Thumbprint(crypto.SHA256)
		if err != nil {
			return nil, err
		}
		keys = append(keys, newPublicKey(key.KeyID, key.Algorithm, sum))
	}
	return keys, nil
}

// jwxKeys asks for all that jwx offers to ask: distinct kids, Validate, and
// that no key is private.
func jwxKeys(data []byte) ([]publicKey, error) {
	set, err := jwk.Parse(data, jwk.WithRejectDuplicateKID(true))
	if err != nil {
		return nil, err
	}
	keys := make([]publicKey, 0, set.Len())
	for i := range set.Len() {
		key, _ := set.Key(i)
		private, err := jwk.IsPrivateKey(key)
		if err = errors.Join(err, key.Validate()); err != nil || private {
			return nil, fmt.Errorf("a key that is not valid, or not public: %w", err)
		}
		sum, err := key.Thumbprint(crypto.SHA256)
		if err != nil {
			return nil, err
		}
		kid, _ := key.KeyID()
		alg := ""
		if a, ok := key.Algorithm(); ok {
			alg = a.String()
		}
		keys = append(keys, newPublicKey(kid, alg, sum))
	}
	return keys, nil
}

func encode(data []byte) string { return string(jose.AppendBase64(nil, data)) }

func decode(t testing.TB, text string) []byte {
	t.Helper()
	data, err := jose.DecodeBase64(text)
	must(t, err)
	return bytes.Clone(data)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
