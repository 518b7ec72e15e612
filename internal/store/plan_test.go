package store

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/stdlib"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/postgrestest"
	"github.com/tokenwright/tokenwright/internal/webhook"
)

// page is what a page, or a list of the admin API, asks the store for.
type page struct {
	name  string
	visit int  // rows of tables and indexes at most; 0 for visits
	sorts bool // what it has found, which is little
	all   bool // a list of all, of which it reads the first
	read  func(ctx context.Context, s *Store) error
}

// visits are the rows that a page of 50 may visit where nothing else is said:
// some for each of its rows.
const visits = 600

func discard[T any](_ T, err error) error { return err }

// pages are all there are: whatever they ask the store for is looked at.
func pages() []page {
	list := slices.Concat(keyPages(), peoplePages(), usagePages(), eventPages())
	return append(list,
		page{name: "a merchant", read: func(ctx context.Context, s *Store) error { return discard(s.Merchant(ctx, "1007")) }},
		page{name: "merchants", read: func(ctx context.Context, s *Store) error {
			return discard(s.Merchants(ctx, authority.MerchantFilter{}, "1100", 50))
		}},
		page{name: "merchants, searched", sorts: true, read: func(ctx context.Context, s *Store) error {
			return discard(s.Merchants(ctx, authority.MerchantFilter{Search: "name 11"}, "", 50))
		}},
		page{name: "merchants, searched by ID", sorts: true, read: func(ctx context.Context, s *Store) error {
			return discard(s.Merchants(ctx, authority.MerchantFilter{Search: "110"}, "", 50))
		}},
		page{name: "active keys of 50 merchants", visit: 5000, sorts: true, read: func(ctx context.Context, s *Store) error {
			var ids []authority.MerchantID
			for i := range 50 {
				ids = append(ids, authority.MerchantID(fmt.Sprint(1000+i)))
			}
			return discard(s.ActiveKeys(ctx, ids))
		}},
		page{name: "names", read: func(ctx context.Context, s *Store) error {
			ids := []authority.ClientID{"twc_demo_0000000000000010000056", "twc_demo_0000000000000010000057"}
			return errors.Join(
				discard(s.APIKeyNames(ctx, authority.APIKeyFilter{MerchantID: "1007", Env: "demo"}, ids)),
				discard(s.MerchantNames(ctx, []authority.MerchantID{"1007", "few"})),
				discard(s.Names(ctx, "1007", []account.UserID{"usr_0000000000000010000056"})))
		}},
		page{name: "deliveries", read: func(ctx context.Context, s *Store) error {
			return errors.Join(discard(s.Deliveries(ctx, "w", "", 7, 50)), discard(s.Deliveries(ctx, "w", webhook.Failed, 0, 50)), discard(s.DeliveryCounts(ctx, "w")))
		}},
		page{name: "an answer that is kept", read: func(ctx context.Context, s *Store) error {
			_, err := s.Reply(ctx, []byte("x"))
			if errors.Is(err, authority.ErrNotFound) {
				return nil
			}
			return err
		}},
		page{name: "nodes", sorts: true, read: func(ctx context.Context, s *Store) error { return discard(s.Nodes(ctx)) }},
		page{name: "scopes", read: func(ctx context.Context, s *Store) error { return discard(s.Scopes(ctx)) }},
		page{name: "signing keys", sorts: true, read: func(ctx context.Context, s *Store) error { return discard(s.SigningKeys(ctx)) }},
		page{name: "position", read: func(ctx context.Context, s *Store) error { return discard(s.Position(ctx)) }},
	)
}

func keyPages() (list []page) {
	few := authority.APIKeyFilter{MerchantID: "few", Env: "demo"}
	usual := authority.APIKeyFilter{MerchantID: "1007", Env: "demo"}
	place := authority.KeyPlace{ID: "twc_demo_0000000000000010004507", Name: "Key 4507", CreatedAt: time.UnixMilli(4507)}
	for _, f := range []authority.APIKeyFilter{few, usual} {
		for _, order := range []authority.KeyOrder{authority.KeysByID, authority.KeysByName, authority.KeysNewestFirst} {
			for _, after := range []authority.KeyPlace{{}, place} {
				for _, search := range []string{"", "key 45", "twc_demo_", string(place.ID)} {
					q := authority.KeyQuery{APIKeyFilter: f, Order: order, After: after, Search: search, Since: at}
					sorts := search != "" || order == authority.KeysByID // those of one merchant
					list = append(list, page{name: fmt.Sprintf("API keys of %s by %q after %q, search %q", f.MerchantID, order, after.ID, search), visit: 2000, sorts: sorts,
						read: func(ctx context.Context, s *Store) error { return discard(s.KeyUses(ctx, q, 50)) }})
				}
			}
		}
	}
	for _, f := range []authority.APIKeyFilter{
		{}, usual, few, {MerchantID: "1007"}, {Env: "demo"}, {Env: "platform"}, {Status: authority.Disabled}, {Status: authority.Active}, {Env: "demo", Status: authority.Disabled},
	} {
		list = append(list, page{name: fmt.Sprintf("API keys %+v", f), sorts: f.MerchantID != "", read: func(ctx context.Context, s *Store) error {
			return discard(s.APIKeys(ctx, f, "twc_demo_0000000000000010004507", 50))
		}})
	}
	return append(list,
		page{name: "report", visit: 3000, read: func(ctx context.Context, s *Store) error {
			return discard(s.KeyUses(ctx, authority.KeyQuery{Since: at}, 50))
		}},
		page{name: "API key", sorts: true, read: func(ctx context.Context, s *Store) error {
			return discard(s.APIKey(ctx, "twc_demo_0000000000000010000056"))
		}},
		page{name: "count of API keys", read: func(ctx context.Context, s *Store) error {
			return discard(s.KeyCount(ctx, "1007", "demo", limits))
		}},
		page{name: "limit of a new API key", read: func(ctx context.Context, s *Store) error {
			return s.CreateAPIKey(ctx, apiKey(1, "demo", "1007"), limits, draft(authority.APIKeyCreated, "x"))
		}},
	)
}

func peoplePages() (list []page) {
	for _, f := range []account.UserFilter{
		{}, {MerchantID: "few"}, {MerchantID: "1007"}, {Status: authority.Disabled}, {Search: "u45"}, {Search: "User 45"}, {Search: "u", MerchantID: "few"}, {Search: "nobody"},
	} {
		list = append(list, page{name: fmt.Sprintf("users %+v", f), sorts: f.Search != "" || f.MerchantID != "", read: func(ctx context.Context, s *Store) error {
			return discard(s.Users(ctx, f, "usr_0000000000000010000001", 50))
		}})
	}
	const user = account.UserID("usr_0000000000000010000056")
	notFound := func(err error) error { return noRow(err, nil) }
	return append(list,
		page{name: "user", read: func(ctx context.Context, s *Store) error { return discard(s.User(ctx, user)) }},
		page{name: "user by address", read: func(ctx context.Context, s *Store) error {
			_, _, err := s.UserByEmail(ctx, "u56@example.com")
			return err
		}},
		page{name: "user by identity", read: func(ctx context.Context, s *Store) error {
			return discard(s.UserByIdentity(ctx, account.Identity{Issuer: "https://issuer", Subject: "s56"}))
		}},
		page{name: "credentials", read: func(ctx context.Context, s *Store) error { return discard(s.Credentials(ctx, user)) }},
		page{name: "sessions", sorts: true, read: func(ctx context.Context, s *Store) error {
			return discard(s.Sessions(ctx, user, time.UnixMilli(1), time.UnixMilli(1), 50))
		}},
		page{name: "session", read: func(ctx context.Context, s *Store) error {
			_, _, err := s.Session(ctx, []byte("h56"))
			return notFound(err)
		}},
		page{name: "link", read: func(ctx context.Context, s *Store) error { return discard(s.Link(ctx, []byte("h56"))) }},
		page{name: "invitations", read: func(ctx context.Context, s *Store) error {
			return discard(s.Invitations(ctx, "1007", time.UnixMilli(1), 50))
		}},
	)
}

func usagePages() (list []page) {
	today := at.Truncate(day)
	for name, q := range map[string]authority.UsageQuery{
		"API key":         {ClientID: "twc_demo_0000000000000010000056", From: today, To: today.Add(30 * day), Interval: day},
		"merchant, month": {APIKeyFilter: authority.APIKeyFilter{MerchantID: "1007"}, From: today, To: today.Add(30 * day), Interval: day},
		"merchant, day":   {APIKeyFilter: authority.APIKeyFilter{MerchantID: "1007", Env: "demo"}, From: today, To: today.Add(day), Interval: time.Hour},
		"all, year":       {All: true, From: today, To: today.Add(400 * day), Interval: day},
		"all, week":       {All: true, From: today, To: today.Add(7 * day), Interval: time.Hour},
		"all, one env":    {All: true, APIKeyFilter: authority.APIKeyFilter{Env: "demo"}, From: today, To: today.Add(30 * day), Interval: day},
	} {
		list = append(list, page{name: "use of " + name, sorts: true, visit: 1300, read: func(ctx context.Context, s *Store) error { return discard(s.UsageSeries(ctx, q)) }})
	}
	top := authority.UsageQuery{APIKeyFilter: authority.APIKeyFilter{MerchantID: "1007", Env: "demo"}, From: today, To: today.Add(7 * day)}
	return append(list,
		page{name: "top keys", sorts: true, visit: 3000, read: func(ctx context.Context, s *Store) error { return discard(s.TopKeys(ctx, top, 10)) }},
		page{name: "use of a month", read: func(ctx context.Context, s *Store) error {
			return discard(s.Usage(ctx, "twc_demo_0000000000000010000056", at.Add(-30*day), at.Add(day)))
		}},
		page{name: "old usage", read: func(ctx context.Context, s *Store) error { return discard(s.DeleteUsage(ctx, today.Add(-day), 1000)) }},
		page{name: "old totals", read: func(ctx context.Context, s *Store) error {
			return discard(s.DeleteUsageTotals(ctx, today.Add(-day), 1000))
		}},
	)
}

// eventPages are all combinations of what a page of events can be asked for:
// what many events have and what three have.
func eventPages() (list []page) {
	for n := range 1 << 5 * 2 {
		has := func(bit int) bool { return n>>bit&1 == 1 }
		for _, rare := range []string{"", "merchant", "kind", "actor", "env", "none"} {
			value := func(bit int, name, usual, few string) string {
				switch {
				case !has(bit):
					return ""
				case rare == name || rare == "none" && name == "merchant":
					return few
				}
				return usual
			}
			f := authority.EventFilter{
				MerchantID: authority.MerchantID(value(0, "merchant", "1007", "few")), Kind: authority.EventKind(value(1, "kind", "api_key.updated", "rare")),
				Actor: value(2, "actor", "system", "rare"), Env: value(3, "env", "demo", "platform"), NewestFirst: has(5),
			}
			if has(4) {
				f.Since, f.Until = at.Add(100*day), at.Add(130*day)
			}
			if rare == "none" {
				f.Since, f.Until = at.Add(500*day), at.Add(-day) // no event is so young, and none so old
			}
			for _, after := range []int64{0, 4000} {
				list = append(list, page{name: fmt.Sprintf("events %+v after %d", f, after), visit: 4000, all: f == authority.EventFilter{NewestFirst: true}, read: func(ctx context.Context, s *Store) error {
					return discard(s.FindEvents(ctx, f, after, 50))
				}})
			}
		}
	}
	return append(list,
		page{name: "events of a subject", read: func(ctx context.Context, s *Store) error {
			return discard(s.FindEvents(ctx, authority.EventFilter{Subject: "subject7", MerchantID: "1007", Kind: "api_key.updated", NewestFirst: true}, 0, 50))
		}},
		page{name: "a piece of the chain", visit: 1100, read: func(ctx context.Context, s *Store) error { return discard(s.Events(ctx, 4000, 1000)) }},
		page{name: "head", read: func(ctx context.Context, s *Store) error { return discard(s.EventHead(ctx)) }},
	)
}

// small are the tables that never have many rows; c and h are the heads, where
// Position reads them.
var small = []string{"installation", "root_keys", "environments", "signing_keys", "scopes", "nodes", "event_head", "revocation_head", "CONSTANT", "c", "h"}

// scans tells whether the step reads from end to end a table that can be long, and
// that the plan has not made itself.
func (s *step) scans(plan []step) bool {
	name, ok := strings.CutPrefix(s.detail, "SCAN ")
	name, _, _ = strings.Cut(name, " ")
	made := slices.ContainsFunc(plan, func(o step) bool { return o.detail == "CO-ROUTINE "+name || o.detail == "MATERIALIZE "+name })
	return ok && !made && !slices.Contains(small, name)
}

// sorts tells whether the step sorts what the query finds.
func (s *step) sorts() bool {
	return !s.inner && strings.Contains(s.detail, "TEMP B-TREE FOR ORDER BY")
}

// C-460, C-461, C-462: no page reads a table from end to end, nor sorts one. The
// plans of SQLite do not depend on how much there is: it has no statistics.
func TestSQLitePagesScanNoTable(t *testing.T) {
	path := newPath(t)
	s := openStore(t, path)
	initialize(t, s)
	seed{merchants: 10, keys: 200, users: 100, events: 500, blob: sqliteBlob}.fill(t, s.write)
	if n := value[int](t, s, `SELECT count(*) FROM sqlite_schema WHERE name LIKE 'sqlite_stat%'`); n != 0 {
		t.Fatalf("%d tables of statistics: plans depend on them", n)
	}
	look(t, spySQLite(s, path), s, func(t *testing.T, p *page, st *statement) {
		plan := planOf(t, s, st.text, st.args...)
		for _, step := range plan {
			if step.scans(plan) && !p.all || step.sorts() && !p.sorts {
				t.Errorf("%s: %s\n%s", p.name, explain(t, s, st.text, st.args...), st.text)
			}
		}
	})
}

// A node reads all API keys when it starts. What lies in another order is looked for
// one by one, in the whole file.
func TestSQLiteReadsTheDirectoryInTheOrderOfTheFile(t *testing.T) {
	path := newPath(t)
	s := openStore(t, path)
	initialize(t, s)
	seed{merchants: 10, keys: 200, users: 10, events: 10, blob: sqliteBlob}.fill(t, s.write)
	spying := spySQLite(s, path)
	keys := 0
	err := spying.store(t, s).Directory(t.Context(), func(*authority.DirectorySnapshot) error { return nil },
		func(*authority.DirectoryKey) error { keys++; return nil })
	must(t, err)
	looked := map[string]bool{}
	for _, st := range spying.take() {
		for _, table := range []string{"api_keys", "secrets"} {
			if !strings.Contains(st.text, "FROM "+table) {
				continue
			}
			looked[table] = true
			plan := planOf(t, s, st.text, st.args...)
			if len(plan) != 1 || !strings.HasPrefix(plan[0].detail, "SEARCH "+table+" USING PRIMARY KEY (") {
				t.Errorf("%s\n%s", explain(t, s, st.text, st.args...), st.text)
			}
		}
	}
	if keys == 0 || len(looked) != 2 {
		t.Errorf("%d API keys were read, of %v", keys, looked)
	}
}

// C-460, C-461, C-462: with a million events and 10,000 API keys and users, a
// page visits few rows.
func TestPostgresPagesVisitFewRows(t *testing.T) {
	t.Parallel()
	url := postgrestest.Shared(t).Database(t)
	s := openPostgres(t, url)
	initialize(t, s)
	config, err := postgresConfig(url)
	must(t, err)
	events := 100_000
	if os.Getenv("TOKENWRIGHT_TEST_ALL") != "" {
		events = 1_000_000
	}
	fillPostgres(t, url, seed{merchants: 2000, keys: 10_000, users: 10_000, events: events, blob: func(text string) string { return `convert_to(` + text + `, 'UTF8')` }})
	connector := stdlib.GetConnector(*config)
	look(t, &spy{connect: connector.Connect}, s, func(t *testing.T, p *page, st *statement) {
		visited, scans := visitedBy(t, s, st)
		if most := cmp.Or(p.visit, visits); visited > most || len(scans) > 0 {
			t.Errorf("%s: %d rows, want %d at most; from end to end: %v\n%s", p.name, visited, most, scans, st.text)
		}
	})
}

// notOfPages are the methods of Store that no page reads with: those that change
// something, and what servers do beside pages.
var notOfPages = regexp.MustCompile(`^(Add|Backup|Begin|Change|Claim|Create|Delete|Drop|End|Enqueue|Enter|Initialize|Keep|Move|Redo|Remove|Replace|Reset|Revoke|Settle|Sweep|Touch|Update)[A-Z]?|` +
	`^(Changes|Close|CountFailure|Directory|Installation|Lacking|Listen|Now|Pools|Revocations|Unannounced|WebhookBacklogs)$`)

// sqliteBlob is the bytes of a text, in SQL.
func sqliteBlob(text string) string { return `CAST(` + text + ` AS BLOB)` }

// look reads every page and hands each query that was asked for to judge.
func look(t *testing.T, spying *spy, s *Store, judge func(*testing.T, *page, *statement)) {
	t.Helper()
	spied := spying.store(t, s)
	queries := 0
	for _, p := range pages() {
		if err := p.read(t.Context(), spied); err != nil {
			t.Errorf("%s: %v", p.name, err)
		}
		asked := spying.take()
		if len(asked) == 0 {
			t.Errorf("%s asks for nothing", p.name)
		}
		for i := range asked {
			queries++
			judge(t, &p, &asked[i])
		}
	}
	for m := range reflect.TypeFor[*Store]().Methods() {
		if !spying.methods[m.Name] && !notOfPages.MatchString(m.Name) {
			t.Errorf("%s is of no page here, and not among those that are of none", m.Name)
		}
	}
	t.Logf("%d queries", queries)
}

// fillPostgres makes the indexes of events once all are there, which is quicker.
func fillPostgres(t *testing.T, url string, content seed) {
	t.Helper()
	config, err := postgresConfig(url)
	must(t, err)
	for _, limit := range []string{"statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"} {
		delete(config.RuntimeParams, limit)
	}
	config.AfterConnect = nil
	config.RuntimeParams["synchronous_commit"], config.RuntimeParams["maintenance_work_mem"] = "off", "256MB"
	db := stdlib.OpenDB(*config)
	defer db.Close()
	db.SetMaxOpenConns(1)
	var drop, create string
	must(t, db.QueryRowContext(t.Context(), `SELECT string_agg('DROP INDEX ' || indexname, ';'), string_agg(indexdef, ';')
		FROM pg_indexes WHERE tablename = 'events' AND indexname <> 'events_pkey'`).Scan(&drop, &create))
	_, err = db.ExecContext(t.Context(), drop+`; ALTER TABLE events SET UNLOGGED`)
	must(t, err)
	content.fill(t, db)
	began := time.Now()
	_, err = db.ExecContext(t.Context(), create+`; ANALYZE`)
	must(t, err)
	t.Logf("indexes of events, and statistics: %s", time.Since(began).Round(time.Millisecond))
}

// node is one of a plan of PostgreSQL.
type node struct {
	Type      string  `json:"Node Type"`
	Relation  string  `json:"Relation Name"`
	Rows      float64 `json:"Actual Rows"`
	Filtered  float64 `json:"Rows Removed by Filter"`
	Rechecked float64 `json:"Rows Removed by Index Recheck"`
	Loops     float64 `json:"Actual Loops"`
	Plans     []node
}

// add counts the rows that were read, and names what was read from end to end.
func (n *node) add(visited *float64, scans *[]string) {
	if strings.Contains(n.Type, "Scan") {
		*visited += (n.Rows + n.Filtered + n.Rechecked) * n.Loops
	}
	if n.Type == "Seq Scan" && !slices.Contains(small, n.Relation) && n.Rows+n.Filtered > 0 {
		*scans = append(*scans, n.Relation)
	}
	for i := range n.Plans {
		n.Plans[i].add(visited, scans)
	}
}

// visitedBy runs a statement, without effect, and tells how many rows it reads.
func visitedBy(t *testing.T, s *Store, st *statement) (int, []string) {
	t.Helper()
	run, err := s.read.BeginTx(t.Context(), nil)
	must(t, err)
	defer func() { _ = run.Rollback() }()
	var text []byte
	if err := run.QueryRowContext(t.Context(), `EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) `+st.text, st.args...).Scan(&text); err != nil {
		t.Fatalf("%v\n%s", err, st.text)
	}
	var plans []struct{ Plan node }
	must(t, json.Unmarshal(text, &plans))
	var visited float64
	var scans []string
	plans[0].Plan.add(&visited, &scans)
	return int(visited), scans
}
