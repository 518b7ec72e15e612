package observe

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/harness"
)

// answered asks for a token and returns the status, 0 where nobody answers.
func answered(t *testing.T, in *harness.Installation, id, secret string) int {
	t.Helper()
	r := harness.NewRequest(t, http.MethodPost, in.URL+"/oauth/token", harness.TokenRequest(t, id, secret))
	r.Header.Set("Content-Type", "application/json")
	a, err := in.Attempt(r)
	if err != nil {
		return 0
	}
	if a.Status == http.StatusOK {
		a.Token(t) // noted for the search at the end
	}
	return a.Status
}

// ask has at least so many requests answered with a status, and any number otherwise.
func ask(t *testing.T, in *harness.Installation, key harness.APIKey, status, times int) {
	t.Helper()
	got := 0
	harness.Eventually(t, sees, fmt.Sprintf("%d answers are %d", times, status), func() bool {
		if answered(t, in, key.ClientID, key.ClientSecret) == status {
			got++
		}
		return got >= times
	})
}

// goOnAsking is an application that asks for tokens until the function that it returns is
// called. A counter that Prometheus has not seen before has not grown, whatever it is.
func goOnAsking(t *testing.T, in *harness.Installation, key harness.APIKey) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			answered(t, in, key.ClientID, key.ClientSecret)
			<-time.After(5 * time.Millisecond)
		}
	}()
	return func() { cancel(); <-ended }
}

// again starts a server at the address of one that has ended, its metrics as well.
func again(t *testing.T, s *harness.Server, args ...string) *harness.Server {
	t.Helper()
	metrics := s.MetricsURL
	next := s.Installation.Launch(t, append(args, "--metrics-listen", strings.TrimSuffix(strings.TrimPrefix(metrics, "http://"), "/metrics"))...)
	next.MetricsURL = metrics
	eventually(t, sees, "the server is ready again", next.Ready)
	return next
}

func nodeIsKilled(t *testing.T, w *watch) {
	s := harness.Start(t)
	w.scrape(t, s.MetricsURL)
	w.quiet(t)
	s.Kill(t)
	w.begins(t, "TokenwrightDown")
	if r := s.Try(t, "health", "--url", s.URL); r.Code != 1 {
		t.Errorf("health of a server that was killed: exit code %d\n%s", r.Code, r.Stdout)
	}
	next := again(t, s)
	if r := s.Try(t, "health", "--url", s.URL); r.Code != 0 {
		t.Errorf("health: exit code %d\n%s", r.Code, r.Stderr)
	}
	w.ends(t, "TokenwrightDown")
	if next.Metric(t, "tokenwright_ready") != 1 {
		t.Error("tokenwright_ready is not 1")
	}
}

// beyond is more requests than an alert bears within its window.
const beyond = 450

func applicationsErr(t *testing.T, w *watch) {
	s, key := harness.StartWithKey(t, "demo", "--token-limit", "20")
	w.scrape(t, s.MetricsURL)
	w.quiet(t)
	old := harness.APIKey{ClientID: key.ClientID, ClientSecret: harness.WithChecksum("tws_demo_" + strings.Repeat("x", 49))}
	ask(t, s.Installation, old, http.StatusUnauthorized, beyond)
	w.begins(t, "TokenwrightRefusals")
	checkReasons(t, s, `"refused":"wrong_secret"`)
	ask(t, s.Installation, key, http.StatusTooManyRequests, beyond)
	w.begins(t, "TokenwrightLimitReached")
	checkReasons(t, s, `"refused":"rate_limited"`)
	fresh := harness.ReadKey(t, s.CLI(t, "key", "rotate", key.ClientID, "-o", "json"))
	if fresh.ClientSecret == key.ClientSecret {
		t.Error("the secret was not rotated")
	}
	w.ends(t, "TokenwrightRefusals", "TokenwrightLimitReached") // both have stopped
}

// checkReasons looks for what the runbook says to look for, which is written within a moment.
func checkReasons(t *testing.T, s *harness.Server, member string) {
	t.Helper()
	eventually(t, sees, "the log says why", func() bool { return strings.Contains(s.ReadLog(t), member) })
}

func processorIsTaken(t *testing.T, w *watch) {
	s, key := harness.StartWithKey(t, "demo")
	w.scrape(t, s.MetricsURL)
	w.quiet(t)
	// So many that some of those who have waited are at work when it is taken again.
	for range 8 {
		defer goOnAsking(t, s.Installation, key)()
	}
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for turn := 0; ctx.Err() == nil; turn++ {
			_ = s.Process.Process.Signal(syscall.SIGSTOP)
			<-time.After(90 * time.Millisecond)
			_ = s.Process.Process.Signal(syscall.SIGCONT)
			<-time.After(time.Duration(1+turn%10) * time.Millisecond)
		}
	}()
	defer func() { cancel(); <-stopped }() // before the last of the questions is waited for
	w.begins(t, "TokenwrightTokensSlow")
	cancel()
	w.ends(t, "TokenwrightTokensSlow")
}

func certificateEnds(t *testing.T, w *watch) {
	in := harness.New(t)
	in.URL = strings.Replace(in.URL, "http:", "https:", 1)
	dir := t.TempDir()
	certificate, key := filepath.Join(dir, "fullchain.pem"), filepath.Join(dir, "key.pem")
	issue := func(days string) {
		harness.Tool(t, "", "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", days,
			"-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate)
	}
	issue("1")
	s := in.Launch(t, "--tls-cert-file", certificate, "--tls-key-file", key)
	w.scrape(t, s.MetricsURL) // it is born in this trouble
	w.begins(t, "TokenwrightCertificateEnds")
	in.NoteMasterKeys(t)
	issue("90")
	logs(t, s, "TLS certificate reloaded")
	w.ends(t, "TokenwrightCertificateEnds")
}

func issuerIsAway(t *testing.T, w *watch) {
	s, key := harness.StartWithKey(t, "demo")
	asked, metrics := harness.FreePort(t), harness.FreePort(t)
	s.Background(t, "forward-auth", s.Command(context.Background(), "forward-auth", "--issuer", s.URL+"/demo",
		"--listen", fmt.Sprintf("127.0.0.1:%d", asked), "--metrics-listen", fmt.Sprintf("127.0.0.1:%d", metrics), "--log-format", "json"))
	token := s.Token(t, key)
	check := func() int {
		r := harness.NewRequest(t, http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d/forward-auth?env=demo&scope=customers:read", asked), "")
		r.Header.Set("Authorization", "Bearer "+token)
		a, err := s.Attempt(r)
		if err != nil {
			return 0
		}
		return a.Status
	}
	eventually(t, sees, "a token passes", func() bool { return check() == http.StatusOK })
	w.scrape(t, fmt.Sprintf("http://127.0.0.1:%d/metrics", metrics))
	w.quiet(t)
	s.Stop(t)
	w.begins(t, "TokenwrightFeedLag")
	if got := check(); got != http.StatusOK { // as "Users feel" says
		t.Errorf("while the issuer is away a good token is answered %d", got)
	}
	again(t, s)
	w.ends(t, "TokenwrightFeedLag")
}

// clockIsAhead builds the product with a clock that is ahead wherever it reads the time that
// tokens and metrics tell. A clock of the machine would be that of everybody on it.
func clockIsAhead(t *testing.T, w *watch) {
	replace := map[string]string{}
	for path, clock := range map[string][2]string{
		"internal/authority/authority.go": {"a.clock = time.Now\n", "a.clock = func() time.Time { return time.Now().Add(7 * time.Second) }\n"},
		"internal/server/metrics.go":      {"time.Now().UnixMilli()", "time.Now().Add(7 * time.Second).UnixMilli()"},
	} {
		source := harness.ReadFile(t, filepath.FromSlash(path))
		if strings.Count(source, clock[0]) != 1 {
			t.Fatalf("%s has not one %q", path, clock[0])
		}
		file := filepath.Join(t.TempDir(), filepath.Base(path))
		if err := os.WriteFile(file, []byte(strings.Replace(source, clock[0], clock[1], 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		replace[harness.File(filepath.FromSlash(path))] = file
	}
	right := harness.New(t)
	s := right.Start(t)
	w.scrape(t, s.MetricsURL)
	w.quiet(t)
	s.Stop(t)
	ahead := *right
	ahead.Binary = harness.Build(t, "-race", "-overlay", harness.Overlay(t, replace))
	s = again(t, &harness.Server{Installation: &ahead, MetricsURL: s.MetricsURL})
	w.begins(t, "TokenwrightClockSkew")
	if off := s.Metric(t, "tokenwright_time_seconds") - float64(time.Now().Unix()); off < 5 { // as the runbook measures it
		t.Errorf("the clock is %.0f s ahead", off)
	}
	s.Stop(t)
	again(t, &harness.Server{Installation: right, MetricsURL: s.MetricsURL})
	w.ends(t, "TokenwrightClockSkew")
}
