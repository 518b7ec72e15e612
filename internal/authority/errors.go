package authority

import (
	"errors"
	"fmt"
)

// What a management call, or a method of Store, can answer besides success.
// Callers compare with errors.Is.
var (
	ErrNotFound       = errors.New("not found")
	ErrExists         = errors.New("the ID or name is taken; the ID of a merchant that was deleted never returns")
	ErrConflict       = errors.New("it was changed by somebody else meanwhile; read it again")
	ErrVersion        = errors.New("it is no longer the version that was to be changed; read it again")
	ErrActiveKeyLimit = errors.New("the limit of active API keys is reached")
	ErrKeyLimit       = errors.New("the limit of undeleted API keys is reached")
	ErrSecretLimit    = errors.New("the API key has five secrets that work; delete one that is no longer used")
	ErrLastSecret     = errors.New("it is the only secret that works; rotate first, or disable or delete the API key")
	ErrScopeInUse     = errors.New("API keys hold the scope")
	ErrMerchantInUse  = errors.New("the merchant still has API keys")
	// ErrEnded says that the session or the API key that asks has ended meanwhile.
	ErrEnded = errors.New("what was asked with has ended meanwhile")
	// ErrReplied says that the same request was answered before; Reply has the
	// answer. ErrReplyOther: under its key stands another request.
	ErrReplied    = errors.New("the request was answered before")
	ErrReplyOther = errors.New("the idempotency key was used for another request, or what that one has made was changed since")
	// ErrCursor says that a cursor was not made here for this list.
	ErrCursor = errors.New("the cursor is not one of this list")
	// ErrActiveSigningKey refuses what would leave an environment without its
	// one active signing key, or with two.
	ErrActiveSigningKey = errors.New("an environment has exactly one active signing key")

	// ErrNotInitialized says that the database holds no installation.
	ErrNotInitialized = errors.New("the database is empty")
	// ErrMasterKey says that no master key given opens the database.
	ErrMasterKey = errors.New("the master key does not open this database")
	// ErrEnvironments says that the configuration and the recorded environments differ.
	ErrEnvironments = errors.New("the environments are configured otherwise than this database records them")
	// ErrCopied says that the database is not the one that was worked on, but a
	// copy of it.
	ErrCopied = errors.New("the database is a copy of the one that was worked on, as a dump is that was restored")
	// ErrMoved says that the installation was moved to another database.
	ErrMoved = errors.New("the installation was moved to another database")
	// ErrArriving says that the move of an installation to the database has not
	// ended.
	ErrArriving = errors.New("the move of an installation to this database has not ended")
	// ErrDiverged says that the event last applied is not in the store as it
	// was: another database was put in its place. The directory is read anew.
	ErrDiverged = errors.New("the history of the database is not the one that was followed")
	// ErrManyRevoked says that an API key has so many tokens listed as
	// revoked that its generation should rise instead.
	ErrManyRevoked = errors.New("too many tokens of the API key are revoked one by one")
	// ErrStale says that the directory could not be kept current for longer
	// than the allowed staleness; no token is issued on such knowledge.
	ErrStale = errors.New("the directory is too old")
)

// InvalidError says which field of a management call cannot be taken, and why.
type InvalidError struct {
	Field  string // as on the wire: "name", "scopes", ...
	Reason string // a sentence fragment: "is longer than 100 characters"
}

// Error implements error.
func (e *InvalidError) Error() string { return e.Field + " " + e.Reason }

func invalid(field, format string, args ...any) error {
	return &InvalidError{Field: field, Reason: fmt.Sprintf(format, args...)}
}
