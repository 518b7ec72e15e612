package store

import (
	"context"
	"errors"
	"time"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/authority"
)

const linkColumns = `id, kind, user_id, email, merchant_id, role, created_at, created_by, expires_at`

func scanLink(r row, l *account.Link) error {
	return r.Scan(&l.ID, &l.Kind, &l.UserID, &l.Email, &l.MerchantID, &l.Role, timestamp{&l.CreatedAt}, &l.CreatedBy, timestamp{&l.ExpiresAt})
}

// CreateSetUpLink implements account.Store.
func (s *Store) CreateSetUpLink(ctx context.Context, l *account.Link, hash []byte) error {
	return s.transact(ctx, func(t *tx) error {
		switch err := t.checkOperators(true); {
		case errors.Is(err, account.ErrLastOperator):
			return t.insertLink(l, hash)
		case err != nil:
			return err
		}
		return account.ErrSetUp
	})
}

// CreateLink implements account.Store.
func (s *Store) CreateLink(ctx context.Context, l *account.Link, hash []byte, d *authority.Draft) error {
	return s.change(ctx, d, func(t *tx) error {
		if l.MerchantID != "" {
			_, err := one(t, scanMerchant, `SELECT `+merchantColumns+` FROM merchants WHERE id = $1 AND status <> 'deleted'`, l.MerchantID)
			if errors.Is(err, authority.ErrNotFound) {
				return account.ErrNoMerchant(l.MerchantID)
			}
			if err != nil {
				return err
			}
		}
		return t.insertLink(l, hash)
	})
}

// insertLink adds a link; those that have expired make room.
func (t *tx) insertLink(l *account.Link, hash []byte) error {
	if err := t.exec(`DELETE FROM links WHERE expires_at <= $1`, millis(l.CreatedAt)); err != nil {
		return err
	}
	return t.exec(`INSERT INTO links (`+linkColumns+`, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		l.ID, l.Kind, l.UserID, l.Email, l.MerchantID, l.Role, millis(l.CreatedAt), l.CreatedBy, millis(l.ExpiresAt), hash)
}

// Link implements account.Store.
func (s *Store) Link(ctx context.Context, hash []byte) (l *account.Link, err error) {
	err = s.snapshot(ctx, func(t *tx) error {
		l, err = one(t, scanLink, `SELECT `+linkColumns+` FROM links WHERE hash = $1`, hash)
		return err
	})
	return l, err
}

// Invitations implements account.Store.
func (s *Store) Invitations(ctx context.Context, id authority.MerchantID, now time.Time, limit int) (list []account.Link, err error) {
	err = s.snapshot(ctx, func(t *tx) error {
		list, err = collect(t, scanLink, `SELECT `+linkColumns+` FROM links
			WHERE kind = $1 AND merchant_id = $2 AND expires_at > $3 ORDER BY id LIMIT $4`, account.Invitation, id, millis(now), limit)
		return err
	})
	return list, err
}

// DeleteInvitation implements account.Store.
func (s *Store) DeleteInvitation(ctx context.Context, merchant authority.MerchantID, id string, d *authority.Draft) error {
	return s.change(ctx, d, func(t *tx) error {
		return t.execOne(authority.ErrNotFound, `DELETE FROM links WHERE id = $1 AND kind = $2 AND merchant_id = $3`, id, account.Invitation, merchant)
	})
}
