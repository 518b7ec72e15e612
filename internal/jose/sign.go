package jose

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
)

// Signer signs with one private key and one algorithm. It may be used
// concurrently if its crypto.Signer may; those of the standard library may.
type Signer struct {
	key    crypto.Signer
	public *Key
	random io.Reader
	opts   crypto.SignerOpts
}

// RFC 7518 3.5: the salt is as long as the hash.
var pssOptions = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}

// NewSigner binds key to alg. The kid is the thumbprint of the public key.
func NewSigner(alg Algorithm, key crypto.Signer) (*Signer, error) {
	public, err := newKey(alg, "", key.Public())
	if err != nil {
		return nil, err
	}
	public.kid = public.Thumbprint()
	s := &Signer{key: key, public: public, random: rand.Reader, opts: crypto.SHA256}
	switch alg {
	case PS256:
		s.opts = pssOptions
	case EdDSA:
		s.opts = crypto.Hash(0) // RFC 8037 3.1: pure Ed25519, the message is not hashed before
	}
	if _, local := key.(*ecdsa.PrivateKey); local {
		// No random source asks for the nonces of RFC 6979: cheaper, and safe
		// where randomness fails. An external signer (KMS) decides for itself.
		s.random = nil
	}
	return s, nil
}

// KeyID returns the kid.
func (s *Signer) KeyID() string { return s.public.kid }

// Algorithm returns the algorithm the signer is bound to.
func (s *Signer) Algorithm() Algorithm { return s.public.alg }

// Public returns the key that verifies what s signs.
func (s *Signer) Public() *Key { return s.public }

// Header returns the encoded protected header for messages of type typ, to be
// made once for many messages. typ is a constant like "at+jwt"; it is not escaped.
func (s *Signer) Header(typ string) string {
	header := `{"alg":"` + string(s.public.alg) + `","kid":"` + s.public.kid + `","typ":"` + typ + `"}`
	return string(AppendBase64(nil, []byte(header)))
}

// AppendCompact appends header.payload.signature (RFC 7515 7.1), where header
// is what Header returned.
func (s *Signer) AppendCompact(dst []byte, header string, payload []byte) ([]byte, error) {
	start := len(dst)
	size := base64url.EncodedLen(len(payload)) + base64url.EncodedLen(s.public.signatureSize())
	dst = slices.Grow(dst, len(header)+size+2)
	dst = AppendBase64(append(append(dst, header...), '.'), payload)
	message := dst[start:]
	if s.public.alg != EdDSA {
		digest := sha256.Sum256(message)
		message = digest[:]
	}
	signature, err := s.key.Sign(s.random, message, s.opts)
	if err == nil && s.public.alg == ES256 {
		signature, err = rawSignature(signature)
	}
	if err != nil {
		return nil, fmt.Errorf("signing with %s: %w", s.public.alg, err)
	}
	return AppendBase64(append(dst, '.'), signature), nil
}

var errDER = errors.New("the signer returned no DER of a P-256 signature")

// rawSignature turns SEQUENCE { INTEGER r, INTEGER s } in DER, the form that
// every crypto.Signer returns, into r || s at full length (RFC 7518 3.4).
func rawSignature(der []byte) ([]byte, error) {
	if len(der) < 6 || len(der) < 6+int(der[3]) {
		return nil, errDER
	}
	r, s := der[4:4+int(der[3])], der[6+int(der[3]):]
	r, s = bytes.TrimLeft(r, "\x00"), bytes.TrimLeft(s, "\x00")
	if min(len(r), len(s)) == 0 || max(len(r), len(s)) > 32 {
		return nil, errDER
	}
	raw := make([]byte, 64)
	copy(raw[32-len(r):], r)
	copy(raw[64-len(s):], s)
	// Tags, lengths, signs, superfluous zeros: right is only what we would write.
	var again [maxDER]byte
	if !bytes.Equal(der, appendDER(again[:0], raw)) {
		return nil, errDER
	}
	return raw, nil
}

// maxDER is the size in bytes of the longest DER of a P-256 signature.
const maxDER = 72

// derSignature is the inverse of rawSignature.
func derSignature(raw []byte) []byte { return appendDER(make([]byte, 0, maxDER), raw) }

// appendDER writes into der, which is empty. raw is 64 bytes, and so every
// length in the DER takes one.
func appendDER(der, raw []byte) []byte {
	der = append(der, 0x30, 0)
	for _, n := range [...][]byte{raw[:32], raw[32:]} {
		for len(n) > 1 && n[0] == 0 {
			n = n[1:]
		}
		if n[0] >= 0x80 { // would read as negative
			der = append(der, 0x02, byte(len(n)+1), 0)
		} else {
			der = append(der, 0x02, byte(len(n)))
		}
		der = append(der, n...)
	}
	der[1] = byte(len(der) - 2)
	return der
}
