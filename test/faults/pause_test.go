package faults

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/postgrestest"
	"github.com/tokenwright/tokenwright/test/evidence"
	"github.com/tokenwright/tokenwright/test/harness"
)

// every process of PostgreSQL is stopped where it is, and goes on: its
// connections stand, and nobody answers on them.
func TestTokensGoOnWhilePostgreSQLIsPaused(t *testing.T) {
	evidence.Short(t)
	paused := evidence.Choose(6*time.Second, 10*time.Second)
	c := harness.NewCluster(t, harness.ClusterOptions{})
	key := c.SeedKey(t)
	o := evidence.Row{Rule: "R-26", What: fmt.Sprintf("PostgreSQL is paused for %s", paused)}
	tokens := evidence.StartLoad(t, c.Installation, key, evidence.Choose(100, 400))
	revokers := startRevokers(t, c)
	for range evidence.Choose(1, 5) {
		resume, err := c.Postgres.Pause()
		if err != nil {
			t.Fatal(err)
		}
		<-time.After(paused)
		if err := resume(); err != nil {
			t.Fatal(err)
		}
		resumed := time.Now()
		o.Times++
		o.Recovers(t, revokers.firstAfter(t, resumed).Sub(resumed), 3*time.Second)
	}
	tokens.Into(t, &o, nil)
	if refused := revokers.into(t, &o, c); refused == 0 {
		t.Error("no change was refused: this run has tested nothing")
	}
	o.Report(t)
}

// a node is stopped where it is, in the midst of changes, and goes on with
// what it knew: it soon refuses what was deleted meanwhile. Whatever it holds
// in the database does not keep others from their changes.
func TestPausedNodeHoldsNobodyUpAndForgetsNothing(t *testing.T) {
	evidence.Short(t)
	paused := evidence.Choose(6*time.Second, 30*time.Second)
	c := harness.NewCluster(t, harness.ClusterOptions{})
	key := c.SeedKey(t)
	node := c.Nodes[0]
	o := evidence.Row{Rule: "R-26", What: fmt.Sprintf("a node is paused for %s", paused)}
	tokens := evidence.StartLoad(t, c.Installation, key, evidence.Choose(100, 400))
	slowest := time.Duration(0)
	for range evidence.Choose(2, 5) {
		doomed := c.NewKey(t)
		var changes []*revoker // some at the same time, of which one has the lock and the others wait for it
		for range 4 {
			changes = append(changes, startRevoker(t, node.Installation, c.NewKey(t), time.Millisecond))
		}
		changes[0].firstAfter(t, time.Now())
		stopWithLock(t, c, node)
		stopped := time.Now()
		c.CLI(t, "key", "delete", doomed.ClientID, "--yes")
		slowest = max(slowest, time.Since(stopped))
		slowest = max(slowest, changeUntil(t, c, stopped.Add(paused)))
		node.Signal(t, syscall.SIGCONT)
		resumed := time.Now()
		harness.Eventually(t, time.Minute, "the resumed node refuses what was deleted meanwhile", func() bool { return node.Refuses(t, doomed) })
		o.Times++
		o.Recovers(t, time.Since(resumed), harness.Propagation)
		for _, r := range changes {
			r.lostInto(t, &o, c.Nodes...)
		}
	}
	tokens.Into(t, &o, nil)
	evidence.Within(t, "a change beside a paused node", slowest, 3*time.Second)
	o.Note = fmt.Sprintf("the slowest change beside it took %s; recovery is the time until the node refuses what was deleted meanwhile", evidence.Milliseconds(slowest))
	o.Report(t)
}

// stopWithLock stops a node that is busy with changes where it is, at a moment
// at which it has written, and so locked, something in the database.
func stopWithLock(t *testing.T, c *harness.Cluster, node *harness.Server) {
	t.Helper()
	harness.Eventually(t, time.Minute, "the node is stopped in a transaction", func() bool {
		node.Signal(t, syscall.SIGSTOP)
		<-time.After(20 * time.Millisecond) // for the statement under way, after which the database waits for the node
		writing := postgrestest.Query[int](t, c.Postgres, "postgres", `SELECT count(*) FROM pg_stat_activity
			WHERE application_name = 'tokenwright' AND state = 'idle in transaction' AND backend_xid IS NOT NULL`)
		if writing == 0 {
			node.Signal(t, syscall.SIGCONT)
			<-time.After(20 * time.Millisecond)
		}
		return writing > 0
	})
}

// changeUntil changes something again and again, and returns how long the
// slowest change took.
func changeUntil(t *testing.T, c *harness.Cluster, end time.Time) (slowest time.Duration) {
	t.Helper()
	for n := 0; n == 0 || time.Now().Before(end); n++ {
		began := time.Now()
		c.CLI(t, "merchant", "update", "4259", "--name", fmt.Sprintf("Acme %d", n))
		slowest = max(slowest, time.Since(began))
		<-time.After(200 * time.Millisecond)
	}
	return slowest
}
