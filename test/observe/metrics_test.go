package observe

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/harness"
)

// elsewhere are metrics in the page that no scrape here has.
var elsewhere = []string{
	"tokenwright_webhook_deliveries_total", "tokenwright_webhook_pending", // where there are webhooks
	"tokenwright_mail_messages_total", "tokenwright_mail_notices_total", "tokenwright_mail_notices_pending", // where there is a mail server
}

func TestThePageOfMetricsIsWhatAServerHas(t *testing.T) { // C-350
	t.Parallel()
	harness.Need(t, "promtool", "openssl")
	documented, others := page(t)
	s, key := harness.StartWithKey(t, "demo")
	token := s.Token(t, key)
	found := map[string]metric{}
	gateway := gatewayScrape(t, s, token)
	for _, scrape := range []string{serverScrape(t, s), secureScrape(t), gateway} {
		harness.Tool(t, scrape, harness.FindProgram(t, "promtool"), "check", "metrics")
		for name, m := range readScrape(t, scrape) {
			if was, ok := found[name]; ok && m.labels == nil {
				m.labels = was.labels
			}
			found[name] = m
		}
	}
	for _, name := range names(found) {
		is, says := found[name], documented[name]
		if ours := strings.HasPrefix(name, "tokenwright_"); ours && (is.kind != says.kind || !slices.Equal(is.labels, says.labels)) {
			t.Errorf("%s is a %s with the labels %v; internal/docs/content/metrics.md has %q %v", name, is.kind, is.labels, says.kind, says.labels)
		}
	}
	checkTasks(t, string(s.Get(t, s.MetricsURL).Body))
	for name, m := range documented {
		if has := strings.Contains(gateway, "# TYPE "+name+" "); has != m.both && name != "tokenwright_tls_certificate_not_after_seconds" { // which this one has not got
			t.Errorf("%s: forward-auth has it: %t; internal/docs/content/metrics.md says %t", name, has, m.both)
		}
	}
	for _, name := range append(names(documented), others...) {
		if _, ok := found[name]; !ok && !slices.Contains(elsewhere, name) {
			t.Errorf("internal/docs/content/metrics.md has %s, which no server has", name)
		}
	}
}

// checkTasks sees to it that who reads of a task finds what it is.
func checkTasks(t *testing.T, scrape string) {
	t.Helper()
	logs, runbooks := harness.ReadFile(t, "internal", "docs", "content", "logs.md"), harness.ReadFile(t, "internal", "docs", "content", "runbooks.md")
	found := regexp.MustCompile(`(?m)^tokenwright_task_failing\{task="([a-z_]+)"\}`).FindAllStringSubmatch(scrape, -1)
	if len(found) < 5 {
		t.Errorf("%d tasks were found", len(found))
	}
	for _, task := range found {
		if message := "| `" + strings.ReplaceAll(task[1], "_", " ") + " failed` |"; !strings.Contains(logs, message) {
			t.Errorf("internal/docs/content/logs.md has no row of %s", message)
		}
		if row := "| `" + task[1] + "` |"; !strings.Contains(runbooks, row) && task[1] != "writing_usage" { // which has an alert of its own
			t.Errorf("internal/docs/content/runbooks.md has no row of %s", row)
		}
	}
}

func serverScrape(t *testing.T, s *harness.Server) string { return string(s.Get(t, s.MetricsURL).Body) }

// secureScrape is of a server that ends TLS itself.
func secureScrape(t *testing.T) string {
	in := harness.New(t)
	in.URL = strings.Replace(in.URL, "http:", "https:", 1)
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	harness.Tool(t, "", "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3",
		"-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", cert)
	s := in.Launch(t, "--tls-cert-file", cert, "--tls-key-file", key)
	end := regexp.MustCompile(`(?m)^tokenwright_tls_certificate_not_after_seconds (\S+)$`)
	var scrape string
	harness.Eventually(t, harness.Soon, "a node that ends TLS tells when its certificate ends", func() bool {
		scrape = tryScrape(s)
		return end.MatchString(scrape) && strings.Contains(scrape, "tokenwright_directory_event_seq")
	})
	in.NoteMasterKeys(t)
	var at float64
	if _, err := fmt.Sscan(end.FindStringSubmatch(scrape)[1], &at); err != nil {
		t.Fatal(err)
	}
	if left := time.Until(time.Unix(int64(at), 0)); left < 71*time.Hour || left > 73*time.Hour {
		t.Errorf("the certificate ends in %s, want 3 days", left)
	}
	return scrape
}

// tryScrape is "" while nobody answers.
func tryScrape(s *harness.Server) string {
	r, err := http.NewRequest(http.MethodGet, s.MetricsURL, nil)
	if err != nil {
		return ""
	}
	a, err := s.Attempt(r)
	if err != nil {
		return ""
	}
	return string(a.Body)
}

// gatewayScrape is of the command forward-auth beside s, after one check that
// passes and one that does not.
func gatewayScrape(t *testing.T, s *harness.Server, token string) string {
	asked, metrics := harness.FreePort(t), harness.FreePort(t)
	at := fmt.Sprintf("http://127.0.0.1:%d", asked)
	p := s.Background(t, "forward-auth", s.Command(context.Background(), "forward-auth", "--issuer", s.URL+"/demo",
		"--listen", fmt.Sprintf("127.0.0.1:%d", asked), "--metrics-listen", fmt.Sprintf("127.0.0.1:%d", metrics), "--log-format", "json"))
	check := func(token string) int {
		r := harness.NewRequest(t, http.MethodGet, at+"/forward-auth?env=demo&scope=customers:read", "")
		r.Header.Set("Authorization", "Bearer "+token)
		a, err := s.Attempt(r)
		if err != nil {
			return 0
		}
		return a.Status
	}
	harness.Eventually(t, harness.Soon, "a token passes", func() bool { return check(token) == http.StatusOK })
	if got := check("x"); got != http.StatusUnauthorized {
		t.Errorf("no token: %d", got)
	}
	scrape := string(s.Get(t, fmt.Sprintf("http://127.0.0.1:%d/metrics", metrics)).Body)
	s.Keep(t, "metrics", []byte(scrape))
	for _, line := range []string{
		`tokenwright_forward_auth_checks_total{outcome="passed"} 1`, `tokenwright_forward_auth_checks_total{outcome="malformed"} 1`, "tokenwright_ready 1",
	} {
		if !strings.Contains(scrape, "\n"+line+"\n") {
			t.Errorf("forward-auth has no %s", line)
		}
	}
	harness.Eventually(t, harness.Soon, "the log calls it as the metric does", func() bool {
		log, err := os.ReadFile(p.Log)
		return err == nil && strings.Contains(string(log), `"refused":"malformed"`)
	})
	return scrape
}

var (
	typeLine   = regexp.MustCompile(`^# TYPE (\S+) (\S+)$`)
	sampleLine = regexp.MustCompile(`^([a-zA-Z_:]+)(?:\{(.*)\})? \S+$`)
	labelName  = regexp.MustCompile(`([a-z_]+)="(?:[^"\\]|\\.)*"`)
)

// readScrape reads the exposition format
// (https://prometheus.io/docs/instrumenting/exposition_formats/).
func readScrape(t *testing.T, text string) map[string]metric {
	t.Helper()
	list := map[string]metric{}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if kind := typeLine.FindStringSubmatch(line); kind != nil {
			list[kind[1]] = metric{kind: kind[2]}
			continue
		}
		sample := sampleLine.FindStringSubmatch(line)
		if sample == nil {
			continue
		}
		name := sample[1]
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			if histogram, ok := strings.CutSuffix(name, suffix); ok && list[histogram].kind == "histogram" {
				name = histogram
			}
		}
		m := list[name]
		m.labels = nil
		for _, label := range labelName.FindAllStringSubmatch(sample[2], -1) {
			if label[1] != "le" {
				m.labels = append(m.labels, label[1])
			}
		}
		slices.Sort(m.labels)
		list[name] = m
	}
	return list
}

func TestTheMetricsOfAServerAreRight(t *testing.T) { // C-350
	t.Parallel()
	s, key := harness.StartWithKey(t, "demo")
	before := s.Metric(t, "tokenwright_tokens_issued_total")
	for range 5 {
		s.Token(t, key)
	}
	s.Ask(t, s.URL+"/oauth/token", key.ClientID, harness.WithChecksum(strings.Repeat("x", 3)+key.ClientSecret[3:]))
	if got := s.Metric(t, "tokenwright_tokens_issued_total") - before; got != 5 {
		t.Errorf("%v tokens issued, want 5", got)
	}
	if got := s.Metric(t, "tokenwright_tokens_refused_total"); got == 0 {
		t.Error("no token refused")
	}
	for series, want := range map[string]float64{
		"tokenwright_ready": 1, "tokenwright_draining": 0, "tokenwright_directory_api_keys": 1, "tokenwright_directory_secrets": 1,
		`tokenwright_signing_keys{env="demo",status="active"}`: 1, `tokenwright_signing_keys{env="demo",status="announced"}`: 1,
		"tokenwright_directory_max_staleness_seconds": 300, `tokenwright_task_failing{task="writing_usage"}`: 0,
	} {
		if got := s.Metric(t, series); got != want {
			t.Errorf("%s is %v, want %v", series, got, want)
		}
	}
	if done := s.Metric(t, `tokenwright_task_runs_total{outcome="done",task="tending_the_signing_keys"}`); done == 0 {
		t.Error("no run of a task is counted")
	}
	if age := s.Metric(t, "tokenwright_directory_age_seconds"); age < 0 || age > 5 {
		t.Errorf("the directory is %v s old", age)
	}
	if due := s.Metric(t, `tokenwright_signing_key_rotation_timestamp_seconds{env="demo"}`) -
		s.Metric(t, `tokenwright_signing_key_activated_timestamp_seconds{env="demo"}`); due != 90*24*3600 {
		t.Errorf("another signing key takes over %v s after the one before, want 90 days", due)
	}
	if skew := s.Metric(t, "tokenwright_time_seconds") - float64(time.Now().Unix()); skew < -5 || skew > 5 {
		t.Errorf("the clock is %v s off", skew)
	}
	s.CLI(t, "key", "delete", key.ClientID, "--yes")
	harness.Eventually(t, harness.Propagation, "the feed lists the cut-off", func() bool {
		return s.Metric(t, `tokenwright_revocations{env="demo",kind="cutoff"}`) == 1 && s.Metric(t, "tokenwright_directory_api_keys") == 0
	})
}
