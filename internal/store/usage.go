package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// usedRetired is counted beside the outcomes: the uses of a retired secret. That
// its row is new says that nobody has told of that hour yet.
const usedRetired = "retired"

// usageWriter writes many rows with statements that are prepared once.
type usageWriter struct {
	t             *tx
	count, lately *sql.Stmt
}

func (t *tx) usageWriter() (w usageWriter, err error) {
	w.t = t
	w.count, err = t.PrepareContext(t.ctx, `INSERT INTO usage (api_key_id, hour, secret_id, outcome, count) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (api_key_id, hour, secret_id, outcome) DO UPDATE SET count = usage.count + excluded.count RETURNING count`)
	if err != nil {
		return w, err
	}
	w.lately, err = t.PrepareContext(t.ctx, `INSERT INTO last_uses (api_key_id, secret_id, at, address) VALUES ($1, $2, $3, $4)
		ON CONFLICT (api_key_id, secret_id) DO UPDATE SET at = excluded.at, address = excluded.address WHERE excluded.at > last_uses.at`)
	return w, err
}

func (w usageWriter) close() error {
	var err error
	for _, s := range []*sql.Stmt{w.count, w.lately} {
		if s != nil {
			err = errors.Join(err, s.Close())
		}
	}
	return err
}

// add tells whether u is the first use of a retired secret in its hour.
func (w usageWriter) add(u *authority.Use) (first bool, err error) {
	var total int64
	if err := w.count.QueryRowContext(w.t.ctx, u.ClientID, millis(u.Hour), u.SecretID, u.Outcome, u.Count).Scan(&total); err != nil {
		return false, err
	}
	if u.SecretID == 0 {
		return false, nil
	}
	if _, err := w.lately.ExecContext(w.t.ctx, u.ClientID, u.SecretID, millis(u.At), u.Address); err != nil || !u.Retired {
		return false, err
	}
	err = w.count.QueryRowContext(w.t.ctx, u.ClientID, millis(u.Hour), u.SecretID, usedRetired, u.Count).Scan(&total)
	return total == u.Count, err
}

// AddUsage implements authority.Store. The event counter is locked behind the
// rows of usage, and only where there is an event; nobody locks them the other
// way round.
func (s *Store) AddUsage(ctx context.Context, uses []authority.Use, event func(*authority.Use, authority.MerchantID) *authority.Draft) error {
	return s.transact(ctx, func(t *tx) error {
		w, err := t.usageWriter()
		if err == nil {
			err = w.addAll(uses, event)
		}
		return errors.Join(err, w.close())
	})
}

func (w usageWriter) addAll(uses []authority.Use, event func(*authority.Use, authority.MerchantID) *authority.Draft) error {
	var late []*authority.Use
	for i := range uses {
		first, err := w.add(&uses[i])
		if err != nil {
			return err
		}
		if first {
			late = append(late, &uses[i])
		}
	}
	for _, u := range late {
		var merchant authority.MerchantID
		err := w.t.QueryRowContext(w.t.ctx, `SELECT coalesce(merchant_id, '') FROM api_keys WHERE id = $1`, u.ClientID).Scan(&merchant)
		if err = noRow(err, nil); err != nil { // after a restore the API key may never have been
			return err
		}
		if err := w.t.append(event(u, merchant)); err != nil {
			return err
		}
	}
	return nil
}

// Usage implements authority.Store.
func (s *Store) Usage(ctx context.Context, id authority.ClientID, from, to time.Time) (list []authority.HourUsage, err error) {
	err = s.snapshot(ctx, func(t *tx) error {
		list, err = collect(t, func(r row, u *authority.HourUsage) error {
			return r.Scan(timestamp{&u.Hour}, &u.SecretID, &u.Outcome, &u.Count)
		}, `SELECT hour, secret_id, outcome, count FROM usage
			WHERE api_key_id = $1 AND hour >= $2 AND hour < $3 AND outcome <> $4 ORDER BY hour, secret_id, outcome`,
			id, millis(from), millis(to), usedRetired)
		return err
	})
	return list, err
}

// lastUse reads when and from where any secret of k was last used.
func (t *tx) lastUse(k *authority.APIKey) error {
	err := t.QueryRowContext(t.ctx, `SELECT at, address FROM last_uses WHERE api_key_id = $1 ORDER BY at DESC LIMIT 1`, k.ID).
		Scan(timestamp{&k.LastUsedAt}, &k.LastUsedFrom)
	return noRow(err, nil)
}

// DeleteUsage implements authority.Store.
func (s *Store) DeleteUsage(ctx context.Context, before time.Time, limit int) (n int, err error) {
	err = s.transact(ctx, func(t *tx) error {
		n, err = t.affect(`DELETE FROM usage WHERE (api_key_id, hour, secret_id, outcome) IN
			(SELECT api_key_id, hour, secret_id, outcome FROM usage WHERE hour < $1 ORDER BY hour LIMIT $2)`, millis(before), limit)
		return err
	})
	return n, err
}

// KeyUses implements authority.Store.
func (s *Store) KeyUses(ctx context.Context, f authority.APIKeyFilter, since time.Time, after authority.ClientID, limit int) (list []authority.KeyUse, err error) {
	const counted = `(SELECT CAST(coalesce(sum(count), 0) AS BIGINT) FROM usage WHERE api_key_id = k.id AND hour > $5 AND outcome `
	const secrets = ` FROM secrets WHERE api_key_id = k.id), 0)`
	err = s.snapshot(ctx, func(t *tx) error {
		list, err = collect(t, scanKeyUse, `SELECT `+apiKeyColumns+`,
			coalesce((SELECT max(at) FROM last_uses WHERE api_key_id = k.id), 0),
			coalesce((SELECT address FROM last_uses WHERE api_key_id = k.id ORDER BY at DESC LIMIT 1), ''),
			`+counted+`= $6), `+counted+`NOT IN ($6, $7, $8)),
			coalesce((SELECT max(created_at)`+secrets+`, coalesce((SELECT CASE WHEN min(expires_at) = 0 THEN 0 ELSE max(expires_at) END`+secrets+`
			FROM api_keys k WHERE id > $1 AND status <> 'deleted' AND ($2 = '' OR merchant_id = $2) AND ($3 = '' OR env = $3)
			ORDER BY id LIMIT $4`, after, f.MerchantID, f.Env, limit, millis(since.Add(-time.Hour)),
			authority.Issued, authority.Authenticated, usedRetired)
		return err
	})
	return list, err
}

func scanKeyUse(r row, u *authority.KeyUse) error {
	return scanAPIKey(also{r, []any{
		timestamp{&u.LastUsedAt}, &u.LastUsedFrom, &u.Issued, &u.Refused, timestamp{&u.SecretCreatedAt}, timestamp{&u.SecretExpiresAt},
	}}, &u.APIKey)
}

// also is a row with further columns behind those that are scanned.
type also struct {
	row
	more []any
}

func (a also) Scan(dest ...any) error { return a.row.Scan(append(dest, a.more...)...) }
