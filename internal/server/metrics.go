package server

import (
	"cmp"
	"maps"
	"net/http"
	"net/http/pprof"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Label values for what is not in a bounded set: clients choose methods and
// paths, and must not be able to make series.
const (
	otherMethod    = "other"
	unmatchedRoute = "unmatched"
)

// series names the metrics of one kind of answer.
type series struct {
	route, method string
	status        int
}

// children are the metrics of one series, their labels resolved.
type children struct {
	series
	requests prometheus.Counter
	duration prometheus.Observer
}

type metrics struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	inFlight atomic.Int64

	// Resolving labels costs more than counting. The map is copied on write: a
	// new series is rare, and there are at most routes × methods × statuses. Most
	// requests are answered as the one before.
	resolved atomic.Pointer[map[series]*children]
	last     atomic.Pointer[children]
	mu       sync.Mutex // held to replace resolved
}

func newMetrics(registry *prometheus.Registry) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tokenwright_http_requests_total",
			Help: "Requests answered on the public listener.",
		}, []string{"route", "method", "code"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "tokenwright_http_request_duration_seconds",
			Help: "Time from the end of the request head to the end of the handler.",
			// A token takes about 60 µs, a page of the console milliseconds,
			// and the slowest thing that ends well is below the write timeout.
			Buckets: []float64{50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 0.1, 0.25, 1, 2.5, 10},
		}, []string{"route"}),
	}
	m.resolved.Store(&map[series]*children{})
	m.last.Store(&children{})
	inFlight := gauge("tokenwright_http_requests_in_flight", "Requests being answered on the public listener.",
		func() float64 { return float64(m.inFlight.Load()) })
	registry.MustRegister(m.requests, m.duration, inFlight, buildInfo(),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// registerState registers what the server knows of itself.
func (s *Server) registerState(registry *prometheus.Registry) {
	registry.MustRegister(
		gauge("tokenwright_ready", "1 where /readyz says that traffic may come here, else 0.",
			func() float64 { return number(s.notReady() == "") }),
		gauge("tokenwright_draining", "1 from the signal to stop until the end, else 0.",
			func() float64 { return number(s.draining.Load()) }),
		gauge("tokenwright_time_seconds", "The clock of this machine, as Unix time.",
			func() float64 { return float64(time.Now().UnixMilli()) / 1000 }))
	if p := s.config.Pulse; p != nil {
		registry.MustRegister(
			gauge("tokenwright_http_wait_seconds", "How long a request waits for a processor, as last measured.",
				func() float64 { wait, _ := p.look(); return wait.Seconds() }),
			gauge("tokenwright_overloaded", "1 while token requests that have waited for too long are refused, else 0.",
				func() float64 { _, is := p.look(); return number(is) }))
	}
	if c := s.config.Certificate; c != nil {
		registry.MustRegister(gauge("tokenwright_tls_certificate_not_after_seconds", "When the TLS certificate in use ends, as Unix time.",
			func() float64 { return float64(c.pair.Load().Leaf.NotAfter.Unix()) }))
	}
}

func gauge(name, help string, value func() float64) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value)
}

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// count adds one answered request.
func (m *metrics) count(s series, took time.Duration) {
	if s.route == "" {
		s.route = unmatchedRoute
	}
	c := m.last.Load()
	if c.series != s {
		c = m.resolve(s)
		m.last.Store(c)
	}
	c.requests.Inc()
	c.duration.Observe(took.Seconds())
}

func (m *metrics) resolve(s series) *children {
	if c, ok := (*m.resolved.Load())[s]; ok {
		return c
	}
	c := &children{
		series:   s,
		requests: m.requests.WithLabelValues(s.route, s.method, codeLabel(s.status)),
		duration: m.duration.WithLabelValues(s.route),
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	next := maps.Clone(*m.resolved.Load())
	next[s] = c
	m.resolved.Store(&next)
	return c
}

// knownMethod returns the method, or "other" for one that is not in the set of
// RFC 9110 and RFC 5789. A method can be any token of any length.
func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodPost, http.MethodHead, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodOptions, http.MethodConnect, http.MethodTrace:
		return method
	}
	return otherMethod
}

func codeLabel(status int) string { return strconv.Itoa(status) }

// buildInfo returns a gauge that is always 1 and says what is running.
func buildInfo() prometheus.Collector {
	version, revision, goVersion := Build()
	gauge := prometheus.NewGauge(prometheus.GaugeOpts{
		Name:        "tokenwright_build_info",
		Help:        "Always 1; the labels say which build is running.",
		ConstLabels: prometheus.Labels{"version": version, "revision": revision, "goversion": goVersion},
	})
	gauge.Set(1)
	return gauge
}

// What the linker writes into a release (deploy/dist), so that a copy of the sources
// without their history makes the same bytes; "" in other builds.
var releaseVersion, releaseRevision string

// Build says which build is running; "unknown" where the binary does not say.
func Build() (version, revision, goVersion string) {
	version, revision, goVersion = "unknown", "unknown", "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		version, goVersion = info.Main.Version, info.GoVersion
		for _, setting := range info.Settings {
			if setting.Key == "vcs.revision" {
				revision = setting.Value
			}
		}
	}
	return cmp.Or(releaseVersion, version), cmp.Or(releaseRevision, revision), goVersion
}

// metricsHandler serves the metrics listener. /debug/pprof/cmdline is left out:
// arguments of a process are nobody else's business.
func metricsHandler(registry *prometheus.Registry) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	return mux
}
