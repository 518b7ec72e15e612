package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/store"
)

func (a *app) backupCommand() *cobra.Command {
	c := a.command("backup FILE|DIRECTORY", "Copy the embedded database while it is in use", func(ctx context.Context, args []string) error {
		return a.backup(ctx, args[0])
	})
	return explained(c, `Copy the embedded database into a new file, also beside a running server, which waits
for nothing. The copy is the state of one moment, checked and durable. In a directory
it gets a name with the time.

The master key is not in it: whoever has both has everything, and without it the copy
is worth nothing. Keep the two apart. A backup opens only to be restored (tokenwright
restore), which sees to it that what was revoked since stays revoked.

With PostgreSQL, back up with its own tools: pg_dump, or a base backup and its log.`,
		`tokenwright backup /var/backups/tokenwright
# What restores want as well: the events since, as often as you like.
tokenwright event list --after 812 -o json >> events.json`)
}

func (a *app) backup(ctx context.Context, path string) error {
	if a.config.onPostgres() {
		return fmt.Errorf("%s is backed up with the tools of PostgreSQL:\n  pg_dump --format=custom --file=tokenwright.dump …, and after a restore tokenwright restore --finish", a.config.databaseName())
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, "tokenwright-"+time.Now().UTC().Format("20060102T150405Z")+".db")
	}
	st, err := a.openStore(ctx, store.Options{AsIs: true})
	if err != nil {
		return err
	}
	defer func() { _ = st.Close() }() // it was read only
	last, err := st.Backup(ctx, path, a.pages("copied"))
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s exists; a backup is a new file", path)
	}
	if err != nil {
		return fmt.Errorf("backing up to %s: %w", path, err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	head := authority.EventHead{Seq: last.Seq, Hash: last.Hash}
	return a.print(map[string]any{"file": path, "size": info.Size(), "events": last.Seq, "head": head.String(), "lastEventAt": last.Time}, func(w io.Writer) {
		fmt.Fprintf(w, "%s: %s, up to event %d of %s.\nHead: %s\n", path, size(info.Size()), last.Seq, when(last.Time), head)
		fmt.Fprintf(w, "The master key is not in it: keep a copy of %s in another place.\n", a.masterKeyPlace())
	})
}

// masterKeyPlace says where the master key is, for people.
func (a *app) masterKeyPlace() string {
	switch {
	case a.environ["TOKENWRIGHT_MASTER_KEY"] != "":
		return "the one in TOKENWRIGHT_MASTER_KEY"
	case a.config.MasterKeyFile != "":
		return a.config.MasterKeyFile
	}
	return filepath.Join(a.config.Data, masterKeyName)
}

// pages tells a terminal how far a copy is; nil where nobody looks.
func (a *app) pages(what string) func(done, total int) {
	show := a.progress()
	if show == nil {
		return nil
	}
	return func(done, total int) { show(fmt.Sprintf("%d %% %s", done*100/max(total, 1), what)) }
}

// progress returns what shows one line of a terminal, in the place of the one
// before; nil where standard error is none.
func (a *app) progress() func(text string) {
	if !styleOf(a.stderr, a.environ) {
		return nil
	}
	return func(text string) { fmt.Fprintf(a.stderr, "\r\x1b[K%s\r", text) }
}

// size shows a number of bytes.
func size(n int64) string {
	if n < 1<<20 {
		return fmt.Sprintf("%d KiB", (n+1023)>>10)
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
}
