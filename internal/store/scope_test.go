package store

import (
	"testing"

	"github.com/tokenwright/tokenwright/internal/authority"
)

func testScopes(t *testing.T, s authority.Store) {
	initialize(t, s)
	addScope(t, s, "b:read", "a:write", "a-b:read", "a_b:read", "a:read")
	rewards := scope("rewards:read")
	rewards.Resource = "https://rewards.example.com"
	must(t, s.CreateScope(t.Context(), rewards, draft(authority.ScopeCreated, rewards.Name)))
	list := read(t, s).Scopes
	if got := names(list); got != "a-b:read a:read a:write a_b:read b:read rewards:read" {
		t.Errorf("scopes are in the order %s", got)
	}
	wantEqual(t, "scope", list[1], *scope("a:read"))
	wantEqual(t, "scope", list[5], *rewards)
	refused(t, s, authority.ErrExists, func() error {
		return s.CreateScope(t.Context(), scope("a:read"), draft(authority.ScopeCreated, "a:read"))
	})
}

func testDeleteScope(t *testing.T, s authority.Store) {
	initialize(t, s)
	addMerchant(t, s, "acme")
	// What only looks alike must not count as held: _ and % are wild in LIKE.
	addScope(t, s, "a_b:read", "axb:read", "b:read", "b:reader", "ab:read", "z:read")
	k := addKey(t, s, apiKey(1, "demo", "acme", "api-keys:read", "axb:read", "b:reader", "z:read"))
	drop := func(name string) error {
		return s.DeleteScope(t.Context(), name, draft(authority.ScopeDeleted, name))
	}
	for _, name := range []string{"a_b:read", "b:read", "ab:read"} {
		must(t, drop(name))
	}
	for _, held := range k.Scopes[1:] {
		refused(t, s, authority.ErrScopeInUse, func() error { return drop(held) })
	}
	k.Status, k.Version = authority.Disabled, 2
	must(t, s.UpdateAPIKey(t.Context(), k, limits, draft(authority.APIKeyDisabled, string(k.ID))))
	refused(t, s, authority.ErrScopeInUse, func() error { return drop("z:read") })
	refused(t, s, authority.ErrNotFound, func() error { return drop("a_b:read") })
	// What is not in the catalogue is not there, whoever holds what.
	for _, unknown := range []string{"%", "", "Z:READ", "api-keys:read"} {
		refused(t, s, authority.ErrNotFound, func() error { return drop(unknown) })
	}
	deleteKey(t, s, k.ID)
	must(t, drop("z:read"))
	addScope(t, s, "z:read") // names of scopes do return
}
