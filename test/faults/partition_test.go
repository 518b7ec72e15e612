package faults

import (
	"fmt"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/evidence"
	"github.com/tokenwright/tokenwright/test/harness"
)

// partition is one way to part a node and its database for a while.
type partition struct {
	cut  string
	span time.Duration
}

// partitions are each way once, or fifty of them: as many of each span in each way.
func partitions() []partition {
	spans := evidence.Choose([]int{5}, []int{5, 5, 5, 5, 5, 5, 15, 15, 40, 60})
	var list []partition
	for _, seconds := range spans {
		for _, cut := range harness.Cuts {
			list = append(list, partition{cut, time.Duration(seconds) * time.Second})
		}
	}
	return list
}

func longest() (span time.Duration) {
	for _, p := range partitions() {
		span = max(span, p.span)
	}
	return span
}

// a node and its database are parted, in a network of their own. The node
// issues tokens for max_staleness, then says that it cannot; it refuses changes
// soon; and it is itself again soon after. Who asks the other node, or HAProxy,
// does not notice.
func TestPartitionFromTheDatabaseIsOneNodesMatter(t *testing.T) {
	evidence.Short(t)
	const staleness = 30 * time.Second
	c := harness.NewCluster(t, harness.ClusterOptions{Network: harness.NewNetwork(t), Config: fmt.Sprintf("max_staleness: %s\n", staleness)})
	key := c.SeedKey(t)
	others := askOthers(t, c, key)
	rows := map[string]*evidence.Row{}
	for _, p := range partitions() {
		o := rows[p.cut]
		if o == nil {
			o = &evidence.Row{Rule: "R-22", What: "partition of a node: " + p.cut}
			rows[p.cut] = o
		}
		p.happen(t, o, c, key, staleness)
		others.row.Times++
	}
	for _, cut := range harness.Cuts {
		rows[cut].Report(t)
	}
	others.report(t, c, staleness)
}

// others are those who do not ask the node that is parted from its database.
type others struct {
	row                  evidence.Row
	throughProxy, atNode *evidence.Load
	changes              *revoker // at the other node
}

func askOthers(t *testing.T, c *harness.Cluster, key harness.APIKey) *others {
	t.Helper()
	return &others{
		row:          evidence.Row{Rule: "R-22", What: "partitions of the other node"},
		throughProxy: evidence.StartLoad(t, c.Installation, key, evidence.Choose(50, 200)),
		atNode:       evidence.StartLoad(t, c.Nodes[1].Installation, key, evidence.Choose(50, 100)),
		changes:      startRevoker(t, c.Nodes[1].Installation, c.NewKey(t), aMoment),
	}
}

func (o *others) report(t *testing.T, c *harness.Cluster, staleness time.Duration) {
	t.Helper()
	passedOn := 0 // in the moment that HAProxy takes to notice that the node is stale
	o.throughProxy.Into(t, &o.row, func(f evidence.Failure) bool {
		allowed := f.Unavailable() && longest() > staleness
		if allowed {
			passedOn++
		}
		return allowed
	})
	if limit := o.throughProxy.Asked / 100; passedOn > limit {
		t.Errorf("HAProxy has passed on %d answers of a stale node, more than %d", passedOn, limit)
	}
	o.atNode.Into(t, &o.row, nil)
	o.changes.into(t, &o.row, c.Nodes...)
	o.row.Failed += len(o.changes.failed)
	for _, f := range o.changes.failed {
		t.Errorf("a change at the other node was refused at %s", f)
	}
	o.row.Note = fmt.Sprintf("asked by HAProxy and at the other node; %d changes there, all made; %d answers 503 by HAProxy before it had noticed that the node was stale",
		len(o.changes.revoked), passedOn)
	o.row.Report(t)
}

// happen parts the first node and the database, and judges what its clients meet.
func (p partition) happen(t *testing.T, o *evidence.Row, c *harness.Cluster, key harness.APIKey, staleness time.Duration) {
	t.Helper()
	node := c.Nodes[0]
	doomed := c.NewKey(t)
	tokens := evidence.StartLoad(t, node.Installation, key, evidence.Choose(50, 100))
	changes := startRevoker(t, node.Installation, c.NewKey(t), aMoment)
	changes.firstAfter(t, time.Now())
	heal := c.Network.Cut(t, p.cut)
	began := time.Now()
	c.CLI(t, "key", "delete", doomed.ClientID, "--yes")
	<-time.After(time.Until(began.Add(p.span)))
	heal()
	healed := time.Now()
	harness.Eventually(t, time.Minute, "the node refuses what was deleted meanwhile", func() bool { return node.Refuses(t, doomed) })
	refuses := time.Now()
	again := tokens.Recovered(t, healed)
	for _, at := range []time.Time{changes.firstAfter(t, healed), refuses} {
		if at.After(again) {
			again = at
		}
	}
	o.Times++
	o.Recovers(t, again.Sub(healed), 3*time.Second)
	stale := 0
	tokens.Into(t, o, func(f evidence.Failure) bool { // the directory may have been half a second old when it began
		allowed := f.Unavailable() && f.At.After(began.Add(staleness-time.Second)) && f.At.Before(again)
		if allowed {
			stale++
		}
		return allowed
	})
	if late := p.span - staleness; late > 5*time.Second && stale == 0 {
		t.Errorf("%s: the node has issued tokens for longer than %s", o.What, staleness)
	}
	changes.into(t, o, c.Nodes...)
}
