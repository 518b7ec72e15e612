package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"modernc.org/sqlite"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// backupMark is the user_version of a database file that is a backup: a number
// of the file that is the same whatever the schema. No other one has it.
const backupMark = 0x74776275 // "twbu"

// backupStep is how many pages are copied between two looks at the context.
const backupStep = 1024

// ErrNotEmbedded says that a PostgreSQL database is not backed up from here.
var ErrNotEmbedded = errors.New("only the embedded database is copied by its server")

// Backup copies the embedded database into a new file at path, as it is at one
// moment, beside whoever works on it; progress, where not nil, hears of pages. The
// copy is checked, durable, readable for its owner alone, and marked: it opens only
// to be restored. The last event in it is returned. Errors: fs.ErrExist,
// ErrNotEmbedded, authority.ErrMoved.
func (s *Store) Backup(ctx context.Context, path string, progress func(done, total int)) (*authority.Event, error) {
	last := new(authority.Event)
	err := s.copyTo(ctx, path, os.Link, progress, func(db *sql.DB) error {
		err := scanEvent(db.QueryRowContext(ctx, `SELECT `+eventColumns+` FROM events ORDER BY seq DESC LIMIT 1`), last)
		if err != nil {
			return fmt.Errorf("reading the last event: %w", noRow(err, authority.ErrNotInitialized))
		}
		return noRow(db.QueryRowContext(ctx, `SELECT seq FROM event_head`).Scan(new(int64)), authority.ErrMoved)
	})
	return last, err
}

// setAside makes a backup beside the database before its schema is changed from a
// version. Another process may change it meanwhile: then it has made the copy.
func (s *Store) setAside(ctx context.Context, path string, version int64) error {
	errOther := errors.New("other version")
	err := s.copyTo(ctx, fmt.Sprintf("%s.schema-%d", path, version), os.Rename, nil, func(db *sql.DB) error {
		var copied int64
		err := db.QueryRowContext(ctx, `SELECT max(version_id) FROM goose_db_version`).Scan(&copied)
		if err == nil && copied != version {
			err = errOther
		}
		return err
	})
	if errors.Is(err, errOther) {
		return nil
	}
	return err
}

// copyTo copies the database into a file beside path, which place gives its name.
// check looks at the copy, once that is known to be whole.
func (s *Store) copyTo(ctx context.Context, path string, place func(from, to string) error, progress func(done, total int), check func(*sql.DB) error) error {
	if s.log == "" {
		return ErrNotEmbedded
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.part") // 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	if err := f.Close(); err != nil {
		return err
	}
	if err := s.copyPages(ctx, f.Name(), progress); err != nil {
		return fmt.Errorf("copying the database: %w", explainSQLite(err))
	}
	err = finish(ctx, f.Name(), backupMark, func(db *sql.DB) error {
		if err := quickCheck(ctx, db); err != nil {
			return err
		}
		return check(db)
	})
	if err != nil {
		return err
	}
	if err := place(f.Name(), path); err != nil {
		return err
	}
	return SyncDir(filepath.Dir(path))
}

// copyPages copies page by page within one snapshot, which writers do not wait for.
func (s *Store) copyPages(ctx context.Context, path string, progress func(done, total int)) error {
	c, err := s.read.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	if _, err := c.ExecContext(ctx, `BEGIN`); err != nil {
		return err
	}
	defer func() { _, _ = c.ExecContext(context.WithoutCancel(ctx), `ROLLBACK`) }()
	var tables int
	if err := c.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_master`).Scan(&tables); err != nil { // the snapshot begins
		return err
	}
	return c.Raw(func(conn any) error {
		b, err := conn.(interface {
			NewBackup(uri string) (*sqlite.Backup, error)
		}).NewBackup(fileURI(path, "_pragma=synchronous(FULL)"))
		if err != nil {
			return err
		}
		for more := true; more && err == nil; {
			if err = ctx.Err(); err == nil {
				more, err = b.Step(backupStep)
			}
			if progress != nil && err == nil {
				progress(b.PageCount()-b.Remaining(), b.PageCount())
			}
		}
		return errors.Join(err, b.Finish())
	})
}

// finish makes a file durable that nobody has open: one file without a log beside
// it, that check, where not nil, finds well, with a mark or, with 0, without.
func finish(ctx context.Context, path string, mark int, check func(*sql.DB) error) error {
	// mode=rw: a file that is gone is not made anew, and empty.
	db, err := sql.Open("sqlite", fileURI(path, "mode=rw&_pragma=journal_mode(DELETE)&_pragma=synchronous(FULL)"))
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1)
	if check != nil {
		if err := check(db); err != nil {
			return err
		}
	}
	if _, err := db.ExecContext(ctx, fmt.Sprintf(`PRAGMA user_version = %d`, mark)); err != nil {
		return err
	}
	if err := db.Close(); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func quickCheck(ctx context.Context, db *sql.DB) error {
	var result string
	if err := db.QueryRowContext(ctx, `PRAGMA quick_check(1)`).Scan(&result); err != nil {
		return fmt.Errorf("checking the database: %w", explainSQLite(err))
	}
	if result != "ok" {
		return fmt.Errorf("the database is damaged: %s", result)
	}
	return nil
}

// Check reads the whole of a database file that nobody has open, and returns an
// error where it is damaged.
func Check(ctx context.Context, path string) error {
	db, err := sql.Open("sqlite", fileURI(path, "mode=rw"))
	if err != nil {
		return err
	}
	return errors.Join(quickCheck(ctx, db), db.Close())
}

// refuseBackup is ErrBackup for one.
func refuseBackup(ctx context.Context, db *sql.DB) error {
	var mark int
	err := db.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&mark)
	if err == nil && mark == backupMark {
		err = ErrBackup
	}
	return explainSQLite(err)
}

// InUse tells whether another process has the database file at path open, which
// need not be there, and leaves it as one file without a log where it could be read
// at all.
func InUse(ctx context.Context, path string) (bool, error) {
	db, err := sql.Open("sqlite", fileURI(path, "mode=rw&_pragma=busy_timeout(0)"))
	if err != nil {
		return false, err
	}
	defer func() { _ = db.Close() }()
	// Nobody leaves the write-ahead log behind while somebody else has it open
	// (https://www.sqlite.org/wal.html).
	var mode string
	err = db.QueryRowContext(ctx, `PRAGMA journal_mode = DELETE`).Scan(&mode)
	if sqliteCode(err)&0xff == sqliteBusy || err == nil && mode != "delete" {
		return true, nil
	}
	return false, nil // or it is damaged: whoever had it open would have noticed
}

// PutInPlace gives a scratch file, which is closed, the name of a database. What
// stood there keeps the name that kept says, "" where nothing does, and is marked as
// a backup: it is no place to work any more. Nobody has either of them open.
func PutInPlace(ctx context.Context, scratch, path, kept string) error {
	if err := finish(ctx, scratch, 0, func(db *sql.DB) error { return quickCheck(ctx, db) }); err != nil {
		return err
	}
	if kept != "" {
		// A log that stayed would be taken for that of the new file.
		for _, suffix := range []string{"-wal", "-shm"} {
			if err := os.Rename(path+suffix, kept+suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		if err := os.Link(path, kept); err != nil {
			return err
		}
	}
	if err := os.Rename(scratch, path); err != nil {
		return err
	}
	if kept != "" {
		_ = finish(ctx, kept, backupMark, nil) // where it is not too damaged
	}
	return SyncDir(filepath.Dir(path))
}

// SyncDir makes the names in a directory durable. Windows does so by itself.
func SyncDir(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
