package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// verification of the events, as `event verify -o json` prints it.
type eventVerification struct {
	OK     bool   `json:"ok"`
	Events int64  `json:"events"`
	Head   string `json:"head"`
	Broken int64  `json:"broken"`
	Reason string `json:"reason"`
}

// verifyEvents runs `event verify`; the exit code must agree with what it prints.
func (in *installation) verifyEvents(t *testing.T, args ...string) eventVerification {
	t.Helper()
	r := in.try(t, append([]string{"event", "verify", "-o", "json"}, args...)...)
	var v eventVerification
	if err := json.Unmarshal([]byte(r.stdout), &v); err != nil {
		t.Fatalf("event verify: %v\n%s%s", err, r.stdout, r.stderr)
	}
	if want := map[bool]int{true: 0, false: 1}[v.OK]; r.code != want {
		t.Errorf("event verify: exit code %d with ok %t", r.code, v.OK)
	}
	return v
}

// copyOf is an installation on a copy of the data directory; no process may
// have the database open.
func (in *installation) copyOf(t *testing.T) *installation {
	t.Helper()
	to := newInstallation(t)
	if err := os.RemoveAll(to.data); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(to.data, os.DirFS(in.data)); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(to.data, "master.key"), 0o600); err != nil { // CopyFS adds what umask allows
		t.Fatal(err)
	}
	return to
}

func TestEventVerifyNamesAChangedOrRemovedRow(t *testing.T) {
	t.Parallel()
	need(t, "sqlite3")
	s, _ := startWithKey(t, "demo")
	s.createKey(t, "production")
	s.stop(t)
	whole := s.verifyEvents(t)
	if !whole.OK || whole.Events < 6 || !strings.HasPrefix(whole.Head, fmt.Sprintf("%d:", whole.Events)) {
		t.Fatalf("before anything was changed: %+v", whole)
	}
	for sql, want := range map[string]eventVerification{
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
			in := s.copyOf(t)
			sqlite(t, in, sql+";")
			got := in.verifyEvents(t)
			if got.OK || got.Broken != want.Broken || !strings.Contains(got.Reason, want.Reason) || got.Events != want.Broken-1 {
				t.Errorf("event verify finds %+v", got)
			}
			if r := in.try(t, "event", "verify"); r.code != 1 || !strings.Contains(r.stdout, fmt.Sprintf("Event %d %s", want.Broken, want.Reason)) {
				t.Errorf("for people: exit code %d\n%s%s", r.code, r.stdout, r.stderr)
			}
		})
	}
}

// A chain whose tail was cut off cleanly is a whole chain. Only a head that
// was kept elsewhere, as the log of the server keeps it, shows the loss.
func TestHeadOfTheServersLogFindsACutTail(t *testing.T) {
	t.Parallel()
	need(t, "sqlite3")
	s, _ := startWithKey(t, "demo")
	s.stop(t)
	again := s.start(t)
	var head string
	eventually(t, aSecond*10, "the server logs the head of the events", func() bool {
		for _, r := range again.records(t, "event head") {
			head = fmt.Sprintf("%.0f:%s", r["seq"], r["hash"])
		}
		return head != ""
	})
	again.stop(t)
	if v := s.verifyEvents(t, "--head", head); !v.OK || v.Head != head {
		t.Fatalf("before anything was cut, with --head %s: %+v", head, v)
	}
	cut := s.copyOf(t)
	sqlite(t, cut, `
DELETE FROM events WHERE seq > (SELECT max(seq) - 2 FROM events);
UPDATE event_head SET (seq, hash) = (SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1);`)
	whole := cut.verifyEvents(t)
	if !whole.OK {
		t.Fatalf("the tail was not cut off cleanly: %+v", whole)
	}
	if v := cut.verifyEvents(t, "--head", head); v.OK || v.Broken != whole.Events+1 || !strings.Contains(v.Reason, "is missing") {
		t.Errorf("with --head of the log: %+v", v)
	}
	// Another history of the same length is no better.
	cut.cli(t, "merchant", "create", "--id", "1", "--name", "Other")
	cut.cli(t, "merchant", "create", "--id", "2", "--name", "History")
	if v := cut.verifyEvents(t); !v.OK || v.Events != whole.Events+2 {
		t.Errorf("the other history: %+v", v)
	}
	if v := cut.verifyEvents(t, "--head", head); v.OK || v.Broken != whole.Events+2 {
		t.Errorf("the other history, with --head of the log: %+v", v)
	}
}
