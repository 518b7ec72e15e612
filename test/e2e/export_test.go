package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/harness"
)

// auditor is somebody with files alone: no database, no master key.
type auditor struct {
	*harness.Installation
	dir string // where they lie
}

// verify has a stranger verify the lines of an export.
func (a *auditor) verify(t *testing.T, lines []string, args ...string) harness.EventVerification {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := a.Command(ctx, append([]string{"event", "verify", "--export", "-", "--chain-key-file", "chain.key", "-o", "json"}, args...)...)
	c.Dir, c.Stdin = a.dir, strings.NewReader(strings.Join(lines, "\n"))
	r := a.Finish(t, c)
	var v harness.EventVerification
	if err := json.Unmarshal([]byte(r.Stdout), &v); err != nil || v.OK != (r.Code == 0) {
		t.Fatalf("event verify: %v, exit code %d\n%s%s", err, r.Code, r.Stdout, r.Stderr)
	}
	return v
}

// C-536, C-538: whoever has nothing but an export, the event-chain key and the heads
// of a server's log is told what was done to the events.
func TestAStrangerVerifiesAnExport(t *testing.T) {
	t.Parallel()
	s, _ := harness.StartWithKey(t, "demo")
	s.CLI(t, "merchant", "create", "--id", "77", "--name", `Marks & <Spencer> } \ "日本語`)
	s.Stop(t)
	again := s.Start(t, "--log-format", "text") // the first log is JSON
	s.CLI(t, "merchant", "create", "--id", "78", "--name", "Later")
	export := s.CLI(t, "event", "list", "-o", "json", "--limit", "4")
	export += s.CLI(t, "event", "list", "-o", "json", "--after", "4")
	again.Stop(t)

	a := auditor{harness.New(t), t.TempDir()}
	for name, text := range map[string]string{"chain.key": s.CLI(t, "event", "chain-key"), "server.log": s.ReadLog(t) + again.ReadLog(t)} {
		if err := os.WriteFile(filepath.Join(a.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var lines []string
	for d := json.NewDecoder(strings.NewReader(export)); d.More(); {
		var some []json.RawMessage
		if err := d.Decode(&some); err != nil {
			t.Fatal(err)
		}
		for _, e := range some {
			var line bytes.Buffer
			if err := json.Compact(&line, e); err != nil {
				t.Fatal(err)
			}
			lines = append(lines, line.String())
		}
	}
	n := int64(len(lines))
	whole := a.verify(t, []string{export}, "--heads", "server.log")
	if !whole.OK || whole.Events != n || n < 7 || whole.Heads < 2 {
		t.Fatalf("the export of %d events, with the log: %+v", n, whole)
	}
	if v := a.verify(t, lines[5:], "--from", fmt.Sprintf("5:%s", hashOf(t, lines[4])), "--heads", "server.log"); !v.OK || v.Events != n-5 || v.Head != whole.Head {
		t.Errorf("behind the fifth event: %+v", v)
	}

	changed := func(f func([]string) []string) []string { return f(slices.Clone(lines)) }
	swap := func(l []string) []string { l[3], l[4] = l[4], l[3]; return l }
	for _, c := range []struct {
		what   string
		lines  []string
		broken int64
		reason string
	}{
		{"altered", changed(func(l []string) []string {
			l[3] = strings.Replace(l[3], `"actor":"cli:`, `"actor":"cli:not-`, 1)
			return l
		}), 4, "was changed"},
		{"removed", changed(func(l []string) []string { return slices.Delete(l, 3, 4) }), 4, "is missing"},
		{"swapped", changed(swap), 4, "is missing"},
		{"swapped and renumbered", changed(func(l []string) []string {
			l = swap(l)
			l[3] = strings.Replace(l[3], `{"seq":5,`, `{"seq":4,`, 1)
			l[4] = strings.Replace(l[4], `{"seq":4,`, `{"seq":5,`, 1)
			return l
		}), 4, "was changed"},
		{"appended", changed(func(l []string) []string {
			return append(l, strings.Replace(l[n-1], fmt.Sprintf(`{"seq":%d,`, n), fmt.Sprintf(`{"seq":%d,`, n+1), 1))
		}), n + 1, "was changed"},
		{"twice", changed(func(l []string) []string { return append(l, l[n-1]) }), n, "stands behind"},
		{"the tail cut off", lines[:5], 6, "is missing"},
	} {
		v := a.verify(t, c.lines, "--heads", "server.log")
		if v.OK || v.Broken != c.broken || !strings.HasPrefix(v.Reason, c.reason) || v.Events != min(c.broken-1, int64(len(c.lines))) && c.what != "twice" {
			t.Errorf("%s: %+v, want event %d %s", c.what, v, c.broken, c.reason)
		}
	}
	if v := a.verify(t, lines[:5]); !v.OK || v.Events != 5 {
		t.Errorf("without a head, a tail cut off neatly is a whole chain: %+v", v)
	}
	if found, err := os.ReadDir(a.Data); err != nil || len(found) > 0 {
		t.Errorf("verification has made %v, %v", found, err)
	}
}

func hashOf(t *testing.T, line string) string {
	t.Helper()
	var e struct{ Hash string }
	if err := json.Unmarshal([]byte(line), &e); err != nil {
		t.Fatal(err)
	}
	return e.Hash
}
