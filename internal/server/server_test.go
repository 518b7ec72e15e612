package server

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

func TestStopAnswersRequestsUnderWay(t *testing.T) {
	working, gate := make(chan struct{}), make(chan struct{})
	mux := site()
	mux.HandleFunc("GET /slow", func(w http.ResponseWriter, r *http.Request) {
		close(working)
		<-gate
		if err := r.Context().Err(); err != nil {
			t.Errorf("the request was cancelled by the stop: %v", err)
		}
		io.WriteString(w, "done")
	})
	delay := make(chan time.Time)
	r := start(t, mux, func(s *Server) { s.after = func(time.Duration) <-chan time.Time { return delay } })

	body := make(chan string, 1)
	go func() {
		answer, err := http.Get("http://" + r.address + "/slow")
		if err != nil {
			body <- err.Error()
			return
		}
		defer answer.Body.Close()
		text, _ := io.ReadAll(answer.Body)
		body <- string(text)
	}()
	<-working
	r.cancel()
	// Not ready first, while new connections are still answered, and told to go.
	eventually(t, "not ready", func() bool { answer, _ := r.get("/readyz"); return answer.StatusCode == 503 })
	if answer, _ := r.get("/healthz"); answer.StatusCode != 200 || !answer.Close {
		t.Errorf("healthz while draining: %d, close %v; want 200 and true", answer.StatusCode, answer.Close)
	}
	if answer, _ := r.get("/pages/1"); answer.StatusCode != 200 || !answer.Close {
		t.Errorf("a request while draining: %d, close %v; want 200 and true", answer.StatusCode, answer.Close)
	}
	close(delay)
	eventually(t, "the listener closed", func() bool {
		conn, err := net.Dial("tcp", r.address)
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
	close(gate)
	if got := <-body; got != "done" {
		t.Errorf("the request under way got %q", got)
	}
	r.stop()
}

func TestStopCutsOffWhatTakesTooLong(t *testing.T) {
	working, ended := make(chan struct{}), make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("GET /forever", func(_ http.ResponseWriter, r *http.Request) {
		close(working)
		<-r.Context().Done()
		close(ended)
	})
	r := start(t, mux, func(s *Server) { s.config.DrainTimeout = 10 * time.Millisecond })
	go r.client.Get("http://" + r.address + "/forever")
	<-working
	r.stop()
	select {
	case <-ended:
	default:
		t.Error("Run returned before the handler")
	}
	if log := string(r.lines.bytes()); !strings.Contains(log, "requests cut off") {
		t.Errorf("not logged: %s", log)
	}
}

func TestNoGoroutineIsLeft(t *testing.T) {
	f := newFiles(t, "x")
	before := runtime.NumGoroutine()
	for range 3 {
		r := startTLS(t, f, true)
		r.do("GET", "https://"+r.address+"/pages/1")
		r.do("GET", r.metrics+"/metrics")
		r.stop()
		r.client.CloseIdleConnections()
	}
	eventually(t, "goroutines of the server and the log ended", func() bool { return runtime.NumGoroutine() <= before })
}

func TestRunReturnsTheErrorOfItsListener(t *testing.T) {
	for _, which := range []string{"public", "metrics"} {
		public, private := listen(t), listen(t)
		s := New(Config{Listener: public, MetricsListener: private, Handler: site(), Registry: prometheus.NewRegistry(),
			Logger: slog.New(slog.DiscardHandler), DrainDelay: time.Hour})
		if which == "public" {
			public.Close()
		} else {
			private.Close()
		}
		err := s.Run(t.Context())
		if !errors.Is(err, net.ErrClosed) || !strings.Contains(err.Error(), which) {
			t.Errorf("Run = %v, want the error of the %s listener", err, which)
		}
		if conn, err := net.Dial("tcp", public.Addr().String()); err == nil {
			conn.Close()
			t.Error("the public listener is still open")
		}
	}
}

func TestRunEndsIfItWasStoppedBeforeItBegan(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := New(Config{Listener: listen(t), MetricsListener: listen(t), Handler: site(), Registry: prometheus.NewRegistry(),
		Logger: slog.New(slog.DiscardHandler)})
	if err := s.Run(ctx); err != nil {
		t.Errorf("Run = %v", err)
	}
}

// C-237, R-40
func TestSlowHeadIsCutOff(t *testing.T) {
	r := start(t, site(), func(s *Server) { s.readTimeout = 50 * time.Millisecond })
	conn := r.raw("GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")
	// The connection has 20 s; net/http may or may not say why it closes.
	if _, err := io.ReadAll(conn); errors.Is(err, context.DeadlineExceeded) || isTimeout(err) {
		t.Errorf("the connection is still open: %v", err)
	}
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

// C-237, C-240, R-40
func TestEveryPhaseHasALimit(t *testing.T) {
	s := New(Config{Listener: nil, Registry: prometheus.NewRegistry(), Logger: slog.New(slog.DiscardHandler)})
	h := s.httpServer(t.Context(), nil)
	if h.ReadHeaderTimeout != 10*time.Second || h.ReadTimeout != 10*time.Second || h.WriteTimeout != time.Minute ||
		h.IdleTimeout != 2*time.Minute || h.MaxHeaderBytes != 16<<10 || h.Protocols.UnencryptedHTTP2() || !h.Protocols.HTTP2() {
		t.Errorf("limits %+v", h)
	}
}

func TestLargeHeadIsRefused(t *testing.T) { // C-242
	r := start(t, site(), nil)
	for size, want := range map[int]int{15 << 10: 200, 24 << 10: 431, 1 << 20: 431} {
		conn := r.raw("GET /pages/1 HTTP/1.1\r\nHost: x\r\nCookie: " + strings.Repeat("c", size) + "\r\n\r\n")
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatalf("%d bytes: %v", size, err)
		}
		if answer.StatusCode != want {
			t.Errorf("%d bytes: %d, want %d", size, answer.StatusCode, want)
		}
	}
}

func TestSmugglingIsRefused(t *testing.T) { // C-238
	r := start(t, site(), nil)
	const head = "POST /oauth/token HTTP/1.1\r\nHost: x\r\n"
	for _, request := range []string{
		head + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
		head + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
		head + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
		head + "Content-Length : 5\r\n\r\nhello",
		head + "Content-Length: +5\r\n\r\nhello",
		head + "X: a\x00b\r\n\r\n",
	} {
		in := bufio.NewReader(r.raw(request))
		answer, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatalf("%q: %v", request, err)
		}
		io.Copy(io.Discard, answer.Body)
		if answer.StatusCode != 400 && answer.StatusCode != 501 {
			t.Errorf("%q: %d, want 400 or 501", request, answer.StatusCode)
		}
		if _, err := in.ReadByte(); err == nil || isTimeout(err) {
			t.Errorf("%q: the connection stays open", request)
		}
	}
	// Both lengths: the chunks count, and what follows is not taken for a request.
	in := bufio.NewReader(r.raw(head + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /pages/1 HTTP/1.1\r\nHost: x\r\n\r\n"))
	answer, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, answer.Body)
	if _, err := in.ReadByte(); err == nil || isTimeout(err) {
		t.Errorf("both lengths: something follows the answer %d: %v", answer.StatusCode, err)
	}
}
