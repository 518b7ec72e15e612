package faults

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/postgrestest"
	"github.com/tokenwright/tokenwright/test/evidence"
	"github.com/tokenwright/tokenwright/test/harness"
)

// aMoment is the pause between changes that only have to be there.
const aMoment = 300 * time.Millisecond

// poolSize is the default of database_connections; one more hears of changes.
const poolSize = 10

// connections is the largest number that the nodes have had to the database.
type connections struct {
	most int
	stop context.CancelFunc
	done sync.WaitGroup
}

// watchConnections counts until the row is written. Commands, which have
// connections of their own, must say by PGAPPNAME that they are none of nodes.
func watchConnections(t *testing.T, c *harness.Cluster) *connections {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	w := &connections{stop: cancel}
	w.done.Go(func() {
		for ctx.Err() == nil {
			n, err := postgrestest.TryQuery[int](c.Postgres, "postgres", "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'tokenwright'")
			if err == nil { // else it is away
				w.most = max(w.most, n)
			}
			<-time.After(50 * time.Millisecond)
		}
	})
	return w
}

func (w *connections) into(t *testing.T, o *evidence.Row, nodes int) {
	t.Helper()
	w.stop()
	w.done.Wait()
	if w.most == 0 || w.most > nodes*(poolSize+1) {
		t.Errorf("%s: %d nodes have had %d connections", o.What, nodes, w.most)
	}
	o.Note += fmt.Sprintf("; at most %d connections of nodes", w.most)
}

// newClusterWork is the work of commands on a database that may fail. Their
// merchants have a limit that is not what they meet.
func newClusterWork(t *testing.T, c *harness.Cluster) *work {
	t.Helper()
	c.Environ = append(c.Environ, "PGAPPNAME=command")
	w := newWork(t, c.Installation)
	w.databaseFails = true
	for m := range merchants {
		c.CLI(t, "merchant", "update", merchantID(m), "--key-limit", "1000")
	}
	return w
}

// begin lets writers work until the function that it returns is called.
func (w *work) begin(t *testing.T, writers int) (end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for n := range writers {
		wg.Go(func() {
			for ctx.Err() == nil {
				w.step(context.WithoutCancel(ctx), t, merchantID(n))
				<-time.After(50 * time.Millisecond) // there are tests beside this one
			}
		})
	}
	return func() { cancel(); wg.Wait() }
}

// firstAfter returns when the first operation was acknowledged behind then.
func (w *work) firstAfter(t *testing.T, then time.Time) time.Time {
	t.Helper()
	var at time.Time
	harness.Eventually(t, time.Minute, "a command is acknowledged", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		at = w.last
		return at.After(then)
	})
	return at
}

// into compares, once the writers have ended, what was acknowledged with what
// the database holds and what every node does.
func (w *work) into(t *testing.T, o *evidence.Row, c *harness.Cluster) {
	t.Helper()
	done, notDone := w.settle(t)
	c.NewKey(t) // once it works on a node, so does all before it
	problems := halfDone(t, c.Installation)
	for _, node := range c.Nodes {
		problems = append(problems, lost(t, node.Installation, w.log)...)
	}
	for _, problem := range problems {
		o.Lost++
		t.Errorf("%s: %s", o.What, problem)
	}
	if w.done == 0 {
		t.Errorf("%s: no command was acknowledged: this run has tested nothing", o.What)
	}
	o.Note += fmt.Sprintf("; %d commands acknowledged, %d in doubt (%d done)", w.done, done+notDone, done)
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
