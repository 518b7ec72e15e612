package authority_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// C-464: a server is in the list while it is at work, and takes itself out when
// it ends; one that is killed is silent there.
func TestNodesAreListedWhileTheyAreAtWork(t *testing.T) {
	h := New(t)
	h.merchant("4259")
	nodes := func() []authority.Node {
		list, err := h.Nodes(h.ctx, actor)
		h.must(err)
		return list
	}
	cfg := h.config
	cfg.Node = authority.NodeInfo{Version: "v1.2.3", Host: "one"}
	a := h.node(cfg)
	h.clock.advance(time.Second)
	ctx, stop := context.WithCancel(h.ctx)
	var running sync.WaitGroup
	running.Go(func() { a.Keep(ctx) })
	running.Go(func() { h.Keep(ctx) }) // is not told of itself, so it is not listed
	eventually(t, "the node is listed", func() bool { return len(nodes()) == 1 })
	n := nodes()[0]
	if n.NodeInfo != cfg.Node || n.EventSeq != 2 || !n.StartedAt.Equal(started) || !n.SeenAt.Equal(started.Add(time.Second)) ||
		n.Staleness() != time.Second || n.Silent(h.clock.now().Add(45*time.Second)) || !n.Silent(h.clock.now().Add(46*time.Second)) {
		t.Errorf("node %+v", n)
	}
	stop()
	running.Wait()
	if list := nodes(); len(list) != 0 {
		t.Errorf("after its end: %+v", list)
	}
}

// C-464
func TestNodesAreNotForOneMerchant(t *testing.T) {
	h := New(t)
	who := authority.Actor{Permissions: &authority.Permissions{Scopes: []string{authority.SigningKeysRead}, MerchantID: "4259"}}
	_, err := h.Nodes(h.ctx, who)
	wantError(t, "an actor of one merchant", err, authority.ErrNotFound)
	who.Permissions = &authority.Permissions{Scopes: []string{authority.EventsRead}}
	if _, err := h.Nodes(h.ctx, who); !errors.As(err, new(*authority.ForbiddenError)) {
		t.Errorf("an actor without the scope: %v", err)
	}
}
