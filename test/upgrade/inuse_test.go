package upgrade

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tokenwright/tokenwright/internal/postgrestest"
	"github.com/tokenwright/tokenwright/test/harness"
)

// a migration gives way to those who use its tables: it does not keep up who comes
// behind it, and somebody who reads in another order than it writes is not the one whom
// PostgreSQL ends for a deadlock. It is done once they have gone.
func TestAMigrationGivesWayToWhoUsesItsTables(t *testing.T) {
	t.Parallel()
	harness.Need(t, "psql")
	p := postgrestest.Start(t, "fsync=off")
	in := harness.NewOnPostgres(t, p)
	in.Binary = nextRelease(t)
	s := restored(t, "postgres", in)
	done := func() bool {
		return in.Lines(t, "SELECT count(*)::text FROM goose_db_version WHERE version_id = 90001")[0] == "1"
	}

	ctx := context.Background()
	reader, err := pgx.Connect(ctx, in.DatabaseURL())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = reader.Close(ctx) }()
	read := func(query string) {
		t.Helper()
		var n int
		if err := reader.QueryRow(ctx, query).Scan(&n); err != nil {
			t.Errorf("%s: %v", query, err)
		}
	}
	read("SELECT 1")
	if _, err := reader.Exec(ctx, "BEGIN"); err != nil {
		t.Fatal(err)
	}
	// Migration 90001 changes merchants first, and events last.
	read("SELECT count(*) FROM events")
	ended := make(chan harness.Result, 1)
	go func() { ended <- in.Finish(t, in.Command(ctx, "migrate")) }()
	// First it has merchants, and gives them back; then it comes no further than these.
	for range 3 {
		harness.Eventually(t, 30*time.Second, "the migration waits for the reader", func() bool {
			return postgrestest.Query[int](t, p, "postgres",
				"SELECT count(*)::int FROM pg_stat_activity WHERE application_name = 'tokenwright migrate' AND wait_event_type = 'Lock'") > 0
		})
		read("SELECT count(*) FROM merchants")
		if got := in.Lines(t, "SELECT count(*)::text FROM merchants"); len(got) != 1 {
			t.Errorf("somebody behind the migration reads %q", got)
		}
	}
	if done() {
		t.Error("the migration is done, though a table was in use: this has tested nothing")
	}
	if _, err := reader.Exec(ctx, "COMMIT"); err != nil {
		t.Fatal(err)
	}
	if r := <-ended; r.Code != 0 {
		t.Errorf("the migration: exit code %d: %s", r.Code, r.Stderr)
	}
	if !done() {
		t.Error("the migration is not done")
	}
	checkWorks(t, in, s)
}
