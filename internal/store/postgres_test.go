package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/pressly/goose/v3/lock"
	"go.uber.org/goleak"

	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/postgrestest"
)

// no goroutine outlives the tests.
func TestMain(m *testing.M) { goleak.VerifyTestMain(withPostgres{m}) }

// withPostgres ends the database server of the tests behind them.
type withPostgres struct{ tests *testing.M }

func (w withPostgres) Run() int { return postgrestest.Main(w.tests) }

// openPostgres opens a database that postgrestest has made.
func openPostgres(t testing.TB, url string) *Store {
	t.Helper()
	return untilTheEnd(t)(OpenPostgres(t.Context(), url, Options{Create: true}))
}

// value reads the one value of a query.
func value[T any](t *testing.T, s *Store, query string) (v T) {
	t.Helper()
	must(t, s.read.QueryRowContext(t.Context(), query).Scan(&v))
	return v
}

// nameOf is the name of the database of a URL.
func nameOf(t *testing.T, rawURL string) string {
	t.Helper()
	u, err := url.Parse(rawURL)
	must(t, err)
	return strings.TrimPrefix(u.Path, "/")
}

// migrated makes databases in which there is nothing yet but every migration, which
// would cost a test more than most of what it does.
func migrated(t *testing.T) (database func(*testing.T) string) {
	t.Helper()
	server := postgrestest.Shared(t)
	first := server.Database(t)
	s, err := OpenPostgres(t.Context(), first, Options{Create: true})
	must(t, err)
	must(t, s.Close())
	return func(t *testing.T) string { return server.CopyOf(t, nameOf(t, first)) }
}

func TestPostgresConforms(t *testing.T) {
	t.Parallel()
	database := migrated(t)
	testConformance(t, func(t *testing.T) authority.Store { return openPostgres(t, database(t)) })
}

//
func TestPostgresHoldsUnderConcurrency(t *testing.T) {
	t.Parallel()
	testConcurrency(t, func(t *testing.T) [2]authority.Store {
		url := postgrestest.Shared(t).Database(t)
		return [2]authority.Store{openPostgres(t, url), openPostgres(t, url)}
	})
}

const countTables = `SELECT count(*) FROM information_schema.tables WHERE table_schema NOT IN ('pg_catalog', 'information_schema')`

func TestPostgresMakesNoInstallationUnasked(t *testing.T) {
	server := postgrestest.Shared(t)
	url := server.Database(t)
	for _, o := range []Options{{}, {NoMigrate: true}} {
		if _, err := OpenPostgres(t.Context(), url, o); !errors.Is(err, ErrNoDatabase) || !strings.Contains(err.Error(), nameOf(t, url)) {
			t.Errorf("%+v: %v", o, err)
		}
	}
	if n := postgrestest.Query[int](t, server, nameOf(t, url), countTables); n != 0 {
		t.Errorf("%d tables left behind", n)
	}
}

//
func TestPostgresKeepsToTheWindowOfReleases(t *testing.T) {
	url := postgrestest.Shared(t).Database(t)
	testWindow(t, openPostgres(t, url), func(o Options) (*Store, error) { return OpenPostgres(t.Context(), url, o) })
}

func TestPostgresMigratesOnlyWhenAllowed(t *testing.T) {
	server := postgrestest.Shared(t)
	url := server.Database(t)
	openPostgres(t, url)
	last := postgrestest.Query[int](t, server, nameOf(t, url), `SELECT max(version_id) FROM goose_db_version`)
	server.Exec(t, nameOf(t, url), fmt.Sprintf(`DELETE FROM goose_db_version WHERE version_id = %d`, last))
	for range 2 {
		if _, err := OpenPostgres(t.Context(), url, Options{NoMigrate: true}); !errors.Is(err, ErrSchemaOlder) || !strings.Contains(err.Error(), strconv.Itoa(last)) {
			t.Errorf("the last migration is due: %v", err)
		}
	}
	s := openPostgres(t, url)
	wantEqual(t, "the version of the schema", value[int](t, s, `SELECT max(version_id) FROM goose_db_version`), last)
	again, err := OpenPostgres(t.Context(), url, Options{NoMigrate: true})
	must(t, err)
	must(t, again.Close())
}

func TestPostgresIsMigratedByWhoeverComesFirst(t *testing.T) {
	t.Parallel()
	for range 2 {
		url := postgrestest.Shared(t).Database(t)
		openTogether(t, func() (*Store, error) { return OpenPostgres(context.Background(), url, Options{Create: true}) })
		initialize(t, openPostgres(t, url))
	}
}

func TestPostgresIsMigratedByWhicheverProcessComesFirst(t *testing.T) {
	setUpTogether(t, func() string { return postgrestest.Shared(t).Database(t) }, openPostgres)
}

// Whoever migrates holds a lock, so that nobody does the same beside it.
func TestPostgresMigrationsWaitForEachOther(t *testing.T) {
	server := postgrestest.Shared(t)
	url := server.Database(t)
	other, err := pgx.Connect(t.Context(), url)
	must(t, err)
	t.Cleanup(func() { _ = other.Close(context.Background()) })
	_, err = other.Exec(t.Context(), `SELECT pg_advisory_lock($1)`, lock.DefaultLockID)
	must(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if s, err := OpenPostgres(ctx, url, Options{Create: true}); err == nil {
		t.Error("it migrated while somebody else held the lock")
		must(t, s.Close())
	}
	if n := postgrestest.Query[int](t, server, nameOf(t, url), countTables+` AND table_name = 'merchants'`); n != 0 {
		t.Error("the schema was changed while somebody else held the lock")
	}
	_, err = other.Exec(t.Context(), `SELECT pg_advisory_unlock($1)`, lock.DefaultLockID)
	must(t, err)
	initialize(t, openPostgres(t, url))
}

// Text is compared by bytes, as SQLite does, whatever migrations are added: the
// databases of these tests order it as a language does.
func TestPostgresComparesAllTextByBytes(t *testing.T) {
	s := openPostgres(t, postgrestest.Shared(t).Database(t))
	const columns = ` FROM information_schema.columns WHERE table_schema = current_schema() AND table_name <> 'goose_db_version'
		AND data_type NOT IN ('bigint', 'integer', 'smallint', 'boolean', 'bytea')`
	if n := value[int](t, s, `SELECT count(*)`+columns); n < 20 {
		t.Fatalf("there are only %d columns of text", n)
	}
	if wrong := value[sql.NullString](t, s, `SELECT string_agg(table_name || '.' || column_name, ', ')`+columns+` AND collation_name IS DISTINCT FROM 'C'`); wrong.Valid {
		t.Errorf(`without COLLATE "C": %s; end the migrations with one like 00004_postgres.sql`, wrong.String)
	}
	if !value[bool](t, s, `SELECT 'a' < 'B'`) {
		t.Error("the database orders text by bytes itself, so this test shows nothing")
	}
}

// addRole makes a role that may log in, and returns the URL of a database for it.
func addRole(t *testing.T, server *postgrestest.Server, role, rawURL string) string {
	t.Helper()
	server.Exec(t, "postgres", fmt.Sprintf(`CREATE ROLE %s LOGIN PASSWORD '%s'`, role, postgrestest.Password))
	t.Cleanup(func() { server.Exec(t, "postgres", `DROP OWNED BY `+role+`; DROP ROLE `+role) })
	u, err := url.Parse(rawURL)
	must(t, err)
	u.User = url.UserPassword(role, postgrestest.Password)
	return u.String()
}

// Once the schema is there, a role that may only change rows will do, as
// internal/docs/content/postgresql.md grants it.
func TestPostgresNeedsNoRightToChangeTheSchema(t *testing.T) {
	server := postgrestest.Shared(t)
	owner := server.Database(t)
	database := nameOf(t, owner)
	node := addRole(t, server, "rows_only", owner)
	if _, err := OpenPostgres(t.Context(), node, Options{Create: true}); postgresCode(err) != pgInsufficientRights || !strings.Contains(err.Error(), "--no-migrate") {
		t.Errorf("to set it up: %v", err)
	}
	openPostgres(t, owner)
	t.Cleanup(func() { server.Exec(t, database, `DROP OWNED BY rows_only`) })
	server.Exec(t, database, `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO rows_only`)
	for _, o := range []Options{{NoMigrate: true}, {}, {Create: true}} {
		s, err := OpenPostgres(t.Context(), node, o)
		must(t, err)
		if o.NoMigrate {
			initialize(t, s)
			addMerchant(t, s, "acme")
			addKey(t, s, apiKey(1, "demo", "acme"))
			deleteKey(t, s, apiKey(1, "demo", "acme").ID)
			checkChain(t, s)
		}
		if _, err := s.write.ExecContext(t.Context(), `CREATE TABLE x (id BIGINT)`); postgresCode(err) != pgInsufficientRights {
			t.Errorf("the role can change the schema: %v", err)
		}
		must(t, s.Close())
	}
}

// Installations share a database, each in a schema of its own, however it is
// named.
func TestPostgresInstallationsKeepToTheirSchemas(t *testing.T) {
	server := postgrestest.Shared(t)
	url := server.Database(t)
	stores := map[string]*Store{}
	for schema, option := range map[string]string{"one": "search_path=one", "two": "options=-c%20search_path%3Dtwo"} {
		server.Exec(t, nameOf(t, url), `CREATE SCHEMA `+schema)
		s := openPostgres(t, url+"?"+option)
		initialize(t, s)
		addMerchant(t, s, authority.MerchantID(schema))
		stores[schema] = s
	}
	for schema, s := range stores {
		if list := value[string](t, s, `SELECT string_agg(id, ' ') FROM merchants`); list != schema {
			t.Errorf("%s has the merchants %q", schema, list)
		}
		checkChain(t, s)
	}
	if n := postgrestest.Query[int](t, server, nameOf(t, url), countTables+` AND table_schema NOT IN ('one', 'two')`); n != 0 {
		t.Errorf("%d tables are in no schema of theirs", n)
	}
}
