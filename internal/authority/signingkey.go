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

// SigningKey is a key pair that signs the tokens of one environment.
type SigningKey struct {
	KeyID       string // kid: the RFC 7638 thumbprint
	Env         string
	Algorithm   jose.Algorithm
	Status      SigningKeyStatus
	RootKeyID   int64     // whose wrapping key sealed the private key
	Sealed      []byte    // PKCS #8, AES-256-GCM
	CreatedAt   time.Time // when it was announced
	ActivatedAt time.Time // each zero for not yet
	RetiredAt   time.Time
	RemovedAt   time.Time // or revoked
}

func newSigningKey(root *rootKeys, env *Environment, now time.Time) (*SigningKey, error) {
	private, err := jose.GenerateKey(env.Algorithm, env.RSABits)
	if err != nil {
		return nil, fmt.Errorf("generating the signing key of %s: %w", env.Name, err)
	}
	signer, err := jose.NewSigner(env.Algorithm, private)
	if err != nil {
		return nil, fmt.Errorf("generating the signing key of %s: %w", env.Name, err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, fmt.Errorf("generating the signing key of %s: %w", env.Name, err)
	}
	k := &SigningKey{
		KeyID: signer.KeyID(), Env: env.Name, Algorithm: env.Algorithm, Status: SigningKeyActive,
		RootKeyID: root.id, CreatedAt: now, ActivatedAt: now,
	}
	k.Sealed = seal(root.wrap, der, k.identity())
	return k, nil
}

// identity is what the sealed private key is bound to.
func (k *SigningKey) identity() string {
	return "tokenwright signing key " + k.Env + " " + string(k.Algorithm) + " " + k.KeyID
}

// open returns the signer, or an error where the row was damaged or exchanged:
// a key that is not the one its kid names never signs.
func (k *SigningKey) open(root *rootKeys) (*jose.Signer, error) {
	der, err := unseal(root.wrap, k.Sealed, k.identity())
	if err != nil || k.RootKeyID != root.id {
		return nil, fmt.Errorf("signing key %s of %s is damaged: it does not open with this installation's root key", k.KeyID, k.Env)
	}
	private, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("signing key %s of %s is damaged", k.KeyID, k.Env)
	}
	signer, err := jose.NewSigner(k.Algorithm, private.(crypto.Signer))
	if err != nil || signer.KeyID() != k.KeyID {
		return nil, fmt.Errorf("signing key %s of %s is damaged: its key ID does not fit", k.KeyID, k.Env)
	}
	return signer, nil
}

// SigningKeys returns every signing key, the oldest first.
func (a *Authority) SigningKeys(ctx context.Context) ([]SigningKey, error) {
	keys, err := a.store.SigningKeys(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading signing keys: %w", err)
	}
	return keys, nil
}
