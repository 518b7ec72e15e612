// Package account is the directory of people: users, the roles that they have,
// and what a role lets them do. E-mail address and name stand in the row of
// their user alone, and go with the user; events name users by ID.
//
// Every rule about them lives here, once. It declares the Store that it needs,
// and knows no SQL, no HTTP, and not how people sign in.
package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// What a call, or a method of Store, can answer besides the errors of package
// authority and success. Callers compare with errors.Is.
var (
	ErrEmailTaken   = errors.New("another user has the e-mail address")
	ErrLastOperator = errors.New("no operator would be left; only the command line beside the database may do that")
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
	// UpdateUser writes u, all but its e-mail address, where version
	// u.Version-1 is stored, else authority.ErrConflict; ErrNoMerchant. With
	// keepOperator, ErrLastOperator where no active operator would be left.
	UpdateUser(ctx context.Context, u *User, keepOperator bool, d *authority.Draft) error
	// DeleteUser ends u for ever: its ID never returns, its e-mail address,
	// name and roles are wiped. Errors as UpdateUser.
	DeleteUser(ctx context.Context, u *User, keepOperator bool, d *authority.Draft) error
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
	auth  *authority.Authority
	store Store
}

// New returns the users that store keeps, beside the rest of the installation
// of auth.
func New(auth *authority.Authority, store Store) *Accounts { return &Accounts{auth, store} }

// now returns the time to the millisecond, as it is stored.
func (a *Accounts) now() time.Time { return a.auth.Now().UTC().Truncate(time.Millisecond) }
