package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/postgrestest"
	"github.com/tokenwright/tokenwright/test/harness"
	"github.com/tokenwright/tokenwright/tokenwrighttest"
)

// reportLeak reports a credential, which must be taken.
func reportLeak(t *testing.T, in *harness.Installation, credential, url string) *harness.Answer {
	t.Helper()
	body, err := json.Marshal(map[string]string{"credential": credential, "url": url})
	if err != nil {
		t.Fatal(err)
	}
	r := harness.NewRequest(t, http.MethodPost, in.URL+"/leaks", string(body))
	r.Header.Set("Content-Type", "application/json")
	a := in.Do(t, r)
	if a.Status != http.StatusAccepted || string(a.Body) != "{}" || a.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("the report is answered %d, %v, %s", a.Status, a.Header, a.Body)
	}
	return a
}

// leakEvent is an event of a leak, as `event list -o json` prints it.
type leakEvent struct {
	Actor, Kind, Subject, Env, Address string
	Details                            struct {
		URL      string `json:"url"`
		SecretID int64  `json:"secretId"`
		JTI      string `json:"jti"`
	}
}

func leakEvents(t *testing.T, in *harness.Installation) []leakEvent {
	t.Helper()
	var all []leakEvent
	if err := json.Unmarshal([]byte(in.CLI(t, "event", "list", "-o", "json")), &all); err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(e leakEvent) bool { return !strings.HasSuffix(e.Kind, ".leaked") })
}

// cutOff tells whether the feed has the API key as the only one whose tokens are
// dead.
func cutOff(t *testing.T, s *harness.Server, key harness.APIKey) bool {
	t.Helper()
	cutoffs, _ := harness.Part(t, feed(t, s, ""), 1)["cutoffs"].([]any)
	return len(cutoffs) == 1 && cutoffs[0].(map[string]any)["client_id"] == key.ClientID
}

// C-371, C-374, C-376: within a second the secret is refused, and tokens issued
// before are dead for whoever asks and whoever follows the feed. rotate mends it.
// The place had the secret in its address, which is found nowhere (C-225).
func TestALeakedSecretIsDeadWithinASecond(t *testing.T) {
	s, key := harness.StartWithKey(t, "demo")
	operator := s.CreateOperatorKey(t, "tokens:introspect")
	token := s.Token(t, key)
	harness.Eventually(t, harness.Soon, "the token is active", func() bool {
		return strings.HasPrefix(introspect(t, s, operator, token), `{"active":true,`)
	})
	reportLeak(t, s.Installation, key.ClientSecret, "https://paste.example/?q="+key.ClientSecret)
	acts(t, s, "the leaked secret is refused", func() bool { return s.Refuses(t, key) })
	if got := introspect(t, s, operator, token); got != `{"active":false}` {
		t.Errorf("introspection says %s", got)
	}
	acts(t, s, "the feed lists the API key", func() bool { return cutOff(t, s, key) })
	reportLeak(t, s.Installation, key.ClientSecret, "again")
	s.Stop(t) // which works off what waits
	events := leakEvents(t, s.Installation)
	if len(events) != 1 || events[0].Kind != "secret.leaked" || events[0].Subject != key.ClientID || events[0].Actor != "anonymous" ||
		events[0].Address != "127.0.0.1" || events[0].Details.SecretID != 1 || events[0].Details.URL != "https://paste.example/?q=[credential]" {
		t.Errorf("the events are %+v", events)
	}
	if told := s.Records(t, "a secret was reported as leaked"); len(told) != 1 || told[0]["level"] != "WARN" || told[0]["client_id"] != key.ClientID {
		t.Errorf("the log says %v", told)
	}
	next := harness.ReadKey(t, s.CLI(t, "key", "rotate", key.ClientID, "-o", "json"))
	if again := s.Installation.Start(t); !again.Works(t, next) {
		t.Error("the secret after it does not work")
	}
}

// C-373
func TestTheGraceOfALeakKeepsClientsAtWork(t *testing.T) {
	s := harness.Start(t, "--leak-grace", "2s")
	s.Seed(t)
	key := s.CreateKey(t, "demo")
	s.AwaitKeys(t, key)
	reportLeak(t, s.Installation, key.ClientSecret, "")
	acts(t, s, "the tokens of before are dead", func() bool { return cutOff(t, s, key) })
	if !s.Works(t, key) {
		t.Error("the secret is refused within the grace")
	}
	harness.Eventually(t, 5*time.Second, "the secret is refused after the grace", func() bool { return s.Refuses(t, key) })
}

// C-370, C-374, C-375: a token of ours ends those of its API key; whatever else
// is reported is answered alike, and leads to nothing.
func TestALeakedTokenIsDeadAndAnythingElseIsNothing(t *testing.T) {
	s, key := harness.StartWithKey(t, "demo")
	operator := s.CreateOperatorKey(t, "tokens:introspect")
	token, other := s.Token(t, key), s.Token(t, key)
	foreign := tokenwrighttest.New(t)
	answers := []*harness.Answer{}
	for _, garbage := range []string{
		"garbage", foreign.Token(), foreign.AddKey(tokenwrighttest.Key{}).ClientSecret, key.ClientID, token[:len(token)-2], strings.Repeat("x", 50_000),
	} {
		answers = append(answers, reportLeak(t, s.Installation, garbage, "https://paste.example"))
	}
	answers = append(answers, reportLeak(t, s.Installation, token, "https://paste.example/"+token))
	for _, a := range answers {
		for _, h := range []http.Header{a.Header, answers[0].Header} {
			h.Del("X-Request-Id")
			h.Del("Date")
		}
		if len(a.Header) != len(answers[0].Header) || a.Header.Get("Content-Length") != answers[0].Header.Get("Content-Length") {
			t.Errorf("the header fields are %v and %v", a.Header, answers[0].Header)
		}
	}
	acts(t, s, "another token of the API key is dead", func() bool { return introspect(t, s, operator, other) == `{"active":false}` })
	if !s.Works(t, key) {
		t.Error("the secret, which nobody reported, is refused")
	}
	jti, _ := harness.Part(t, token, 1)["jti"].(string)
	events := leakEvents(t, s.Installation)
	if len(events) != 1 || events[0].Kind != "token.leaked" || events[0].Details.JTI != jti || strings.Contains(events[0].Details.URL, "eyJ") {
		t.Errorf("the events are %+v", events)
	}
}

// C-372, C-379: what is reported while the database is away is worked off once it
// is back; two nodes that do so at the same moment record it once.
func TestLeaksReportedWhileTheDatabaseIsAwayAreWorkedOff(t *testing.T) {
	t.Parallel()
	p := postgrestest.Start(t)
	in := harness.NewOnPostgres(t, p)
	in.Public = in.URL // of both
	first, second := in.Start(t), in.Node(t).Start(t)
	in.Seed(t)
	key := in.CreateKey(t, "demo")
	works := func() bool { return first.Works(t, key) && second.Works(t, key) }
	harness.Eventually(t, harness.Propagation, "the API key works", works)
	if err := p.Stop(syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	for _, node := range []*harness.Server{first, second} {
		reportLeak(t, node.Installation, "garbage", "")
		reportLeak(t, node.Installation, key.ClientSecret, "https://paste.example")
		harness.Eventually(t, harness.Propagation, "the node tells that it cannot", func() bool {
			return len(node.Records(t, "working off reports of leaks failed")) == 1
		})
	}
	if !works() {
		t.Error("without its database a node refuses the secret")
	}
	if err := p.Restart(); err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, harness.Soon, "both nodes refuse the secret", func() bool { return first.Refuses(t, key) && second.Refuses(t, key) })
	harness.Eventually(t, harness.Soon, "both nodes have worked off", func() bool {
		return len(first.Records(t, "working off reports of leaks works again"))*len(second.Records(t, "working off reports of leaks works again")) == 1
	})
	first.Stop(t)
	second.Stop(t)
	if events := leakEvents(t, in); len(events) != 1 {
		t.Errorf("the events are %+v", events)
	}
}

// C-377
func TestReportsOfLeaksAreLimitedByAddress(t *testing.T) {
	s := harness.Start(t)
	for range 121 { // a minute may end on the way
		r := harness.NewRequest(t, http.MethodPost, s.URL+"/leaks", "credential=x")
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		a := s.Do(t, r)
		if a.Status == http.StatusTooManyRequests {
			if after, err := strconv.Atoi(a.Header.Get("Retry-After")); err != nil || after < 1 || after > 60 || !strings.HasPrefix(string(a.Body), `{"code":"429","message":"`) {
				t.Errorf("the answer is %v, %s", a.Header, a.Body)
			}
			return
		}
	}
	t.Error("121 reports were taken")
}

// C-376: gitleaks, with what an installation publishes, finds the secrets in a
// directory, all of them and nothing else.
func TestGitleaksFindsSecretsAndNothingElse(t *testing.T) {
	harness.Need(t, "gitleaks")
	s := harness.Start(t, "--prefix", "acme")
	s.Seed(t)
	published := s.Get(t, s.URL+"/leaks/gitleaks.toml")
	if published.Status != http.StatusOK {
		t.Fatalf("the pattern is answered %d", published.Status)
	}
	key, other := s.CreateKey(t, "demo"), s.CreateKey(t, "production")
	config, scanned := filepath.Join(t.TempDir(), "gitleaks.toml"), t.TempDir()
	write := func(path string, content string) {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(config, string(published.Body))
	write(filepath.Join(scanned, "deploy.env"), "CLIENT_ID="+key.ClientID+"\nCLIENT_SECRET="+key.ClientSecret+"\n")
	write(filepath.Join(scanned, "request.json"), `{"client_id":"`+other.ClientID+`","client_secret":"`+other.ClientSecret+`"}`)
	write(filepath.Join(scanned, "guide.md"), strings.Join([]string{
		other.ClientID, "acmes_demo_" + strings.Repeat("0", 49), "acmes_demo_…", key.ClientSecret[:40], key.ClientSecret + "x",
		strings.Replace(key.ClientSecret, "acmes_", "tws_", 1), strings.Replace(key.ClientSecret, "_demo_", "_DEMO_", 1),
	}, "\n"))
	out := harness.Tool(t, "", "gitleaks", "dir", "--no-banner", "--exit-code", "0", "--redact=0", "--log-level", "error",
		"--config", config, "--report-format", "json", "--report-path", "-", scanned)
	var found []struct{ RuleID, File, Secret string }
	if err := json.Unmarshal([]byte(out), &found); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	places := map[string]string{}
	for _, f := range found {
		places[filepath.Base(f.File)] += f.Secret
		if f.RuleID != "tokenwright-acme-client-secret" {
			t.Errorf("the rule is %s", f.RuleID)
		}
	}
	if len(found) != 2 || places["deploy.env"] != key.ClientSecret || places["request.json"] != other.ClientSecret {
		t.Errorf("%d are found, in %d files", len(found), len(places))
	}
}
