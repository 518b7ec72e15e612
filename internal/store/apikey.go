package store

import (
	"context"
	"strings"

	"github.com/tokenwright/tokenwright/internal/authority"
)

const apiKeyColumns = `id, coalesce(merchant_id, ''), env, name, description, scopes, status, generation, expires_at,
	created_at, created_by, updated_at, version, last_secret_id`

func scanAPIKey(r row, k *authority.APIKey) error {
	var scopes string
	err := r.Scan(&k.ID, &k.MerchantID, &k.Env, &k.Name, &k.Description, &scopes, &k.Status, &k.Generation, timestamp{&k.ExpiresAt},
		timestamp{&k.CreatedAt}, &k.CreatedBy, timestamp{&k.UpdatedAt}, &k.Version, &k.LastSecretID)
	k.Scopes = strings.Fields(scopes)
	return err
}

func scanSecret(r row, s *authority.Secret) error {
	return r.Scan(&s.ID, &s.Name, &s.Hint, &s.Hash, &s.RootKeyID, timestamp{&s.CreatedAt}, &s.CreatedBy, timestamp{&s.ExpiresAt})
}

// APIKey implements authority.Store.
func (s *Store) APIKey(ctx context.Context, id authority.ClientID) (k *authority.APIKey, err error) {
	err = s.snapshot(ctx, func(t *tx) error {
		k, err = one(t, scanAPIKey, `SELECT `+apiKeyColumns+` FROM api_keys WHERE id = $1 AND status <> 'deleted'`, id)
		if err != nil {
			return err
		}
		k.Secrets, err = collect(t, scanSecret, `SELECT id, name, hint, hash, root_key_id, created_at, created_by, expires_at
			FROM secrets WHERE api_key_id = $1 ORDER BY id`, id)
		return err
	})
	return k, err
}

// APIKeys implements authority.Store.
func (s *Store) APIKeys(ctx context.Context, f authority.APIKeyFilter, after authority.ClientID, limit int) (list []authority.APIKey, err error) {
	err = s.snapshot(ctx, func(t *tx) error {
		list, err = collect(t, scanAPIKey, `SELECT `+apiKeyColumns+` FROM api_keys
			WHERE id > $1 AND status <> 'deleted' AND ($2 = '' OR merchant_id = $2) AND ($3 = '' OR env = $3)
			ORDER BY id LIMIT $4`, after, f.MerchantID, f.Env, limit)
		return err
	})
	return list, err
}

// CreateAPIKey implements authority.Store.
func (s *Store) CreateAPIKey(ctx context.Context, k *authority.APIKey, l authority.KeyLimits, d *authority.Draft) error {
	return s.change(ctx, d, func(t *tx) error {
		if err := t.checkLimits(k, l, true); err != nil {
			return err
		}
		if err := t.checkCatalogue(k.Scopes); err != nil {
			return err
		}
		err := t.exec(`INSERT INTO api_keys (id, merchant_id, env, name, description, scopes, status, generation, expires_at,
			created_at, created_by, updated_at, version, last_secret_id)
			VALUES ($1, nullif($2, ''), $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
			k.ID, k.MerchantID, k.Env, k.Name, k.Description, strings.Join(k.Scopes, " "), k.Status, k.Generation, millis(k.ExpiresAt),
			millis(k.CreatedAt), k.CreatedBy, millis(k.UpdatedAt), k.Version, k.LastSecretID)
		if err != nil {
			return err
		}
		for i := range k.Secrets {
			if err := t.insertSecret(k.ID, &k.Secrets[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

func (t *tx) insertSecret(id authority.ClientID, s *authority.Secret) error {
	return t.exec(`INSERT INTO secrets (api_key_id, id, name, hint, hash, root_key_id, created_at, created_by, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		id, s.ID, s.Name, s.Hint, s.Hash, s.RootKeyID, millis(s.CreatedAt), s.CreatedBy, millis(s.ExpiresAt))
}

// UpdateAPIKey implements authority.Store.
func (s *Store) UpdateAPIKey(ctx context.Context, k *authority.APIKey, l authority.KeyLimits, d *authority.Draft) error {
	return s.change(ctx, d, func(t *tx) error {
		var before authority.Status
		err := t.QueryRowContext(ctx, `SELECT status FROM api_keys WHERE id = $1 AND version = $2 - 1 AND status <> 'deleted'`, k.ID, k.Version).Scan(&before)
		if err != nil {
			return noRow(err, authority.ErrConflict)
		}
		if before != authority.Active && k.Status == authority.Active {
			if err := t.checkLimits(k, l, false); err != nil {
				return err
			}
		}
		if err := t.checkCatalogue(k.Scopes); err != nil {
			return err
		}
		return t.execOne(authority.ErrConflict, `UPDATE api_keys SET name = $1, description = $2, scopes = $3, status = $4, generation = $5,
			expires_at = $6, updated_at = $7, version = $8 WHERE id = $9 AND version = $8 - 1 AND status <> 'deleted'`,
			k.Name, k.Description, strings.Join(k.Scopes, " "), k.Status, k.Generation,
			millis(k.ExpiresAt), millis(k.UpdatedAt), k.Version, k.ID)
	})
}

// checkLimits holds the limits for one more active API key, which is also one
// more undeleted one where it is new.
func (t *tx) checkLimits(k *authority.APIKey, l authority.KeyLimits, isNew bool) error {
	most := l.Active
	if k.MerchantID != "" {
		own, err := t.count(`SELECT key_limit FROM merchants WHERE id = $1 AND status <> 'deleted'`, k.MerchantID)
		if err != nil {
			return noRow(err, authority.ErrNotFound)
		}
		if most == 0 {
			most = own
		}
	}
	// Operator keys have no merchant; all are of one environment.
	const siblings = `SELECT count(*) FROM api_keys WHERE env = $1 AND (merchant_id = $2 OR merchant_id IS NULL AND $2 = '') AND status`
	active, err := t.count(siblings+` = 'active'`, k.Env, k.MerchantID)
	if err != nil {
		return err
	}
	if active >= most {
		return authority.ErrActiveKeyLimit
	}
	undeleted, err := t.count(siblings+` <> 'deleted'`, k.Env, k.MerchantID)
	if err != nil {
		return err
	}
	if isNew && undeleted >= most*l.Undeleted {
		return authority.ErrKeyLimit
	}
	return nil
}

// DeleteAPIKey implements authority.Store.
func (s *Store) DeleteAPIKey(ctx context.Context, k *authority.APIKey, d *authority.Draft) error {
	return s.change(ctx, d, func(t *tx) error {
		err := t.execOne(authority.ErrConflict, `UPDATE api_keys SET status = 'deleted', generation = $1, updated_at = $2, version = $3
			WHERE id = $4 AND version = $3 - 1 AND status <> 'deleted'`, k.Generation, millis(k.UpdatedAt), k.Version, k.ID)
		if err != nil {
			return err
		}
		return t.exec(`DELETE FROM secrets WHERE api_key_id = $1`, k.ID)
	})
}
