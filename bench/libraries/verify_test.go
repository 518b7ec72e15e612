package libraries

import (
	"crypto/sha256"
	"errors"
	"testing"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/golang-jwt/jwt/v5"

	"github.com/tokenwright/tokenwright/tokenwrighttest"
	"github.com/tokenwright/tokenwright/verify"
)

// BenchmarkVerify compares verifications of tokens of the product's form, whose
// issuer is met over HTTP. "new" keeps no verified tokens, as none of the others
// does; "seen" keeps them. Each algorithm's limit is the bare check of a signature
// that lies ready.
func BenchmarkVerify(b *testing.B) {
	es256, eddsa, rs256 := newIssuer(b, "ES256"), newIssuer(b, "EdDSA"), newIssuer(b, "RS256")
	takeTurns(b, []contender{
		{"ES256/bare", serial(es256.bare(b))},
		{"ES256/new", es256.quietly(serial(es256.ours(b, uncached)))},
		{"ES256/seen", es256.quietly(serial(es256.ours(b, 0)))},
		{"ES256/sha256", serial(es256.hash())},
		{"ES256/golang-jwt", es256.quietly(serial(es256.golangJWT(b)))},
		{"ES256/go-oidc", es256.quietly(serial(es256.goOIDC(b)))},
		{"EdDSA/bare", serial(eddsa.bare(b))},
		{"EdDSA/new", eddsa.quietly(serial(eddsa.ours(b, uncached)))},
		{"RS256/bare", serial(rs256.bare(b))},
		{"RS256/new", rs256.quietly(serial(rs256.ours(b, uncached)))},
	})
}

// BenchmarkVerifyCores is for -cpu 1,2.
func BenchmarkVerifyCores(b *testing.B) {
	iss := newIssuer(b, "ES256")
	takeTurns(b, []contender{
		{"bare", parallel(iss.bare(b))},
		{"new", iss.quietly(parallel(iss.ours(b, uncached)))},
		{"sha256", parallel(iss.hash())},
		{"seen", iss.quietly(parallel(iss.ours(b, 0)))},
	})
}

const (
	uncached = -1
	// tokens is how many each contender verifies in turn: one alone would
	// always lie in the nearest cache. A power of two.
	tokens = 64
)

type issuer struct {
	*tokenwrighttest.Issuer
	algorithm string
	tokens    []string
}

func newIssuer(b *testing.B, algorithm string) *issuer {
	iss := &issuer{tokenwrighttest.New(b, tokenwrighttest.WithAlgorithm(algorithm)), algorithm, nil}
	for range tokens {
		iss.tokens = append(iss.tokens, iss.Token(tokenwrighttest.Scopes("customers:read", "customers:write", "payments:read")))
	}
	return iss
}

// quietly holds that nothing is fetched while tokens are verified. The
// revocation feed, which our verifiers follow, is asked every 30 s whatever is
// verified: once by each.
func (iss *issuer) quietly(run func(*testing.B)) func(*testing.B) {
	return func(b *testing.B) {
		all, feed := iss.Requests(), iss.Requests(tokenwrighttest.Revocations)
		run(b)
		feed = iss.Requests(tokenwrighttest.Revocations) - feed
		if got := iss.Requests() - all - feed; got != 0 || feed > 2 {
			b.Errorf("verifying has caused %d requests, and %d for the feed", got, feed)
		}
	}
}

func (iss *issuer) ours(b *testing.B, cacheSize int) func(i int) error {
	v, err := verify.New(b.Context(), verify.Config{Issuer: iss.URL, Audience: iss.Audience, CacheSize: cacheSize})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(v.Close)
	ctx := b.Context()
	return iss.warm(b, func(token string) error {
		c, err := v.Verify(ctx, token)
		if err == nil && c.ClientID != iss.ClientID {
			err = errOther
		}
		return err
	})
}

// claims is what a program would have golang-jwt or go-oidc read.
type claims struct {
	jwt.RegisteredClaims
	ClientID string `json:"client_id"`
	Scope    string `json:"scope"`
	Claims   struct {
		Env        string `json:"env"`
		MerchantID int64  `json:"merchantId"`
	} `json:"claims"`
}

// golangJWT is golang-jwt with the keys of keyfunc.
func (iss *issuer) golangJWT(b *testing.B) func(i int) error {
	keys, err := keyfunc.NewDefaultCtx(b.Context(), []string{iss.URL + "/oauth/jwks"})
	if err != nil {
		b.Fatal(err)
	}
	parser := jwt.NewParser(jwt.WithValidMethods([]string{iss.algorithm}), jwt.WithIssuer(iss.URL), jwt.WithAudience(iss.Audience),
		jwt.WithExpirationRequired(), jwt.WithLeeway(verify.DefaultLeeway))
	return iss.warm(b, func(token string) error {
		var c claims
		_, err := parser.ParseWithClaims(token, &c, keys.Keyfunc)
		if err == nil && c.ClientID != iss.ClientID {
			err = errOther
		}
		return err
	})
}

// goOIDC is coreos/go-oidc, which reads ID tokens: the audience is its ClientID.
func (iss *issuer) goOIDC(b *testing.B) func(i int) error {
	ctx := b.Context()
	v := oidc.NewVerifier(iss.URL, oidc.NewRemoteKeySet(ctx, iss.URL+"/oauth/jwks"),
		&oidc.Config{ClientID: iss.Audience, SupportedSigningAlgs: []string{iss.algorithm}})
	return iss.warm(b, func(token string) error {
		t, err := v.Verify(ctx, token)
		if err != nil {
			return err
		}
		var c claims
		if err = t.Claims(&c); err == nil && c.ClientID != iss.ClientID {
			err = errOther
		}
		return err
	})
}

// hash is what a verifier that keeps verified tokens cannot do without.
func (iss *issuer) hash() func(i int) error {
	text := make([][]byte, tokens)
	for i := range text {
		text[i] = []byte(iss.tokens[i])
	}
	return func(i int) error {
		if sha256.Sum256(text[i%tokens]) == [sha256.Size]byte{} {
			return errOther
		}
		return nil
	}
}

var errOther = errors.New("not the claims of the token")

// warm returns what verifies one token after another, once it has seen each. Nobody
// is measured who accepts what no verifier may.
func (iss *issuer) warm(b *testing.B, verify func(token string) error) func(i int) error {
	for what, claim := range map[string]tokenwrighttest.Claim{
		"of another key":       tokenwrighttest.ForeignKey(),
		"of another issuer":    tokenwrighttest.IssuedBy(iss.BaseURL + "/other"),
		"for another audience": tokenwrighttest.Audience(iss.URL + "/other"),
		"that has expired":     tokenwrighttest.ExpiresIn(-time.Hour),
	} {
		if err := verify(iss.Token(claim)); err == nil {
			b.Fatalf("a token %s is accepted", what)
		}
	}
	next := func(i int) error { return verify(iss.tokens[i%tokens]) }
	for i := range tokens {
		if err := next(i); err != nil {
			b.Fatal(err)
		}
	}
	return next
}
