package e2e

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/harness"
)

// webhookSecret makes the secret of a webhook, which is to be found nowhere but in
// its file.
func webhookSecret(t *testing.T) (text, file string) {
	t.Helper()
	raw := make([]byte, 32)
	rand.Read(raw) // never fails
	text = "whsec_" + base64.StdEncoding.EncodeToString(raw)
	harness.NoteSecret(text)
	file = filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return text, file
}

// hook is a webhook of the configuration, whose receiver is on this machine.
func hook(name, url, file, events string) string {
	return fmt.Sprintf("  %s: {url: %q, events: [%s], secret_file: %q, allow_private: true}\n", name, url, events, file)
}

// inbox is a receiver of messages.
type inbox struct {
	url    string
	answer func(n int) int // status of the n-th message, from 1

	mu       sync.Mutex
	messages []webhookMessage
}

type webhookMessage struct {
	id   string
	Type string `json:"type"`
	Data struct {
		Seq     int64  `json:"seq"`
		Kind    string `json:"kind"`
		Subject string `json:"subject"`
	} `json:"data"`
}

func newInbox(t *testing.T, answer func(n int) int) *inbox {
	t.Helper()
	in := &inbox{answer: answer}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m := webhookMessage{id: r.Header.Get("webhook-id")}
		body, err := io.ReadAll(r.Body)
		if err := json.Unmarshal(body, &m); err != nil {
			t.Errorf("a message is no JSON: %v", err)
		}
		if err != nil {
			t.Error(err)
		}
		in.mu.Lock()
		in.messages = append(in.messages, m)
		n := len(in.messages)
		in.mu.Unlock()
		w.WriteHeader(in.answer(n))
	}))
	t.Cleanup(server.Close)
	in.url = server.URL
	return in
}

func (in *inbox) all() []webhookMessage {
	in.mu.Lock()
	defer in.mu.Unlock()
	return slices.Clone(in.messages)
}

// subjects are those of the messages, each once, sorted.
func (in *inbox) subjects() string {
	var list []string
	for _, m := range in.all() {
		list = append(list, m.Data.Subject)
	}
	slices.Sort(list)
	return strings.Join(slices.Compact(list), " ")
}

func noContent(int) int { return http.StatusNoContent }

// deliveries are how the deliveries of a webhook stand.
func deliveries(t *testing.T, in *harness.Installation, name string) map[string]int {
	t.Helper()
	var list []struct {
		Status string `json:"status"`
	}
	if err := json.Unmarshal([]byte(in.CLI(t, "webhook", "deliveries", name, "-o", "json")), &list); err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, d := range list {
		count[d.Status]++
	}
	return count
}

// C-363, C-225: the receiver has the message and the node dies before it can note
// that: it comes again, with the same ID, and so does what happened while no node
// was there.
func TestDeliveryThatAKilledNodeCouldNotNoteIsRepeated(t *testing.T) {
	t.Parallel()
	harness.Need(t, "sqlite3")
	var s *harness.Server
	killed := make(chan struct{})
	box := newInbox(t, func(n int) int {
		if n == 1 {
			s.Kill(t)
			close(killed)
		}
		return http.StatusNoContent
	})
	_, file := webhookSecret(t)
	in := harness.New(t)
	in.Configure(t, "webhooks:\n"+hook("ops", box.url, file, "merchant.created, 'scope.*'"))
	s = in.Start(t)
	s.CLI(t, "merchant", "create", "--id", "4259", "--name", "Acme")
	select {
	case <-killed:
	case <-time.After(20 * time.Second):
		t.Fatal("the message does not come")
	}
	in.CLI(t, "scope", "create", "customers:read")
	if got := deliveries(t, in, "ops"); got["pending"] != 1 || len(got) != 1 {
		t.Errorf("before the restart: %v", got)
	}
	in.SQLite(t, "UPDATE webhook_deliveries SET next_at = next_at - 90000;") // time passes
	s = in.Start(t)
	harness.Eventually(t, harness.Soon, "both events are delivered", func() bool { return box.subjects() == "4259 customers:read" && len(box.all()) == 3 })
	messages := box.all()
	again := slices.IndexFunc(messages[1:], func(m webhookMessage) bool { return m.id == messages[0].id })
	if again < 0 {
		t.Errorf("the first message does not come again: %+v", messages)
	}
	harness.Eventually(t, harness.Soon, "both are noted", func() bool { return deliveries(t, in, "ops")["delivered"] == 2 })
	harness.Eventually(t, harness.Soon, "both are counted", func() bool {
		return s.Metric(t, `tokenwright_webhook_deliveries_total{outcome="delivered",webhook="ops"}`) == 2
	})
}

// C-363: a receiver that is away for a while gets what it missed; that it was, and
// nothing else, is in the log.
func TestReceiverThatWasDownGetsWhatItMissed(t *testing.T) {
	t.Parallel()
	harness.Need(t, "sqlite3")
	down := true
	var mu sync.Mutex
	box := newInbox(t, func(int) int {
		mu.Lock()
		defer mu.Unlock()
		if down {
			return http.StatusBadGateway
		}
		return http.StatusOK
	})
	_, file := webhookSecret(t)
	in := harness.New(t)
	in.Configure(t, "webhooks:\n"+hook("ops", box.url, file, "'scope.created'"))
	s := in.Start(t)
	s.CLI(t, "scope", "create", "customers:read")
	s.CLI(t, "scope", "create", "customers:write")
	harness.Eventually(t, harness.Soon, "both are tried", func() bool { return box.subjects() == "customers:read customers:write" })
	if list := s.CLI(t, "webhook", "list"); !strings.Contains(list, "failing") {
		t.Errorf("webhook list says\n%s", list)
	}
	mu.Lock()
	down = false
	mu.Unlock()
	in.SQLite(t, "UPDATE webhook_deliveries SET next_at = next_at - 90000;") // time passes
	harness.Eventually(t, harness.Soon, "both are delivered", func() bool { return deliveries(t, in, "ops")["delivered"] == 2 })
	if list := s.CLI(t, "webhook", "list"); !strings.Contains(list, "working") {
		t.Errorf("webhook list says\n%s", list)
	}
}

// C-363: nodes share the work, and in the usual case each event comes once.
func TestTwoNodesTellOfEachEventOnce(t *testing.T) {
	t.Parallel()
	box := newInbox(t, noContent)
	_, file := webhookSecret(t)
	c := harness.NewCluster(t, harness.ClusterOptions{Config: "webhooks:\n" + hook("ops", box.url, file, "scope.created")})
	var wg sync.WaitGroup
	for n := range 3 {
		wg.Go(func() {
			for i := range 4 {
				c.CLI(t, "scope", "create", fmt.Sprintf("s%d-%d:read", n, i))
			}
		})
	}
	wg.Wait()
	const events = 12
	harness.Eventually(t, harness.Soon, "all are delivered", func() bool { return deliveries(t, c.Installation, "ops")["delivered"] == events })
	ids := map[string]bool{}
	for _, m := range box.all() {
		ids[m.id] = true
	}
	if n := len(box.all()); n != events || len(ids) != events {
		t.Errorf("%d messages with %d IDs of %d events", n, len(ids), events)
	}
	harness.Eventually(t, harness.Soon, "every attempt is counted, by one node", func() bool {
		var counted float64
		for _, node := range c.Nodes {
			counted += node.Metric(t, "tokenwright_webhook_deliveries_total")
		}
		return counted == events
	})
}

// C-361: what the documentation tells people to write takes what is sent, by
// itself in Go and by somebody else's library in Node.js, and nothing else.
func TestReceiversOfTheDocumentationVerifyWhatIsSent(t *testing.T) {
	t.Parallel()
	secret, file := webhookSecret(t)
	in := harness.New(t)
	receivers := map[string]*docReceiver{}
	config := "webhooks:\n"
	for _, language := range []string{"go", "mjs"} {
		r := startDocReceiver(t, in, language, secret)
		receivers[language] = r
		config += hook(language, r.url, file, "merchant.created")
	}
	in.Configure(t, config)
	in.Start(t)
	in.CLI(t, "merchant", "create", "--id", "4259", "--name", "Acme")
	for language, r := range receivers {
		harness.Eventually(t, harness.Soon, "the receiver in "+language+" has verified the message", func() bool { return r.log(t) == "merchant.created 4259\n" })
		for name, header := range map[string]map[string]string{
			"no signature": {},
			"an old one":   {"webhook-id": "evt_1", "webhook-timestamp": "1764000000", "webhook-signature": "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="},
			"a forged one": {"webhook-id": "evt_1", "webhook-timestamp": fmt.Sprint(time.Now().Unix()), "webhook-signature": "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="},
		} {
			req := harness.NewRequest(t, http.MethodPost, r.url, `{"type":"merchant.deleted","data":{"subject":"1"}}`)
			for k, v := range header {
				req.Header.Set(k, v)
			}
			if a := in.Do(t, req); a.Status != http.StatusBadRequest {
				t.Errorf("the receiver in %s answers a message with %s: %d", language, name, a.Status)
			}
		}
		if out := in.CLI(t, "webhook", "test", language); !strings.Contains(out, "answered 204") {
			t.Errorf("webhook test %s: %s", language, out)
		}
	}
}

// docReceiver is a receiver of internal/docs/content/webhooks.md that runs.
type docReceiver struct {
	*harness.Program
	url string
}

func (r *docReceiver) log(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(r.Log)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// receiverCommand runs a source with its compiler or interpreter.
func receiverCommand(t *testing.T, language, dir, source string) *exec.Cmd {
	t.Helper()
	if language == "go" {
		return exec.Command(harness.BuildIn(t, ".", source))
	}
	modules, err := filepath.Abs("../interop/node_modules")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(modules, "standardwebhooks")); err != nil {
		harness.Missing(t, "the npm package standardwebhooks is not installed in test/interop")
	}
	if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	return exec.Command(harness.FindProgram(t, "node"), source)
}

var docReceivers = regexp.MustCompile("(?s)```\\w+ title=\\w+\\.(go|mjs)\n(.*?)```\n")

// startDocReceiver runs a receiver as the documentation has it.
func startDocReceiver(t *testing.T, in *harness.Installation, language, secret string) *docReceiver {
	t.Helper()
	page, err := os.ReadFile("../../internal/docs/content/webhooks.md")
	if err != nil {
		t.Fatal(err)
	}
	code := ""
	for _, m := range docReceivers.FindAllStringSubmatch(string(page), -1) {
		if m[1] == language {
			code = m[2]
		}
	}
	if code == "" {
		t.Fatalf("internal/docs/content/webhooks.md has no receiver in %s", language)
	}
	dir := t.TempDir()
	source := filepath.Join(dir, "receiver."+language)
	if err := os.WriteFile(source, []byte(code), 0o600); err != nil {
		t.Fatal(err)
	}
	address := fmt.Sprintf("127.0.0.1:%d", harness.FreePort(t))
	c := receiverCommand(t, language, dir, source)
	c.Env = append(c.Env, "LISTEN="+address, "WEBHOOK_SECRET="+secret)
	r := &docReceiver{in.Background(t, "receiver-"+language, c), "http://" + address + "/"}
	harness.Eventually(t, harness.Soon, "the receiver in "+language+" listens", func() bool {
		resp, err := http.Get(r.url)
		if err == nil {
			_ = resp.Body.Close()
		}
		return err == nil
	})
	return r
}
