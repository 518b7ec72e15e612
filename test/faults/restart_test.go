package faults

import (
	"syscall"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/evidence"
	"github.com/tokenwright/tokenwright/test/harness"
)

// PostgreSQL ends at once and starts again, under load and changes. No
// token request fails, no acknowledged change is lost, changes are taken soon
// after PostgreSQL is, and nodes do not storm it with connections.
func TestRestartsOfPostgreSQLLoseNothing(t *testing.T) {
	evidence.Short(t)
	c := harness.NewCluster(t, harness.ClusterOptions{})
	key := c.SeedKey(t)
	w := newClusterWork(t, c)
	o := evidence.Row{Rule: "R-20", What: "PostgreSQL ends at once and starts again"}
	connections := watchConnections(t, c)
	tokens := evidence.StartLoad(t, c.Installation, key, evidence.Choose(100, 400))
	endWriters := w.begin(t, evidence.Choose(2, 4))
	revokers := startRevokers(t, c)
	for range evidence.Choose(3, 20) {
		<-time.After(evidence.Choose(time.Second, 15*time.Second)) // of ordinary work
		if err := c.Postgres.Stop(syscall.SIGQUIT); err != nil {
			t.Fatal(err)
		}
		if err := c.Postgres.Restart(); err != nil {
			t.Fatal(err)
		}
		accepts := time.Now()
		first := latest(w.firstAfter(t, accepts), revokers.firstAfter(t, accepts))
		o.Times++
		o.Recovers(t, first.Sub(accepts), 2*time.Second)
	}
	endWriters()
	o.Note = "recovery is the slowest of both nodes and commands"
	revokers.into(t, &o, c)
	tokens.Into(t, &o, nil)
	connections.into(t, &o, len(c.Nodes))
	w.into(t, &o, c)
	o.Report(t)
}
