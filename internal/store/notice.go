package store

import (
	"context"
	"errors"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// Unannounced implements authority.Store.
func (s *Store) Unannounced(ctx context.Context, list []authority.Expiry) (left []authority.Expiry, err error) {
	left = []authority.Expiry{}
	err = s.snapshot(ctx, func(t *tx) error {
		known, err := t.PrepareContext(t.ctx, `SELECT
			(SELECT count(*) FROM expiry_notices WHERE api_key_id = $1 AND secret_id = $2 AND expires_at = $3 AND days <= $4) +
			(SELECT count(*) FROM secrets s WHERE s.api_key_id = $1 AND s.id = $2 AND s.retired_at > 0 AND NOT EXISTS
				(SELECT 1 FROM last_uses u WHERE u.api_key_id = s.api_key_id AND u.secret_id = s.id AND u.at >= s.retired_at))`)
		if err != nil {
			return err
		}
		for i := range list {
			e, n := &list[i], 0
			if err := known.QueryRowContext(t.ctx, e.ClientID, e.SecretID, millis(e.ExpiresAt), e.Days).Scan(&n); err != nil {
				return errors.Join(err, known.Close())
			}
			if n == 0 {
				left = append(left, *e)
			}
		}
		return known.Close()
	})
	return left, err
}

// AddExpiryNotice implements authority.Store.
func (s *Store) AddExpiryNotice(ctx context.Context, e *authority.Expiry, d *authority.Draft) error {
	return s.change(ctx, d, func(t *tx) error {
		return t.execOne(authority.ErrExists, `INSERT INTO expiry_notices (api_key_id, secret_id, expires_at, days) VALUES ($1, $2, $3, $4)
			ON CONFLICT (api_key_id, secret_id, expires_at, days) DO NOTHING`, e.ClientID, e.SecretID, millis(e.ExpiresAt), e.Days)
	})
}

// DeleteExpiryNotices implements authority.Store.
func (s *Store) DeleteExpiryNotices(ctx context.Context, before time.Time) error {
	return s.transact(ctx, func(t *tx) error {
		return t.exec(`DELETE FROM expiry_notices WHERE expires_at < $1`, millis(before))
	})
}
