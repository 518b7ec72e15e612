package server

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// scrape returns the sample lines that begin with prefix.
func (r *running) scrape(prefix string) []string {
	r.t.Helper()
	answer, body := r.do("GET", r.metrics+"/metrics")
	if answer.StatusCode != 200 {
		r.t.Fatalf("metrics: %d", answer.StatusCode)
	}
	var found []string
	for line := range strings.Lines(body) {
		if strings.HasPrefix(line, prefix) {
			found = append(found, strings.TrimSpace(line))
		}
	}
	return found
}

func TestRequestsAreCounted(t *testing.T) {
	r := start(t, site(), nil)
	r.get("/pages/1")
	r.get("/pages/2")
	r.get("/fail")
	r.get("/healthz")
	want := []string{
		`tokenwright_http_requests_total{code="200",method="GET",route="/healthz"} 1`,
		`tokenwright_http_requests_total{code="200",method="GET",route="GET /pages/{id}"} 2`,
		`tokenwright_http_requests_total{code="503",method="GET",route="GET /fail"} 1`,
	}
	var got []string
	// A request is counted after its answer was sent.
	eventually(t, "three series", func() bool {
		got = r.scrape("tokenwright_http_requests_total{")
		return slices.Equal(got, want) && len(r.scrape("tokenwright_http_requests_in_flight 0")) == 1
	})
	for prefix, n := range map[string]int{
		`tokenwright_http_request_duration_seconds_count{route="GET /pages/{id}"} 2`: 1,
		"tokenwright_build_info{goversion=\"go1":                                     1,
		"go_goroutines ":                                                             1,
		"process_open_fds ":                                                          1,
	} {
		if got := r.scrape(prefix); len(got) != n {
			t.Errorf("%s: %d lines, want %d", prefix, len(got), n)
		}
	}
}

func TestClientsCannotMakeSeries(t *testing.T) { // C-231
	r := start(t, site(), nil)
	m := newMiddleware(r.Server)
	for i := range 10_000 {
		for _, target := range []string{"/pages/%d", "/nothing/%d", "/tree/%d"} {
			method := "GET"
			if i%10 == 0 {
				method = fmt.Sprintf("M%d", i)
			}
			m.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(method, fmt.Sprintf(target+"?client_id=%d", i, i), nil))
		}
	}
	got := r.scrape("tokenwright_http_requests_total{")
	if len(got) < 4 || len(got) > 6 {
		t.Errorf("%d series: %s", len(got), strings.Join(got, "\n"))
	}
	if !strings.Contains(strings.Join(got, "\n"), `{code="404",method="other",route="unmatched"}`) {
		t.Errorf("series %s", strings.Join(got, "\n"))
	}
}

func TestConcurrentFirstRequestsAreAllCounted(t *testing.T) {
	r := start(t, site(), nil)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for status := range 50 {
				r.Server.metrics.count(series{"GET /x", "GET", 200 + (status+i)%50}, 0)
			}
		})
	}
	all.Wait()
	for _, line := range r.scrape("tokenwright_http_requests_total{") {
		if !strings.HasSuffix(line, " 8") {
			t.Errorf("lost counts: %s", line)
		}
	}
}

func TestMetricsAreOnTheirOwnListenerOnly(t *testing.T) { // C-230
	r := start(t, site(), nil)
	for _, path := range []string{"/metrics", "/debug/pprof/", "/debug/pprof/cmdline", "/debug/pprof/heap", "/debug/vars"} {
		if answer, _ := r.get(path); answer.StatusCode != 404 {
			t.Errorf("%s on the public listener: %d, want 404", path, answer.StatusCode)
		}
	}
	for path, want := range map[string]int{
		"/metrics": 200, "/debug/pprof/": 200, "/debug/pprof/goroutine?debug=1": 200, "/debug/pprof/symbol": 200,
		"/debug/pprof/cmdline": 404, "/": 404, "/healthz": 404, "/oauth/token": 404,
	} {
		if answer, _ := r.do("GET", r.metrics+path); answer.StatusCode != want {
			t.Errorf("%s on the metrics listener: %d, want %d", path, answer.StatusCode, want)
		}
	}
	if answer, _ := r.do("POST", r.metrics+"/metrics"); answer.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST /metrics: %d, want 405", answer.StatusCode)
	}
}

func TestMetricsTellWhatReadyzTells(t *testing.T) { // C-350, R-65
	var away atomic.Bool
	delay := make(chan time.Time)
	r := start(t, site(), func(s *Server) {
		s.config.Ready = func() error {
			if away.Load() {
				return errors.New("The database has not answered yet.")
			}
			return nil
		}
		s.after = func(time.Duration) <-chan time.Time { return delay }
	})
	check := func(want ...string) {
		t.Helper()
		for _, line := range want {
			if len(r.scrape(line)) != 1 {
				t.Errorf("there is no %q", line)
			}
		}
	}
	check("tokenwright_ready 1", "tokenwright_draining 0")
	away.Store(true)
	check("tokenwright_ready 0", "tokenwright_draining 0")
	away.Store(false)
	r.cancel()
	eventually(t, "draining", func() bool { return len(r.scrape("tokenwright_draining 1")) == 1 })
	check("tokenwright_ready 0")
	close(delay)
}

func TestMetricsTellTheEndOfTheCertificateInUse(t *testing.T) { // C-350
	f := newFiles(t, "first")
	c, err := LoadCertificate(f.cert, f.key)
	if err != nil {
		t.Fatal(err)
	}
	registry := prometheus.NewRegistry()
	New(Config{Handler: site(), Registry: registry, Logger: slog.New(slog.DiscardHandler), Certificate: c})
	end := func() float64 {
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, family := range families {
			if family.GetName() == "tokenwright_tls_certificate_not_after_seconds" {
				return family.GetMetric()[0].GetGauge().GetValue()
			}
		}
		t.Fatal("there is no such metric")
		return 0
	}
	if got, want := end(), float64(c.pair.Load().Leaf.NotAfter.Unix()); got != want {
		t.Errorf("the certificate ends at %v, want %v", got, want)
	}
	later := *c.pair.Load()
	leaf := *later.Leaf
	leaf.NotAfter = leaf.NotAfter.Add(time.Hour)
	later.Leaf = &leaf
	before := end()
	c.pair.Store(&later)
	if got := end() - before; got != 3600 {
		t.Errorf("after a reload it ends %v s later, want 3600", got)
	}
}
