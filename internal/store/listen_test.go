package store

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/postgrestest"
)

// A connection on which nothing comes is asked whether it is alive, and stays.
func TestPostgresListensThroughSilence(t *testing.T) {
	t.Parallel() // it waits for longer than listenCheck
	url := postgrestest.Shared(t).Database(t)
	s, other := openPostgres(t, url), openPostgres(t, url)
	initialize(t, other)
	c := session(t, url)
	told, ended := make(chan struct{}, 100), make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer close(ended)
		s.Listen(ctx, func() { told <- struct{}{} })
	}()
	<-told // that it listens
	pid := listener(t, c)
	await(t, c, "the connection is asked", 1, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query = '-- ping'`)
	if now := listener(t, c); now != pid {
		t.Errorf("process %d listens, then process %d", pid, now)
	}
	addMerchant(t, other, "acme")
	<-told
	cancel()
	<-ended
}

// what a command writes is heard of, and so is the next write after it.
func TestSQLiteHearsOfWhatOthersWrite(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	s, other := openStore(t, path), openStore(t, path)
	initialize(t, other)
	told, ended := make(chan struct{}, 1000), make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer close(ended)
		s.Listen(ctx, func() { told <- struct{}{} })
	}()
	<-told // of what was there
	for _, id := range []authority.MerchantID{"acme", "bolt"} {
		addMerchant(t, other, id)
		<-told
	}
	cancel()
	<-ended
}

func listener(t *testing.T, c *pgx.Conn) int {
	return number(t, c, `SELECT max(pid) FROM pg_stat_activity WHERE datname = current_database() AND (query LIKE 'LISTEN%' OR query = '-- ping')`)
}
