package authority

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// recorded is what details of events hold that is to be done again.
type recorded struct {
	Name          *string
	Description   *string
	Resource      string
	KeyLimit      *int
	Scopes        *[]string
	AllowedCIDRs  *[]netip.Prefix
	ExpiresAt     recordedTime
	TokensRevoked bool
	SecretID      int64
	Retired       []int64
	Overlap       string
	Days          int
}

// recordedTime tells null, which is never, from nothing at all.
type recordedTime struct {
	set bool
	at  time.Time // zero for never
}

// UnmarshalJSON implements json.Unmarshaler.
func (t *recordedTime) UnmarshalJSON(text []byte) error {
	t.set = true
	if string(text) == "null" {
		return nil
	}
	return json.Unmarshal(text, &t.at)
}

// redoEffect writes what the event of d has changed, with d. ErrNotFound where
// there is nothing to change, and d is not written.
func (a *Authority) redoEffect(ctx context.Context, r *Restoration, d *Draft) (unfinished bool, err error) {
	thing, _, _ := strings.Cut(string(d.Kind), ".")
	switch thing {
	case "merchant", "scope", "api_key", "secret", "token":
	case "signing_key":
		return false, a.redoSigningKey(ctx, d)
	case "user":
		// Who it was, how it is called, and what it proves itself by, is in no event.
		var set struct{ Changed []string }
		if err := json.Unmarshal([]byte(d.Details), &set); err != nil {
			return false, fmt.Errorf("reading the details: %w", err)
		}
		err := r.Users(ctx, d)
		unfinished = d.Kind == UserCreated || d.Kind == UserCredentialsChanged || d.Kind == UserReset ||
			d.Kind == UserUpdated && slices.Contains(set.Changed, "name") && err == nil // whoever is lost has no name
		return unfinished, err
	default:
		return false, ErrNotFound // of an installation, a link: nothing that lives on
	}
	var set recorded // details of others have other members
	if err := json.Unmarshal([]byte(d.Details), &set); err != nil {
		return false, fmt.Errorf("reading the details: %w", err)
	}
	switch thing {
	case "merchant":
		return false, a.redoMerchant(ctx, d, &set)
	case "scope":
		return false, a.redoScope(ctx, d, &set)
	}
	return a.redoAPIKey(ctx, d, &set)
}

func (a *Authority) redoMerchant(ctx context.Context, d *Draft, set *recorded) error {
	id := MerchantID(d.Subject)
	if d.Kind == MerchantCreated {
		m := &Merchant{ID: id, Status: Active, KeyLimit: DefaultKeyLimit, CreatedAt: d.Time, UpdatedAt: d.Time, Version: 1}
		m.apply(set)
		return a.store.CreateMerchant(ctx, m, d)
	}
	m, err := a.store.Merchant(ctx, id)
	if err != nil {
		return err
	}
	m.Version, m.UpdatedAt = m.Version+1, d.Time
	m.apply(set)
	cutoff := int64(0)
	switch d.Kind {
	case MerchantDeleted:
		return a.store.DeleteMerchant(ctx, m, d)
	case MerchantSuspended:
		m.Status, cutoff = Suspended, d.Time.Unix()
	case MerchantResumed:
		m.Status = Active
	}
	return a.store.UpdateMerchant(ctx, m, cutoff, d)
}

func (m *Merchant) apply(set *recorded) {
	if set.Name != nil {
		m.Name = *set.Name
	}
	if set.KeyLimit != nil {
		m.KeyLimit = *set.KeyLimit
	}
}

func (a *Authority) redoScope(ctx context.Context, d *Draft, set *recorded) error {
	if d.Kind == ScopeDeleted {
		return a.store.DeleteScope(ctx, d.Subject, d)
	}
	s := &Scope{Name: d.Subject, Resource: set.Resource, CreatedAt: d.Time}
	if set.Description != nil {
		s.Description = *set.Description
	}
	return a.store.CreateScope(ctx, s, d)
}

// redoAPIKey leaves an API key whose secret was made since without it: what is
// kept of a secret is in no event.
func (a *Authority) redoAPIKey(ctx context.Context, d *Draft, set *recorded) (unfinished bool, err error) {
	switch d.Kind {
	case APIKeyCreated:
		return true, a.redoCreation(ctx, d, set)
	case APIKeyExpiring, SecretExpiring: // else it would be announced once more
		err := a.store.AddExpiryNotice(ctx, &Expiry{ClientID: ClientID(d.Subject), SecretID: set.SecretID, ExpiresAt: set.ExpiresAt.at, Days: set.Days}, d)
		if errors.Is(err, ErrExists) { // as where a restore of a release before has led to two
			err = ErrNotFound
		}
		return false, err
	case LimitReached, RetiredSecretUsed: // nothing was changed
		return false, ErrNotFound
	}
	k, err := a.store.APIKey(ctx, ClientID(d.Subject))
	if err != nil {
		return false, err
	}
	k.Version, k.UpdatedAt = k.Version+1, d.Time
	if d.Kind == APIKeyDeleted {
		k.raiseGeneration(d.Time)
		return false, a.store.DeleteAPIKey(ctx, k, d)
	}
	if err := k.redo(d.Kind, d.Time, set); err != nil {
		return false, err
	}
	return d.Kind == SecretRotated, a.store.UpdateAPIKey(ctx, k, k.limits(), d)
}

func (a *Authority) redoCreation(ctx context.Context, d *Draft, set *recorded) error {
	k := &APIKey{
		ID: ClientID(d.Subject), MerchantID: d.MerchantID, Env: d.Env, Status: Active, Generation: d.Time.Unix(), ExpiresAt: set.ExpiresAt.at,
		CreatedAt: d.Time, CreatedBy: d.Actor.ID, UpdatedAt: d.Time, Version: 1, LastSecretID: 1,
	}
	k.redoFields(set)
	return a.store.CreateAPIKey(ctx, k, k.limits(), d)
}

func (k *APIKey) redoFields(set *recorded) {
	if set.Name != nil {
		k.Name = *set.Name
	}
	if set.Description != nil {
		k.Description = *set.Description
	}
	if set.Scopes != nil {
		k.Scopes = *set.Scopes
	}
	if set.AllowedCIDRs != nil {
		k.AllowedCIDRs = *set.AllowedCIDRs
	}
}

// redo changes k as an event of some kind has recorded it.
func (k *APIKey) redo(kind EventKind, at time.Time, set *recorded) error {
	secret := slices.IndexFunc(k.Secrets, func(s Secret) bool { return s.ID == set.SecretID })
	switch kind {
	case APIKeyUpdated:
		k.redoFields(set)
		if set.ExpiresAt.set {
			k.ExpiresAt = set.ExpiresAt.at
		}
	case APIKeyDisabled:
		k.Status = Disabled
		k.raiseGeneration(at)
	case APIKeyEnabled:
		k.Status = Active
	case APIKeyTokensRevoked:
		k.raiseGeneration(at)
	case SecretRotated:
		overlap, err := time.ParseDuration(set.Overlap)
		if err != nil {
			return fmt.Errorf("reading the overlap: %w", err)
		}
		for i := range k.Secrets {
			if slices.Contains(set.Retired, k.Secrets[i].ID) {
				k.Secrets[i].retire(at, overlap)
			}
		}
		k.LastSecretID = set.SecretID
	case SecretDeleted:
		if secret >= 0 {
			k.Secrets = slices.Delete(k.Secrets, secret, secret+1)
		}
	case SecretLeaked:
		if secret >= 0 {
			s := &k.Secrets[secret]
			s.LeakedAt = at
			s.retire(at, set.ExpiresAt.at.Sub(at))
		}
	}
	if set.TokensRevoked {
		k.raiseGeneration(at)
	}
	return nil
}

// redoSigningKey revokes what was revoked. All else in the life of signing keys
// goes on from how they are: those that were made since are gone.
func (a *Authority) redoSigningKey(ctx context.Context, d *Draft) error {
	env := environmentIndex(a.environments, d.Env)
	if d.Kind != SigningKeyRevocation || env < 0 {
		return ErrNotFound
	}
	ring, err := a.readKeyring(ctx, d.Env)
	if err != nil {
		return err
	}
	if ring.first(func(k *SigningKey) bool { return k.KeyID == d.Subject }) == nil {
		return ErrNotFound
	}
	s, err := a.revoke(&a.environments[env], ring, d.Subject, true, d.Time)
	if err != nil || s == nil {
		return err
	}
	return a.store.ChangeSigningKeys(ctx, d.Env, ring, s.changed, d)
}
