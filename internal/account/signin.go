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

// unusedLife is for how long a user may be away before it is locked.
const unusedLife = 90 * 24 * time.Hour

// Credentials are what a user proves itself by, besides identities.
type Credentials struct {
	Password string // PHC string; "" for none
	TOTP     []byte // the shared secret, sealed; none where it is not in use
	TOTPStep int64  // of the last code that was taken
}

// Identity is somebody at a provider of single sign-on: never an e-mail address.
type Identity struct{ Issuer, Subject string }

// Entered is a session that has just begun, or been renewed, with its token,
// which is kept nowhere.
type Entered struct {
	Visitor
	Token Token
}

// Entry is what one transaction writes when somebody comes in. What is nil or
// empty is not written.
type Entry struct {
	Session *Session
	Hash    []byte // of its token
	// Replaces is the hash of the token of a session that ends; with MustReplace it
	// becomes Session, ErrSession where there is none.
	Replaces    []byte
	MustReplace bool
	// Proven is by what the user of Session has proven itself; ErrSignIn where that is
	// not what it signs in with any more.
	Proven Proof
	// Link is the hash of the token of a link that is used up.
	Link    []byte
	Created *User // is added
	Updated *User // is written
	// User is whose Credentials, Identity and Codes are written: in the place of
	// all that there were, with Fresh, which ends the user's sessions as well.
	User        UserID
	Fresh       bool
	Credentials *Credentials
	Identity    *Identity
	Step        int64  // a TOTP code that is used up
	Code        []byte // the hash of a recovery code that is used up
	UsedAt      time.Time
	Forgotten   [][]byte // failures
}

// Proof is a password, as it is stored, with the second factor that there is beside it,
// or an identity.
type Proof struct {
	Password string
	TOTP     []byte
	Identity *Identity
}

// Locked tells whether the user has been away for too long. Somebody who may
// enable it lets it in again.
func (u *User) Locked(now time.Time) bool {
	last := u.EnabledAt
	if u.UsedAt.After(last) {
		last = u.UsedAt
	}
	return now.Sub(last) >= unusedLife
}

// failureID names what is tried: the password of an email key, or a code of a user.
func failureID(what, of string) []byte {
	sum := sha256.Sum256([]byte(what + "\x00" + of))
	return sum[:]
}

// patience is how long after the n-th failure in a row the next try is taken:
// five are free, then each costs twice as long as the one before, a quarter of
// an hour at most; after a hundred, a day. Then they are forgotten, as they are
// by a success (NIST SP 800-63B section 3.2.2).
func patience(failures int) time.Duration {
	switch {
	case failures < 5:
		return 0
	case failures >= maxFailures:
		return forgetFailures
	}
	return min(time.Second<<min(failures-5, 20), 15*time.Minute)
}

const (
	maxFailures    = 100
	forgetFailures = 24 * time.Hour
)

// ThrottledError says that too much was tried; what was given was not looked at.
type ThrottledError struct{ Until time.Time }

// Error implements error.
func (e *ThrottledError) Error() string { return "too many tries; the next one is taken later" }

// try counts a try before it is judged, so that many at once are many.
func (a *Accounts) try(ctx context.Context, id []byte) error {
	now := a.now()
	var until time.Time
	err := a.store.CountFailure(ctx, id, now, now.Add(-forgetFailures), func(failures int, at time.Time) bool {
		until = at.Add(patience(failures))
		return !now.Before(until)
	})
	if errors.Is(err, ErrThrottled) {
		return &ThrottledError{until}
	}
	if err != nil {
		return fmt.Errorf("counting a try: %w", err)
	}
	return nil
}

// SignIn begins a session of whoever knows the password; it is Pending where the
// user has a second factor. replaces is the token of a session that ends, or "".
// Errors: ErrSignIn, whatever is wrong; *ThrottledError; ErrBusy. Who proves the
// password hears ErrDisabled and ErrLocked.
func (a *Accounts) SignIn(ctx context.Context, from Origin, email, password string, replaces Token) (*Entered, error) {
	u, c, id, err := a.prove(ctx, email, password)
	if err != nil {
		return nil, err
	}
	if err := a.mayEnter(u); err != nil {
		return nil, err
	}
	life := sessionLife
	if len(c.TOTP) > 0 {
		life = pendingLife
	}
	s, token := a.newSession(from, u, "password", life)
	s.Pending = len(c.TOTP) > 0
	return a.enter(ctx, from, u, token, &Entry{Session: s, Proven: Proof{Password: c.Password, TOTP: c.TOTP}, Forgotten: [][]byte{id}, Replaces: replaces.hash()})
}

// prove returns the user with an e-mail address and password, and under which name
// failures of it are counted. That takes alike long where there is no such user, and
// nothing is done before it is the turn of this one: many who try cost little (C-217).
// Errors: ErrSignIn, *ThrottledError, ErrBusy.
func (a *Accounts) prove(ctx context.Context, email, password string) (u *User, c *Credentials, id []byte, err error) {
	done, err := a.passwords.turn(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	defer done()
	key := emailKey(email) // however it is spelt
	id = failureID("password", key)
	if err := a.try(ctx, id); err != nil {
		return nil, nil, nil, err
	}
	u, c, err = a.store.UserByEmail(ctx, key)
	if errors.Is(err, authority.ErrNotFound) {
		u, c, err = &User{}, &Credentials{}, nil
	}
	if err != nil {
		return nil, nil, nil, fmt.Errorf("reading a user: %w", err)
	}
	ok, err := a.passwords.verify(c.Password, password)
	if err == nil && !ok {
		err = ErrSignIn
	}
	return u, c, id, err
}

// mayEnter tells whether the user is let in, who it is beyond doubt.
func (a *Accounts) mayEnter(u *User) error {
	switch {
	case u.Status != authority.Active:
		return ErrDisabled
	case u.Locked(a.now()):
		return ErrLocked
	}
	return nil
}

// SignInWith begins a session of who has signed in at a provider of single
// sign-on, name; ErrNoAccount where nobody was bound to that identity. provenAt is
// as in Person.
func (a *Accounts) SignInWith(ctx context.Context, from Origin, name string, identity Identity, provenAt time.Time, replaces Token) (*Entered, error) {
	u, err := a.userOf(ctx, identity)
	if err != nil {
		return nil, err
	}
	if err := a.mayEnter(u); err != nil {
		return nil, err
	}
	s, token := a.newSession(from, u, "sso:"+name, sessionLife)
	s.AuthenticatedAt = provenAt
	return a.enter(ctx, from, u, token, &Entry{Session: s, Proven: Proof{Identity: &identity}, Replaces: replaces.hash()})
}

// userOf returns the user that an identity is bound to, or ErrNoAccount.
func (a *Accounts) userOf(ctx context.Context, identity Identity) (*User, error) {
	u, err := a.store.UserByIdentity(ctx, identity)
	if errors.Is(err, authority.ErrNotFound) {
		return nil, ErrNoAccount
	}
	if err != nil {
		return nil, fmt.Errorf("reading a user: %w", err)
	}
	return u, nil
}

// GiveCode completes a session that lacks the second factor: code is one of the
// app, or a recovery code, each of which is taken once. Errors as SignIn.
func (a *Accounts) GiveCode(ctx context.Context, from Origin, token Token, code string) (*Entered, error) {
	v, err := a.Visitor(ctx, token)
	if err != nil {
		return nil, err
	}
	if !v.Pending {
		return nil, ErrSession
	}
	e, err := a.proveCode(ctx, v.User.ID, code)
	if err != nil {
		return nil, err
	}
	s, next := a.newSession(from, v.User, v.Method, sessionLife)
	e.Session, e.Replaces, e.MustReplace = s, token.hash(), true
	return a.enter(ctx, from, v.User, next, e)
}

// proveCode returns what uses up a code of a user, or ErrSignIn.
func (a *Accounts) proveCode(ctx context.Context, user UserID, code string) (*Entry, error) {
	id := failureID("code", string(user))
	if err := a.try(ctx, id); err != nil {
		return nil, err
	}
	c, err := a.store.Credentials(ctx, user)
	if err != nil {
		return nil, fmt.Errorf("reading credentials: %w", err)
	}
	e := &Entry{User: user, Forgotten: [][]byte{id}}
	if len(c.TOTP) > 0 {
		secret, err := a.auth.Unseal(c.TOTP, totpIdentity(user))
		if err != nil {
			return nil, fmt.Errorf("opening the second factor of %s: %w", user, err)
		}
		if step, ok := VerifyTOTP(secret, code, a.now(), c.TOTPStep); ok {
			e.Step = step
			return e, nil
		}
	}
	e.Code = RecoveryHash(code)
	return e, nil // the store knows whether there is such a code
}

// Confirm renews what is known of who the visitor is, by its password: the
// session goes on under another token. Errors as SignIn.
func (a *Accounts) Confirm(ctx context.Context, from Origin, v *Visitor, token Token, password string) (*Entered, error) {
	if v.User == nil {
		return nil, ErrSignIn
	}
	_, c, id, err := a.prove(ctx, v.User.Email, password)
	if err != nil {
		return nil, err
	}
	return a.renew(ctx, v, token, &Entry{Proven: Proof{Password: c.Password, TOTP: c.TOTP}, Forgotten: [][]byte{id}})
}

// ConfirmWith is Confirm by single sign-on: the identity must be the visitor's.
func (a *Accounts) ConfirmWith(ctx context.Context, v *Visitor, token Token, identity Identity) (*Entered, error) {
	u, err := a.userOf(ctx, identity)
	if err != nil {
		return nil, err
	}
	if v.User == nil || u.ID != v.User.ID {
		return nil, ErrSignIn
	}
	return a.renew(ctx, v, token, &Entry{Proven: Proof{Identity: &identity}})
}

// renew gives the session another token, and notes that it was proven who it is.
func (a *Accounts) renew(ctx context.Context, v *Visitor, token Token, e *Entry) (*Entered, error) {
	s := v.Session
	s.AuthenticatedAt, s.SeenAt = a.now(), a.now()
	next := Token(credential.NewToken())
	e.Session, e.Hash, e.Replaces, e.MustReplace = &s, next.hash(), token.hash(), true
	if err := a.store.Enter(ctx, e, nil); err != nil {
		return nil, fmt.Errorf("renewing a session: %w", err)
	}
	return &Entered{Visitor{s, v.User}, next}, nil
}

// enter writes what somebody comes in by. That a user has signed in is an event;
// that it has given half of what is asked for is none.
func (a *Accounts) enter(ctx context.Context, from Origin, u *User, token Token, e *Entry) (*Entered, error) {
	e.Hash = token.hash()
	v := Visitor{*e.Session, u}
	var d *authority.Draft
	if !e.Session.Pending {
		e.User, e.UsedAt = u.ID, a.now()
		var err error
		d, err = a.auth.NewDraft(v.arriving(from, ""), authority.UserSignedIn, string(u.ID), "", map[string]any{"method": v.Method, "session": v.ID}, nil)
		if err != nil {
			return nil, err
		}
	}
	if err := a.store.Enter(ctx, e, d); err != nil {
		return nil, fmt.Errorf("signing in: %w", err)
	}
	return &Entered{v, token}, nil
}
