package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/test/harness"
)

func TestEventVerifyNamesAChangedOrRemovedRow(t *testing.T) {
	t.Parallel()
	harness.Need(t, "sqlite3")
	s, _ := harness.StartWithKey(t, "demo")
	s.CreateKey(t, "production")
	s.Stop(t)
	whole := s.VerifyEvents(t)
	if !whole.OK || whole.Events < 6 || !strings.HasPrefix(whole.Head, fmt.Sprintf("%d:", whole.Events)) {
		t.Fatalf("before anything was changed: %+v", whole)
	}
	for sql, want := range map[string]harness.EventVerification{
		"UPDATE events SET details = '{}' WHERE seq = 4":                                  {Broken: 4, Reason: "was changed"},
		"UPDATE events SET actor = 'cli:nobody@nowhere' WHERE seq = 2":                    {Broken: 2, Reason: "was changed"},
		"UPDATE events SET time = time + 1 WHERE seq = 3":                                 {Broken: 3, Reason: "was changed"},
		"UPDATE events SET kind = 'api_key.deleted' WHERE seq = 5":                        {Broken: 5, Reason: "was changed"},
		"UPDATE events SET hash = zeroblob(32) WHERE seq = 1":                             {Broken: 1, Reason: "was changed"},
		"DELETE FROM events WHERE seq = 3":                                                {Broken: 3, Reason: "is missing"},
		"DELETE FROM events WHERE seq = (SELECT max(seq) FROM events)":                    {Broken: whole.Events, Reason: "is missing"},
		"DELETE FROM events WHERE seq = 3; UPDATE events SET seq = seq - 1 WHERE seq > 3": {Broken: 3, Reason: "was changed"},
	} {
		t.Run(sql, func(t *testing.T) {
			in := s.CopyOf(t)
			in.SQLite(t, sql+";")
			got := in.VerifyEvents(t)
			if got.OK || got.Broken != want.Broken || !strings.Contains(got.Reason, want.Reason) || got.Events != want.Broken-1 {
				t.Errorf("event verify finds %+v", got)
			}
			if r := in.Try(t, "event", "verify"); r.Code != 1 || !strings.Contains(r.Stdout, fmt.Sprintf("Event %d %s", want.Broken, want.Reason)) {
				t.Errorf("for people: exit code %d\n%s%s", r.Code, r.Stdout, r.Stderr)
			}
		})
	}
}

// A chain whose tail was cut off cleanly is a whole chain. Where the database tells
// nothing of what it said, only a head that was kept elsewhere, as the log of the
// server keeps it, shows the loss.
func TestHeadOfTheServersLogFindsACutTail(t *testing.T) {
	t.Parallel()
	harness.Need(t, "sqlite3")
	s, _ := harness.StartWithKey(t, "demo")
	s.Stop(t)
	s.CLI(t, "merchant", "update", "4259", "--name", "Acme")
	s.CLI(t, "merchant", "update", "4259", "--name", "Other")
	again := s.Start(t)
	var head string
	harness.Eventually(t, harness.Soon, "the server logs the head of the events", func() bool {
		for _, r := range again.Records(t, "event head") {
			head = fmt.Sprintf("%.0f:%s", r["seq"], r["hash"])
		}
		return head != ""
	})
	again.Stop(t)
	if v := s.VerifyEvents(t, "--head", head); !v.OK || v.Head != head {
		t.Fatalf("before anything was cut, with --head %s: %+v", head, v)
	}
	cut := s.CopyOf(t)
	cut.SQLite(t, `
DELETE FROM events WHERE seq > (SELECT max(seq) - 2 FROM events);
UPDATE event_head SET (seq, hash) = (SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1);`)
	whole := cut.VerifyEvents(t)
	if !whole.OK {
		t.Fatalf("the tail was not cut off cleanly: %+v", whole)
	}
	if v := cut.VerifyEvents(t, "--head", head); v.OK || v.Broken != whole.Events+1 || !strings.Contains(v.Reason, "is missing") {
		t.Errorf("with --head of the log: %+v", v)
	}
	// Another history of the same length is no better.
	cut.CLI(t, "merchant", "create", "--id", "1", "--name", "Other")
	cut.CLI(t, "merchant", "create", "--id", "2", "--name", "History")
	if v := cut.VerifyEvents(t); !v.OK || v.Events != whole.Events+2 {
		t.Errorf("the other history: %+v", v)
	}
	if v := cut.VerifyEvents(t, "--head", head); v.OK || v.Broken != whole.Events+2 {
		t.Errorf("the other history, with --head of the log: %+v", v)
	}
}
