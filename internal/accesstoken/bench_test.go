package accesstoken_test

import (
	"testing"

	"github.com/tokenwright/tokenwright/internal/accesstoken"
)

// BenchmarkParse measures the reading of claims, of which a verification does one.
func BenchmarkParse(b *testing.B) {
	payload := string((&accesstoken.Claims{
		Issuer: "https://auth.example.com/demo", Audience: "https://auth.example.com/demo/api",
		Subject: "twc_demo_0123456789abcdefghijkl", ClientID: "twc_demo_0123456789abcdefghijkl",
		IssuedAt: 1764000000, Expiry: 1764003600, ID: "AAAAAAAAAAAAAAAAAAAAAA", Generation: 1763990000,
		Scope: "customers:read customers:write", Env: "demo", MerchantID: accesstoken.MerchantID{Text: "4259", Number: true},
	}).AppendJSON(nil))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := accesstoken.Parse(payload); err != nil {
			b.Fatal(err)
		}
	}
}
