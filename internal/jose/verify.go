package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"strings"
	"unsafe"

	"github.com/tokenwright/tokenwright/internal/strictjson"
)

// MaxTokenSize is the length in bytes of the longest token that is looked at.
const MaxTokenSize = 8 << 10

// maxHeaderSize bounds the encoded header, which is read as JSON before
// anything is proven. With the longest kid it takes about 250 bytes.
const maxHeaderSize = 512

// Message is a compact JWS taken apart. Nothing in it is to be believed before
// Verify has returned nil.
type Message struct {
	Algorithm Algorithm // Ed25519 reads as EdDSA
	KeyID     string    // 1 to 128 printable ASCII characters
	Type      string    // typ as written, never empty
	Payload   []byte

	signed    string // header.payload as it stands in the token
	signature []byte
}

// Parse takes a token apart and judges all but its signature. It refuses with
// ErrAlgorithm where the header names an algorithm unknown here, such as none.
func Parse(token string) (*Message, error) { return ParseUpTo(token, MaxTokenSize) }

// ParseUpTo is Parse for messages that may be as long as size bytes.
func ParseUpTo(token string, size int) (*Message, error) {
	if len(token) > size { // before anything is split: a million dots cost nothing
		return nil, malformed("token too long")
	}
	header, rest, _ := strings.Cut(token, ".")
	if len(header) > maxHeaderSize {
		return nil, malformed("header too long")
	}
	payload, signature, _ := strings.Cut(rest, ".") // a third dot is no base64url
	// One piece of memory for all three.
	decoded, buffer := [3][]byte{}, make([]byte, base64url.DecodedLen(len(token)))
	for i, part := range [...]string{header, payload, signature} {
		n, err := base64url.Decode(buffer, readOnly(part))
		if err != nil || part == "" || hasLineBreak(part) {
			return nil, malformed("token not of three parts in strict base64url")
		}
		decoded[i], buffer = buffer[:n:n], buffer[n:]
	}
	m := &Message{Payload: decoded[1], signed: token[:len(header)+1+len(payload)], signature: decoded[2]}
	if err := m.readHeader(string(decoded[0])); err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	return m, nil
}

func (m *Message) readHeader(text string) error {
	header, err := strictjson.ParseObject(text)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	for _, member := range header {
		switch member.Name {
		case "crit", "b64", "zip", "enc", "cty", "jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256":
			// Extensions (RFC 7515 4.1.11: refuse those not understood), encryption,
			// nesting, and keys offered by whoever wrote the token (RFC 8725 3.10).
			return malformed("a member that is not accepted")
		} // RFC 7515 4: other members are ignored
	}
	// RFC 8725 3.11 wants explicit types, and a kid saves trying keys out.
	r := reader{object: header}
	m.Algorithm, err = ParseAlgorithm(r.text("alg"))
	m.KeyID, m.Type = r.keyID(), r.text("typ")
	r.fail(err)
	return r.err
}

// Verify tells whether key signed the message: with ErrAlgorithm if the header
// names another algorithm than the key's, with ErrSignature if kid or
// signature are not the key's.
func (m *Message) Verify(key *Key) error {
	if m.Algorithm != key.alg {
		return fmt.Errorf("%w: not the key's", ErrAlgorithm)
	}
	if m.KeyID != key.kid || !key.verify(readOnly(m.signed), m.signature) {
		return ErrSignature
	}
	return nil
}

// readOnly is the bytes of a text, which are read and no more, without a copy.
func readOnly(text string) []byte { return unsafe.Slice(unsafe.StringData(text), len(text)) }

func (k *Key) verify(message, signature []byte) bool {
	if len(signature) != k.signatureSize() {
		return false
	}
	if public, ok := k.public.(ed25519.PublicKey); ok {
		return ed25519.Verify(public, message, signature)
	}
	digest := sha256.Sum256(message)
	switch public := k.public.(type) {
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(public, digest[:], derSignature(signature)) // r and s outside [1, n-1] are refused
	case *rsa.PublicKey:
		if k.alg == PS256 {
			return rsa.VerifyPSS(public, crypto.SHA256, digest[:], signature, pssOptions) == nil
		}
		return rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], signature) == nil
	}
	return false
}

// signatureSize returns the one length in bytes that a signature has
// (RFC 7518 3.3 to 3.5, RFC 8032 5.1.6).
func (k *Key) signatureSize() int {
	if public, ok := k.public.(*rsa.PublicKey); ok {
		return public.Size()
	}
	return 64
}
