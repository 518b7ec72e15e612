package faults

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/test/harness"
)

// A comparison that finds nothing would look like a product that loses nothing:
// so losses and halves are planted into copies of a database, and found.

func TestComparisonFindsWhatWasLost(t *testing.T) {
	harness.Need(t, "sqlite3")
	s, kept := harness.StartWithKey(t, "demo")
	deleted := s.CreateKey(t, "demo")
	s.Stop(t)
	old := s.CopyOf(t) // what comes now is lost in it
	created := s.CreateKey(t, "demo")
	s.CLI(t, "key", "delete", deleted.ClientID, "--yes")

	l := newLog(t)
	for _, key := range []harness.APIKey{kept, deleted, created} {
		l.add(t, acknowledgement{Created: key.ClientID, Secret: key.ClientSecret})
	}
	l.add(t, acknowledgement{Deleted: deleted.ClientID})
	again := s.Start(t)
	if problems := lost(t, s.Installation, l); len(problems) > 0 {
		t.Fatalf("nothing was lost, and yet: %q", problems)
	}
	again.Stop(t)

	old.Port, old.URL = s.Port, s.URL // the issuers of the database
	old.Start(t)
	problems := lost(t, old, l)
	for _, want := range []string{
		created.ClientID + " must be active, the database", created.ClientID + " must be active, the server",
		deleted.ClientID + " must be deleted, the database", deleted.ClientID + " must be deleted, the server",
	} {
		if !slices.ContainsFunc(problems, func(p string) bool { return strings.HasPrefix(p, want) }) {
			t.Errorf("not found: %s says otherwise", want)
		}
	}
	if len(problems) != 4 {
		t.Errorf("found: %q", problems)
	}
}

func TestComparisonFindsWhatIsHalfDone(t *testing.T) {
	harness.Need(t, "sqlite3")
	s, _ := harness.StartWithKey(t, "demo")
	s.CreateKey(t, "demo")
	last := s.CreateKey(t, "demo")
	s.CLI(t, "key", "delete", last.ClientID, "--yes")
	s.CreateKey(t, "demo") // 4259 has as many as it may
	s.Stop(t)
	if problems := halfDone(t, s.Installation); len(problems) > 0 {
		t.Fatalf("nothing is half done, and yet: %q", problems)
	}
	missed := maps.Clone(whole)
	maps.Copy(missed, intact)
	for _, c := range planted {
		delete(missed, c.what)
		t.Run(c.what, func(t *testing.T) {
			in := s.CopyOf(t)
			in.SQLite(t, c.sql+";")
			problems := halfDone(t, in)
			if !slices.ContainsFunc(problems, func(p string) bool { return strings.HasPrefix(p, c.what+": ") }) {
				t.Errorf("after %s found: %q", c.sql, problems)
			}
		})
	}
	for what := range missed {
		t.Errorf("nothing is planted to show that this would be found: %s", what)
	}
}

const (
	anActive   = "(SELECT min(id) FROM api_keys WHERE status = 'active')"
	theDeleted = "(SELECT id FROM api_keys WHERE status = 'deleted')"
)

// planted is what SQL changes, and what must be found then.
var planted = []struct{ what, sql string }{
	{"an API key without exactly one event of its creation", `
		DELETE FROM events WHERE kind = 'api_key.created' AND subject = ` + anActive},
	{"an API key without exactly one event of its creation", `
		INSERT INTO events SELECT seq + 1, time, actor, address, request_id, kind, subject, merchant_id, env, details, root_key_id, hash
		FROM events ORDER BY seq DESC LIMIT 1`},
	{"an event about no API key", `
		DELETE FROM secrets WHERE api_key_id = ` + anActive + `; DELETE FROM api_keys WHERE id = ` + anActive},
	{"an API key whose events of its deletion are not as many as its deletions", `
		DELETE FROM events WHERE kind = 'api_key.deleted'`},
	{"an API key whose events of its deletion are not as many as its deletions", `
		UPDATE api_keys SET status = 'disabled' WHERE status = 'deleted'`},
	{"an API key whose version is not the number of its events", `
		UPDATE api_keys SET version = 3 WHERE status = 'deleted'`},
	{"a deleted API key with a secret", `
		INSERT INTO secrets (api_key_id, id, name, hint, hash, root_key_id, created_at, created_by, expires_at)
			SELECT ` + theDeleted + `, 7, '', '', hash, 1, 0, '', 0 FROM secrets LIMIT 1`},
	{"an active API key without its one secret", `
		DELETE FROM secrets WHERE api_key_id = ` + anActive},
	{"a secret of no API key", `
		UPDATE secrets SET api_key_id = 'nobody' WHERE api_key_id = ` + anActive},
	{"more active API keys than the limit", `
		UPDATE merchants SET key_limit = 2`},
	{"more active API keys than the limit, once", `
		UPDATE events SET kind = 'other' WHERE kind = 'api_key.deleted'`},
	{"a gap in the events before number", `
		DELETE FROM events WHERE seq = 3`},
	{"a head of the events that is not the last of them", `
		UPDATE event_head SET seq = seq + 1`},
	{"event verify", `
		UPDATE events SET actor = 'cli:nobody' WHERE seq = 5`},
	{"foreign_key_check", `
		UPDATE api_keys SET env = 'nowhere' WHERE id = ` + anActive},
	// A row that its own table does not allow, as a torn page may show it.
	{"integrity_check", `
		CREATE TABLE torn (a); INSERT INTO torn VALUES (NULL);
		PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = 'CREATE TABLE torn (a NOT NULL)' WHERE name = 'torn'`},
}
