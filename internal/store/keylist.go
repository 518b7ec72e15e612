package store

import (
	"context"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// KeyUses implements authority.Store.
func (s *Store) KeyUses(ctx context.Context, q authority.KeyQuery, limit int) (list []authority.KeyUse, err error) {
	query, args := keyUses(q, limit)
	err = s.snapshot(ctx, func(t *tx) error {
		if list, err = collect(t, scanKeyUse, query, args...); err != nil {
			return err
		}
		err = t.readSecrets(list)
		for i := range list {
			list[i].SecretCreatedAt, list[i].SecretExpiresAt = spanOf(list[i].Secrets)
		}
		return err
	})
	return list, err
}

// keyUses is the query of KeyUses.
func keyUses(q authority.KeyQuery, limit int) (string, []any) {
	var w where
	from := `api_keys k`
	if q.Search != "" {
		from = w.search(`api_keys`, func(w *where) { w.keys(q.APIKeyFilter) },
			beginning{`lower(name)`, authority.Fold(q.Search)}, beginning{`id`, q.Search})
	}
	w.keys(q.APIKeyFilter)
	order := w.keysBehind(q)
	return `SELECT ` + apiKeyColumns + `, coalesce((SELECT name FROM merchants WHERE id = k.merchant_id), ''),
		coalesce((SELECT max(at) FROM last_uses WHERE api_key_id = k.id), 0),
		coalesce((SELECT address FROM last_uses WHERE api_key_id = k.id ORDER BY at DESC LIMIT 1), ''),
		` + w.counted(q.Since) + ` FROM ` + from + w.text() + ` ORDER BY ` + order + ` LIMIT ` + w.argument(limit), w.args
}

// keysBehind begins a list behind a place, and returns its order.
func (w *where) keysBehind(q authority.KeyQuery) (order string) {
	switch {
	case q.Order == authority.KeysByID:
		w.add(`id >`, q.After.ID)
		return `id`
	case q.Order == authority.KeysNewestFirst:
		if q.After.ID != "" {
			w.terms = append(w.terms, `(created_at, id) < (`+w.argument(millis(q.After.CreatedAt))+`, `+w.argument(q.After.ID)+`)`)
		}
		return `created_at DESC, id DESC`
	}
	if q.After.ID != "" {
		w.terms = append(w.terms, `(lower(name), id) > (`+w.argument(authority.Fold(q.After.Name))+`, `+w.argument(q.After.ID)+`)`)
	}
	return `lower(name), id`
}

// counted are the columns that count the uses of an API key.
func (w *where) counted(since time.Time) string {
	if since.IsZero() {
		return `0, 0`
	}
	counted := `(SELECT CAST(coalesce(sum(count), 0) AS BIGINT) FROM usage WHERE api_key_id = k.id AND hour > ` +
		w.argument(millis(since.Add(-time.Hour))) + ` AND outcome `
	issued := w.argument(authority.Issued)
	refused := `NOT IN (` + issued + `, ` + w.argument(authority.Authenticated) + `, ` + w.argument(usedRetired) + `, ` + w.argument(reachedLimit) + `)`
	return counted + `= ` + issued + `), ` + counted + refused + `)`
}

// spanOf returns when the newest of the secrets was made, and when the one that
// lasts longest ends, zero for never.
func spanOf(secrets []authority.Secret) (made, ends time.Time) {
	forever := false
	for i := range secrets {
		s := &secrets[i]
		if s.CreatedAt.After(made) {
			made = s.CreatedAt
		}
		if s.ExpiresAt.After(ends) {
			ends = s.ExpiresAt
		}
		forever = forever || s.ExpiresAt.IsZero()
	}
	if forever {
		ends = time.Time{}
	}
	return made, ends
}

func scanKeyUse(r row, u *authority.KeyUse) error {
	return scanAPIKey(also{r, []any{
		&u.MerchantName, timestamp{&u.LastUsedAt}, &u.LastUsedFrom, &u.Issued, &u.Refused,
	}}, &u.APIKey)
}

// also is a row with further columns behind those that are scanned.
type also struct {
	row
	more []any
}

func (a also) Scan(dest ...any) error { return a.row.Scan(append(dest, a.more...)...) }
