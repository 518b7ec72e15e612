package main

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/tokenwright/tokenwright/internal/postgrestest"
)

// walMeter counts what is written into the write-ahead log of an SQLite database.
// The log begins anew again and again, so its size tells nothing: its index is
// looked at often enough that none of its lives is missed.
type walMeter struct {
	path string // of the database

	mu    sync.Mutex
	sum   counts
	last  walIndex
	known bool
}

// walIndex is the head of the -shm file (https://www.sqlite.org/walformat.html, 2.1.1).
type walIndex struct {
	change, frames uint32 // transactions and frames, of this life of the log
	page           int64  // bytes
	salt           uint64 // of this life
}

const (
	walFrameHeader = 24
	walInterval    = 2 * time.Millisecond
)

func readWALIndex(path string) (walIndex, error) {
	file, err := os.Open(path)
	if err != nil {
		return walIndex{}, err
	}
	defer file.Close()
	var head [96]byte // twice the same, or it is being written
	for range 1000 {
		if _, err := file.ReadAt(head[:], 0); err != nil {
			return walIndex{}, err
		}
		if [48]byte(head[:48]) == [48]byte(head[48:]) {
			page := int64(binary.NativeEndian.Uint16(head[14:]))
			if page == 1 {
				page = 65536
			}
			return walIndex{binary.NativeEndian.Uint32(head[8:]), binary.NativeEndian.Uint32(head[16:]), page, binary.NativeEndian.Uint64(head[32:])}, nil
		}
	}
	return walIndex{}, fmt.Errorf("%s is always being written", path)
}

// read returns what was counted until now.
func (m *walMeter) read() (counts, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now, err := readWALIndex(m.path + "-shm")
	if err != nil {
		return counts{}, err
	}
	if m.known {
		frames := int64(now.frames) - int64(m.last.frames)
		if now.salt != m.last.salt {
			frames = int64(now.frames)
		}
		m.sum.WAL += frames * (now.page + walFrameHeader)
		m.sum.Transactions += int64(now.change - m.last.change)
	}
	m.last, m.known = now, true
	return m.sum, nil
}

// watch looks again and again until the function that it returns is called.
func (m *walMeter) watch() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			_, _ = m.read() // whoever wants the figures is told of the error
			time.Sleep(walInterval)
		}
	}()
	return func() { cancel(); <-ended }
}

// sqliteSize opens the file for each question: the server may be away.
func sqliteSize(path string) func(string) (bytes, rows float64, err error) {
	return func(table string) (bytes, rows float64, err error) {
		db, err := sql.Open("sqlite", "file:"+path+"?_pragma=query_only(1)&_pragma=busy_timeout(5000)")
		if err != nil {
			return 0, 0, err
		}
		defer db.Close()
		err = db.QueryRow(`SELECT (SELECT sum(pgsize) FROM dbstat WHERE name IN (SELECT name FROM sqlite_schema WHERE tbl_name = $1)),
			(SELECT count(*) FROM `+table+`)`, table).Scan(&bytes, &rows)
		return bytes, rows, err
	}
}

// postgresServer is a PostgreSQL with its usual settings, but for what counts statements.
type postgresServer struct {
	*postgrestest.Server
	url, password string
}

func runPostgres() (*postgresServer, error) {
	pg, err := postgrestest.Run("shared_preload_libraries=pg_stat_statements")
	if err != nil {
		return nil, err
	}
	err = errors.Join(pg.Try("postgres", "CREATE EXTENSION pg_stat_statements"), pg.Try("postgres", "CREATE DATABASE tokenwright TEMPLATE template0"))
	if err != nil {
		return nil, errors.Join(err, pg.Remove())
	}
	return &postgresServer{pg, fmt.Sprintf("postgres://postgres@%s:%d/tokenwright?sslmode=disable", pg.Host, pg.Port), postgrestest.Password}, nil
}

// postgresMeter reads what all sessions of the database together have done. A reading
// ends with a checkpoint, behind which the first change of each page writes all of it
// into the log: every load pays for that alike.
func postgresMeter(pg *postgresServer) meter {
	number := func(database, query string) (int64, error) {
		return postgrestest.TryQuery[int64](pg.Server, database, query)
	}
	return meter{
		counts: func() (c counts, err error) {
			const from = ` FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid WHERE datname = 'tokenwright'`
			for _, q := range []struct {
				to    *int64
				query string
			}{
				{&c.WAL, `SELECT (pg_current_wal_lsn() - '0/0')::bigint`},
				{&c.Statements, `SELECT coalesce(sum(calls), 0)::bigint` + from},
				{&c.Transactions, `SELECT coalesce(sum(calls), 0)::bigint` + from + ` AND query ILIKE 'commit%'`},
				{&c.Rows, `SELECT coalesce(sum(rows), 0)::bigint` + from + ` AND (query ILIKE 'insert%' OR query ILIKE 'update%' OR query ILIKE 'delete%')`},
			} {
				if *q.to, err = number("postgres", q.query); err != nil {
					return c, err
				}
			}
			return c, pg.Try("postgres", "CHECKPOINT")
		},
		size: func(table string) (bytes, rows float64, err error) {
			n, err := number("tokenwright", `SELECT pg_total_relation_size('`+table+`')`)
			if err != nil {
				return 0, 0, err
			}
			count, err := number("tokenwright", `SELECT count(*) FROM `+table)
			return float64(n), float64(count), err
		},
	}
}
