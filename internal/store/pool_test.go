package store

import (
	"context"
	"runtime"
	"testing"

	"github.com/tokenwright/tokenwright/internal/postgrestest"
)

func TestPoolsTellOfConnectionsInUse(t *testing.T) { // C-350
	s := openStore(t, newPath(t))
	pool := func(name string) Pool {
		t.Helper()
		for _, p := range s.Pools() {
			if p.Name == name {
				return p
			}
		}
		t.Fatalf("there is no pool %s", name)
		return Pool{}
	}
	if write := pool("write"); write.Max != 1 || write.InUse != 0 {
		t.Errorf("write: %+v", write)
	}
	c, err := s.write.Conn(t.Context())
	must(t, err)
	if write, read := pool("write"), pool("read"); write.InUse != 1 || write.Idle != 0 || read.InUse != 0 || read.Max < 4 {
		t.Errorf("with a connection taken: write %+v, read %+v", write, read)
	}
	waited := make(chan error)
	go func() {
		other, err := s.write.Conn(t.Context())
		if err == nil {
			err = other.Close()
		}
		waited <- err
	}()
	for pool("write").Waits == 0 { // until the other one is waiting
		runtime.Gosched()
	}
	must(t, c.Close())
	must(t, <-waited)
	if write := pool("write"); write.InUse != 0 || write.Waits != 1 || write.Waited <= 0 {
		t.Errorf("after a wait: %+v", write)
	}
}

func TestPostgresHasOnePoolAndAConnectionToFollow(t *testing.T) { // C-350
	s := openPostgres(t, postgrestest.Shared(t).Database(t))
	pools := s.Pools()
	if len(pools) != 3 || pools[0].Name != "all" || pools[0].Max != DefaultConnections || pools[1].Name != "follow" || pools[1].Max != 1 {
		t.Errorf("pools %+v, want one of %d connections and one of 1", pools, DefaultConnections)
	}
}

// C-557: changes wait in the process, before any connection, for the one that the
// database holds up; that is told as well.
func TestPoolsTellOfChangesThatWait(t *testing.T) {
	s := openStore(t, newPath(t))
	queue := func() Pool { pools := s.Pools(); return pools[len(pools)-1] }
	if got := queue(); got != (Pool{Name: "changes"}) {
		t.Errorf("at first: %+v", got)
	}
	must(t, s.takeTurn(t.Context()))
	if got := queue(); got.Waits != 0 {
		t.Errorf("without company: %+v", got)
	}
	waited := make(chan error)
	go func() { waited <- s.takeTurn(t.Context()) }()
	for queue().Waits == 0 { // until the other one is waiting
		runtime.Gosched()
	}
	<-s.turn
	must(t, <-waited)
	if got := queue(); got.Waits != 1 || got.Waited <= 0 || got.Max != 0 {
		t.Errorf("after a wait: %+v", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.takeTurn(ctx); err == nil || queue().Waits != 2 {
		t.Errorf("who gives up: %v, %+v", err, queue())
	}
}
