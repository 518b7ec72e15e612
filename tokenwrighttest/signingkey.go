package tokenwrighttest

import "github.com/tokenwright/tokenwright/internal/jose"

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

// RotateSigningKey publishes a new signing key and signs with it from now on.
// The older ones stay published, and what they have signed stays good.
//
// The product publishes a key for some minutes before it signs; here verifiers
// have to find it at once.
func (iss *Issuer) RotateSigningKey() {
	iss.t.Helper()
	signer := iss.newSigner()
	iss.change(func() { iss.signers = append([]*jose.Signer{signer}, iss.signers...) })
}

// DropSigningKeys publishes no signing key any more but the one that signs now.
func (iss *Issuer) DropSigningKeys() {
	iss.change(func() { iss.signers = iss.signers[:1:1] })
}

// RevokeSigningKey ends the key that signs now: it is not published any more,
// the revocation feed lists it, and another one signs. Every token it has
// signed is dead.
func (iss *Issuer) RevokeSigningKey() {
	iss.t.Helper()
	signer := iss.newSigner()
	iss.change(func() {
		iss.known.add(revocation{keyID: iss.signers[0].KeyID()})
		iss.signers = append([]*jose.Signer{signer}, iss.signers[1:]...)
	})
}

func (iss *Issuer) published() []*jose.Key {
	iss.mu.Lock()
	defer iss.mu.Unlock()
	keys := make([]*jose.Key, len(iss.signers))
	for i, signer := range iss.signers {
		keys[i] = signer.Public()
	}
	return keys
}
