package restore

import (
	"crypto/rand"
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

// a backup that is killed leaves no file of its name, or one that restores;
// what else it leaves is taken for no backup, and the server does not notice.
func TestAKilledBackupIsNone(t *testing.T) {
	t.Parallel()
	harness.Need(t, "strace", "sqlite3")
	s, key := harness.StartWithKey(t, "demo")
	dir := beside(s.Installation, "backups")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	all := moments(t, s.Installation, lasting, evidence.Choose(6, 50), "backup", filepath.Join(dir, "first"))
	killed := 0
	for n, m := range all {
		path := filepath.Join(dir, fmt.Sprint(n))
		if strike(t, s.Installation, m, lasting, "backup", path) {
			killed++
		}
		if !exists(t, path) {
			succeed[taken](t, s.Installation, "backup", path) // what is left is not in the way
		}
		isABackup(t, s.Installation, path, key)
	}
	for _, name := range filesIn(t, dir) {
		if strings.HasSuffix(name, ".part") {
			isABackupOrNone(t, s.Installation, filepath.Join(dir, name), key)
		}
	}
	evidence.Row{Rule: "R-69", What: "kill -9 of a backup", Times: killed}.Report(t)
	after := s.CreateKey(t, "demo")
	harness.Eventually(t, patience, "a new API key works", func() bool { return s.Works(t, after) })
	if log := s.ReadLog(t); strings.Contains(log, `"level":"ERROR"`) || strings.Contains(log, `"level":"WARN"`) {
		t.Errorf("the server has noticed:\n%s", log)
	}
}

// isABackup restores what is a backup, and finds an API key in it.
func isABackup(t *testing.T, in *harness.Installation, path string, key harness.APIKey) {
	t.Helper()
	to := elsewhere(t, in)
	succeed[restored](t, to, "restore", path, "--accept-lost-changes")
	holds(t, to, key)
}

func holds(t *testing.T, in *harness.Installation, key harness.APIKey) {
	t.Helper()
	if v := in.VerifyEvents(t); !v.OK {
		t.Errorf("the events after a restore: %+v", v)
	}
	if status := in.Lines(t, "SELECT status FROM api_keys WHERE id = '"+key.ClientID+"'"); !slices.Equal(status, []string{"active"}) {
		t.Errorf("the API key is %v after a restore", status)
	}
}

// isABackupOrNone restores what may be half a file: then it is refused, and nothing
// is made of it.
func isABackupOrNone(t *testing.T, in *harness.Installation, path string, key harness.APIKey) {
	t.Helper()
	to := elsewhere(t, in)
	if r := run(t, to, "restore", path, "--accept-lost-changes"); r.Code == 0 {
		holds(t, to, key)
	} else if left := filesIn(t, to.Data); !slices.Equal(left, []string{"master.key"}) || r.Code != 1 || r.Stderr == "" {
		t.Errorf("restoring half a file: exit code %d, and then there are %v\n%s", r.Code, left, r.Stderr)
	}
}

// a restore that is killed leaves the database that was there, whole, or the
// restored one. Never is the place empty, for a server to make another installation
// in; and the same command ends it.
func TestAKilledRestoreLeavesTheOldDatabaseOrTheNewOne(t *testing.T) {
	t.Parallel()
	harness.Need(t, "strace", "sqlite3")
	s, key := harness.StartWithKey(t, "demo")
	backup := beside(s.Installation, "backup")
	last := succeed[taken](t, s.Installation, "backup", backup).Events
	gone := s.CreateKey(t, "demo")
	s.CLI(t, "key", "delete", gone.ClientID, "--yes")
	args := []string{"restore", backup, "--replace", "--replay", export(t, s.Installation, fmt.Sprint(last))}
	s.Stop(t)
	old := dump(t, s.Installation)
	all := moments(t, s.CopyOf(t), lasting, evidence.Choose(8, 50), args...)
	killed, was := 0, map[bool]int{}
	for _, m := range all {
		c := s.CopyOf(t)
		if strike(t, c, m, lasting, args...) {
			killed++
		}
		if !exists(t, database(c)) {
			t.Errorf("killed at %v: there is no database", m)
			continue
		}
		isOld := c.Lines(t, "SELECT CAST(lineage AS text) FROM installation")[0] == "1"
		was[isOld]++
		if isOld && dump(t, c) != old {
			t.Errorf("killed at %v: the old database is another one", m)
		}
		holds(t, c, key)
		if names[m.call] { // a server begins in between
			c.Public = s.URL
			again := c.Start(t)
			if !again.Works(t, key) || !again.Refuses(t, gone) {
				t.Errorf("killed at %v: a server has other API keys", m)
			}
			again.Stop(t)
		}
		succeed[restored](t, c, args...)
		holds(t, c, key)
		if status := c.Lines(t, "SELECT status FROM api_keys WHERE id = '"+gone.ClientID+"'"); !slices.Equal(status, []string{"deleted"}) {
			t.Errorf("killed at %v, restored again: what was deleted is %v", m, status)
		}
		for _, name := range filesIn(t, c.Data) {
			if strings.Contains(name, ".restoring") {
				t.Errorf("killed at %v, restored again: %s is left", m, name)
			}
		}
	}
	evidence.Row{Rule: "R-69", What: "kill -9 of a restore", Times: killed,
		Note: fmt.Sprintf("of %d restores: the old database was there %d times, the new one %d times", len(all), was[true], was[false])}.Report(t)
	if was[true] == 0 {
		t.Error("no restore was killed before its end: this run has tested nothing")
	}
}

// a move that is killed leaves the old database at work and the new one not,
// or the reverse: never do both take changes, and the same command ends it.
func TestAKilledMoveLeavesOneInstallation(t *testing.T) {
	t.Parallel()
	harness.Need(t, "strace", "sqlite3")
	s, key := harness.StartWithKey(t, "demo")
	s.Stop(t)
	p := newPostgres(t)
	move := func(from *harness.Installation) []string {
		return []string{"migrate", "--from", "sqlite:" + database(from)}
	}
	first := s.CopyOf(t)
	to := withPostgres(t, first, p)
	all := moments(t, to, lasting+",write", evidence.Choose(5, 50), move(first)...)
	name := to.DatabaseName()
	killed, moved, halves := 0, 0, 0
	for _, m := range all {
		from := s.CopyOf(t)
		p.Exec(t, "postgres", "DROP DATABASE "+name)
		p.Exec(t, "postgres", "CREATE DATABASE "+name+" OWNER "+name+" TEMPLATE template0 STRATEGY file_copy")
		if strike(t, to, m, lasting+",write", move(from)...) {
			killed++
		}
		harness.Eventually(t, patience, "PostgreSQL has noticed", func() bool {
			return postgrestest.Query[int](t, p, "postgres", "SELECT count(*)::int FROM pg_stat_activity WHERE datname = '"+name+"'") == 0
		})
		here, there := takesChanges(t, from), takesChanges(t, to)
		switch {
		case here && there:
			t.Errorf("killed at %v: both take changes", m)
		case here:
		case there:
			moved++
		default:
			halves++ // until the move is ended, for then nothing is lost either way
		}
		if r := run(t, to, move(from)...); r.Code != 0 && !there {
			t.Errorf("killed at %v: the same command ends so: exit code %d\n%s", m, r.Code, r.Stderr)
		}
		refuse(t, from, []string{"moved to another database"}, "key", "list")
		if !takesChanges(t, to) {
			t.Errorf("killed at %v, moved again: the new database takes no changes", m)
		}
		holds(t, to, key)
	}
	evidence.Row{Rule: "R-69", What: "kill -9 of a move", Times: killed,
		Note: fmt.Sprintf("of %d moves: %d had moved, %d were between", len(all), moved, halves)}.Report(t)
}

// takesChanges tries one.
func takesChanges(t *testing.T, in *harness.Installation) bool {
	t.Helper()
	r := run(t, in, "merchant", "update", "4259", "--name", rand.Text())
	if r.Code != 0 && r.Code != 1 {
		t.Errorf("a change: exit code %d\n%s", r.Code, r.Stderr)
	}
	return r.Code == 0
}
