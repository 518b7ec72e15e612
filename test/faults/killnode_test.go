package faults

import (
	"syscall"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/harness"
)

// R-10 of several nodes: one is killed in the midst of changes, and another time
// the other. Who asks HAProxy for tokens does not notice, no acknowledged change is
// lost, and what the killed node held in the database keeps nobody up.
func TestKillOfANodeLosesNothingAcknowledged(t *testing.T) {
	short(t)
	c := harness.NewCluster(t, harness.ClusterOptions{})
	key := c.SeedKey(t)
	w := newClusterWork(t, c)
	w.databaseFails = false // a command beside a killed node has no reason to fail
	o := outcome{rule: "R-10", fault: "kill -9 of a node"}
	tokens := startLoad(t, c.Installation, key, choose(100, 400))
	endWriters := w.begin(t, 2)
	for n := range choose(4, 50) {
		node := c.Nodes[n%2]
		changes := startRevoker(t, node.Installation, c.NewKey(t), time.Millisecond)
		changes.firstAfter(t, time.Now())
		node.Signal(t, syscall.SIGKILL)
		killed := time.Now()
		node.WaitFor(t, time.Minute)
		o.recovers(t, w.firstAfter(t, killed).Sub(killed), 3*time.Second)
		<-time.After(choose(200*time.Millisecond, 3*time.Second)) // before HAProxy has noticed, or behind
		c.StartNode(t, n%2)
		harness.Eventually(t, 30*time.Second, "HAProxy sends requests to the node again", func() bool {
			return c.Nodes[n%2].Metric(t, "tokenwright_tokens_issued_total") > 0
		})
		o.times++
		changes.lostInto(t, &o, c.Nodes...)
	}
	endWriters()
	tokens.into(t, &o, nil)
	o.note = "recovery is the time until a command is acknowledged"
	w.into(t, &o, c)
	o.report(t)
}
