package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/credential"
)

// For how long a session is good (NIST SP 800-63B, AAL2).
const (
	sessionIdle    = 30 * time.Minute // without a request
	sessionLife    = 12 * time.Hour   // whatever happens
	portalLife     = time.Hour        // of one that came by a link of the platform
	pendingLife    = 5 * time.Minute  // of one that lacks the second factor
	recentlyProven = 5 * time.Minute  // what gives power away wants a proof no older
	seenInterval   = time.Minute      // how exactly the last request is written down
)

// Origin is from where a person asks.
type Origin struct {
	Address   string
	Agent     string // what the browser says of itself
	RequestID string
}

// Session is somebody who has signed in.
type Session struct {
	ID         string               // ses_ and 22 base62 characters
	UserID     UserID               // "" where a link of the platform was used
	MerchantID authority.MerchantID // of that link
	// Method is how: "password", "portal:" and the ID of the link, or "sso:" and
	// the name of the provider.
	Method          string
	Pending         bool // the second factor is lacking: it may do nothing but give it
	CreatedAt       time.Time
	SeenAt          time.Time // to the minute
	AuthenticatedAt time.Time // when it was last proven who it is
	ExpiresAt       time.Time
	Address, Agent  string // from where it came
}

// Visitor is who asks: a session and its user.
type Visitor struct {
	Session
	User *User // nil where a link of the platform was used
}

// ActorID names the visitor in events.
func (v *Visitor) ActorID() string {
	if v.User == nil {
		return v.Method
	}
	return v.User.ID.ActorID()
}

// Actor is what the visitor may do, working for a merchant, "" for none: see
// RolePermissions.
func (v *Visitor) Actor(from Origin, id authority.MerchantID) authority.Actor {
	p := &authority.Permissions{MerchantID: id}
	switch {
	case v.Pending:
	case v.User != nil:
		p = RolePermissions(v.User, id)
	case v.MerchantID == id:
		p.Scopes = Administrator.Scopes()
	}
	standing := authority.Standing{Session: v.ID}
	if v.User != nil {
		standing.UserVersion = v.User.Version
	}
	return authority.Actor{ID: v.ActorID(), Address: from.Address, RequestID: from.RequestID, Permissions: p, Standing: standing}
}

// arriving is Actor for the change that begins the session.
func (v *Visitor) arriving(from Origin, id authority.MerchantID) authority.Actor {
	a := v.Actor(from, id)
	a.Standing = authority.Standing{}
	return a
}

// RecentlyProven tells whether it was proven less than 5 minutes ago who the
// visitor is (C-199).
func (v *Visitor) RecentlyProven(now time.Time) bool {
	return now.Sub(v.AuthenticatedAt) < recentlyProven
}

// Visitor returns whose token it is, or ErrSession: ended, unused for half an
// hour, older than 12, or of a user who is disabled.
func (a *Accounts) Visitor(ctx context.Context, token Token) (*Visitor, error) {
	s, u, err := a.store.Session(ctx, token.hash())
	if errors.Is(err, authority.ErrNotFound) {
		return nil, ErrSession
	}
	if err != nil {
		return nil, fmt.Errorf("reading a session: %w", err)
	}
	now := a.now()
	if !s.alive(now) || u != nil && u.Status != authority.Active {
		return nil, ErrSession
	}
	if now.Sub(s.SeenAt) >= seenInterval {
		// Where that cannot be written, the session ends sooner than it might, and until
		// then shows what it may: whoever has a full disk wants to look.
		_ = a.store.TouchSession(ctx, s.ID, now)
	}
	return &Visitor{*s, u}, nil
}

func (s *Session) alive(now time.Time) bool {
	return now.Before(s.ExpiresAt) && now.Sub(s.SeenAt) < sessionIdle
}

// newSession is one that begins now.
func (a *Accounts) newSession(from Origin, u *User, method string, life time.Duration) (*Session, Token) {
	now := a.now()
	s := &Session{ID: credential.NewRandomID("ses_"), Method: method, CreatedAt: now, SeenAt: now, AuthenticatedAt: now,
		ExpiresAt: now.Add(life), Address: from.Address, Agent: shortened(from.Agent)}
	if u != nil {
		s.UserID = u.ID
	}
	return s, Token(credential.NewToken())
}

// maxAgent is how many bytes are kept of what a browser says of itself.
const maxAgent = 300

// shortened is text that anybody may have sent, on one line.
func shortened(text string) string {
	out := make([]rune, 0, min(len(text), maxAgent))
	for _, r := range text {
		if r >= ' ' && r < 0x7f && len(out) < maxAgent {
			out = append(out, r)
		}
	}
	return string(out)
}

// maxSessions is how many sessions of a user are listed at most.
const maxSessions = 100

// Sessions returns the sessions of the visitor's user that are alive, 100 at
// most, the one used last first.
func (a *Accounts) Sessions(ctx context.Context, v *Visitor) ([]Session, error) {
	if v.User == nil {
		return []Session{v.Session}, nil
	}
	return a.sessions(ctx, v.User.ID)
}

func (a *Accounts) sessions(ctx context.Context, id UserID) ([]Session, error) {
	list, err := a.store.Sessions(ctx, id, a.now(), a.now().Add(-sessionIdle), maxSessions)
	if err != nil {
		return nil, fmt.Errorf("reading sessions: %w", err)
	}
	return list, nil
}

// CountSessions returns how many sessions of a user are alive, 100 for that many
// and more. They are of the platform: authority.ErrNotFound for an actor who is
// bound to a merchant.
func (a *Accounts) CountSessions(ctx context.Context, actor authority.Actor, id UserID) (int, error) {
	if err := actor.May(authority.UsersRead); err != nil {
		return 0, err
	}
	if bound(actor) {
		return 0, authority.ErrNotFound
	}
	list, err := a.sessions(ctx, id)
	return len(list), err
}

// EndSession ends the visitor's own session, or another one of its user;
// authority.ErrNotFound.
func (a *Accounts) EndSession(ctx context.Context, v *Visitor, from Origin, id string) error {
	if id == v.ID {
		if err := a.store.EndSession(ctx, id, v.UserID, nil); err != nil {
			return fmt.Errorf("signing out: %w", err)
		}
		return nil
	}
	if v.User == nil {
		return authority.ErrNotFound
	}
	d, err := a.auth.NewDraft(v.Actor(from, ""), authority.SessionEnded, string(v.User.ID), "", map[string]any{"session": id}, nil)
	if err != nil {
		return err
	}
	if err := a.store.EndSession(ctx, id, v.User.ID, d); err != nil {
		return fmt.Errorf("ending session %s: %w", id, err)
	}
	return nil
}

// EndOtherSessions ends all sessions of the visitor's user but this one.
func (a *Accounts) EndOtherSessions(ctx context.Context, v *Visitor, from Origin) error {
	if v.User == nil {
		return authority.ErrNotFound
	}
	d, err := a.auth.NewDraft(v.Actor(from, ""), authority.SessionEnded, string(v.User.ID), "", map[string]any{"all_but": v.ID}, nil)
	if err != nil {
		return err
	}
	if err := a.store.EndOtherSessions(ctx, v.ID, v.User.ID, d); err != nil {
		return fmt.Errorf("ending other sessions: %w", err)
	}
	return nil
}
