// Package server owns what lies around the HTTP handlers of the product: the
// listeners and their limits, TLS, request IDs, the record and the metrics of
// each request, health, and a stop that loses no request.
//
// It must not know what it serves. It is handed one http.Handler, and meets
// OAuth, the admin API and the console only as that.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Every phase of a connection has an end, so that slow clients cannot hold
// connections for nothing. Go's own default is no limit at all.
const (
	// A request, head and body: at most 80 KiB, far below what any link carries
	// in this time. It also bounds the TLS handshake. One limit for head and
	// whole: net/http then arms one timer instead of two for each request.
	readTimeout = 10 * time.Second
	// Counted from the end of the head: reading the body, working, answering.
	writeTimeout = 60 * time.Second
	// Longer than the pools of common clients and proxies keep an idle
	// connection (60 to 90 s), so that the client is the one to close it: a
	// server that closes first can meet a request that is already on its way.
	idleTimeout = 120 * time.Second
	// net/http adds 4 KiB of slack to it in HTTP/1. Cookies and bearer tokens need 4 KiB.
	maxHeaderBytes = 16 << 10
	// Bounds the handlers that one HTTP/2 connection can have at work.
	maxStreams = 100

	defaultDrainTimeout = 15 * time.Second
	// How long handlers whose context was cancelled get to notice it.
	cutOffTimeout = time.Second
	// How often certificate files are looked at.
	certificateInterval = 5 * time.Second
)

// Config is what a Server needs. Every field without a stated default is required.
type Config struct {
	// Listener accepts the public traffic. It is already bound, so that an
	// address in use is found before anything else starts. Run closes it.
	Listener net.Listener
	// MetricsListener serves /metrics and /debug/pprof/. nil: neither is served.
	MetricsListener net.Listener
	// Handler answers everything public but /healthz and /readyz. Its mux must
	// be given the same *http.Request, for Request.Pattern names the route.
	Handler http.Handler
	// AnyPath is a path for which, and below which, Handler reads paths and methods
	// by itself, without a mux: there it also gets what is refused elsewhere since a
	// mux would redirect it. "": none.
	AnyPath string
	// StayOnHTTPS has browsers come by https for a year (RFC 6797), which every answer
	// tells them but those at AnyPath: who asks there hands on what it is told, and
	// must not say so of hosts that are not ours.
	StayOnHTTPS bool
	// Certificate makes the public listener speak TLS. nil: plain HTTP.
	Certificate *Certificate
	// Registry receives the metrics of this package.
	Registry *prometheus.Registry
	// Logger receives one record per request. Its handler must not keep the
	// attributes of a record after Handle has returned.
	Logger *slog.Logger
	// Ready says why this node should get no traffic, or nil. It is called for
	// each probe and must return at once. Its text is public: no secrets in it.
	// nil: ready while it runs.
	Ready func() error
	// Pulse is run with the server; whoever may refuse asks it. nil: there is none.
	Pulse *Pulse
	// TrustedProxies are the networks of the proxies in front, whose
	// X-Forwarded-For says where a request comes from. None: nobody's does.
	TrustedProxies []netip.Prefix
	// DrainDelay is how long a stopping server reports that it is not ready and
	// still accepts connections, so that load balancers see it. Default 0.
	DrainDelay time.Duration
	// DrainTimeout is the longest wait for requests under way. Default 15 s.
	DrainTimeout time.Duration
}

// Server serves one handler. Make it with New.
type Server struct {
	config   Config
	metrics  *metrics
	draining atomic.Bool

	// Constants and time.After, but in tests.
	readTimeout         time.Duration
	certificateInterval time.Duration
	after               func(time.Duration) <-chan time.Time
}

// New returns a Server that does not serve yet. It registers its metrics, and
// panics if the registry already has them: that is a mistake in the wiring.
func New(config Config) *Server {
	if config.DrainTimeout <= 0 {
		config.DrainTimeout = defaultDrainTimeout
	}
	if config.Ready == nil {
		config.Ready = func() error { return nil }
	}
	s := &Server{
		config:              config,
		metrics:             newMetrics(config.Registry),
		readTimeout:         readTimeout,
		certificateInterval: certificateInterval,
		after:               time.After,
	}
	s.registerState(config.Registry)
	return s
}

// notReady says why no traffic should come here; "" where it may.
func (s *Server) notReady() string {
	if s.draining.Load() {
		return "This node is shutting down."
	}
	if err := s.config.Ready(); err != nil {
		return err.Error()
	}
	return ""
}

// Run serves until ctx is done and then stops: it reports that it is not ready,
// waits DrainDelay, closes the listener, and answers the requests under way.
// It returns nil then, or the error of the listener that failed. When it
// returns its goroutines have ended. Only a handler that ignores its cancelled
// context can outlive it, which is logged. It can be called once.
func (s *Server) Run(ctx context.Context) error {
	// Requests under way must not be cancelled by the signal to stop.
	base, cancel := context.WithCancel(context.WithoutCancel(ctx))
	public := s.httpServer(base, newMiddleware(s))
	private := s.httpServer(base, metricsHandler(s.config.Registry))

	failed := make(chan error, 2)
	var running sync.WaitGroup
	serve := func(name string, serve func() error) {
		running.Go(func() {
			if err := serve(); !errors.Is(err, http.ErrServerClosed) {
				failed <- fmt.Errorf("serving the %s listener: %w", name, err)
			}
		})
	}
	serve("public", func() error { return s.servePublic(public) })
	if s.config.MetricsListener != nil {
		serve("metrics", func() error { return private.Serve(s.config.MetricsListener) })
	}
	if s.config.Pulse != nil {
		running.Go(func() { s.config.Pulse.run(base, s.config.Logger) })
	}
	if s.config.Certificate != nil {
		running.Go(func() { s.config.Certificate.watch(base, s.certificateInterval, s.config.Logger) })
	}

	err := s.wait(ctx, failed)
	s.stop(public, cancel)
	// Last, so that the drain can be watched. A profile being taken is cut off.
	private.Close()
	running.Wait()
	return err
}

// wait returns when the listener should close: some time after ctx is done, or
// at once with the error of a listener that failed.
func (s *Server) wait(ctx context.Context, failed <-chan error) error {
	select {
	case err := <-failed:
		s.draining.Store(true)
		return err
	case <-ctx.Done():
	}
	s.draining.Store(true)
	s.config.Logger.Info("stopping", "requests", s.metrics.inFlight.Load())
	select {
	case err := <-failed:
		return err
	case <-s.after(s.config.DrainDelay):
		return nil
	}
}

// stop closes the listener, waits for requests under way, and cuts off those
// that take too long. cancel ends the context of every request.
func (s *Server) stop(public *http.Server, cancel context.CancelFunc) {
	ctx, stopTimer := context.WithTimeout(context.Background(), s.config.DrainTimeout)
	defer stopTimer()
	err := public.Shutdown(ctx)
	cancel()
	if err == nil {
		return
	}
	s.config.Logger.Warn("requests cut off", "requests", s.metrics.inFlight.Load(), "waited", s.config.DrainTimeout)
	public.Close()
	// Close does not wait for handlers. What they use is torn down after Run.
	for deadline := time.Now().Add(cutOffTimeout); s.metrics.inFlight.Load() > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			s.config.Logger.Error("handlers still at work", "requests", s.metrics.inFlight.Load())
			return
		}
	}
}

func (s *Server) servePublic(public *http.Server) error {
	listener := deadlines{s.config.Listener}
	if s.config.Certificate == nil {
		return public.Serve(listener)
	}
	public.TLSConfig = s.config.Certificate.tlsConfig()
	return public.ServeTLS(listener, "", "")
}

// httpServer returns a server with the limits that hold for both listeners.
func (s *Server) httpServer(base context.Context, handler http.Handler) *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true) // over TLS only: HTTP/2 in the clear stays off
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: s.readTimeout,
		ReadTimeout:       s.readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		Protocols:         protocols,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: maxStreams},
		ErrorLog:          newErrorLog(s.config.Logger),
		BaseContext:       func(net.Listener) context.Context { return base },
		// net/http would answer "OPTIONS *" itself, without a request ID.
		DisableGeneralOptionsHandler: true,
	}
}
