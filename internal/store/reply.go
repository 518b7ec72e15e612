package store

import (
	"context"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
)

const replyColumns = `id, request, api_key_id, version, sealed, created_at`

func scanReply(r row, v *authority.Reply) error {
	return r.Scan(&v.ID, &v.Request, &v.ClientID, &v.Version, &v.Sealed, timestamp{&v.CreatedAt})
}

// Reply implements authority.Store.
func (s *Store) Reply(ctx context.Context, id []byte) (r *authority.Reply, err error) {
	err = s.snapshot(ctx, func(t *tx) error {
		r, err = one(t, scanReply, `SELECT `+replyColumns+` FROM replies WHERE id = $1`, id)
		return err
	})
	return r, err
}

// AddReply implements authority.Store.
func (s *Store) AddReply(ctx context.Context, r *authority.Reply) error {
	return s.transact(ctx, func(t *tx) error { return t.writeReply(r) })
}

// writeReply keeps an answer; one that is too old to be given makes room.
func (t *tx) writeReply(r *authority.Reply) error {
	n, err := t.affect(`INSERT INTO replies (`+replyColumns+`) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO UPDATE SET
		request = excluded.request, api_key_id = excluded.api_key_id, version = excluded.version, sealed = excluded.sealed,
		created_at = excluded.created_at WHERE replies.created_at < $7`,
		r.ID, r.Request, r.ClientID, r.Version, r.Sealed, millis(r.CreatedAt), millis(r.Outlives))
	if err == nil && n == 0 {
		err = authority.ErrReplied
	}
	return err
}

// DeleteReplies implements authority.Store.
func (s *Store) DeleteReplies(ctx context.Context, before time.Time) error {
	return s.transact(ctx, func(t *tx) error {
		return t.exec(`DELETE FROM replies WHERE created_at < $1`, millis(before))
	})
}
