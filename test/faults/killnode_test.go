package faults

import (
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/harness"
)

// R-10 of several nodes: one is killed in the midst of changes, and another time
// the other. No acknowledged change is lost, what the killed node held in the
// database keeps nobody up, and HAProxy asks the other one: what may fail is
// what was under way.
func TestKillOfANodeLosesNothingAcknowledged(t *testing.T) {
	short(t)
	c := harness.NewCluster(t, harness.ClusterOptions{})
	key := c.SeedKey(t)
	w := newClusterWork(t, c)
	w.databaseFails = false // a command beside a killed node has no reason to fail
	o := outcome{rule: "R-10", fault: "kill -9 of a node"}
	tokens := startLoad(t, c.Installation, key, choose(100, 400))
	endWriters := w.begin(t, 2)
	var kills []time.Time
	for n := range choose(4, 50) {
		node := c.Nodes[n%2]
		changes := startRevoker(t, node.Installation, c.NewKey(t), time.Millisecond)
		changes.firstAfter(t, time.Now())
		node.Signal(t, syscall.SIGKILL)
		killed := time.Now()
		kills = append(kills, killed)
		o.recovers(t, w.firstAfter(t, killed).Sub(killed), 3*time.Second)
		changes.end()
		<-time.After(choose(200*time.Millisecond, 3*time.Second)) // before HAProxy has noticed, or behind
		c.StartNode(t, n%2)
		harness.Eventually(t, 30*time.Second, "HAProxy sends requests to the node again", func() bool {
			return c.Nodes[n%2].Metric(t, "tokenwright_tokens_issued_total") > 0
		})
		o.times++
		changes.lostInto(t, &o, c.Nodes...)
	}
	endWriters()
	underWay := 0
	tokens.into(t, &o, func(f failure) bool {
		unanswered := !f.wrong() && slices.ContainsFunc(kills, func(k time.Time) bool {
			return f.at.Add(f.took).After(k) && f.at.Before(k.Add(time.Second))
		})
		if unanswered {
			underWay++
		}
		return unanswered
	})
	if underWay > 10*o.times {
		t.Errorf("%d requests were not answered at %d kills", underWay, o.times)
	}
	o.note = fmt.Sprintf("%d requests that were under way had no answer; recovery is the time until a command is acknowledged", underWay)
	w.into(t, &o, c)
	o.report(t)
}
