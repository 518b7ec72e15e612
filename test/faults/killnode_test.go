package faults

import (
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/evidence"
	"github.com/tokenwright/tokenwright/test/harness"
)

// R-10 of several nodes: one is killed in the midst of changes, and another time
// the other. No acknowledged change is lost, what the killed node held in the
// database keeps nobody up, and HAProxy asks the other one: what may fail is
// what was under way.
func TestKillOfANodeLosesNothingAcknowledged(t *testing.T) {
	evidence.Short(t)
	c := harness.NewCluster(t, harness.ClusterOptions{})
	key := c.SeedKey(t)
	w := newClusterWork(t, c)
	w.databaseFails = false // a command beside a killed node has no reason to fail
	o := evidence.Row{Rule: "R-10", What: "kill -9 of a node"}
	tokens := evidence.StartLoad(t, c.Installation, key, evidence.Choose(100, 400))
	endWriters := w.begin(t, 2)
	var kills []time.Time
	for n := range evidence.Choose(4, 50) {
		node := c.Nodes[n%2]
		changes := startRevoker(t, node.Installation, c.NewKey(t), time.Millisecond)
		changes.firstAfter(t, time.Now())
		node.Signal(t, syscall.SIGKILL)
		killed := time.Now()
		kills = append(kills, killed)
		o.Recovers(t, w.firstAfter(t, killed).Sub(killed), 3*time.Second)
		changes.end()
		<-time.After(evidence.Choose(200*time.Millisecond, 3*time.Second)) // before HAProxy has noticed, or behind
		c.StartNode(t, n%2)
		harness.Eventually(t, 30*time.Second, "HAProxy sends requests to the node again", func() bool {
			return c.Nodes[n%2].Metric(t, "tokenwright_tokens_issued_total") > 0
		})
		o.Times++
		changes.lostInto(t, &o, c.Nodes...)
	}
	endWriters()
	underWay := 0
	tokens.Into(t, &o, func(f evidence.Failure) bool {
		unanswered := !f.Wrong() && slices.ContainsFunc(kills, func(k time.Time) bool {
			return f.At.Add(f.Took).After(k) && f.At.Before(k.Add(time.Second))
		})
		if unanswered {
			underWay++
		}
		return unanswered
	})
	if underWay > 10*o.Times {
		t.Errorf("%d requests were not answered at %d kills", underWay, o.Times)
	}
	o.Note = fmt.Sprintf("%d requests that were under way had no answer; recovery is the time until a command is acknowledged", underWay)
	w.into(t, &o, c)
	o.Report(t)
}
