package upgrade

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/internal/postgrestest"
	"github.com/tokenwright/tokenwright/test/evidence"
	"github.com/tokenwright/tokenwright/test/harness"
)

// cutOff migrates the database of an installation, and kills the process at a moment.
// It tells whether that came. There is one thread for Go, since calls are counted by
// thread.
func cutOff(t *testing.T, in *harness.Installation, m harness.Moment) bool {
	t.Helper()
	r := traced(t, in, "-e", "trace="+m.Call, "-e", fmt.Sprintf("inject=%s:signal=SIGKILL:when=%d", m.Call, m.N))
	if r.Code != 0 && r.Code != -1 {
		t.Fatalf("before %v: exit code %d: %s", m, r.Code, r.Stderr)
	}
	return r.Code == -1
}

func traced(t *testing.T, in *harness.Installation, options ...string) harness.Result {
	t.Helper()
	if !slices.Contains(options, "-o") {
		options = append(options, "-o", os.DevNull)
	}
	c := harness.BelowStrace(t.Context(), t, in.Command(context.Background(), "migrate"), options...)
	c.Env = append(c.Env, "GOMAXPROCS=1")
	return in.Finish(t, c)
}

// moments are all that a migration has, of some system calls, in their order for each.
func moments(t *testing.T, in *harness.Installation, calls ...string) []harness.Moment {
	t.Helper()
	file := filepath.Join(t.TempDir(), "calls")
	if r := traced(t, in, "-e", "trace="+strings.Join(calls, ","), "-o", file); r.Code != 0 {
		t.Fatalf("exit code %d: %s", r.Code, r.Stderr)
	}
	all := harness.Moments(readText(t, file))
	if len(all) == 0 {
		t.Fatalf("a migration makes none of the calls %v", calls)
	}
	return all
}

// some are so many of a list, as far from each other as can be.
func some[T any](list []T, n int) []T {
	if n >= len(list) {
		return list
	}
	var chosen []T
	for i := range n {
		chosen = append(chosen, list[(2*i+1)*len(list)/(2*n)])
	}
	return chosen
}

// kills counts what killed processes have left behind.
type kills struct {
	begin, end       string // schema of the kept release, and of the next one
	before, in, done int
	notKilled        int
}

func (k *kills) left(t *testing.T, version string) {
	t.Helper()
	switch version {
	case k.begin:
		k.before++
	case k.end:
		k.done++
	default:
		k.in++
	}
}

// check holds that the migration was cut off in its midst. A last moment is behind it.
func (k *kills) check(t *testing.T, on string) {
	t.Helper()
	evidence.Row{Rule: "R-68", What: "kill -9 of a migration (" + on + ")", Times: k.before + k.in + k.done,
		Note: fmt.Sprintf("with no migration done %d times, with some %d times, with all %d times", k.before, k.in, k.done)}.Report(t)
	if k.before+k.in == 0 || evidence.Full() && k.in == 0 {
		t.Error("no process was killed in the midst of a migration: this has tested nothing")
	}
}

const lastMigration = "SELECT CAST(max(version_id) AS TEXT) FROM goose_db_version"

// finished holds that the next start does what was left undone, and that the database
// is then as if nothing had happened.
func finished(t *testing.T, kind string, in *harness.Installation, s *seed, m harness.Moment, want string, has map[string][]string, held map[string]string) {
	t.Helper()
	in.CLI(t, "migrate")
	if got := dump(t, kind, in, true); got != want {
		t.Errorf("killed before %v: the schema is\n%s\nand should be\n%s", m, got, want)
	}
	after, _ := rows(t, kind, in, has)
	for table, rows := range held {
		if after[table] != rows {
			t.Errorf("killed before %v: %s holds other rows than it did", m, table)
		}
	}
	checkWorks(t, in, s)
}

// a migration of the embedded database is killed before each system call that
// writes. The next start ends it, the schema is as it should be, nothing is lost, and
// every API key works.
func TestAMigrationOfSQLiteThatIsKilledIsFinished(t *testing.T) {
	t.Parallel()
	harness.Need(t, "strace", "sqlite3")
	in, model := harness.New(t), harness.New(t)
	in.Binary, model.Binary = nextRelease(t), nextRelease(t)
	s := restored(t, "sqlite", in)
	held, has := rows(t, "sqlite", in, nil)
	k := kills{begin: in.Lines(t, lastMigration)[0]}
	original := filepath.Join(t.TempDir(), "original")
	harness.CopyDirectory(t, in.Data, original)
	all := moments(t, in, "write", "pwrite64", "fsync", "fdatasync", "ftruncate", "unlink", "rename", "renameat")
	k.end = in.Lines(t, lastMigration)[0]
	model.CLI(t, "migrate")
	want := dump(t, "sqlite", model, true)
	if !evidence.Full() {
		all = some(all, 7)
	}
	for _, m := range all {
		harness.CopyDirectory(t, original, in.Data)
		if !cutOff(t, in, m) {
			k.notKilled++
			continue
		}
		// Who looks into the database would mend it.
		harness.CopyDirectory(t, in.Data, model.Data)
		k.left(t, model.Lines(t, lastMigration)[0])
		finished(t, "sqlite", in, s, m, want, has, held)
		if t.Failed() {
			t.FailNow()
		}
	}
	k.check(t, "embedded database")
}

// R-68, with PostgreSQL: the process that migrates is killed before what it writes to
// the server, and before it reads what that answers.
func TestAMigrationOfPostgreSQLThatIsKilledIsFinished(t *testing.T) {
	t.Parallel()
	harness.Need(t, "strace", "psql")
	p := postgrestest.Start(t, "fsync=off")
	in, fresh := harness.NewOnPostgres(t, p), harness.NewOnPostgres(t, p)
	in.Binary, fresh.Binary = nextRelease(t), nextRelease(t)
	fresh.CLI(t, "migrate")
	want := dump(t, "postgres", fresh, true)
	s := restored(t, "postgres", in)
	held, has := rows(t, "postgres", in, nil)
	k := kills{begin: in.Lines(t, lastMigration)[0]}
	database := in.DatabaseName()
	p.Exec(t, "postgres", "CREATE DATABASE original TEMPLATE "+database)
	all := moments(t, in, "write", "read")
	k.end = in.Lines(t, lastMigration)[0]
	for _, m := range some(all, evidence.Choose(6, 100)) {
		p.Exec(t, "postgres", "DROP DATABASE "+database+" WITH (FORCE)")
		p.Exec(t, "postgres", fmt.Sprintf("CREATE DATABASE %s OWNER %s TEMPLATE original", database, database))
		if !cutOff(t, in, m) {
			k.notKilled++
			continue
		}
		harness.Eventually(t, harness.Propagation, "the server has noticed", func() bool {
			return postgrestest.Query[int](t, p, "postgres", "SELECT count(*)::int FROM pg_stat_activity WHERE application_name = 'tokenwright migrate'") == 0
		})
		k.left(t, in.Lines(t, lastMigration)[0])
		finished(t, "postgres", in, s, m, want, has, held)
		if t.Failed() {
			t.FailNow()
		}
	}
	k.check(t, "PostgreSQL")
}
