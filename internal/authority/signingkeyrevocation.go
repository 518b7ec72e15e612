package authority

import (
	"context"
	"fmt"
	"time"
)

// UnripeError refuses to revoke the active signing key: no other one has been
// published for long enough to take its place.
type UnripeError struct {
	Env    string
	RipeAt time.Time // of the one whose turn is next; zero where none is announced
}

// Error implements error.
func (e *UnripeError) Error() string {
	if e.RipeAt.IsZero() {
		return "no other signing key of " + e.Env + " is announced that could sign in its place"
	}
	return fmt.Sprintf("no other signing key of %s has been published for long enough to sign in its place; the next one has at %s",
		e.Env, e.RipeAt.Format(time.RFC3339))
}

// RevokedSigningKey is what RevokeSigningKey has done.
type RevokedSigningKey struct {
	Key    SigningKey
	Active SigningKey // the one that signs now
	// KnownAt is from when on every verifier knows Active; in the past, but
	// for one that was forced to sign.
	KnownAt time.Time
}

// RevokeSigningKey ends a signing key that somebody else may have: it is no
// longer published, and listed as revoked, so that no token it has signed is
// believed any more. Where it is the active one, the ripe one whose turn is
// next signs from now on. With none that is ripe it is an *UnripeError, unless
// force is set: then the next one, or a new one, signs at once, and verifiers
// refuse its tokens until they have fetched the JWKS again. A key that is
// revoked already stays so. ErrNotFound for an unknown one.
func (a *Authority) RevokeSigningKey(ctx context.Context, actor Actor, kid string, force bool) (*RevokedSigningKey, error) {
	if err := actor.May(SigningKeysDelete); err != nil {
		return nil, err
	}
	keys, err := a.signingKeys(ctx)
	if err != nil {
		return nil, err
	}
	k := keyring(keys).first(func(k *SigningKey) bool { return k.KeyID == kid })
	if k == nil {
		return nil, fmt.Errorf("signing key %s: %w", kid, ErrNotFound)
	}
	env := &a.environments[environmentIndex(a.environments, k.Env)]
	err = a.changeKeyring(ctx, actor, env.Name, func(ring keyring) (*step, error) {
		return a.revoke(env, ring, kid, force, a.now())
	})
	if err == nil {
		err = a.ensureSpare(ctx, actor, env)
	}
	if err != nil {
		return nil, fmt.Errorf("revoking signing key %s: %w", kid, err)
	}
	ring, err := a.readKeyring(ctx, env.Name)
	if err != nil {
		return nil, err
	}
	out := &RevokedSigningKey{Key: *ring.first(func(k *SigningKey) bool { return k.KeyID == kid })}
	if active := ring.active(); active != nil {
		out.Active, out.KnownAt = *active, active.RipeAt
	}
	return out, a.catchUp(ctx)
}

func (a *Authority) revoke(env *Environment, ring keyring, kid string, force bool, now time.Time) (*step, error) {
	k := *ring.first(func(k *SigningKey) bool { return k.KeyID == kid }) // rows of signing keys are never deleted
	if k.Status == SigningKeyRevoked {
		return nil, nil
	}
	wasActive := k.Status == SigningKeyActive
	k.Status, k.RemovedAt, k.Sealed = SigningKeyRevoked, now, nil
	s := &step{SigningKeyRevocation, kid, details{}, []SigningKey{k}}
	if !wasActive {
		return s, nil
	}
	next, err := a.successor(env, ring, force, now)
	if err != nil {
		return nil, err
	}
	if now.Before(next.RipeAt) {
		s.set["forced"] = true
	}
	next.activate(now, a.keepFor(env))
	s.set["activated"] = next.KeyID
	s.changed = append(s.changed, *next)
	return s, nil
}

// successor is who signs in the place of a revoked key: a ripe one, or, by
// force, the one that has been published the longest, or a new one.
func (a *Authority) successor(env *Environment, ring keyring, force bool, now time.Time) (*SigningKey, error) {
	if ripe := ring.ripe(now); ripe != nil {
		return new(*ripe), nil
	}
	next := ring.next()
	switch {
	case !force && next == nil:
		return nil, &UnripeError{Env: env.Name}
	case !force:
		return nil, &UnripeError{Env: env.Name, RipeAt: next.RipeAt}
	case next != nil:
		return new(*next), nil
	}
	s, err := a.announce(env, ring, now)
	if err != nil {
		return nil, err
	}
	return &s.changed[0], nil
}
