package tokenwrighttest

import "github.com/tokenwright/tokenwright/internal/jose"

// signingKeys are published, all of them. Issuer.mu guards them.
type signingKeys struct {
	active  *jose.Signer
	spare   *jose.Signer // signs next: verifiers have it before
	retired []*jose.Signer
}

// next has the spare sign, and publishes another one.
func (k *signingKeys) next(spare *jose.Signer) { k.active, k.spare = k.spare, spare }

// newSigner makes a signing key.
func (iss *Issuer) newSigner() *jose.Signer {
	iss.t.Helper()
	key, err := jose.GenerateKey(iss.algorithm, 0)
	if err != nil {
		iss.t.Fatalf("tokenwrighttest: making a signing key: %v", err)
	}
	signer, err := jose.NewSigner(iss.algorithm, key)
	if err != nil {
		iss.t.Fatalf("tokenwrighttest: making a signing key: %v", err)
	}
	return signer
}

// active returns the key that signs now.
func (iss *Issuer) active() *jose.Signer {
	iss.mu.Lock()
	defer iss.mu.Unlock()
	return iss.signing.active
}

// KeyID returns the kid of the key that signs now.
func (iss *Issuer) KeyID() string { return iss.active().KeyID() }

// RotateSigningKey signs with another key from now on. The older ones stay
// published, and what they have signed stays good.
//
// As in the product the other key was published before: verifiers have it. The
// next one they have only once they read the JWKS again (max-age is 300 s, and
// verifiers look for an unknown key once a minute at most); so rotate twice to
// test with a key that is news to them.
func (iss *Issuer) RotateSigningKey() {
	iss.t.Helper()
	spare := iss.newSigner()
	iss.change(func() {
		iss.signing.retired = append(iss.signing.retired, iss.signing.active)
		iss.signing.next(spare)
	})
}

// DropSigningKeys publishes no key any more that has ended signing. What it has
// signed is good for nobody who reads the JWKS again.
func (iss *Issuer) DropSigningKeys() {
	iss.change(func() { iss.signing.retired = nil })
}

// RevokeSigningKey ends the key that signs now, as it must be when somebody has
// stolen it: it is not published any more, the revocation feed lists it, and
// another one signs, as RotateSigningKey has it. Every token it has signed is dead.
func (iss *Issuer) RevokeSigningKey() {
	iss.t.Helper()
	spare := iss.newSigner()
	iss.change(func() {
		iss.known.add(revocation{keyID: iss.signing.active.KeyID()})
		iss.signing.next(spare)
	})
}

func (iss *Issuer) published() []*jose.Key {
	iss.mu.Lock()
	defer iss.mu.Unlock()
	keys := []*jose.Key{iss.signing.active.Public(), iss.signing.spare.Public()}
	for _, signer := range iss.signing.retired {
		keys = append(keys, signer.Public())
	}
	return keys
}
