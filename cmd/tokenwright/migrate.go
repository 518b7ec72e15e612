package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/store"
)

func (a *app) migrateCommand() *cobra.Command {
	var from, to string
	c := a.command("migrate", "Bring the database to this release's schema, or move it to another one",
		func(ctx context.Context, _ []string) error {
			switch {
			case from != "":
				return a.move(ctx, from, to)
			case to != "":
				return usageError{"--to goes with --from"}
			}
			return a.migrate(ctx)
		})
	c.Flags().StringVar(&from, "from", "", "move the installation from this `database`, as sqlite:<path> or postgres://user@host/database")
	c.Flags().StringVar(&to, "to", "", "to this empty `database` (default: the configured one)")
	return explained(c, `Bring the database to the schema of this release, and make it where there is none.
Servers and management commands do so by themselves. This is for who wants it done
before, or by another role of PostgreSQL: start nodes with --no-migrate then.

A schema goes forward only. The release before works on it too, so that nodes can be
replaced one after the other. The embedded database is copied beside itself before.

With --from the installation moves to another, empty database, with everything: API keys
and tokens work on, and verifiers notice nothing. A server on the old database issues
tokens while rows are copied, takes no changes, and stops at the end: the old database
refuses to serve from then on. Start servers on the new one with the same master key.
Interrupted, run it again: until it has ended, at most one of the two works.`,
		`tokenwright migrate --database postgres://tokenwright@db.example.com/tokenwright
# From one server to several nodes; the password is in PGPASSWORD or PGPASSFILE.
tokenwright migrate --from sqlite:/var/lib/tokenwright/tokenwright.db --to postgres://tokenwright@db.example.com/tokenwright`)
}

func (a *app) migrate(ctx context.Context) error {
	if err := a.refuseLost(); err != nil {
		return err
	}
	st, err := a.openStore(ctx, store.Options{Create: true})
	if err != nil {
		return err
	}
	if err := st.Close(); err != nil {
		return err
	}
	return a.print(map[string]any{"database": a.config.databaseName(), "current": true}, func(w io.Writer) {
		fmt.Fprintf(w, "%s has the schema of this release.\n", a.config.databaseName())
	})
}

// on is a run of the command on another database.
func (a *app) on(database string) (*app, error) {
	other := *a
	other.config.Database = database
	path, embedded := other.config.embedded()
	switch {
	case embedded:
		other.config.Data = filepath.Dir(path)
	case !other.config.onPostgres():
		return nil, usageError{"a database is sqlite:<path> or postgres://user@host/database"}
	}
	return &other, nil
}

// move moves the installation from one database to another.
func (a *app) move(ctx context.Context, from, to string) error {
	for _, argument := range []string{from, to} {
		if u, err := url.Parse(argument); err != nil || hasPassword(u) {
			return usageError{"--from and --to must hold no password: arguments can be read by every user of the machine.\n" +
				"  Give it in PGPASSWORD or PGPASSFILE, or leave --to out and the URL in TOKENWRIGHT_DATABASE or the file that " + databaseFileVariable + " names"}
		}
	}
	source, err := a.on(from)
	if err != nil {
		return err
	}
	target := a
	if to != "" {
		if target, err = a.on(to); err != nil {
			return err
		}
	}
	if source.config.Database == target.config.Database {
		return usageError{"--from and --to are the same database"}
	}
	name := target.config.databaseName()
	ended, err := source.endMove(ctx, target, name)
	if err != nil {
		return err
	}
	if ended {
		return a.printMoved(source, name)
	}
	return source.withStore(ctx, store.Options{Patient: true}, false, func(auth *authority.Authority, st *store.Store) (err error) {
		there, err := target.openStore(ctx, store.Options{Create: true, Patient: true})
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, there.Close()) }()
		d, err := movedTo(auth, name)
		if err != nil {
			return err
		}
		var progress func(string, int64)
		if show := a.progress(); show != nil {
			progress = func(table string, rows int64) { show(fmt.Sprintf("%d rows of %s copied", rows, table)) }
		}
		err = st.Move(ctx, there, name, d, progress)
		if errors.Is(err, authority.ErrExists) {
			return fmt.Errorf("%s is not empty; an installation moves into an empty database", name)
		}
		if err != nil {
			return fmt.Errorf("moving the installation: %w", err)
		}
		return a.printMoved(source, name)
	})
}

// endMove ends a move that was interrupted once the installation had left a's
// database. It tells whether there was one.
func (a *app) endMove(ctx context.Context, target *app, name string) (ended bool, err error) {
	st, err := a.openStore(ctx, store.Options{Patient: true})
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	inst, _, err := st.Installation(ctx)
	if err != nil || inst.MovedTo != name {
		return false, nil // what it is will be told by whoever opens it
	}
	there, err := target.openStore(ctx, store.Options{Patient: true})
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, there.Close()) }()
	return st.EndMove(ctx, there, name)
}

func (a *app) printMoved(source *app, name string) error {
	from, key := source.config.databaseName(), source.masterKeyPlace()
	return a.print(map[string]any{"from": from, "to": name, "masterKey": key}, func(w io.Writer) {
		fmt.Fprintf(w, "The installation is in %s. %s refuses to serve from now on; keep it until you have a backup of the new one.\n", name, from)
		fmt.Fprintln(w, "Stop the servers that have the old one: they answer 503 from now on.")
		fmt.Fprintf(w, "Start servers with that database and the same master key, which is %s.\n", key)
	})
}

// movedTo drafts the event of a move.
func movedTo(auth *authority.Authority, name string) (*authority.Draft, error) {
	return auth.NewDraft(commandActor(), authority.InstallationMoved, auth.Installation().Prefix, "", map[string]any{"to": name}, nil)
}
