package faults

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/test/harness"
)

// row is what the database holds of an API key.
type row struct{ ID, Status, Name string }

// readKeys reads every API key that there ever was.
func readKeys(t *testing.T, in *harness.Installation) []row {
	t.Helper()
	var rows []row
	for _, line := range in.Lines(t, "SELECT id || '|' || status || '|' || name FROM api_keys") {
		parts := strings.SplitN(line, "|", 3)
		rows = append(rows, row{ID: parts[0], Status: parts[1], Name: parts[2]})
	}
	return rows
}

// lost compares every promise with the database and with what the restarted
// server does, and returns those that are not kept.
func lost(t *testing.T, in *harness.Installation, l *log) []string {
	t.Helper()
	status := map[string]string{}
	for _, r := range readKeys(t, in) {
		status[r.ID] = r.Status
	}
	var problems []string
	for _, key := range l.read(t) {
		want := map[bool]string{false: "active", true: "deleted"}[key.deleted]
		if got := status[key.id]; got != want {
			problems = append(problems, fmt.Sprintf("%s must be %s, the database says %q", key.id, want, got))
		}
		if key.secret == "" {
			continue
		}
		a := in.Ask(t, in.URL+"/oauth/token", key.id, key.secret)
		if key.deleted && a.Error != "invalid_client" || !key.deleted && a.AccessToken == "" {
			problems = append(problems, fmt.Sprintf("%s must be %s, the server answers %q: %s", key.id, want, a.Error, a.Description))
		}
	}
	return problems
}

// whole says what must be true of the tables together at any moment. Each query
// finds what is only half there.
var whole = map[string]string{
	"an API key without exactly one event of its creation": `
		SELECT id FROM api_keys WHERE (SELECT count(*) FROM events WHERE kind = 'api_key.created' AND subject = id) <> 1`,
	"an event about no API key": `
		SELECT kind || ' ' || subject FROM events WHERE kind LIKE 'api_key.%' AND subject NOT IN (SELECT id FROM api_keys)`,
	"an API key whose events of its deletion are not as many as its deletions": `
		SELECT id FROM api_keys LEFT JOIN (SELECT subject, count(*) AS n FROM events WHERE kind = 'api_key.deleted' GROUP BY subject) AS e ON subject = id
		WHERE coalesce(n, 0) <> CASE status WHEN 'deleted' THEN 1 ELSE 0 END`,
	"an API key whose version is not the number of its events": `
		SELECT id FROM api_keys LEFT JOIN (SELECT subject, count(*) AS n FROM events WHERE kind LIKE 'api_key.%' GROUP BY subject) AS e ON subject = id
		WHERE version <> coalesce(n, 0)`,
	"a deleted API key with a secret": `
		SELECT id FROM api_keys WHERE status = 'deleted' AND id IN (SELECT api_key_id FROM secrets)`,
	"an active API key without its one secret": `
		SELECT id FROM api_keys WHERE status = 'active' AND (SELECT count(*) FROM secrets WHERE api_key_id = api_keys.id) <> 1`,
	"a secret of no API key": `
		SELECT api_key_id FROM secrets WHERE api_key_id NOT IN (SELECT id FROM api_keys)`,
	"more active API keys than the limit": `
		SELECT m.id FROM api_keys k JOIN merchants m ON m.id = k.merchant_id
		WHERE k.status = 'active' GROUP BY m.id, k.env HAVING count(*) > m.key_limit`,
	// The rows show this moment; the events show every one before it.
	"more active API keys than the limit, once": `
		SELECT DISTINCT m.id FROM (
			SELECT merchant_id, sum(CASE kind WHEN 'api_key.created' THEN 1 WHEN 'api_key.deleted' THEN -1 ELSE 0 END)
				OVER (PARTITION BY merchant_id, env ORDER BY seq) AS active FROM events
		) AS moments JOIN merchants m ON m.id = merchant_id WHERE active > m.key_limit`,
	"a gap in the events before number": `
		SELECT CAST(seq AS TEXT) FROM (SELECT seq, row_number() OVER (ORDER BY seq) AS place FROM events) AS places WHERE seq <> place`,
	"a head of the events that is not the last of them": `
		SELECT CAST(h.seq AS TEXT) FROM event_head h WHERE NOT EXISTS (
			SELECT 1 FROM events e WHERE e.seq = (SELECT max(seq) FROM events) AND e.seq = h.seq AND e.hash = h.hash)`,
}

// intact is the same for the embedded database alone: PostgreSQL checks itself.
var intact = map[string]string{
	"integrity_check":   `SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok'`,
	"foreign_key_check": `SELECT "table" || ' lacks its row of ' || parent FROM pragma_foreign_key_check`,
}

// halfDone holds the tables against each other, and returns what does not fit.
func halfDone(t *testing.T, in *harness.Installation) []string {
	t.Helper()
	var queries []string
	find := func(what, query string) {
		queries = append(queries, fmt.Sprintf("SELECT * FROM (WITH found(subject) AS (%s) SELECT '%s: ' || subject AS line FROM found) AS part", query, what))
	}
	for what, query := range whole {
		find(what, query)
	}
	if !in.OnPostgres() {
		for what, query := range intact {
			find(what, query)
		}
	}
	problems := in.Lines(t, strings.Join(queries, " UNION ALL "))
	if v := in.VerifyEvents(t); !v.OK {
		problems = append(problems, fmt.Sprintf("event verify: event %d %s%s", v.Broken, v.Reason, strings.Join(v.Differences, "; ")))
	}
	return problems
}
