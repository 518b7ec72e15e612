package authority

import (
	"cmp"
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"time"
)

// CheckSigningKeyTimes refuses spans that the life of a signing key cannot have.
func (c *Config) CheckSigningKeyTimes() error {
	age, skew := cmp.Or(c.JWKSMaxAge, DefaultJWKSMaxAge), cmp.Or(c.ClockSkew, DefaultClockSkew)
	announced := c.announceFor()
	var problems []error
	if age < time.Second || age > 24*time.Hour || age%time.Second != 0 {
		problems = append(problems, invalid("jwks_max_age", "is not a number of whole seconds from 1s to 24h"))
	}
	if skew < time.Second || skew > 10*time.Minute {
		problems = append(problems, invalid("clock_skew", "is not from 1s to 10m"))
	}
	if problems == nil && (c.SigningKeyRotation < 0 || c.SigningKeyRotation != 0 && c.SigningKeyRotation <= announced) {
		problems = append(problems, invalid("signing_key_rotation", "is never, or longer than %s, which is how long a signing key is "+
			"published before it signs (max_staleness + jwks_max_age + clock_skew)", announced))
	}
	return errors.Join(problems...)
}

// JWKSMaxAge is how long the published documents may be cached.
func (a *Authority) JWKSMaxAge() time.Duration { return a.jwksMaxAge }

// announceFor is how long a signing key is published before it signs: until
// the slowest node publishes it, a JWKS from a moment before has been cached
// for as long as it may be, and clocks differ.
func (c *Config) announceFor() time.Duration {
	return cmp.Or(c.MaxStaleness, DefaultMaxStaleness) + cmp.Or(c.JWKSMaxAge, DefaultJWKSMaxAge) + cmp.Or(c.ClockSkew, DefaultClockSkew)
}

// keepFor is how long a retired signing key of env stays published: until the
// slowest node has heard that it is retired, the last token it signed until
// then has expired, and clocks differ. 0 where it is not known here how long
// tokens live.
func (c *Config) keepFor(env *Environment) time.Duration {
	if env.TokenLifetime == 0 {
		return 0
	}
	return cmp.Or(c.MaxStaleness, DefaultMaxStaleness) + env.TokenLifetime + cmp.Or(c.ClockSkew, DefaultClockSkew)
}

// RotatesAt is when another signing key of env takes over from the active one
// as things stand; zero for never. keys are all of the installation.
func (a *Authority) RotatesAt(keys []SigningKey, env string) time.Time {
	ring := keyringOf(keys, env)
	active, next := ring.active(), ring.next()
	switch {
	case next != nil && !next.WantedAt.IsZero():
		return next.RipeAt
	case active == nil || a.rotation == 0:
		return time.Time{}
	}
	at := active.ActivatedAt.Add(a.rotation)
	if next != nil && next.RipeAt.After(at) {
		at = next.RipeAt
	}
	return at
}

// step is one transition of the signing keys of an environment: one
// transaction with one event.
type step struct {
	kind    EventKind
	kid     string
	set     details
	changed []SigningKey // as they are afterwards
}

// take makes s happen where the keys are still those of ring, else ErrConflict.
func (a *Authority) take(ctx context.Context, actor Actor, env string, ring keyring, s *step) error {
	return a.store.ChangeSigningKeys(ctx, env, ring, s.changed, a.draft(actor, s.kind, s.kid, s.set).about("", env))
}

// system is the actor of what happens by itself.
var system = Actor{ID: "system", Permissions: Everything()}

// TendSigningKeys does what is due in the life of every signing key: announces
// the spare that is missing, activates the one whose turn it is, removes what
// no living token was signed with. It is safe to call at any time, on several
// nodes at once: each step is decided on the keys as they are stored, and
// happens only if they still are so.
func (a *Authority) TendSigningKeys(ctx context.Context) error {
	keys, err := a.signingKeys(ctx)
	if err != nil {
		return err
	}
	tended := false
	for i := range a.environments {
		env := &a.environments[i]
		steps, err := a.tend(ctx, env, keyringOf(keys, env.Name))
		if err != nil {
			return fmt.Errorf("tending the signing keys of %s: %w", env.Name, err)
		}
		tended = tended || steps > 0
	}
	if !tended {
		return nil
	}
	return a.catchUp(ctx) // this node publishes and signs accordingly from now on
}

// tend takes step after step until nothing is due.
func (a *Authority) tend(ctx context.Context, env *Environment, ring keyring) (steps int, err error) {
	for {
		s, err := a.due(env, ring, a.passed().UTC().Truncate(time.Millisecond))
		if err != nil || s == nil {
			return steps, err
		}
		// After a conflict another node has done it, or something else: look again.
		if err := a.take(ctx, system, env.Name, ring, s); err != nil && !errors.Is(err, ErrConflict) {
			return steps, err
		}
		steps++
		if ring, err = a.readKeyring(ctx, env.Name); err != nil {
			return steps, err
		}
	}
}

func (a *Authority) readKeyring(ctx context.Context, env string) (keyring, error) {
	keys, err := a.signingKeys(ctx)
	return keyringOf(keys, env), err
}

// due is the step to take now, or nil. What follows from the configuration
// comes first: the other steps rely on the times that keys carry.
func (a *Authority) due(env *Environment, ring keyring, now time.Time) (*step, error) {
	active, ripe := ring.active(), ring.ripe(now)
	if active == nil {
		return nil, ErrActiveSigningKey
	}
	if s := a.lengthen(env, ring); s != nil {
		return s, nil
	}
	over := a.rotation != 0 && !now.Before(active.ActivatedAt.Add(a.rotation))
	if ripe != nil && (over || !ripe.WantedAt.IsZero()) {
		return a.activate(env, active, ripe, now), nil
	}
	if ring.spare() == nil {
		return a.announce(env, ring, now)
	}
	return a.remove(env, ring, now), nil
}

// lengthen raises the times of a key to what this node's configuration asks
// for: it may have been announced or activated by one with shorter ones, or by
// a command. Times are never shortened: tokens and cached sets may be out there.
func (a *Authority) lengthen(env *Environment, ring keyring) *step {
	for _, k := range ring {
		ripeAt, keepFor := k.CreatedAt.Add(a.announceFor), a.keepFor(env)
		switch {
		case k.Status == SigningKeyAnnounced && k.RipeAt.Before(ripeAt):
			k.RipeAt = ripeAt
			return &step{SigningKeyUpdate, k.KeyID, details{"ripeAt": ripeAt}, []SigningKey{k}}
		case (k.Status == SigningKeyActive || k.Status == SigningKeyRetired) && k.KeepFor < keepFor:
			k.KeepFor = keepFor
			return &step{SigningKeyUpdate, k.KeyID, details{"keepFor": keepFor.String()}, []SigningKey{k}}
		}
	}
	return nil
}

func (a *Authority) announce(env *Environment, ring keyring, now time.Time) (*step, error) {
	bits := env.RSABits
	if active := ring.active(); bits == 0 && active != nil { // a command knows no configured size
		private, err := active.private(a.root)
		if err != nil {
			return nil, err
		}
		if key, ok := private.(*rsa.PrivateKey); ok {
			bits = key.N.BitLen()
		}
	}
	k, err := newSigningKey(a.root, env, bits, now)
	if err != nil {
		return nil, err
	}
	k.RipeAt = now.Add(a.announceFor)
	return &step{SigningKeyAnnouncement, k.KeyID, details{"ripeAt": k.RipeAt}, []SigningKey{*k}}, nil
}

// activate lets next sign in the place of active. They change together, the
// old one first: there is never a moment with two, or with none.
func (a *Authority) activate(env *Environment, active, next *SigningKey, now time.Time) *step {
	old, k := *active, *next
	old.Status, old.RetiredAt = SigningKeyRetired, now
	k.activate(now, a.keepFor(env))
	return &step{SigningKeyActivation, k.KeyID, details{"retired": old.KeyID}, []SigningKey{old, k}}
}

// remove ends a key when no token can be alive that it has signed.
func (a *Authority) remove(env *Environment, ring keyring, now time.Time) *step {
	for _, k := range ring {
		if k.Status == SigningKeyRetired && k.KeepFor != 0 && !now.Before(k.KeptUntil()) {
			k.Status, k.RemovedAt, k.Sealed = SigningKeyRemoved, now, nil
			return &step{SigningKeyRemoval, k.KeyID, nil, []SigningKey{k}}
		}
	}
	return nil
}

// changeKeyring takes the step that decide finds for the keys of env as they
// are stored; with none there is nothing to do.
func (a *Authority) changeKeyring(ctx context.Context, actor Actor, env string, decide func(keyring) (*step, error)) error {
	var ring keyring
	var s *step
	err := RetryConflicts(func() (err error) {
		if ring, err = a.readKeyring(ctx, env); err != nil {
			return err
		}
		if s, err = decide(ring); err == nil && s == nil {
			err = errUnchanged
		}
		return err
	}, func() error { return a.take(ctx, actor, env, ring, s) })
	if errors.Is(err, errUnchanged) {
		return nil
	}
	return err
}

// ensureSpare announces another signing key of env where none is.
func (a *Authority) ensureSpare(ctx context.Context, actor Actor, env *Environment) error {
	return a.changeKeyring(ctx, actor, env.Name, func(ring keyring) (*step, error) {
		if ring.spare() != nil {
			return nil, nil
		}
		return a.announce(env, ring, a.now())
	})
}

// SigningKeyRotation is what RotateSigningKey has done, or what will be done.
type SigningKeyRotation struct {
	Rotated bool       // Active has just taken over; else Next will at At
	Active  SigningKey // the one that signs now
	Next    SigningKey // the announced one whose turn is next
	At      time.Time  // when Next takes over; zero where nobody asked for it
}

// RotateSigningKey lets the announced signing key of env whose turn it is sign
// from now on, if it is ripe. If it is not, the wish is noted: a server
// activates it as soon as it is. Asking again while a rotation waits changes
// nothing. In any case a further one is announced. ErrNotFound for an unknown
// environment.
func (a *Authority) RotateSigningKey(ctx context.Context, actor Actor, name string) (*SigningKeyRotation, error) {
	return a.rotateSigningKey(ctx, actor, name, func(keyring) error { return nil })
}

// ReplaceSigningKey is RotateSigningKey while kid is what signs in the environment,
// else ErrConflict: what is asked for twice happens once.
func (a *Authority) ReplaceSigningKey(ctx context.Context, actor Actor, name, kid string) (*SigningKeyRotation, error) {
	return a.rotateSigningKey(ctx, actor, name, func(ring keyring) error {
		if active := ring.active(); active != nil && active.KeyID != kid {
			return ErrConflict
		}
		return nil
	})
}

// rotateSigningKey rotates where may has nothing against it.
func (a *Authority) rotateSigningKey(ctx context.Context, actor Actor, name string, may func(keyring) error) (*SigningKeyRotation, error) {
	if err := actor.May(SigningKeysWrite); err != nil {
		return nil, err
	}
	i := environmentIndex(a.environments, name)
	if i < 0 {
		return nil, fmt.Errorf("environment %s: %w", name, ErrNotFound)
	}
	env := &a.environments[i]
	var out SigningKeyRotation
	err := a.changeKeyring(ctx, actor, name, func(ring keyring) (*step, error) {
		if err := may(ring); err != nil {
			return nil, err
		}
		s, err := a.rotate(env, ring, a.now())
		out.Rotated = s != nil && s.kind == SigningKeyActivation
		return s, err
	})
	if err == nil {
		err = a.ensureSpare(ctx, actor, env)
	}
	if err != nil {
		return nil, fmt.Errorf("rotating the signing key of %s: %w", name, err)
	}
	keys, err := a.signingKeys(ctx)
	if err != nil {
		return nil, err
	}
	ring := keyringOf(keys, name)
	if active, next := ring.active(), ring.next(); active != nil && next != nil {
		out.Active, out.Next = *active, *next
	}
	if !out.Next.WantedAt.IsZero() {
		out.At = out.Next.RipeAt
	}
	return &out, a.catchUp(ctx)
}

// rotate is the step towards another active key; nil where one waits already.
func (a *Authority) rotate(env *Environment, ring keyring, now time.Time) (*step, error) {
	active, ripe, next := ring.active(), ring.ripe(now), ring.next()
	switch {
	case active == nil:
		return nil, ErrActiveSigningKey
	case ripe != nil:
		return a.activate(env, active, ripe, now), nil
	case next == nil:
		s, err := a.announce(env, ring, now)
		if err == nil {
			s.changed[0].WantedAt, s.set["wanted"] = now, true
		}
		return s, err
	case next.WantedAt.IsZero():
		k := *next
		k.WantedAt = now
		return &step{SigningKeyWanted, k.KeyID, details{"ripeAt": k.RipeAt}, []SigningKey{k}}, nil
	}
	return nil, nil
}
