package authority

import (
	"context"
	"time"
)

// Store keeps an installation. Each method is one transaction. A method that
// takes a Draft commits the event with the change, or neither: it locks the
// event counter first, so all changes have one order and what it then reads
// stays true until it commits, links the Draft (Draft.Link) and writes the
// event last. What has been acknowledged is durable.
//
// Times have millisecond precision. Errors besides the named ones mean that
// the store could not answer and that nothing is known of the outcome.
type Store interface {
	// Installation returns the installation and its sealed root key, or
	// ErrNotFound where the database holds none.
	Installation(ctx context.Context) (*Installation, *SealedRootKey, error)
	// Initialize writes the first rows of an empty database; ErrExists where
	// it is not empty.
	Initialize(ctx context.Context, inst *Installation, root *SealedRootKey, keys []SigningKey, d *Draft) error
	// ReplaceRootKey replaces the sealed form of a root key; ErrConflict
	// where the stored one is no longer previous.
	ReplaceRootKey(ctx context.Context, previous []byte, root *SealedRootKey, d *Draft) error

	// Merchant returns one merchant; ErrNotFound for deleted ones as well.
	Merchant(ctx context.Context, id MerchantID) (*Merchant, error)
	// Merchants returns up to limit merchants in the order of their IDs,
	// beginning behind after.
	Merchants(ctx context.Context, after MerchantID, limit int) ([]Merchant, error)
	// CreateMerchant adds m; ErrExists where the ID is or was in use.
	CreateMerchant(ctx context.Context, m *Merchant, d *Draft) error
	// UpdateMerchant writes m where version m.Version-1 is stored, else
	// ErrConflict. A cutoff other than 0 raises the generation of each of
	// its API keys to max(generation+1, cutoff), which is a revocation, and
	// their versions by one.
	UpdateMerchant(ctx context.Context, m *Merchant, cutoff int64, d *Draft) error
	// DeleteMerchant ends the merchant for ever; ErrMerchantInUse while it
	// has API keys that are not deleted, ErrConflict as UpdateMerchant.
	DeleteMerchant(ctx context.Context, m *Merchant, d *Draft) error

	// Scopes returns the catalogue in the order of names.
	Scopes(ctx context.Context) ([]Scope, error)
	// CreateScope adds s; ErrExists where the name is in use.
	CreateScope(ctx context.Context, s *Scope, d *Draft) error
	// DeleteScope removes a scope; ErrNotFound, or ErrScopeInUse while an
	// API key that is not deleted holds it.
	DeleteScope(ctx context.Context, name string, d *Draft) error

	// APIKey returns one API key with its secrets; ErrNotFound for deleted
	// ones as well.
	APIKey(ctx context.Context, id ClientID) (*APIKey, error)
	// APIKeys returns up to limit API keys that f matches, without secrets,
	// in the order of their IDs, beginning behind after.
	APIKeys(ctx context.Context, f APIKeyFilter, after ClientID, limit int) ([]APIKey, error)
	// CreateAPIKey adds k with its secrets. ErrNotFound where the merchant
	// does not exist; ErrActiveKeyLimit, ErrKeyLimit at the limits l;
	// *InvalidError where a scope of k is not in the catalogue.
	CreateAPIKey(ctx context.Context, k *APIKey, l KeyLimits, d *Draft) error
	// UpdateAPIKey writes k with its secrets where version k.Version-1 is
	// stored, else ErrConflict. Where k becomes active, the limits hold as in
	// CreateAPIKey; scopes are checked as there. A higher generation is a
	// revocation.
	UpdateAPIKey(ctx context.Context, k *APIKey, l KeyLimits, d *Draft) error
	// DeleteAPIKey ends k for ever and removes its secrets, which is a
	// revocation; ErrConflict as UpdateAPIKey.
	DeleteAPIKey(ctx context.Context, k *APIKey, d *Draft) error

	// RevokeToken lists one token, once; ErrTokenLimit where most tokens of
	// its API key are listed that live at v.CreatedAt. It is no event.
	RevokeToken(ctx context.Context, v *Revocation, most int) error
	// Revocations returns up to limit revocations in their order, beginning
	// behind after, and the seq of the last one there ever was.
	Revocations(ctx context.Context, after int64, limit int) (list []Revocation, head int64, err error)
	// SweepRevocations removes up to limit revocations of env: of tokens that
	// expired before tokensEnded, others that were made before othersCreated.
	SweepRevocations(ctx context.Context, env string, tokensEnded, othersCreated time.Time, limit int) (removed int64, err error)

	// SigningKeys returns every signing key, the oldest first.
	SigningKeys(ctx context.Context) ([]SigningKey, error)
	// ChangeSigningKeys writes changed, in their order, where the signing
	// keys of env are still those seen (status, times, none added), else
	// ErrConflict. ErrActiveSigningKey where env would not have exactly one
	// active signing key afterwards. A key that becomes revoked is a
	// revocation.
	ChangeSigningKeys(ctx context.Context, env string, seen, changed []SigningKey, d *Draft) error

	// Events returns up to limit events in their order, beginning behind after.
	Events(ctx context.Context, after int64, limit int) ([]Event, error)
	// EventHead returns the place of the last event.
	EventHead(ctx context.Context) (EventHead, error)

	// Directory reads all that the directory holds, as of one moment: begin
	// is called once, then key for every API key that is not deleted, in the
	// order of IDs. The first error of either ends it.
	Directory(ctx context.Context, begin func(*DirectorySnapshot) error, key func(*DirectoryKey) error) error
	// Changes returns what up to limit events behind after have changed,
	// each thing as it is now; ErrDiverged where the event at after.Seq does
	// not have after.Hash.
	Changes(ctx context.Context, after EventHead, limit int) (*DirectoryChanges, error)
}

// KeyLimits is what CreateAPIKey and UpdateAPIKey hold under concurrency, per
// merchant and environment. 0 active means the merchant's own limit.
type KeyLimits struct {
	Active    int // API keys of status active, expired or not
	Undeleted int // as a multiple of the limit of active ones
}

// DirectorySnapshot is the directory without its API keys.
type DirectorySnapshot struct {
	Head        EventHead
	Scopes      []Scope
	SigningKeys []SigningKey
}

// DirectoryKey is what the directory keeps of one API key.
type DirectoryKey struct {
	ClientID          ClientID
	Env               string
	MerchantID        MerchantID // "" for operator keys
	MerchantSuspended bool
	Disabled          bool
	Scopes            string // space separated, sorted
	AllowedCIDRs      string // space separated
	Generation        int64
	ExpiresAt         time.Time // zero for never
	Secrets           []DirectorySecret
}

// DirectorySecret is what the directory keeps of one secret.
type DirectorySecret struct {
	ID        int64
	RootKeyID int64
	Hash      []byte
	CreatedAt time.Time
	ExpiresAt time.Time // zero for never
	Retired   bool
}

// DirectoryChanges is what events have changed. Scopes and SigningKeys are the
// whole lists where any of them changed, else nil.
type DirectoryChanges struct {
	Head        EventHead
	More        bool           // there may be further events
	Keys        []DirectoryKey // changed or new
	Deleted     []ClientID     // gone
	Scopes      []Scope
	SigningKeys []SigningKey
}
