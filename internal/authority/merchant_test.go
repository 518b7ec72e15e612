package authority_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// naughty are texts that a name, a list or a log must not carry.
var naughty = []string{
	"\x00", "\n", "\r", "\t", "\x1b[31m", "\x7f", "\u0085", "\u009b", "\u2028", "\u2029", "\u061c", "\u200e", "\u200f",
	"\u202a", "\u202b", "\u202c", "\u202d", "\u202e", "\u2066", "\u2067", "\u2068", "\u2069", "\xff", "\xed\xa0\x80",
}

// harmless are texts that look dangerous and are somebody's name.
var harmless = []string{
	"<script>alert(1)</script>", "'; DROP TABLE merchants; --", "=1+1", "Zoë & Søns", "日本語", "🏳️‍🌈", "${jndi:ldap://x}", "%s%n", `C:\`,
	`"quoted"`, "null", "-", "مرحبا", "a\u0301", "{{7*7}}", "../../etc/passwd", strings.Repeat("🎉", 100),
}

// C-226.
func TestNamesHaveNoControlCharacters(t *testing.T) {
	h := New(t)
	k := h.ready()
	for _, text := range naughty {
		for _, name := range []string{text, "a" + text + "b", text + "a"} {
			wantInvalid(t, fmt.Sprintf("merchant %q", name), errorOf(h.CreateMerchant(h.ctx, actor, authority.NewMerchant{ID: "1", Name: name})), "name")
			wantInvalid(t, fmt.Sprintf("merchant renamed %q", name),
				errorOf(h.UpdateMerchant(h.ctx, actor, "4259", authority.MerchantUpdate{Name: &name})), "name")
			_, _, err := h.CreateAPIKey(h.ctx, actor, authority.NewAPIKey{MerchantID: "4259", Env: "demo", Name: name})
			wantInvalid(t, fmt.Sprintf("API key %q", name), err, "name")
			wantInvalid(t, fmt.Sprintf("API key renamed %q", name),
				errorOf(h.UpdateAPIKey(h.ctx, actor, k.ID, authority.APIKeyUpdate{Name: &name})), "name")
			wantInvalid(t, fmt.Sprintf("API key described %q", name),
				errorOf(h.UpdateAPIKey(h.ctx, actor, k.ID, authority.APIKeyUpdate{Description: &name})), "description")
			wantInvalid(t, fmt.Sprintf("scope %q", name),
				errorOf(h.CreateScope(h.ctx, actor, authority.Scope{Name: "x:read", Description: name})), "description")
		}
	}
	for _, name := range harmless {
		h.must(errorOf(h.UpdateMerchant(h.ctx, actor, "4259", authority.MerchantUpdate{Name: &name})))
		m, err := h.Merchant(h.ctx, actor, "4259")
		h.must(err)
		h.must(errorOf(h.UpdateAPIKey(h.ctx, actor, k.ID, authority.APIKeyUpdate{Name: &name, Description: &name})))
		got, err := h.APIKey(h.ctx, actor, k.ID)
		h.must(err)
		if m.Name != name || got.Name != name || got.Description != name {
			t.Errorf("%q is kept as %q, %q and %q", name, m.Name, got.Name, got.Description)
		}
	}
	if _, err := h.VerifyEvents(h.ctx, nil, nil); err != nil {
		t.Error(err)
	}
	wantInvalid(t, "too long", errorOf(h.CreateMerchant(h.ctx, actor, authority.NewMerchant{ID: "1", Name: strings.Repeat("ä", 101)})), "name")
	wantInvalid(t, "empty", errorOf(h.CreateMerchant(h.ctx, actor, authority.NewMerchant{ID: "1", Name: ""})), "name")
	wantInvalid(t, "limit", errorOf(h.UpdateMerchant(h.ctx, actor, "4259", authority.MerchantUpdate{KeyLimit: new(-1)})), "keyLimit")
	wantInvalid(t, "limit", errorOf(h.UpdateMerchant(h.ctx, actor, "4259", authority.MerchantUpdate{KeyLimit: new(10_001)})), "keyLimit")
}

func TestMerchantIDsAreOfTheirKind(t *testing.T) {
	for _, c := range []struct {
		kind      authority.MerchantIDKind
		good, bad []string
	}{
		{authority.MerchantNumbers, []string{"1", "4259", "9007199254740991"}, []string{
			"", "0", "-1", "+1", "01", "1.0", "1e3", "9007199254740992", "99999999999999999999", " 1", "1\n", "acme", "１"}},
		{authority.MerchantText, []string{"a", "-", "_", "4259", "007", "Acme-1_x", strings.Repeat("a", 64)}, []string{
			"", "a b", "a\n", "ä", "a.b", "a/b", strings.Repeat("a", 65), `"`, "\x00"}},
	} {
		h := newWith(t, c.kind, t.Output())
		for _, id := range c.good {
			h.merchant(authority.MerchantID(id))
		}
		for _, id := range c.bad {
			err := errorOf(h.CreateMerchant(h.ctx, actor, authority.NewMerchant{ID: authority.MerchantID(id), Name: "n"}))
			wantInvalid(t, fmt.Sprintf("%s %q", c.kind, id), err, "merchantId")
		}
		list, err := h.Merchants(h.ctx, actor, authority.MerchantFilter{}, "", 100)
		h.must(err)
		if len(list) != len(c.good) {
			t.Errorf("%d merchants, want %d", len(list), len(c.good))
		}
	}
}

// C-075: an identifier that was deleted never returns, nor does what it had.
func TestADeletedMerchantNeverReturns(t *testing.T) {
	h := New(t)
	k := h.ready()
	wantError(t, "with an API key", h.DeleteMerchant(h.ctx, actor, "4259", 0), authority.ErrMerchantInUse)
	h.must(h.DeleteAPIKey(h.ctx, actor, k.ID, 0))
	h.must(h.DeleteMerchant(h.ctx, actor, "4259", 0))
	wantError(t, "made again", errorOf(h.CreateMerchant(h.ctx, actor, authority.NewMerchant{ID: "4259", Name: "n"})), authority.ErrExists)
	wantError(t, "read", errorOf(h.Merchant(h.ctx, actor, "4259")), authority.ErrNotFound)
	wantError(t, "resumed", errorOf(h.ResumeMerchant(h.ctx, actor, "4259", 0)), authority.ErrNotFound)
	wantError(t, "deleted again", h.DeleteMerchant(h.ctx, actor, "4259", 0), authority.ErrNotFound)
	_, _, err := h.CreateAPIKey(h.ctx, actor, authority.NewAPIKey{MerchantID: "4259", Env: "demo", Name: "n"})
	wantError(t, "given an API key", err, authority.ErrNotFound)
	h.merchant("4260")
	h.key(authority.NewAPIKey{MerchantID: "4260", Env: "demo", Scopes: []string{"customers:read"}})
	for _, a := range []*authority.Authority{h.Authority, h.second()} {
		h.refused(a, k.request(), authority.UnknownID)
	}
}

func TestScopeNamesAreCollectionAndLevel(t *testing.T) {
	h := New(t)
	for _, name := range []string{
		"", "customers", "customers:", ":read", "customers:read:write", "Customers:read", "customers:Read", "customers read", "customers:*",
		"1customers:read", "customers:1", "-a:read", "a:-", "customers:read ", "customers:read\n", "cüstomers:read", "a\x00:read",
		strings.Repeat("a", 60) + ":read", "merchants:read", "merchants:other", "api-keys:read", "tokens:introspect", "events:write", "users:x",
	} {
		wantInvalid(t, fmt.Sprintf("%q", name), errorOf(h.CreateScope(h.ctx, actor, authority.Scope{Name: name})), "name")
	}
	for _, name := range []string{"customers:read", "a:b", "c-1_x:read-2", "zaz09:z", strings.Repeat("a", 59) + ":read"} {
		h.scope(name)
	}
	for _, resource := range []string{"rewards", "http://rewards.example.com", "https://a.example.com/", `https://a.example.com/"`} {
		wantInvalid(t, resource, errorOf(h.CreateScope(h.ctx, actor, authority.Scope{Name: "x:read", Resource: resource})), "resource")
	}
	if got := strings.Join(h.PublishedScopes(), " "); got != "a:b "+strings.Repeat("a", 59)+":read c-1_x:read-2 customers:read zaz09:z" {
		t.Errorf("published %s", got)
	}
	list, err := h.Scopes(h.ctx, actor)
	h.must(err)
	if len(list) != 5 || !list[0].CreatedAt.Equal(started) {
		t.Errorf("scopes %+v", list)
	}
	for name, want := range map[string]bool{"merchants:read": true, "tokens:introspect": true, "tokens:read": false, "events:write": false, "customers:read": false, "merchants": false, "merchants:": false, "merchants:read write": false} {
		if authority.ManagementScope(name) != want {
			t.Errorf("ManagementScope(%q) = %t", name, !want)
		}
	}
}

// The list is whole: what ManagementScope knows, and each constant of a scope.
func TestManagementScopesAreListed(t *testing.T) {
	list := authority.ManagementScopes()
	for _, name := range append(slices.Clone(list), authority.UsersDelete, authority.SigningKeysWrite, authority.UsageRead, "tokens:introspect") {
		if !authority.ManagementScope(name) || !slices.Contains(list, name) {
			t.Errorf("%s is not listed, or not known", name)
		}
	}
	if !slices.IsSorted(list) || len(list) != len(slices.Compact(slices.Clone(list))) || len(list) != 18 {
		t.Errorf("%d scopes: %s", len(list), list)
	}
}
