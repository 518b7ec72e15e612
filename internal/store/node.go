package store

import (
	"context"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
)

const nodeColumns = `id, version, host, started_at, seen_at, event_seq, current_at`

func scanNode(r row, n *authority.Node) error {
	return r.Scan(&n.ID, &n.Version, &n.Host, timestamp{&n.StartedAt}, timestamp{&n.SeenAt}, &n.EventSeq, timestamp{&n.CurrentAt})
}

// KeepNode implements authority.Store.
func (s *Store) KeepNode(ctx context.Context, n *authority.Node, before time.Time) error {
	return s.transact(ctx, func(t *tx) error {
		err := t.exec(`INSERT INTO nodes (`+nodeColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at, event_seq = excluded.event_seq, current_at = excluded.current_at`,
			n.ID, n.Version, n.Host, millis(n.StartedAt), millis(n.SeenAt), n.EventSeq, millis(n.CurrentAt))
		if err != nil {
			return err
		}
		return t.exec(`DELETE FROM nodes WHERE seen_at < $1`, millis(before))
	})
}

// RemoveNode implements authority.Store.
func (s *Store) RemoveNode(ctx context.Context, id string) error {
	return s.transact(ctx, func(t *tx) error { return t.exec(`DELETE FROM nodes WHERE id = $1`, id) })
}

// Nodes implements authority.Store.
func (s *Store) Nodes(ctx context.Context) (list []authority.Node, err error) {
	err = s.snapshot(ctx, func(t *tx) error {
		list, err = collect(t, scanNode, `SELECT `+nodeColumns+` FROM nodes ORDER BY started_at, id LIMIT 1000`)
		return err
	})
	return list, err
}
