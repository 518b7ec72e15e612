package authority_test

import (
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/accesstoken"
	"github.com/tokenwright/tokenwright/internal/authority"
)

// C-156, C-157: what names no API key, no environment or no token of ours is dead; and each
// environment has its own signing keys.
func TestWhatIsNoTokenOfOursIsDead(t *testing.T) {
	h := New(t)
	k := h.ready()
	_, claims := h.issue(h.Authority, k.request())
	for name, c := range map[string]struct {
		env    string
		change func(*accesstoken.Claims)
		dead   bool
	}{
		"ours":                       {"demo", func(*accesstoken.Claims) {}, false},
		"of another environment":     {"production", func(*accesstoken.Claims) {}, true},
		"of none":                    {"staging", func(*accesstoken.Claims) {}, true},
		"of no client ID":            {"demo", func(c *accesstoken.Claims) { c.ClientID = "x" }, true},
		"of none, and no client ID":  {"staging", func(c *accesstoken.Claims) { c.ClientID = "x" }, true},
		"of a jti that is not ours":  {"demo", func(c *accesstoken.Claims) { c.ID = "x" }, true},
		"of an API key that is none": {"demo", func(c *accesstoken.Claims) { c.ClientID = "twc_demo_0000000000000000000000" }, true},
	} {
		changed := *claims
		c.change(&changed)
		if dead, err := h.Revoked(c.env, &changed, "x"); dead != c.dead || err != nil {
			t.Errorf("%s: dead %v, %v", name, dead, err)
		}
	}
	for _, env := range environments() {
		is, err := h.Issuer(env.Name)
		h.must(err)
		for _, other := range environments() {
			key, err := h.VerificationKey(other.Name, is.Keys[0].KeyID())
			if own := other.Name == env.Name; own != (err == nil) || own && key != is.Keys[0] {
				t.Errorf("the signing key of %s in %s: %v", env.Name, other.Name, err)
			}
		}
	}
	_, err := h.VerificationKey("staging", "x")
	wantError(t, "of no environment", err, authority.ErrNotFound)
}

// C-158: a token is revoked, and told of, by the API key that it was issued to.
func TestAClientOwnsItsTokensAlone(t *testing.T) {
	h := New(t)
	k, other := h.ready(), h.key(authority.NewAPIKey{MerchantID: "4259", Env: "demo", Scopes: []string{"customers:read"}})
	_, claims := h.issue(h.Authority, k.request())
	client, err := h.AuthenticateClient(other.request())
	h.must(err)
	if revoked, err := h.RevokeToken(h.ctx, actor, client, claims); revoked || err != nil || client.MayIntrospect(claims) {
		t.Errorf("another's: revoked %v, %v, told of: %v", revoked, err, client.MayIntrospect(claims))
	}
	if dead, err := h.Revoked("demo", claims, "x"); dead || err != nil {
		t.Errorf("afterwards: dead %v, %v", dead, err)
	}
	owner, err := h.AuthenticateClient(k.request())
	h.must(err)
	elsewhere := *claims
	elsewhere.Env = "production"
	if owner.MayIntrospect(&elsewhere) || !owner.MayIntrospect(claims) {
		t.Error("the environment does not count")
	}
	if revoked, err := h.RevokeToken(h.ctx, actor, owner, claims); !revoked || err != nil {
		t.Errorf("its own: %v, %v", revoked, err)
	}
	if dead, err := h.Revoked("demo", claims, "x"); !dead || err != nil {
		t.Errorf("afterwards: dead %v, %v", dead, err)
	}
}

// C-158: of another's token only an operator key is told that has the scope for it.
func TestWhoMayIntrospect(t *testing.T) {
	h := New(t)
	k := h.ready()
	_, claims := h.issue(h.Authority, k.request())
	for what, tc := range map[string]struct {
		n   authority.NewAPIKey
		may bool
	}{
		"an operator key for it":         {authority.NewAPIKey{Env: authority.Platform, Scopes: []string{"tokens:introspect"}}, true},
		"an operator key for more":       {authority.NewAPIKey{Env: authority.Platform, Scopes: []string{"events:read", "tokens:introspect"}}, true},
		"an operator key for other work": {authority.NewAPIKey{Env: authority.Platform, Scopes: []string{"events:read"}}, false},
		"another key of the merchant":    {authority.NewAPIKey{MerchantID: "4259", Env: "demo", Scopes: []string{"customers:read"}}, false},
	} {
		if may := h.client(h.Authority, h.key(tc.n)).MayIntrospect(claims); may != tc.may {
			t.Errorf("%s: %v", what, may)
		}
	}
	if !h.client(h.Authority, k).MayIntrospect(claims) {
		t.Error("its own: false")
	}
}

// C-159: with its API key a token ends, at that moment.
func TestATokenIsDeadWhenItsAPIKeyHasEnded(t *testing.T) {
	h := New(t)
	k := h.ready()
	token, _ := h.issue(h.Authority, k.request())
	h.raw(`UPDATE api_keys SET expires_at = ?`, started.Add(time.Second).UnixMilli())
	h.must(h.LoadDirectory(h.ctx))
	h.clock.advance(time.Second - time.Millisecond)
	if h.dead(h.Authority, token) {
		t.Error("it is dead before")
	}
	h.clock.advance(time.Millisecond)
	if !h.dead(h.Authority, token) {
		t.Error("it lives on")
	}
}
