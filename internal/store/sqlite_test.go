package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/tokenwright/tokenwright/internal/authority"
)

func TestSQLiteConforms(t *testing.T) {
	path := newPath(t)
	must(t, openStore(t, path).Close())
	migrated, err := os.ReadFile(path) // which would take most of the time
	must(t, err)
	testConformance(t, func(t *testing.T) authority.Store {
		path := newPath(t)
		must(t, os.WriteFile(path, migrated, 0o600))
		return openStore(t, path)
	})
}

// What is acknowledged is on the disk: every connection says so itself.
func TestSQLiteSynchronisesEveryCommit(t *testing.T) {
	s := openStore(t, newPath(t))
	for _, test := range []struct {
		pragma      string
		write, read string
	}{
		{"journal_mode", "wal", "wal"}, {"synchronous", "2", "2"}, // FULL
		{"foreign_keys", "1", "1"}, {"busy_timeout", "5000", "5000"}, {"query_only", "0", "1"},
	} {
		var write, read string
		must(t, s.write.QueryRowContext(t.Context(), `PRAGMA `+test.pragma).Scan(&write))
		must(t, s.read.QueryRowContext(t.Context(), `PRAGMA `+test.pragma).Scan(&read))
		if write != test.write || read != test.read {
			t.Errorf("%s is %s for changes and %s for reading, want %s and %s", test.pragma, write, read, test.write, test.read)
		}
	}
	if _, err := s.read.ExecContext(t.Context(), `DELETE FROM merchants`); err == nil {
		t.Error("connections for reading can write")
	}
}

func TestSQLiteFilesAreTheirOwnersAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "data", "tokenwright.db")
	initialize(t, openStore(t, path))
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(path + suffix)
		must(t, err)
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %o", info.Name(), info.Mode().Perm())
		}
	}
	info, err := os.Stat(filepath.Dir(path))
	must(t, err)
	if info.Mode().Perm() != 0o700 {
		t.Errorf("the directory has mode %o", info.Mode().Perm())
	}
}

func TestSQLiteMakesNoDatabaseUnasked(t *testing.T) {
	path := newPath(t)
	for _, o := range []Options{{}, {NoMigrate: true}} {
		if _, err := OpenSQLite(t.Context(), path, o); !errors.Is(err, ErrNoDatabase) || !strings.Contains(err.Error(), path) {
			t.Errorf("%+v: %v", o, err)
		}
	}
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// C-560: a new database is whole or not there, whoever else makes it; what is empty was
// one, and is not made into one unasked.
func TestSQLiteIsMadeWholeOrNotAtAll(t *testing.T) {
	path := newPath(t)
	ended, end := context.WithCancel(t.Context())
	end()
	if err := createPrivate(ended, path); err == nil {
		t.Error("a database was made that could not be")
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 0 {
		t.Errorf("left behind of what could not be made: %v, %v", entries, err)
	}
	var made sync.WaitGroup
	for range 8 {
		made.Go(func() {
			if err := createPrivate(t.Context(), path); err != nil {
				t.Error(err)
			}
			if isEmpty(path) {
				t.Error("it is there, and empty")
			}
		})
	}
	made.Wait()
	if entries, err = os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
		t.Errorf("in the directory of a new database: %v, %v", entries, err)
	}

	must(t, os.Truncate(path, 0))
	if _, err := OpenSQLite(t.Context(), path, Options{}); !errors.Is(err, ErrNoDatabase) {
		t.Errorf("a file with nothing in it: %v", err)
	}
	if !isEmpty(path) {
		t.Error("a database was made of it")
	}
}

func TestSQLiteKeepsToTheWindowOfReleases(t *testing.T) {
	path := newPath(t)
	testWindow(t, openStore(t, path), func(o Options) (*Store, error) { return OpenSQLite(t.Context(), path, o) })
}

// testWindow holds that a release works on a newer schema only while that is
// meant for it as well. open opens the database of s again.
func testWindow(t *testing.T, s *Store, open func(Options) (*Store, error)) {
	t.Helper()
	known, err := s.read.QueryContext(t.Context(), `SELECT max(version_id) FROM goose_db_version`)
	must(t, err)
	var newest int64
	if known.Next() {
		must(t, known.Scan(&newest))
	}
	must(t, known.Close())
	_, err = s.write.ExecContext(t.Context(), `INSERT INTO goose_db_version (version_id, is_applied) VALUES ($1, $2)`, newest+5, true)
	must(t, err)
	all := []Options{{}, {Create: true}, {NoMigrate: true}}
	for _, o := range all {
		opened, err := open(o)
		if err != nil {
			t.Fatalf("%+v: the next release has only added to the schema: %v", o, err)
		}
		must(t, opened.Close())
	}
	_, err = s.write.ExecContext(t.Context(), `UPDATE schema_window SET oldest = $1`, newest+1)
	must(t, err)
	for _, o := range all {
		if _, err := open(o); !errors.Is(err, ErrSchemaNewer) || !strings.Contains(err.Error(), fmt.Sprint(newest+5)) {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

func TestSQLiteMigratesOnlyWhenAllowed(t *testing.T) {
	path := newPath(t)
	must(t, createPrivate(t.Context(), path))
	for range 2 {
		if _, err := OpenSQLite(t.Context(), path, Options{NoMigrate: true}); !errors.Is(err, ErrSchemaOlder) {
			t.Errorf("a database without a schema: %v", err)
		}
	}
	openStore(t, path)
	s, err := OpenSQLite(t.Context(), path, Options{NoMigrate: true})
	must(t, err)
	must(t, s.Close())
}

func TestSQLiteIsMigratedByWhoeverComesFirst(t *testing.T) {
	for range 2 {
		path := newPath(t)
		openTogether(t, func() (*Store, error) { return OpenSQLite(context.Background(), path, Options{Create: true}) })
		initialize(t, openStore(t, path))
	}
}

// openTogether opens an empty database eight times at once: nodes and management
// commands that start at the same time share the work of migration.
func openTogether(t *testing.T, open func() (*Store, error)) {
	t.Helper()
	start := make(chan struct{})
	errs := make(chan error, 8)
	for range cap(errs) {
		go func() {
			<-start
			s, err := open()
			if err == nil {
				err = s.Close()
			}
			errs <- err
		}()
	}
	close(start)
	for range cap(errs) {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

// The same by eight processes, which share no lock but the file's.
func TestSQLiteIsMigratedByWhicheverProcessComesFirst(t *testing.T) {
	setUpTogether(t, func() string { return newPath(t) }, openStore)
}

// setUpTogether lets eight processes open and set up one database at once.
func setUpTogether(t *testing.T, database func() string, open func(testing.TB, string) *Store) {
	t.Helper()
	const variable = "TOKENWRIGHT_TEST_DATABASE"
	if name := os.Getenv(variable); name != "" { // this is one of them
		inst, root, keys := firstRows()
		err := open(t, name).Initialize(t.Context(), inst, root, keys, draft(authority.InstallationCreated, "tw"))
		if err != nil && !errors.Is(err, authority.ErrExists) {
			t.Error(err)
		}
		return
	}
	name := database()
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
			cmd.Env = append(os.Environ(), variable+"="+name)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
	wait.Wait()
	s := open(t, name)
	if n := len(read(t, s).Events); n != 1 {
		t.Errorf("%d events after one of eight set it up", n)
	}
	checkChain(t, s)
}

// A migration may write all of the database to the log: its file is not to stay as large.
func TestSQLiteGivesBackALargeLog(t *testing.T) {
	path := newPath(t)
	s := openStore(t, path)
	initialize(t, s)
	size := func() int64 {
		info, err := os.Stat(path + "-wal")
		must(t, err)
		return info.Size()
	}
	for _, statement := range []string{`CREATE TABLE large AS SELECT zeroblob(70000000) AS text`, `DROP TABLE large`} {
		if _, err := s.write.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
		t.Logf("%d MiB after %s", size()>>20, statement)
	}
	if size() > logLimit {
		t.Errorf("the log has %d bytes", size())
	}
}

// a file that is no database is told as such, and stays as it is.
func TestSQLiteSaysWhenTheFileIsDamaged(t *testing.T) {
	path := newPath(t)
	s := openStore(t, path)
	initialize(t, s)
	_, err := s.write.ExecContext(t.Context(), `PRAGMA wal_checkpoint(TRUNCATE)`)
	must(t, err)
	whole, err := os.ReadFile(path)
	must(t, err)
	header := append([]byte("X"), whole[1:]...)
	schema := append([]byte{}, whole...)
	copy(schema[100:], make([]byte, 1000))
	for what, damaged := range map[string][]byte{
		"no database":       []byte(strings.Repeat("this is no database\n", 500)),
		"damaged header":    header,
		"damaged page":      schema,
		"cut in the middle": whole[:len(whole)/2+100],
	} {
		file := newPath(t)
		must(t, os.WriteFile(file, damaged, 0o600))
		opened, err := OpenSQLite(t.Context(), file, Options{Create: true})
		if err == nil {
			_, _, err = opened.Installation(t.Context())
			must(t, opened.Close())
		}
		if err == nil || !strings.Contains(err.Error(), "damaged or no database") || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: %v", what, err)
		}
		after, err := os.ReadFile(file)
		must(t, err)
		wantEqual(t, "the damaged file", len(after), len(damaged))
	}
}

func TestSQLiteTakesEveryPath(t *testing.T) {
	for _, name := range []string{"a b", "a?mode=memory", "100%", "%41", "a#b", "a&b=c", "ä", "a;b", "a+b", `a"b'c`, "-x"} {
		dir := t.TempDir()
		path := filepath.Join(dir, name, name+".db")
		initialize(t, openStore(t, path))
		info, err := os.Stat(path)
		must(t, err)
		if info.Size() == 0 {
			t.Errorf("%q: the database is not in its file", name)
		}
		if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
			t.Errorf("%q: %v, %v", name, entries, err)
		}
		if list := read(t, openStore(t, path)).Events; len(list) != 1 {
			t.Errorf("%q: opened again, it has %d events", name, len(list))
		}
	}
	t.Chdir(t.TempDir())
	initialize(t, openStore(t, "relative.db"))
	if _, err := os.Stat("relative.db"); err != nil {
		t.Error(err)
	}
}

// A reader sees one moment, however long it takes, and waits for no writer.
func TestSQLiteReadsOneMoment(t *testing.T) {
	s := openStore(t, newPath(t))
	initialize(t, s)
	addMerchant(t, s, "acme")
	for n := 1; n <= 3; n++ {
		addKey(t, s, apiKey(n, "demo", "acme"))
	}
	read := 0
	must(t, s.Directory(t.Context(), func(snapshot *authority.DirectorySnapshot) error {
		deleteKey(t, s, apiKey(2, "demo", "acme").ID)
		return nil
	}, func(k *authority.DirectoryKey) error {
		read++
		if len(k.Secrets) != 2 {
			return fmt.Errorf("%s has %d secrets", k.ClientID, len(k.Secrets))
		}
		return nil
	}))
	if read != 3 {
		t.Errorf("read %d API keys of 3", read)
	}
}
