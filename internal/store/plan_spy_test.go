package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// spy is a database that notes what it is asked for.
type spy struct {
	connect func(context.Context) (driver.Conn, error)

	mu      sync.Mutex
	asked   []statement
	methods map[string]bool // of Store that have asked
}

type statement struct {
	text string
	args []any
}

// spySQLite spies on the database of s, which is at path.
func spySQLite(s *Store, path string) *spy {
	dsn := "file:" + path + "?_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)"
	return &spy{connect: func(context.Context) (driver.Conn, error) { return s.read.Driver().Open(dsn) }}
}

// store is s on the database that is spied on.
func (s *spy) store(t *testing.T, of *Store) *Store {
	db := sql.OpenDB(s)
	t.Cleanup(func() { must(t, db.Close()) })
	s.methods = map[string]bool{}
	return &Store{write: db, read: db, follow: db, turn: make(chan struct{}, 1), limit: of.limit}
}

// Connect and Driver implement driver.Connector.
func (s *spy) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := s.connect(ctx)
	return &spied{c, s}, err
}

func (s *spy) Driver() driver.Driver { return nil } // nobody asks for it

// take returns the queries that were asked since the last time.
func (s *spy) take() []statement {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.asked
	s.asked = nil
	return all
}

// note keeps what reads: those are what plans are asked of.
func (s *spy) note(query string, args []driver.NamedValue) {
	if first := strings.Fields(query)[0]; first != "SELECT" && first != "DELETE" {
		return
	}
	st := statement{text: query}
	for _, a := range args {
		st.args = append(st.args, a.Value)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, st)
	s.methods[asking()] = true
}

// asking is the method of Store that has been called, which database/sql asks for
// in the same goroutine.
func asking() (method string) {
	var callers [64]uintptr
	frames := runtime.CallersFrames(callers[:runtime.Callers(1, callers[:])])
	for more := true; more; {
		var f runtime.Frame
		f, more = frames.Next()
		if _, name, ok := strings.Cut(f.Function, "store.(*Store)."); ok {
			method, _, _ = strings.Cut(name, ".") // the last is the first that was called
		}
	}
	return method
}

// spied is a connection of either driver, both of which can do all of this.
type spied struct {
	driver.Conn
	spy *spy
}

func (c *spied) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	c.spy.note(query, args)
	return c.Conn.(driver.QueryerContext).QueryContext(ctx, query, args)
}

func (c *spied) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	c.spy.note(query, args)
	return c.Conn.(driver.ExecerContext).ExecContext(ctx, query, args)
}

func (c *spied) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	return c.Conn.(driver.ConnBeginTx).BeginTx(ctx, o)
}

func (c *spied) CheckNamedValue(v *driver.NamedValue) error {
	if checker, ok := c.Conn.(driver.NamedValueChecker); ok {
		return checker.CheckNamedValue(v)
	}
	return driver.ErrSkip
}
