package harness

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tokenwright/tokenwright/internal/postgrestest"
)

// roles of all installations have names of their own.
var roles atomic.Int64

// NewOnPostgres makes an empty database on a server, owned by a role of its own,
// with a master key. Nothing of the product runs yet.
//
//	in := harness.NewOnPostgres(t, postgrestest.Start(t))
//	s := in.Start(t)
func NewOnPostgres(t testing.TB, p *postgrestest.Server) *Installation {
	t.Helper()
	in := New(t)
	role, password, masterKey := fmt.Sprintf("installation%d", roles.Add(1)), rand.Text(), newMasterKey()
	NoteSecret(password)
	NoteMasterKey(masterKey)
	p.Exec(t, "postgres", fmt.Sprintf("CREATE ROLE %s LOGIN PASSWORD '%s'", role, password))
	p.Exec(t, "postgres", fmt.Sprintf("CREATE DATABASE %s OWNER %s TEMPLATE template0", role, role))
	in.database, in.postgres = role, p
	in.Environ = []string{
		"TOKENWRIGHT_DATABASE=" + fmt.Sprintf("postgres://%s:%s@%s/%s?sslmode=disable", role, password, addressOf(p), role),
		"TOKENWRIGHT_MASTER_KEY=" + masterKey,
	}
	t.Cleanup(func() { in.keepDatabase(t) })
	return in
}

func addressOf(p *postgrestest.Server) string { return net.JoinHostPort(p.Host, strconv.Itoa(p.Port)) }

// addHost lets processes to come find the database on another server as well,
// whichever takes changes.
func (in *Installation) addHost(p *postgrestest.Server) {
	in.Environ[0] = strings.Replace(in.Environ[0], addressOf(in.postgres), addressOf(in.postgres)+","+addressOf(p), 1)
}

// goBy lets processes to come reach the database at another address: that of who
// stands between.
func (in *Installation) goBy(address string) {
	in.Environ[0] = strings.Replace(in.Environ[0], addressOf(in.postgres), address, 1)
}

// UsePostgres says which server has the database from now on, for tests that
// look into it.
func (in *Installation) UsePostgres(p *postgrestest.Server) { in.postgres = p }

func newMasterKey() string {
	raw := make([]byte, 32)
	rand.Read(raw) // never fails
	return base64.StdEncoding.EncodeToString(raw)
}

// Node is another node of the installation: a process of its own will listen
// on a port of its own, with the same database.
func (in *Installation) Node(t testing.TB) *Installation {
	t.Helper()
	node := *in
	node.Environ = append([]string(nil), in.Environ...)
	node.listenAnywhere(t)
	return &node
}

// DatabaseURL is that of the database on PostgreSQL, for its owner.
func (in *Installation) DatabaseURL() string {
	return strings.TrimPrefix(in.Environ[0], "TOKENWRIGHT_DATABASE=")
}

// DatabaseName is that of the database on PostgreSQL, and of the role that owns it.
func (in *Installation) DatabaseName() string {
	name, _, _ := strings.Cut(strings.TrimPrefix(in.DatabaseURL(), "postgres://"), ":")
	return name
}

// OnPostgres tells whether the database is PostgreSQL.
func (in *Installation) OnPostgres() bool { return in.postgres != nil }

// Lines runs a query of one column of text beside the product, in whichever
// database, and returns what it finds.
func (in *Installation) Lines(t testing.TB, query string) []string {
	t.Helper()
	var text string
	if !in.OnPostgres() {
		text = in.SQLite(t, query+";")
	} else {
		text = postgrestest.Query[string](t, in.postgres, in.database,
			"WITH found(line) AS ("+query+") SELECT coalesce(string_agg(line, E'\n'), '') FROM found")
	}
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// keepDatabase leaves the files of the database, the write-ahead log and what
// the server has logged for the search at the end.
func (in *Installation) keepDatabase(t testing.TB) {
	p := in.postgres
	oid := "*" // of every database, where the server does not tell
	if p.Try("postgres", "CHECKPOINT") == nil {
		oid = strconv.Itoa(postgrestest.Query[int](t, p, "postgres", "SELECT oid::int FROM pg_database WHERE datname = '"+in.database+"'"))
	}
	for _, pattern := range []string{"base/" + oid + "/*", "pg_wal/*"} {
		files, err := filepath.Glob(filepath.Join(p.Dir, "data", pattern))
		if err != nil || len(files) == 0 {
			t.Errorf("the server has no files %s: %v", pattern, err)
		}
		for _, file := range files {
			in.keepFile(t, "tokenwright.db-postgres", file)
		}
	}
	in.keepFile(t, "postgres-log", p.LogFile())
}

// keepFile leaves a copy of a file of another program for the search.
func (in *Installation) keepFile(t testing.TB, kind, path string) {
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return // a directory, or removed meanwhile
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Error(err)
		return
	}
	in.Keep(t, kind, content)
}
