package tokenwrighttest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/accesstoken"
	"github.com/tokenwright/tokenwright/internal/jose"
)

// at is a clock that stands still.
func at(seconds int64) Option {
	return WithClock(func() time.Time { return time.Unix(seconds, 0) })
}

// C-306
func TestTokenWithoutClaimsIsThatOfTheGuide(t *testing.T) {
	iss := New(t, at(1764000000))
	c := claims(t, iss, iss.Token())
	want := accesstoken.Claims{
		Issuer: iss.URL, Audience: iss.URL + "/api", Subject: iss.ClientID, ClientID: iss.ClientID,
		IssuedAt: 1764000000, Expiry: 1764003600, ID: c.ID, Generation: 1764000000,
		Scope: "customers:read", Env: "demo", MerchantID: accesstoken.MerchantID{Text: "4259", Number: true},
	}
	if *c != want {
		t.Errorf("got  %+v\nwant %+v", *c, want)
	}
	if again := claims(t, iss, iss.Token()); again.ID == c.ID {
		t.Error("two tokens have one jti")
	}
}

// C-306
func TestClaimsChangeTheToken(t *testing.T) {
	iss := New(t, at(1764000000))
	token := iss.Token(Scopes("orders:read", "orders:write"), MerchantText("ac-me"), ClientID("twc_demo_other"), Audience("a"),
		IssuedBy("b"), Env("c"), Generation(7), ExpiresIn(90*time.Second), StartsIn(30*time.Second))
	c := claims(t, iss, token)
	want := accesstoken.Claims{
		Issuer: "b", Audience: "a", Subject: "twc_demo_other", ClientID: "twc_demo_other", IssuedAt: 1764000000, Expiry: 1764000090,
		NotBefore: 1764000030, ID: c.ID, Generation: 7, Scope: "orders:read orders:write", Env: "c", MerchantID: accesstoken.MerchantID{Text: "ac-me"},
	}
	if *c != want {
		t.Errorf("got  %+v\nwant %+v", *c, want)
	}
	if c := claims(t, iss, iss.Token(ExpiresIn(-time.Hour), Merchant(0))); c.Expiry != 1763996400 || c.IssuedAt != 1763992800 || c.MerchantID.Text != "" {
		t.Errorf("an expired token is %+v", *c)
	}
}

// C-306: of each algorithm.
func TestTokensAreSignedWithTheAlgorithmAskedFor(t *testing.T) {
	for _, algorithm := range []jose.Algorithm{jose.ES256, jose.RS256, jose.PS256, jose.EdDSA} {
		iss := New(t, WithAlgorithm(string(algorithm)), WithEnvironment("production"), WithLifetime(time.Minute), WithAudience("https://api.example.com"))
		m, err := read(t, iss, iss.Token())
		if err != nil || m.Algorithm != algorithm {
			t.Errorf("%s: %v", algorithm, err)
		}
		if c := claims(t, iss, iss.Token()); c.Env != "production" || c.Expiry-c.IssuedAt != 60 || c.Audience != "https://api.example.com" {
			t.Errorf("the claims are %+v", *c)
		}
	}
}

// C-307: what makes a token bad is really in it.
func TestBadTokensAreBadForTheReasonTheyName(t *testing.T) {
	iss := New(t)
	good := claims(t, iss, iss.Token())
	for name, token := range iss.BadTokens(Scopes("orders:read")) {
		m, err := read(t, iss, token)
		var c *accesstoken.Claims
		if err == nil {
			c, err = accesstoken.Parse(string(m.Payload))
		}
		now := time.Now().Unix()
		bad := err != nil || m.Type != accesstoken.Type || c.Issuer != good.Issuer || c.Audience != good.Audience || c.Expiry < now-60 || c.NotBefore > now+60
		if !bad {
			t.Errorf("the token %s is good: %+v", name, *c)
		}
		if c != nil && c.Scope != "orders:read" {
			t.Errorf("the token %s lacks the claims asked for", name)
		}
	}
}

// C-307
func TestAnythingCanBeSigned(t *testing.T) {
	iss := New(t)
	header := `{"alg":"ES256","kid":"` + iss.KeyID() + `","typ":"at+jwt"}`
	if m, err := read(t, iss, iss.Sign(header, `{"sub":1,"sub":2}`)); err != nil || string(m.Payload) != `{"sub":1,"sub":2}` {
		t.Errorf("got %v, %v", m, err)
	}
	m, err := read(t, iss, iss.Token(Set("exp", "soon"), Without("jti"), SetHeader("x", 1)))
	if err != nil || !strings.Contains(string(m.Payload), `"exp":"soon"`) || strings.Contains(string(m.Payload), "jti") {
		t.Errorf("got %v, %v", m, err)
	}
	if parts := strings.Split(iss.Token(Unsigned()), "."); len(parts) != 3 || parts[2] != "" {
		t.Errorf("an unsigned token has the parts %q", parts)
	}
	if _, err := jose.Parse(iss.Token(WithoutHeader("kid"))); err == nil {
		t.Error("the kid is there")
	}
}

// C-308
func TestSigningKeysRotateAndAreRevoked(t *testing.T) {
	iss := New(t)
	first := iss.Token()
	iss.RotateSigningKey()
	second := iss.Token()
	good := func(token string) bool { _, err := read(t, iss, token); return err == nil }
	if !good(first) || !good(second) {
		t.Error("after a rotation a token is not good")
	}
	iss.DropSigningKeys()
	if good(first) || !good(second) {
		t.Error("the key that was dropped is published, or the other is not")
	}
	revoked := iss.KeyID()
	iss.RevokeSigningKey()
	if good(second) || !good(iss.Token()) {
		t.Error("the key that was revoked is published, or none is")
	}
	if f := feed(t, iss, ""); !slices.Equal(f.SigningKeys, []string{revoked}) {
		t.Errorf("the feed is %+v", f)
	}
}
