package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

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
		return head, fmt.Errorf("locking the event counter: %w", noRow(err, authority.ErrMoved))
	}
	return head, nil
}

// checkStanding holds that the actor has what it has shown. Whoever ends it holds the
// lock of the event counter too.
func (t *tx) checkStanding(d *authority.Draft) error {
	switch s := &d.Standing; {
	case s.Session != "":
		version, err := one(t, func(r row, v *int64) error { return r.Scan(v) },
			`SELECT coalesce(u.version, 0) FROM sessions s LEFT JOIN users u ON u.id = s.user_id WHERE s.id = $1`, s.Session)
		if errors.Is(err, authority.ErrNotFound) {
			return authority.ErrEnded
		}
		if err != nil {
			return err
		}
		if *version != s.UserVersion {
			return authority.ErrConflict
		}
	case s.Generation != 0:
		n, err := t.count(`SELECT count(*) FROM api_keys WHERE id = $1 AND status = 'active' AND generation <= $2`,
			strings.TrimPrefix(d.Actor.ID, "api_key:"), s.Generation)
		if err == nil && n == 0 {
			err = authority.ErrEnded
		}
		return err
	}
	return nil
}

// AddEvent implements authority.Store.
func (s *Store) AddEvent(ctx context.Context, d *authority.Draft) error {
	return s.change(ctx, d, func(*tx) error { return nil })
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

// eventIndexes are the columns of events that have an index together, which holds
// the order of events as well: first those of which there are few, or few that
// have both.
var eventIndexes = [...][]string{
	{"subject"}, {"merchant_id", "kind"}, {"merchant_id", "actor"}, {"kind", "actor", "env"}, {"kind", "actor"}, {"merchant_id", "env"}, {"kind", "env"}, {"actor", "env"},
	{"merchant_id"}, {"kind"}, {"actor"}, {"env"},
}

// equals adds what f wants to be equal. The columns of one index are left for it;
// the others are hidden from indexes, for a database that has no statistics takes
// any: that of a kind which a million events have for a merchant which has three.
func (w *where) equals(f *authority.EventFilter) {
	wanted := map[string]string{
		"merchant_id": string(f.MerchantID), "env": f.Env, "kind": string(f.Kind), "subject": f.Subject, "actor": f.Actor,
	}
	at := slices.IndexFunc(eventIndexes[:], func(index []string) bool {
		return !slices.ContainsFunc(index, func(column string) bool { return wanted[column] == "" })
	})
	for _, column := range []string{"merchant_id", "env", "kind", "subject", "actor"} {
		switch {
		case at < 0 || !slices.Contains(eventIndexes[at], column):
			w.hide(column, wanted[column])
		case len(eventIndexes[at]) == 1:
			w.equal(column, wanted[column])
		default: // as the indexes of several have it
			w.equal(`coalesce(`+column+`, '')`, wanted[column])
		}
	}
}

// clocksApart is how far the clocks of nodes may be apart before a list that is
// limited in time can lack events. Tokens are refused long before.
const clocksApart = time.Hour

// findEvents is the query of FindEvents. Whatever is asked for has an index that
// holds the order as well, but times: clocks differ, so their order is not quite
// that of events, and the index of times tells between which events to look. Of
// it only the first hour that has events is read, or the last.
func findEvents(f authority.EventFilter, after int64, limit int) (query string, args []any) {
	var w where
	w.equals(&f)
	// min(seq) and max(seq) alone would be looked for in the order of seq, past all
	// events before; seq + 0 has no order.
	if !f.Since.IsZero() {
		since := w.argument(millis(f.Since))
		w.terms = append(w.terms, `time >= `+since)
		w.terms = append(w.terms, `seq >= (SELECT min(seq + 0) FROM events WHERE time >= `+since+
			` AND time <= (SELECT min(time) FROM events WHERE time >= `+since+`) + `+w.argument(clocksApart.Milliseconds())+`)`)
	}
	if !f.Until.IsZero() {
		until := w.argument(millis(f.Until))
		w.terms = append(w.terms, `time < `+until)
		w.terms = append(w.terms, `seq <= (SELECT max(seq + 0) FROM events WHERE time < `+until+
			` AND time >= (SELECT max(time) FROM events WHERE time < `+until+`) - `+w.argument(clocksApart.Milliseconds())+`)`)
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

// headlines are events with no more than a node that follows needs of them.
func (t *tx) headlines(after int64, limit int) ([]authority.Event, error) {
	return collect(t, func(r row, e *authority.Event) error { return r.Scan(&e.Seq, &e.Kind, &e.Subject, &e.Hash) },
		`SELECT seq, kind, subject, hash FROM events WHERE seq > $1 ORDER BY seq LIMIT $2`, after, limit)
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
	return head, noRow(err, authority.ErrMoved)
}
