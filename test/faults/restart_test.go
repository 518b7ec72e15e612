package faults

import (
	"syscall"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/harness"
)

// PostgreSQL ends at once and starts again, under load and changes. No
// token request fails, no acknowledged change is lost, changes are taken soon
// after PostgreSQL is, and nodes do not storm it with connections.
func TestRestartsOfPostgreSQLLoseNothing(t *testing.T) {
	short(t)
	c := harness.NewCluster(t, harness.ClusterOptions{})
	key := c.SeedKey(t)
	w := newClusterWork(t, c)
	o := outcome{rule: "R-20", fault: "PostgreSQL ends at once and starts again"}
	connections := watchConnections(t, c)
	tokens := startLoad(t, c.Installation, key, choose(100, 400))
	endWriters := w.begin(t, choose(2, 4))
	revokers := startRevokers(t, c)
	for range choose(3, 20) {
		<-time.After(choose(time.Second, 15*time.Second)) // of ordinary work
		if err := c.Postgres.Stop(syscall.SIGQUIT); err != nil {
			t.Fatal(err)
		}
		if err := c.Postgres.Restart(); err != nil {
			t.Fatal(err)
		}
		accepts := time.Now()
		first := latest(w.firstAfter(t, accepts), revokers.firstAfter(t, accepts))
		o.times++
		o.recovers(t, first.Sub(accepts), 2*time.Second)
	}
	endWriters()
	o.note = "recovery is the slowest of both nodes and commands"
	revokers.into(t, &o, c)
	tokens.into(t, &o, nil)
	connections.into(t, &o, len(c.Nodes))
	w.into(t, &o, c)
	o.report(t)
}
