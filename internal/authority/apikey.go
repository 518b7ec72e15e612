package authority

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/tokenwright/tokenwright/internal/credential"
)

// ClientID identifies an API key; on the wire it is the OAuth client_id.
type ClientID string

// ActorID names the API key in events.
func (id ClientID) ActorID() string { return "api_key:" + string(id) }

const (
	// operatorKeyLimit is how many operator keys may be active.
	operatorKeyLimit = 50
	// undeletedFactor times the limit of active keys may be kept undeleted.
	undeletedFactor = 10
)

// APIKey is an OAuth client with its secrets. It belongs to one merchant (an
// operator key to none) and one environment for ever.
type APIKey struct {
	ID           ClientID
	MerchantID   MerchantID // "" for operator keys
	Env          string
	Name         string
	Description  string
	Scopes       []string       // sorted
	AllowedCIDRs []netip.Prefix // from where tokens may be asked for; none for everywhere
	Status       Status
	Generation   int64     // tokens of a lower one are dead
	ExpiresAt    time.Time // zero for never
	CreatedAt    time.Time
	CreatedBy    string
	UpdatedAt    time.Time
	Version      int64 // 1, raised by every change
	LastSecretID int64
	Secrets      []Secret // where asked for

	// With the secrets: when and from where any of its secrets, those deleted
	// since among them, was last proven. Zero for never.
	LastUsedAt   time.Time
	LastUsedFrom string
}

// NewAPIKey is what to create.
type NewAPIKey struct {
	MerchantID  MerchantID // "" with Env Platform makes an operator key
	Env         string
	Name        string
	Description string
	Scopes      []string
	// AllowedCIDRs is from where it may ask for tokens; none for everywhere.
	// See ParseCIDRs.
	AllowedCIDRs []netip.Prefix
	ExpiresAt    time.Time // zero for never
}

// APIKeyFilter selects API keys; an empty field selects all.
type APIKeyFilter struct {
	MerchantID MerchantID
	Env        string
	Status     Status
}

// within narrows f to what exists for the actor; false where that is nothing.
func (f *APIKeyFilter) within(actor *Actor) bool {
	merchant, env := actor.bound()
	if merchant != "" && f.MerchantID != "" && f.MerchantID != merchant || env != "" && f.Env != "" && f.Env != env {
		return false
	}
	f.MerchantID, f.Env = cmp.Or(merchant, f.MerchantID), cmp.Or(env, f.Env)
	return true
}

// APIKeyUpdate is what to change of an API key; nil leaves a field as it is.
type APIKeyUpdate struct {
	Name        *string
	Description *string
	Scopes      *[]string
	// AllowedCIDRs acts at the next token; tokens already issued live on.
	AllowedCIDRs *[]netip.Prefix
	ExpiresAt    *time.Time // zero for never
	// RevokeTokens kills the tokens issued so far as well.
	RevokeTokens bool
	// IfVersion, where not 0, must be the version that is changed, else
	// ErrVersion.
	IfVersion int64
}

// NewSecret is an API key with a secret it has got just now.
type NewSecret struct {
	Key    *APIKey
	Secret credential.Secret
}

// CreateAPIKey makes an API key with one secret, which is returned here and
// never again. Errors: *InvalidError, ErrNotFound for the merchant,
// ErrActiveKeyLimit, ErrKeyLimit.
func (a *Authority) CreateAPIKey(ctx context.Context, actor Actor, n NewAPIKey) (*APIKey, credential.Secret, error) {
	none := credential.Secret{}
	if err := actor.May(APIKeysWrite); err != nil {
		return nil, none, err
	}
	k, err := a.newAPIKey(actor, n)
	if err != nil {
		return nil, none, err
	}
	if err := cmp.Or(actor.Sees(k.MerchantID, k.Env), actor.mayAdd(k, nil), actor.mayHold(k)); err != nil {
		return nil, none, err
	}
	secret, err := a.newSecret(k, actor, k.CreatedAt)
	if err != nil {
		return nil, none, err
	}
	set := details{"name": k.Name, "description": k.Description, "scopes": k.Scopes}
	if len(k.AllowedCIDRs) > 0 {
		set["allowedCidrs"] = k.AllowedCIDRs
	}
	if !k.ExpiresAt.IsZero() {
		set["expiresAt"] = k.ExpiresAt
	}
	d := a.draft(actor, APIKeyCreated, string(k.ID), set).about(k.MerchantID, k.Env)
	if err := a.reply(actor, d, k, &NewSecret{k, secret}); err != nil {
		return nil, none, err
	}
	if err := a.store.CreateAPIKey(ctx, k, k.limits(), d); err != nil {
		return nil, none, fmt.Errorf("creating an API key of merchant %s in %s: %w", k.MerchantID, k.Env, err)
	}
	return k, secret, a.catchUp(ctx)
}

func (a *Authority) newAPIKey(actor Actor, n NewAPIKey) (*APIKey, error) {
	operator := n.Env == Platform
	if operator != (n.MerchantID == "") {
		return nil, invalid("merchantId", "goes with every environment but platform, whose API keys belong to no merchant")
	}
	if err := a.CheckEnvironment(n.Env); err != nil {
		return nil, err
	}
	now := a.now()
	k := &APIKey{
		ID: ClientID(a.format.NewID(n.Env)), MerchantID: n.MerchantID, Env: n.Env,
		Name: n.Name, Description: n.Description, Status: Active, Generation: now.Unix(),
		ExpiresAt: n.ExpiresAt.UTC().Truncate(time.Millisecond), CreatedAt: now, CreatedBy: actor.ID, UpdatedAt: now,
		AllowedCIDRs: n.AllowedCIDRs, Version: 1,
	}
	var err error
	if k.Scopes, err = checkKeyScopes(n.Scopes, operator); err != nil {
		return nil, err
	}
	if err := checkExpiry(k.ExpiresAt, now); err != nil {
		return nil, err
	}
	return k, k.check()
}

// checkExpiry accepts zero (never) and what is to come, up to the last year
// that RFC 3339 can write.
func checkExpiry(at, now time.Time) error {
	switch {
	case at.IsZero():
		return nil
	case !at.After(now):
		return invalid("expiresAt", "is not in the future (to end an API key now, disable or delete it)")
	case at.Year() > 9999:
		return invalid("expiresAt", "is after the year 9999")
	}
	return nil
}

func (k *APIKey) check() error {
	if err := CheckName("name", k.Name); err != nil {
		return err
	}
	return checkText("description", k.Description, 1000)
}

func (k *APIKey) limits() KeyLimits {
	l := KeyLimits{Undeleted: undeletedFactor}
	if k.Env == Platform {
		l.Active = operatorKeyLimit
	}
	return l
}

// raiseGeneration kills every token issued before now.
func (k *APIKey) raiseGeneration(now time.Time) { k.Generation = max(k.Generation+1, now.Unix()) }

// CheckEnvironment returns an *InvalidError where there is no environment of that name.
// Which there are is no secret: the documentation and every client ID say it.
func (a *Authority) CheckEnvironment(name string) error {
	if environmentIndex(a.environments, name) < 0 {
		return invalid("env", "is none of this installation: %s", strings.Join(a.environmentNames(), ", "))
	}
	return nil
}

func (a *Authority) environmentNames() []string {
	names := make([]string, len(a.environments))
	for i := range a.environments {
		names[i] = a.environments[i].Name
	}
	return names
}

// APIKey returns one API key with what is kept of its secrets, or ErrNotFound.
func (a *Authority) APIKey(ctx context.Context, actor Actor, id ClientID) (*APIKey, error) {
	if err := actor.May(APIKeysRead); err != nil {
		return nil, err
	}
	k, err := a.store.APIKey(ctx, id)
	if err == nil {
		err = actor.Sees(k.MerchantID, k.Env)
	}
	if err != nil {
		return nil, fmt.Errorf("reading API key: %w", err)
	}
	return a.aged(k), nil
}

// aged is k as people see it: its secrets end when they are too old for its environment,
// as they do in the directory. What is stored of one that was made before that was
// configured is its own end alone, and stays so.
func (a *Authority) aged(k *APIKey) *APIKey {
	seen := *k
	seen.Secrets = slices.Clone(k.Secrets)
	if i := environmentIndex(a.environments, k.Env); i >= 0 {
		for j := range seen.Secrets {
			s := &seen.Secrets[j]
			s.ExpiresAt = earlier(s.ExpiresAt, a.environments[i].oldest(s.CreatedAt))
		}
	}
	return &seen
}

// APIKeys returns up to limit API keys that f matches, without their secrets,
// in the order of IDs, beginning behind after.
func (a *Authority) APIKeys(ctx context.Context, actor Actor, f APIKeyFilter, after ClientID, limit int) ([]APIKey, error) {
	if err := actor.May(APIKeysRead); err != nil || !f.within(&actor) {
		return nil, err
	}
	list, err := a.store.APIKeys(ctx, f, after, limit)
	if err != nil {
		return nil, fmt.Errorf("reading API keys: %w", err)
	}
	return list, nil
}

// UpdateAPIKey changes name, description, scopes, allowed networks or expiry.
// Scopes and networks act at the next token; an expiry brought forward kills the
// tokens already issued.
func (a *Authority) UpdateAPIKey(ctx context.Context, actor Actor, id ClientID, u APIKeyUpdate) (*APIKey, error) {
	set := details{}
	return a.manageAPIKey(ctx, actor, id, u.IfVersion, APIKeyUpdated, set, func(k *APIKey) error {
		before := k.Scopes
		if err := actor.mayHold(k); err != nil {
			return err
		}
		if err := k.apply(u, set, a.now()); err != nil {
			return err
		}
		return cmp.Or(actor.mayAdd(k, before), actor.mayHold(k))
	})
}

func (k *APIKey) apply(u APIKeyUpdate, set details, now time.Time) (err error) {
	if u.Name != nil {
		k.Name, set["name"] = *u.Name, *u.Name
	}
	if u.Description != nil {
		k.Description, set["description"] = *u.Description, *u.Description
	}
	if u.Scopes != nil {
		if k.Scopes, err = checkKeyScopes(*u.Scopes, k.Env == Platform); err != nil {
			return err
		}
		set["scopes"] = k.Scopes
	}
	if u.AllowedCIDRs != nil {
		k.AllowedCIDRs, set["allowedCidrs"] = *u.AllowedCIDRs, append([]netip.Prefix{}, *u.AllowedCIDRs...)
	}
	raise := u.RevokeTokens
	if u.ExpiresAt != nil {
		next := u.ExpiresAt.UTC().Truncate(time.Millisecond)
		if err := checkExpiry(next, now); err != nil {
			return err
		}
		if !next.IsZero() && (k.ExpiresAt.IsZero() || next.Before(k.ExpiresAt)) {
			raise = true
		}
		k.ExpiresAt, set["expiresAt"] = next, next
		if next.IsZero() {
			set["expiresAt"] = nil // never
		}
	}
	if raise {
		k.raiseGeneration(now)
		set["tokensRevoked"] = true
	}
	if len(set) == 0 {
		return errUnchanged
	}
	return k.check()
}

// DisableAPIKey stops an API key and kills its tokens, until EnableAPIKey.
// ifVersion is as in APIKeyUpdate, here and below.
func (a *Authority) DisableAPIKey(ctx context.Context, actor Actor, id ClientID, ifVersion int64) (*APIKey, error) {
	return a.manageAPIKey(ctx, actor, id, ifVersion, APIKeyDisabled, nil, func(k *APIKey) error {
		if k.Status == Disabled {
			return errUnchanged
		}
		k.Status = Disabled
		k.raiseGeneration(a.now())
		return nil
	})
}

// EnableAPIKey lets a disabled API key work again; ErrActiveKeyLimit where the
// merchant has reached it meanwhile.
func (a *Authority) EnableAPIKey(ctx context.Context, actor Actor, id ClientID, ifVersion int64) (*APIKey, error) {
	return a.manageAPIKey(ctx, actor, id, ifVersion, APIKeyEnabled, nil, func(k *APIKey) error {
		if err := actor.mayHold(k); err != nil {
			return err
		}
		if k.Status == Active {
			return errUnchanged
		}
		k.Status = Active
		return nil
	})
}

// DeleteAPIKey ends an API key and its tokens for ever.
func (a *Authority) DeleteAPIKey(ctx context.Context, actor Actor, id ClientID, ifVersion int64) error {
	if err := actor.May(APIKeysDelete); err != nil {
		return err
	}
	var k *APIKey
	err := RetryConflicts(func() (err error) {
		if k, err = a.store.APIKey(ctx, id); err != nil {
			return err
		}
		return actor.reaches(k, ifVersion)
	}, func() error {
		k.Version, k.UpdatedAt = k.Version+1, a.now()
		k.raiseGeneration(k.UpdatedAt)
		d := a.draft(actor, APIKeyDeleted, string(id), details{"name": k.Name}).about(k.MerchantID, k.Env)
		return a.store.DeleteAPIKey(ctx, k, d)
	})
	if err != nil {
		return fmt.Errorf("deleting API key: %w", err)
	}
	return a.catchUp(ctx)
}

// manageAPIKey is changeAPIKey for whoever may write API keys, to one that
// exists for the actor.
func (a *Authority) manageAPIKey(ctx context.Context, actor Actor, id ClientID, ifVersion int64, kind EventKind, set details,
	change func(*APIKey) error) (*APIKey, error) {
	if err := actor.May(APIKeysWrite); err != nil {
		return nil, err
	}
	return a.changeAPIKey(ctx, actor, id, kind, set, func(k *APIKey) error {
		if err := actor.reaches(k, ifVersion); err != nil {
			return err
		}
		return change(k)
	}, func(k *APIKey) any { return k })
}

// changeAPIKey writes what change makes of the API key; result is what the
// actor is answered with.
func (a *Authority) changeAPIKey(ctx context.Context, actor Actor, id ClientID, kind EventKind, set details,
	change func(*APIKey) error, result func(*APIKey) any) (k *APIKey, err error) {
	given := maps.Clone(set)
	err = RetryConflicts(func() error {
		if k, err = a.store.APIKey(ctx, id); err != nil {
			return err
		}
		clear(set) // of what an earlier try would have changed
		maps.Copy(set, given)
		return change(k)
	}, func() error {
		k.Version, k.UpdatedAt = k.Version+1, a.now()
		d := a.draft(actor, kind, string(id), set).about(k.MerchantID, k.Env)
		if err := a.reply(actor, d, k, result(a.aged(k))); err != nil {
			return err
		}
		return a.store.UpdateAPIKey(ctx, k, k.limits(), d)
	})
	if errors.Is(err, errUnchanged) { // it may be another node's change, which acts here only now
		err = a.Remember(ctx, actor, k, a.aged(k))
	}
	if err != nil {
		return nil, fmt.Errorf("changing API key: %w", err)
	}
	return a.aged(k), a.catchUp(ctx)
}
