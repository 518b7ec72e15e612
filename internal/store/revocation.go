package store

import (
	"context"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// lockRevocations returns the number of the last revocation there ever was.
// Whoever has called it is alone until the transaction ends: so what is counted
// stays true, and revocations are committed in their order. It comes behind the
// lock of the event counter.
func (t *tx) lockRevocations() (last int64, err error) {
	t.followed = true
	err = t.QueryRowContext(t.ctx, `UPDATE revocation_head SET seq = seq WHERE id = 1 RETURNING seq`).Scan(&last)
	return last, noRow(err, authority.ErrMoved)
}

// insertRevocation adds v behind the last one, under the lock.
func (t *tx) insertRevocation(last int64, v *authority.Revocation) error {
	v.Seq = last + 1
	err := t.exec(`INSERT INTO revocations (`+revocationColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		v.Seq, v.Env, v.ClientID, v.Generation, v.TokenID, v.KeyID, millis(v.ExpiresAt), millis(v.CreatedAt))
	if err != nil {
		return err
	}
	return t.exec(`UPDATE revocation_head SET seq = $1 WHERE id = 1`, v.Seq)
}

// cutOff records that tokens of the API keys that condition, with its argument
// arg, selects are dead below a generation: the greater of generation and the
// one after the stored one. It comes before the change of the API keys.
func (t *tx) cutOff(now time.Time, condition string, arg any, generation int64) error {
	last, err := t.lockRevocations()
	if err != nil {
		return err
	}
	added, err := t.affect(`INSERT INTO revocations (`+revocationColumns+`)
		SELECT $2 + row_number() OVER (ORDER BY id), env, id, CASE WHEN generation + 1 > $3 THEN generation + 1 ELSE $3 END, '', '', 0, $4
		FROM api_keys WHERE `+condition, arg, last, generation, millis(now))
	if err != nil {
		return err
	}
	return t.exec(`UPDATE revocation_head SET seq = seq + $1 WHERE id = 1`, added)
}

const revocationColumns = `seq, env, client_id, generation, jti, kid, expires_at, created_at`

// joinedRevocation are the columns of a revocation r that a LEFT JOIN may not have
// found: all are zero then. revocationFields takes them.
const joinedRevocation = `coalesce(r.seq, 0), coalesce(r.env, ''), coalesce(r.client_id, ''), coalesce(r.generation, 0),
	coalesce(r.jti, ''), coalesce(r.kid, ''), coalesce(r.expires_at, 0), coalesce(r.created_at, 0)`

func revocationFields(v *authority.Revocation) []any {
	return []any{&v.Seq, &v.Env, &v.ClientID, &v.Generation, &v.TokenID, &v.KeyID, timestamp{&v.ExpiresAt}, timestamp{&v.CreatedAt}}
}

// Revocations implements authority.Store. It is one statement, as a snapshot is: a
// database that has sent all of it, over a slow network, might end a transaction
// that then seems idle.
func (s *Store) Revocations(ctx context.Context, after int64, limit int) (list []authority.Revocation, last int64, err error) {
	ctx, cancel := limited(ctx, s.limit)
	defer cancel()
	err = alive(ctx, s.follow, func() error {
		list, last = []authority.Revocation{}, -1
		return eachOf(ctx, s.follow, func(r row, v *authority.Revocation) error {
			return r.Scan(append([]any{&last}, revocationFields(v)...)...)
		}, func(v *authority.Revocation) error {
			if v.Seq != 0 {
				list = append(list, *v)
			}
			return nil
		}, `SELECT h.seq, `+joinedRevocation+` FROM revocation_head h LEFT JOIN revocations r ON r.seq > $1
			WHERE h.id = 1 ORDER BY r.seq LIMIT $2`, after, limit)
	})
	switch {
	case err != nil:
		return nil, 0, err
	case last < 0: // there is no head
		return nil, 0, authority.ErrMoved
	}
	return list, last, nil
}

// RevokeToken implements authority.Store.
func (s *Store) RevokeToken(ctx context.Context, r *authority.Revocation, most int) error {
	return s.alone(ctx, func(t *tx) error {
		last, err := t.lockRevocations()
		if err != nil {
			return err
		}
		listed, err := t.count(`SELECT count(*) FROM revocations WHERE client_id = $1 AND jti = $2 AND jti <> ''`, r.ClientID, r.TokenID)
		if err != nil || listed > 0 {
			return err
		}
		live, err := t.count(`SELECT count(*) FROM revocations WHERE client_id = $1 AND jti <> '' AND expires_at > $2
			AND generation >= coalesce((SELECT generation FROM api_keys WHERE id = $1), 0)`, r.ClientID, millis(r.CreatedAt))
		if err != nil {
			return err
		}
		if live >= most {
			return authority.ErrManyRevoked
		}
		return t.insertRevocation(last, r)
	})
}

// SweepRevocations implements authority.Store.
func (s *Store) SweepRevocations(ctx context.Context, env string, expired, created time.Time, limit int) (removed int, err error) {
	err = s.transact(ctx, func(t *tx) error {
		removed = 0
		for _, which := range []struct {
			condition string
			before    time.Time
		}{{`expires_at > 0 AND expires_at < $2`, expired}, {`expires_at = 0 AND created_at < $2`, created}} {
			n, err := t.affect(`DELETE FROM revocations WHERE seq IN
				(SELECT seq FROM revocations WHERE env = $1 AND `+which.condition+` ORDER BY expires_at, created_at LIMIT $3)`,
				env, millis(which.before), limit-removed)
			if err != nil {
				return err
			}
			removed += n
		}
		return nil
	})
	return removed, err
}

// revokeKid records that nothing a signing key has signed is to be believed.
func (t *tx) revokeKid(now time.Time, env, kid string) error {
	last, err := t.lockRevocations()
	if err != nil {
		return err
	}
	return t.insertRevocation(last, &authority.Revocation{Env: env, KeyID: kid, CreatedAt: now})
}
