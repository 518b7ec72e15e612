package e2e

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/harness"
)

// halfRequest is a token request of which the server has the head and the
// first byte of the body.
type halfRequest struct {
	conn net.Conn
	rest string
}

func beginRequest(t *testing.T, s *harness.Server, key harness.APIKey) *halfRequest {
	t.Helper()
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.Port))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	body := url.Values{"grant_type": {"client_credentials"}, "client_id": {key.ClientID}, "client_secret": {key.ClientSecret}}.Encode()
	// RFC 9110 10.1.1: the interim answer shows that a handler is at work.
	fmt.Fprintf(conn, "POST /oauth/token HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"+
		"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n", len(body))
	h := &halfRequest{conn, body}
	if resp := h.read(t); resp.StatusCode != http.StatusContinue {
		t.Fatalf("the request is answered with %s before its body", resp.Status)
	}
	return h
}

func (h *halfRequest) read(t *testing.T) *http.Response {
	t.Helper()
	if err := h.conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(h.conn), nil)
	if err != nil {
		t.Fatalf("a request under way is not answered: %v", err)
	}
	return resp
}

// finish sends the rest and returns the status.
func (h *halfRequest) finish(t *testing.T) int {
	t.Helper()
	if _, err := h.conn.Write([]byte(h.rest)); err != nil {
		t.Fatal(err)
	}
	resp := h.read(t)
	defer func() { _ = resp.Body.Close() }()
	return resp.StatusCode
}

// A stopping server first says that it is not ready and goes on, until load
// balancers have noticed; then it takes no more connections, answers what is
// under way, and ends well.
func TestTerminatedServerAnswersEveryRequestUnderWay(t *testing.T) {
	t.Parallel()
	s, key := harness.StartWithKey(t, "demo")
	s.Stop(t)
	s = s.Start(t, "--shutdown-delay", "2s")
	var underWay []*halfRequest
	for range 20 {
		underWay = append(underWay, beginRequest(t, s, key))
	}
	balancer := startBalancer(s, key)
	s.Observe(t)
	s.Signal(t, syscall.SIGTERM)
	harness.Eventually(t, harness.Soon, "/readyz answers 503", func() bool { return s.Get(t, s.URL+"/readyz").Status == http.StatusServiceUnavailable })
	if !s.Works(t, key) {
		t.Error("while it tells load balancers, the server answers no request")
	}
	if answered, err := balancer(); err != nil || answered == 0 {
		t.Errorf("clients behind a load balancer: %d answers, then %v", answered, err)
	}
	harness.Eventually(t, 10*time.Second, "new connections are refused", func() bool {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.Port))
		if err == nil {
			_ = conn.Close()
		}
		return err != nil
	})
	for i, h := range underWay {
		if status := h.finish(t); status != http.StatusOK {
			t.Errorf("request %d of before the signal is answered with %d", i, status)
		}
	}
	if state := s.WaitFor(t, 10*time.Second); state.ExitCode() != 0 {
		t.Errorf("the server ended with %s", state)
	}
}

// startBalancer has clients send requests for as long as /readyz says so. The
// function that it returns waits for them.
func startBalancer(s *harness.Server, key harness.APIKey) (wait func() (answered int64, err error)) {
	var n atomic.Int64
	failed := make(chan error, 4)
	var wg sync.WaitGroup
	for range cap(failed) {
		wg.Go(func() {
			for s.Ready() {
				if _, err := harness.AskOnce(s.Client, s.URL, key); err != nil {
					failed <- err
					return
				}
				n.Add(1)
			}
		})
	}
	return func() (int64, error) {
		wg.Wait()
		select {
		case err := <-failed:
			return n.Load(), err
		default:
			return n.Load(), nil
		}
	}
}

func TestSecondSignalEndsTheServerAtOnce(t *testing.T) {
	t.Parallel()
	s, key := harness.StartWithKey(t, "demo")
	s.Stop(t)
	s = s.Start(t, "--shutdown-delay", "1m")
	beginRequest(t, s, key) // and never ended
	s.Observe(t)
	s.Signal(t, syscall.SIGTERM)
	harness.Eventually(t, harness.Soon, "/readyz answers 503", func() bool { return s.Get(t, s.URL+"/readyz").Status == http.StatusServiceUnavailable })
	s.Signal(t, syscall.SIGTERM)
	state := s.WaitFor(t, 5*time.Second)
	if state.ExitCode() != 128+int(syscall.SIGTERM) { // as shells show it
		t.Errorf("the server ended with %s", state)
	}
}
