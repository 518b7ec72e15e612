package store

import (
	"context"
	"time"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/authority"
)

const sessionColumns = `id, user_id, merchant_id, method, pending, created_at, seen_at, authenticated_at, expires_at, address, agent`

func scanSession(r row, v *account.Session) error {
	return r.Scan(&v.ID, &v.UserID, &v.MerchantID, &v.Method, &v.Pending, timestamp{&v.CreatedAt}, timestamp{&v.SeenAt},
		timestamp{&v.AuthenticatedAt}, timestamp{&v.ExpiresAt}, &v.Address, &v.Agent)
}

// Session implements account.Store.
func (s *Store) Session(ctx context.Context, hash []byte) (v *account.Session, u *account.User, err error) {
	err = s.snapshot(ctx, func(t *tx) error {
		u = nil
		v, err = one(t, scanSession, `SELECT `+sessionColumns+` FROM sessions WHERE hash = $1`, hash)
		if err != nil || v.UserID == "" {
			return err
		}
		u, err = t.user(`id = $1`, v.UserID)
		return err
	})
	return v, u, err
}

// TouchSession implements account.Store.
func (s *Store) TouchSession(ctx context.Context, id string, now time.Time) error {
	return s.transact(ctx, func(t *tx) error {
		return t.exec(`UPDATE sessions SET seen_at = $1 WHERE id = $2 AND seen_at < $1`, millis(now), id)
	})
}

// Sessions implements account.Store.
func (s *Store) Sessions(ctx context.Context, id account.UserID, now, idle time.Time, limit int) (list []account.Session, err error) {
	err = s.snapshot(ctx, func(t *tx) error {
		list, err = collect(t, scanSession, `SELECT `+sessionColumns+` FROM sessions
			WHERE user_id = $1 AND expires_at > $2 AND seen_at > $3 ORDER BY seen_at DESC, id LIMIT $4`, id, millis(now), millis(idle), limit)
		return err
	})
	return list, err
}

// EndSession implements account.Store.
func (s *Store) EndSession(ctx context.Context, id string, user account.UserID, d *authority.Draft) error {
	end := func(t *tx) error {
		return t.execOne(authority.ErrNotFound, `DELETE FROM sessions WHERE id = $1 AND user_id = $2`, id, user)
	}
	if d == nil {
		return s.transact(ctx, end)
	}
	return s.change(ctx, d, end)
}

// EndOtherSessions implements account.Store.
func (s *Store) EndOtherSessions(ctx context.Context, id string, user account.UserID, d *authority.Draft) error {
	return s.change(ctx, d, func(t *tx) error { return t.exec(`DELETE FROM sessions WHERE user_id = $1 AND id <> $2`, user, id) })
}

// endSessions ends all sessions of a user, and the links that it has made or
// could use.
func (t *tx) endSessions(id account.UserID) error {
	for _, table := range []string{`sessions`, `links`} {
		if err := t.exec(`DELETE FROM `+table+` WHERE user_id = $1`, id); err != nil {
			return err
		}
	}
	return t.endLinksOf(id.ActorID())
}

// endLinksOf ends the links that an actor has made, and the sessions of guests who
// came by them. A guest's method names its link, and of the events of a link one
// is by who made it; the index is to be that of the link, not of all that the
// actor has ever done.
func (t *tx) endLinksOf(actor string) error {
	if err := t.exec(`DELETE FROM links WHERE created_by = $1`, actor); err != nil {
		return err
	}
	return t.exec(`DELETE FROM sessions WHERE user_id = '' AND EXISTS (SELECT 1 FROM events
		WHERE subject = replace(sessions.method, 'portal:', '') AND actor || '' = $1)`, actor)
}

// enterSession adds the session that begins, or makes it of the one that it must
// replace; those that have ended make room.
func (t *tx) enterSession(e *account.Entry) error {
	if e.Session == nil {
		return nil
	}
	v := e.Session
	const columns = sessionColumns + `, hash`
	values := []any{v.ID, v.UserID, v.MerchantID, v.Method, bit(v.Pending), millis(v.CreatedAt), millis(v.SeenAt), millis(v.AuthenticatedAt),
		millis(v.ExpiresAt), v.Address, v.Agent, e.Hash}
	if e.MustReplace { // one row all the time, which whoever ends the sessions of the user finds
		return t.execOne(account.ErrSession, `UPDATE sessions SET (`+columns+`) = ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) WHERE hash = $13`,
			append(values, e.Replaces)...)
	}
	if err := t.exec(`DELETE FROM sessions WHERE hash = $1 OR expires_at <= $2`, e.Replaces, millis(v.SeenAt)); err != nil {
		return err
	}
	return t.exec(`INSERT INTO sessions (`+columns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`, values...)
}
