package authority

import (
	"errors"
	"net/netip"
	"testing"
	"time"
)

// C-194, one by one: which API keys an actor may make or get hold of.
func TestWhichAPIKeysAnActorMayHold(t *testing.T) {
	at := time.Unix(1764000000, 0)
	network := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	user := &Permissions{Scopes: []string{APIKeysRead, APIKeysWrite}}                   // signed in, of the platform
	merchants := &Permissions{Scopes: user.Scopes, MerchantID: "1", Env: "demo"}        // signed in, of a merchant
	operator := &Permissions{Scopes: user.Scopes, Bounds: &Bounds{Scopes: user.Scopes}} // an API key of the platform
	fewer := &Permissions{Scopes: []string{APIKeysWrite}, Bounds: operator.Bounds}      // by a token that has asked for less
	more := &Permissions{Scopes: user.Scopes, Bounds: &Bounds{Scopes: []string{APIKeysWrite}}}
	key := func(b Bounds) *Permissions {
		b.Scopes = []string{"a:read", APIKeysRead, APIKeysWrite}
		return &Permissions{Scopes: []string{APIKeysWrite}, MerchantID: "1", Env: "demo", Bounds: &b}
	}
	for _, tc := range []struct {
		name string
		p    *Permissions
		k    APIKey
		may  bool
	}{
		{"everything", Everything(), APIKey{Scopes: []string{EventsRead}}, true},
		{"a user, scopes of APIs", user, APIKey{Scopes: []string{"a:read"}}, true},
		{"a user, its management scope", user, APIKey{Scopes: []string{APIKeysRead}}, true},
		{"a user, another", user, APIKey{Scopes: []string{EventsRead}}, false},
		{"a user of a merchant, scopes of APIs", merchants, APIKey{Scopes: []string{"a:read"}}, true},
		{"a user of a merchant, another management scope", merchants, APIKey{Scopes: []string{EventsRead}}, false},
		{"an operator's key, scopes of APIs", operator, APIKey{Scopes: []string{"a:read", "b:read"}}, true},
		{"an operator's key, its management scope", operator, APIKey{Scopes: []string{APIKeysRead}}, true},
		{"an operator's key, another", operator, APIKey{Scopes: []string{EventsRead}}, false},
		{"one that the token has not asked for", fewer, APIKey{Scopes: []string{APIKeysRead}}, false},
		{"one that the token has and its key no more", more, APIKey{Scopes: []string{APIKeysRead}}, false},
		{"a merchant's key, a scope of its own", key(Bounds{}), APIKey{Scopes: []string{"a:read"}}, true},
		{"a management scope of its own", key(Bounds{}), APIKey{Scopes: []string{APIKeysRead}}, true},
		{"a scope that it has not", key(Bounds{}), APIKey{Scopes: []string{"a:read", "b:read"}}, false},
		{"no scope", key(Bounds{}), APIKey{}, true},
		{"bound to a network, the same", key(Bounds{AllowedCIDRs: network}), APIKey{AllowedCIDRs: network}, true},
		{"bound to a network, everywhere", key(Bounds{AllowedCIDRs: network}), APIKey{}, false},
		{"everywhere, bound to a network", key(Bounds{}), APIKey{AllowedCIDRs: network}, true},
		{"with an end, without one", key(Bounds{ExpiresAt: at}), APIKey{}, false},
		{"with an end, the same", key(Bounds{ExpiresAt: at}), APIKey{ExpiresAt: at}, true},
		{"with an end, a later one", key(Bounds{ExpiresAt: at}), APIKey{ExpiresAt: at.Add(1)}, false},
		{"with an end, a sooner one", key(Bounds{ExpiresAt: at}), APIKey{ExpiresAt: at.Add(-1)}, true},
		{"without an end, with one", key(Bounds{}), APIKey{ExpiresAt: at}, true},
	} {
		a := Actor{Permissions: tc.p}
		err := a.mayHold(&tc.k)
		var forbidden *ForbiddenError
		if (err == nil) != tc.may || err != nil && !errors.As(err, &forbidden) {
			t.Errorf("%s: got %v", tc.name, err)
		}
	}
	// What is given is one thing more: by an API key of a merchant no management scope is.
	managing := &APIKey{Scopes: []string{"a:read", APIKeysRead}}
	for _, tc := range []struct {
		name   string
		p      *Permissions
		before []string
		may    bool
	}{
		{"everything", Everything(), nil, true}, {"a user", user, nil, true}, {"a user of a merchant", merchants, nil, true}, {"an operator's key", operator, nil, true},
		{"a merchant's key", key(Bounds{}), nil, false}, {"a merchant's key, to one that has it", key(Bounds{}), []string{APIKeysRead}, true},
	} {
		if err := (&Actor{Permissions: tc.p}).mayAdd(managing, tc.before); (err == nil) != tc.may {
			t.Errorf("%s gives a management scope: got %v", tc.name, err)
		}
	}
}

// Names are compared alike in every database: letters of ASCII alone have two forms.
func TestFoldMakesLettersOfASCIISmall(t *testing.T) {
	if got := Fold("@AZ[`az{É09"); got != "@az[`az{É09" {
		t.Errorf("got %q", got)
	}
}
