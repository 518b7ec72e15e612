package authority_test

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// C-074, C-194: an API key of another merchant or environment does not exist for
// an actor that is bound to one, and is as it was; its own it makes no stronger than
// itself.
func TestAnActorManagesItsOwnAPIKeysAlone(t *testing.T) {
	h := New(t)
	own := h.ready()
	h.merchant("42")
	others := []*key{
		h.key(authority.NewAPIKey{MerchantID: "42", Env: "demo", Scopes: []string{"customers:read"}}),
		h.key(authority.NewAPIKey{MerchantID: "4259", Env: "production", Scopes: []string{"customers:read"}}),
	}
	bound := authority.Actor{ID: "api_key:x", Permissions: &authority.Permissions{
		Scopes: []string{authority.APIKeysRead, authority.APIKeysWrite, authority.APIKeysDelete}, MerchantID: "4259", Env: "demo",
		Bounds: &authority.Bounds{Scopes: []string{"customers:read", authority.APIKeysRead}},
	}}
	calls := func(id authority.ClientID, version int64, u authority.APIKeyUpdate) map[string]error {
		errs := map[string]error{}
		_, errs["read"] = h.APIKey(h.ctx, bound, id)
		_, errs["disable"] = h.DisableAPIKey(h.ctx, bound, id, version)
		_, errs["enable"] = h.EnableAPIKey(h.ctx, bound, id, version)
		u.IfVersion = version
		_, errs["update"] = h.UpdateAPIKey(h.ctx, bound, id, u)
		_, _, errs["rotate a secret"] = h.RotateSecret(h.ctx, bound, id, authority.Rotation{IfVersion: version})
		_, errs["delete a secret"] = h.DeleteSecret(h.ctx, bound, id, 1, false, version)
		errs["delete"] = h.DeleteAPIKey(h.ctx, bound, id, version)
		return errs
	}
	name := "Renamed"
	for _, k := range others {
		for what, err := range calls(k.ID, 0, authority.APIKeyUpdate{Name: &name}) {
			wantError(t, what, err, authority.ErrNotFound)
		}
		h.issue(h.Authority, k.request())
	}
	for f, n := range map[authority.APIKeyFilter]int{
		{}: 1, {MerchantID: "4259"}: 1, {Env: "demo"}: 1, {MerchantID: "42"}: 0, {Env: "production"}: 0, {MerchantID: "42", Env: "production"}: 0,
		{MerchantID: "42", Env: "demo"}: 0, {MerchantID: "4259", Env: "production"}: 0,
	} {
		if list, err := h.APIKeys(h.ctx, bound, f, "", 10); len(list) != n || err != nil {
			t.Errorf("%+v: got %d API keys, %v", f, len(list), err)
		}
	}
	for what, err := range calls(own.ID, own.Version+7, authority.APIKeyUpdate{}) {
		if what != "read" {
			wantError(t, what, err, authority.ErrVersion)
		}
	}
	// Its own has customers:write, which the actor has not.
	var forbidden *authority.ForbiddenError
	weaker, stronger, managing := []string{"customers:read"}, []string{"customers:read", "customers:write"}, []string{authority.APIKeysRead}
	if _, err := h.UpdateAPIKey(h.ctx, bound, own.ID, authority.APIKeyUpdate{Scopes: &weaker}); !errors.As(err, &forbidden) {
		t.Errorf("changing one that is stronger: %v", err)
	}
	_, err := h.UpdateAPIKey(h.ctx, actor, own.ID, authority.APIKeyUpdate{Scopes: &weaker})
	h.must(err)
	for what, scopes := range map[string]*[]string{"a scope of its own no more": &stronger, "a scope that people give": &managing} {
		if _, err := h.UpdateAPIKey(h.ctx, bound, own.ID, authority.APIKeyUpdate{Scopes: scopes}); !errors.As(err, &forbidden) {
			t.Errorf("%s: %v", what, err)
		}
	}
	h.must(h.DeleteAPIKey(h.ctx, bound, own.ID, 0))
	h.refused(h.Authority, own.request(), authority.UnknownID)
}

// What changes nothing is no change: no event, and no other version.
func TestWhatIsSoAlreadyIsNoChange(t *testing.T) {
	h := New(t)
	k := h.ready()
	_, err := h.DisableAPIKey(h.ctx, actor, k.ID, 0)
	h.must(err)
	before, err := h.APIKey(h.ctx, actor, k.ID)
	h.must(err)
	again, err := h.DisableAPIKey(h.ctx, actor, k.ID, 0)
	h.must(err)
	same, err := h.UpdateAPIKey(h.ctx, actor, k.ID, authority.APIKeyUpdate{})
	h.must(err)
	if again.Version != before.Version || same.Version != before.Version {
		t.Errorf("versions %d, %d, %d", before.Version, again.Version, same.Version)
	}
}

// The most and the last that may be are taken.
func TestLimitsOfAnAPIKeyAreTaken(t *testing.T) {
	h := New(t)
	h.ready()
	last := time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	k := h.key(authority.NewAPIKey{MerchantID: "4259", Env: "demo", ExpiresAt: last})
	if !k.ExpiresAt.Equal(last) {
		t.Errorf("it ends at %v", k.ExpiresAt)
	}
	var networks []string
	for i := range 51 {
		networks = append(networks, netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}).String())
	}
	if list, err := authority.ParseCIDRs(networks[:50]); len(list) != 50 || err != nil {
		t.Errorf("50 networks: got %d, %v", len(list), err)
	}
	_, err := authority.ParseCIDRs(networks)
	wantInvalid(t, "51 networks", err, "allowedCidrs")
	_, _, err = h.CreateAPIKey(h.ctx, actor, authority.NewAPIKey{MerchantID: "4259", Env: "staging", Name: "x"})
	for _, env := range environments() {
		if text := fmt.Sprint(err); !strings.Contains(text, env.Name) {
			t.Errorf("what environments there are is told as %s", text)
		}
	}
}

// An event tells what was set, and of an end that there is none any more.
func TestTheEventOfAnAPIKeyTellsWhatWasSet(t *testing.T) {
	h := New(t)
	k := h.ready()
	network := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	at := started.Add(time.Hour)
	bound := h.key(authority.NewAPIKey{MerchantID: "4259", Env: "demo", AllowedCIDRs: network, ExpiresAt: at})
	_, err := h.UpdateAPIKey(h.ctx, actor, bound.ID, authority.APIKeyUpdate{ExpiresAt: new(time.Time)})
	h.must(err)
	for id, want := range map[authority.ClientID][]string{
		k.ID:     {`{"description":"","name":"Orders sync","scopes":["customers:read","customers:write"]}`},
		bound.ID: {`{"expiresAt":null}`, `{"allowedCidrs":["192.0.2.0/24"],"description":"","expiresAt":"` + at.Format(time.RFC3339Nano) + `","name":"Orders sync","scopes":[]}`},
	} {
		events, err := h.Events(h.ctx, actor, authority.EventFilter{Subject: string(id)}, 0, 10)
		h.must(err)
		var got []string
		for _, e := range events {
			got = append(got, e.Details)
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
