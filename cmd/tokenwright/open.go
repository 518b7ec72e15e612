package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"os/user"
	"path/filepath"

	"github.com/tokenwright/tokenwright/admin"
	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/adminapi"
	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/store"
)

// manage hands f the admin API: of the server that --server names, or, without
// a network, on the database.
func (a *app) manage(ctx context.Context, f func(*admin.Client) error) error {
	if a.config.Server != "" {
		return a.manageRemote(ctx, f)
	}
	return a.withDatabase(ctx, func(auth *authority.Authority, st *store.Store) error {
		api := adminapi.New(adminapi.Config{Authority: auth, Accounts: account.New(auth, st), Webhooks: a.deliveryLog(st)})
		err := f(&admin.Client{URL: "http://local", HTTPClient: &http.Client{Transport: api.Local(commandActor())}, PageSize: pageSize})
		if broken, ok := errors.AsType[*url.Error](err); ok {
			return broken.Err // what is wrong with the database
		}
		return err
	})
}

// pageSize is how many items of a list are read at a time.
const pageSize = 500

// manageDatabase hands f the authority on the database, and the actor that the
// command is run by.
func (a *app) manageDatabase(ctx context.Context, f func(*authority.Authority, authority.Actor) error) error {
	return a.withDatabase(ctx, func(auth *authority.Authority, _ *store.Store) error { return f(auth, commandActor()) })
}

// withDatabase opens the database, with the master key, for f.
func (a *app) withDatabase(ctx context.Context, f func(*authority.Authority, *store.Store) error) error {
	return a.withStore(ctx, store.Options{}, false, f)
}

// withStore is withDatabase with options; restoring opens a copy as well, and what is
// sealed under the master key of before.
func (a *app) withStore(ctx context.Context, o store.Options, restoring bool, f func(*authority.Authority, *store.Store) error) (err error) {
	st, err := a.openStore(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	keys, err := a.masterKeys()
	if err == nil && restoring {
		keys, err = a.withReplacedKey(keys)
	}
	if err != nil {
		return err
	}
	cfg := a.config.authority()
	cfg.Store, cfg.MasterKeys, cfg.Restoring = st, keys, restoring
	auth, err := a.openAuthority(ctx, cfg)
	if err != nil {
		return err
	}
	return f(auth, st)
}

// openAuthority opens the authority on a database, and says of a master key that is wanting
// or wrong where it was looked for.
func (a *app) openAuthority(ctx context.Context, cfg authority.Config) (*authority.Authority, error) {
	auth, err := authority.Open(ctx, cfg)
	switch {
	case !errors.Is(err, authority.ErrMasterKey):
		return auth, err
	case len(cfg.MasterKeys) == 0:
		return nil, fmt.Errorf("there is no master key at %s, and without it the database does not open\n  %s", a.masterKeyPlace(), masterKeyAdvice)
	}
	return nil, fmt.Errorf("%w; it is %s", err, a.masterKeyPlace())
}

// masterKeyAdvice is what to do where no master key opens the database.
const masterKeyAdvice = "give the one it was set up with in TOKENWRIGHT_MASTER_KEY, master_key_file or master.key in the data directory; " +
	"during a rotation the old one in TOKENWRIGHT_MASTER_KEY_PREVIOUS"

// commandActor is who runs the command, as events name it.
func commandActor() authority.Actor {
	name, host := "unknown", "unknown"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if h, err := os.Hostname(); err == nil {
		host = h
	}
	return authority.Actor{ID: "cli:" + name + "@" + host, Permissions: authority.Everything()}
}

// masterKeys reads the master keys that may open the database: the current
// one, the previous one of a rotation, and the next one of a rotation that was
// interrupted.
func (a *app) masterKeys() ([]authority.MasterKey, error) {
	var keys []authority.MasterKey
	add := func(source, text string) error {
		key, err := parseMasterKey(source, text)
		keys = append(keys, key...)
		return err
	}
	addFile := func(path string) error {
		key, err := masterKeyIn(path)
		keys = append(keys, key...)
		return err
	}
	if text := a.environ["TOKENWRIGHT_MASTER_KEY"]; text != "" {
		if err := add("TOKENWRIGHT_MASTER_KEY", text); err != nil {
			return nil, err
		}
	} else if a.config.MasterKeyFile != "" {
		if err := addFile(a.config.MasterKeyFile); err != nil {
			return nil, err
		}
		if len(keys) == 0 {
			return nil, fmt.Errorf("the master key file %s does not exist", a.config.MasterKeyFile)
		}
	} else if a.managesMasterKey() {
		for _, name := range []string{masterKeyName, masterKeyName + nextSuffix} {
			if err := addFile(filepath.Join(a.config.Data, name)); err != nil {
				return nil, err
			}
		}
	} else {
		return nil, errNoMasterKey
	}
	if text := a.environ["TOKENWRIGHT_MASTER_KEY_PREVIOUS"]; text != "" {
		return keys, add("TOKENWRIGHT_MASTER_KEY_PREVIOUS", text)
	}
	if path := a.environ["TOKENWRIGHT_MASTER_KEY_PREVIOUS_FILE"]; path != "" {
		return keys, addFile(path)
	}
	return keys, nil
}

// checkGivenMasterKey reads the master key where the configuration gives one, or has to.
// That of the data directory is made by the first start.
func (a *app) checkGivenMasterKey() error {
	if a.managesMasterKey() {
		return nil
	}
	_, err := a.masterKeys()
	if err != nil && a.environ["TOKENWRIGHT_MASTER_KEY"] == "" && a.config.MasterKeyFile != "" {
		return fmt.Errorf("master_key_file: %w", err)
	}
	return err
}

// masterKeyIn reads the master key in a file; none where there is no file.
func masterKeyIn(path string) ([]authority.MasterKey, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the master key: %w", err)
	}
	return parseMasterKey(path, string(text))
}

// parseMasterKey reads the one master key of source, or says whose it is that cannot
// be read.
func parseMasterKey(source, text string) ([]authority.MasterKey, error) {
	key, err := authority.ParseMasterKey(text)
	if err != nil {
		return nil, fmt.Errorf("the master key of %s: %w", source, err)
	}
	return []authority.MasterKey{key}, nil
}

const (
	masterKeyName  = "master.key"
	nextSuffix     = ".next"
	previousSuffix = ".previous"
)

// managesMasterKey tells whether the master key is the file in the data
// directory, which we made ourselves. Beside a database that several nodes have
// there is none.
func (a *app) managesMasterKey() bool {
	return a.environ["TOKENWRIGHT_MASTER_KEY"] == "" && a.config.MasterKeyFile == "" && !a.config.onPostgres()
}

// errNoMasterKey says how to make what is missing.
var errNoMasterKey = errors.New("with PostgreSQL every node needs the master key, base64 of 32 bytes, in TOKENWRIGHT_MASTER_KEY or the file of --master-key-file;\n" +
	"  to make one: openssl rand -base64 32. Keep it apart from the backups of the database")

// initialize makes an installation in an empty database, with a master key
// beside it where none was given.
func (a *app) initialize(ctx context.Context, st *store.Store, environments []authority.Environment) error {
	keys, err := a.masterKeys()
	if err != nil {
		return err
	}
	if len(keys) == 0 {
		if err := writeNewMasterKey(filepath.Join(a.config.Data, masterKeyName)); err != nil {
			return fmt.Errorf("making the master key: %w", err)
		}
		if keys, err = a.masterKeys(); err != nil {
			return err
		}
	}
	cfg := a.config.authority()
	cfg.Store, cfg.MasterKeys, cfg.Environments = st, keys, environments
	err = authority.Initialize(ctx, cfg, a.config.Prefix, authority.MerchantIDKind(a.config.MerchantIDs), commandActor())
	if errors.Is(err, authority.ErrExists) { // another process was first
		return nil
	}
	return err
}

// writeNewMasterKey makes a master key file that only its owner can read,
// whole or not at all; one that is there stays.
func writeNewMasterKey(path string) error {
	_, text := authority.NewMasterKey()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	err := writePrivate(path, []byte(text), os.Link)
	if errors.Is(err, fs.ErrExist) { // another process was first: what follows relies on its file
		return store.SyncDir(filepath.Dir(path))
	}
	return err
}

// writePrivate makes a file of one line that only its owner can read, whole or
// not at all, and durable. place gives it its name: os.Rename puts it in the
// place of another, os.Link does not.
func writePrivate(path string, line []byte, place func(from, to string) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".tokenwright.*") // 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.Write(append(line, '\n'))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := place(f.Name(), path); err != nil {
		return err
	}
	return store.SyncDir(filepath.Dir(path))
}
