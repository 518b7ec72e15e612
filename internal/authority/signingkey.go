package authority

import (
	"context"
	"crypto"
	"crypto/x509"
	"fmt"
	"time"

	"github.com/tokenwright/tokenwright/internal/jose"
)

// SigningKeyStatus is the state of a signing key.
type SigningKeyStatus string

// The states of a signing key, in their order. Announced, active and retired
// ones are published; the last two have lost their private key.
const (
	SigningKeyAnnounced SigningKeyStatus = "announced"
	SigningKeyActive    SigningKeyStatus = "active" // the one that signs
	SigningKeyRetired   SigningKeyStatus = "retired"
	SigningKeyRemoved   SigningKeyStatus = "removed"
	SigningKeyRevoked   SigningKeyStatus = "revoked"
)

// published tells whether the JWKS has the key, and so a node its private key.
func (s SigningKeyStatus) published() bool {
	return s == SigningKeyAnnounced || s == SigningKeyActive || s == SigningKeyRetired
}

// SigningKey is a key pair that signs the tokens of one environment.
type SigningKey struct {
	KeyID     string // kid: the RFC 7638 thumbprint
	Env       string
	Algorithm jose.Algorithm
	Status    SigningKeyStatus
	RootKeyID int64     // whose wrapping key sealed the private key
	Sealed    []byte    // PKCS #8, AES-256-GCM; empty once removed or revoked
	CreatedAt time.Time // when it was announced
	// RipeAt is from when on it may sign: every verifier that keeps a JWKS no
	// longer than it may has the key by then.
	RipeAt time.Time
	// WantedAt is when somebody asked for a rotation to this key, which was
	// not ripe; zero where nobody has.
	WantedAt    time.Time
	ActivatedAt time.Time // each zero for not yet
	RetiredAt   time.Time
	// KeepFor is how long it stays published once retired: until the last
	// token that it signed has expired. Servers note it, who know how long
	// their tokens live; 0 until one has.
	KeepFor   time.Duration
	RemovedAt time.Time // or revoked
}

// activate lets k sign from now on, and be kept for a time once it is retired.
func (k *SigningKey) activate(now time.Time, keepFor time.Duration) {
	k.Status, k.ActivatedAt, k.KeepFor = SigningKeyActive, now, keepFor
}

// KeptUntil is when a retired key is removed; zero for every other one.
func (k *SigningKey) KeptUntil() time.Time {
	if k.Status != SigningKeyRetired {
		return time.Time{}
	}
	return k.RetiredAt.Add(k.KeepFor)
}

// newSigningKey makes an announced key, which is not ripe before it is said.
func newSigningKey(root *rootKeys, env *Environment, rsaBits int, now time.Time) (*SigningKey, error) {
	private, signer, err := generateKeyPair(env.Algorithm, rsaBits)
	if err != nil {
		return nil, fmt.Errorf("generating a signing key of %s: %w", env.Name, err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, fmt.Errorf("generating a signing key of %s: %w", env.Name, err)
	}
	k := &SigningKey{
		KeyID: signer.KeyID(), Env: env.Name, Algorithm: env.Algorithm, Status: SigningKeyAnnounced, RootKeyID: root.id, CreatedAt: now,
	}
	k.Sealed = seal(root.wrap, der, k.identity())
	return k, nil
}

// generateKeyPair makes key pairs until one has a key ID that a command line
// does not take for a flag: one in 64 begins with a hyphen.
func generateKeyPair(alg jose.Algorithm, rsaBits int) (crypto.Signer, *jose.Signer, error) {
	for {
		private, err := jose.GenerateKey(alg, rsaBits)
		if err != nil {
			return nil, nil, err
		}
		signer, err := jose.NewSigner(alg, private)
		if err != nil || signer.KeyID()[0] != '-' {
			return private, signer, err
		}
	}
}

// firstSigningKeys makes two for each environment: one signs at once, for no
// verifier can have an older JWKS, and one is announced.
func firstSigningKeys(root *rootKeys, cfg *Config, now time.Time) (keys []SigningKey, err error) {
	for i := range cfg.Environments {
		env := &cfg.Environments[i]
		for _, status := range []SigningKeyStatus{SigningKeyActive, SigningKeyAnnounced} {
			k, err := newSigningKey(root, env, env.RSABits, now)
			if err != nil {
				return nil, err
			}
			k.RipeAt = now.Add(cfg.announceFor())
			if status == SigningKeyActive {
				k.RipeAt = now
				k.activate(now, cfg.keepFor(env))
			}
			keys = append(keys, *k)
		}
	}
	return keys, nil
}

// identity is what the sealed private key is bound to.
func (k *SigningKey) identity() string {
	return "tokenwright signing key " + k.Env + " " + string(k.Algorithm) + " " + k.KeyID
}

// open returns the signer, or an error where the row was damaged or exchanged:
// a key that is not the one its kid names never signs.
func (k *SigningKey) open(root *rootKeys) (*jose.Signer, error) {
	private, err := k.private(root)
	if err != nil {
		return nil, err
	}
	signer, err := jose.NewSigner(k.Algorithm, private)
	if err != nil || signer.KeyID() != k.KeyID {
		return nil, fmt.Errorf("signing key %s of %s is damaged: its key ID does not fit", k.KeyID, k.Env)
	}
	return signer, nil
}

func (k *SigningKey) private(root *rootKeys) (crypto.Signer, error) {
	der, err := unseal(root.wrap, k.Sealed, k.identity())
	if err != nil || k.RootKeyID != root.id {
		return nil, fmt.Errorf("signing key %s of %s is damaged: it does not open with this installation's root key", k.KeyID, k.Env)
	}
	private, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("signing key %s of %s is damaged", k.KeyID, k.Env)
	}
	return private.(crypto.Signer), nil
}

// SigningKeys returns every signing key, the oldest first.
func (a *Authority) SigningKeys(ctx context.Context, actor Actor) ([]SigningKey, error) {
	if err := actor.May(SigningKeysRead); err != nil {
		return nil, err
	}
	return a.signingKeys(ctx)
}

func (a *Authority) signingKeys(ctx context.Context) ([]SigningKey, error) {
	keys, err := a.store.SigningKeys(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading signing keys: %w", err)
	}
	return keys, nil
}

// keyring is the signing keys of one environment, the oldest first.
type keyring []SigningKey

func keyringOf(keys []SigningKey, env string) (ring keyring) {
	for i := range keys {
		if keys[i].Env == env {
			ring = append(ring, keys[i])
		}
	}
	return ring
}

// first returns the oldest key that is such a one, or nil.
func (r keyring) first(such func(*SigningKey) bool) *SigningKey {
	for i := range r {
		if such(&r[i]) {
			return &r[i]
		}
	}
	return nil
}

func (r keyring) active() *SigningKey {
	return r.first(func(k *SigningKey) bool { return k.Status == SigningKeyActive })
}

// next is the announced key whose turn it is: the one that somebody wants, else
// the oldest.
func (r keyring) next() *SigningKey {
	if k := r.first(func(k *SigningKey) bool { return k.Status == SigningKeyAnnounced && !k.WantedAt.IsZero() }); k != nil {
		return k
	}
	return r.spare()
}

// spare is an announced key beyond the one that a rotation waits for.
func (r keyring) spare() *SigningKey {
	return r.first(func(k *SigningKey) bool { return k.Status == SigningKeyAnnounced && k.WantedAt.IsZero() })
}

// ripe is next where it may sign now; else another that may, or nil.
func (r keyring) ripe(now time.Time) *SigningKey {
	if k := r.next(); k != nil && !now.Before(k.RipeAt) {
		return k
	}
	return r.first(func(k *SigningKey) bool { return k.Status == SigningKeyAnnounced && !now.Before(k.RipeAt) })
}
