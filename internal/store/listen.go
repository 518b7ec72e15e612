package store

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/jackc/pgx/v5"
)

// notify wakes the other nodes once the transaction is committed. A database
// has one installation in each schema; that of another wakes in vain.
const notify = `SELECT pg_notify('tokenwright', '')`

const (
	listenPause = 250 * time.Millisecond // before another connection, doubled up to
	listenMax   = 5 * time.Second
	listenCheck = 10 * time.Second // of a connection that is silent
)

// Listen implements authority.Store.
func (s *Store) Listen(ctx context.Context, changed func()) {
	if s.listener == nil {
		s.watch(ctx, changed)
		return
	}
	for pause := listenPause; ctx.Err() == nil; pause = min(2*pause, listenMax) {
		if listen(ctx, s.listener, changed) {
			pause = listenPause
		}
		select {
		case <-ctx.Done():
		case <-time.After(jitter(pause)):
		}
	}
}

// listen tells of changes on one connection until it fails, and whether it ever
// listened.
func listen(ctx context.Context, config *pgx.ConnConfig, changed func()) (listened bool) {
	c, err := pgx.ConnectConfig(ctx, config.Copy())
	if err != nil {
		return false
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = c.Close(ctx)
	}()
	if _, err := c.Exec(ctx, `LISTEN tokenwright`); err != nil {
		return false
	}
	for changed(); ; { // what was announced before is lost
		silent, cancel := context.WithTimeout(ctx, listenCheck)
		_, err := c.WaitForNotification(silent)
		if err != nil && errors.Is(silent.Err(), context.DeadlineExceeded) && ctx.Err() == nil {
			err = ping(ctx, c)
		} else if err == nil {
			changed()
		}
		cancel()
		if err != nil {
			return true
		}
	}
}

// watchInterval is how often the write-ahead log is looked at. Who has made an API key
// by a command asks for a token with the next one.
const watchInterval = 20 * time.Millisecond

// settling is how long a commit may take to be seen once it stands in the log, for it
// is synchronised with the disk in between. Some disks take a tenth of a second.
const settling = time.Second

// watch tells of writes to the embedded database, by whomever, until ctx is done: each
// is appended to the write-ahead log, or begins it anew. To ask SQLite every time would
// cost a hundred times as much. Nothing shows when a write can be seen, nor a second
// one within one tick of the file system's clock, so each is told of for as long as
// that may take.
func (s *Store) watch(ctx context.Context, changed func()) {
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	var size int64
	var at, settled time.Time
	for {
		now := time.Now()
		if info, err := os.Stat(s.log); err == nil && (info.Size() != size || !info.ModTime().Equal(at)) {
			size, at, settled = info.Size(), info.ModTime(), now.Add(settling)
		}
		if now.Before(settled) {
			changed()
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func ping(ctx context.Context, c *pgx.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	return c.Ping(ctx)
}
