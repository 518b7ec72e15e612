package libraries

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net/http"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/internal/jose"
)

// bare is the standard library's check of a signature and nothing else: the token
// has been taken apart, hashed where the algorithm wants it, and the key is at
// hand.
func (iss *issuer) bare(b *testing.B) func(i int) error {
	var checks []func() bool
	public := iss.publicKey(b)
	for _, token := range iss.tokens {
		at := strings.LastIndexByte(token, '.')
		signature, err := jose.DecodeBase64(token[at+1:])
		if err != nil {
			b.Fatal(err)
		}
		checks = append(checks, bareCheck(b, public, []byte(token[:at]), signature))
	}
	return func(i int) error {
		if !checks[i%tokens]() {
			return errors.New("refused")
		}
		return nil
	}
}

func bareCheck(b *testing.B, public any, message, signature []byte) func() bool {
	digest := sha256.Sum256(message)
	switch public := public.(type) {
	case *ecdsa.PublicKey:
		r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
		der, err := asn1.Marshal(struct{ R, S *big.Int }{r, s})
		if err != nil {
			b.Fatal(err)
		}
		return func() bool { return ecdsa.VerifyASN1(public, digest[:], der) }
	case ed25519.PublicKey:
		return func() bool { return ed25519.Verify(public, message, signature) }
	case *rsa.PublicKey:
		return func() bool { return rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], signature) == nil }
	}
	b.Fatalf("no check for a %T", public)
	return nil
}

// publicKey is the one that has signed the tokens.
func (iss *issuer) publicKey(b *testing.B) any {
	message, err := jose.Parse(iss.tokens[0])
	if err != nil {
		b.Fatal(err)
	}
	resp, err := http.Get(iss.URL + "/oauth/jwks")
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.Fatal(err)
	}
	keys, err := jose.ParseJWKS(text)
	if err != nil {
		b.Fatal(err)
	}
	for _, key := range keys {
		if key.KeyID() == message.KeyID {
			return standardKey(b, key)
		}
	}
	b.Fatal("the key of the tokens is not published")
	return nil
}

// standardKey is a key as the standard library has it.
func standardKey(b *testing.B, key *jose.Key) any {
	text, err := key.PEM()
	if err != nil {
		b.Fatal(err)
	}
	block, _ := pem.Decode(text)
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		b.Fatal(err)
	}
	return public
}
