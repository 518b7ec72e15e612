package authority_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/internal/accesstoken"
	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/jose"
)

// C-080, C-081, C-082, C-083, C-084.
func TestTokenCarriesTheClaimsOfItsAPIKey(t *testing.T) {
	h := New(t)
	k := h.ready()
	token, claims := h.issue(h.Authority, k.request())
	want := accesstoken.Claims{
		Issuer: base + "/demo", Audience: base + "/demo/api", Subject: string(k.ID), ClientID: string(k.ID),
		IssuedAt: started.Unix(), Expiry: started.Unix() + 3600, ID: token.ID, Generation: started.Unix(),
		Scope: "customers:read customers:write", Env: "demo",
		MerchantID: accesstoken.MerchantID{Text: "4259", Number: true},
	}
	if *claims != want {
		t.Errorf("claims\ngot  %+v\nwant %+v", *claims, want)
	}
	wantToken := authority.Token{
		AccessToken: token.AccessToken, ExpiresIn: 3600, Scope: want.Scope, ClientID: k.ID, Env: "demo", SecretID: 1, ID: claims.ID,
	}
	if !reflect.DeepEqual(token, wantToken) {
		t.Errorf("token\ngot  %+v\nwant %+v", token, wantToken)
	}
	for env, alg := range map[string]string{"demo": "ES256", "production": "EdDSA"} {
		k := h.key(authority.NewAPIKey{MerchantID: "4259", Env: env, Scopes: []string{"customers:read"}})
		token, err := h.IssueToken(k.request())
		h.must(err)
		encoded, _, _ := strings.Cut(string(token.AccessToken), ".")
		raw, err := jose.DecodeBase64(encoded)
		h.must(err)
		var header map[string]string
		h.must(json.Unmarshal(raw, &header))
		if len(header) != 3 || header["typ"] != "at+jwt" || header["alg"] != alg || header["kid"] == "" {
			t.Errorf("header of %s: %s", env, raw)
		}
	}
}

// C-065, C-066, C-067, C-068, C-069, C-070, C-071: what is asked for is granted
// as it is, or refused; nothing is normalised or widened.
func TestTokenHasTheScopesThatWereAskedFor(t *testing.T) {
	h := New(t)
	h.ready()
	h.scope("payments:read")
	k := h.key(authority.NewAPIKey{MerchantID: "4259", Env: "demo", Scopes: []string{"payments:read", "customers:write", "customers:read"}})
	all := "customers:read customers:write payments:read"
	for scope, want := range map[string]string{
		"": all, all: all, "payments:read": "payments:read",
		"payments:read customers:read":                "customers:read payments:read",
		"customers:read payments:read":                "customers:read payments:read",
		"payments:read payments:read":                 "payments:read",
		"customers:read payments:read customers:read": "customers:read payments:read",
	} {
		r := k.request()
		r.Scope = scope
		if token, claims := h.issue(h.Authority, r); token.Scope != want || claims.Scope != want {
			t.Errorf("asked for %q: granted %q, in the token %q", scope, token.Scope, claims.Scope)
		}
	}
	for _, scope := range []string{
		"payments", "payments:", "payments:*", "*", "payments:readwrite", "payments:read:", "payments%3Aread", "Payments:read",
		"payments:READ", "payments:rea", "payments:read,customers:read", "payments:write", "payments:read payments:write",
		"coupons:read", "payments:read+customers:read", "api-keys:read", "merchants:read", "openid",
	} {
		r := k.request()
		r.Scope = scope
		h.refused(h.Authority, r, authority.ScopeNotHeld)
	}
	for _, scope := range []string{
		" ", "  ", " payments:read", "payments:read ", "payments:read  customers:read", "payments:read\tcustomers:read",
		"payments:read\n", `"payments:read"`, `payments\:read`, "payments:read\u00a0customers:read", "ｐayments:read",
		"payments\u200d:read", "payments:read\x00", "\x7f", strings.Repeat("payments:read ", 10_000) + "payments:read",
		strings.Repeat("a ", 101) + "a", strings.Repeat("a", 3000),
	} {
		r := k.request()
		r.Scope = scope
		h.refused(h.Authority, r, authority.ScopeForm)
	}
	none := h.key(authority.NewAPIKey{MerchantID: "4259", Env: "production"})
	h.refused(h.Authority, none.request(), authority.ScopeNone)
}

// DESIGN 4.2: a token has exactly one audience.
func TestTokenHasOneAudience(t *testing.T) {
	h := New(t)
	h.merchant("4259")
	const rewards, coupons = "https://rewards.example.com", "https://coupons.example.com/v1"
	h.scope("customers:read", "rewards:read "+rewards, "rewards:write "+rewards, "coupons:read "+coupons, "unheld:read https://unheld.example.com")
	k := h.key(authority.NewAPIKey{MerchantID: "4259", Env: "demo", Scopes: []string{
		"customers:read", "rewards:read", "rewards:write", "coupons:read", "api-keys:read", "api-keys:write"}})
	only := h.key(authority.NewAPIKey{MerchantID: "4259", Env: "demo", Scopes: []string{"rewards:read", "api-keys:read"}})
	operator := h.key(authority.NewAPIKey{Env: authority.Platform, Scopes: []string{"merchants:read", "events:read"}})
	api, admin := base+"/demo/api", base+"/admin"
	for _, c := range []struct {
		key             *key
		resource, scope string
		aud, granted    string
		reason          authority.Reason
	}{
		// Nothing asked for: the environment's own API.
		{k, "", "", api, "customers:read", ""},
		{only, "", "", "", "", authority.ScopeNone},
		{operator, "", "", admin, "events:read merchants:read", ""},
		// resource selects.
		{k, api, "", api, "customers:read", ""},
		{k, rewards, "", rewards, "rewards:read rewards:write", ""},
		{k, coupons, "", coupons, "coupons:read", ""},
		{k, admin, "", admin, "api-keys:read api-keys:write", ""},
		{k, rewards, "rewards:write", rewards, "rewards:write", ""},
		{k, rewards, "customers:read", "", "", authority.ScopeOther},
		{k, rewards, "rewards:read customers:read", "", "", authority.ScopeOther},
		{k, rewards, "api-keys:read", "", "", authority.ScopeOther},
		{k, "https://unheld.example.com", "", "", "", authority.ScopeNone},
		{operator, admin, "events:read", admin, "events:read", ""},
		{operator, rewards, "", "", "", authority.ScopeNone},
		// Unknown ones, or another spelling of a known one.
		{k, "https://unknown.example.com", "", "", "", authority.ResourceUnknown},
		{k, rewards + "/", "", "", "", authority.ResourceUnknown},
		{k, "/admin", "", "", "", authority.ResourceUnknown},
		{k, base + "/demo", "", "", "", authority.ResourceUnknown},
		{k, base + "/production/api", "", "", "", authority.ResourceUnknown},
		{operator, api, "", "", "", authority.ResourceUnknown},
		// Else the scopes do.
		{k, "", "rewards:read", rewards, "rewards:read", ""},
		{k, "", "coupons:read", coupons, "coupons:read", ""},
		{k, "", "api-keys:write", admin, "api-keys:write", ""},
		{k, "", "rewards:read coupons:read", "", "", authority.ScopeTwoResource},
		{k, "", "customers:read rewards:read", "", "", authority.ScopeTwoResource},
		{k, "", "api-keys:read customers:read", "", "", authority.ScopeTwoResource},
		{operator, "", "merchants:read", admin, "merchants:read", ""},
		{operator, "", "customers:read", "", "", authority.ScopeNotHeld},
	} {
		r := c.key.request()
		r.Resource, r.Scope = c.resource, c.scope
		if c.reason != "" {
			h.refused(h.Authority, r, c.reason)
			continue
		}
		token, err := h.IssueToken(r)
		if err != nil {
			t.Errorf("resource %q, scope %q: %v", c.resource, c.scope, err)
			continue
		}
		if claims := h.verify(h.Authority, token); claims.Audience != c.aud || claims.Scope != c.granted {
			t.Errorf("resource %q, scope %q: %q for %q, want %q for %q",
				c.resource, c.scope, claims.Scope, claims.Audience, c.granted, c.aud)
		}
	}
	_, claims := h.issue(h.Authority, operator.request())
	if claims.MerchantID != (accesstoken.MerchantID{}) || claims.Env != authority.Platform || claims.Issuer != base+"/platform" {
		t.Errorf("claims of an operator key: %+v", claims)
	}
}

// C-072, C-073: environment and merchant are facts of the API key, and no key
// of one environment verifies a token of another.
func TestTokenNeverVerifiesInAnotherEnvironment(t *testing.T) {
	h := New(t)
	demo := h.ready()
	production := h.key(authority.NewAPIKey{MerchantID: "4259", Env: "production", Scopes: []string{"customers:read"}})
	operator := h.key(authority.NewAPIKey{Env: authority.Platform, Scopes: []string{"events:read"}})
	issuers, kids := map[string]bool{}, map[string]bool{}
	for _, k := range []*key{demo, production, operator} {
		token, claims := h.issue(h.Authority, k.request())
		m, err := jose.Parse(string(token.AccessToken))
		h.must(err)
		for _, env := range []string{"demo", "production", authority.Platform} {
			if err := verifyWith(h.Authority, env, m); (err == nil) != (env == k.Env) {
				t.Errorf("a token of %s verifies in %s: %v", k.Env, env, err)
			}
			r := k.request()
			r.Env = env
			if env == k.Env {
				h.issue(h.Authority, r)
			} else {
				h.refused(h.Authority, r, authority.IDOtherEnvironment)
			}
		}
		if claims.Env != k.Env || issuers[claims.Issuer] || kids[m.KeyID] {
			t.Errorf("issuer %s or key %s stands for two environments, or the claim env is %s", claims.Issuer, m.KeyID, claims.Env)
		}
		issuers[claims.Issuer], kids[m.KeyID] = true, true
	}
}

// C-085.
func TestTokenIDsDoNotRepeat(t *testing.T) {
	h := New(t)
	k := h.ready()
	seen := map[string]bool{}
	for range 500 {
		token, claims := h.issue(h.Authority, k.request())
		raw, err := jose.DecodeBase64(claims.ID)
		if err != nil || len(raw) != 16 || claims.ID != token.ID || seen[claims.ID] {
			t.Fatalf("jti %q, again or not of 128 bits", claims.ID)
		}
		seen[claims.ID] = true
	}
}

// C-090: with the scopes of a whole catalogue a token is a header of usual size,
// and names nothing that is not the caller's.
func TestTokenIsSmall(t *testing.T) {
	h := New(t)
	h.merchant("9007199254740991")
	var scopes []string
	for _, collection := range []string{"customers", "coupons", "rewards", "campaigns"} {
		for _, level := range []string{"read", "write", "delete"} {
			scopes = append(scopes, collection+":"+level)
		}
	}
	h.scope(scopes...)
	for _, env := range []string{"demo", "production"} {
		k := h.key(authority.NewAPIKey{MerchantID: "9007199254740991", Env: env, Name: "A secret project", Scopes: scopes})
		token, claims := h.issue(h.Authority, k.request())
		if len(token.AccessToken) >= 1536 || len(strings.Fields(claims.Scope)) != 12 {
			t.Errorf("%d bytes for %d scopes", len(token.AccessToken), len(strings.Fields(claims.Scope)))
		}
		payload, err := jose.Parse(string(token.AccessToken))
		h.must(err)
		for _, private := range []string{"secret", "Merchant", "root", k.secret.Hint()} {
			if strings.Contains(string(payload.Payload), private) {
				t.Errorf("%q is in %s", private, payload.Payload)
			}
		}
	}
}

func TestTokenOfTextMerchant(t *testing.T) {
	h := newWith(t, authority.MerchantText, t.Output())
	h.merchant("ac-me_1", "4259")
	h.scope("customers:read")
	for _, id := range []authority.MerchantID{"ac-me_1", "4259"} {
		k := h.key(authority.NewAPIKey{MerchantID: id, Env: "demo", Scopes: []string{"customers:read"}})
		if _, claims := h.issue(h.Authority, k.request()); claims.MerchantID != (accesstoken.MerchantID{Text: string(id)}) {
			t.Errorf("merchant %s stands in the token as %+v", id, claims.MerchantID)
		}
	}
}

func BenchmarkIssueToken(b *testing.B) {
	h := New(b)
	h.scope("customers:read", "customers:write")
	requests := make([]*authority.TokenRequest, 1000)
	for i := range requests {
		id := authority.MerchantID(fmt.Sprint(1 + i/3))
		if i%3 == 0 {
			h.merchant(id)
		}
		k := h.key(authority.NewAPIKey{MerchantID: id, Env: "demo", Scopes: []string{"customers:read", "customers:write"}})
		requests[i] = k.request()
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if _, err := h.IssueToken(requests[i%len(requests)]); err != nil {
			b.Fatal(err)
		}
		i++
	}
}
