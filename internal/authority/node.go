package authority

import (
	"context"
	"fmt"
	"time"
)

const (
	// nodeInterval is how often a server tells that it is at work.
	nodeInterval = 15 * time.Second
	// nodeSilence is after how long without a word it is taken for gone: a word or
	// two may be late.
	nodeSilence = 3 * nodeInterval
	// nodeMemory is how long one that went without a word is still listed.
	nodeMemory = 24 * time.Hour
)

// NodeInfo is what a server says of itself.
type NodeInfo struct {
	Version string
	Host    string // the machine's name
}

// Node is a server at work on the installation. What it was last heard of is
// up to 15 s old.
type Node struct {
	ID string // of the running process: another one after each start
	NodeInfo
	StartedAt time.Time
	SeenAt    time.Time // when it told of itself last, by its own clock
	EventSeq  int64     // number of the last event in its directory, then
	CurrentAt time.Time // up to when its directory knew of every change, then
}

// Staleness is how old the directory was when the node told of itself.
func (n *Node) Staleness() time.Duration { return n.SeenAt.Sub(n.CurrentAt) }

// Silent tells whether the node has not told of itself for so long that it may be
// gone: killed, or cut off from the database.
func (n *Node) Silent(now time.Time) bool { return now.Sub(n.SeenAt) > nodeSilence }

// Nodes returns the servers at work, the oldest first: those that ended without a
// word are among them for a day. Errors: ErrNotFound for an actor of one merchant.
func (a *Authority) Nodes(ctx context.Context, actor Actor) ([]Node, error) {
	if err := actor.mayOfAll(SigningKeysRead); err != nil {
		return nil, err
	}
	list, err := a.store.Nodes(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the nodes: %w", err)
	}
	return list, nil
}

// tellOfNode writes that this server is at work, and forgets those that have not
// been heard of for long.
func (a *Authority) tellOfNode(ctx context.Context) error {
	d := a.directory.Load()
	if d == nil || d.currentAt.Load() == nil {
		return nil
	}
	n := a.self
	n.SeenAt, n.EventSeq, n.CurrentAt = a.now(), d.seq.Load(), d.currentAt.Load().UTC().Truncate(time.Millisecond)
	if err := a.store.KeepNode(ctx, &n, n.SeenAt.Add(-nodeMemory)); err != nil {
		return fmt.Errorf("writing the row of node %s: %w", n.ID, err)
	}
	return nil
}
