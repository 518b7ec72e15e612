package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// databaseFigures is what an installation asks of its database, and how that grows.
type databaseFigures struct {
	Engine   string        `json:"engine"`
	Keys     int           `json:"keys"`
	PerKey   float64       `json:"bytes_per_key"` // of the database, with its secret and its merchant's share
	PerEvent float64       `json:"bytes_per_event"`
	PerUse   float64       `json:"bytes_per_row_of_usage"` // an API key, outcome and hour, as they are after the loads
	Idle     loadFigures   `json:"idle"`
	Loads    []loadFigures `json:"loads"`
}

// loadFigures is what tokens have caused, from before the first one until their use was written.
type loadFigures struct {
	Used    int     `json:"distinct_keys"` // 0 while nobody asks
	Tokens  int     `json:"tokens"`
	Seconds float64 `json:"seconds"`
	counts
}

// counts are of everything that the database was asked for. The embedded one tells of
// transactions and of its log alone.
type counts struct {
	Statements   int64 `json:"statements,omitempty"`
	Transactions int64 `json:"transactions"` // SQLite: those that have changed something
	Rows         int64 `json:"rows_written,omitempty"`
	WAL          int64 `json:"wal_bytes"` // the write-ahead log
}

func (c counts) minus(before counts) counts {
	return counts{c.Statements - before.Statements, c.Transactions - before.Transactions, c.Rows - before.Rows, c.WAL - before.WAL}
}

// meter reads what a database has done so far, and how large it is.
type meter struct {
	counts func() (counts, error)
	// size is what a table takes with its indexes, and how many rows it has.
	size func(table string) (bytes, rows float64, err error)
}

const (
	databaseKeys   = 100_000
	databaseTokens = 200_000 // at least, by each load
	databaseEvents = 200
	idleTurns      = 5 // times the time of a round
)

// usedKeys are how many API keys share the tokens of a load.
var usedKeys = []int{10, 1_000, databaseKeys}

// database measures what idle nodes and tokens ask of the embedded database and of
// PostgreSQL. Tokens cost neither a statement: what is written down is which API keys
// were used, every five seconds, and by the hour.
func (b *bench) database(ctx context.Context) (any, error) {
	p, err := b.populate(ctx, "sqlite", 9140, databaseKeys)
	if err != nil {
		return nil, err
	}
	wal := &walMeter{path: p.database()}
	embedded, err := b.engine(ctx, p, "SQLite", meter{wal.read, sqliteSize(p.database())}, wal)
	if err != nil {
		return nil, fmt.Errorf("SQLite: %w", err)
	}
	pg, err := b.move(ctx, p)
	if err != nil {
		return nil, err
	}
	defer pg.Remove()
	server, err := b.engine(ctx, p, "PostgreSQL", postgresMeter(pg), nil)
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL: %w", err)
	}
	nodes, err := b.nodes(ctx, p)
	if err != nil {
		return nil, fmt.Errorf("two nodes: %w", err)
	}
	return &databaseResults{[]*databaseFigures{embedded, server}, nodes}, nil
}

// databaseResults is the result file.
type databaseResults struct {
	Engines []*databaseFigures `json:"engines"`
	Nodes   *nodesFigures      `json:"nodes"`
}

// engine measures one database. wal, where there is one, watches while the server runs.
func (b *bench) engine(ctx context.Context, p *population, name string, m meter, wal *walMeter) (*databaseFigures, error) {
	f := &databaseFigures{Engine: name, Keys: p.Keys}
	var err error
	if f.PerKey, err = perKey(m, p.Keys); err != nil {
		return nil, err
	}
	if f.PerEvent, err = p.perEvent(m); err != nil {
		return nil, err
	}
	running, err := p.serve(ctx, b.dir, serverCore)
	if err != nil {
		return nil, err
	}
	defer running.stop()
	if wal != nil {
		defer wal.watch()()
	}
	before, err := m.counts()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(idleTurns * b.duration):
	}
	after, err := m.counts()
	if err != nil {
		return nil, err
	}
	f.Idle = loadFigures{Seconds: time.Since(began).Seconds(), counts: after.minus(before)}
	for _, used := range usedKeys {
		load, err := p.use(ctx, b, m, used)
		if err != nil {
			return nil, err
		}
		f.Loads = append(f.Loads, *load)
		b.progress("%s: %d tokens for %d API keys", name, load.Tokens, used)
	}
	bytes, rows, err := m.size("usage")
	f.PerUse = bytes / rows
	b.table("Database: "+name+fmt.Sprintf(", %d API keys of %.0f B, %.0f B an event, %.0f B a row of usage", f.Keys, f.PerKey, f.PerEvent, f.PerUse), f.rows())
	return f, err
}

func (f *databaseFigures) rows() [][]string {
	rows := [][]string{{"API keys in use", "tokens", "statements", "transactions", "rows", "log", "log of each row", "log of 1,000,000 tokens"}}
	for _, l := range append([]loadFigures{f.Idle}, f.Loads...) {
		who, perMillion, perRow := fmt.Sprint(l.Used), "", ""
		if l.Used == 0 {
			who = fmt.Sprintf("none, for %.0f s", l.Seconds)
		} else {
			perMillion = fmt.Sprintf("%.1f MiB", float64(l.WAL)/(1<<20)/float64(l.Tokens)*1e6)
		}
		if l.Rows > 0 {
			perRow = fmt.Sprintf("%.0f B", float64(l.WAL)/float64(l.Rows))
		}
		rows = append(rows, []string{who, fmt.Sprint(l.Tokens), fmt.Sprint(l.Statements), fmt.Sprint(l.Transactions), fmt.Sprint(l.Rows),
			fmt.Sprintf("%.0f KiB", float64(l.WAL)/1024), perRow, perMillion})
	}
	return rows
}

// use asks for tokens in turn for so many API keys, and waits until that is written.
func (p *population) use(ctx context.Context, b *bench, m meter, used int) (*loadFigures, error) {
	var bodies []string
	for _, key := range p.keys[:used] {
		bodies = append(bodies, key.body())
	}
	l, err := newLoader(b.generator, p.url+"/oauth/token", forms(bodies...))
	if err != nil {
		return nil, err
	}
	before, err := m.counts()
	if err != nil {
		return nil, err
	}
	f, began := &loadFigures{Used: used}, time.Now()
	for f.Tokens < databaseTokens {
		part, err := l.run(ctx, connections, time.Second)
		if err != nil {
			return nil, err
		}
		f.Tokens += part.Requests
	}
	l.generator <- l.disconnect
	if err := p.written(ctx); err != nil {
		return nil, err
	}
	after, err := m.counts()
	if err != nil {
		return nil, err
	}
	f.Seconds, f.counts = time.Since(began).Seconds(), after.minus(before)
	return f, nil
}

// written waits until the use of all tokens so far is in the database: a run of the
// task has ended that began when nothing more was counted.
func (p *population) written(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	_, runs, err := p.usage()
	for waiting, now := 1.0, runs; err == nil && (waiting > 0 || now <= runs); waiting, now, err = p.usage() {
		if waiting > 0 {
			runs = now
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting until use is written: %w", ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
	return err
}

// usage is how many counts wait to be written, and how often they were.
func (p *population) usage() (waiting, runs float64, err error) {
	resp, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/metrics", p.port+1000))
	if err != nil {
		return 0, 0, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, 0, err
	}
	for name, value := range map[string]*float64{
		"tokenwright_usage_waiting": &waiting, `tokenwright_task_runs_total{outcome="done",task="writing_usage"}`: &runs,
	} {
		_, rest, ok := strings.Cut(string(text), "\n"+name+" ")
		line, _, _ := strings.Cut(rest, "\n")
		if *value, err = strconv.ParseFloat(line, 64); !ok || err != nil {
			return 0, 0, fmt.Errorf("the server has no metric %s", name)
		}
	}
	return waiting, runs, nil
}

func perKey(m meter, keys int) (float64, error) {
	var sum float64
	for _, table := range []string{"api_keys", "secrets", "merchants"} {
		bytes, _, err := m.size(table)
		if err != nil {
			return 0, err
		}
		sum += bytes
	}
	return sum / float64(keys), nil
}

// perEvent changes an API key again and again.
func (p *population) perEvent(m meter) (float64, error) {
	before, rows, err := m.size("events")
	if err != nil {
		return 0, err
	}
	for n := range databaseEvents {
		if _, err := p.cli("key", []string{"disable", "enable"}[n%2], p.keys[0].ClientID); err != nil {
			return 0, err
		}
	}
	after, rowsAfter, err := m.size("events")
	if rowsAfter-rows != databaseEvents && err == nil {
		err = fmt.Errorf("%.0f events were written, not %d", rowsAfter-rows, databaseEvents)
	}
	return (after - before) / databaseEvents, err
}

// move brings the installation into a PostgreSQL of its own, with Debian's settings.
func (b *bench) move(ctx context.Context, p *population) (*postgresServer, error) {
	pg, err := runPostgres()
	if err != nil {
		return nil, err
	}
	from := "sqlite:" + p.database()
	p.environ = []string{"PGPASSWORD=" + pg.password, "TOKENWRIGHT_MASTER_KEY_FILE=" + filepath.Join(p.data, "master.key")}
	if _, err := p.cli("migrate", "--from", from, "--to", pg.url); err != nil {
		return nil, fmt.Errorf("%w, %w", err, pg.Remove())
	}
	p.environ = append(p.environ, "TOKENWRIGHT_DATABASE="+pg.url)
	b.progress("moved to PostgreSQL")
	return pg, ctx.Err()
}
