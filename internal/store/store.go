// Package store keeps an installation in SQL. It alone knows SQL: one text of
// each query, which SQLite and PostgreSQL take unchanged.
//
// It applies no rules but those that only a database can hold under
// concurrency (limits, uniqueness, versions), as authority.Store states them.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// Store implements authority.Store. Its methods are safe for concurrent use,
// also beside other processes on the same database.
type Store struct {
	write *sql.DB // one connection on SQLite
	read  *sql.DB // snapshots that do not wait for the writer; on PostgreSQL the same
	// What a node follows, which on PostgreSQL has a connection of its own: who
	// changes something there, and gives up waiting, ends the one that he had.
	follow *sql.DB

	turn          chan struct{}   // taken by the change under way; see alone
	waits, waited atomic.Int64    // for a turn: how often, and for how many nanoseconds in all
	limit         time.Duration   // for a transaction; 0 for none
	listener      *pgx.ConnConfig // where changes are announced; nil on SQLite
	place         string          // which database of which PostgreSQL; "" where that cannot be told
	log           string          // the file that every change is appended to; "" on PostgreSQL
}

var _ authority.Store = (*Store)(nil)

// ErrNoDatabase says that there is no database where one was expected.
var ErrNoDatabase = errors.New("there is no database")

// ErrBackup says that the database is a backup, which is to be restored first.
var ErrBackup = errors.New("it is a backup")

// ErrSchemaNewer says that a newer release has changed the schema.
var ErrSchemaNewer = errors.New("the database was written by a newer release")

// ErrSchemaOlder says that migrations are due and were not to be applied.
var ErrSchemaOlder = errors.New("the database needs migrations of this release")

// Options says what opening a database may do.
type Options struct {
	// Create makes the database where there is none; on PostgreSQL, what is in
	// it. Otherwise that is ErrNoDatabase.
	Create bool
	// NoMigrate only checks the schema: ErrSchemaOlder where migrations are due.
	NoMigrate bool
	// AsIs leaves the schema as it is, of whatever release: for a copy.
	AsIs bool
	// Patient lets transactions take as long as they need, on PostgreSQL: for a
	// restore, or a move, on which no request waits.
	Patient bool
	// Scratch opens a file that nobody relies on yet, a backup too, on SQLite: what
	// is written is not durable before PutInPlace.
	Scratch bool
	// Connections is how many there are at most, on PostgreSQL; 0 means
	// DefaultConnections.
	Connections int
}

// Close ends all connections.
func (s *Store) Close() error { return errors.Join(s.follow.Close(), s.read.Close(), s.write.Close()) }

// change runs f and writes its event, in one transaction. The event counter is
// locked first: so all changes have one order, and what f reads stays true.
func (s *Store) change(ctx context.Context, d *authority.Draft, f func(*tx) error) error {
	return s.alone(ctx, func(t *tx) error {
		head, err := t.lockEvents()
		if err != nil {
			return err
		}
		if err := t.checkStanding(d); err != nil {
			return err
		}
		if d.Reply != nil {
			if err := t.writeReply(d.Reply); err != nil {
				return err
			}
		}
		if err := f(t); err != nil {
			return err
		}
		return t.writeEvent(d.Link(head.Seq, head.Hash))
	})
}

// alone is transact for what begins with a lock that all of its kind wait for.
// Those of one node wait here, not in the database, where each would have a
// connection that others need, and those of a node that is paused would get the
// lock in turn, each until the database loses patience with it.
func (s *Store) alone(ctx context.Context, f func(*tx) error) error {
	ctx, cancel := limited(ctx, s.limit)
	defer cancel()
	if err := s.takeTurn(ctx); err != nil {
		return fmt.Errorf("waiting for another change: %w", err)
	}
	defer func() { <-s.turn }()
	return s.transact(ctx, f)
}

// takeTurn waits until no other change runs, and counts that: it is where changes
// wait when the database is slow, and no pool of connections would tell.
func (s *Store) takeTurn(ctx context.Context) error {
	select {
	case s.turn <- struct{}{}:
		return nil
	default:
	}
	s.waits.Add(1)
	defer func(began time.Time) { s.waited.Add(int64(time.Since(began))) }(time.Now())
	select {
	case s.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// tries is how often a transaction is run that the database has ended for the
// sake of another one.
const tries = 3

// transact runs f in a transaction, again where the database asks for that: f
// must be able to run more than once.
func (s *Store) transact(ctx context.Context, f func(*tx) error) error {
	ctx, cancel := limited(ctx, s.limit)
	defer cancel()
	for try := 1; ; try++ {
		err := s.transactOnce(ctx, f)
		if code := postgresCode(err); try == tries || code != pgSerializationFailure && code != pgDeadlock {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(jitter(time.Duration(try) * 10 * time.Millisecond)):
		}
	}
}

func (s *Store) transactOnce(ctx context.Context, f func(*tx) error) error {
	begun, err := begin(ctx, s.write, nil)
	if err != nil {
		return fmt.Errorf("beginning a transaction: %w", err)
	}
	defer func() { _ = begun.Rollback() }() // of no effect after Commit
	t := &tx{Tx: begun, ctx: ctx}
	if err := f(t); err != nil {
		return err
	}
	if t.followed && s.listener != nil {
		if err := t.exec(notify); err != nil {
			return err
		}
	}
	if err := begun.Commit(); err != nil {
		return fmt.Errorf("committing: %w", err)
	}
	return nil
}

func begin(ctx context.Context, db *sql.DB, o *sql.TxOptions) (begun *sql.Tx, err error) {
	err = alive(ctx, db, func() error {
		begun, err = db.BeginTx(ctx, o)
		return err
	})
	return begun, err
}

// alive does what changes nothing until a connection is alive: once the server
// was restarted, none of the pool is.
func alive(ctx context.Context, db *sql.DB, do func() error) error {
	for dead := 0; ; dead++ {
		err := do()
		if err == nil || !deadConnection(err) || ctx.Err() != nil || dead >= db.Stats().MaxOpenConnections {
			return err
		}
	}
}

// jitter is d, give or take a half: who waits for the same does not come at the
// same time.
func jitter(d time.Duration) time.Duration { return d/2 + rand.N(d) }

// limited is ctx with a limit; 0 is none.
func limited(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	if limit == 0 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, limit)
}

// snapshot runs f on one unchanging state of the database.
func (s *Store) snapshot(ctx context.Context, f func(*tx) error) error {
	ctx, cancel := limited(ctx, s.limit)
	defer cancel()
	return s.longSnapshot(ctx, s.read, f)
}

// longSnapshot is snapshot for what may be much: the limit is for each statement
// that collect or each runs.
func (s *Store) longSnapshot(ctx context.Context, db *sql.DB, f func(*tx) error) error {
	begun, err := begin(ctx, db, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return fmt.Errorf("beginning to read: %w", err)
	}
	defer func() { _ = begun.Rollback() }()
	return f(&tx{Tx: begun, ctx: ctx, limit: s.limit})
}

// tx is a transaction with its context.
type tx struct {
	*sql.Tx
	ctx      context.Context
	limit    time.Duration // for a statement that reads many rows; 0 for none
	followed bool          // it writes what other nodes follow
}

// isDuplicate tells whether err says that a primary or unique key is taken.
func isDuplicate(err error) bool {
	code := sqliteCode(err)
	return code == sqliteConstraintPrimaryKey || code == sqliteConstraintUnique || postgresCode(err) == pgUniqueViolation
}

func (t *tx) exec(query string, args ...any) error {
	_, err := t.ExecContext(t.ctx, query, args...)
	return err
}

// execOne runs an update that must find its row; otherwise it returns missing.
func (t *tx) execOne(missing error, query string, args ...any) error {
	if n, err := t.affect(query, args...); err != nil || n == 1 {
		return err
	}
	return missing
}

// affect runs a statement and tells how many rows it has written or removed.
func (t *tx) affect(query string, args ...any) (int, error) {
	result, err := t.ExecContext(t.ctx, query, args...)
	if err != nil {
		return 0, err
	}
	n, err := result.RowsAffected()
	return int(n), err
}

// count reads the one number of a query.
func (t *tx) count(query string, args ...any) (n int, err error) {
	err = t.QueryRowContext(t.ctx, query, args...).Scan(&n)
	return n, err
}

// collect reads every row of a query with scan.
func collect[T any](t *tx, scan func(row, *T) error, query string, args ...any) ([]T, error) {
	list := []T{}
	err := each(t, scan, func(v *T) error {
		list = append(list, *v)
		return nil
	}, query, args...)
	return list, err
}

// each hands every row of a query to f.
func each[T any](t *tx, scan func(row, *T) error, f func(*T) error, query string, args ...any) error {
	ctx, cancel := limited(t.ctx, t.limit)
	defer cancel()
	return eachOf(ctx, t, scan, f, query, args...)
}

// eachOf is each without a transaction, too.
func eachOf[T any](ctx context.Context, q querier, scan func(row, *T) error, f func(*T) error, query string, args ...any) error {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // rows.Err tells what matters
	for rows.Next() {
		var v T
		if err := scan(rows, &v); err != nil {
			return err
		}
		if err := f(&v); err != nil {
			return err
		}
	}
	return rows.Err()
}

// one reads the one row of a query; authority.ErrNotFound where there is none.
func one[T any](t *tx, scan func(row, *T) error, query string, args ...any) (*T, error) {
	v := new(T)
	if err := scan(t.QueryRowContext(t.ctx, query, args...), v); err != nil {
		return nil, noRow(err, authority.ErrNotFound)
	}
	return v, nil
}

// noRow puts meaning in the place of sql.ErrNoRows.
func noRow(err, meaning error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return meaning
	}
	return err
}

// row is *sql.Row or *sql.Rows.
type row interface{ Scan(dest ...any) error }

// querier is a pool of connections, or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// millis stores a time, timestamp reads it.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

type timestamp struct{ to *time.Time }

// Scan implements sql.Scanner.
func (s timestamp) Scan(v any) error {
	ms, ok := v.(int64)
	if !ok {
		return fmt.Errorf("a time is stored as %T", v)
	}
	*s.to = time.Time{}
	if ms != 0 {
		*s.to = time.UnixMilli(ms).UTC()
	}
	return nil
}
