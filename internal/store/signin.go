package store

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/authority"
)

// UserByEmail implements account.Store.
func (s *Store) UserByEmail(ctx context.Context, key string) (u *account.User, c *account.Credentials, err error) {
	err = s.snapshot(ctx, func(t *tx) error {
		if u, err = t.user(`email_key = $1`, key); err != nil {
			return err
		}
		c, err = t.credentials(u.ID)
		return err
	})
	return u, c, err
}

// UserByIdentity implements account.Store.
func (s *Store) UserByIdentity(ctx context.Context, i account.Identity) (u *account.User, err error) {
	err = s.snapshot(ctx, func(t *tx) error {
		u, err = t.user(`id = (SELECT user_id FROM identities WHERE issuer = $1 AND subject = $2)`, i.Issuer, i.Subject)
		return err
	})
	return u, err
}

// Credentials implements account.Store.
func (s *Store) Credentials(ctx context.Context, id account.UserID) (c *account.Credentials, err error) {
	err = s.snapshot(ctx, func(t *tx) error {
		c, err = t.credentials(id)
		return err
	})
	return c, err
}

// credentials returns those of a user, or none.
func (t *tx) credentials(id account.UserID) (*account.Credentials, error) {
	c, err := one(t, func(r row, c *account.Credentials) error { return r.Scan(&c.Password, &c.TOTP, &c.TOTPStep) },
		`SELECT password, totp, totp_step FROM credentials WHERE user_id = $1`, id)
	if errors.Is(err, authority.ErrNotFound) {
		return &account.Credentials{TOTP: []byte{}}, nil
	}
	return c, err
}

// CountFailure implements account.Store.
func (s *Store) CountFailure(ctx context.Context, id []byte, now, forgotten time.Time, may func(int, time.Time) bool) error {
	return s.transact(ctx, func(t *tx) error {
		if err := t.exec(`DELETE FROM sign_in_failures WHERE failed_at <= $1`, millis(forgotten)); err != nil {
			return err
		}
		// Written first, so that tries at the same time are counted one after the
		// other.
		var failures int
		var at time.Time
		err := t.QueryRowContext(t.ctx, `INSERT INTO sign_in_failures (id, failures, failed_at) VALUES ($1, 0, 0)
			ON CONFLICT (id) DO UPDATE SET failures = sign_in_failures.failures RETURNING failures, failed_at`, id).Scan(&failures, timestamp{&at})
		if err != nil {
			return err
		}
		if !may(failures, at) {
			return account.ErrThrottled
		}
		return t.exec(`UPDATE sign_in_failures SET failures = failures + 1, failed_at = $1 WHERE id = $2`, millis(now), id)
	})
}

// Enter implements account.Store.
func (s *Store) Enter(ctx context.Context, e *account.Entry, d *authority.Draft) error {
	write := func(t *tx) error { return t.enter(e) }
	if d == nil {
		return s.transact(ctx, write)
	}
	return s.change(ctx, d, write)
}

func (t *tx) enter(e *account.Entry) error {
	for _, step := range []func(*account.Entry) error{t.useLink, t.enterUser, t.checkProof, t.enterCredentials, t.useCode, t.enterSession} {
		if err := step(e); err != nil {
			return err
		}
	}
	for _, id := range e.Forgotten {
		if err := t.exec(`DELETE FROM sign_in_failures WHERE id = $1`, id); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) useLink(e *account.Entry) error {
	if e.Link == nil {
		return nil
	}
	return t.execOne(account.ErrLink, `DELETE FROM links WHERE hash = $1
		AND (kind <> $2 OR NOT EXISTS (SELECT 1 FROM users WHERE operator = 1 AND status = 'active'))`, e.Link, account.SetUp)
}

func (t *tx) enterUser(e *account.Entry) error {
	if e.Created != nil {
		if err := t.insertUser(e.Created); err != nil {
			return err
		}
	}
	if e.Updated != nil {
		if err := t.updateUser(e.Updated); err != nil {
			return err
		}
	}
	if e.Session == nil || e.Session.UserID == "" {
		return nil
	}
	return t.execOne(account.ErrDisabled, `UPDATE users SET used_at = CASE WHEN used_at < $1 THEN $1 ELSE used_at END WHERE id = $2 AND status = 'active'`,
		millis(e.UsedAt), e.Session.UserID)
}

// checkProof holds that what somebody has proven itself by is as it was then. It locks
// the row: whoever changes that comes before, or behind, and ends the session.
func (t *tx) checkProof(e *account.Entry) error {
	if e.Proven.Password != "" {
		err := t.execOne(account.ErrSignIn, `UPDATE credentials SET password = password WHERE user_id = $1 AND password = $2 AND totp = $3`,
			e.Session.UserID, e.Proven.Password, append([]byte{}, e.Proven.TOTP...))
		if err != nil {
			return err
		}
	}
	if i := e.Proven.Identity; i != nil {
		return t.execOne(account.ErrSignIn, `UPDATE identities SET user_id = user_id WHERE user_id = $1 AND issuer = $2 AND subject = $3`, e.Session.UserID, i.Issuer, i.Subject)
	}
	return nil
}

func (t *tx) enterCredentials(e *account.Entry) error {
	if e.Fresh {
		if err := t.wipeCredentials(e.User); err != nil {
			return err
		}
	}
	if e.Credentials != nil {
		if err := t.writeCredentials(e.User, e.Credentials); err != nil {
			return err
		}
	}
	if e.Identity == nil {
		return nil
	}
	err := t.exec(`INSERT INTO identities (issuer, subject, user_id) VALUES ($1, $2, $3)`, e.Identity.Issuer, e.Identity.Subject, e.User)
	if isDuplicate(err) {
		return account.ErrIdentityTaken
	}
	return err
}

func (t *tx) writeCredentials(id account.UserID, c *account.Credentials) error {
	return t.exec(`INSERT INTO credentials (user_id, password, totp, totp_step) VALUES ($1, $2, $3, $4)
		ON CONFLICT (user_id) DO UPDATE SET password = excluded.password, totp = excluded.totp, totp_step = excluded.totp_step`,
		id, c.Password, append([]byte{}, c.TOTP...), c.TOTPStep) // an empty text is read as nil, which would be written as null
}

// useCode takes a code of the second factor, once.
func (t *tx) useCode(e *account.Entry) error {
	if e.Step != 0 {
		return t.execOne(account.ErrSignIn, `UPDATE credentials SET totp_step = $1 WHERE user_id = $2 AND totp_step < $1`, e.Step, e.User)
	}
	if e.Code != nil {
		return t.execOne(account.ErrSignIn, `DELETE FROM recovery_codes WHERE user_id = $1 AND hash = $2`, e.User, e.Code)
	}
	return nil
}

// wipeCredentials takes from a user all that it signs in with, and ends what it
// has signed in with before.
func (t *tx) wipeCredentials(id account.UserID) error {
	for _, table := range []string{`credentials`, `recovery_codes`, `identities`} {
		if err := t.exec(`DELETE FROM `+table+` WHERE user_id = $1`, id); err != nil {
			return err
		}
	}
	return t.endSessions(id)
}

// ChangeCredentials implements account.Store.
func (s *Store) ChangeCredentials(ctx context.Context, c *account.CredentialChange, d *authority.Draft) error {
	return s.change(ctx, d, func(t *tx) error {
		stored, err := t.credentials(c.User)
		if err != nil {
			return err
		}
		if stored.Password != c.Before.Password || !bytes.Equal(stored.TOTP, c.Before.TOTP) || stored.TOTPStep != c.Before.TOTPStep {
			return authority.ErrConflict
		}
		if err := t.writeCredentials(c.User, &c.After); err != nil {
			return err
		}
		if c.RenewCodes {
			if err := t.renewCodes(c.User, c.Codes); err != nil {
				return err
			}
		}
		if err := t.exec(`DELETE FROM sessions WHERE user_id = $1 AND id <> $2`, c.User, c.Session); err != nil {
			return err
		}
		return t.execOne(account.ErrSession, `UPDATE sessions SET hash = $1 WHERE id = $2 AND hash = $3`, c.Hash, c.Session, c.Replaces)
	})
}

func (t *tx) renewCodes(id account.UserID, codes [][]byte) error {
	if err := t.exec(`DELETE FROM recovery_codes WHERE user_id = $1`, id); err != nil {
		return err
	}
	return inBatches(codes, func(some [][]byte) error {
		var values []any
		for _, hash := range some {
			values = append(values, id, hash)
		}
		return t.exec(`INSERT INTO recovery_codes (user_id, hash) VALUES `+rowsOf(len(some), 2), values...)
	})
}
