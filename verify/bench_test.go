package verify

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/asn1"
	"math/big"
	"testing"

	"github.com/tokenwright/tokenwright/internal/jose"
)

// BenchmarkVerify measures a whole verification, of a token that has not been
// seen before and of one that has, beside what the first cannot do without: the
// standard library's check of a signature that lies ready.
func BenchmarkVerify(b *testing.B) {
	for _, alg := range algorithms {
		s := testSigner(b, alg)
		token := signed(b, s)
		for name, size := range map[string]int{"new": -1, "seen": 0} {
			config := testConfig(s)
			config.CacheSize = size
			v := newVerifier(b, config)
			b.Run(string(alg)+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := v.Verify(context.Background(), token); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		b.Run(string(alg)+"/bare", func(b *testing.B) {
			check := bareCheck(b, alg, token)
			b.ReportAllocs()
			for b.Loop() {
				if !check() {
					b.Fatal("refused")
				}
			}
		})
	}
}

// bareCheck returns the check of the token's signature and nothing else.
func bareCheck(b *testing.B, alg jose.Algorithm, token string) func() bool {
	key, err := testKeys[alg]()
	if err != nil {
		b.Fatal(err)
	}
	message, text, _ := cutLast(token)
	signature, err := jose.DecodeBase64(text)
	if err != nil {
		b.Fatal(err)
	}
	digest := sha256.Sum256([]byte(message))
	switch public := key.Public().(type) {
	case *ecdsa.PublicKey:
		r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
		der, err := asn1.Marshal(struct{ R, S *big.Int }{r, s})
		if err != nil {
			b.Fatal(err)
		}
		return func() bool { return ecdsa.VerifyASN1(public, digest[:], der) }
	case ed25519.PublicKey:
		return func() bool { return ed25519.Verify(public, []byte(message), signature) }
	case *rsa.PublicKey:
		if alg == jose.PS256 {
			options := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}
			return func() bool { return rsa.VerifyPSS(public, crypto.SHA256, digest[:], signature, options) == nil }
		}
		return func() bool { return rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], signature) == nil }
	}
	b.Fatalf("no check for %s", alg)
	return nil
}
