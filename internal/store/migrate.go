package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"time"

	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrate brings the schema to this release's, each migration in a
// transaction. Another process may do the same at the same time: whoever comes
// second finds the work done and looks again. before, where not nil, is called
// with the version of a schema that is not empty, before it is changed.
//
// A newer schema will do while it says so: a release only adds to the schema of
// the one before, so both can be at work while nodes are replaced one by one.
func migrate(ctx context.Context, db *sql.DB, o Options, before func(version int64) error, dialect goose.Dialect, options ...goose.ProviderOption) error {
	p, err := migrationsOf(dialect, db, options...)
	if err != nil {
		return err
	}
	began := time.Now()
	for tries := 0; ; tries++ {
		current, target, err := p.GetVersions(ctx)
		switch {
		case err != nil:
			return err
		case current > target:
			return checkWindow(ctx, db, current, target)
		case current == target:
			return nil
		case o.NoMigrate:
			return fmt.Errorf("%w (its schema has version %d, this one needs %d)", ErrSchemaOlder, current, target)
		}
		if before != nil && current > 0 {
			if err := before(current); err != nil {
				return fmt.Errorf("copying the database before it is changed: %w", err)
			}
		}
		_, err = p.Up(ctx)
		if gaveWay(err) && time.Since(began) < lockPatience {
			tries = 0
			<-time.After(lockPause)
		} else if err != nil && tries == 3 {
			return err
		}
	}
}

// migrationsOf are those of a database: what is for SQLite or PostgreSQL alone has
// that at the end of its name.
func migrationsOf(dialect goose.Dialect, db *sql.DB, options ...goose.ProviderOption) (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	others := "*_postgres.sql"
	if dialect == goose.DialectPostgres {
		others = "*_sqlite.sql"
	}
	names, err := fs.Glob(files, others)
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(dialect, db, files, append(options, goose.WithExcludeNames(names), goose.WithDisableGlobalRegistry(true))...)
}

// checkWindow tells whether a release that knows the schema up to version target
// may work on a newer one.
func checkWindow(ctx context.Context, db *sql.DB, current, target int64) error {
	var oldest int64
	err := db.QueryRowContext(ctx, `SELECT oldest FROM schema_window WHERE id = 1`).Scan(&oldest)
	if err != nil {
		return fmt.Errorf("reading which releases the schema is for: %w", err)
	}
	if oldest > target {
		return fmt.Errorf("%w (its schema has version %d and is for releases that know %d; this one knows %d)", ErrSchemaNewer, current, oldest, target)
	}
	return nil
}
