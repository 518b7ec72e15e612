package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"testing"
)

var benchPayload = []byte(`{"iss":"http://localhost:8080/demo","aud":"http://localhost:8080/demo/api",` +
	`"sub":"twc_demo_0123456789abcdefghijkl","client_id":"twc_demo_0123456789abcdefghijkl",` +
	`"iat":1764000000,"exp":1764003600,"jti":"AAAAAAAAAAAAAAAAAAAAAA","gen":1763990000,` +
	`"scope":"customers:read customers:write","claims":{"env":"demo","merchantId":4259}}`)

// The bare signature is what AppendCompact and Parse with Verify are measured against.
func BenchmarkSign(b *testing.B) {
	for _, alg := range algorithms {
		b.Run(string(alg), func(b *testing.B) {
			s := testSigner(b, alg)
			header := s.Header("at+jwt")
			buffer := make([]byte, 0, MaxTokenSize)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.AppendCompact(buffer, header, benchPayload); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(string(alg)+"/bare", func(b *testing.B) {
			s := testSigner(b, alg)
			message := []byte(signToken(b, s, benchPayload))
			digest := sha256.Sum256(message)
			signed := digest[:]
			if alg == EdDSA {
				signed = message
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.key.Sign(s.random, signed, s.opts); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	token := signToken(b, testSigner(b, ES256), benchPayload)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(token); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	for _, alg := range algorithms {
		s := testSigner(b, alg)
		token := signToken(b, s, benchPayload)
		b.Run(string(alg), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				m, err := Parse(token)
				if err != nil {
					b.Fatal(err)
				}
				if err := m.Verify(s.Public()); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(string(alg)+"/bare", func(b *testing.B) {
			m, err := Parse(token)
			if err != nil {
				b.Fatal(err)
			}
			message, der := []byte(m.signed), []byte(nil)
			if alg == ES256 {
				der = derSignature(m.signature)
			}
			digest := sha256.Sum256(message)
			b.ReportAllocs()
			for b.Loop() {
				var ok bool
				switch public := s.Public().public.(type) {
				case *ecdsa.PublicKey:
					ok = ecdsa.VerifyASN1(public, digest[:], der)
				case ed25519.PublicKey:
					ok = ed25519.Verify(public, message, m.signature)
				case *rsa.PublicKey:
					if alg == PS256 {
						ok = rsa.VerifyPSS(public, crypto.SHA256, digest[:], m.signature, pssOptions) == nil
					} else {
						ok = rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], m.signature) == nil
					}
				}
				if !ok {
					b.Fatal("refused")
				}
			}
		})
	}
}
