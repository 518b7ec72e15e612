package authority

import (
	"context"
	"time"
)

// Store keeps an installation. Each method is one transaction. A method that
// takes a Draft commits the event with the change, or neither: it locks the
// event counter first, so all changes have one order and what it then reads
// stays true until it commits, holds the Standing of the Draft (ErrEnded, ErrConflict),
// links the Draft (Draft.Link) and writes the event last. With the event it keeps the
// Reply of the Draft, where there is one: ErrReplied where its ID is taken, by
// an answer that is not too old. What has been acknowledged is durable.
//
// Times have millisecond precision. Errors besides the named ones mean that
// the store could not answer and that nothing is known of the outcome.
type Store interface {
	// Installation returns the installation and its sealed root key, or
	// ErrNotFound where the database holds none. Where it was moved, or is arriving,
	// every method that writes, and all that nodes follow, is ErrMoved.
	Installation(ctx context.Context) (*Installation, *SealedRootKey, error)
	// Initialize writes the first rows of an empty database; ErrExists where
	// it is not empty.
	Initialize(ctx context.Context, inst *Installation, root *SealedRootKey, keys []SigningKey, d *Draft) error
	// BeginLineage begins another lineage behind the stored one, after a restore.
	// MinGeneration of l is raised above every generation there is, and becomes
	// that of each API key. Sessions, links, kept answers and nodes end. No mail
	// begins of events before d; webhooks go on where they were. Releases
	// that do not know of lineages may not work on the database from then on.
	// It is the one that is worked on, as after KeepPlace.
	BeginLineage(ctx context.Context, l *Lineage, d *Draft) error
	// Lacking returns who has nothing to sign in with.
	Lacking(ctx context.Context) (*Lacking, error)
	// KeepPlace says that the database is the one that is worked on, with an event.
	KeepPlace(ctx context.Context, d *Draft) error
	// ReplaceRootKey replaces the sealed form of a root key; ErrConflict
	// where the stored one is no longer previous.
	ReplaceRootKey(ctx context.Context, previous []byte, root *SealedRootKey, d *Draft) error

	// Merchant returns one merchant; ErrNotFound for deleted ones as well.
	Merchant(ctx context.Context, id MerchantID) (*Merchant, error)
	// Merchants returns up to limit merchants that f matches in the order of
	// their IDs, beginning behind after.
	Merchants(ctx context.Context, f MerchantFilter, after MerchantID, limit int) ([]Merchant, error)
	// MerchantNames returns the names of those of the merchants that are not deleted.
	MerchantNames(ctx context.Context, ids []MerchantID) (map[MerchantID]string, error)
	// ActiveKeys counts the API keys of status active of merchants, by
	// environment; what has none is not in it.
	ActiveKeys(ctx context.Context, ids []MerchantID) (map[MerchantID]map[string]int, error)
	// CreateMerchant adds m; ErrExists where the ID is or was in use.
	CreateMerchant(ctx context.Context, m *Merchant, d *Draft) error
	// UpdateMerchant writes m where version m.Version-1 is stored, else
	// ErrConflict. A cutoff other than 0 raises the generation of each of
	// its API keys to max(generation+1, cutoff), which is a revocation, and
	// their versions by one.
	UpdateMerchant(ctx context.Context, m *Merchant, cutoff int64, d *Draft) error
	// DeleteMerchant ends the merchant for ever, and its users' roles there;
	// ErrMerchantInUse while it has API keys that are not deleted, ErrConflict
	// as UpdateMerchant.
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
	// KeyCount counts the API keys of a merchant in an environment; ErrNotFound
	// where the merchant does not exist.
	KeyCount(ctx context.Context, id MerchantID, env string, l KeyLimits) (KeyCount, error)
	// APIKeyNames returns the names of those of the API keys that are not deleted
	// and that f matches.
	APIKeyNames(ctx context.Context, f APIKeyFilter, ids []ClientID) (map[ClientID]string, error)
	// CreateAPIKey adds k with its secrets, and raises its generation to the lowest
	// that lives. ErrNotFound where the merchant does not exist; ErrActiveKeyLimit,
	// ErrKeyLimit at the limits l; *InvalidError where a scope of k is not in the
	// catalogue.
	CreateAPIKey(ctx context.Context, k *APIKey, l KeyLimits, d *Draft) error
	// UpdateAPIKey writes k with its secrets where version k.Version-1 is
	// stored, else ErrConflict. Where k becomes active, the limits hold as in
	// CreateAPIKey; scopes are checked as there. A higher generation is a
	// revocation; with it, and where a scope is lost, the links that k has made end,
	// and the sessions of guests who came by them.
	UpdateAPIKey(ctx context.Context, k *APIKey, l KeyLimits, d *Draft) error
	// DeleteAPIKey ends k for ever and removes its secrets, which is a
	// revocation, and ends links as UpdateAPIKey does; ErrConflict as there.
	DeleteAPIKey(ctx context.Context, k *APIKey, d *Draft) error

	// SigningKeys returns every signing key, the oldest first.
	SigningKeys(ctx context.Context) ([]SigningKey, error)
	// ChangeSigningKeys writes changed, in their order, where the signing
	// keys of env are still those seen (status, times, none added), else
	// ErrConflict. ErrActiveSigningKey where env would not have exactly one
	// active signing key afterwards. A key that becomes revoked is a
	// revocation.
	ChangeSigningKeys(ctx context.Context, env string, seen, changed []SigningKey, d *Draft) error

	// Revocations returns up to limit revocations in their order, beginning
	// behind after, and the number of the last one there ever was, whether
	// or not it was swept since.
	Revocations(ctx context.Context, after int64, limit int) (list []Revocation, last int64, err error)
	// RevokeToken adds the revocation r of a token and gives it its number,
	// without an event; nothing happens where the token is listed already.
	// ErrManyRevoked where its API key has most tokens of its present
	// generation listed that live at r.CreatedAt.
	RevokeToken(ctx context.Context, r *Revocation, most int) error
	// SweepRevocations removes up to limit revocations of env: of tokens that
	// expired before expired, and all others from before created. It tells
	// how many.
	SweepRevocations(ctx context.Context, env string, expired, created time.Time, limit int) (int, error)

	// AddEvent writes the event of what changes nothing that is stored.
	AddEvent(ctx context.Context, d *Draft) error
	// Events returns up to limit events in their order, beginning behind after.
	Events(ctx context.Context, after int64, limit int) ([]Event, error)
	// FindEvents returns up to limit events that f matches, in the order that f
	// says, beginning behind after; 0 is before the first.
	FindEvents(ctx context.Context, f EventFilter, after int64, limit int) ([]Event, error)
	// EventHead returns the place of the last event.
	EventHead(ctx context.Context) (EventHead, error)

	// AddUsage adds uses, which differ in API key, hour, secret or outcome, to
	// what is recorded of API keys, of merchants and of all, and moves the last uses of secrets forward. Of what a use
	// Tells the first in its hour, whoever records it, is an event that is
	// committed with it: RetiredSecretUsed the first of the secret, LimitReached
	// that of the API key. event makes it, perhaps more than once; merchant is
	// that of the API key.
	AddUsage(ctx context.Context, uses []Use, event func(kind EventKind, u *Use, merchant MerchantID) *Draft) error
	// Usage returns what is recorded of an API key in the hours that begin in
	// [from, to), in the order of hours, secrets and outcomes.
	Usage(ctx context.Context, id ClientID, from, to time.Time) ([]HourUsage, error)
	// UsageSeries returns what is recorded of the use that q selects, added up by
	// interval, in the order of time and outcome. Of merchants it reads no more
	// rows than there are hours with use; of all no more than days, where q is
	// of whole ones.
	UsageSeries(ctx context.Context, q UsageQuery) ([]UsageCount, error)
	// KeyUses returns up to limit API keys that q selects, in its order, with
	// their secrets and what is recorded of their use.
	KeyUses(ctx context.Context, q KeyQuery, limit int) ([]KeyUse, error)
	// TopKeys returns up to limit API keys of q's merchant, and environment, that
	// were used in its time, deleted ones too: the most used first.
	TopKeys(ctx context.Context, q UsageQuery, limit int) ([]KeyTotal, error)
	// DeleteUsage deletes up to limit rows of usage of API keys from before a
	// time, and tells how many. Last uses stay.
	DeleteUsage(ctx context.Context, before time.Time, limit int) (int, error)
	// DeleteUsageTotals does the same with the use of merchants and of all.
	DeleteUsageTotals(ctx context.Context, before time.Time, limit int) (int, error)

	// Unannounced returns those of list of whose end no notice of as many days,
	// or of fewer, is recorded; of retired secrets only those used since.
	Unannounced(ctx context.Context, list []Expiry) ([]Expiry, error)
	// AddExpiryNotice records that e was announced; ErrExists where it was.
	AddExpiryNotice(ctx context.Context, e *Expiry, d *Draft) error
	// DeleteExpiryNotices forgets the notices about what ended before a time.
	DeleteExpiryNotices(ctx context.Context, before time.Time) error

	// KeepNode writes what a node tells of itself, and removes those that were
	// not heard of since before.
	KeepNode(ctx context.Context, n *Node, before time.Time) error
	// RemoveNode removes a node; nothing happens where there is none.
	RemoveNode(ctx context.Context, id string) error
	// Nodes returns the nodes, up to 1,000, the oldest first.
	Nodes(ctx context.Context) ([]Node, error)

	// Reply returns the answer that is kept under id; ErrNotFound where none is.
	Reply(ctx context.Context, id []byte) (*Reply, error)
	// AddReply keeps an answer without a change; ErrReplied where its ID is taken,
	// unless by an answer from before r.Outlives.
	AddReply(ctx context.Context, r *Reply) error
	// DeleteReplies removes answers from before a time.
	DeleteReplies(ctx context.Context, before time.Time) error

	// Now is what the clock of the database shows, or of this machine where that
	// is the same.
	Now(ctx context.Context) (time.Time, error)
	// Position returns how far the changes have come. It is cheap.
	Position(ctx context.Context) (Position, error)
	// Listen calls changed, which returns at once, soon after another node or a
	// command may have changed something, until ctx is done. It may miss
	// changes, and a store that hears of none returns at once: whoever follows
	// asks for Position as well.
	Listen(ctx context.Context, changed func())
	// Directory reads all that the directory holds, as of one moment: begin
	// is called once, then key for every API key that is not deleted, in the
	// order of IDs. The first error of either ends it.
	Directory(ctx context.Context, begin func(*DirectorySnapshot) error, key func(*DirectoryKey) error) error
	// Changes returns what up to limit events behind after have changed,
	// each thing as it is now; ErrDiverged where the event at after.Seq does
	// not have after.Hash, and where the installation was restored since.
	Changes(ctx context.Context, after EventHead, limit int) (*DirectoryChanges, error)
}

// Use is how often an API key was used with one outcome within one hour.
type Use struct {
	ClientID ClientID
	Env      string
	SecretID int64 // 0 where none was proven
	Outcome  Outcome
	Hour     time.Time // its beginning
	Count    int64
	At       time.Time // of the last of them
	Address  string    // of the last of them; "" where it is not known
	Retired  bool      // the secret was, for the last of them
}

// HourUsage is how often an API key was used with one outcome within one hour.
type HourUsage struct {
	Hour     time.Time // its beginning
	SecretID int64     // 0 where none was proven
	Outcome  Outcome
	Count    int64
}

// KeyUse is an API key, and how it is used.
type KeyUse struct {
	APIKey
	MerchantName    string // "" for operator keys
	Issued, Refused int64
	SecretCreatedAt time.Time // of its newest secret; zero without any
	SecretExpiresAt time.Time // of the secret that lasts longest; zero for never
}

// Expiry is the coming end of an API key or a secret.
type Expiry struct {
	ClientID   ClientID
	MerchantID MerchantID
	Env        string
	SecretID   int64 // 0 for the API key itself
	ExpiresAt  time.Time
	Days       int // within which it ends: 30, 7 or 1
}

// KeyLimits is what CreateAPIKey and UpdateAPIKey hold under concurrency, per
// merchant and environment. 0 active means the merchant's own limit.
type KeyLimits struct {
	Active    int // API keys of status active, expired or not
	Undeleted int // as a multiple of the limit of active ones
}

// Position is how far the changes of an installation have come.
type Position struct {
	Event          EventHead  // the last one
	Revocation     int64      // number of the last one there ever was
	LastRevocation Revocation // that one, where it is still kept
}

// DirectorySnapshot is the directory without its API keys.
type DirectorySnapshot struct {
	Lineage     Lineage
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
