package account

import (
	"context"
	"fmt"

	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/credential"
)

// Factors tells what the visitor's user can prove itself by.
func (a *Accounts) Factors(ctx context.Context, v *Visitor) (password, totp bool, err error) {
	if v.User == nil {
		return false, false, nil
	}
	c, err := a.store.Credentials(ctx, v.User.ID)
	if err != nil {
		return false, false, fmt.Errorf("reading credentials: %w", err)
	}
	return c.Password != "", len(c.TOTP) > 0, nil
}

// ChangePassword gives the visitor's user another password, ends its other
// sessions, and renews this one. Errors: ErrConfirm; *authority.InvalidError.
func (a *Accounts) ChangePassword(ctx context.Context, from Origin, v *Visitor, token Token, password string) (*Entered, error) {
	return a.changeCredentials(ctx, from, v, token, "password", nil, func(c *Credentials) (err error) {
		if err := CheckPassword(password, v.User.Email, v.User.Name); err != nil {
			return err
		}
		c.Password, err = a.passwords.Hash(ctx, password)
		return err
	})
}

// NewTOTP begins to set up a second factor: the shared secret for the app of the
// visitor, and the same sealed, to be given back to EnableTOTP.
func (a *Accounts) NewTOTP(v *Visitor) (secret []byte, sealed string) {
	secret = NewTOTPSecret()
	return secret, a.auth.Cursor(totpIdentity(v.UserID), string(secret))
}

// TOTPSecret opens what NewTOTP has sealed for the same visitor; ErrSignIn.
func (a *Accounts) TOTPSecret(v *Visitor, sealed string) ([]byte, error) {
	secret, err := a.auth.ParseCursor(totpIdentity(v.UserID), sealed)
	if err != nil {
		return nil, ErrSignIn
	}
	return []byte(secret), nil
}

func totpIdentity(id UserID) string { return "second factor of " + string(id) }

// EnableTOTP sets a second factor up, once the visitor has shown by a code that
// its app has the secret. It returns recovery codes, which are shown once.
// Errors: ErrConfirm, ErrSignIn, *ThrottledError.
func (a *Accounts) EnableTOTP(ctx context.Context, from Origin, v *Visitor, token Token, sealed, code string) (*Entered, []string, error) {
	secret, err := a.TOTPSecret(v, sealed)
	if err != nil {
		return nil, nil, err
	}
	if err := a.try(ctx, failureID("code", string(v.UserID))); err != nil {
		return nil, nil, err
	}
	step, ok := VerifyTOTP(secret, code, a.now(), 0)
	if !ok {
		return nil, nil, ErrSignIn
	}
	codes := NewRecoveryCodes()
	e, err := a.changeCredentials(ctx, from, v, token, "second factor", codes, func(c *Credentials) error {
		c.TOTP, c.TOTPStep = a.auth.Seal(secret, totpIdentity(v.UserID)), step
		return nil
	})
	return e, codes, err
}

// DisableTOTP takes the second factor away, and its recovery codes; ErrConfirm.
func (a *Accounts) DisableTOTP(ctx context.Context, from Origin, v *Visitor, token Token) (*Entered, error) {
	return a.changeCredentials(ctx, from, v, token, "second factor", []string{}, func(c *Credentials) error {
		c.TOTP, c.TOTPStep = []byte{}, 0
		return nil
	})
}

// RenewRecoveryCodes takes the place of all recovery codes; ErrConfirm.
func (a *Accounts) RenewRecoveryCodes(ctx context.Context, from Origin, v *Visitor, token Token) (*Entered, []string, error) {
	codes := NewRecoveryCodes()
	e, err := a.changeCredentials(ctx, from, v, token, "recovery codes", codes, func(*Credentials) error { return nil })
	return e, codes, err
}

// changeCredentials writes what change makes of the credentials; codes take the
// place of the recovery codes, where they are not nil. Other sessions end, for
// somebody else may have begun them.
func (a *Accounts) changeCredentials(ctx context.Context, from Origin, v *Visitor, token Token, what string, codes []string,
	change func(*Credentials) error) (*Entered, error) {
	if v.User == nil || v.Pending || !v.RecentlyProven(a.now()) {
		return nil, ErrConfirm
	}
	c, err := a.store.Credentials(ctx, v.User.ID)
	if err != nil {
		return nil, fmt.Errorf("reading credentials: %w", err)
	}
	before := *c
	if err := change(c); err != nil {
		return nil, err
	}
	s := v.Session
	next := Token(credential.NewToken())
	w := &CredentialChange{User: v.User.ID, Before: before, After: *c, Session: s.ID, Hash: next.hash(), Replaces: token.hash(), RenewCodes: codes != nil}
	for _, code := range codes {
		w.Codes = append(w.Codes, RecoveryHash(code))
	}
	d, err := a.auth.NewDraft(v.Actor(from, ""), authority.UserCredentialsChanged, string(v.User.ID), "", map[string]any{"changed": []string{what}}, nil)
	if err != nil {
		return nil, err
	}
	if err := a.store.ChangeCredentials(ctx, w, d); err != nil {
		return nil, fmt.Errorf("changing credentials: %w", err)
	}
	return &Entered{Visitor{s, v.User}, next}, nil
}

// CredentialChange is what a user who has signed in changes of its credentials.
type CredentialChange struct {
	User          UserID
	Before, After Credentials
	RenewCodes    bool     // Codes take the place of all recovery codes
	Codes         [][]byte // hashes
	// Session goes on with the token of Hash in the place of Replaces; all others
	// of the user end.
	Session  string
	Hash     []byte
	Replaces []byte
}
