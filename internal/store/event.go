package store

import (
	"context"
	"fmt"

	"github.com/tokenwright/tokenwright/internal/authority"
)

const eventColumns = `seq, time, actor, address, request_id, kind, subject, merchant_id, env, details, root_key_id, hash`

// writeEvent ends a change: the event, and the head that the next one locks.
func (t *tx) writeEvent(e *authority.Event) error {
	err := t.exec(`INSERT INTO events (`+eventColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		e.Seq, millis(e.Time), e.Actor.ID, e.Actor.Address, e.Actor.RequestID, e.Kind, e.Subject,
		e.MerchantID, e.Env, e.Details, e.RootKeyID, e.Hash)
	if err != nil {
		return err
	}
	return t.exec(`UPDATE event_head SET hash = $1 WHERE id = 1`, e.Hash)
}

// lockEvents takes the place of the next event, and returns it with the hash of
// the one before.
func (t *tx) lockEvents() (head authority.EventHead, err error) {
	t.followed = true
	err = t.QueryRowContext(t.ctx, `UPDATE event_head SET seq = seq + 1 WHERE id = 1 RETURNING seq, hash`).Scan(&head.Seq, &head.Hash)
	if err != nil {
		return head, fmt.Errorf("locking the event counter: %w", err)
	}
	return head, nil
}

// append writes an event of something that was found out on the way.
func (t *tx) append(d *authority.Draft) error {
	head, err := t.lockEvents()
	if err != nil {
		return err
	}
	return t.writeEvent(d.Link(head.Seq, head.Hash))
}

func scanEvent(r row, e *authority.Event) error {
	return r.Scan(&e.Seq, timestamp{&e.Time}, &e.Actor.ID, &e.Actor.Address, &e.Actor.RequestID, &e.Kind, &e.Subject,
		&e.MerchantID, &e.Env, &e.Details, &e.RootKeyID, &e.Hash)
}

// Events implements authority.Store.
func (s *Store) Events(ctx context.Context, after int64, limit int) (events []authority.Event, err error) {
	err = s.snapshot(ctx, func(t *tx) error {
		events, err = t.events(after, limit)
		return err
	})
	return events, err
}

// FindEvents implements authority.Store.
func (s *Store) FindEvents(ctx context.Context, f authority.EventFilter, after int64, limit int) (events []authority.Event, err error) {
	query, args := findEvents(f, after, limit)
	err = s.snapshot(ctx, func(t *tx) error {
		events, err = collect(t, scanEvent, query, args...)
		return err
	})
	return events, err
}

// findEvents is the query of FindEvents. Whatever is asked for has an index that
// holds the order as well, but times: clocks differ, so their order is not quite
// that of events, and the index of times tells between which events to look.
func findEvents(f authority.EventFilter, after int64, limit int) (query string, args []any) {
	var w where
	w.equal("merchant_id", string(f.MerchantID))
	w.equal("env", f.Env)
	w.equal("kind", string(f.Kind))
	w.equal("subject", f.Subject)
	w.equal("actor", f.Actor)
	// min(seq) and max(seq) alone would be looked for in the order of seq, past all
	// events before; seq + 0 has no order. Where a list goes on, its beginning is
	// known.
	if !f.Since.IsZero() {
		w.add("time >=", millis(f.Since))
		if f.NewestFirst || after == 0 {
			w.within("seq >=", "SELECT min(seq + 0) FROM events WHERE time >=", millis(f.Since))
		}
	}
	if !f.Until.IsZero() {
		w.add("time <", millis(f.Until))
		if !f.NewestFirst || after == 0 {
			w.within("seq <=", "SELECT max(seq + 0) FROM events WHERE time <", millis(f.Until))
		}
	}
	order := `seq`
	if f.NewestFirst {
		order = `seq DESC`
	}
	switch {
	case !f.NewestFirst:
		w.add("seq >", after)
	case after != 0:
		w.add("seq <", after)
	}
	return `SELECT ` + eventColumns + ` FROM events` + w.text() + ` ORDER BY ` + order + ` LIMIT ` + w.argument(limit), w.args
}

func (t *tx) events(after int64, limit int) ([]authority.Event, error) {
	return collect(t, scanEvent, `SELECT `+eventColumns+` FROM events WHERE seq > $1 ORDER BY seq LIMIT $2`, after, limit)
}

// EventHead implements authority.Store.
func (s *Store) EventHead(ctx context.Context) (head authority.EventHead, err error) {
	err = s.snapshot(ctx, func(t *tx) error {
		head, err = t.eventHead()
		return err
	})
	return head, err
}

func (t *tx) eventHead() (head authority.EventHead, err error) {
	err = t.QueryRowContext(t.ctx, `SELECT seq, hash FROM event_head WHERE id = 1`).Scan(&head.Seq, &head.Hash)
	return head, err
}
