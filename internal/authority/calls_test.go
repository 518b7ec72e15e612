package authority_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// C-192, R-55: every call needs its own management scope, and no other; without it
// nothing happens.
func TestEveryCallNeedsItsScope(t *testing.T) {
	h := New(t)
	k := h.ready()
	h.merchant("42")
	h.rotate(k, authority.Rotation{Overlap: time.Hour})
	active, kid := h.demoKeys()[0].KeyID, h.demoKeys()[1].KeyID
	name := "Renamed"
	uses := authority.UsageQuery{APIKeyFilter: authority.APIKeyFilter{MerchantID: "42"}, From: started, To: started.Add(time.Hour), Interval: time.Hour}
	for _, c := range []struct {
		what, scope string
		call        func(authority.Actor) error
	}{
		{"APIKey", authority.APIKeysRead, func(a authority.Actor) error { return errorOf(h.APIKey(h.ctx, a, k.ID)) }},
		{"APIKeys", authority.APIKeysRead, func(a authority.Actor) error { return errorOf(h.APIKeys(h.ctx, a, authority.APIKeyFilter{}, "", 9)) }},
		{"KeyUses", authority.APIKeysRead, func(a authority.Actor) error { return errorOf(h.KeyUses(h.ctx, a, authority.KeyQuery{}, 9)) }},
		{"KeyCount", authority.APIKeysRead, func(a authority.Actor) error { return errorOf(h.KeyCount(h.ctx, a, "4259", "demo")) }},
		{"ActiveKeys", authority.APIKeysRead, func(a authority.Actor) error {
			return errorOf(h.ActiveKeys(h.ctx, a, []authority.MerchantID{"4259"}))
		}},
		{"APIKeyNames", authority.APIKeysRead, func(a authority.Actor) error {
			return errorOf(h.APIKeyNames(h.ctx, a, []authority.ClientID{k.ID}))
		}},
		{"CreateAPIKey", authority.APIKeysWrite, func(a authority.Actor) error {
			_, _, err := h.CreateAPIKey(h.ctx, a, authority.NewAPIKey{MerchantID: "4259", Env: "demo", Name: name})
			return err
		}},
		{"UpdateAPIKey", authority.APIKeysWrite, func(a authority.Actor) error {
			return errorOf(h.UpdateAPIKey(h.ctx, a, k.ID, authority.APIKeyUpdate{Name: &name}))
		}},
		{"RotateSecret", authority.APIKeysWrite, func(a authority.Actor) error {
			_, _, err := h.RotateSecret(h.ctx, a, k.ID, authority.Rotation{})
			return err
		}},
		{"DisableAPIKey", authority.APIKeysWrite, func(a authority.Actor) error { return errorOf(h.DisableAPIKey(h.ctx, a, k.ID, 0)) }},
		{"EnableAPIKey", authority.APIKeysWrite, func(a authority.Actor) error { return errorOf(h.EnableAPIKey(h.ctx, a, k.ID, 0)) }},
		{"DeleteSecret", authority.APIKeysDelete, func(a authority.Actor) error { return errorOf(h.DeleteSecret(h.ctx, a, k.ID, 1, false, 0)) }},
		{"DeleteAPIKey", authority.APIKeysDelete, func(a authority.Actor) error { return h.DeleteAPIKey(h.ctx, a, k.ID, 0) }},
		{"Merchant", authority.MerchantsRead, func(a authority.Actor) error { return errorOf(h.Merchant(h.ctx, a, "42")) }},
		{"Merchants", authority.MerchantsRead, func(a authority.Actor) error {
			return errorOf(h.Merchants(h.ctx, a, authority.MerchantFilter{}, "", 9))
		}},
		{"MerchantNames", authority.MerchantsRead, func(a authority.Actor) error {
			return errorOf(h.MerchantNames(h.ctx, a, []authority.MerchantID{"42"}))
		}},
		{"CreateMerchant", authority.MerchantsWrite, func(a authority.Actor) error {
			return errorOf(h.CreateMerchant(h.ctx, a, authority.NewMerchant{ID: "7", Name: name}))
		}},
		{"UpdateMerchant", authority.MerchantsWrite, func(a authority.Actor) error {
			return errorOf(h.UpdateMerchant(h.ctx, a, "42", authority.MerchantUpdate{Name: &name}))
		}},
		{"SuspendMerchant", authority.MerchantsWrite, func(a authority.Actor) error { return errorOf(h.SuspendMerchant(h.ctx, a, "42", 0)) }},
		{"ResumeMerchant", authority.MerchantsWrite, func(a authority.Actor) error { return errorOf(h.ResumeMerchant(h.ctx, a, "42", 0)) }},
		{"DeleteMerchant", authority.MerchantsDelete, func(a authority.Actor) error { return h.DeleteMerchant(h.ctx, a, "42", 0) }},
		{"Scopes", authority.ScopesRead, func(a authority.Actor) error { return errorOf(h.Scopes(h.ctx, a)) }},
		{"CreateScope", authority.ScopesWrite, func(a authority.Actor) error {
			return errorOf(h.CreateScope(h.ctx, a, authority.Scope{Name: "coupons:read"}))
		}},
		{"DeleteScope", authority.ScopesDelete, func(a authority.Actor) error { return h.DeleteScope(h.ctx, a, "coupons:read") }},
		{"SigningKeys", authority.SigningKeysRead, func(a authority.Actor) error { return errorOf(h.SigningKeys(h.ctx, a)) }},
		{"Nodes", authority.SigningKeysRead, func(a authority.Actor) error { return errorOf(h.Nodes(h.ctx, a)) }},
		{"RotateSigningKey", authority.SigningKeysWrite, func(a authority.Actor) error { return errorOf(h.RotateSigningKey(h.ctx, a, "demo")) }},
		{"ReplaceSigningKey", authority.SigningKeysWrite, func(a authority.Actor) error { return errorOf(h.ReplaceSigningKey(h.ctx, a, "demo", active)) }},
		{"RevokeSigningKey", authority.SigningKeysDelete, func(a authority.Actor) error { return errorOf(h.RevokeSigningKey(h.ctx, a, kid, true)) }},
		{"Events", authority.EventsRead, func(a authority.Actor) error { return errorOf(h.Events(h.ctx, a, authority.EventFilter{}, 0, 9)) }},
		{"UsageSeries", authority.UsageRead, func(a authority.Actor) error { return errorOf(h.UsageSeries(h.ctx, a, uses)) }},
		{"TopKeys", authority.UsageRead, func(a authority.Actor) error { return errorOf(h.TopKeys(h.ctx, a, uses, 9)) }},
	} {
		before, err := h.store.EventHead(h.ctx)
		h.must(err)
		others := slices.DeleteFunc(authority.ManagementScopes(), func(s string) bool { return s == c.scope })
		var forbidden *authority.ForbiddenError
		err = c.call(authority.Actor{ID: "user:1", Permissions: &authority.Permissions{Scopes: others}})
		if !errors.As(err, &forbidden) || forbidden.Scope != c.scope {
			t.Errorf("%s with all scopes but its own: %v", c.what, err)
		}
		after, err := h.store.EventHead(h.ctx)
		h.must(err)
		if after.Seq != before.Seq {
			t.Errorf("%s without its scope has made an event", c.what)
		}
		if err := c.call(authority.Actor{ID: "user:1", Permissions: &authority.Permissions{Scopes: []string{c.scope}}}); err != nil {
			t.Errorf("%s with its scope alone: %v", c.what, err)
		}
	}
}
