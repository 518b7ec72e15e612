// Package account is the directory of people: users, the roles that they have,
// and what a role lets them do; how they sign in, and their sessions. E-mail
// address and name stand in the row of their user alone (and in an invitation
// that nobody has used), and go with the user; events name users by ID.
//
// Every rule about them lives here, once. It declares the Store that it needs,
// and knows no SQL and no HTTP.
package account

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// What a call, or a method of Store, can answer besides the errors of package
// authority and success. Callers compare with errors.Is.
var (
	ErrEmailTaken   = errors.New("another user has the e-mail address")
	ErrLastOperator = errors.New("no operator would be left; only the command line beside the database may do that")

	// ErrSetUp says that there is an operator already.
	ErrSetUp = errors.New("there is an operator already")
	// ErrLink says that a link was used, was withdrawn, has expired, or never was.
	ErrLink = errors.New("the link is of no use any more")
	// ErrSession says that a session has ended, or never was.
	ErrSession = errors.New("the session has ended")
	// ErrSignIn says that what was given does not prove who it is.
	ErrSignIn = errors.New("it is not proven who it is")
	// ErrDisabled and ErrLocked tell whoever has proven who it is.
	ErrDisabled = errors.New("the user is disabled")
	ErrLocked   = errors.New("the user has not signed in for 90 days, and is locked")
	// ErrConfirm says that it must be proven anew who the visitor is.
	ErrConfirm = errors.New("it was not proven lately who it is")
	// ErrNoAccount says that no user is bound to an identity; ErrIdentityTaken,
	// that another one is.
	ErrNoAccount     = errors.New("no user is bound to the identity")
	ErrIdentityTaken = errors.New("another user is bound to the identity")
	// ErrThrottled is of the Store: see ThrottledError.
	ErrThrottled = errors.New("too many tries")
)

// ErrNoMerchant says that a membership is of a merchant that does not exist, or
// not for whoever asks: there is no telling which.
func ErrNoMerchant(id authority.MerchantID) error {
	return invalid("memberships", "has the merchant %q, which does not exist", id)
}

func invalid(field, format string, args ...any) error {
	return &authority.InvalidError{Field: field, Reason: fmt.Sprintf(format, args...)}
}

// Store keeps users. Each method is one transaction; what authority.Store says
// of times, errors and a Draft holds here as well.
type Store interface {
	// User returns one user; authority.ErrNotFound for deleted ones as well.
	User(ctx context.Context, id UserID) (*User, error)
	// Users returns up to limit users that f matches in the order of their
	// IDs, beginning behind after.
	Users(ctx context.Context, f UserFilter, after UserID, limit int) ([]User, error)
	// CreateUser adds u. ErrEmailTaken where a user who is not deleted has the
	// same User.EmailKey; ErrNoMerchant.
	CreateUser(ctx context.Context, u *User, d *authority.Draft) error
	// Names returns the names of those of the users who are not deleted, and, with
	// a merchant, have a role there.
	Names(ctx context.Context, merchant authority.MerchantID, ids []UserID) (map[UserID]string, error)
	// UpdateUser writes u, all but its e-mail address, where version
	// u.Version-1 is stored, else authority.ErrConflict; ErrNoMerchant. With
	// keepOperator, ErrLastOperator where no active operator would be left. Who is
	// disabled loses its sessions and links, who may less than before the links that
	// it has made, with the sessions of guests who came by them.
	UpdateUser(ctx context.Context, u *User, keepOperator bool, d *authority.Draft) error
	// DeleteUser ends u for ever: its ID never returns, its e-mail address,
	// name and roles are wiped. Errors as UpdateUser.
	DeleteUser(ctx context.Context, u *User, keepOperator bool, d *authority.Draft) error
	// ResetUser writes u as UpdateUser does, wipes its credentials, recovery
	// codes and identities, ends its sessions and the links that it has made or
	// could use, and adds l.
	ResetUser(ctx context.Context, u *User, l *Link, hash []byte, d *authority.Draft) error
	// RedoUser writes u as UpdateUser does, and when it last signed in; with wipe it
	// wipes what ResetUser does. Links are left to the end of the restore.
	RedoUser(ctx context.Context, u *User, wipe bool, d *authority.Draft) error

	// CreateSetUpLink adds l; ErrSetUp where there is an active operator. Whatever
	// makes one, of the methods above or Enter, ends all links of the kind. It is no
	// event: whoever starts a server could write to the database anyway.
	CreateSetUpLink(ctx context.Context, l *Link, hash []byte) error
	// CreateLink adds l, and removes those that have expired; ErrNoMerchant.
	CreateLink(ctx context.Context, l *Link, hash []byte, d *authority.Draft) error
	// Link returns one link, expired or not; authority.ErrNotFound.
	Link(ctx context.Context, hash []byte) (*Link, error)
	// Invitations returns up to limit that have not expired at now, to a merchant
	// or "", in the order of their IDs.
	Invitations(ctx context.Context, id authority.MerchantID, now time.Time, limit int) ([]Link, error)
	// DeleteInvitation removes one to that merchant; authority.ErrNotFound.
	DeleteInvitation(ctx context.Context, merchant authority.MerchantID, id string, d *authority.Draft) error

	// UserByEmail returns the user with an EmailKey, and its credentials;
	// UserByIdentity that of an identity; authority.ErrNotFound.
	UserByEmail(ctx context.Context, key string) (*User, *Credentials, error)
	UserByIdentity(ctx context.Context, i Identity) (*User, error)
	// Credentials returns those of a user, or none.
	Credentials(ctx context.Context, id UserID) (*Credentials, error)
	// CountFailure adds one to the failures of id where may agrees to how many
	// there were and when the last one was, else ErrThrottled. Those from before
	// forgotten are none, and make room.
	CountFailure(ctx context.Context, id []byte, now, forgotten time.Time, may func(failures int, at time.Time) bool) error
	// Enter writes e whole; d is nil where it is no event. ErrLink where its link
	// is gone, ErrSession as e says, ErrSignIn where a code was used already,
	// ErrEmailTaken, ErrIdentityTaken, ErrNoMerchant, and authority.ErrConflict
	// as UpdateUser.
	Enter(ctx context.Context, e *Entry, d *authority.Draft) error
	// ChangeCredentials writes c; authority.ErrConflict where others than
	// c.Before are stored, ErrSession where the session is gone.
	ChangeCredentials(ctx context.Context, c *CredentialChange, d *authority.Draft) error

	// Session returns a session and its user, nil where it has none;
	// authority.ErrNotFound.
	Session(ctx context.Context, hash []byte) (*Session, *User, error)
	// TouchSession writes down that a session is in use.
	TouchSession(ctx context.Context, id string, now time.Time) error
	// Sessions returns up to limit of a user that end after now and were seen after
	// idle, the one seen last first.
	Sessions(ctx context.Context, id UserID, now, idle time.Time, limit int) ([]Session, error)
	// EndSession removes a session of a user, or of none; authority.ErrNotFound. d
	// is nil where that is no event.
	EndSession(ctx context.Context, id string, user UserID, d *authority.Draft) error
	// EndOtherSessions removes all sessions of a user but one.
	EndOtherSessions(ctx context.Context, id string, user UserID, d *authority.Draft) error
}

// Accounts applies the rules to the users of one installation. Its methods are
// safe for concurrent use.
//
// An actor who is bound to a merchant sees only users with a membership there,
// and of their memberships that one; to it alone it may make changes. Anything
// else is authority.ErrNotFound, or *authority.ForbiddenError where it is seen.
// To make a user is not among what it may: whether an e-mail address is taken
// would tell of other merchants' users.
type Accounts struct {
	auth      *authority.Authority
	store     Store
	passwords *Passwords
}

// New returns the users that store keeps, beside the rest of the installation
// of auth.
func New(auth *authority.Authority, store Store) *Accounts {
	// Half of the processors at most: tokens go first (C-217).
	return &Accounts{auth, store, NewPasswords(max(1, runtime.GOMAXPROCS(0)/2))}
}

// now returns the time to the millisecond, as it is stored.
func (a *Accounts) now() time.Time { return a.auth.Now().UTC().Truncate(time.Millisecond) }
