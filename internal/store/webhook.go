package store

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/webhook"
)

var _ webhook.Store = (*Store)(nil)

// KeepWebhooks implements webhook.Store.
func (s *Store) KeepWebhooks(ctx context.Context, names []string, now time.Time) error {
	return s.transact(ctx, func(t *tx) error {
		for _, name := range slices.Sorted(slices.Values(names)) { // all nodes in one order
			err := t.exec(`INSERT INTO webhook_cursors (name, seq, seen_at) SELECT $1, seq, $2 FROM event_head WHERE id = 1
				ON CONFLICT (name) DO UPDATE SET seen_at = excluded.seen_at WHERE excluded.seen_at > webhook_cursors.seen_at`, name, millis(now))
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// DropWebhooks implements webhook.Store.
func (s *Store) DropWebhooks(ctx context.Context, before time.Time) error {
	return s.transact(ctx, func(t *tx) error {
		if err := t.exec(`DELETE FROM webhook_cursors WHERE seen_at < $1`, millis(before)); err != nil {
			return err
		}
		return t.exec(`DELETE FROM webhook_deliveries WHERE state = 'pending' AND webhook NOT IN (SELECT name FROM webhook_cursors)`)
	})
}

// countPending counts what is pending of the webhook that a query names c.name.
const countPending = `(SELECT count(*) FROM (SELECT 1 FROM webhook_deliveries d WHERE d.webhook = c.name AND d.state = 'pending' LIMIT $2) AS counted)`

// WebhookBacklogs implements webhook.Store.
func (s *Store) WebhookBacklogs(ctx context.Context, now time.Time) (backlogs map[string]webhook.Backlog, head int64, err error) {
	type named struct {
		name string
		webhook.Backlog
	}
	backlogs = map[string]webhook.Backlog{}
	err = s.snapshot(ctx, func(t *tx) error {
		events, err := t.eventHead()
		if err != nil {
			return err
		}
		head = events.Seq
		return each(t, func(r row, b *named) error { return r.Scan(&b.name, &b.Cursor, &b.Due, &b.Pending) },
			func(b *named) error {
				backlogs[b.name] = b.Backlog
				return nil
			}, `SELECT c.name, c.seq, EXISTS (SELECT 1 FROM webhook_deliveries d
					WHERE d.webhook = c.name AND d.state = 'pending' AND d.next_at <= $1), `+countPending+`
				FROM webhook_cursors c`, millis(now), webhook.MaxPending)
	})
	return backlogs, head, err
}

// EnqueueDeliveries implements webhook.Store.
func (s *Store) EnqueueDeliveries(ctx context.Context, name string, limit int, choose func([]authority.Event) []webhook.Delivery) (n int, err error) {
	err = s.transact(ctx, func(t *tx) error {
		var cursor int64
		err := t.QueryRowContext(t.ctx, `SELECT seq FROM webhook_cursors WHERE name = $1`, name).Scan(&cursor)
		if err != nil {
			return noRow(err, authority.ErrNotFound)
		}
		events, err := t.events(cursor, limit)
		if n = len(events); err != nil || n == 0 {
			return err
		}
		// First, so that another node waits here and then finds it moved.
		err = t.execOne(authority.ErrConflict, `UPDATE webhook_cursors SET seq = $1 WHERE name = $2 AND seq = $3`, events[n-1].Seq, name, cursor)
		if err != nil {
			return err
		}
		return inBatches(choose(events), t.addDeliveries)
	})
	return n, err
}

const deliveryColumns = `webhook, seq, kind, state, attempts, status, error, created_at, attempted_at, next_at, ended_at, told`

func scanDelivery(r row, d *webhook.Delivery) error {
	return r.Scan(&d.Webhook, &d.Seq, &d.Kind, &d.State, &d.Attempts, &d.Status, &d.Error,
		timestamp{&d.CreatedAt}, timestamp{&d.AttemptedAt}, timestamp{&d.NextAt}, timestamp{&d.EndedAt}, &d.Told)
}

func (t *tx) addDeliveries(list []webhook.Delivery) error {
	const columns = 12
	args := make([]any, 0, columns*len(list))
	for i := range list {
		d := &list[i]
		args = append(args, d.Webhook, d.Seq, d.Kind, d.State, d.Attempts, d.Status, d.Error,
			millis(d.CreatedAt), millis(d.AttemptedAt), millis(d.NextAt), millis(d.EndedAt), d.Told)
	}
	return t.exec(`INSERT INTO webhook_deliveries (`+deliveryColumns+`) VALUES `+rowsOf(len(list), columns), args...)
}

// ClaimDeliveries implements webhook.Store. Who comes second waits for the rows
// that the first one writes, and then finds that they are not due.
func (s *Store) ClaimDeliveries(ctx context.Context, name string, now, until time.Time, limit int) (list []webhook.Delivery, err error) {
	err = s.transact(ctx, func(t *tx) error {
		list, err = collect(t, scanDelivery, `UPDATE webhook_deliveries SET attempts = attempts + 1, attempted_at = $2, next_at = $3
			WHERE webhook = $1 AND state = 'pending' AND next_at <= $2 AND seq IN
				(SELECT seq FROM webhook_deliveries WHERE webhook = $1 AND state = 'pending' AND next_at <= $2 ORDER BY next_at, seq LIMIT $4)
			RETURNING `+deliveryColumns, name, millis(now), millis(until), limit)
		return err
	})
	slices.SortFunc(list, func(a, b webhook.Delivery) int { return cmp.Compare(a.Seq, b.Seq) })
	return list, err
}

// SettleDelivery implements webhook.Store.
func (s *Store) SettleDelivery(ctx context.Context, d *webhook.Delivery) error {
	return s.transact(ctx, func(t *tx) error {
		return t.execOne(authority.ErrConflict, `UPDATE webhook_deliveries SET state = $1, status = $2, error = $3, next_at = $4, ended_at = $5, told = $6
			WHERE webhook = $7 AND seq = $8 AND state = 'pending' AND attempts = $9`,
			d.State, d.Status, d.Error, millis(d.NextAt), millis(d.EndedAt), d.Told, d.Webhook, d.Seq, d.Attempts)
	})
}

// DeleteDeliveries implements webhook.Store.
func (s *Store) DeleteDeliveries(ctx context.Context, before time.Time, limit int) (n int, err error) {
	err = s.transact(ctx, func(t *tx) error {
		n, err = t.affect(`DELETE FROM webhook_deliveries WHERE (webhook, seq) IN
			(SELECT webhook, seq FROM webhook_deliveries WHERE state <> 'pending' AND ended_at < $1 ORDER BY ended_at LIMIT $2)`, millis(before), limit)
		return err
	})
	return n, err
}

// Deliveries implements webhook.Store.
func (s *Store) Deliveries(ctx context.Context, name string, state webhook.State, after int64, limit int) (list []webhook.Delivery, err error) {
	if after == 0 {
		after = math.MaxInt64
	}
	err = s.snapshot(ctx, func(t *tx) error {
		list, err = collect(t, scanDelivery, `SELECT `+deliveryColumns+` FROM webhook_deliveries
			WHERE webhook = $1 AND ($2 = '' OR state = $2) AND seq < $3 ORDER BY seq DESC LIMIT $4`, name, state, after, limit)
		return err
	})
	return list, err
}

// DeliveryCounts implements webhook.Store.
func (s *Store) DeliveryCounts(ctx context.Context, name string) (c webhook.Counts, err error) {
	err = s.snapshot(ctx, func(t *tx) error {
		const some = `(SELECT count(*) FROM (SELECT 1 FROM webhook_deliveries WHERE webhook = $1 AND state = `
		const last = `coalesce((SELECT max(ended_at) FROM webhook_deliveries WHERE webhook = $1 AND state = `
		return t.QueryRowContext(t.ctx, `SELECT `+some+`'pending' LIMIT $2) AS p), `+some+`'failed' LIMIT $2) AS f),
			EXISTS (SELECT 1 FROM webhook_deliveries WHERE webhook = $1 AND state = 'pending' AND error <> ''), `+last+`'delivered'), 0), `+last+`'failed'), 0)`,
			name, webhook.MaxPending).Scan(&c.Pending, &c.Failed, &c.Retrying, timestamp{&c.DeliveredAt}, timestamp{&c.FailedAt})
	})
	return c, err
}
