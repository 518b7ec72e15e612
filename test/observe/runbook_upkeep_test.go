package observe

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tokenwright/tokenwright/test/evidence"
	"github.com/tokenwright/tokenwright/test/harness"
)

func rightsAreMissing(t *testing.T, w *watch) {
	p := w.postgres
	in := harness.NewOnPostgres(t, p)
	in.Configure(t, "max_staleness: 10s\njwks_max_age: 1s\nclock_skew: 1s\nsigning_key_rotation: 20s\n")
	s := in.Start(t)
	w.scrape(t, s.MetricsURL)
	w.quiet(t)
	s.Seed(t)
	key := s.CreateKey(t, "demo")
	eventually(t, sees, "the API key works", func() bool { return s.Works(t, key) })
	database := in.DatabaseName()
	sql := func(text string) { t.Helper(); p.Exec(t, database, strings.ReplaceAll(text, "ROLE", database)) }

	sql("REVOKE INSERT ON signing_keys, usage, nodes FROM ROLE")
	s.Token(t, key) // its use is to be written
	w.begins(t, "TokenwrightUsageNotWritten", "TokenwrightTaskFailing", "TokenwrightSigningKeyOverdue")
	logs(t, s, "writing usage failed")
	logs(t, s, "tending the signing keys failed")
	if got := s.Metric(t, "tokenwright_usage_waiting"); got == 0 {
		t.Error("no count waits")
	}
	// No step of a signing key is without one of the next: only a database that fails
	// between the two leaves an environment without an announced one.
	sql(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no announced signing keys'; END $$;
		CREATE TRIGGER refuse BEFORE INSERT ON signing_keys FOR EACH ROW WHEN (NEW.status = 'announced') EXECUTE FUNCTION refuse();
		GRANT INSERT ON signing_keys, usage, nodes TO ROLE`)
	w.begins(t, "TokenwrightNoNextSigningKey")
	logs(t, s, "writing usage works again")
	w.ends(t, "TokenwrightUsageNotWritten")
	sql("DROP TRIGGER refuse ON signing_keys")
	logs(t, s, "tending the signing keys works again")
	w.ends(t, "TokenwrightNoNextSigningKey", "TokenwrightTaskFailing", "TokenwrightSigningKeyOverdue")
	if list := in.CLI(t, "signing-key", "list", "--env", "demo"); !strings.Contains(list, "announced") {
		t.Errorf("signing-key list shows no announced one:\n%s", list)
	}
}

// pending is how many events a webhook is behind when the alert of it comes, and more.
func pending() int {
	if evidence.Full() {
		return 1010
	}
	return 25
}

func receiverFails(t *testing.T, w *watch) {
	var mended atomic.Bool
	receiver := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		rw.WriteHeader(map[bool]int{true: http.StatusNoContent, false: http.StatusInternalServerError}[mended.Load()])
	}))
	t.Cleanup(receiver.Close)
	raw := make([]byte, 32)
	rand.Read(raw) // never fails
	secret := base64.StdEncoding.EncodeToString(raw)
	harness.NoteSecret(secret)
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	in := harness.New(t)
	in.Configure(t, fmt.Sprintf("admin_limit: 0\nwebhooks:\n  ops: {url: %q, events: ['merchant.created'], secret_file: %q, allow_private: true}\n", receiver.URL, file))
	s := in.Start(t)
	w.scrape(t, s.MetricsURL)
	w.quiet(t)
	token := operatorToken(t, s)
	for id := range pending() {
		if status := createMerchant(in, in.Client, token, id+1); status != http.StatusCreated {
			t.Fatalf("a merchant is answered %d", status)
		}
	}
	w.begins(t, "TokenwrightWebhookBehind")
	// Time passes for one of them, until its tenth attempt.
	eventually(t, sees, "a delivery is given up", func() bool {
		in.SQLite(t, "UPDATE webhook_deliveries SET next_at = next_at - 40000000 WHERE seq = (SELECT min(seq) FROM webhook_deliveries);")
		return len(s.Records(t, "a webhook was not delivered and is given up")) > 0
	})
	w.begins(t, "TokenwrightWebhookGivenUp")
	if list := in.CLI(t, "webhook", "deliveries", "ops", "--status", "failed"); !strings.Contains(list, "merchant.created") {
		t.Errorf("webhook deliveries --status failed:\n%s", list)
	}
	mended.Store(true)
	in.SQLite(t, "UPDATE webhook_deliveries SET next_at = next_at - 40000000;") // the next attempts are due
	w.ends(t, "TokenwrightWebhookBehind", "TokenwrightWebhookGivenUp")
}

func mailIsRefused(t *testing.T, w *watch) {
	const python = "/usr/bin/python3" // Debian's modules belong to Debian's Python
	if exec.Command(python, "-c", "import aiosmtpd").Run() != nil {
		harness.Missing(t, "the Python module aiosmtpd is not installed")
	}
	in, port, answers := harness.New(t), harness.FreePort(t), filepath.Join(t.TempDir(), "answers.json")
	answer := func(text string) {
		t.Helper()
		if err := os.WriteFile(answers+".new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(answers+".new", answers); err != nil {
			t.Fatal(err)
		}
	}
	answer(`{"ann@example.com": "550 nobody here"}`)
	in.Background(t, "mail", exec.Command(python, harness.File("test", "mail", "server.py"), "--port", fmt.Sprint(port), "--answers", answers))
	eventually(t, sees, "the mail server listens", func() bool {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
	in.Configure(t, fmt.Sprintf("smtp: smtp://127.0.0.1:%d\nmail_from: Tokenwright <auth@example.com>\n", port))
	s := in.Start(t)
	w.scrape(t, s.MetricsURL)
	w.quiet(t)
	s.Seed(t)
	s.CLI(t, "user", "create", "--email", "ann@example.com", "--name", "Ann", "--role", "4259=administrator")
	leak := func() {
		t.Helper()
		key := s.CreateKey(t, "demo")
		eventually(t, sees, "the API key works", func() bool { return s.Works(t, key) })
		body, err := json.Marshal(map[string]string{"credential": key.ClientSecret, "url": "https://example.com/paste"})
		if err != nil {
			t.Fatal(err)
		}
		r := harness.NewRequest(t, http.MethodPost, s.URL+"/leaks", string(body))
		r.Header.Set("Content-Type", "application/json")
		if a := s.Do(t, r); a.Status != http.StatusAccepted {
			t.Fatalf("the report is answered %d, %s", a.Status, a.Body)
		}
	}
	leak()
	w.begins(t, "TokenwrightMailGivenUp")
	logs(t, s, "a notice was not mailed and is given up")
	answer(`{}`)
	if r := s.Try(t, "mail", "test", "ann@example.com"); r.Code != 0 {
		t.Errorf("mail test: exit code %d\n%s%s", r.Code, r.Stdout, r.Stderr)
	}
	leak()
	eventually(t, sees, "the next notice is mailed", func() bool { return s.Metric(t, `tokenwright_mail_notices_total{outcome="delivered"}`) > 0 })
	w.ends(t, "TokenwrightMailGivenUp")
}
