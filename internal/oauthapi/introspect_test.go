package oauthapi

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/accesstoken"
	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/verify"
)

// about asks demo's introspection or revocation endpoint about a token.
func (in *installation) about(endpoint string, k apiKey, token string, extra ...string) *answer {
	in.Helper()
	pairs := append([]string{"token", token, "client_id", k.id, "client_secret", k.secret}, extra...)
	return in.post("/demo/oauth/"+endpoint, asForm.contentType, formBody(pairs...))
}

func (in *installation) active(k apiKey, token string) {
	in.Helper()
	a := in.about("introspect", k, token)
	if !strings.HasPrefix(a.body, `{"active":true,`) || a.status != http.StatusOK {
		in.Errorf("got %d %s, want an active token", a.status, a.body)
	}
}

// inactive holds that nothing but inactive is told (C-157).
func (in *installation) inactive(k apiKey, token string) {
	in.Helper()
	a := in.about("introspect", k, token)
	if a.body != `{"active":false}` || a.status != http.StatusOK {
		in.Errorf("got %d %s, want exactly {\"active\":false}", a.status, a.body)
	}
	a.wantHeader("Cache-Control", "no-store")
	a.wantHeader("Content-Type", "application/json")
}

func (in *installation) token(k apiKey, extra ...string) string {
	in.Helper()
	return in.ask(asForm, k.request(extra...)).issued("demo").token
}

func TestIntrospection(t *testing.T) { // C-156, C-161
	in := install(t, nil)
	k := in.key("demo", "customers:read")
	i := in.ask(asForm, k.request()).issued("demo")
	for _, hint := range [][]string{nil, {"token_type_hint", "access_token"}, {"token_type_hint", "refresh_token"}, {"token_type_hint", "x"}} {
		a := in.about("introspect", k, i.token, hint...)
		a.wantHeader("Cache-Control", "no-store")
		want := `{"active":true,"iss":"` + base + `/demo","aud":"` + base + `/demo/api","sub":"` + k.id + `","client_id":"` + k.id +
			`","iat":1764000000,"exp":1764003600,"jti":"` + i.ID + `","scope":"customers:read","token_type":"bearer","claims":{"env":"demo","merchantId":4259}}`
		if a.status != http.StatusOK || a.body != want {
			t.Errorf("got %d %s\nwant %s", a.status, a.body, want)
		}
	}
	a := in.post("/demo/oauth/introspect", asForm.contentType, formBody("token", i.token), basic(k.id, k.secret)...)
	if !strings.HasPrefix(a.body, `{"active":true`) {
		t.Errorf("by Basic: got %d %s", a.status, a.body)
	}
}

func TestIntrospectionWantsACaller(t *testing.T) { // C-155
	in := install(t, nil)
	k := in.key("demo", "customers:read")
	token := in.token(k)
	in.post("/demo/oauth/introspect", asForm.contentType, formBody("token", token)).refused(reasonNoCredentials)
	in.post("/demo/oauth/introspect", asForm.contentType, formBody("token", token, "client_id", k.id)).refused(reasonNoCredentials)
	in.post("/demo/oauth/introspect", asForm.contentType, formBody("token", token, "client_secret", k.secret)).refused(reasonNoCredentials)
	in.about("introspect", apiKey{k.id, in.key("demo").secret}, token).refused(string(authority.WrongSecret))
	in.about("introspect", k, "").refused(reasonNoToken)
	in.get("/demo/oauth/introspect?token=" + token).refused(reasonMethod)
	in.post("/demo/oauth/introspect", asJSON.contentType, jsonBody("token", token, "client_id", k.id, "client_secret", k.secret)).refused(reasonNotForm)
}

// Only the token's own API key, and operator keys with tokens:introspect, hear
// of a token (C-158).
func TestWhoMayIntrospect(t *testing.T) {
	in := install(t, nil)
	k := in.key("demo", "customers:read")
	token := in.token(k)
	in.active(k, token)
	in.active(in.operatorKey("tokens:introspect"), token)
	for name, other := range map[string]apiKey{
		"of the same merchant":          in.key("demo", "customers:read"),
		"of an operator for other work": in.operatorKey("merchants:read"),
	} {
		t.Log(name)
		in.inactive(other, token)
	}
	in.about("introspect", in.key("production", "customers:read"), token).refused(string(authority.IDOtherEnvironment))
}

// What is not to be believed any more is not active, from the next request on
// (C-157, C-159, C-160, C-182).
func TestDeadTokensAreInactive(t *testing.T) {
	ctx := t.Context()
	for name, kill := range map[string]func(in *installation, k apiKey, token string) error{
		"expired": func(in *installation, _ apiKey, _ string) error { in.advance(time.Hour); return in.LoadDirectory(ctx) },
		"deleted": func(in *installation, k apiKey, _ string) error {
			return in.DeleteAPIKey(ctx, actor, authority.ClientID(k.id), 0)
		},
		"disabled": func(in *installation, k apiKey, _ string) error {
			_, err := in.DisableAPIKey(ctx, actor, authority.ClientID(k.id), 0)
			return err
		},
		"disabled and enabled": func(in *installation, k apiKey, _ string) error {
			_, err := in.DisableAPIKey(ctx, actor, authority.ClientID(k.id), 0)
			in.must(err)
			_, err = in.EnableAPIKey(ctx, actor, authority.ClientID(k.id), 0)
			return err
		},
		"suspended": func(in *installation, _ apiKey, _ string) error {
			_, err := in.SuspendMerchant(ctx, actor, merchant, 0)
			return err
		},
		"rotated with --revoke-tokens": func(in *installation, k apiKey, _ string) error {
			_, _, err := in.RotateSecret(ctx, actor, authority.ClientID(k.id), authority.Rotation{Overlap: time.Hour, RevokeTokens: true})
			return err
		},
		"expiry brought forward": func(in *installation, k apiKey, _ string) error {
			end := in.time().Add(30 * time.Minute)
			_, err := in.UpdateAPIKey(ctx, actor, authority.ClientID(k.id), authority.APIKeyUpdate{ExpiresAt: &end})
			return err
		},
		"revoked": func(in *installation, k apiKey, token string) error {
			a := in.about("revoke", k, token)
			if a.status != http.StatusOK || a.body != "{}" {
				in.Errorf("revoking: %d %s", a.status, a.body)
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			in := install(t, nil)
			k, operator := in.key("demo", "customers:read"), in.operatorKey("tokens:introspect")
			token := in.token(k)
			in.active(operator, token)
			in.must(kill(in, k, token))
			in.inactive(operator, token)
		})
	}
}

func TestOddTokensAreInactive(t *testing.T) { // C-157
	in := install(t, nil)
	k := in.key("demo", "customers:read")
	token := in.token(k)
	production := in.key("production", "customers:read")
	foreign := in.ask(asForm, production.request()).issued("production").token
	operator := in.operatorKey("tokens:introspect")
	parts := strings.Split(token, ".")
	feed := in.get("/demo/oauth/revocations").body
	for _, odd := range []string{
		"x", "..", parts[0] + "." + parts[1] + ".", token + "x", token[:len(token)-1], parts[0] + "." + parts[1] + "." + strings.Repeat("A", 86),
		foreign, feed, strings.Repeat("a.", 5000), "\x00",
	} {
		in.inactive(operator, odd)
	}
}

// An unknown answer must not be told as no (C-022).
func TestStaleIntrospectionIsNoAnswer(t *testing.T) {
	in := install(t, nil)
	k := in.key("demo", "customers:read")
	token := in.token(k)
	in.advance(6 * time.Minute)
	for _, a := range []*answer{in.about("introspect", k, token), in.about("revoke", k, token), in.get("/demo/oauth/revocations"), in.get("/demo/oauth/revocations?after=0")} {
		a.refused(reasonStale)
		a.wantHeader("Retry-After", "5")
	}
}

// C-165, C-166, C-167, C-171, C-172.
func TestRevocationEndpoint(t *testing.T) {
	in := install(t, nil)
	k, other := in.key("demo", "customers:read"), in.key("demo", "customers:read")
	operator := in.operatorKey("tokens:introspect")
	mine, stays, theirs := in.token(k), in.token(k), in.token(other)
	done := func(a *answer) {
		t.Helper()
		if a.status != http.StatusOK || a.body != "{}" {
			t.Errorf("got %d %s, want 200 {}", a.status, a.body)
		}
		a.wantHeader("Cache-Control", "no-store")
	}
	done(in.about("revoke", k, theirs)) // silent, and without effect
	in.active(operator, theirs)
	done(in.about("revoke", k, mine, "token_type_hint", "nonsense"))
	in.inactive(operator, mine)
	in.active(operator, stays)
	for _, nothing := range []string{mine, "x", mine[:len(mine)-2] + "AA", in.ask(asForm, in.key("production", "customers:read").request()).issued("production").token} {
		done(in.about("revoke", k, nothing))
	}
	if list, _, err := in.store.Revocations(t.Context(), 0, 100); err != nil || len(list) != 1 {
		t.Errorf("%d revocations are stored, want 1: %v", len(list), err)
	}
	in.about("revoke", k, "").refused(reasonNoToken)
	in.about("revoke", apiKey{k.id, other.secret}, stays).refused(string(authority.WrongSecret))
	in.about("revoke", in.key("production"), stays).refused(string(authority.IDOtherEnvironment))
	done(in.about("revoke", operator, stays)) // it may ask, not revoke
	in.get("/demo/oauth/revoke?token=" + stays + "&callback=x").refused(reasonMethod)
	in.active(operator, stays)
}

// Beyond a hundred single tokens of an API key, all its tokens die: what is
// listed stays bounded.
func TestManyRevokedTokensBecomeACutoff(t *testing.T) {
	in := install(t, nil)
	k, operator := in.key("demo", "customers:read"), in.operatorKey("tokens:introspect")
	last := in.token(k)
	for range 100 {
		in.about("revoke", k, in.token(k))
	}
	in.active(operator, last)
	in.about("revoke", k, in.token(k))
	in.inactive(operator, last)
	in.advance(2 * time.Second)
	in.active(operator, in.token(k))
	f := in.feed("")
	if len(f.Tokens) != 100 || len(f.Cutoffs) != 1 || f.Cutoffs[0].ClientID != k.id {
		t.Errorf("the feed lists %d tokens and the cut-offs %+v", len(f.Tokens), f.Cutoffs)
	}
}

// A token that a node issued which had not heard of a cut-off is dead by
// introspection, and by the rule of the feed (C-160).
func TestTokenOfALaggingNodeIsDead(t *testing.T) {
	in := install(t, nil)
	k, operator := in.key("demo", "customers:read"), in.operatorKey("tokens:introspect")
	lagging, err := authority.Open(t.Context(), in.config)
	in.must(err)
	in.must(lagging.LoadDirectory(t.Context()))
	_, err = in.UpdateAPIKey(t.Context(), actor, authority.ClientID(k.id), authority.APIKeyUpdate{RevokeTokens: true})
	in.must(err)
	in.advance(time.Second) // after the cut-off, by the clock
	old, err := lagging.IssueToken(&authority.TokenRequest{ClientID: k.id, ClientSecret: k.secret})
	in.must(err)
	in.inactive(operator, string(old.AccessToken))
	fresh := in.ask(asForm, k.request()).issued("demo")
	in.active(operator, fresh.token)
	f := in.feed("")
	at := slices.IndexFunc(f.Cutoffs, func(c accesstoken.Cutoff) bool { return c.ClientID == k.id })
	claims := claimsOf(in, string(old.AccessToken))
	if at < 0 || claims.Generation >= f.Cutoffs[at].Generation || fresh.Generation < f.Cutoffs[at].Generation {
		t.Errorf("generations: old %d, new %d, feed %+v", claims.Generation, fresh.Generation, f.Cutoffs)
	}
}

// The directory may become too old between the authentication of the client and
// the look at the token.
func TestADirectoryThatIsTooOldMakesNoTokenDead(t *testing.T) { // C-157, C-169
	in := install(t, nil)
	token := in.ask(asForm, in.key("demo", "customers:read").request()).issued("demo").token
	env := &in.Environments()[0]
	introspection, gateways := AnyVerifier(in.Authority, env), Verifier(in.Authority, env, env.Audience)
	if _, err := gateways.Verify(t.Context(), token); err != nil { // which is kept now
		t.Errorf("a good token: %v", err)
	}
	in.advance(6 * time.Minute)
	for _, verifier := range []*verify.Verifier{introspection, gateways} {
		if claims, err := verifier.Verify(t.Context(), token); claims != nil || !errors.Is(err, authority.ErrStale) {
			t.Errorf("got %v, %v, want that the directory is too old", claims, err)
		}
	}
}

// C-106, C-110, R-30: what else is verified here knows of revocation at once.
func TestAVerifierOfThisNodeIsForOneAudience(t *testing.T) {
	in := install(t, nil)
	key := in.key("demo", "customers:read")
	token := in.ask(asForm, key.request()).issued("demo").token
	demo, production := &in.Environments()[0], &in.Environments()[1]
	v := Verifier(in.Authority, demo, demo.Audience)
	for what, tc := range map[string]struct {
		verifier *verify.Verifier
		want     error
	}{
		"its own":             {v, nil},
		"another audience":    {Verifier(in.Authority, demo, reports), verify.ErrAudience},
		"another environment": {Verifier(in.Authority, production, demo.Audience), verify.ErrKey},
	} {
		if _, err := tc.verifier.Verify(t.Context(), token); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", what, err, tc.want)
		}
	}
	_, err := in.DisableAPIKey(t.Context(), actor, authority.ClientID(key.id), 0)
	in.must(err)
	if _, err := v.Verify(t.Context(), token); !errors.Is(err, verify.ErrRevoked) {
		t.Errorf("after its API key was disabled: %v", err)
	}
}
