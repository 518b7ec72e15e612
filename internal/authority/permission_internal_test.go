package authority

import (
	"cmp"
	"errors"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

// nobody may do anything without a management scope for it.
func TestAnActorMayDoWhatItsScopesSay(t *testing.T) {
	all := []string{
		MerchantsRead, MerchantsWrite, MerchantsDelete, ScopesRead, ScopesWrite, ScopesDelete, APIKeysRead, APIKeysWrite, APIKeysDelete,
		SigningKeysRead, SigningKeysWrite, SigningKeysDelete, UsersRead, UsersWrite, UsersDelete, EventsRead, UsageRead,
	}
	for _, needed := range all {
		if !ManagementScope(needed) {
			t.Errorf("%s is no management scope", needed)
		}
		for what, actor := range map[string]Actor{
			"nobody":      {},
			"no scopes":   {Permissions: &Permissions{}},
			"all but one": {Permissions: &Permissions{Scopes: slices.DeleteFunc(slices.Clone(all), func(s string) bool { return s == needed })}},
			"alike":       {Permissions: &Permissions{Scopes: []string{needed + "s", "X" + needed, needed[:len(needed)-1], "*", ""}}},
			"bounds":      {Permissions: &Permissions{Bounds: &Bounds{Scopes: all}}}, // of the API key, not of the token
		} {
			var refused *ForbiddenError
			if err := actor.May(needed); !errors.As(err, &refused) || refused.Scope != needed {
				t.Errorf("%s by %s: %v", needed, what, err)
			}
		}
		for what, actor := range map[string]Actor{
			"it alone":   {Permissions: &Permissions{Scopes: []string{needed}}},
			"everything": {Permissions: Everything()},
		} {
			if err := actor.May(needed); err != nil {
				t.Errorf("%s by %s: %v", needed, what, err)
			}
		}
	}
}

// C-074: what exists for an actor.
func TestAnActorSeesItsOwn(t *testing.T) {
	for _, test := range []struct {
		merchant MerchantID // of the actor
		env      string
		of       MerchantID // of what it looks at
		in       string
		want     error
	}{
		{"", "", "1", "demo", nil},
		{"", "", "", Platform, nil},
		{"1", "demo", "1", "demo", nil},
		{"1", "demo", "2", "demo", ErrNotFound},
		{"1", "demo", "1", "production", ErrNotFound},
		{"1", "demo", "", "demo", ErrNotFound},
		{"1", "demo", "1", "", ErrNotFound},
		{"1", "demo", "", Platform, ErrNotFound},
		{"1", "demo", "11", "demo", ErrNotFound},
		{"1", "", "1", "production", nil}, // a person's
		{"1", "", "2", "production", ErrNotFound},
	} {
		actor := Actor{Permissions: &Permissions{MerchantID: test.merchant, Env: test.env}}
		if err := actor.Sees(test.of, test.in); err != test.want {
			t.Errorf("%+v: got %v", test, err)
		}
		f := APIKeyFilter{MerchantID: test.of, Env: test.in}
		sees := f.within(&actor) && (f.MerchantID == test.of || test.of == "") && (f.Env == test.in || test.in == "")
		if test.of != "" && test.in != "" && sees != (test.want == nil) {
			t.Errorf("%+v: a list is %v", test, f)
		}
	}
}

// C-194: networks within others.
func TestNetworksWithinOthers(t *testing.T) {
	for _, test := range []struct {
		inner, outer string
		want         bool
	}{
		{"", "", true},
		{"192.0.2.1", "", true},
		{"", "192.0.2.0/24", false}, // everywhere
		{"192.0.2.0/24", "192.0.2.0/24", true},
		{"192.0.2.7", "192.0.2.0/24", true},
		{"192.0.2.0/23", "192.0.2.0/24", false},
		{"192.0.2.7 198.51.100.1", "192.0.2.0/24", false},
		{"192.0.2.7 198.51.100.1", "192.0.2.0/24 198.51.100.0/24", true},
		{"192.0.2.0/24", "192.0.2.0/25 192.0.2.128/25", false}, // not part of either
		{"::/0", "0.0.0.0/0", false},
		{"0.0.0.0/0", "::/0", false},
		{"2001:db8::1", "2001:db8::/32", true},
		{"2001:db9::1", "2001:db8::/32", false},
	} {
		if got := within(prefixesOf(t, test.inner), prefixesOf(t, test.outer)); got != test.want {
			t.Errorf("%q within %q: %v", test.inner, test.outer, got)
		}
	}
}

func prefixesOf(t *testing.T, text string) []netip.Prefix {
	t.Helper()
	if text == "" {
		return nil
	}
	list, err := ParseCIDRs(strings.Fields(text))
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// C-194: whatever an actor manages to make, change or get hold of can in turn make
// nothing that the actor could not. Of twenty thousand random chains.
func TestNothingThatAnActorMakesIsStrongerThanIt(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	made, chains := 0, 0
	for range 20_000 {
		first := randomActor(r)
		child := anyKeyFor(r, first.Permissions)
		if cmp.Or(first.mayAdd(child, nil), first.mayHold(child)) != nil {
			continue
		}
		made++
		second := Actor{Permissions: permissionsWith(child)}
		for range 3 {
			grandchild := anyKeyFor(r, second.Permissions)
			if cmp.Or(second.Sees(grandchild.MerchantID, grandchild.Env), second.mayAdd(grandchild, nil), second.mayHold(grandchild)) != nil {
				continue
			}
			chains++
			if err := cmp.Or(first.Sees(grandchild.MerchantID, grandchild.Env), first.mayHold(grandchild)); err != nil {
				t.Fatalf("%+v, bounds %+v\nmakes %+v\nwhich makes %+v: %v", first.Permissions, first.Permissions.Bounds, child, grandchild, err)
			}
		}
	}
	if made < 500 || chains < 100 {
		t.Errorf("%d API keys were made, and %d by these: the chains show nothing", made, chains)
	}
}

// randomActor has an API key of the platform or of merchant 1, and a token that
// has asked for some of its scopes.
func randomActor(r *rand.Rand) Actor {
	k := anyKeyFor(r, &Permissions{})
	p := permissionsWith(k)
	p.Scopes = slices.DeleteFunc(p.Scopes, func(string) bool { return r.IntN(4) == 0 })
	return Actor{Permissions: p}
}

// permissionsWith are those of a token with all that k can have.
func permissionsWith(k *APIKey) *Permissions {
	p := &Permissions{Bounds: &Bounds{Scopes: k.Scopes, AllowedCIDRs: k.AllowedCIDRs, ExpiresAt: k.ExpiresAt}}
	p.Scopes = slices.DeleteFunc(slices.Clone(k.Scopes), func(s string) bool { return !ManagementScope(s) })
	if k.Env != Platform {
		p.MerchantID, p.Env = k.MerchantID, k.Env
	}
	return p
}

// anyKeyFor is an API key that p can see.
func anyKeyFor(r *rand.Rand, p *Permissions) *APIKey {
	k := &APIKey{Env: Platform}
	scopes := []string{APIKeysRead, APIKeysWrite, MerchantsRead, EventsRead}
	if p.Env != "" || r.IntN(2) == 0 {
		k.MerchantID, k.Env = "1", "demo"
		scopes = []string{APIKeysRead, APIKeysWrite, "a:read", "b:read"}
	}
	for _, scope := range scopes {
		if r.IntN(3) == 0 {
			k.Scopes = append(k.Scopes, scope)
		}
	}
	for _, network := range []string{"192.0.2.0/24", "192.0.2.0/25", "192.0.2.1/32", "2001:db8::/32"} {
		if r.IntN(4) == 0 {
			k.AllowedCIDRs = append(k.AllowedCIDRs, netip.MustParsePrefix(network))
		}
	}
	if r.IntN(3) > 0 {
		k.ExpiresAt = time.Unix(int64(1+r.IntN(4)), 0)
	}
	return k
}

// C-194: an API key of a merchant gives no management scope to another, not even
// one of its own; what has it already may keep it.
func TestMerchantsKeysGiveNoManagementScope(t *testing.T) {
	merchants := Actor{Permissions: permissionsWith(&APIKey{MerchantID: "1", Env: "demo", Scopes: []string{APIKeysRead, APIKeysWrite, "a:read"}})}
	person := Actor{Permissions: &Permissions{Scopes: []string{APIKeysWrite}, MerchantID: "1"}} // without bounds
	for _, test := range []struct {
		actor  Actor
		scopes []string
		before []string
		want   bool
	}{
		{merchants, []string{"a:read"}, nil, true},
		{merchants, []string{APIKeysRead}, nil, false},
		{merchants, []string{APIKeysRead}, []string{APIKeysRead}, true},
		{merchants, []string{APIKeysRead, APIKeysWrite}, []string{APIKeysRead}, false},
		{merchants, nil, []string{APIKeysRead}, true},
		{person, []string{APIKeysRead}, nil, true},
		{Actor{Permissions: Everything()}, []string{APIKeysRead}, nil, true},
	} {
		err := test.actor.mayAdd(&APIKey{MerchantID: "1", Env: "demo", Scopes: test.scopes}, test.before)
		if (err == nil) != test.want {
			t.Errorf("%v from %v: %v", test.scopes, test.before, err)
		}
	}
}
