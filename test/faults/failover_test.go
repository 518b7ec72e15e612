package faults

import (
	"syscall"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/postgrestest"
	"github.com/tokenwright/tokenwright/test/evidence"
	"github.com/tokenwright/tokenwright/test/harness"
)

// the server of the database is killed and its synchronous standby
// promoted, under load and changes. Nodes have both hosts in their URL and go to
// the one that takes changes; nothing that was acknowledged is lost.
func TestPromotingASynchronousStandbyLosesNothing(t *testing.T) {
	evidence.Short(t)
	primary := postgrestest.Start(t)
	standby := primary.Standby(t)
	waitForStandby(t, primary)
	c := harness.NewCluster(t, harness.ClusterOptions{Postgres: primary, Standby: standby})
	key := c.SeedKey(t)
	w := newClusterWork(t, c)
	o := evidence.Row{Rule: "R-21", What: "the primary is killed, its synchronous standby promoted"}
	tokens := evidence.StartLoad(t, c.Installation, key, evidence.Choose(100, 400))
	endWriters := w.begin(t, evidence.Choose(2, 4))
	revokers := startRevokers(t, c)
	for range evidence.Choose(1, 20) {
		<-time.After(evidence.Choose(time.Second, 5*time.Second)) // of ordinary work
		killed := time.Now()
		if err := primary.Stop(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		standby.Exec(t, "postgres", "SELECT pg_promote()")
		first := latest(w.firstAfter(t, killed), revokers.firstAfter(t, killed))
		o.Times++
		o.Recovers(t, first.Sub(killed), 10*time.Second)
		primary, standby = standby, primary
		if err := standby.FollowAgain(primary); err != nil {
			t.Fatal(err)
		}
		waitForStandby(t, primary)
	}
	endWriters()
	o.Note = "recovery is the slowest of both nodes and commands, from the kill"
	revokers.into(t, &o, c)
	tokens.Into(t, &o, nil)
	c.Postgres = primary
	c.UsePostgres(primary)
	w.into(t, &o, c)
	o.Report(t)
}

// waitForStandby lets commits on the primary wait for its standby, and waits
// until that has caught up.
func waitForStandby(t *testing.T, primary *postgrestest.Server) {
	t.Helper()
	primary.Exec(t, "postgres", "ALTER SYSTEM SET synchronous_standby_names TO '*'")
	primary.Exec(t, "postgres", "SELECT pg_reload_conf()")
	harness.Eventually(t, 30*time.Second, "the standby is synchronous", func() bool {
		return postgrestest.Query[int](t, primary, "postgres",
			"SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming' AND sync_state = 'sync'") == 1
	})
}

// a standby that lacks what was acknowledged is another history.
// Every node notices, says nothing while it reads it anew, and then goes by it.
func TestAnotherHistoryAfterFailoverIsNoticed(t *testing.T) {
	evidence.Short(t)
	primary := postgrestest.Start(t)
	standby := primary.Standby(t)
	c := harness.NewCluster(t, harness.ClusterOptions{Postgres: primary, Standby: standby})
	key := c.SeedKey(t)
	harness.Eventually(t, 30*time.Second, "the standby has it all", func() bool {
		return postgrestest.Query[bool](t, primary, "postgres",
			"SELECT coalesce(bool_and(replay_lsn = pg_current_wal_lsn()), false) FROM pg_stat_replication")
	})
	if err := standby.Stop(syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	lostKey := c.NewKey(t)
	c.CLI(t, "key", "disable", key.ClientID) // which is lost as well
	if err := primary.Stop(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := standby.Restart(); err != nil {
		t.Fatal(err)
	}
	standby.Exec(t, "postgres", "SELECT pg_promote()")
	began := time.Now()
	o := evidence.Row{Rule: "R-21", What: "a standby without the last changes is promoted", Times: 1}
	for _, node := range c.Nodes {
		harness.Eventually(t, 30*time.Second, "the node goes by the history of the standby", func() bool {
			return node.Works(t, key) && !node.Works(t, lostKey)
		})
		if len(node.Records(t, "the database has another history; reading it anew")) == 0 {
			t.Error("the node does not say that it reads another history")
		}
	}
	o.Recovers(t, time.Since(began), 10*time.Second)
	o.Report(t)
}
