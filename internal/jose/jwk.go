package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/tokenwright/tokenwright/internal/strictjson"
)

// ParseJWKS reads a JWK Set of at most 64 KiB and 100 keys. Keys that ParseJWK
// refuses with ErrAlgorithm are skipped (RFC 7517 5), so none may be left; one
// that is malformed, holds private members or repeats a kid spoils the set.
func ParseJWKS(data []byte) ([]*Key, error) {
	if len(data) > 64<<10 {
		return nil, malformed("key set too long")
	}
	set, err := strictjson.ParseObject(string(data))
	if err != nil {
		return nil, fmt.Errorf("%w: key set: %w", ErrMalformed, err)
	}
	member, _ := set.Get("keys")
	items, ok := member.Array()
	if !ok || len(items) > 100 {
		return nil, malformed("key set without keys, or with too many")
	}
	keys := make([]*Key, 0, len(items))
	for i, item := range items {
		jwk, _ := item.Object() // what is no object lacks kty
		key, err := ParseJWK(jwk)
		if errors.Is(err, ErrAlgorithm) {
			continue
		}
		if err == nil && slices.ContainsFunc(keys, func(k *Key) bool { return k.kid == key.kid }) {
			err = malformed("kid repeated")
		}
		if err != nil {
			return nil, fmt.Errorf("key %d of the set: %w", i, err)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// ParseJWK reads one public key with its alg and kid. It refuses with
// ErrAlgorithm what is not for verifying with an algorithm known here.
func ParseJWK(jwk strictjson.Object) (*Key, error) {
	for _, private := range [...]string{"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"} { // RFC 7518 6, RFC 9964
		if _, found := jwk.Get(private); found {
			return nil, malformed("private member in a JWK")
		}
	}
	r := reader{object: jwk}
	public := r.publicKey()
	alg, err := ParseAlgorithm(r.text("alg"))
	kid := r.keyID()
	r.fail(err)
	if r.err != nil {
		return nil, r.err
	}
	return newKey(alg, kid, public)
}

// reader takes members out of a JWK or a header and keeps the first error.
type reader struct {
	object strictjson.Object
	err    error
}

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

// text returns a required member, a string that is not empty.
func (r *reader) text(name string) string {
	member, _ := r.object.Get(name)
	text, ok := member.Text()
	if !ok || text == "" {
		r.fail(malformed("member " + name + " missing, empty or not a string"))
	}
	return text
}

// keyID returns a kid of 1 to 128 printable ASCII characters that JSON and
// logs can hold without an escape. It is only ever compared.
func (r *reader) keyID() string {
	kid := r.text("kid")
	unfit := func(c rune) bool { return c <= ' ' || c > '~' || c == '"' || c == '\\' }
	if len(kid) > 128 || strings.ContainsFunc(kid, unfit) {
		r.fail(malformed("kid too long or of other characters"))
	}
	return kid
}

// octets returns a member in base64url of at least least and at most most bytes.
func (r *reader) octets(name string, least, most int) []byte {
	data, err := DecodeBase64(r.text(name))
	if err != nil || len(data) < least || len(data) > most {
		r.fail(malformed("member " + name + " not strict base64url, or of another length"))
	}
	return data
}

func (r *reader) publicKey() crypto.PublicKey {
	kind := r.text("kty")
	if kind == "EC" || kind == "OKP" {
		kind += " " + r.text("crv")
	}
	if !r.verifies() {
		kind = "unknown"
	}
	switch kind {
	case "EC P-256": // RFC 7518 6.2.1: coordinates at full length
		point := slices.Concat([]byte{4}, r.octets("x", 32, 32), r.octets("y", 32, 32))
		public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
		if err != nil {
			r.fail(malformed("EC point not on the curve"))
		}
		return public
	case "OKP Ed25519": // RFC 8037 2
		return ed25519.PublicKey(r.octets("x", 32, 32))
	case "RSA": // RFC 7518 6.3.1; newKey looks at the sizes
		n, e := r.octets("n", 1, 1024), r.octets("e", 1, 4)
		if r.err == nil && min(n[0], e[0]) == 0 {
			r.fail(malformed("RSA integer with a leading zero")) // RFC 7518 2, Base64urlUInt
		}
		return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Uint64())}
	}
	r.fail(fmt.Errorf("%w: JWK of a type, curve or use unknown here", ErrAlgorithm))
	return nil
}

// verifies obeys use and key_ops, both optional (RFC 7517 4.2, 4.3).
func (r *reader) verifies() bool {
	_, hasUse := r.object.Get("use")
	member, hasOps := r.object.Get("key_ops")
	ops, _ := member.Array()
	verify, texts := false, true
	for _, op := range ops {
		text, ok := op.Text()
		verify, texts = verify || text == "verify", texts && ok
	}
	return (!hasUse || r.text("use") == "sig") && (!hasOps || verify && texts)
}
