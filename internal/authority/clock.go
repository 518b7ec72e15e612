package authority

import (
	"context"
	"fmt"
	"time"
)

// clockInterval is how often the two clocks are compared. In between time goes by
// this machine's monotonic clock, which nobody sets.
const clockInterval = time.Minute

// clockReading is what the clock of the database showed, and this node's then.
type clockReading struct{ database, own time.Time }

// at is what the clock of the database shows when this node's shows now.
func (r *clockReading) at(now time.Time) time.Time { return r.database.Add(now.Sub(r.own)) }

// skew is how far this node's clock is before that of the database.
func (r *clockReading) skew(now time.Time) time.Duration { return now.Round(0).Sub(r.at(now)) } // Round: by the wall clock

// compareClocks reads the clock of the database. That the two differ by more than
// verifiers let clocks differ is told once, until they agree again.
func (a *Authority) compareClocks(ctx context.Context) error {
	if a.toldTime {
		return nil
	}
	database, err := a.store.Now(ctx)
	if err != nil {
		return fmt.Errorf("reading the clock of the database: %w", err)
	}
	r := &clockReading{database, a.clock()}
	a.databaseClock.Store(r)
	skew := r.skew(r.own)
	switch off := skew.Abs() > maxLeeway; {
	case off && !a.clocksDiffer.Swap(true):
		a.logger.Warn("the clocks of this node and of the database differ", "seconds", int64(skew.Seconds()))
	case !off && a.clocksDiffer.Swap(false):
		a.logger.Info("the clocks of this node and of the database agree again")
	}
	return nil
}

// passed is a time that has passed by the clock of this node and by that of the
// database. What a node does to all that others have, because its time is over,
// goes by it: by a clock that is ahead a revoked token has expired and need not be
// known any more, though it is alive, and so is a token of a signing key that is
// due to be removed.
func (a *Authority) passed() time.Time {
	now := a.clock()
	if r := a.databaseClock.Load(); r != nil {
		if database := r.at(now); database.Before(now) {
			return database
		}
	}
	return now
}

// ClockSkew is how far the clock of this node is before that of the database; 0
// while that is not known.
func (a *Authority) ClockSkew() time.Duration {
	r := a.databaseClock.Load()
	if r == nil {
		return 0
	}
	return r.skew(a.clock())
}
