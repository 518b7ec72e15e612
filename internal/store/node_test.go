package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// C-464: a node is listed as it told of itself last, until it ends or was not
// heard of for long.
func testNodes(t *testing.T, s authority.Store) {
	initialize(t, s)
	node := func(id string, started, seen time.Duration) *authority.Node {
		return &authority.Node{ID: id, NodeInfo: authority.NodeInfo{Version: "v" + id, Host: "h" + id}, StartedAt: at.Add(started), SeenAt: at.Add(seen),
			EventSeq: 7 + int64(seen), CurrentAt: at.Add(seen - time.Millisecond)}
	}
	keep := func(n *authority.Node) {
		t.Helper()
		must(t, s.KeepNode(t.Context(), n, n.SeenAt.Add(-time.Hour)))
	}
	list := func(want ...*authority.Node) {
		t.Helper()
		got, err := s.Nodes(t.Context())
		must(t, err)
		all := []authority.Node{}
		for _, n := range want {
			all = append(all, *n)
		}
		wantEqual(t, fmt.Sprint(len(want), " nodes"), got, all)
	}
	list()
	b, a := node("b", time.Minute, time.Minute), node("a", time.Second, time.Minute)
	keep(b)
	keep(a)
	list(a, b)
	b = node("b", time.Minute, 61*time.Minute)
	keep(b)
	list(a, b) // an hour is not over yet
	b = node("b", time.Minute, 61*time.Minute+time.Millisecond)
	keep(b)
	list(b)
	must(t, s.RemoveNode(t.Context(), "a"))
	list(b)
	must(t, s.RemoveNode(t.Context(), "b"))
	list()
}
