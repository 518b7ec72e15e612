package authority

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/tokenwright/tokenwright/internal/accesstoken"
)

// The management scopes, one for each thing that an actor may do.
const (
	MerchantsRead     = "merchants:read"
	MerchantsWrite    = "merchants:write"
	MerchantsDelete   = "merchants:delete"
	ScopesRead        = "scopes:read"
	ScopesWrite       = "scopes:write"
	ScopesDelete      = "scopes:delete"
	APIKeysRead       = "api-keys:read"
	APIKeysWrite      = "api-keys:write"
	APIKeysDelete     = "api-keys:delete"
	SigningKeysRead   = "signing-keys:read"
	SigningKeysWrite  = "signing-keys:write"
	SigningKeysDelete = "signing-keys:delete"
	UsersRead         = "users:read"
	UsersWrite        = "users:write"
	UsersDelete       = "users:delete"
	EventsRead        = "events:read"
	UsageRead         = "usage:read"
)

// ForbiddenError refuses what an actor may not do, though what it concerns
// exists for it.
type ForbiddenError struct {
	Scope  string // the management scope that is lacking; "" where it is something else
	Reason string // a sentence
}

// Error implements error.
func (e *ForbiddenError) Error() string { return e.Reason }

func forbidden(format string, args ...any) error {
	return &ForbiddenError{Reason: fmt.Sprintf(format, args...)}
}

// Permissions are what an actor may do, and on what. The zero value permits
// nothing.
type Permissions struct {
	// Scopes are the management scopes that it has.
	Scopes []string
	// MerchantID and Env are all that exists for it; "" is every merchant, and
	// every environment.
	MerchantID MerchantID
	Env        string
	// Bounds, where not nil, are what no API key may go beyond that it makes,
	// changes, enables or rotates.
	Bounds *Bounds

	everything bool
}

// Bounds are the strength of an API key: what others may reach that it makes.
type Bounds struct {
	Scopes       []string
	AllowedCIDRs []netip.Prefix // none: everywhere
	ExpiresAt    time.Time      // zero: never
}

// Everything is what whoever can write to the database may do: the command
// line beside it, and the authority itself.
func Everything() *Permissions { return &Permissions{everything: true} }

// MayEverything tells whether nothing is kept from the actor: see Everything.
func (a *Actor) MayEverything() bool { return a.Permissions != nil && a.Permissions.everything }

// May tells whether the actor has the management scope, else a *ForbiddenError.
func (a *Actor) May(scope string) error {
	p := a.Permissions
	if p != nil && (p.everything || slices.Contains(p.Scopes, scope)) {
		return nil
	}
	return &ForbiddenError{Scope: scope, Reason: "The scope " + scope + " is needed for this."}
}

// bound returns the one merchant, and the one environment, that exist for the
// actor; "" for all.
func (a *Actor) bound() (MerchantID, string) {
	if a.Permissions == nil {
		return "", ""
	}
	return a.Permissions.MerchantID, a.Permissions.Env
}

// Sees tells whether something of a merchant and environment exists for the
// actor, else ErrNotFound: what is another's is as if it were not (C-074).
func (a *Actor) Sees(id MerchantID, env string) error {
	merchant, only := a.bound()
	if merchant != "" && merchant != id || only != "" && only != env {
		return ErrNotFound
	}
	return nil
}

// mayOfAll is May for what is of no merchant, but of the whole platform:
// ErrNotFound for an actor that is bound to one.
func (a *Actor) mayOfAll(scope string) error {
	if err := a.May(scope); err != nil {
		return err
	}
	return a.Sees("", "")
}

// reaches is what every change of an API key begins with: it exists for the
// actor, and is what the actor has seen, where that matters (ifVersion not 0).
func (a *Actor) reaches(k *APIKey, ifVersion int64) error {
	if err := a.Sees(k.MerchantID, k.Env); err != nil {
		return err
	}
	return isVersion(k.Version, ifVersion)
}

// mayHold tells whether the actor may make an API key that is as strong as k,
// or get hold of it: nobody makes, changes, enables or rotates one that is
// stronger than its own. Else a *ForbiddenError.
func (a *Actor) mayHold(k *APIKey) error {
	p := a.Permissions
	if p.everything {
		return nil
	}
	for _, scope := range k.Scopes {
		if !p.mayGrant(scope) {
			return forbidden("The API key would have the scope %s, which your API key or your access token does not have.", scope)
		}
	}
	if p.Bounds == nil {
		return nil
	}
	if !within(k.AllowedCIDRs, p.Bounds.AllowedCIDRs) {
		return forbidden("Your API key is bound to networks; others that you manage must be bound to the same, or to parts of them.")
	}
	if end := p.Bounds.ExpiresAt; !end.IsZero() && (k.ExpiresAt.IsZero() || k.ExpiresAt.After(end)) {
		return forbidden("Your API key ends at %s; others that you manage must not end later.", end.Format(time.RFC3339))
	}
	return nil
}

// mayGrant tells whether an API key may have the scope. A merchant's key grants
// what it has itself. The platform gives merchants' keys whatever scopes of APIs
// there are; management scopes nobody gives who has not got them: a token that
// asked for fewer than its API key has is no way to get them all.
func (p *Permissions) mayGrant(scope string) bool {
	switch {
	case p.Bounds != nil && p.MerchantID != "":
		return slices.Contains(p.Bounds.Scopes, scope)
	case ManagementScope(scope):
		return slices.Contains(p.Scopes, scope) && (p.Bounds == nil || slices.Contains(p.Bounds.Scopes, scope))
	}
	return true
}

// mayAdd refuses management scopes that k gets and did not have: an API key of a
// merchant gives none away, not even its own (before is nil for a new key).
func (a *Actor) mayAdd(k *APIKey, before []string) error {
	p := a.Permissions
	if p.everything || p.MerchantID == "" || p.Bounds == nil {
		return nil
	}
	for _, scope := range k.Scopes {
		if ManagementScope(scope) && !slices.Contains(before, scope) {
			return forbidden("The scope %s lets an API key manage others; people give it, API keys cannot.", scope)
		}
	}
	return nil
}

// within tells whether every network of inner is part of one of outer.
func within(inner, outer []netip.Prefix) bool {
	if len(outer) == 0 {
		return true
	}
	for _, in := range inner {
		if !slices.ContainsFunc(outer, func(out netip.Prefix) bool { return out.Bits() <= in.Bits() && out.Contains(in.Addr()) }) {
			return false
		}
	}
	return len(inner) > 0
}

// PermissionsOf are what the bearer of an access token for the admin API may
// do: on its own merchant and environment, or, with an operator key, on all.
// The token was verified. ErrNotFound where its API key is no more, ErrStale.
func (a *Authority) PermissionsOf(t *accesstoken.Claims) (*Permissions, error) {
	d, err := a.current(a.clock())
	if err != nil {
		return nil, err
	}
	id, err := a.format.ParseID(t.ClientID)
	env := environmentIndex(a.environments, id.Env)
	if err != nil || env < 0 || id.Env != t.Env {
		return nil, ErrNotFound
	}
	s, key := d.find(env, id.Random)
	if key == nil {
		return nil, ErrNotFound
	}
	bounds := &Bounds{Scopes: (*d.sets.Load())[key.scopes].names, AllowedCIDRs: (*d.cidrs.Load())[key.cidrs]}
	if key.expiresAt != 0 {
		bounds.ExpiresAt = time.UnixMilli(key.expiresAt).UTC()
	}
	p := &Permissions{Scopes: strings.Fields(t.Scope), Bounds: bounds}
	if id.Env != Platform {
		p.MerchantID, p.Env = MerchantID(s.merchantID(key)), id.Env
	}
	return p, nil
}
