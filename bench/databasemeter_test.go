package main

import (
	"database/sql"
	"os"
	"path/filepath"
	"testing"
)

// Every frame and every transaction is counted, over several lives of the log: as many
// as SQLite itself tells of each.
func TestTheLogOfSQLiteIsCounted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=page_size(4096)&_pragma=wal_autocheckpoint(0)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	run := func(query string, args ...any) {
		t.Helper()
		if _, err := db.Exec(query, args...); err != nil {
			t.Fatal(err)
		}
	}
	run("CREATE TABLE t (id INTEGER PRIMARY KEY, text BLOB)")
	// A checkpoint leaves the log to be begun anew by the next writer.
	checkpoint := func() (frames int64) {
		t.Helper()
		var busy, done int64
		if err := db.QueryRow("PRAGMA wal_checkpoint(RESTART)").Scan(&busy, &frames, &done); err != nil || busy != 0 || done != frames {
			t.Fatal(err, busy, frames, done)
		}
		return frames
	}
	checkpoint()
	m := &walMeter{path: path}
	if before, err := m.read(); err != nil || before != (counts{}) {
		t.Fatal(before, err)
	}
	stop := m.watch()
	defer stop()
	var frames, transactions int64
	for life := range 3 {
		for range 5 + life {
			run("INSERT INTO t (text) VALUES (randomblob(20000))")
			transactions++
		}
		if _, err := m.read(); err != nil {
			t.Fatal(err)
		}
		frames += checkpoint()
	}
	got, err := m.read()
	if want := (counts{Transactions: transactions, WAL: frames * (4096 + walFrameHeader)}); err != nil || got != want || frames < 15 {
		t.Errorf("counted %+v, %v, want %+v", got, err, want)
	}
	bytes, rows, err := sqliteSize(path)("t")
	if err != nil || rows != float64(transactions) || bytes < 18*20000 {
		t.Errorf("the table has %v bytes and %v rows: %v", bytes, rows, err)
	}
}

func TestNoLogIsAnError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	if _, err := (&walMeter{path: path}).read(); err == nil {
		t.Error("what is not there is counted")
	}
	head := make([]byte, 96) // its two copies differ
	head[8] = 1
	if err := os.WriteFile(path+"-shm", head, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readWALIndex(path + "-shm"); err == nil {
		t.Error("half a head is read")
	}
}
