package store

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/postgrestest"
)

// everything fills every table.
func everything(t *testing.T, s *Store) {
	t.Helper()
	initialize(t, s)
	addMerchant(t, s, "acme")
	addScope(t, s, "a:read")
	addKey(t, s, apiKey(1, "demo", "acme", "a:read"))
	must(t, s.CreateAPIKey(t.Context(), apiKey(2, "platform", ""), authority.KeyLimits{Active: 50, Undeleted: 10}, draft(authority.APIKeyCreated, "twc_platform")))
	deleteKey(t, s, addKey(t, s, apiKey(3, "demo", "acme")).ID)
	addUser(t, s, user(1, "acme"))
	must(t, s.AddReply(t.Context(), reply(1, at)))
	for _, query := range []string{
		`INSERT INTO usage VALUES (3600000, 'twc_demo_1', 1, 'issued', 7)`, `INSERT INTO usage_totals VALUES ('acme', 3600000, 0, 'demo', 'issued', 7)`,
		`INSERT INTO last_uses VALUES ('twc_demo_1', 1, 5, '192.0.2.1')`, `INSERT INTO expiry_notices VALUES ('twc_demo_1', 1, 5, 30)`,
		`INSERT INTO webhook_cursors VALUES ('crm', 3, 5)`, `INSERT INTO webhook_deliveries (webhook, seq, kind, state, attempts, status, error, created_at, attempted_at, next_at, ended_at)
			VALUES ('crm', 3, 'api_key.created', 'pending', 1, 0, '', 1, 2, 3, 0)`,
		`INSERT INTO identities SELECT 'https://idp', 'subject', id FROM users`, `INSERT INTO sign_in_failures VALUES ($1, 2, 3)`,
		`INSERT INTO recovery_codes SELECT id, $1 FROM users`, `INSERT INTO credentials SELECT id, '$argon2id$', $1, 4 FROM users`,
		`INSERT INTO links VALUES ('l1', $1, 'reset', 'u', '', '', '', 1, 'cli', 2)`,
		`INSERT INTO sessions VALUES ('s1', $1, 'u', '', 'password', 0, 1, 2, 3, 4, '192.0.2.1', 'ä')`,
	} {
		args := []any{}
		if strings.Contains(query, "$1") {
			args = append(args, []byte{0, 255, 39})
		}
		_, err := s.write.ExecContext(t.Context(), query, args...)
		must(t, err)
	}
	// Bytes that are none, as of a user without a second factor: not NULL.
	_, err := s.write.ExecContext(t.Context(), `INSERT INTO sign_in_failures VALUES ($1, 2, 3)`, []byte{})
	must(t, err)
}

// tables are all there are.
func tables(t *testing.T, s *Store) (list []string) {
	t.Helper()
	query := `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`
	if s.log == "" {
		query = `SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()`
	}
	rows, err := s.read.QueryContext(t.Context(), query)
	must(t, err)
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var name string
		must(t, rows.Scan(&name))
		list = append(list, name)
	}
	must(t, rows.Err())
	slices.Sort(list)
	return list
}

// dump is every row of a table as text, sorted.
func dump(t *testing.T, s *Store, table string) (list []string) {
	t.Helper()
	rows, err := s.read.QueryContext(t.Context(), `SELECT * FROM `+table)
	must(t, err)
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	must(t, err)
	for rows.Next() {
		values := make([]sql.RawBytes, len(columns))
		into := make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		must(t, rows.Scan(into...))
		text := ""
		for i := range values {
			text += fmt.Sprintf("%s=%q ", columns[i], values[i])
		}
		list = append(list, text)
	}
	must(t, rows.Err())
	slices.Sort(list)
	return list
}

func dumps(t *testing.T, s *Store) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	for _, table := range movedTables {
		out[table] = dump(t, s, table)
	}
	for i, row := range out["installation"] { // of each database its own
		out["installation"][i] = strings.Replace(row, fmt.Sprintf("place=%q", s.place), "", 1)
	}
	return out
}

// moveDraft is the event of a move.
func moveDraft() *authority.Draft { return draft(authority.InstallationMoved, "tw") }

// testMove moves from a database to another one; open makes one of each kind.
func testMove(t *testing.T, openFrom, openTo func() *Store) {
	from, to := openFrom(), openTo()
	everything(t, from)
	left := []string{"goose_db_version", "nodes"}
	if got := append(slices.Clone(movedTables), left...); !slices.Equal(slices.Sorted(slices.Values(got)), tables(t, from)) {
		t.Fatalf("moved or left are %v, the tables are %v", got, tables(t, from))
	}
	before := dumps(t, from)
	for table, rows := range before {
		if len(rows) == 0 && table != "memberships" && table != "revocations" {
			t.Errorf("%s has no row, so nothing is shown of it", table)
		}
	}
	seen := map[string]int64{}
	must(t, from.Move(t.Context(), to, "the new one", moveDraft(), func(table string, rows int64) { seen[table] = rows }))
	after := dumps(t, to)
	for _, table := range movedTables {
		switch table {
		case "events", "event_head":
			continue
		}
		wantEqual(t, table, after[table], before[table])
		wantEqual(t, "told rows of "+table, seen[table], int64(len(before[table])))
	}
	wantEqual(t, "events but the last", after["events"][:len(before["events"])], before["events"])
	checkChain(t, to)
	last := read(t, to)
	wantEqual(t, "the last event", last.Events[len(last.Events)-1].Kind, authority.InstallationMoved)

	// C-547: nothing changes any more where it was, and whoever follows is told.
	inst, _, err := from.Installation(t.Context())
	must(t, err)
	wantEqual(t, "where it is now", inst.MovedTo, "the new one")
	_, err = from.Position(t.Context())
	wantError(t, err, authority.ErrMoved)
	wantError(t, from.CreateMerchant(t.Context(), merchant("late"), draft(authority.MerchantCreated, "late")), authority.ErrMoved)
	wantError(t, from.RevokeToken(t.Context(), &authority.Revocation{Env: "demo", ClientID: apiKey(1, "demo", "acme").ID, TokenID: "j", CreatedAt: at}, 100), authority.ErrMoved)
	wantError(t, from.Directory(t.Context(), func(*authority.DirectorySnapshot) error { return nil }, func(*authority.DirectoryKey) error { return nil }), authority.ErrMoved)
	wantError(t, from.Move(t.Context(), openTo(), "a third", moveDraft(), nil), authority.ErrMoved)
	addMerchant(t, to, "here")
}

func TestAnInstallationMoves(t *testing.T) {
	sqlite := func() *Store { return openStore(t, newPath(t)) }
	t.Run("SQLiteToSQLite", func(t *testing.T) { testMove(t, sqlite, sqlite) })
}

// C-546
func TestPostgresAnInstallationMoves(t *testing.T) {
	sqlite := func() *Store { return openStore(t, newPath(t)) }
	postgres := func() *Store { return openPostgres(t, postgrestest.Shared(t).Database(t)) }
	t.Run("SQLiteToPostgres", func(t *testing.T) { testMove(t, sqlite, postgres) })
	t.Run("PostgresToSQLite", func(t *testing.T) { testMove(t, postgres, sqlite) })
}

// a move that was cut off behind either of its commits is ended by the same call, and
// at most one of the two databases is worked on until then; whatever else is in the
// new one stays.
func TestAMoveThatWasCutOffIsEnded(t *testing.T) {
	path := newPath(t)
	from := openStore(t, path)
	everything(t, from)
	to := openStore(t, newPath(t))
	cutOff := func(s *Store, when string) {
		t.Helper()
		_, err := s.write.ExecContext(t.Context(), `CREATE TRIGGER cut_off `+when+` BEGIN SELECT raise(ABORT, 'cut off'); END`)
		must(t, err)
	}
	goesOn := func(s *Store) {
		t.Helper()
		_, err := s.write.ExecContext(t.Context(), `DROP TRIGGER cut_off`)
		must(t, err)
	}
	isArriving := func(when string) {
		t.Helper()
		inst, _, err := to.Installation(t.Context())
		must(t, err)
		wantEqual(t, "it is arriving, "+when, inst.Arriving, true)
		wantError(t, to.CreateMerchant(t.Context(), merchant("early"), draft(authority.MerchantCreated, "early")), authority.ErrMoved)
	}
	wantCutOff := func(err error) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), "cut off") {
			t.Fatalf("got %v, want that it is cut off", err)
		}
	}

	cutOff(from, `BEFORE UPDATE OF moved_to ON installation`)
	wantCutOff(from.Move(t.Context(), to, "the new one", moveDraft(), nil))
	goesOn(from)
	isArriving("behind the copy")
	addMerchant(t, from, "meanwhile") // the old one works on
	other := openStore(t, newPath(t))
	initialize(t, other)
	for n := range 30 { // of these, one has the number of the last event that was copied
		addMerchant(t, other, authority.MerchantID(fmt.Sprint("another", n)))
	}
	refused(t, other, authority.ErrExists, func() error { return other.Move(t.Context(), to, "the new one", moveDraft(), nil) })
	ended, err := from.EndMove(t.Context(), to, "the new one")
	must(t, err)
	wantEqual(t, "a move from where nothing has left is ended", ended, false)

	cutOff(to, `BEFORE UPDATE OF moved_to ON installation WHEN new.moved_to = ''`)
	wantCutOff(from.Move(t.Context(), to, "the new one", moveDraft(), nil))
	goesOn(to)
	isArriving("behind the mark")
	wantError(t, from.CreateMerchant(t.Context(), merchant("late"), draft(authority.MerchantCreated, "late")), authority.ErrMoved)
	ended, err = from.EndMove(t.Context(), to, "a third")
	must(t, err)
	wantEqual(t, "a move to another one is ended", ended, false)
	ended, err = from.EndMove(t.Context(), to, "the new one")
	must(t, err)
	wantEqual(t, "the move is ended", ended, true)
	checkChain(t, to)
	if _, err := to.Merchant(t.Context(), "meanwhile"); err != nil {
		t.Error(err)
	}
	addMerchant(t, to, "here")
	ended, err = from.EndMove(t.Context(), to, "the new one")
	must(t, err)
	wantEqual(t, "it is ended once more", ended, false)
	refused(t, other, authority.ErrExists, func() error { return other.Move(t.Context(), to, "the new one", moveDraft(), nil) })
}

// What ends within a database leaves both as they were.
func TestAMoveThatFailsLeavesBothAsTheyWere(t *testing.T) {
	from, to := openStore(t, newPath(t)), openStore(t, newPath(t))
	everything(t, from)
	_, err := to.write.ExecContext(t.Context(), `ALTER TABLE users RENAME COLUMN email TO mail`)
	must(t, err)
	before, empty := dumps(t, from), dumps(t, to)
	if err := from.Move(t.Context(), to, "the new one", moveDraft(), nil); err == nil || !strings.Contains(err.Error(), "copying users") {
		t.Errorf("got %v, want the table named", err)
	}
	wantEqual(t, "the old one", dumps(t, from), before)
	wantEqual(t, "the new one", dumps(t, to), empty)
	addMerchant(t, from, "later")
}

// testBeginLineage: C-541.
func testBeginLineage(t *testing.T, s authority.Store) {
	initialize(t, s)
	addMerchant(t, s, "acme")
	low, high := apiKey(1, "demo", "acme"), apiKey(2, "demo", "acme")
	high.Generation = at.Unix() + 5000
	addKey(t, s, low)
	addKey(t, s, high)
	gone := addKey(t, s, apiKey(3, "demo", "acme"))
	deleteKey(t, s, gone.ID)
	u := addUser(t, s, user(1, "acme"))
	signedIn(t, s, 1, u)
	must(t, s.AddReply(t.Context(), reply(1, at)))
	must(t, s.KeepNode(t.Context(), &authority.Node{ID: "n", StartedAt: at, SeenAt: at, CurrentAt: at}, at.Add(-time.Hour)))
	must(t, webhooks(s).KeepWebhooks(t.Context(), []string{"@mail", "hook"}, at))
	addScope(t, s, "done-again:read")
	head, err := s.EventHead(t.Context())
	must(t, err)
	before := readDirectory(t, s)
	l := &authority.Lineage{Number: 7, MinGeneration: at.Unix() + 60, From: 1_000_000}
	must(t, s.BeginLineage(t.Context(), l, draft(authority.InstallationRestored, "tw")))
	wantEqual(t, "the lowest generation", l.MinGeneration, high.Generation+1)
	wantEqual(t, "where mails go on", backlog(t, webhooks(s), "@mail", at).Cursor, head.Seq)
	wantEqual(t, "where webhooks go on", backlog(t, webhooks(s), "hook", at).Cursor, head.Seq-1)
	for _, k := range []*authority.APIKey{low, high} {
		wantEqual(t, "the generation of "+string(k.ID), get(t)(s.APIKey(t.Context(), k.ID)).Generation, l.MinGeneration)
	}
	low.Version++ // read before, written behind
	refused(t, s, authority.ErrConflict, func() error {
		return s.UpdateAPIKey(t.Context(), low, limits, draft(authority.APIKeyUpdated, string(low.ID)))
	})
	made := addKey(t, s, apiKey(4, "demo", "acme")) // by a node that has not heard of it
	wantEqual(t, "the generation of a new API key", get(t)(s.APIKey(t.Context(), made.ID)).Generation, l.MinGeneration)
	inst, _, err := s.Installation(t.Context())
	must(t, err)
	wantEqual(t, "lineage", inst.Lineage, *l)
	must(t, s.Directory(t.Context(), func(d *authority.DirectorySnapshot) error {
		wantEqual(t, "lineage of the directory", d.Lineage, *l)
		return nil
	}, func(*authority.DirectoryKey) error { return nil }))
	_, last, err := s.Revocations(t.Context(), 0, 10)
	must(t, err)
	wantEqual(t, "the last revocation", last, l.From)
	_, err = s.Changes(t.Context(), before.Head, 10)
	wantError(t, err, authority.ErrDiverged)
	_, err = s.Reply(t.Context(), reply(1, at).ID)
	wantError(t, err, authority.ErrNotFound)
	_, _, err = accounts(s).Session(t.Context(), token(1))
	wantError(t, err, authority.ErrNotFound)
	nodes, err := s.Nodes(t.Context())
	must(t, err)
	wantEqual(t, "nodes", len(nodes), 0)
}

// C-548: a dump that was restored into another database is noticed, until somebody
// has said what it is.
func TestPostgresACopyIsNoticed(t *testing.T) {
	server := postgrestest.Shared(t)
	url := server.Database(t)
	s := openPostgres(t, url)
	initialize(t, s)
	copied := func(s *Store) bool {
		t.Helper()
		inst, _, err := s.Installation(t.Context())
		must(t, err)
		return inst.Copied
	}
	if s.place == "" || copied(s) {
		t.Fatalf("place %q, a copy: %t", s.place, copied(s))
	}
	for _, said := range []func(*Store) error{
		func(s *Store) error { return s.KeepPlace(t.Context(), moveDraft()) },
		func(s *Store) error {
			return s.BeginLineage(t.Context(), &authority.Lineage{Number: 7}, draft(authority.InstallationRestored, "tw"))
		},
	} {
		_, err := s.write.ExecContext(t.Context(), `UPDATE installation SET place = '1/2'`) // of where it came from
		must(t, err)
		other := openPostgres(t, url)
		wantEqual(t, "a copy", copied(other), true)
		must(t, said(other))
		wantEqual(t, "a copy once it was said", copied(s), false)
	}
	_, err := s.write.ExecContext(t.Context(), `UPDATE installation SET place = $1`, "") // of a release that kept none
	must(t, err)
	wantEqual(t, "a copy of what knows no place", copied(openPostgres(t, url)), false)
	wantEqual(t, "the place", value[string](t, s, `SELECT place FROM installation`), s.place)
}

func testAddEvent(t *testing.T, s authority.Store) {
	initialize(t, s)
	before := read(t, s)
	must(t, s.AddEvent(t.Context(), draft(authority.APIKeyExpiring, "twc_demo_1")))
	after := read(t, s)
	wantEqual(t, "events", after.Events[:len(before.Events)], before.Events)
	wantEqual(t, "the last event", after.Events[len(before.Events)].Kind, authority.APIKeyExpiring)
	after.Events, after.Head, after.Directory.Head = before.Events, before.Head, before.Directory.Head
	wantEqual(t, "all else", after, before)
}
