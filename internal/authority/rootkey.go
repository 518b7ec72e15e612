package authority

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/tokenwright/tokenwright/internal/credential"
)

// keySize is the length in bytes of master key, root key and what derives from it.
const keySize = 32

// MasterKey seals the root key. It is never stored in the database. It prints
// as [master key].
type MasterKey struct{ key [keySize]byte }

// String implements fmt.Stringer.
func (MasterKey) String() string { return "[master key]" }

// Format implements fmt.Formatter, so that no verb prints the key.
func (k MasterKey) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(k.String())) }

// NewMasterKey returns a random master key and its text, base64 of 32 bytes.
func NewMasterKey() (MasterKey, string) {
	var k MasterKey
	rand.Read(k.key[:]) // never fails (crypto/rand)
	return k, base64.StdEncoding.EncodeToString(k.key[:])
}

// ParseMasterKey reads the text of a master key; white space around it, such
// as the line end of a file, is no part of it.
func ParseMasterKey(text string) (MasterKey, error) {
	raw, err := base64.StdEncoding.Strict().DecodeString(strings.TrimSpace(text))
	if err != nil || len(raw) != keySize {
		// The text itself stays out of the error: it may be nearly right.
		return MasterKey{}, fmt.Errorf("a master key is the base64 text of %d random bytes (make one with: openssl rand -base64 32)", keySize)
	}
	return MasterKey{[keySize]byte(raw)}, nil
}

// SealedRootKey is the root key as the database holds it: AES-256-GCM under
// the master key, with its identity as associated data.
type SealedRootKey struct {
	ID        int64
	Sealed    []byte
	CreatedAt time.Time
}

// rootKeys is the root key opened, and the keys derived from it, one for each
// purpose (HKDF-SHA-256, RFC 5869).
type rootKeys struct {
	id     int64
	root   []byte
	pepper *credential.Pepper
	wrap   []byte // seals signing keys
	chain  []byte // links events
	reply  []byte // seals answers that are kept
	cursor []byte // seals cursors
	user   []byte // seals what users share with us
}

func newRootKey() *rootKeys {
	root := make([]byte, keySize)
	rand.Read(root)
	return deriveRootKeys(1, root)
}

func deriveRootKeys(id int64, root []byte) *rootKeys {
	derive := func(purpose string) []byte {
		key, err := hkdf.Key(sha256.New, root, nil, "tokenwright "+purpose, keySize)
		if err != nil {
			panic(err) // only for lengths that HKDF cannot give
		}
		return key
	}
	return &rootKeys{
		id: id, root: root,
		pepper: credential.NewPepper(derive("secret pepper")),
		wrap:   derive("signing-key wrapping"),
		chain:  derive("event chain"),
		reply:  derive("kept answers"),
		cursor: derive("cursors"),
		user:   derive("second factors"),
	}
}

func (r *rootKeys) chainKey() ChainKey { return ChainKey{id: r.id, key: [keySize]byte(r.chain)} }

// openRootKey opens sealed with the first of the master keys that fits.
func openRootKey(sealed *SealedRootKey, masterKeys []MasterKey) (*rootKeys, error) {
	for _, master := range masterKeys {
		if root, err := unseal(master.key[:], sealed.Sealed, rootKeyIdentity(sealed.ID)); err == nil {
			return deriveRootKeys(sealed.ID, root), nil
		}
	}
	return nil, ErrMasterKey
}

// sealWith returns the root key sealed under master.
func (r *rootKeys) sealWith(master MasterKey, now time.Time) *SealedRootKey {
	return &SealedRootKey{ID: r.id, Sealed: seal(master.key[:], r.root, rootKeyIdentity(r.id)), CreatedAt: now}
}

func rootKeyIdentity(id int64) string { return fmt.Sprintf("tokenwright root key %d", id) }

// seal encrypts plain with AES-256-GCM; identity is bound to it, so a sealed
// value cannot be put in the place of another.
func seal(key, plain []byte, identity string) []byte {
	return newAEAD(key).Seal(nil, nil, plain, []byte(identity))
}

func unseal(key, sealed []byte, identity string) ([]byte, error) {
	return newAEAD(key).Open(nil, nil, sealed, []byte(identity))
}

// Seal encrypts what the users of an installation share with it, bound to an
// identity: a sealed value cannot be put in the place of another.
func (a *Authority) Seal(plain []byte, identity string) []byte {
	return seal(a.root.user, plain, identity)
}

// Unseal opens what Seal has sealed under the same identity.
func (a *Authority) Unseal(sealed []byte, identity string) ([]byte, error) {
	return unseal(a.root.user, sealed, identity)
}

func newAEAD(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // the key's length is ours
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	return aead
}
