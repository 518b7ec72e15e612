package store

import (
	"context"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/authority"
)

// RedoUser implements account.Store.
func (s *Store) RedoUser(ctx context.Context, u *account.User, wipe bool, d *authority.Draft) error {
	return s.change(ctx, d, func(t *tx) error {
		if err := t.updateUser(u); err != nil {
			return err
		}
		if err := t.exec(`UPDATE users SET used_at = $1 WHERE id = $2`, millis(u.UsedAt), u.ID); err != nil {
			return err
		}
		switch {
		case wipe:
			return t.wipeCredentials(u.ID)
		case u.Status != authority.Active:
			return t.endSessions(u.ID)
		}
		return nil
	})
}

// Lacking implements authority.Store.
func (s *Store) Lacking(ctx context.Context) (*authority.Lacking, error) {
	l := &authority.Lacking{Keys: map[authority.ClientID]int64{}, Users: map[string]bool{}}
	err := s.snapshot(ctx, func(t *tx) error {
		type key struct {
			id   authority.ClientID
			last int64
		}
		err := each(t, func(r row, k *key) error { return r.Scan(&k.id, &k.last) }, func(k *key) error {
			l.Keys[k.id] = k.last
			return nil
		}, `SELECT id, last_secret_id FROM api_keys k WHERE status <> 'deleted'
			AND NOT EXISTS (SELECT 1 FROM secrets s WHERE s.api_key_id = k.id AND s.id = k.last_secret_id)`)
		if err != nil {
			return err
		}
		type user struct {
			id    string
			lacks bool
		}
		return each(t, func(r row, u *user) error { return r.Scan(&u.id, &u.lacks) }, func(u *user) error {
			l.Users[u.id] = u.lacks
			return nil
		}, `SELECT id, status <> 'deleted' AND NOT EXISTS (SELECT 1 FROM credentials c WHERE c.user_id = u.id AND c.password <> '')
			AND NOT EXISTS (SELECT 1 FROM identities i WHERE i.user_id = u.id) FROM users u`)
	})
	return l, err
}
