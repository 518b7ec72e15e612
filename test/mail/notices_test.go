package mail

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/postgrestest"
	"github.com/tokenwright/tokenwright/test/harness"
)

// configure makes s the mail server of in; with TLS it is asked to sign in to.
func (s *server) configure(t *testing.T, in *harness.Installation) {
	t.Helper()
	url := fmt.Sprintf("smtp://127.0.0.1:%d", s.port)
	if s.certificate != "" {
		url = fmt.Sprintf("smtps://%s@localhost:%d", strings.Replace(user, "@", "%40", 1), s.port)
		in.Environ = append(in.Environ, "TOKENWRIGHT_SMTP_PASSWORD="+s.password, "SSL_CERT_FILE="+s.certificate)
	}
	in.Configure(t, fmt.Sprintf("smtp: %s\nmail_from: Tokenwright <auth@example.com>\n", url))
}

// people are users of the merchants 4259 and 7, and operators.
func people(t *testing.T, in *harness.Installation, roles map[string]string) {
	t.Helper()
	for name, role := range roles {
		args := []string{"user", "create", "--email", name + "@example.com", "--name", name, "--role", role}
		if role == "operator" {
			args = append(args[:len(args)-2], "--operator")
		}
		in.CLI(t, args...)
	}
}

// leak reports a credential as found in the open.
func leak(t *testing.T, in *harness.Installation, credential string) {
	t.Helper()
	body, err := json.Marshal(map[string]string{"credential": credential, "url": "https://phishing.example/"})
	if err != nil {
		t.Fatal(err)
	}
	r := harness.NewRequest(t, http.MethodPost, in.URL+"/leaks", string(body))
	r.Header.Set("Content-Type", "application/json")
	if a := in.Do(t, r); a.Status != http.StatusAccepted {
		t.Fatalf("the report is answered %d, %s", a.Status, a.Body)
	}
}

// notice is the message to somebody, which must be the only one.
func (s *server) notice(t *testing.T, name string) message {
	t.Helper()
	list := slices.DeleteFunc(s.taken(t), func(m message) bool { return m.To[0] != name+"@example.com" })
	if len(list) != 1 {
		t.Fatalf("%s has %d messages", name, len(list))
	}
	return list[0]
}

// C-456, C-225: the administrators of the merchant are told, each in a message of
// their own, and nobody else; operators of what belongs to no merchant. A message
// holds neither secret nor token, which the search at the end looks for, nor what
// a stranger has written.
func TestNoticesGoToThoseWhoCanAct(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	box := startServer(t, in, "--tls", "implicit", "--auth", "PLAIN")
	box.configure(t, in)
	s := in.Start(t)
	s.Seed(t)
	people(t, in, map[string]string{"ann": "4259=administrator", "bob": "4259=administrator", "vic": "4259=viewer", "opa": "operator"})
	key := harness.ReadKey(t, in.CLI(t, "key", "create", "--merchant", "4259", "--env", "demo", "--name", "<b>Größe</b>", "--scope", "customers:read", "-o", "json"))
	s.AwaitKeys(t, key)
	token := s.Token(t, key)
	leak(t, in, token)
	harness.Eventually(t, harness.Soon, "the administrators are told of the token", func() bool { return box.recipients(t) == "ann bob" })
	m := box.notice(t, "ann")
	if want := "An access token of API key “<b>Größe</b>” was found in the open"; m.Header["Subject"] != want || m.User != user || !m.TLS || len(m.Defects) != 0 || len(m.To) != 1 {
		t.Errorf("the message is %+v", m)
	}
	for _, want := range []string{"Every access token of the API key was revoked", "What to do: ", "<b>Größe</b>", "Acme (4259)", "demo", key.ClientID,
		"\n" + in.URL + "/console/merchants/4259/api-keys/demo/" + key.ClientID + "\n"} {
		if !strings.Contains(m.Text, want) {
			t.Errorf("the message lacks %q:\n%s", want, m.Text)
		}
	}
	if strings.Contains(m.Text, "phishing") || strings.Contains(m.Text, "<no value>") {
		t.Errorf("the message has what a stranger has written:\n%s", m.Text)
	}
	if a, b := m.Header["Message-ID"], box.notice(t, "bob").Header["Message-ID"]; a == b || !strings.HasPrefix(a, "<evt_") {
		t.Errorf("the messages have the IDs %s and %s", a, b)
	}
	operator := in.CreateOperatorKey(t, "events:read")
	s.AwaitKeys(t, operator)
	leak(t, in, operator.ClientSecret)
	harness.Eventually(t, harness.Soon, "the operator is told of the secret", func() bool { return box.recipients(t) == "ann bob opa" })
	m = box.notice(t, "opa")
	if !strings.Contains(m.Text, "the secret works no more") || !strings.Contains(m.Text, "\n"+in.URL+"/console\n") || strings.Contains(m.Text, "Merchant:") {
		t.Errorf("the message is\n%s", m.Text)
	}
	harness.Eventually(t, harness.Soon, "three messages are counted, once the mail server has answered", func() bool {
		return s.Metric(t, `tokenwright_mail_messages_total{outcome="sent"}`) == 3
	})
}

// C-456: what ends soon is announced at the start of a server; where an API key is
// gone by then, nobody needs to know.
func TestExpiryIsMailed(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	box := startServer(t, in)
	box.configure(t, in)
	s := in.Start(t)
	s.Seed(t)
	people(t, in, map[string]string{"ann": "4259=administrator"})
	s.Stop(t)
	create := func(name string) harness.APIKey {
		return harness.ReadKey(t, in.CLI(t, "key", "create", "--merchant", "4259", "--env", "demo", "--name", name, "--expires", "5d", "-o", "json"))
	}
	key := create("Orders sync")
	in.Start(t)
	harness.Eventually(t, harness.Soon, "ann is told", func() bool { return box.recipients(t) == "ann" })
	m := box.notice(t, "ann")
	ends := time.Now().UTC().Add(5 * 24 * time.Hour).Format("2 January 2006")
	if m.Header["Subject"] != "API key “Orders sync” ends on "+ends || !strings.Contains(m.Text, "set a later end") || !strings.Contains(m.Text, key.ClientID) {
		t.Errorf("the message is %s\n%s", m.Header["Subject"], m.Text)
	}
}

// noticeStates are how deliveries of notices stand.
func noticeStates(t *testing.T, in *harness.Installation) string {
	t.Helper()
	return strings.Join(in.Lines(t, "SELECT state || ' ' || error || ' ' || status AS line FROM webhook_deliveries WHERE webhook = '@mail' ORDER BY seq"), ", ")
}

// C-457: whatever the mail server does meanwhile, everybody who can be reached
// has the notice once.
func TestNoticeArrivesOnceTheMailServerIsBack(t *testing.T) {
	t.Parallel()
	harness.Need(t, "sqlite3")
	in := harness.New(t)
	box := startServer(t, in)
	box.configure(t, in)
	s := in.Start(t)
	s.Seed(t)
	people(t, in, map[string]string{"ann": "4259=administrator", "bob": "4259=administrator", "cem": "4259=administrator"})
	key := s.CreateKey(t, "demo")
	s.AwaitKeys(t, key)
	again := func() { in.SQLite(t, "UPDATE webhook_deliveries SET next_at = next_at - 86400000;") } // time passes
	retried := 0.0
	state := func(want string) {
		t.Helper()
		retried++
		harness.Eventually(t, harness.Soon, "the notice is "+want, func() bool {
			return s.Metric(t, `tokenwright_mail_notices_total{outcome="retried"}`) == retried && noticeStates(t, in) == want
		})
	}
	box.Kill()
	leak(t, in, key.ClientSecret)
	state("pending connection 0")
	box.answer(t, map[string]string{"MAIL FROM": "hang"})
	box.start(t, in)
	again()
	harness.Eventually(t, harness.Soon, "the mail server is asked", func() bool {
		return strings.HasSuffix(strings.Join(in.Lines(t, "SELECT attempts || '' AS line FROM webhook_deliveries WHERE webhook = '@mail'"), ""), "2")
	})
	box.Kill()
	state("pending connection 0")
	box.answer(t, map[string]string{"MAIL FROM": "451 not now"})
	box.start(t, in)
	again()
	state("pending status 451")
	if got := box.recipients(t); got != "" {
		t.Fatalf("messages went to %s", got)
	}
	box.answer(t, map[string]string{"bob@example.com": "450 mailbox busy", "cem@example.com": "550 no such user"})
	again()
	state("pending status 450")
	box.answer(t, map[string]string{"cem@example.com": "550 no such user"})
	again()
	harness.Eventually(t, harness.Soon, "it is delivered", func() bool { return noticeStates(t, in) == "delivered  0" })
	if got := box.recipients(t); got != "ann bob" {
		t.Errorf("messages went to %s", got)
	}
	harness.Eventually(t, harness.Soon, "the end of it is logged", func() bool { return len(s.Records(t, "notices are mailed again")) == 1 })
	if n := len(s.Records(t, "notices are not mailed; trying again")); n != 1 {
		t.Errorf("that the mail server takes nothing is logged %d times", n)
	}
	if n := len(s.Records(t, "a notice cannot reach somebody")); n != 2 { // attempts at cem
		t.Errorf("that somebody cannot be reached is logged %d times", n)
	}
	if log := s.ReadLog(t); strings.Contains(log, "@example.com") {
		t.Error("the log has an e-mail address")
	}
}

// C-457: a mail server that wants none of it, ever, is not asked again.
func TestNoticeThatNobodyCanHaveIsGivenUp(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	box := startServer(t, in)
	box.configure(t, in)
	box.answer(t, map[string]string{"ann@example.com": "550 no such user"})
	s := in.Start(t)
	s.Seed(t)
	people(t, in, map[string]string{"ann": "4259=administrator"})
	key := s.CreateKey(t, "demo")
	s.AwaitKeys(t, key)
	leak(t, in, key.ClientSecret)
	harness.Eventually(t, harness.Soon, "the notice is given up", func() bool { return noticeStates(t, in) == "failed refused 550" })
	harness.Eventually(t, harness.Soon, "it is counted", func() bool { return s.Metric(t, `tokenwright_mail_notices_total{outcome="failed"}`) == 1 })
	harness.Eventually(t, harness.Soon, "it is logged", func() bool {
		list := s.Records(t, "a notice was not mailed and is given up")
		return len(list) == 1 && list[0]["reason"] == "refused" && list[0]["status"] == 550.0
	})
}

// C-457: of several nodes one tells each of the people, once.
func TestSeveralNodesMailEachNoticeOnce(t *testing.T) {
	t.Parallel()
	in := harness.NewOnPostgres(t, postgrestest.Start(t))
	box := startServer(t, in)
	box.configure(t, in)
	other := in.Node(t)
	s := in.Start(t)
	other.Public = in.URL // the installation has one
	other.Start(t)
	s.Seed(t)
	people(t, in, map[string]string{"ann": "4259=administrator", "bob": "4259=administrator"})
	var keys []harness.APIKey
	for _, env := range []string{"demo", "demo", "demo", "production", "production", "production"} {
		keys = append(keys, s.CreateKey(t, env))
	}
	harness.Eventually(t, harness.Propagation, "the API keys work", func() bool { return s.Works(t, keys[5]) })
	box.Kill()
	for _, key := range keys {
		leak(t, in, key.ClientSecret)
	}
	harness.Eventually(t, harness.Soon, "all have been tried", func() bool {
		return noticeStates(t, in) == strings.TrimSuffix(strings.Repeat("pending connection 0, ", len(keys)), ", ")
	})
	box.start(t, in) // within five seconds all are tried again
	harness.Eventually(t, 30*time.Second, "all are delivered", func() bool {
		return noticeStates(t, in) == strings.TrimSuffix(strings.Repeat("delivered  0, ", len(keys)), ", ")
	})
	ids := map[string]int{}
	for _, m := range box.taken(t) {
		ids[m.Header["Message-ID"]]++
	}
	if n := len(box.taken(t)); n != 2*len(keys) || len(ids) != 2*len(keys) {
		t.Errorf("%d messages with %d IDs, want %d", n, len(ids), 2*len(keys))
	}
}

// C-458: the password is nowhere but in its variable; whatever is wrong is told
// before anything is sent.
func TestMailTestSendsOneMessage(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	box := startServer(t, in, "--tls", "implicit", "--auth", "LOGIN")
	box.configure(t, in)
	if out := in.CLI(t, "mail", "test", "ann@example.com"); !strings.Contains(out, "The mail server took the message after ") {
		t.Errorf("it says %s", out)
	}
	if m := box.notice(t, "ann"); m.Header["Subject"] != "A test of Tokenwright" || !strings.Contains(m.Header["From"], "Tokenwright <auth@example.com>") {
		t.Errorf("the message is %+v", m)
	}
	box.answer(t, map[string]string{"ann@example.com": "550 5.7.1 relaying denied"})
	if r := in.Try(t, "mail", "test", "ann@example.com"); r.Code != 1 || !strings.Contains(r.Stderr, `not sent: the mail server answered 550 to RCPT TO after `) || !strings.Contains(r.Stderr, `"5.7.1 relaying denied"`) {
		t.Errorf("refused: %+v", r)
	}
	in.Environ = append(in.Environ, "TOKENWRIGHT_SMTP_PASSWORD=wrong")
	if r := in.Try(t, "mail", "test", "ann@example.com"); r.Code != 1 || !strings.Contains(r.Stderr, "not sent: the mail server answered 535 to AUTH\n") {
		t.Errorf("a wrong password: %+v", r)
	}
	if r := in.Try(t, "mail", "test", "ann@example.com,bob@example.com"); r.Code != 1 || len(box.taken(t)) != 1 {
		t.Errorf("two addresses: %+v", r)
	}
}
