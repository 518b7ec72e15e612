package store

import (
	"database/sql"
	"time"
)

// Pool is the state of a pool of connections.
type Pool struct {
	Name             string // read or write; "all" where one serves both
	Max, InUse, Idle int
	Waits            int64         // how often a connection was waited for
	Waited           time.Duration // for how long, in all
}

// Pools returns the state of every pool. It asks nobody.
func (s *Store) Pools() []Pool {
	if s.read == s.write {
		return []Pool{poolOf("all", s.write)}
	}
	return []Pool{poolOf("read", s.read), poolOf("write", s.write)}
}

func poolOf(name string, db *sql.DB) Pool {
	stats := db.Stats()
	return Pool{Name: name, Max: stats.MaxOpenConnections, InUse: stats.InUse, Idle: stats.Idle, Waits: stats.WaitCount, Waited: stats.WaitDuration}
}
