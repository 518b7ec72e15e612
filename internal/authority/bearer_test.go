package authority_test

import (
	"errors"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/accesstoken"
	"github.com/tokenwright/tokenwright/internal/authority"
)

// C-074, C-194: the bearer of a token may do what its scopes say, on what its API key
// belongs to, and within what that has.
func TestWhatTheBearerOfATokenMayDo(t *testing.T) {
	h := New(t)
	network := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	h.merchant("4259")
	h.scope("customers:read")
	end := started.Add(2 * time.Hour)
	merchants := h.key(authority.NewAPIKey{
		MerchantID: "4259", Env: "demo", Scopes: []string{"api-keys:read", "api-keys:write", "customers:read"}, AllowedCIDRs: network, ExpiresAt: end,
	})
	operators := h.key(authority.NewAPIKey{Env: authority.Platform, Scopes: []string{"events:read", "merchants:read"}})
	gone := h.key(authority.NewAPIKey{MerchantID: "4259", Env: "demo"})
	h.must(h.DeleteAPIKey(h.ctx, actor, gone.ID, 0))
	for what, tc := range map[string]struct {
		claims accesstoken.Claims
		want   *authority.Permissions
	}{
		"of a merchant": {accesstoken.Claims{ClientID: string(merchants.ID), Env: "demo", Scope: "api-keys:read api-keys:write"}, &authority.Permissions{
			Scopes: []string{"api-keys:read", "api-keys:write"}, MerchantID: "4259", Env: "demo",
			Bounds: &authority.Bounds{Scopes: merchants.Scopes, AllowedCIDRs: network, ExpiresAt: end},
		}},
		"of an operator, that has asked for less": {accesstoken.Claims{ClientID: string(operators.ID), Env: authority.Platform, Scope: "events:read"}, &authority.Permissions{
			Scopes: []string{"events:read"}, Bounds: &authority.Bounds{Scopes: operators.Scopes},
		}},
		"of another environment": {accesstoken.Claims{ClientID: string(merchants.ID), Env: "production", Scope: "api-keys:read"}, nil},
		"of no environment":      {accesstoken.Claims{ClientID: tw.NewID("staging"), Env: "staging", Scope: "api-keys:read"}, nil},
		"of no client":           {accesstoken.Claims{ClientID: "x", Env: "demo", Scope: "api-keys:read"}, nil},
		"of nothing":             {accesstoken.Claims{Scope: "api-keys:read"}, nil},
		"of a key that is gone":  {accesstoken.Claims{ClientID: string(gone.ID), Env: "demo", Scope: "api-keys:read"}, nil},
	} {
		got, err := h.PermissionsOf(&tc.claims)
		if tc.want == nil {
			wantError(t, what, err, authority.ErrNotFound)
		}
		if !reflect.DeepEqual(got, tc.want) {
			t.Errorf("a token %s\ngot  %+v\nwant %+v", what, got, tc.want)
		}
	}
	for what, tc := range map[string]struct {
		p    *authority.Permissions
		want bool
	}{"nobody": {nil, false}, "somebody": {&authority.Permissions{Scopes: authority.ManagementScopes()}, false}, "everything": {authority.Everything(), true}} {
		if a := (authority.Actor{Permissions: tc.p}); a.MayEverything() != tc.want {
			t.Errorf("%s may do everything: %v", what, !tc.want)
		}
	}
}

// C-022: a node whose directory is too old says nothing of tokens and clients, and ends no
// revocation.
func TestAStaleNodeSaysNothing(t *testing.T) {
	h := New(t)
	k := h.ready()
	_, claims := h.issue(h.Authority, k.request())
	h.clock.advance(authority.DefaultMaxStaleness + time.Second)
	dead, err := h.Revoked("demo", claims, "x")
	if dead {
		t.Error("a token is dead by hearsay")
	}
	for what, err := range map[string]error{
		"Revoked": err, "VerificationKey": errorOf(h.VerificationKey("demo", "x")), "AuthenticateClient": errorOf(h.AuthenticateClient(k.request())),
		"PermissionsOf": errorOf(h.PermissionsOf(claims)), "SweepRevocations": h.SweepRevocations(h.ctx), "IssueToken": errorOf(h.IssueToken(k.request())),
		"Feed": errorOf(h.Feed("demo", 0)), "AwaitRevocations": h.AwaitRevocations(h.ctx, "demo", 0),
	} {
		wantError(t, what, err, authority.ErrStale)
	}
}

// C-194: who is bound makes no API key of others, none that is stronger, and enables none.
func TestAnActorMakesNoAPIKeyThatItMayNotHold(t *testing.T) {
	h := New(t)
	k := h.ready()
	h.merchant("42")
	bound := authority.Actor{ID: "api_key:x", Permissions: &authority.Permissions{
		Scopes: []string{authority.APIKeysWrite}, MerchantID: "4259", Env: "demo", Bounds: &authority.Bounds{Scopes: []string{"customers:read"}},
	}}
	create := func(n authority.NewAPIKey) error {
		n.Name = "n"
		_, _, err := h.CreateAPIKey(h.ctx, bound, n)
		return err
	}
	wantError(t, "of another merchant", create(authority.NewAPIKey{MerchantID: "42", Env: "demo"}), authority.ErrNotFound)
	wantError(t, "of another environment", create(authority.NewAPIKey{MerchantID: "4259", Env: "production"}), authority.ErrNotFound)
	h.must(errorOf(h.DisableAPIKey(h.ctx, bound, k.ID, 0)))
	for what, err := range map[string]error{
		"a stronger one":          create(authority.NewAPIKey{MerchantID: "4259", Env: "demo", Scopes: []string{"customers:write"}}),
		"a managing one":          create(authority.NewAPIKey{MerchantID: "4259", Env: "demo", Scopes: []string{"api-keys:read"}}),
		"enabling a stronger one": errorOf(h.EnableAPIKey(h.ctx, bound, k.ID, 0)),
	} {
		var forbidden *authority.ForbiddenError
		if !errors.As(err, &forbidden) {
			t.Errorf("%s: %v", what, err)
		}
	}
	h.refused(h.Authority, k.request(), authority.KeyDisabled)
	h.must(create(authority.NewAPIKey{MerchantID: "4259", Env: "demo", Scopes: []string{"customers:read"}}))
	_, err := h.UpdateAPIKey(h.ctx, actor, k.ID, authority.APIKeyUpdate{Scopes: &[]string{"merchants:read"}})
	wantInvalid(t, "an operator's scope", err, "scopes")
}

// a revocation that cannot be read is none that is passed over.
func TestARevocationThatCannotBeReadIsNotPassedOver(t *testing.T) {
	h := New(t)
	k := h.ready()
	is, err := h.Issuer("demo")
	h.must(err)
	kid := is.Keys[0].KeyID()
	for what, row := range map[string][]any{
		"of no environment": {"staging", k.ID, "", ""}, "of no token": {"demo", k.ID, "x", ""}, "of no API key": {"demo", "x", "", ""}, "": {"demo", "", "", kid},
	} {
		h.raw(`DELETE FROM revocations`)
		h.raw(`INSERT INTO revocations (seq, env, client_id, generation, jti, kid, expires_at, created_at) VALUES (1, ?, ?, 7, ?, ?, 0, ?)`,
			append(row, started.UnixMilli())...)
		h.raw(`UPDATE revocation_head SET seq = 1`)
		err := h.LoadDirectory(h.ctx)
		if what != "" {
			if err == nil {
				t.Errorf("a revocation %s is passed over", what)
			}
			continue
		}
		h.must(err)
		// Nor does a node sign a feed with a key that is revoked.
		if feed, err := h.Feed("demo", authority.WholeFeed); err == nil {
			t.Errorf("the revoked key signs %s", feed)
		}
	}
}

// C-195: the place in a list is read as it was written, and nothing else is.
func TestThePlaceOfAnAPIKeyIsReadAsWritten(t *testing.T) {
	for _, name := range []string{"Orders", "two  words ", ""} {
		p := authority.KeyPlace{ID: "twc_demo_x", Name: name, CreatedAt: started}
		if got, err := authority.ParseKeyPlace(p.String()); got != p || err != nil {
			t.Errorf("got %+v, %v, want %+v", got, err, p)
		}
	}
	for _, text := range []string{"", "a", "a 1", "a b c", "a 1.5 c", "  "} {
		if got, err := authority.ParseKeyPlace(text); err != authority.ErrCursor {
			t.Errorf("%q is read as %+v, %v", text, got, err)
		}
	}
}
