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

// arriving stands in the place of where an installation was moved to while it is not
// known whether the old database has let it go. No database has such a name.
const arriving = "(arriving)"

// Move copies the installation into the empty database of to, called name, and
// leaves here what refuses every change and whoever follows: one is at work in one
// place. d is the event of it, the last one here and there. Changes wait meanwhile.
// progress, where not nil, hears of rows.
//
// There are three commits: the copy, which nobody may work on yet; the mark here;
// and that the copy may be worked on. Behind the first the same call begins again,
// behind the second EndMove ends it. authority.ErrExists where something else is in
// to.
func (s *Store) Move(ctx context.Context, to *Store, name string, d *authority.Draft, progress func(table string, rows int64)) error {
	there, _, err := to.Installation(ctx)
	if err == nil && there.Arriving {
		err = s.checkCopy(ctx, to, 1)
	} else if err == nil {
		err = authority.ErrExists
	}
	if err != nil && !errors.Is(err, authority.ErrNotFound) {
		return err
	}
	if err := s.change(ctx, d, func(t *tx) error {
		// The event is written behind this: so it is copied before, as it will be.
		return s.moveRows(ctx, t, to, name, d, progress)
	}); err != nil {
		return err
	}
	return to.arrive(ctx)
}

// EndMove ends a move to the database of to, called name, that was interrupted behind
// the mark here. It tells whether there was one.
func (s *Store) EndMove(ctx context.Context, to *Store, name string) (bool, error) {
	here, _, err := s.Installation(ctx)
	if err != nil || here.MovedTo != name {
		return false, err
	}
	there, _, err := to.Installation(ctx)
	if err != nil || !there.Arriving {
		return false, err
	}
	if err := s.checkCopy(ctx, to, 0); err != nil {
		return false, err
	}
	return true, to.arrive(ctx)
}

// checkCopy returns authority.ErrExists unless what arrives in to is a copy of this:
// one of its last events, that many before the last, is here.
func (s *Store) checkCopy(ctx context.Context, to *Store, before int64) error {
	head, err := to.lastSeq(ctx)
	if err != nil {
		return err
	}
	there, err := to.Events(ctx, head-before-1, 1)
	if err != nil {
		return err
	}
	here, err := s.Events(ctx, head-before-1, 1)
	if err != nil {
		return err
	}
	if len(there) != 1 || len(here) != 1 || !bytes.Equal(there[0].Hash, here[0].Hash) {
		return authority.ErrExists
	}
	return nil
}

func (s *Store) lastSeq(ctx context.Context) (seq int64, err error) {
	err = s.snapshot(ctx, func(t *tx) error {
		n, err := t.count(`SELECT coalesce(max(seq), 0) FROM events`)
		seq = int64(n)
		return err
	})
	return seq, err
}

// arrive lets the installation that was copied here be worked on.
func (s *Store) arrive(ctx context.Context) error {
	return s.alone(ctx, func(t *tx) error {
		if err := t.execOne(authority.ErrConflict, `UPDATE installation SET moved_to = '' WHERE id = 1 AND moved_to = $1`, arriving); err != nil {
			return err
		}
		return t.exec(`INSERT INTO event_head (id, seq, hash) SELECT 1, seq, hash FROM events ORDER BY seq DESC LIMIT 1`)
	})
}

// moveRows copies all rows and commits them there, not to be worked on yet; the mark
// here is committed with the event.
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
		copied := int64(0)
		if err := there.QueryRowContext(ctx, `SELECT count(*) FROM `+table).Scan(&copied); err != nil {
			return fmt.Errorf("counting the rows of %s: %w", table, err)
		}
		if copied != n {
			return fmt.Errorf("of the %d rows of %s, %d are there", n, table, copied)
		}
	}
	moved := &tx{Tx: there, ctx: ctx}
	head, err := moved.eventHead() // with the number that the event has taken
	if err != nil {
		return err
	}
	if err := moved.writeEvent(d.Link(head.Seq, head.Hash)); err != nil {
		return err
	}
	if err := moved.exec(`UPDATE installation SET place = $1, moved_to = $2 WHERE id = 1`, to.place, arriving); err != nil {
		return err
	}
	// Nor by releases that know of no such mark: see leave.
	if err := moved.exec(`DELETE FROM event_head`); err != nil {
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
