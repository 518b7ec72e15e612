package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// movedTables are all tables that hold an installation, those that others refer to
// first. Nodes tell of themselves again.
var movedTables = []string{
	"schema_window", "installation", "environments", "root_keys", "signing_keys", "merchants", "scopes", "api_keys", "secrets", "events", "event_head",
	"revocations", "revocation_head", "usage", "usage_totals", "last_uses", "expiry_notices", "replies", "webhook_cursors", "webhook_deliveries",
	"users", "memberships", "credentials", "recovery_codes", "identities", "links", "sessions", "sign_in_failures",
}

// Move copies the installation into the empty database of to, called name, and
// leaves here what refuses every change and whoever follows: one is at work in one
// place. d is the event of it, the last one here and there. Changes wait meanwhile.
// progress, where not nil, hears of rows.
//
// What was interrupted between the two databases, the same call ends.
// authority.ErrExists where something else is in to.
func (s *Store) Move(ctx context.Context, to *Store, name string, d *authority.Draft, progress func(table string, rows int64)) error {
	_, _, err := to.Installation(ctx)
	if err == nil {
		return s.endMove(ctx, to, name)
	}
	if !errors.Is(err, authority.ErrNotFound) {
		return err
	}
	return s.change(ctx, d, func(t *tx) error {
		// The event is written behind this: so it is copied before, as it will be.
		return s.moveRows(ctx, t, to, name, d, progress)
	})
}

// moveRows copies all rows and commits them there; the mark here is committed with
// the event.
func (s *Store) moveRows(ctx context.Context, t *tx, to *Store, name string, d *authority.Draft, progress func(table string, rows int64)) error {
	c, err := to.write.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	there, err := c.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = there.Rollback() }()
	for _, table := range slices.Backward(movedTables) {
		if _, err := there.ExecContext(ctx, `DELETE FROM `+table); err != nil { // what migrations have put there
			return err
		}
	}
	for _, table := range movedTables {
		n, err := copyTable(ctx, t, c, there, table, to.log == "", func(n int64) {
			if progress != nil {
				progress(table, n)
			}
		})
		if err != nil {
			return fmt.Errorf("copying %s: %w", table, err)
		}
		copied := 0
		if err := there.QueryRowContext(ctx, `SELECT count(*) FROM `+table).Scan(&copied); err != nil || int64(copied) != n {
			return fmt.Errorf("of the %d rows of %s, %d are there: %w", n, table, copied, err)
		}
	}
	moved := &tx{Tx: there, ctx: ctx}
	if err := moved.exec(`UPDATE installation SET place = $1 WHERE id = 1`, to.place); err != nil {
		return err
	}
	head, err := moved.eventHead() // with the number that the event has taken
	if err != nil {
		return err
	}
	if err := moved.writeEvent(d.Link(head.Seq, head.Hash)); err != nil {
		return err
	}
	if err := there.Commit(); err != nil {
		return fmt.Errorf("committing what was copied: %w", err)
	}
	return t.leave(name)
}

// leave marks the installation as moved. Without the rows that every change and
// whoever follows begin with, releases refuse it as well that know of no mark.
func (t *tx) leave(name string) error {
	if err := t.exec(`UPDATE installation SET moved_to = $1 WHERE id = 1`, name); err != nil {
		return err
	}
	for _, table := range []string{"event_head", "revocation_head"} {
		if err := t.exec(`DELETE FROM ` + table); err != nil {
			return err
		}
	}
	return nil
}

// endMove marks as moved what is in to already: all that is here, and the event of
// it behind the last one.
func (s *Store) endMove(ctx context.Context, to *Store, name string) error {
	return s.alone(ctx, func(t *tx) error {
		if err := t.execOne(authority.ErrMoved, `UPDATE event_head SET seq = seq WHERE id = 1`); err != nil { // the lock
			return err
		}
		here, err := t.eventHead()
		if err != nil {
			return err
		}
		revoked, err := t.lockRevocations()
		if err != nil {
			return err
		}
		return to.snapshot(ctx, func(there *tx) error {
			events, err := there.events(here.Seq-1, 2)
			if err != nil {
				return err
			}
			last, err := there.count(`SELECT seq FROM revocation_head WHERE id = 1`)
			if err != nil {
				return err
			}
			if len(events) != 2 || !bytes.Equal(events[0].Hash, here.Hash) || events[1].Kind != authority.InstallationMoved || int64(last) != revoked {
				return authority.ErrExists
			}
			return t.leave(name)
		})
	})
}

// moveBatch is after how many rows progress is told.
const moveBatch = 10_000

// copyTable copies every row of a table of t, column by column as they are called,
// into the transaction there on c.
func copyTable(ctx context.Context, t *tx, c *sql.Conn, there *sql.Tx, table string, postgres bool, progress func(int64)) (n int64, err error) {
	rows, err := t.QueryContext(ctx, `SELECT * FROM `+table)
	if err != nil {
		return 0, err
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		return 0, err
	}
	next := func() ([]any, error) { // nil behind the last one
		if !rows.Next() {
			return nil, rows.Err()
		}
		values := make([]any, len(columns))
		into := make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if n++; n%moveBatch == 0 {
			progress(n)
		}
		err := rows.Scan(into...)
		for i, v := range values { // SQLite's driver has no bytes for none; NULL is another thing
			if b, ok := v.([]byte); ok && b == nil {
				values[i] = []byte{}
			}
		}
		return values, err
	}
	if postgres {
		err = c.Raw(func(conn any) error {
			// On the connection of the transaction: COPY is a part of it.
			_, err := conn.(*stdlib.Conn).Conn().CopyFrom(ctx, pgx.Identifier{table}, columns, pgx.CopyFromFunc(next))
			return err
		})
	} else {
		err = insertRows(ctx, there, table, columns, next)
	}
	progress(n)
	return n, err
}

func insertRows(ctx context.Context, there *sql.Tx, table string, columns []string, next func() ([]any, error)) error {
	insert, err := there.PrepareContext(ctx, `INSERT INTO `+table+` (`+strings.Join(columns, `, `)+`) VALUES `+listOf(len(columns)))
	if err != nil {
		return err
	}
	defer func() { _ = insert.Close() }()
	for {
		values, err := next()
		if err != nil || values == nil {
			return err
		}
		if _, err := insert.ExecContext(ctx, values...); err != nil {
			return err
		}
	}
}
