package store

import (
	"context"

	"github.com/tokenwright/tokenwright/internal/authority"
)

const merchantColumns = `id, name, status, key_limit, created_at, updated_at, version`

func scanMerchant(r row, m *authority.Merchant) error {
	return r.Scan(&m.ID, &m.Name, &m.Status, &m.KeyLimit, timestamp{&m.CreatedAt}, timestamp{&m.UpdatedAt}, &m.Version)
}

// Merchant implements authority.Store.
func (s *Store) Merchant(ctx context.Context, id authority.MerchantID) (m *authority.Merchant, err error) {
	err = s.snapshot(ctx, func(t *tx) error {
		m, err = one(t, scanMerchant, `SELECT `+merchantColumns+` FROM merchants WHERE id = $1 AND status <> 'deleted'`, id)
		return err
	})
	return m, err
}

// Merchants implements authority.Store.
func (s *Store) Merchants(ctx context.Context, f authority.MerchantFilter, after authority.MerchantID, limit int) (list []authority.Merchant, err error) {
	var w where
	from := `merchants`
	if f.Search != "" {
		from = w.search(from, func(w *where) {
			w.undeleted()
			w.add("id >", after)
		}, beginning{`id`, f.Search}, beginning{`lower(name)`, authority.Fold(f.Search)})
	}
	w.undeleted()
	w.add("id >", after)
	query := `SELECT ` + merchantColumns + ` FROM ` + from + w.text() + ` ORDER BY id LIMIT ` + w.argument(limit)
	err = s.snapshot(ctx, func(t *tx) error {
		list, err = collect(t, scanMerchant, query, w.args...)
		return err
	})
	return list, err
}

// keyTally is how many API keys of a merchant and environment there are.
type keyTally struct {
	merchant authority.MerchantID
	env      string
	n        int
}

func scanKeyTally(r row, c *keyTally) error { return r.Scan(&c.merchant, &c.env, &c.n) }

// ActiveKeys implements authority.Store.
func (s *Store) ActiveKeys(ctx context.Context, ids []authority.MerchantID) (map[authority.MerchantID]map[string]int, error) {
	counts := map[authority.MerchantID]map[string]int{}
	return counts, s.snapshot(ctx, func(t *tx) error {
		return inBatches(ids, func(some []authority.MerchantID) error {
			return each(t, scanKeyTally, func(c *keyTally) error {
				if counts[c.merchant] == nil {
					counts[c.merchant] = map[string]int{}
				}
				counts[c.merchant][c.env] = c.n
				return nil
			}, `SELECT merchant_id, env, count(*) FROM api_keys WHERE status = 'active' AND merchant_id IN `+listOf(len(some))+`
				GROUP BY merchant_id, env`, arguments(some)...)
		})
	})
}

// CreateMerchant implements authority.Store.
func (s *Store) CreateMerchant(ctx context.Context, m *authority.Merchant, d *authority.Draft) error {
	return s.change(ctx, d, func(t *tx) error {
		err := t.exec(`INSERT INTO merchants (`+merchantColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			m.ID, m.Name, m.Status, m.KeyLimit, millis(m.CreatedAt), millis(m.UpdatedAt), m.Version)
		if isDuplicate(err) {
			return authority.ErrExists
		}
		return err
	})
}

// UpdateMerchant implements authority.Store.
func (s *Store) UpdateMerchant(ctx context.Context, m *authority.Merchant, cutoff int64, d *authority.Draft) error {
	return s.change(ctx, d, func(t *tx) error {
		err := t.execOne(authority.ErrConflict, `UPDATE merchants SET name = $1, status = $2, key_limit = $3, updated_at = $4, version = $5
			WHERE id = $6 AND version = $5 - 1 AND status <> 'deleted'`,
			m.Name, m.Status, m.KeyLimit, millis(m.UpdatedAt), m.Version, m.ID)
		if err != nil || cutoff == 0 {
			return err
		}
		if err := t.cutOff(m.UpdatedAt, `merchant_id = $1 AND status <> 'deleted'`, m.ID, cutoff); err != nil {
			return err
		}
		// With its version: whoever read the API key before would otherwise
		// write the old generation back.
		return t.exec(`UPDATE api_keys SET generation = CASE WHEN generation + 1 > $1 THEN generation + 1 ELSE $1 END,
			version = version + 1 WHERE merchant_id = $2 AND status <> 'deleted'`, cutoff, m.ID)
	})
}

// DeleteMerchant implements authority.Store.
func (s *Store) DeleteMerchant(ctx context.Context, m *authority.Merchant, d *authority.Draft) error {
	return s.change(ctx, d, func(t *tx) error {
		keys, err := t.count(`SELECT count(*) FROM api_keys WHERE merchant_id = $1 AND status <> 'deleted'`, m.ID)
		if err != nil {
			return err
		}
		if keys > 0 {
			return authority.ErrMerchantInUse
		}
		err = t.execOne(authority.ErrConflict, `UPDATE merchants SET status = 'deleted', updated_at = $1, version = $2
			WHERE id = $3 AND version = $2 - 1 AND status <> 'deleted'`, millis(m.UpdatedAt), m.Version, m.ID)
		if err != nil {
			return err
		}
		return t.endMemberships(m.ID, m.UpdatedAt)
	})
}
