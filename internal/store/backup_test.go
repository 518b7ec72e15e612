package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/pressly/goose/v3"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// C-545: a backup is one file of the state of one moment, for its owner alone, and
// opens only to be restored.
func TestSQLiteIsBackedUp(t *testing.T) {
	path := newPath(t)
	s := openStore(t, path)
	everything(t, s)
	backup := filepath.Join(t.TempDir(), "backup.db")
	told := [2]int{}
	last, err := s.Backup(t.Context(), backup, func(done, total int) { told = [2]int{done, total} })
	must(t, err)
	wantEqual(t, "the last event", *last, read(t, s).Events[read(t, s).Head.Seq-1])
	if told[0] == 0 || told[0] != told[1] {
		t.Errorf("%d of %d pages are told at the end", told[0], told[1])
	}
	info, err := os.Stat(backup)
	must(t, err)
	wantEqual(t, "who may read it", info.Mode().Perm(), fs.FileMode(0o600))
	entries, err := os.ReadDir(filepath.Dir(backup))
	must(t, err)
	wantEqual(t, "files", len(entries), 1)
	for _, o := range []Options{{}, {Create: true}, {NoMigrate: true}} {
		_, err = OpenSQLite(t.Context(), backup, o)
		wantError(t, err, ErrBackup)
	}
	before := dumps(t, s)
	addMerchant(t, s, "later")
	_, err = s.Backup(t.Context(), backup, nil)
	wantError(t, err, fs.ErrExist)

	copied := untilTheEnd(t)(OpenSQLite(t.Context(), backup, Options{Scratch: true}))
	wantEqual(t, "what is in it", dumps(t, copied), before)
}

// a backup of a database in use is some state between its beginning and its
// end, whole.
func TestSQLiteIsBackedUpWhileItIsInUse(t *testing.T) {
	s := openStore(t, newPath(t))
	initialize(t, s)
	addMerchant(t, s, "acme")
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				id := fmt.Sprintf("m%d-%d", w, n)
				if err := s.CreateMerchant(t.Context(), merchant(authority.MerchantID(id)), draft(authority.MerchantCreated, id)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	dir := t.TempDir()
	for n := range 20 {
		began := get2(s.EventHead(t.Context()))
		path := filepath.Join(dir, fmt.Sprint(n))
		last, err := s.Backup(t.Context(), path, nil)
		must(t, err)
		ended := get2(s.EventHead(t.Context()))
		if last.Seq < began.Seq || last.Seq > ended.Seq {
			t.Errorf("backup %d is of event %d, not from %d to %d", n, last.Seq, began.Seq, ended.Seq)
		}
		copied := untilTheEnd(t)(OpenSQLite(t.Context(), path, Options{Scratch: true}))
		checkChain(t, copied)
		if merchants := value[int64](t, copied, `SELECT count(*) FROM merchants`); merchants != last.Seq-1 { // one event each, and the first one
			t.Errorf("backup %d has %d merchants behind event %d", n, merchants, last.Seq)
		}
	}
	close(stop)
	wg.Wait()
}

func get2[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// A database is copied aside before its schema is changed; what another process
// changes meanwhile is not taken for it.
func TestSQLiteIsCopiedBeforeItIsMigrated(t *testing.T) {
	path := newPath(t)
	must(t, createPrivate(t.Context(), path))
	old, err := openSQLite(path, "_txlock=immediate")
	must(t, err)
	p, err := migrationsOf(goose.DialectSQLite3, old)
	must(t, err)
	_, err = p.UpTo(t.Context(), 11)
	must(t, err)
	_, err = old.ExecContext(t.Context(), `INSERT INTO scopes VALUES ('a:read', '', '', 1)`)
	must(t, err)

	before := untilTheEnd(t)(OpenSQLite(t.Context(), path, Options{AsIs: true}))
	must(t, before.setAside(t.Context(), path, 10)) // it has 11: another process was first
	matches, err := filepath.Glob(path + ".schema-*")
	must(t, err)
	wantEqual(t, "copies of another version", matches, []string(nil))
	must(t, old.Close())

	migrated := openStore(t, path)
	if version := value[int](t, migrated, `SELECT max(version_id) FROM goose_db_version`); version <= 11 {
		t.Errorf("the schema has version %d", version)
	}
	copied := untilTheEnd(t)(OpenSQLite(t.Context(), path+".schema-11", Options{AsIs: true, Scratch: true}))
	wantEqual(t, "the version of the copy", value[int](t, copied, `SELECT max(version_id) FROM goose_db_version`), 11)
	wantEqual(t, "what is in it", value[string](t, copied, `SELECT name FROM scopes`), "a:read")
	_, err = OpenSQLite(t.Context(), path+".schema-11", Options{})
	wantError(t, err, ErrBackup)
}

// A restored file takes the place of a database that nobody has open, which keeps
// another name.
func TestPutInPlace(t *testing.T) {
	path := newPath(t)
	s, err := OpenSQLite(t.Context(), path, Options{Create: true})
	must(t, err)
	initialize(t, s)
	backup := path + ".backup"
	_, err = s.Backup(t.Context(), backup, nil)
	must(t, err)
	addMerchant(t, s, "later")
	used, err := InUse(t.Context(), path)
	must(t, err)
	wantEqual(t, "in use while it is open", used, true)
	must(t, s.Close())
	used, err = InUse(t.Context(), path)
	must(t, err)
	wantEqual(t, "in use once it is closed", used, false)

	scratch, err := OpenSQLite(t.Context(), backup, Options{Scratch: true})
	must(t, err)
	addMerchant(t, scratch, "restored")
	must(t, scratch.Close())
	must(t, os.WriteFile(path+"-wal", []byte("of the old one"), 0o600)) // as a damaged one may leave it
	must(t, PutInPlace(t.Context(), backup, path, path+".kept"))
	now := openStore(t, path)
	if _, err := now.Merchant(t.Context(), "restored"); err != nil {
		t.Error(err)
	}
	_, err = OpenSQLite(t.Context(), path+".kept", Options{}) // nobody goes on working there
	wantError(t, err, ErrBackup)
	kept := untilTheEnd(t)(OpenSQLite(t.Context(), path+".kept", Options{Scratch: true}))
	if _, err := kept.Merchant(t.Context(), "later"); err != nil {
		t.Error(err)
	}
}

// What is damaged becomes no backup.
func TestADamagedDatabaseIsNotBackedUp(t *testing.T) {
	path := newPath(t)
	s, err := OpenSQLite(t.Context(), path, Options{Create: true})
	must(t, err)
	everything(t, s)
	page := value[int](t, s, `SELECT rootpage FROM sqlite_master WHERE name = 'secrets'`)
	must(t, s.Close())
	text, err := os.ReadFile(path)
	must(t, err)
	for at := 4096 * (page - 1); at < 4096*page; at++ {
		text[at] ^= 0x5a
	}
	must(t, os.WriteFile(path, text, 0o600))
	damaged := untilTheEnd(t)(OpenSQLite(t.Context(), path, Options{AsIs: true}))
	_, err = damaged.Backup(t.Context(), path+".backup", nil)
	if err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("got %v, want that it is damaged", err)
	}
	if _, err := os.Stat(path + ".backup"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("there is a backup: %v", err)
	}
}
