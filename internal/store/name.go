package store

import (
	"context"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/authority"
)

// Names implements account.Store.
func (s *Store) Names(ctx context.Context, merchant authority.MerchantID, ids []account.UserID) (map[account.UserID]string, error) {
	return namesOf(ctx, s, `users`, ids, func(w *where) {
		if merchant != "" {
			w.terms = append(w.terms, `EXISTS (SELECT 1 FROM memberships WHERE user_id = users.id AND merchant_id = `+w.argument(merchant)+`)`)
		}
	})
}

// MerchantNames implements authority.Store.
func (s *Store) MerchantNames(ctx context.Context, ids []authority.MerchantID) (map[authority.MerchantID]string, error) {
	return namesOf(ctx, s, `merchants`, ids, func(*where) {})
}

// APIKeyNames implements authority.Store.
func (s *Store) APIKeyNames(ctx context.Context, f authority.APIKeyFilter, ids []authority.ClientID) (map[authority.ClientID]string, error) {
	return namesOf(ctx, s, `api_keys`, ids, func(w *where) {
		w.equal(`merchant_id || ''`, string(f.MerchantID)) // not by the index of the merchant, which may have thousands
		w.equal(`env`, f.Env)
		w.equal(`status`, string(f.Status))
	})
}

// namesOf reads the names of what is not deleted, by ID; more adds terms.
func namesOf[ID ~string](ctx context.Context, s *Store, table string, ids []ID, more func(*where)) (map[ID]string, error) {
	type named struct {
		id   ID
		name string
	}
	found := map[ID]string{}
	return found, s.snapshot(ctx, func(t *tx) error {
		return inBatches(ids, func(some []ID) error {
			w := where{terms: []string{undeleted, `id IN ` + listOf(len(some))}, args: arguments(some)}
			more(&w)
			return each(t, func(r row, n *named) error { return r.Scan(&n.id, &n.name) }, func(n *named) error {
				found[n.id] = n.name
				return nil
			}, `SELECT id, name FROM `+table+w.text(), w.args...)
		})
	})
}
