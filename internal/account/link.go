package account

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/credential"
)

// LinkKind says what a link is for.
type LinkKind string

// The kinds of links, and for how long each is good.
const (
	SetUp      LinkKind = "set-up"     // makes the first operator; a day
	Invitation LinkKind = "invitation" // gives a role; a week
	Reset      LinkKind = "reset"      // lets a user choose anew what it signs in with; a day
	Portal     LinkKind = "portal"     // leads into the console as an administrator of a merchant; 5 minutes
)

var linkLife = map[LinkKind]time.Duration{SetUp: 24 * time.Hour, Invitation: 7 * 24 * time.Hour, Reset: 24 * time.Hour, Portal: 5 * time.Minute}

// LinkPath is where the console takes a link: its token goes behind.
const LinkPath = "/console/link?token="

// Link lets whoever has its token do one thing, once.
type Link struct {
	ID         string // lnk_ and 22 base62 characters
	Kind       LinkKind
	UserID     UserID               // of a Reset
	Email      string               // of an Invitation: whom it was made for
	MerchantID authority.MerchantID // of a Portal, or an Invitation to a merchant
	Role       Role                 // of an Invitation, or of a SetUp: Operator
	CreatedAt  time.Time
	CreatedBy  string
	ExpiresAt  time.Time
}

// IssuedLink is a link with its token, which is kept nowhere.
type IssuedLink struct {
	Link
	Token Token
}

// Token is what somebody is known by who has it: of a link, or a session. It
// prints as [token].
type Token string

// String implements fmt.Stringer.
func (Token) String() string { return "[token]" }

// Format implements fmt.Formatter, so that no verb prints the token.
func (t Token) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(t.String())) }

// MarshalText implements encoding.TextMarshaler: no record has the token.
func (t Token) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// Reveal returns the text.
func (t Token) Reveal() string { return string(t) }

// hash is what is stored: 256 random bits need no more to be beyond guessing.
func (t Token) hash() []byte {
	sum := sha256.Sum256([]byte(t))
	return sum[:]
}

// newLink makes a link of l, who and until when.
func (a *Accounts) newLink(l Link, by string) *IssuedLink {
	l.ID, l.CreatedAt, l.CreatedBy = credential.NewRandomID("lnk_"), a.now(), by
	l.ExpiresAt = l.CreatedAt.Add(linkLife[l.Kind])
	return &IssuedLink{l, Token(credential.NewToken())}
}

// SetUpLink returns a link that makes the first operator, for whoever starts a
// server; ErrSetUp where there is an active one. All of them end when there is.
func (a *Accounts) SetUpLink(ctx context.Context) (*IssuedLink, error) {
	l := a.newLink(Link{Kind: SetUp, Role: Operator}, "system")
	if err := a.store.CreateSetUpLink(ctx, &l.Link, l.Token.hash()); err != nil {
		return nil, fmt.Errorf("making a set-up link: %w", err)
	}
	return l, nil
}

// NewInvitation is whom to invite: to the platform with the role Operator, or
// to a merchant.
type NewInvitation struct {
	Email      string
	MerchantID authority.MerchantID // "" for the platform
	Role       Role
}

// Invite returns a link that gives a role to whoever uses it: somebody new, with
// the e-mail address, or a user. Nobody learns here whether there is one.
// Errors: *authority.InvalidError, also for a merchant that does not exist for
// the actor; *authority.ForbiddenError for a role above the actor's own.
func (a *Accounts) Invite(ctx context.Context, actor authority.Actor, n NewInvitation) (*IssuedLink, error) {
	if err := actor.May(authority.UsersWrite); err != nil {
		return nil, err
	}
	if err := checkEmail(n.Email); err != nil {
		return nil, err
	}
	switch {
	case n.MerchantID == "" && n.Role != Operator, n.MerchantID != "" && n.Role != Administrator && n.Role != Viewer:
		return nil, invalid("role", "is %s for the platform, %s or %s for a merchant", Operator, Administrator, Viewer)
	case n.MerchantID != "" && !sees(actor, Membership{MerchantID: n.MerchantID}):
		return nil, ErrNoMerchant(n.MerchantID)
	case n.MerchantID == "" && bound(actor):
		return nil, &authority.ForbiddenError{Reason: "Operators of the platform are invited by operators."}
	}
	if err := mayGive(actor, n.Role); err != nil {
		return nil, err
	}
	l := a.newLink(Link{Kind: Invitation, Email: n.Email, MerchantID: n.MerchantID, Role: n.Role}, actor.ID)
	d, err := a.auth.NewDraft(actor, authority.UserInvited, l.ID, n.MerchantID, map[string]any{"role": n.Role}, l)
	if err != nil {
		return nil, err
	}
	if err := a.store.CreateLink(ctx, &l.Link, l.Token.hash(), d); err != nil {
		return nil, fmt.Errorf("inviting somebody: %w", err)
	}
	return l, nil
}

// Invitations returns the invitations to a merchant, or with "" to the platform,
// that nobody has used yet, at most 1000.
func (a *Accounts) Invitations(ctx context.Context, actor authority.Actor, id authority.MerchantID) ([]Link, error) {
	if err := actor.May(authority.UsersRead); err != nil {
		return nil, err
	}
	if actor.Sees(id, "") != nil {
		return nil, nil
	}
	list, err := a.store.Invitations(ctx, id, a.now(), 1000)
	if err != nil {
		return nil, fmt.Errorf("reading invitations: %w", err)
	}
	return list, nil
}

// WithdrawInvitation ends an invitation that nobody has used, or
// authority.ErrNotFound.
func (a *Accounts) WithdrawInvitation(ctx context.Context, actor authority.Actor, merchant authority.MerchantID, id string) error {
	if err := actor.May(authority.UsersWrite); err != nil {
		return err
	}
	if err := actor.Sees(merchant, ""); err != nil {
		return err
	}
	d, err := a.auth.NewDraft(actor, authority.InvitationWithdrawn, id, merchant, nil, nil)
	if err != nil {
		return err
	}
	if err := a.store.DeleteInvitation(ctx, merchant, id, d); err != nil {
		return fmt.Errorf("withdrawing invitation %s: %w", id, err)
	}
	return nil
}

// ResetUser takes from a user all that it signs in with, ends its sessions, and
// returns a link by which it chooses anew. It is how a new user begins, and the
// way back for who has lost password or device. Errors as UpdateUser.
func (a *Accounts) ResetUser(ctx context.Context, actor authority.Actor, id UserID, ifVersion int64) (*IssuedLink, error) {
	if err := actor.May(authority.UsersWrite); err != nil {
		return nil, err
	}
	if bound(actor) {
		return nil, &authority.ForbiddenError{Reason: "A user may work for several merchants: an operator of the platform resets how it signs in."}
	}
	var l *IssuedLink
	var u *User
	err := authority.RetryConflicts(func() (err error) {
		if u, err = a.read(ctx, actor, id); err != nil {
			return err
		}
		if ifVersion != 0 && ifVersion != u.Version {
			return authority.ErrVersion
		}
		return mayChange(actor, u, u)
	}, func() error {
		l = a.newLink(Link{Kind: Reset, UserID: id}, actor.ID)
		after := *u
		after.Version, after.UpdatedAt, after.EnabledAt = u.Version+1, l.CreatedAt, l.CreatedAt
		d, err := a.auth.NewDraft(actor, authority.UserReset, string(id), about(actor, &User{}, u), nil, l)
		if err != nil {
			return err
		}
		return a.store.ResetUser(ctx, &after, &l.Link, l.Token.hash(), d)
	})
	if err != nil {
		return nil, fmt.Errorf("resetting user %s: %w", id, err)
	}
	return l, nil
}

// PortalLink returns a link that leads whoever uses it into the console as an
// administrator of the merchant, for a platform that knows its people by
// itself. Errors: *authority.ForbiddenError; authority.ErrNotFound.
func (a *Accounts) PortalLink(ctx context.Context, actor authority.Actor, id authority.MerchantID) (*IssuedLink, error) {
	if err := actor.May(authority.UsersWrite); err != nil {
		return nil, err
	}
	if err := actor.Sees(id, ""); err != nil {
		return nil, err
	}
	if err := mayGive(actor, Administrator); err != nil {
		return nil, err
	}
	l := a.newLink(Link{Kind: Portal, MerchantID: id, Role: Administrator}, actor.ID)
	d, err := a.auth.NewDraft(actor, authority.PortalLinkCreated, l.ID, id, nil, l)
	if err != nil {
		return nil, err
	}
	if err := a.store.CreateLink(ctx, &l.Link, l.Token.hash(), d); err != nil {
		var unknown *authority.InvalidError
		if errors.As(err, &unknown) {
			err = authority.ErrNotFound
		}
		return nil, fmt.Errorf("making a link into the console: %w", err)
	}
	return l, nil
}

// Link tells what a link is for, and does not use it up; ErrLink.
func (a *Accounts) Link(ctx context.Context, token Token) (*Link, error) {
	l, err := a.store.Link(ctx, token.hash())
	if errors.Is(err, authority.ErrNotFound) || err == nil && !l.ExpiresAt.After(a.now()) {
		return nil, ErrLink
	}
	if err != nil {
		return nil, fmt.Errorf("reading a link: %w", err)
	}
	return l, nil
}
