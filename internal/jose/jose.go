// Package jose signs and verifies compact JWS (RFC 7515), reads and writes
// public JWKs and key sets (RFC 7517, RFC 7638), and owns the one accepted
// spelling of base64url.
//
// It knows four algorithms, each bound to its key: the header of a token may
// confirm the algorithm, never choose it (RFC 8725 3.1). Encryption, none,
// MACs, JSON serialization, extensions, and keys carried in headers do not
// exist here. The arithmetic is the standard library's.
//
// It must not know claims, times, issuers, or what a payload means.
package jose

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// The errors of this package wrap one of these, and never quote a token.
var (
	ErrMalformed = errors.New("jose: malformed")                // not of the accepted form
	ErrAlgorithm = errors.New("jose: algorithm not accepted")   // algorithm, key type or use unknown here, or not the key's
	ErrSignature = errors.New("jose: signature not this key's") // or the kid is not
)

func malformed(what string) error { return fmt.Errorf("%w: %s", ErrMalformed, what) }

// Algorithm is a signature algorithm by its JOSE name (RFC 7518 3.1, RFC 8037 3.1).
type Algorithm string

// The algorithms. EdDSA is Ed25519 only.
const (
	ES256 Algorithm = "ES256"
	RS256 Algorithm = "RS256"
	PS256 Algorithm = "PS256"
	EdDSA Algorithm = "EdDSA"
)

// ParseAlgorithm returns the algorithm of exactly that name. Ed25519 is
// EdDSA: RFC 9864 2.2 renames it and deprecates the older name.
func ParseAlgorithm(name string) (Algorithm, error) {
	switch alg := Algorithm(name); alg {
	case ES256, RS256, PS256, EdDSA:
		return alg, nil
	case "Ed25519":
		return EdDSA, nil
	}
	return "", fmt.Errorf("%w: unknown name", ErrAlgorithm)
}

// Strict refuses bits left over in the last character (RFC 4648 3.5); the raw
// alphabet refuses padding, '+' and '/' (RFC 7515 2).
var base64url = base64.RawURLEncoding.Strict()

// AppendBase64 appends src in base64url without padding.
func AppendBase64(dst, src []byte) []byte { return base64url.AppendEncode(dst, src) }

// DecodeBase64 reads base64url text. It accepts one spelling of each value, so
// that a token has one too.
func DecodeBase64(s string) ([]byte, error) {
	data, err := base64url.DecodeString(s)
	if err != nil || hasLineBreak(s) {
		return nil, malformed("not strict base64url")
	}
	return data, nil
}

// hasLineBreak finds what encoding/base64 skips, also when Strict.
func hasLineBreak(s string) bool {
	return strings.IndexByte(s, '\r') >= 0 || strings.IndexByte(s, '\n') >= 0
}
