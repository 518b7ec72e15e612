package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"github.com/tokenwright/tokenwright/internal/store"
)

// embedded is the path of the embedded database, where that is the one.
func (c *Config) embedded() (path string, ok bool) {
	path, ok = strings.CutPrefix(c.Database, "sqlite:")
	return path, ok && path != ""
}

// onPostgres tells whether the database is a server.
func (c *Config) onPostgres() bool {
	scheme, _, found := strings.Cut(c.Database, "://")
	return found && (scheme == "postgres" || scheme == "postgresql")
}

// databaseKind is what the console calls the database.
func (c *Config) databaseKind() string {
	if c.onPostgres() {
		return "PostgreSQL"
	}
	return "SQLite, within the server"
}

// databaseName is Database without what is secret in it.
func (c *Config) databaseName() string {
	if c.onPostgres() {
		return store.PostgresName(c.Database)
	}
	return c.Database
}

func (a *app) openStore(ctx context.Context, o store.Options) (*store.Store, error) {
	if err := a.noServer(); err != nil {
		return nil, err
	}
	path, ok := a.config.embedded()
	if !ok {
		return a.openPostgres(ctx, o)
	}
	if err := checkOwner(path); err != nil {
		return nil, err
	}
	if o.Create {
		if err := refuseInterrupted(path); err != nil {
			return nil, err
		}
	}
	st, err := store.OpenSQLite(ctx, path, o)
	if errors.Is(err, store.ErrNoDatabase) {
		return nil, fmt.Errorf("there is no database at %s; tokenwright serve and tokenwright quickstart make one, --data and --database name another", path)
	}
	return st, err
}

// refuseInterrupted keeps an installation from being made where one is being
// restored, or was until that was interrupted.
func refuseInterrupted(path string) error {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return nil // it is there, or that is asked later
	}
	if _, err := os.Stat(path + restoringSuffix); err != nil {
		return nil
	}
	return fmt.Errorf("a backup is being restored to %s, or that was interrupted: run tokenwright restore again;\n"+
		"  to begin with an empty database instead, remove %s%s", path, path, restoringSuffix)
}

// refuseLost keeps an installation from being made in the place of one whose embedded
// database is gone. A first start makes the database whole, and the master key behind it:
// so a file with nothing in it is what is left of a database, and a master key that we
// made had one.
func (a *app) refuseLost() error {
	path, ok := a.config.embedded()
	if !ok {
		return nil
	}
	keys, err := a.masterKeys()
	if err != nil || len(keys) == 0 {
		return err
	}
	if _, err := os.Stat(path + restoringSuffix); err == nil {
		return nil // of which openStore says more
	}
	is, anew := "is empty", path
	switch info, err := os.Stat(path); { // behind the keys: another process may be at its first start
	case errors.Is(err, fs.ErrNotExist) && a.managesMasterKey():
		is, anew = "is not there", a.masterKeyPlace()
	case err != nil || info.Size() > 0:
		return nil // or that is told when it is opened
	case a.managesMasterKey():
		anew += " and " + a.masterKeyPlace()
	}
	return fmt.Errorf("the database %s %s, but its master key is there (%s): it was removed or cut off, or is in another place.\n"+
		"  Name it by --data or --database, or restore a backup: tokenwright restore.\n"+
		"  To begin anew, without the API keys there were, move %s away", path, is, a.masterKeyPlace(), anew)
}

func (a *app) openPostgres(ctx context.Context, o store.Options) (*store.Store, error) {
	o.Connections = a.config.DatabaseConnections
	st, err := store.OpenPostgres(ctx, a.config.Database, o)
	if errors.Is(err, store.ErrNoDatabase) {
		return nil, fmt.Errorf("the database %s is empty; tokenwright serve and tokenwright migrate set it up", a.config.databaseName())
	}
	return st, err
}

const databaseFileVariable = "TOKENWRIGHT_DATABASE_FILE"

// readDatabaseURL reads the URL of the database from a file, where one is named
// and no flag goes before it, and refuses a password in an argument, which
// every user of the machine can read.
func (a *app) readDatabaseURL(flags *pflag.FlagSet) error {
	if f := flags.Lookup("database"); f != nil && f.Changed {
		if u, err := url.Parse(a.config.Database); a.config.onPostgres() && (err != nil || hasPassword(u)) {
			return usageError{"--database must hold no password: arguments can be read by every user of the machine.\n" +
				"  Give the URL in TOKENWRIGHT_DATABASE or in the file that " + databaseFileVariable + " names, or the password in PGPASSWORD or PGPASSFILE"}
		}
		return nil
	}
	path := a.environ[databaseFileVariable]
	if path == "" {
		return nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("reading the URL of the database: %w", err)
	}
	a.config.Database = strings.TrimSpace(string(text))
	return nil
}

func hasPassword(u *url.URL) bool {
	_, has := u.User.Password()
	return has || u.Query().Has("password")
}
