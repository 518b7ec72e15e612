package account

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/credential"
)

// Person is who uses a link, and what it wants to sign in with from now on: a
// password, or an identity.
type Person struct {
	Name     string // of a new user
	Email    string // of the first operator; an invitation has one
	Password string
	Identity *Identity
	Provider string // of the identity
	// ProvenAt is when it was proven to the provider who it is, often long before it
	// led here: by that time is judged what must be proven lately. Zero: the provider
	// does not say, so it counts as long ago.
	ProvenAt time.Time
}

// UseLink uses a link up, and begins a session. A SetUp makes the first
// operator; an Invitation a user with its role, or gives it to the one that the
// identity is bound to; a Reset takes the place of all that its user signed in
// with; a Portal wants nothing of the person. replaces is as in SignIn. Errors:
// ErrLink; *authority.InvalidError for what the person has chosen; ErrEmailTaken,
// ErrIdentityTaken.
func (a *Accounts) UseLink(ctx context.Context, from Origin, token Token, p Person, replaces Token) (*Entered, error) {
	l, err := a.Link(ctx, token)
	if err != nil {
		return nil, err
	}
	e := &Entry{Link: token.hash(), Replaces: replaces.hash()}
	var before, u *User
	switch l.Kind {
	case Portal:
		return a.openPortal(ctx, from, l, e)
	case Reset:
		u, err = a.startAnew(ctx, l, p, e)
		before = u
	default:
		before, u, err = a.join(ctx, l, p, e)
	}
	if err != nil {
		return nil, err
	}
	method := "password"
	if p.Identity != nil {
		method = "sso:" + p.Provider
	}
	s, next := a.newSession(from, u, method, sessionLife)
	if p.Identity != nil {
		s.AuthenticatedAt = p.ProvenAt
	}
	e.Session, e.Hash, e.UsedAt = s, next.hash(), a.now()
	v := Visitor{*s, u}
	d, err := a.joined(v.arriving(from, ""), l, before, u)
	if err != nil {
		return nil, err
	}
	if err := a.store.Enter(ctx, e, d); err != nil {
		return nil, fmt.Errorf("using a link: %w", err)
	}
	return &Entered{v, next}, nil
}

// openPortal begins a session that has no user.
func (a *Accounts) openPortal(ctx context.Context, from Origin, l *Link, e *Entry) (*Entered, error) {
	s, token := a.newSession(from, nil, "portal:"+l.ID, portalLife)
	s.MerchantID = l.MerchantID
	e.Session, e.Hash = s, token.hash()
	v := Visitor{*s, nil}
	d, err := a.auth.NewDraft(v.arriving(from, l.MerchantID), authority.PortalLinkUsed, l.ID, l.MerchantID, map[string]any{"session": s.ID}, nil)
	if err != nil {
		return nil, err
	}
	if err := a.store.Enter(ctx, e, d); err != nil {
		return nil, fmt.Errorf("using a link: %w", err)
	}
	return &Entered{v, token}, nil
}

// startAnew puts what the person has chosen in the place of what its user had.
func (a *Accounts) startAnew(ctx context.Context, l *Link, p Person, e *Entry) (*User, error) {
	u, err := a.store.User(ctx, l.UserID)
	if errors.Is(err, authority.ErrNotFound) || err == nil && u.Status != authority.Active {
		return nil, ErrLink
	}
	if err != nil {
		return nil, fmt.Errorf("reading user %s: %w", l.UserID, err)
	}
	e.User, e.Fresh = u.ID, true
	return u, a.choose(ctx, p, u, e, "")
}

// join makes the user that a link is for, or gives its role to the one that the
// identity is bound to. It returns the user before, empty for a new one, and after.
func (a *Accounts) join(ctx context.Context, l *Link, p Person, e *Entry) (before, u *User, err error) {
	if p.Identity != nil && l.Kind == Invitation {
		before, err = a.userOf(ctx, *p.Identity)
		if err == nil {
			err = a.mayEnter(before)
		}
		if err == nil {
			e.Updated, err = a.promoted(before, l)
		}
		if !errors.Is(err, ErrNoAccount) {
			return before, e.Updated, err
		}
	}
	now := a.now()
	u = &User{ID: UserID(credential.NewRandomID("usr_")), Email: l.Email, Name: p.Name, Status: authority.Active, Memberships: []Membership{},
		CreatedAt: now, CreatedBy: l.CreatedBy, UpdatedAt: now, EnabledAt: now, Version: 1}
	if l.Kind == SetUp {
		u.Email = p.Email
	}
	if err := checkEmail(u.Email); err != nil {
		return nil, nil, err
	}
	u.give(l.MerchantID, l.Role)
	if err := u.check(); err != nil {
		return nil, nil, err
	}
	e.Created, e.User, e.Fresh = u, u.ID, true
	merchant := ""
	if l.MerchantID != "" {
		reader := authority.Actor{Permissions: &authority.Permissions{Scopes: []string{authority.MerchantsRead}}}
		names, err := a.auth.MerchantNames(ctx, reader, []authority.MerchantID{l.MerchantID})
		if err != nil {
			return nil, nil, err
		}
		merchant = names[l.MerchantID]
	}
	return &User{}, u, a.choose(ctx, p, u, e, merchant)
}

// choose takes the password or the identity that the person wants to have; a name of
// the merchant that invites is no good password.
func (a *Accounts) choose(ctx context.Context, p Person, u *User, e *Entry, merchant string) (err error) {
	e.Credentials = &Credentials{TOTP: []byte{}}
	if p.Identity != nil {
		e.Identity = p.Identity
		return nil
	}
	if err := CheckPassword(p.Password, u.Email, u.Name, merchant); err != nil {
		return err
	}
	e.Credentials.Password, err = a.passwords.Hash(ctx, p.Password)
	return err
}

// give adds a role at a merchant, or without one to the platform, where the user has
// none above it.
func (u *User) give(id authority.MerchantID, role Role) {
	if id == "" {
		u.Operator = u.Operator || role == Operator
		return
	}
	at := slices.IndexFunc(u.Memberships, func(m Membership) bool { return m.MerchantID == id })
	switch {
	case at < 0:
		u.Memberships = inOrder(append(u.Memberships, Membership{id, role}))
	case role == Administrator:
		u.Memberships[at].Role = Administrator
	}
}

// promoted is the next version of a user, with the role of a link.
func (a *Accounts) promoted(u *User, l *Link) (*User, error) {
	next := *u
	next.Memberships = slices.Clone(u.Memberships)
	next.give(l.MerchantID, l.Role)
	next.Version, next.UpdatedAt = u.Version+1, a.now()
	return &next, next.check()
}

// joined drafts the event of a link that is used.
func (a *Accounts) joined(actor authority.Actor, l *Link, before, after *User) (*authority.Draft, error) {
	kind := authority.UserUpdated
	switch {
	case l.Kind == Reset:
		kind = authority.UserCredentialsChanged
	case before.ID == "":
		kind = authority.UserCreated
	}
	set := changed(kind, before, after)
	set["link"] = l.ID
	return a.auth.NewDraft(actor, kind, string(after.ID), l.MerchantID, set, nil)
}

// AcceptInvitation gives the role of an invitation to the visitor's user.
func (a *Accounts) AcceptInvitation(ctx context.Context, from Origin, v *Visitor, token Token) error {
	l, err := a.Link(ctx, token)
	if err != nil {
		return err
	}
	if l.Kind != Invitation || v.User == nil || v.Pending {
		return ErrLink
	}
	next, err := a.promoted(v.User, l)
	if err != nil {
		return err
	}
	e := &Entry{Link: token.hash(), Updated: next}
	d, err := a.joined(v.Actor(from, ""), l, v.User, next)
	if err != nil {
		return err
	}
	if err := a.store.Enter(ctx, e, d); err != nil {
		return fmt.Errorf("accepting an invitation: %w", err)
	}
	v.User = next
	return nil
}
