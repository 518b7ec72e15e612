package observe

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/postgrestest"
	"github.com/tokenwright/tokenwright/test/harness"
)

func databaseIsAway(t *testing.T, w *watch) {
	p := postgrestest.Start(t, "fsync=off")
	in := harness.NewOnPostgres(t, p)
	in.Configure(t, "max_staleness: 13s\n")
	s := in.Start(t)
	s.Seed(t)
	key := s.CreateKey(t, "demo")
	eventually(t, sees, "the API key works", func() bool { return s.Works(t, key) })
	s.Stop(t)

	if err := p.Stop(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	s = in.Launch(t)
	w.scrape(t, s.MetricsURL)
	w.begins(t, "TokenwrightNotReady", "TokenwrightNoNodeReady")
	if says := string(s.Get(t, s.URL+"/readyz").Body); !strings.Contains(says, "the database has not answered since this node was started") {
		t.Errorf("/readyz says %s", says)
	}
	if err := p.Restart(); err != nil {
		t.Fatal(err)
	}
	w.ends(t, "TokenwrightNotReady", "TokenwrightNoNodeReady")

	token := s.Token(t, key)
	resume, err := p.Pause()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resume() }() // once more does no harm
	w.begins(t, "TokenwrightTokensEndSoon", "TokenwrightDirectoryStale")
	logs(t, s, "the directory cannot be kept current")
	// Tokens end, and with them what gateways let pass.
	ask(t, in, key, http.StatusServiceUnavailable, 10)
	r := harness.NewRequest(t, http.MethodGet, s.URL+"/forward-auth?env=demo&scope=customers:read", "")
	r.Header.Set("Authorization", "Bearer "+token)
	if a := s.Do(t, r); a.Status != http.StatusForbidden {
		t.Errorf("a gateway is answered %d", a.Status)
	}
	stop := goOnAsking(t, in, key)
	defer stop()
	w.begins(t, "TokenwrightServerErrors", "TokenwrightGatewayCheckUnavailable")
	checkReasons(t, s, `"refused":"stale"`)
	if err := resume(); err != nil {
		t.Fatal(err)
	}
	w.ends(t, "TokenwrightTokensEndSoon", "TokenwrightDirectoryStale")
	logs(t, s, "the directory is current again")
	ask(t, in, key, http.StatusOK, 1)
	w.ends(t, "TokenwrightServerErrors", "TokenwrightGatewayCheckUnavailable")
}

// C-556: the runbook of a lost history, to the letter: what was done since is done again
// from exported events, and no API key that was deleted is alive.
func databaseGoesBack(t *testing.T, w *watch) {
	p := postgrestest.Start(t, "fsync=off")
	in := harness.NewOnPostgres(t, p)
	s := in.Start(t)
	w.scrape(t, s.MetricsURL)
	s.Seed(t)
	deleted, kept := s.CreateKey(t, "demo"), s.CreateKey(t, "demo")
	eventually(t, sees, "the API key works", func() bool { return s.Works(t, deleted) })
	data, old := filepath.Join(p.Dir, "data"), filepath.Join(p.Dir, "older")
	stopped := func(swap func()) {
		t.Helper()
		if err := p.Stop(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		swap()
		if err := p.Restart(); err != nil {
			t.Fatal(err)
		}
	}
	stopped(func() {
		if out, err := exec.Command("cp", "-a", data, old).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	})
	in.CLI(t, "key", "delete", deleted.ClientID, "--yes")
	eventually(t, sees, "the deleted API key is refused", func() bool { return s.Refuses(t, deleted) })
	events, head := exportEvents(t, in)
	w.quiet(t)
	stopped(func() {
		if err := os.Rename(data, data+".lost"); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(old, data); err != nil {
			t.Fatal(err)
		}
	})
	w.begins(t, "TokenwrightOtherHistory")
	logs(t, s, "the database has another history; reading it anew")
	eventually(t, sees, "what was deleted is alive, as the runbook says", func() bool { return s.Works(t, deleted) })
	token := s.Token(t, kept)

	in.CLI(t, "restore", "--finish", "--replay", events, "--head", head)
	eventually(t, sees, "what was deleted is refused again", func() bool { return s.Refuses(t, deleted) })
	eventually(t, sees, "an API key that nobody deleted works, once the node has read everything anew", func() bool { return s.Works(t, kept) })
	eventually(t, sees, "a token of before the restore is dead", func() bool { return introspect(t, s, token, kept) == `{"active":false}` })
	if v := in.VerifyEvents(t); !v.OK {
		t.Errorf("event verify: %+v", v)
	}
	w.ends(t, "TokenwrightOtherHistory")
}

// exportEvents writes all events to a file, and returns it with the last event head.
func exportEvents(t *testing.T, in *harness.Installation) (file, head string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "events.json")
	if err := os.WriteFile(file, []byte(in.CLI(t, "event", "list", "-o", "json")), 0o600); err != nil {
		t.Fatal(err)
	}
	return file, in.VerifyEvents(t).Head
}

// C-556: the runbook of a lost embedded database, step by step. The master key is in a
// file of its own, as the package has it.
func TestALostDatabaseIsRestoredByItsRunbook(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	giveMasterKey(t, in)
	s := in.Start(t)
	s.Seed(t)
	deleted, kept := s.CreateKey(t, "demo"), s.CreateKey(t, "demo")
	s.AwaitKeys(t, deleted)
	backup := filepath.Join(t.TempDir(), "BACKUP.db")
	s.CLI(t, "backup", backup)
	s.CLI(t, "key", "delete", deleted.ClientID, "--yes")
	events, _ := exportEvents(t, s.Installation)
	s.Stop(t)
	heads := s.Records(t, "event head")
	last := heads[len(heads)-1] // as the runbook's "Look" finds it in the log
	head := fmt.Sprintf("%.0f:%s", last["seq"], last["hash"])
	database := filepath.Join(s.Data, "tokenwright.db")
	if err := os.WriteFile(database, []byte("not a database any more"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := s.Try(t, "event", "verify"); r.Code != 1 {
		t.Errorf("event verify of a damaged database: exit code %d", r.Code)
	}

	trial := filepath.Join(t.TempDir(), "trial")
	if r := s.Try(t, "restore", backup, "--data", trial, "--replay", events, "--head", fmt.Sprintf("%.0f:%s", last["seq"].(float64)+1, last["hash"])); r.Code != 1 {
		t.Errorf("an export that ends before the head: exit code %d\n%s", r.Code, r.Stdout)
	}
	s.CLI(t, "restore", backup, "--data", trial, "--replay", events, "--head", head)
	if v := s.VerifyEvents(t, "--data", trial); !v.OK {
		t.Errorf("event verify of the trial: %+v", v)
	}

	s.CLI(t, "restore", backup, "--replay", events, "--head", head, "--replace")
	s = s.Installation.Start(t)
	if !s.Works(t, kept) || !s.Refuses(t, deleted) {
		t.Error("after the restore the API keys are not as they were")
	}
	if v := s.VerifyEvents(t); !v.OK {
		t.Errorf("event verify: %+v", v)
	}
	if list := s.CLI(t, "event", "list", "-o", "json"); !strings.Contains(list, "installation.restored") {
		t.Error("event list has no installation.restored")
	}
}

// giveMasterKey puts a master key outside the data, where the configuration names it.
func giveMasterKey(t *testing.T, in *harness.Installation) {
	t.Helper()
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	text := base64.StdEncoding.EncodeToString(key)
	harness.NoteMasterKey(text)
	file := filepath.Join(t.TempDir(), "master.key")
	if err := os.WriteFile(file, []byte(text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	in.Configure(t, "master_key_file: "+file+"\n")
}

func introspect(t *testing.T, s *harness.Server, token string, key harness.APIKey) string {
	t.Helper()
	return strings.TrimSpace(string(s.PostToken(t, "/demo/oauth/introspect", key, token).Body))
}

// operatorToken is an access token of an operator key, for the admin API.
func operatorToken(t *testing.T, s *harness.Server) string {
	t.Helper()
	key := s.CreateOperatorKey(t, "merchants:write")
	eventually(t, sees, "the operator key works", func() bool { return s.Works(t, key) })
	return s.Ask(t, s.URL+"/oauth/token", key.ClientID, key.ClientSecret, "resource", s.URL+"/admin").AccessToken
}

// createMerchant is a change over the admin API, for goroutines: 0 where nobody answers.
func createMerchant(in *harness.Installation, client *http.Client, token string, id int) int {
	r, err := http.NewRequest(http.MethodPost, in.URL+"/admin/v1/merchants", strings.NewReader(fmt.Sprintf(`{"id":%d,"name":"Acme"}`, id)))
	if err != nil {
		return 0
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(r)
	if err != nil {
		return 0
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

func changesWait(t *testing.T, w *watch) {
	p := w.postgres
	in := harness.NewOnPostgres(t, p)
	in.Configure(t, "database_connections: 2\nadmin_limit: 0\n")
	s := in.Start(t)
	w.scrape(t, s.MetricsURL)
	token := operatorToken(t, s)
	w.quiet(t)
	database := in.DatabaseName()
	forgotten := exec.Command(harness.FindProgram(t, "psql"), "--quiet", "--no-psqlrc", "--set", "ON_ERROR_STOP=1",
		"--command", "BEGIN; UPDATE event_head SET seq = seq; SELECT pg_sleep(3600);", p.URL(database)+"?sslmode=disable")
	s.Background(t, "psql", forgotten)
	const waiting = `SELECT count(*)::int FROM pg_stat_activity WHERE application_name = 'tokenwright' AND wait_event_type = 'Lock' AND datname = '%s'`
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for n := range 12 {
		wg.Go(func() {
			client := in.NewClient(&http.Transport{})
			for id := 1000 * (n + 1); ; id++ {
				select {
				case <-stop:
					return
				default:
					createMerchant(in, client, token, id)
				}
			}
		})
	}
	halt := sync.OnceFunc(func() { close(stop) })
	defer func() { halt(); wg.Wait() }()
	eventually(t, sees, "pg_stat_activity shows who waits", func() bool {
		return postgrestest.Query[int](t, p, "postgres", fmt.Sprintf(waiting, database)) > 0
	})
	w.begins(t, "TokenwrightDatabasePoolExhausted")
	// The one with the longest "since" that is no node.
	if ended := postgrestest.Query[bool](t, p, "postgres", `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE datname = '`+database+`' AND application_name <> 'tokenwright' ORDER BY xact_start LIMIT 1`); !ended {
		t.Error("the forgotten transaction was not ended")
	}
	eventually(t, sees, "changes are made again", func() bool {
		return createMerchant(in, in.Client, token, int(time.Now().UnixMicro())) == http.StatusCreated
	})
	halt()
	wg.Wait()
	w.ends(t, "TokenwrightDatabasePoolExhausted")
}
