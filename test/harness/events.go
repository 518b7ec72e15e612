package harness

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// EventVerification is what `event verify` finds, as -o json prints it.
type EventVerification struct {
	OK     bool   `json:"ok"`
	Events int64  `json:"events"`
	Head   string `json:"head"`
	Heads  int    `json:"heads"`
	Broken int64  `json:"broken"`
	Reason string `json:"reason"`

	Differences []string `json:"differences"`
}

// VerifyEvents runs `event verify`; the exit code must agree with what it prints.
func (in *Installation) VerifyEvents(t testing.TB, args ...string) EventVerification {
	t.Helper()
	r := in.Try(t, append([]string{"event", "verify", "-o", "json"}, args...)...)
	var v EventVerification
	if err := json.Unmarshal([]byte(r.Stdout), &v); err != nil {
		t.Fatalf("event verify: %v\n%s%s", err, r.Stdout, r.Stderr)
	}
	if want := map[bool]int{true: 0, false: 1}[v.OK]; r.Code != want {
		t.Errorf("event verify: exit code %d with ok %t", r.Code, v.OK)
	}
	return v
}

// CopyOf is an installation on a copy of the data directory; no process may
// have the database open.
func (in *Installation) CopyOf(t testing.TB) *Installation {
	t.Helper()
	to := New(t)
	if err := os.RemoveAll(to.Data); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(to.Data, os.DirFS(in.Data)); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(to.Data, "master.key"), 0o600); err != nil { // CopyFS adds what umask allows
		t.Fatal(err)
	}
	return to
}
