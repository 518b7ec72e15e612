package store

import (
	"database/sql"
	"time"
)

// Pool is the state of a pool of connections, or of the queue of changes before it.
type Pool struct {
	Name             string        // read or write; "all" where one serves both; follow; or "changes"
	Max, InUse, Idle int           // 0 of changes, which are no connections
	Waits            int64         // how often a connection was waited for
	Waited           time.Duration // for how long, in all
}

// Pools returns the state of every pool, and last how long changes have waited for
// those before them. It asks nobody.
func (s *Store) Pools() []Pool {
	pools := []Pool{poolOf("all", s.write), poolOf("follow", s.follow)}
	if s.read != s.write {
		pools = []Pool{poolOf("read", s.read), poolOf("write", s.write)}
	}
	return append(pools, Pool{Name: "changes", Waits: s.waits.Load(), Waited: time.Duration(s.waited.Load())})
}

func poolOf(name string, db *sql.DB) Pool {
	stats := db.Stats()
	return Pool{Name: name, Max: stats.MaxOpenConnections, InUse: stats.InUse, Idle: stats.Idle, Waits: stats.WaitCount, Waited: stats.WaitDuration}
}
