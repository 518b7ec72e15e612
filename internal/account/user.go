package account

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/credential"
)

// maxMemberships is how many merchants a user may belong to.
const maxMemberships = 100

// UserID identifies a user: usr_ and 22 base62 characters. It never returns.
type UserID string

// ActorID names the user in events.
func (id UserID) ActorID() string { return "user:" + string(id) }

// User is a person.
type User struct {
	ID          UserID
	Email       string // as it was written; see EmailKey
	Name        string
	Status      authority.Status // authority.Active or Disabled
	Operator    bool             // has the role Operator
	Memberships []Membership     // in the order of merchant IDs; those that exist for the actor
	CreatedAt   time.Time
	CreatedBy   string
	UpdatedAt   time.Time
	UsedAt      time.Time // when it last signed in; zero for never
	EnabledAt   time.Time // from when it may be unused for 90 days: see Locked
	Version     int64     // 1, raised by every change
}

// NewUser is what to create.
type NewUser struct {
	Email       string
	Name        string
	Operator    bool
	Memberships []Membership // in any order; 100 merchants at most, each once
}

// UserFilter selects users; an empty field selects all.
type UserFilter struct {
	MerchantID authority.MerchantID // with a membership there
	Status     authority.Status
	// Search is how the e-mail address or the name begins. In names A to Z and a
	// to z are the same.
	Search string
}

// CreateUser adds a user. Errors: ErrEmailTaken; *authority.InvalidError, for
// merchants that do not exist too; *authority.ForbiddenError.
func (a *Accounts) CreateUser(ctx context.Context, actor authority.Actor, n NewUser) (*User, error) {
	if err := actor.May(authority.UsersWrite); err != nil {
		return nil, err
	}
	now := a.now()
	u := &User{ID: UserID(credential.NewRandomID("usr_")), Email: n.Email, Name: n.Name, Status: authority.Active, Operator: n.Operator,
		Memberships: inOrder(n.Memberships), CreatedAt: now, CreatedBy: actor.ID, UpdatedAt: now, EnabledAt: now, Version: 1}
	if err := checkEmail(u.Email); err != nil {
		return nil, err
	}
	if err := u.check(); err != nil {
		return nil, err
	}
	if err := mayChange(actor, &User{}, u); err != nil {
		return nil, err
	}
	d, err := a.draft(actor, authority.UserCreated, &User{}, u)
	if err != nil {
		return nil, err
	}
	if err := a.store.CreateUser(ctx, u, d); err != nil {
		return nil, fmt.Errorf("creating a user: %w", err)
	}
	return u, nil
}

// check accepts what users may be called, and the merchants that they may
// belong to, whose existence the store checks.
func (u *User) check() error {
	if len(u.Memberships) > maxMemberships {
		return invalid("memberships", "has more than %d", maxMemberships)
	}
	for i, m := range u.Memberships {
		if m.Role != Administrator && m.Role != Viewer {
			return invalid("memberships", "has a role that is neither %s nor %s", Administrator, Viewer)
		}
		if i > 0 && u.Memberships[i-1].MerchantID == m.MerchantID {
			return invalid("memberships", "has the merchant %q twice", m.MerchantID)
		}
	}
	return authority.CheckName("name", u.Name)
}

// inOrder returns a list of its own, which is [] in JSON where it is empty.
func inOrder(list []Membership) []Membership {
	return slices.SortedStableFunc(slices.Values(append([]Membership{}, list...)), func(a, b Membership) int {
		return cmp.Compare(a.MerchantID, b.MerchantID)
	})
}

// User returns one user, or authority.ErrNotFound.
func (a *Accounts) User(ctx context.Context, actor authority.Actor, id UserID) (*User, error) {
	if err := actor.May(authority.UsersRead); err != nil {
		return nil, err
	}
	u, err := a.read(ctx, actor, id)
	if err != nil {
		return nil, fmt.Errorf("reading user %s: %w", id, err)
	}
	return u.seenBy(actor), nil
}

// read returns a user whole; authority.ErrNotFound where it does not exist for
// the actor.
func (a *Accounts) read(ctx context.Context, actor authority.Actor, id UserID) (*User, error) {
	u, err := a.store.User(ctx, id)
	if err == nil && bound(actor) && len(u.seenBy(actor).Memberships) == 0 {
		err = authority.ErrNotFound
	}
	return u, err
}

// seenBy returns what of the user exists for the actor.
func (u *User) seenBy(actor authority.Actor) *User {
	seen := *u
	seen.Memberships = slices.DeleteFunc(slices.Clone(u.Memberships), func(m Membership) bool { return !sees(actor, m) })
	return &seen
}

// Users returns up to limit users that f matches in the order of their IDs,
// beginning behind after.
func (a *Accounts) Users(ctx context.Context, actor authority.Actor, f UserFilter, after UserID, limit int) ([]User, error) {
	if err := actor.May(authority.UsersRead); err != nil {
		return nil, err
	}
	if err := authority.CheckSearch(f.Search); err != nil {
		return nil, err
	}
	if bound(actor) {
		f.MerchantID = cmp.Or(f.MerchantID, actor.Permissions.MerchantID)
		if !sees(actor, Membership{MerchantID: f.MerchantID}) {
			return nil, nil
		}
	}
	list, err := a.store.Users(ctx, f, after, limit)
	if err != nil {
		return nil, fmt.Errorf("reading users: %w", err)
	}
	for i := range list {
		list[i] = *list[i].seenBy(actor)
	}
	return list, nil
}

// Names returns the names of users who exist for the actor: a hundred at a time,
// for pages that tell of them by their IDs.
func (a *Accounts) Names(ctx context.Context, actor authority.Actor, ids []UserID) (map[UserID]string, error) {
	if err := actor.May(authority.UsersRead); err != nil {
		return nil, err
	}
	if actor.Permissions.Env != "" {
		return nil, nil
	}
	names, err := a.store.Names(ctx, actor.Permissions.MerchantID, ids)
	if err != nil {
		return nil, fmt.Errorf("reading the names of users: %w", err)
	}
	return names, nil
}
