// Package storetest makes databases for tests alone. It owns no rule: what a database
// is, package store says.
package storetest

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/tokenwright/tokenwright/internal/store"
)

// OpenSQLite opens the embedded database at path, and makes it where there is none, as
// store.OpenSQLite does; but every migration was applied before: they would cost a test
// more than most of what it does. Errors are those of store.OpenSQLite, and of the file.
func OpenSQLite(ctx context.Context, path string) (*store.Store, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		database, err := migrated()
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(path, database, 0o600); err != nil {
			return nil, err
		}
	}
	return store.OpenSQLite(ctx, path, store.Options{})
}

// migrated is the file of a database in which there is nothing yet.
var migrated = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "storetest")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "tokenwright.db")
	s, err := store.OpenSQLite(context.Background(), path, store.Options{Create: true})
	if err != nil {
		return nil, err
	}
	if err := s.Close(); err != nil { // now all of it is in the one file
		return nil, err
	}
	return os.ReadFile(path)
})
