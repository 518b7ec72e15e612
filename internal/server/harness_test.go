package server

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// running is a server on real listeners. Every test that starts one also checks
// that Run ends without an error.
type running struct {
	*Server
	t       *testing.T
	address string // of the public listener
	metrics string // URL of the metrics listener
	client  *http.Client
	log     *Log
	lines   *output
	cancel  context.CancelFunc
	ended   chan error
	stopped sync.Once
}

// start serves handler. change, if any, adjusts the server before it runs.
func start(t *testing.T, handler http.Handler, change func(*Server)) *running {
	t.Helper()
	public, private := listen(t), listen(t)
	lines := new(output)
	log := NewLog(lines, "json", slog.LevelDebug)
	s := New(Config{
		Listener:        public,
		MetricsListener: private,
		Handler:         handler,
		Registry:        prometheus.NewRegistry(),
		Logger:          log.Logger(),
		Pulse:           new(Pulse),
	})
	if change != nil {
		change(s)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r := &running{
		Server: s, t: t, lines: lines, log: log, cancel: cancel, ended: make(chan error, 1),
		address: public.Addr().String(), metrics: "http://" + private.Addr().String(),
		client: &http.Client{
			Transport:     &http.Transport{},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Timeout:       20 * time.Second,
		},
	}
	go func() { r.ended <- s.Run(ctx) }()
	t.Cleanup(r.stop)
	return r
}

// stop ends the server, waits for it, and completes its log.
func (r *running) stop() {
	r.stopped.Do(func() {
		r.t.Helper()
		r.cancel()
		if err := <-r.ended; err != nil {
			r.t.Errorf("Run = %v, want nil", err)
		}
		r.client.CloseIdleConnections()
		if err := r.log.Close(); err != nil {
			r.t.Errorf("closing the log: %v", err)
		}
	})
}

// do sends a request and returns the answer with its body read.
func (r *running) do(method, url string, header ...string) (*http.Response, string) {
	r.t.Helper()
	req, err := http.NewRequest(method, url, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	answer, err := r.client.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return answer, string(body)
}

func (r *running) get(path string) (*http.Response, string) {
	r.t.Helper()
	return r.do("GET", "http://"+r.address+path)
}

// raw opens a bare connection and sends text on it.
func (r *running) raw(text string) net.Conn {
	r.t.Helper()
	conn, err := net.Dial("tcp", r.address)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	io.WriteString(conn, text) // the server may have closed before it is all sent
	return conn
}

// requests stops the server and returns its request records.
func (r *running) requests() []map[string]any {
	r.t.Helper()
	r.stop()
	var found []map[string]any
	for line := range bytes.Lines(r.lines.bytes()) {
		var record map[string]any
		if err := json.Unmarshal(line, &record); err != nil {
			r.t.Fatalf("line %q: %v", line, err)
		}
		if record["msg"] == "request" {
			found = append(found, record)
		}
	}
	return found
}

// theRequest is requests where there must be one.
func (r *running) theRequest() map[string]any {
	r.t.Helper()
	found := r.requests()
	if len(found) != 1 {
		r.t.Fatalf("%d request records, want 1: %v", len(found), found)
	}
	return found[0]
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// eventually fails the test if condition does not come true.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within 10 s", what)
		}
	}
}

// output is a writer that counts writes and may be read at any time.
type output struct {
	mu     sync.Mutex
	buffer bytes.Buffer
	writes int
	fail   error
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.writes++
	if o.fail != nil {
		return 0, o.fail
	}
	return o.buffer.Write(p)
}

func (o *output) bytes() []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	return bytes.Clone(o.buffer.Bytes())
}
