package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
)

const (
	// busyTimeout is how long is waited for a lock that another process holds.
	busyTimeout = 5 * time.Second
	// logLimit is how large the write-ahead log stays, in bytes, once it was larger:
	// a migration may write all of the database to it.
	logLimit = 64 << 20
)

// OpenSQLite opens the embedded database at path: write-ahead log, every
// commit synchronised with the disk, one writer. Other processes may have it
// open at the same time.
func OpenSQLite(ctx context.Context, path string, o Options) (*Store, error) {
	if isEmpty(path) && !o.Create {
		return nil, fmt.Errorf("%w at %s", ErrNoDatabase, path)
	}
	if o.Create {
		if err := createPrivate(ctx, path); err != nil {
			return nil, fmt.Errorf("creating the database: %w", err)
		}
	}
	s := &Store{turn: make(chan struct{}, 1), log: path + "-wal"}
	var err error
	options := fmt.Sprintf("_txlock=immediate&_pragma=journal_size_limit(%d)", logLimit)
	if o.Scratch {
		options += "&_pragma=synchronous(OFF)"
	}
	if s.write, err = openSQLite(path, options); err != nil {
		return nil, err
	}
	s.write.SetMaxOpenConns(1)
	if s.read, err = openSQLite(path, "_pragma=query_only(1)"); err != nil {
		_ = s.write.Close()
		return nil, err
	}
	s.read.SetMaxOpenConns(max(4, runtime.NumCPU()))
	s.follow = s.read
	err = connect(ctx, s.write)
	if err == nil && !o.Scratch {
		err = refuseBackup(ctx, s.write)
	}
	if err == nil && !o.AsIs {
		before := func(version int64) error { return s.setAside(ctx, path, version) }
		if o.Scratch {
			before = nil
		}
		err = explainSQLite(migrate(ctx, s.write, o, before, goose.DialectSQLite3))
	}
	if err != nil {
		_ = s.Close()
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	return s, nil
}

// isEmpty tells whether there is no database at path: no file, or one with nothing in it.
func isEmpty(path string) bool {
	info, err := os.Stat(path)
	return errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0
}

// createPrivate makes a database file that only its owner can read, whole or not at
// all: one with nothing in it is what is left of a database. One that is there is left
// alone, for closing a file gives up all locks that this process has on it
// (https://www.sqlite.org/howtocorrupt.html 2.2).
func createPrivate(ctx context.Context, path string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.CreateTemp(dir, ".tokenwright.*.db") // 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	if err := f.Close(); err != nil {
		return err
	}
	db, err := openSQLite(f.Name(), "")
	if err != nil {
		return err
	}
	// The first connection begins it, for it is to have a write-ahead log.
	if err := errors.Join(explainSQLite(db.PingContext(ctx)), db.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) { // else another process was first
		return err
	}
	return SyncDir(dir)
}

func openSQLite(path, option string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", fileURI(path, fmt.Sprintf("_pragma=busy_timeout(%d)", busyTimeout.Milliseconds())+
		"&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)&"+option))
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	return db, nil
}

// fileURI names a file as SQLite's driver wants it.
func fileURI(path, options string) string {
	if absolute, err := filepath.Abs(path); err == nil {
		path = absolute
	}
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: options}
	return u.String()
}

// connect makes the first connection, which switches a new file to the
// write-ahead log. SQLite does not wait while others do the same
// (busy_timeout has no effect on it), so the waiting is done here.
func connect(ctx context.Context, db *sql.DB) error {
	ctx, cancel := context.WithTimeout(ctx, busyTimeout)
	defer cancel()
	for {
		err := db.PingContext(ctx)
		if sqliteCode(err)&0xff != sqliteBusy {
			return explainSQLite(err)
		}
		select {
		case <-ctx.Done():
			return explainSQLite(err)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// SQLite's primary result codes (https://www.sqlite.org/rescode.html).
const (
	sqliteBusy    = 5
	sqliteIOErr   = 10
	sqliteCorrupt = 11
	sqliteNotADB  = 26
)

// sqliteNoIndex is the extended code of an index of the write-ahead log for which there
// is no room: SQLite says only that the disk fails.
const sqliteNoIndex = 4874

// The extended codes (the low byte is the primary one) of a key that is taken.
const (
	sqliteConstraintPrimaryKey = 1555
	sqliteConstraintUnique     = 2067
)

// sqliteCode returns the extended result code of err, 0 for none.
func sqliteCode(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return 0
}

// explainSQLite says in words what the codes mean that an operator may meet.
func explainSQLite(err error) error {
	code := sqliteCode(err)
	switch code & 0xff {
	case sqliteIOErr:
		if code == sqliteNoIndex {
			return fmt.Errorf("its disk is full, or fails: %w", err)
		}
		return fmt.Errorf("its disk fails, as the system's log should say: %w", err)
	case sqliteBusy:
		return fmt.Errorf("another process has locked it for more than %s: %w", busyTimeout, err)
	case sqliteCorrupt, sqliteNotADB:
		return fmt.Errorf("it is damaged or no database: %w", err)
	}
	return err
}
