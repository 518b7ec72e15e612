package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math"
	"math/big"
	"strings"
)

// Key is a public key, bound to the one algorithm it verifies with. It is immutable.
type Key struct {
	alg    Algorithm
	kid    string
	public crypto.PublicKey // *ecdsa.PublicKey, *rsa.PublicKey or ed25519.PublicKey
}

// newKey binds public to alg if it is a sound key for it.
func newKey(alg Algorithm, kid string, public crypto.PublicKey) (*Key, error) {
	var fits bool
	switch p := public.(type) {
	case *ecdsa.PublicKey:
		_, err := p.Bytes() // an error if the point is not on the curve
		fits = alg == ES256 && p.Curve == elliptic.P256() && err == nil
	case *rsa.PublicKey:
		// RFC 7518 3.3 wants 2048 bits; the upper bounds limit the work a key set can ask for.
		bits := p.N.BitLen()
		fits = (alg == RS256 || alg == PS256) && bits >= 2048 && bits <= 8192 && p.N.Bit(0) == 1 &&
			p.E >= 3 && p.E <= math.MaxInt32 && p.E%2 == 1
	case ed25519.PublicKey:
		fits = alg == EdDSA && len(p) == ed25519.PublicKeySize && !smallOrder(p)
	}
	if !fits {
		return nil, malformed("key whose type, curve or size is not one for its algorithm")
	}
	return &Key{alg: alg, kid: kid, public: public}, nil
}

// smallOrder tells whether the point has order 1, 2, 4 or 8. Under such a key
// anybody can sign: the key's share in the check comes out as nothing for one
// message in at most eight.
func smallOrder(key ed25519.PublicKey) bool {
	y := [ed25519.PublicKeySize]byte(key)
	y[31] &= 0x7f // the sign of x: the negative of a point has its order
	return strings.Contains(smallOrders, hex.EncodeToString(y[:]))
}

const smallOrders = "" +
	"0000000000000000000000000000000000000000000000000000000000000000 " + // y = 0, order 4
	"0100000000000000000000000000000000000000000000000000000000000000 " + // y = 1, order 1
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05 " + // order 8
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a " + // order 8
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f " + // y = -1, order 2
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f " + // 0 written as p
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f" // 1 written as p + 1

// Algorithm returns the algorithm the key is bound to.
func (k *Key) Algorithm() Algorithm { return k.alg }

// KeyID returns the kid.
func (k *Key) KeyID() string { return k.kid }

// Thumbprint returns the SHA-256 thumbprint in base64url (RFC 7638).
func (k *Key) Thumbprint() string {
	// RFC 7638 3.2: the required members alone, in order, without white space.
	sum := sha256.Sum256(append(k.appendRequired([]byte{'{'}), '}'))
	return string(AppendBase64(nil, sum[:]))
}

// AppendJWK appends the public JWK (RFC 7517 4).
func (k *Key) AppendJWK(dst []byte) []byte {
	dst = k.appendRequired(append(dst, '{'))
	return append(dst, `,"kid":"`+k.kid+`","alg":"`+string(k.alg)+`","use":"sig"}`...)
}

// MarshalJWKS returns the JWK Set of keys (RFC 7517 5).
func MarshalJWKS(keys []*Key) []byte {
	dst := []byte(`{"keys":[`)
	for i, k := range keys {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = k.AppendJWK(dst)
	}
	return append(dst, "]}"...)
}

// appendRequired appends the members that make a key of its type, in the
// order of their names.
func (k *Key) appendRequired(dst []byte) []byte {
	switch p := k.public.(type) {
	case *ecdsa.PublicKey:
		point, _ := p.Bytes() // newKey saw no error; 0x04, then both coordinates at full length (RFC 7518 6.2.1)
		dst = AppendBase64(append(dst, `"crv":"P-256","kty":"EC","x":"`...), point[1:33])
		dst = AppendBase64(append(dst, `","y":"`...), point[33:])
	case *rsa.PublicKey: // no leading zeros (RFC 7518 2, Base64urlUInt)
		dst = AppendBase64(append(dst, `"e":"`...), big.NewInt(int64(p.E)).Bytes())
		dst = AppendBase64(append(dst, `","kty":"RSA","n":"`...), p.N.Bytes())
	case ed25519.PublicKey: // RFC 8037 2
		dst = AppendBase64(append(dst, `"crv":"Ed25519","kty":"OKP","x":"`...), p)
	}
	return append(dst, '"')
}

// PEM returns the key as a "PUBLIC KEY" block (SubjectPublicKeyInfo).
func (k *Key) PEM() ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(k.public)
	if err != nil {
		return nil, fmt.Errorf("encoding public key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), nil
}

// GenerateKey makes a private key for alg. rsaBits is 2048 or 3072, or 0 for
// 2048; only RS256 and PS256 look at it.
func GenerateKey(alg Algorithm, rsaBits int) (crypto.Signer, error) {
	switch alg {
	case ES256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case EdDSA:
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	case RS256, PS256:
		if rsaBits == 0 || rsaBits == 2048 || rsaBits == 3072 {
			return rsa.GenerateKey(rand.Reader, max(rsaBits, 2048))
		}
	}
	return nil, fmt.Errorf("%w: no such algorithm or RSA size", ErrAlgorithm)
}
