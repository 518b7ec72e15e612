package store

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/tokenwright/tokenwright/internal/authority"
)

const apiKeyColumns = `id, coalesce(merchant_id, ''), env, name, description, scopes, allowed_cidrs, status, generation, expires_at,
	created_at, created_by, updated_at, version, last_secret_id`

func scanAPIKey(r row, k *authority.APIKey) error {
	var scopes string
	err := r.Scan(&k.ID, &k.MerchantID, &k.Env, &k.Name, &k.Description, &scopes, prefixes{&k.AllowedCIDRs}, &k.Status, &k.Generation, timestamp{&k.ExpiresAt},
		timestamp{&k.CreatedAt}, &k.CreatedBy, timestamp{&k.UpdatedAt}, &k.Version, &k.LastSecretID)
	k.Scopes = strings.Fields(scopes)
	return err
}

func scanSecret(r row, s *authority.Secret) error {
	return r.Scan(&s.ID, &s.Name, &s.Hint, &s.Hash, &s.RootKeyID, timestamp{&s.CreatedAt}, &s.CreatedBy,
		timestamp{&s.ExpiresAt}, timestamp{&s.RetiredAt}, timestamp{&s.LeakedAt}, timestamp{&s.LastUsedAt}, &s.LastUsedFrom)
}

// APIKey implements authority.Store.
func (s *Store) APIKey(ctx context.Context, id authority.ClientID) (k *authority.APIKey, err error) {
	err = s.snapshot(ctx, func(t *tx) error {
		k, err = one(t, scanAPIKey, `SELECT `+apiKeyColumns+` FROM api_keys WHERE id = $1 AND status <> 'deleted'`, id)
		if err != nil {
			return err
		}
		if k.Secrets, err = t.secrets(id); err != nil {
			return err
		}
		return t.lastUse(k)
	})
	return k, err
}

// APIKeys implements authority.Store.
func (s *Store) APIKeys(ctx context.Context, f authority.APIKeyFilter, after authority.ClientID, limit int) (list []authority.APIKey, err error) {
	var w where
	w.keys(f)
	w.add("id >", after)
	query := `SELECT ` + apiKeyColumns + ` FROM api_keys` + w.text() + ` ORDER BY id LIMIT ` + w.argument(limit)
	err = s.snapshot(ctx, func(t *tx) error {
		list, err = collect(t, scanAPIKey, query, w.args...)
		return err
	})
	return list, err
}

// keys adds what f selects of API keys.
func (w *where) keys(f authority.APIKeyFilter) {
	w.undeleted()
	w.equal("merchant_id", string(f.MerchantID))
	w.equal("env", f.Env)
	w.equal("status", string(f.Status))
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
		var lowest int64
		if err := t.QueryRowContext(t.ctx, `SELECT min_gen FROM installation WHERE id = 1`).Scan(&lowest); err != nil {
			return err
		}
		k.Generation = max(k.Generation, lowest)
		err := t.exec(`INSERT INTO api_keys (id, merchant_id, env, name, description, scopes, allowed_cidrs, status, generation, expires_at,
			created_at, created_by, updated_at, version, last_secret_id)
			VALUES ($1, nullif($2, ''), $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
			k.ID, k.MerchantID, k.Env, k.Name, k.Description, strings.Join(k.Scopes, " "), joinPrefixes(k.AllowedCIDRs), k.Status,
			k.Generation, millis(k.ExpiresAt), millis(k.CreatedAt), k.CreatedBy, millis(k.UpdatedAt), k.Version, k.LastSecretID)
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

// readSecrets hands each of keys its secrets.
func (t *tx) readSecrets(keys []authority.KeyUse) error {
	return inBatches(keys, func(some []authority.KeyUse) error {
		place := make(map[authority.ClientID]*authority.KeyUse, len(some))
		ids := make([]any, len(some))
		for i := range some {
			some[i].Secrets = []authority.Secret{}
			place[some[i].ID], ids[i] = &some[i], some[i].ID
		}
		return each(t, scanKeySecret, func(s *keySecret) error {
			place[s.key].Secrets = append(place[s.key].Secrets, s.Secret)
			return nil
		}, selectSecrets(`, s.api_key_id`)+`s.api_key_id IN `+listOf(len(ids))+` ORDER BY s.api_key_id, s.id`, ids...)
	})
}

// keySecret is a secret with the API key it belongs to.
type keySecret struct {
	key authority.ClientID
	authority.Secret
}

func scanKeySecret(r row, s *keySecret) error { return scanSecret(also{r, []any{&s.key}}, &s.Secret) }

const secretColumns = `id, name, hint, hash, root_key_id, created_at, created_by, expires_at, retired_at, leaked_at`

func (t *tx) secrets(id authority.ClientID) ([]authority.Secret, error) {
	return collect(t, scanSecret, selectSecrets(``)+`s.api_key_id = $1 ORDER BY s.id`, id)
}

// selectSecrets selects what scanSecret reads, and further columns, where a condition
// holds that is to follow.
func selectSecrets(columns string) string {
	return `SELECT ` + secretColumns + `, coalesce(u.at, 0), coalesce(u.address, '')` + columns + `
		FROM secrets s LEFT JOIN last_uses u ON u.api_key_id = s.api_key_id AND u.secret_id = s.id WHERE `
}

func (t *tx) insertSecret(id authority.ClientID, s *authority.Secret) error {
	return t.exec(`INSERT INTO secrets (api_key_id, `+secretColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		id, s.ID, s.Name, s.Hint, s.Hash, s.RootKeyID, millis(s.CreatedAt), s.CreatedBy, millis(s.ExpiresAt), millis(s.RetiredAt), millis(s.LeakedAt))
}

// writeSecrets makes the secrets of k the stored ones. Of one that is there
// already, only name, ends and leak can be other.
func (t *tx) writeSecrets(k *authority.APIKey) error {
	before, err := t.secrets(k.ID)
	if err != nil {
		return err
	}
	for i := range k.Secrets {
		s := &k.Secrets[i]
		at := slices.IndexFunc(before, func(b authority.Secret) bool { return b.ID == s.ID })
		if at < 0 {
			err = t.insertSecret(k.ID, s)
		} else {
			before = slices.Delete(before, at, at+1)
			err = t.exec(`UPDATE secrets SET name = $1, expires_at = $2, retired_at = $3, leaked_at = $4 WHERE api_key_id = $5 AND id = $6`,
				s.Name, millis(s.ExpiresAt), millis(s.RetiredAt), millis(s.LeakedAt), k.ID, s.ID)
		}
		if err != nil {
			return err
		}
	}
	for i := range before {
		if err := t.exec(`DELETE FROM secrets WHERE api_key_id = $1 AND id = $2`, k.ID, before[i].ID); err != nil {
			return err
		}
	}
	return nil
}

// UpdateAPIKey implements authority.Store.
func (s *Store) UpdateAPIKey(ctx context.Context, k *authority.APIKey, l authority.KeyLimits, d *authority.Draft) error {
	return s.change(ctx, d, func(t *tx) error {
		var status authority.Status
		var generation int64
		var scopes string
		err := t.QueryRowContext(t.ctx, `SELECT status, generation, scopes FROM api_keys WHERE id = $1 AND version = $2 - 1 AND status <> 'deleted'`,
			k.ID, k.Version).Scan(&status, &generation, &scopes)
		if err != nil {
			return noRow(err, authority.ErrConflict)
		}
		if status != authority.Active && k.Status == authority.Active {
			if err := t.checkLimits(k, l, false); err != nil {
				return err
			}
		}
		if err := t.checkCatalogue(k.Scopes); err != nil {
			return err
		}
		if k.Generation > generation {
			if err := t.cutOff(k.UpdatedAt, `id = $1`, k.ID, k.Generation); err != nil {
				return err
			}
		}
		lost := slices.ContainsFunc(strings.Fields(scopes), func(scope string) bool { return !slices.Contains(k.Scopes, scope) })
		if k.Generation > generation || lost {
			if err := t.endLinksOfKey(k); err != nil {
				return err
			}
		}
		if err := t.writeSecrets(k); err != nil {
			return err
		}
		return t.exec(`UPDATE api_keys SET name = $1, description = $2, scopes = $3, allowed_cidrs = $4, status = $5, generation = $6,
			expires_at = $7, updated_at = $8, version = $9, last_secret_id = $10 WHERE id = $11`,
			k.Name, k.Description, strings.Join(k.Scopes, " "), joinPrefixes(k.AllowedCIDRs), k.Status, k.Generation,
			millis(k.ExpiresAt), millis(k.UpdatedAt), k.Version, k.LastSecretID, k.ID)
	})
}

// checkLimits holds the limits for one more active API key, which is also one
// more undeleted one where it is new.
func (t *tx) checkLimits(k *authority.APIKey, l authority.KeyLimits, isNew bool) error {
	c, err := t.keyCount(k.MerchantID, k.Env, l)
	switch {
	case err != nil:
		return err
	case c.Active >= c.ActiveLimit:
		return authority.ErrActiveKeyLimit
	case isNew && c.Undeleted >= c.UndeletedLimit:
		return authority.ErrKeyLimit
	}
	return nil
}

// KeyCount implements authority.Store.
func (s *Store) KeyCount(ctx context.Context, id authority.MerchantID, env string, l authority.KeyLimits) (c authority.KeyCount, err error) {
	err = s.snapshot(ctx, func(t *tx) error {
		c, err = t.keyCount(id, env, l)
		return err
	})
	return c, err
}

// keyCount counts the API keys of a merchant or, without one, operator keys.
func (t *tx) keyCount(id authority.MerchantID, env string, l authority.KeyLimits) (c authority.KeyCount, err error) {
	c.ActiveLimit = l.Active
	siblings := where{terms: []string{`merchant_id IS NULL`}}
	if id != "" {
		own, err := t.count(`SELECT key_limit FROM merchants WHERE id = $1 AND status <> 'deleted'`, id)
		if err != nil {
			return c, noRow(err, authority.ErrNotFound)
		}
		c.ActiveLimit = cmp.Or(c.ActiveLimit, own)
		siblings = where{}
		siblings.equal("merchant_id", string(id))
	}
	c.UndeletedLimit = c.ActiveLimit * l.Undeleted
	siblings.equal("env", env)
	if c.Active, err = t.count(`SELECT count(*) FROM api_keys`+siblings.text()+` AND status = 'active'`, siblings.args...); err != nil {
		return c, err
	}
	c.Undeleted, err = t.count(`SELECT count(*) FROM api_keys`+siblings.text()+` AND `+undeleted, siblings.args...)
	return c, err
}

// DeleteAPIKey implements authority.Store.
func (s *Store) DeleteAPIKey(ctx context.Context, k *authority.APIKey, d *authority.Draft) error {
	return s.change(ctx, d, func(t *tx) error {
		if err := t.cutOff(k.UpdatedAt, `id = $1`, k.ID, k.Generation); err != nil {
			return err
		}
		if err := t.endLinksOfKey(k); err != nil {
			return err
		}
		err := t.execOne(authority.ErrConflict, `UPDATE api_keys SET status = 'deleted', generation = $1, updated_at = $2, version = $3
			WHERE id = $4 AND version = $3 - 1 AND status <> 'deleted'`, k.Generation, millis(k.UpdatedAt), k.Version, k.ID)
		if err != nil {
			return err
		}
		return t.exec(`DELETE FROM secrets WHERE api_key_id = $1`, k.ID)
	})
}

// endLinksOfKey is endLinksOf an API key. Those of merchants make no links.
func (t *tx) endLinksOfKey(k *authority.APIKey) error {
	if k.MerchantID != "" {
		return nil
	}
	return t.endLinksOf(k.ID.ActorID())
}

// prefixes reads addresses as joinPrefixes stores them.
type prefixes struct{ to *[]netip.Prefix }

// Scan implements sql.Scanner.
func (p prefixes) Scan(v any) error {
	text, ok := v.(string)
	if !ok {
		return fmt.Errorf("addresses are stored as %T", v)
	}
	list, err := authority.ParseCIDRs(strings.Fields(text))
	*p.to = list
	return err
}

func joinPrefixes(list []netip.Prefix) string {
	var b strings.Builder
	for i, p := range list {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(p.String())
	}
	return b.String()
}
