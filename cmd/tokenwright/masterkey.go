package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/store"
)

func (a *app) masterKeyCommand() *cobra.Command {
	rotate := a.command("rotate", "Seal the database under a new master key", a.rotateMasterKey)
	explained(rotate, `Seal the database under a new master key. Every API key keeps working, and so do
running servers, which need a master key only at their start.

With the embedded database, master.key in the data directory is replaced; the old
one stays as master.key.previous, since it opens the backups made until now.
Otherwise give the new key in TOKENWRIGHT_MASTER_KEY (or master_key_file) and the
old one in TOKENWRIGHT_MASTER_KEY_PREVIOUS (or …_PREVIOUS_FILE).`, "tokenwright master-key rotate")
	return group("master-key", "The master key, which seals what the database must not show", rotate)
}

// rotateMasterKey writes the new key before the database is sealed under it,
// and gives it its final name afterwards: whenever it is interrupted, a key
// that opens the database is where masterKeys looks for it.
func (a *app) rotateMasterKey(ctx context.Context, _ []string) error {
	current := filepath.Join(a.config.Data, masterKeyName)
	if !a.managesMasterKey() && a.environ["TOKENWRIGHT_MASTER_KEY_PREVIOUS"] == "" && a.environ["TOKENWRIGHT_MASTER_KEY_PREVIOUS_FILE"] == "" {
		return usageError{"give the new master key where the current one was, and the old one in TOKENWRIGHT_MASTER_KEY_PREVIOUS or TOKENWRIGHT_MASTER_KEY_PREVIOUS_FILE"}
	}
	err := a.manageDatabase(ctx, func(auth *authority.Authority, actor authority.Actor) error {
		next, err := a.nextMasterKey(current)
		if err != nil {
			return err
		}
		return auth.RotateMasterKey(ctx, actor, next)
	})
	if err != nil {
		return err
	}
	if a.managesMasterKey() {
		if err := errors.Join(replaceFile(current, current+previousSuffix), os.Rename(current+nextSuffix, current), store.SyncDir(a.config.Data)); err != nil {
			return fmt.Errorf("the database is sealed under the key in %s, which could not be renamed: %w", current+nextSuffix, err)
		}
	}
	return a.print(map[string]any{"rotated": true}, func(w io.Writer) {
		fmt.Fprintln(w, "The database is sealed under the new master key. The old one opens only backups made before.")
	})
}

// nextMasterKey is the key to seal under: a new file, made only now that the
// database is open, or the first one given.
func (a *app) nextMasterKey(current string) (authority.MasterKey, error) {
	if a.managesMasterKey() {
		if err := writeNewMasterKey(current + nextSuffix); err != nil {
			return authority.MasterKey{}, fmt.Errorf("making the new master key: %w", err)
		}
		text, err := os.ReadFile(current + nextSuffix)
		if err != nil {
			return authority.MasterKey{}, fmt.Errorf("reading the new master key: %w", err)
		}
		return authority.ParseMasterKey(string(text))
	}
	keys, err := a.masterKeys()
	if err != nil {
		return authority.MasterKey{}, err
	}
	return keys[0], nil
}

func replaceFile(from, to string) error {
	if err := os.Rename(from, to); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
