package upgrade

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/internal/postgrestest"
	"github.com/tokenwright/tokenwright/test/harness"
)

// public is the origin of the kept installations. It is fixed in their databases, so it
// is none with a port of this machine.
const public = "https://auth.example.com"

// keptFile is a file of testdata; database is sqlite or postgres.
func keptFile(name, database, extension string) string {
	return filepath.Join("testdata", name+"."+database+"."+extension)
}

func readText(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func writeText(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// databases runs a test on each kind of database, with an installation that is empty.
func databases(t *testing.T, test func(t *testing.T, kind string, empty func() *harness.Installation)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, "sqlite", func() *harness.Installation { return harness.New(t) })
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		p := postgrestest.Start(t, "fsync=off")
		test(t, "postgres", func() *harness.Installation { return harness.NewOnPostgres(t, p) })
	})
}

// restored is an installation on the kept database, which no process has open.
func restored(t testing.TB, kind string, in *harness.Installation) *seed {
	t.Helper()
	s := &seed{}
	if err := json.Unmarshal([]byte(readText(t, keptFile("seed", kind, "json"))), s); err != nil {
		t.Fatal(err)
	}
	in.Public = public
	in.Environ = append(in.Environ, "TOKENWRIGHT_MASTER_KEY="+s.MasterKey)
	harness.NoteMasterKey(s.MasterKey)
	for _, k := range s.APIKeys {
		harness.NoteKey(k.ClientID, k.secret())
	}
	load(t, kind, in)
	return s
}

// load fills the empty database of an installation with what is kept.
func load(t testing.TB, kind string, in *harness.Installation) {
	t.Helper()
	dump := readText(t, keptFile("seed", kind, "sql"))
	if kind == "postgres" {
		harness.Tool(t, dump, "psql", "--quiet", "--no-psqlrc", "--set", "ON_ERROR_STOP=1", "--output", os.DevNull, in.DatabaseURL())
		return
	}
	in.SQLite(t, "PRAGMA journal_mode = WAL;\n"+dump)
	if err := os.Chmod(filepath.Join(in.Data, "tokenwright.db"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// volatile is what pg_dump writes that is of its own version, or of the moment.
var volatile = regexp.MustCompile(`(?m)^(--.*|\\(un)?restrict .*|)\n`)

// dump is the database of an installation as SQL; schema alone leaves the rows out.
func dump(t testing.TB, kind string, in *harness.Installation, schemaAlone bool) string {
	t.Helper()
	switch {
	case kind == "postgres" && schemaAlone:
		return volatile.ReplaceAllString(harness.Tool(t, "", "pg_dump", "--schema-only", "--no-owner", "--no-privileges", in.DatabaseURL()), "")
	case kind == "postgres":
		return volatile.ReplaceAllString(harness.Tool(t, "", "pg_dump", "--inserts", "--no-owner", "--no-privileges", in.DatabaseURL()), "")
	case schemaAlone:
		return in.SQLite(t, "SELECT sql || ';' FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type DESC, name;") + "\n"
	}
	return in.SQLite(t, ".dump") + "\n"
}

// the kept release, which the binary is built from, has the kept schema, and works
// on the kept databases. With -keep it writes it, and databases that it has filled.
func TestTheKeptReleaseHasTheKeptSchema(t *testing.T) {
	databases(t, func(t *testing.T, kind string, empty func() *harness.Installation) {
		if *keep {
			in := empty()
			in.Binary = keptRelease(t).binary
			s := fill(t, in)
			text, err := json.MarshalIndent(s, "", "\t")
			if err != nil {
				t.Fatal(err)
			}
			writeText(t, keptFile("seed", kind, "json"), string(text)+"\n")
			writeText(t, keptFile("seed", kind, "sql"), dump(t, kind, in, false))
		}
		fresh := empty()
		fresh.Binary = keptRelease(t).binary
		fresh.CLI(t, "migrate")
		filled := empty()
		s := restored(t, kind, filled)
		if got, want := dump(t, kind, fresh, true), dump(t, kind, filled, true); got != want {
			t.Errorf("a new database of the kept release has another schema than is kept; it has\n%s\nand what is kept is\n%s", got, want)
		}
		// What no row is of, no migration is tried on.
		for _, table := range tables(t, kind, filled) {
			if filled.Lines(t, "SELECT CAST(count(*) AS TEXT) FROM "+table)[0] == "0" && !ephemeral[table] {
				t.Errorf("the kept database has no row in %s", table)
			}
		}
		filled.Binary = fresh.Binary
		checkWorks(t, filled, s)
	})
}

// ephemeral are tables whose rows are gone within days of the release anyway.
var ephemeral = map[string]bool{"replies": true, "expiry_notices": true, "recovery_codes": true, "identities": true, "sign_in_failures": true}

func tables(t testing.TB, kind string, in *harness.Installation) []string {
	t.Helper()
	if kind == "postgres" {
		return in.Lines(t, "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1")
	}
	return in.Lines(t, "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY 1")
}

// columns are those of a table, as expressions of text that tell every value from
// every other.
func columns(t testing.TB, kind string, in *harness.Installation, table string) []string {
	t.Helper()
	if kind == "postgres" {
		return in.Lines(t, fmt.Sprintf(`SELECT 'quote_nullable("' || column_name || '"::text)' FROM information_schema.columns
			WHERE table_schema = 'public' AND table_name = '%s' ORDER BY ordinal_position`, table))
	}
	return in.Lines(t, fmt.Sprintf(`SELECT 'quote("' || name || '")' FROM pragma_table_info('%s')`, table))
}

// rows is what the database holds in the columns that it is asked for: those that it
// has now, where asked is nil.
func rows(t testing.TB, kind string, in *harness.Installation, asked map[string][]string) (found map[string]string, has map[string][]string) {
	t.Helper()
	found, has = map[string]string{}, map[string][]string{}
	if asked == nil {
		asked = map[string][]string{}
		for _, table := range tables(t, kind, in) {
			if table != "goose_db_version" && table != "schema_window" { // what migrations say of themselves
				asked[table] = columns(t, kind, in, table)
			}
		}
	}
	for table, list := range asked {
		has[table] = list
		found[table] = strings.Join(in.Lines(t, "SELECT "+strings.Join(list, " || ',' || ")+" FROM "+table+" ORDER BY 1"), "\n")
	}
	return found, has
}
