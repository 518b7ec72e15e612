package store

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/authority"
)

var _ account.Store = (*Store)(nil)

const userColumns = `id, email, name, status, operator, created_at, created_by, updated_at, used_at, enabled_at, version`

func scanUser(r row, u *account.User) error {
	return r.Scan(&u.ID, &u.Email, &u.Name, &u.Status, &u.Operator, timestamp{&u.CreatedAt}, &u.CreatedBy, timestamp{&u.UpdatedAt},
		timestamp{&u.UsedAt}, timestamp{&u.EnabledAt}, &u.Version)
}

// User implements account.Store.
func (s *Store) User(ctx context.Context, id account.UserID) (u *account.User, err error) {
	err = s.snapshot(ctx, func(t *tx) error {
		u, err = t.user(`id = $1`, id)
		return err
	})
	return u, err
}

// user returns the one that the condition is true of.
func (t *tx) user(condition string, args ...any) (*account.User, error) {
	u, err := one(t, scanUser, `SELECT `+userColumns+` FROM users WHERE `+condition+` AND status <> 'deleted'`, args...)
	if err != nil {
		return nil, err
	}
	list := []account.User{*u}
	err = t.readMemberships(list)
	return &list[0], err
}

// Users implements account.Store.
func (s *Store) Users(ctx context.Context, f account.UserFilter, after account.UserID, limit int) (list []account.User, err error) {
	query, args := findUsers(f, after, limit)
	err = s.snapshot(ctx, func(t *tx) error {
		if list, err = collect(t, scanUser, query, args...); err != nil {
			return err
		}
		return t.readMemberships(list)
	})
	return list, err
}

// findUsers is the query of Users. The users of a merchant are few, so the search
// goes through them; all users are searched by index.
func findUsers(f account.UserFilter, after account.UserID, limit int) (string, []any) {
	var w where
	from := `users`
	key := (&account.User{Email: f.Search}).EmailKey()
	switch {
	case f.MerchantID != "":
		from = `memberships CROSS JOIN users`
		w.terms = append(w.terms, `id = user_id`)
		w.equal("merchant_id", string(f.MerchantID))
		if f.Search != "" {
			email, name := where{args: w.args}, where{}
			email.begins(`email_key`, key)
			name.args = email.args
			name.begins(`lower(name)`, authority.Fold(f.Search))
			w.terms, w.args = append(w.terms, email.or(&name)), name.args
		}
	case f.Search != "":
		from = w.search(from, func(w *where) {
			w.undeleted()
			w.add("id >", after)
		}, beginning{`email_key`, key}, beginning{`lower(name)`, authority.Fold(f.Search)})
	}
	w.undeleted()
	w.equal("status", string(f.Status))
	w.add("id >", after)
	return `SELECT ` + userColumns + ` FROM ` + from + w.text() + ` ORDER BY id LIMIT ` + w.argument(limit), w.args
}

// membership is one with the user it belongs to.
type membership struct {
	user account.UserID
	account.Membership
}

func scanMembership(r row, m *membership) error { return r.Scan(&m.user, &m.MerchantID, &m.Role) }

// readMemberships hands each user its memberships.
func (t *tx) readMemberships(users []account.User) error {
	return inBatches(users, func(some []account.User) error {
		place := make(map[account.UserID]*account.User, len(some))
		ids := make([]any, len(some))
		for i := range some {
			some[i].Memberships = []account.Membership{}
			place[some[i].ID], ids[i] = &some[i], some[i].ID
		}
		return each(t, scanMembership, func(m *membership) error {
			place[m.user].Memberships = append(place[m.user].Memberships, m.Membership)
			return nil
		}, `SELECT user_id, merchant_id, role FROM memberships WHERE user_id IN `+listOf(len(ids))+` ORDER BY user_id, merchant_id`, ids...)
	})
}

// CreateUser implements account.Store.
func (s *Store) CreateUser(ctx context.Context, u *account.User, d *authority.Draft) error {
	return s.change(ctx, d, func(t *tx) error { return t.insertUser(u) })
}

func (t *tx) insertUser(u *account.User) error {
	err := t.exec(`INSERT INTO users (`+userColumns+`, email_key) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		u.ID, u.Email, u.Name, u.Status, bit(u.Operator), millis(u.CreatedAt), u.CreatedBy, millis(u.UpdatedAt),
		millis(u.UsedAt), millis(u.EnabledAt), u.Version, u.EmailKey())
	if isDuplicate(err) {
		return account.ErrEmailTaken
	}
	if err != nil {
		return err
	}
	if err := t.insertMemberships(u); err != nil {
		return err
	}
	return t.endSetUp(u)
}

// UpdateUser implements account.Store.
func (s *Store) UpdateUser(ctx context.Context, u *account.User, keepOperator bool, d *authority.Draft) error {
	return s.change(ctx, d, func(t *tx) error {
		before, err := t.user(`id = $1`, u.ID)
		if errors.Is(err, authority.ErrNotFound) {
			return authority.ErrConflict
		}
		if err != nil {
			return err
		}
		if err := t.updateUser(u); err != nil {
			return err
		}
		switch {
		case u.Status != authority.Active:
			err = t.endSessions(u.ID)
		case before.MayMoreThan(u):
			err = t.endLinksOf(u.ID.ActorID())
		}
		if err != nil {
			return err
		}
		return t.checkOperators(keepOperator)
	})
}

func (t *tx) updateUser(u *account.User) error {
	err := t.execOne(authority.ErrConflict, `UPDATE users SET name = $1, status = $2, operator = $3, updated_at = $4, enabled_at = $5, version = $6
		WHERE id = $7 AND version = $6 - 1 AND status <> 'deleted'`,
		u.Name, u.Status, bit(u.Operator), millis(u.UpdatedAt), millis(u.EnabledAt), u.Version, u.ID)
	if err != nil {
		return err
	}
	if err := t.exec(`DELETE FROM memberships WHERE user_id = $1`, u.ID); err != nil {
		return err
	}
	if err := t.insertMemberships(u); err != nil {
		return err
	}
	return t.endSetUp(u)
}

// endSetUp ends the links that would make a first operator, where u is one.
func (t *tx) endSetUp(u *account.User) error {
	if !u.Operator || u.Status != authority.Active {
		return nil
	}
	return t.exec(`DELETE FROM links WHERE kind = $1`, account.SetUp)
}

// ResetUser implements account.Store.
func (s *Store) ResetUser(ctx context.Context, u *account.User, l *account.Link, hash []byte, d *authority.Draft) error {
	return s.change(ctx, d, func(t *tx) error {
		if err := t.updateUser(u); err != nil {
			return err
		}
		if err := t.wipeCredentials(u.ID); err != nil {
			return err
		}
		return t.insertLink(l, hash)
	})
}

// DeleteUser implements account.Store.
func (s *Store) DeleteUser(ctx context.Context, u *account.User, keepOperator bool, d *authority.Draft) error {
	return s.change(ctx, d, func(t *tx) error {
		err := t.execOne(authority.ErrConflict, `UPDATE users SET email = '', email_key = '', name = '', status = 'deleted', operator = 0,
			updated_at = $1, version = $2 WHERE id = $3 AND version = $2 - 1 AND status <> 'deleted'`, millis(u.UpdatedAt), u.Version, u.ID)
		if err != nil {
			return err
		}
		if err := t.exec(`DELETE FROM memberships WHERE user_id = $1`, u.ID); err != nil {
			return err
		}
		if err := t.wipeCredentials(u.ID); err != nil {
			return err
		}
		return t.checkOperators(keepOperator)
	})
}

// checkOperators holds that there is an active operator, where that is wanted.
func (t *tx) checkOperators(wanted bool) error {
	if !wanted {
		return nil
	}
	n, err := t.count(`SELECT count(*) FROM users WHERE operator = 1 AND status = 'active'`)
	if err == nil && n == 0 {
		err = account.ErrLastOperator
	}
	return err
}

// insertMemberships adds those of a user who has none yet.
func (t *tx) insertMemberships(u *account.User) error {
	return inBatches(u.Memberships, func(some []account.Membership) error {
		var ids, values []any
		for _, m := range some {
			ids = append(ids, m.MerchantID)
			values = append(values, u.ID, m.MerchantID, m.Role)
		}
		there, err := collect(t, func(r row, id *authority.MerchantID) error { return r.Scan(id) },
			`SELECT id FROM merchants WHERE status <> 'deleted' AND id IN `+listOf(len(ids)), ids...)
		if err != nil {
			return err
		}
		for _, m := range some {
			if !slices.Contains(there, m.MerchantID) {
				return account.ErrNoMerchant(m.MerchantID)
			}
		}
		return t.exec(`INSERT INTO memberships (user_id, merchant_id, role) VALUES `+rowsOf(len(some), 3), values...)
	})
}

// endMemberships takes their roles at a merchant from all users. With their
// versions: whoever read a user before would otherwise write it back.
func (t *tx) endMemberships(id authority.MerchantID, at time.Time) error {
	err := t.exec(`UPDATE users SET updated_at = $1, version = version + 1
		WHERE id IN (SELECT user_id FROM memberships WHERE merchant_id = $2)`, millis(at), id)
	if err != nil {
		return err
	}
	return t.exec(`DELETE FROM memberships WHERE merchant_id = $1`, id)
}

// bit is how a truth is stored.
func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
