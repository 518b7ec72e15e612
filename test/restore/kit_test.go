package restore

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/internal/postgrestest"
	"github.com/tokenwright/tokenwright/test/harness"
)

// run runs a command of this package's, however it ends; what it shows is
// searched for secrets with the rest.
func run(t *testing.T, in *harness.Installation, args ...string) harness.Result {
	t.Helper()
	r := in.Try(t, args...)
	in.Keep(t, "stdout", []byte(r.Stdout))
	return r
}

// succeed runs a command that must succeed, and reads its JSON.
func succeed[T any](t *testing.T, in *harness.Installation, args ...string) T {
	t.Helper()
	r := run(t, in, append(args, "-o", "json")...)
	var out T
	if err := json.Unmarshal([]byte(r.Stdout), &out); err != nil || r.Code != 0 {
		t.Fatalf("tokenwright %s: exit code %d, %v\n%s%s", strings.Join(args, " "), r.Code, err, r.Stdout, r.Stderr)
	}
	return out
}

// refuse runs a command that must fail, say all of why, and do so in words for
// people.
func refuse(t *testing.T, in *harness.Installation, why []string, args ...string) {
	t.Helper()
	r := run(t, in, args...)
	if r.Code != 1 || r.Stdout != "" {
		t.Errorf("tokenwright %s: exit code %d\n%s%s", strings.Join(args, " "), r.Code, r.Stdout, r.Stderr)
	}
	for _, text := range why {
		if !strings.Contains(r.Stderr, text) {
			t.Errorf("tokenwright %s does not say %q:\n%s", strings.Join(args, " "), text, r.Stderr)
		}
	}
}

// taken is what backup says.
type taken struct {
	File   string `json:"file"`
	Events int64  `json:"events"`
	Head   string `json:"head"`
}

// restored is what restore says.
type restored struct {
	From       string  `json:"from"`
	Replayed   int     `json:"replayed"`
	Lineage    int64   `json:"lineage"`
	MinGen     float64 `json:"minGen"`
	Replaced   string  `json:"replaced"`
	Unfinished []struct {
		Event   string `json:"event"`
		Subject string `json:"subject"`
	} `json:"unfinished"`
}

// beside is the path of a file of an installation, outside its data directory.
func beside(in *harness.Installation, name string) string {
	return filepath.Join(filepath.Dir(in.Data), name)
}

// database is the path of the embedded database.
func database(in *harness.Installation) string { return filepath.Join(in.Data, "tokenwright.db") }

func exists(t *testing.T, path string) bool {
	t.Helper()
	_, err := os.Stat(path)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return err == nil
}

// export writes the events of an installation behind one into a file.
func export(t *testing.T, in *harness.Installation, after string) string {
	t.Helper()
	path := beside(in, "events.json")
	writeFile(t, path, in.CLI(t, "event", "list", "--after", after, "-o", "json"))
	return path
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// elsewhere is another data directory, with nothing in it but the master key.
func elsewhere(t *testing.T, in *harness.Installation) *harness.Installation {
	t.Helper()
	to := harness.New(t)
	writeFile(t, filepath.Join(to.Data, "master.key"), readFile(t, filepath.Join(in.Data, "master.key")))
	return to
}

// dump is all that the embedded database holds, as text; no server has it open.
func dump(t *testing.T, in *harness.Installation) string {
	t.Helper()
	return in.SQLite(t, ".dump")
}

// newPostgres runs a server that does not wait for the disk: nothing ends it here. It
// keeps little of its log, all of which is searched.
func newPostgres(t *testing.T) *postgrestest.Server {
	t.Helper()
	return postgrestest.Start(t, "fsync=off", "synchronous_commit=off", "full_page_writes=off", "min_wal_size=32MB", "max_wal_size=32MB")
}

// withPostgres is the same installation, at the same address with the same master
// key, on an empty database of its own.
func withPostgres(t *testing.T, in *harness.Installation, p *postgrestest.Server) *harness.Installation {
	t.Helper()
	to := harness.NewOnPostgres(t, p)
	if key := filepath.Join(in.Data, "master.key"); exists(t, key) {
		to.Environ[1] = "TOKENWRIGHT_MASTER_KEY=" + in.MasterKey(t, "master.key")
	}
	to.Host, to.Port, to.URL, to.Client = in.Host, in.Port, in.URL, in.Client
	return to
}
