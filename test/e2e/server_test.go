package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// server is a running tokenwright serve.
type server struct {
	*installation
	process *exec.Cmd
	metrics string // URL
	log     string // file with its standard error
	ended   chan struct{}
}

// startServer makes an installation of its own and a server that is ready.
func startServer(t *testing.T, args ...string) *server {
	t.Helper()
	return newInstallation(t).start(t, args...)
}

// start runs a server and waits until it is ready.
func (in *installation) start(t *testing.T, args ...string) *server {
	t.Helper()
	s := in.launch(t, args...)
	deadline := time.Now().Add(30 * time.Second)
	for !s.ready() {
		select {
		case <-s.ended:
			t.Fatalf("the server ended before it was ready:\n%s", s.lastLog(t))
		case <-time.After(5 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("the server is not ready after 30 s:\n%s", s.lastLog(t))
		}
	}
	in.noteMasterKeys(t)
	return s
}

// launch runs a server and does not wait. Whatever happens, it ends with the test.
func (in *installation) launch(t *testing.T, args ...string) *server {
	t.Helper()
	metrics := freePort(t)
	args = append([]string{
		"serve", "--url", in.url, "--listen", fmt.Sprintf("127.0.0.1:%d", in.port),
		"--metrics-listen", fmt.Sprintf("127.0.0.1:%d", metrics), "--log-format", "json",
	}, args...)
	log, err := os.CreateTemp(filepath.Dir(in.data), "server-*.log")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = log.Close() }() // the process has its own
	s := &server{
		installation: in, process: in.command(context.Background(), args...),
		metrics: fmt.Sprintf("http://localhost:%d/metrics", metrics), log: log.Name(), ended: make(chan struct{}),
	}
	s.process.Stdout, s.process.Stderr = log, log
	if err := s.process.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(s.ended)
		_ = s.process.Wait() // ProcessState tells
	}()
	t.Cleanup(func() { s.cleanUp(t) })
	return s
}

// cleanUp ends a server that its test has left running: as operators do, so
// that it is seen to end well.
func (s *server) cleanUp(t *testing.T) {
	defer func() {
		_ = s.process.Process.Kill() // an error says that it has ended
		<-s.ended
		if t.Failed() {
			t.Logf("the last of the server's log:\n%s", s.lastLog(t))
		}
	}()
	if s.running() && !t.Failed() {
		s.stop(t)
	}
}

func (s *server) running() bool {
	select {
	case <-s.ended:
		return false
	default:
		return true
	}
}

func (s *server) ready() bool {
	resp, err := s.client.Get(s.url + "/readyz")
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// stop ends the server gracefully; it must end with exit code 0 (66 is a data race).
func (s *server) stop(t *testing.T) {
	t.Helper()
	s.observe(t)
	s.signal(t, syscall.SIGTERM)
	if state := s.waitFor(t, 30*time.Second); state.ExitCode() != 0 {
		t.Errorf("the server ended with %s", state)
	}
}

// kill ends the server as a crash does.
func (s *server) kill(t *testing.T) {
	t.Helper()
	s.signal(t, syscall.SIGKILL)
	s.waitFor(t, 10*time.Second)
}

func (s *server) signal(t *testing.T, signal syscall.Signal) {
	t.Helper()
	if err := s.process.Process.Signal(signal); err != nil {
		t.Fatalf("sending %s: %v", signal, err)
	}
}

// waitFor waits until the process has ended.
func (s *server) waitFor(t *testing.T, within time.Duration) *os.ProcessState {
	t.Helper()
	select {
	case <-s.ended:
	case <-time.After(within):
		t.Fatalf("the server has not ended within %s", within)
	}
	return s.process.ProcessState
}

// observe keeps what is gone once the server has ended: its metrics, and the
// write-ahead log with its index.
func (s *server) observe(t *testing.T) {
	t.Helper()
	resp, err := http.Get(s.metrics)
	if err != nil {
		t.Errorf("reading the metrics: %v", err)
		return
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil || !bytes.Contains(body, []byte("tokenwright_tokens_issued_total")) {
		t.Errorf("reading the metrics: %v, %d bytes", err, len(body))
	}
	s.keep(t, "metrics", body)
	for _, suffix := range []string{"-wal", "-shm"} {
		if content, err := os.ReadFile(filepath.Join(s.data, "tokenwright.db"+suffix)); err == nil {
			s.keep(t, "database"+suffix, content)
		}
	}
}

func (s *server) readLog(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(s.log)
	if err != nil {
		t.Error(err)
	}
	return string(text)
}

// lastLog is what to show of the log where a test has failed.
func (s *server) lastLog(t *testing.T) string {
	t.Helper()
	lines := strings.SplitAfter(s.readLog(t), "\n")
	return strings.Join(lines[max(0, len(lines)-12):], "")
}

// records returns the records of the log so far that have the given message.
func (s *server) records(t *testing.T, message string) []map[string]any {
	t.Helper()
	var list []map[string]any
	for line := range strings.Lines(s.readLog(t)) {
		var record map[string]any
		if json.Unmarshal([]byte(line), &record) == nil && record["msg"] == message {
			list = append(list, record)
		}
	}
	return list
}

// eventually waits until something is so.
func eventually(t *testing.T, within time.Duration, what string, so func() bool) {
	t.Helper()
	deadline := time.Now().Add(within)
	for !so() {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", within, what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// aSecond is how soon a running server acts on a change made beside it.
const aSecond = time.Second
