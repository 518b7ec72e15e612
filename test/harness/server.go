package harness

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const unreached = "1000000000"

// Server is a running tokenwright serve.
type Server struct {
	*Installation
	Process    *exec.Cmd
	MetricsURL string
	Log        string        // path of the file with its standard error
	Output     string        // the same with its standard output: the link that makes the first operator
	Ended      chan struct{} // closed when the process has ended
}

// Start makes an installation of its own and a server that is ready.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	return New(t).Start(t, args...)
}

// Start runs a server and waits until it is ready.
func (in *Installation) Start(t testing.TB, args ...string) *Server {
	t.Helper()
	s := in.Launch(t, args...)
	deadline := time.Now().Add(30 * time.Second)
	for !s.Ready() {
		select {
		case <-s.Ended:
			t.Fatalf("the server ended before it was ready:\n%s", s.LastLog(t))
		case <-time.After(5 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("the server is not ready after 30 s:\n%s", s.LastLog(t))
		}
	}
	in.NoteMasterKeys(t)
	return s
}

// Launch runs a server and does not wait. Whatever happens, it ends with the test.
// Limits count, but are too high to be reached by tests, which send in a second
// what others do in a day from as many addresses; args may set others.
func (in *Installation) Launch(t testing.TB, args ...string) *Server {
	t.Helper()
	metrics := FreePort(t)
	args = append([]string{
		"serve", "--url", cmp.Or(in.Public, in.URL), "--listen", fmt.Sprintf("%s:%d", in.Host, in.Port),
		"--metrics-listen", fmt.Sprintf("%s:%d", in.Host, metrics), "--log-format", "json",
		"--token-limit", unreached, "--failure-limit", unreached,
	}, args...)
	log, err := os.CreateTemp(filepath.Dir(in.Data), "server-*.log")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = log.Close() }() // the process has its own
	output, err := os.Create(log.Name() + ".stdout")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = output.Close() }()
	s := &Server{
		Installation: in, Process: in.Command(context.Background(), args...),
		MetricsURL: fmt.Sprintf("http://%s:%d/metrics", in.Host, metrics), Log: log.Name(), Output: output.Name(), Ended: make(chan struct{}),
	}
	s.Process.Stdout, s.Process.Stderr = output, log
	in.enter(s.Process)
	if err := s.Process.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(s.Ended)
		_ = s.Process.Wait() // ProcessState tells
	}()
	t.Cleanup(func() { s.cleanUp(t) })
	return s
}

// cleanUp ends a server that its test has left running: as operators do, so
// that it is seen to end well.
func (s *Server) cleanUp(t testing.TB) {
	defer func() {
		_ = s.Process.Process.Kill() // an error says that it has ended
		<-s.Ended
		if t.Failed() {
			t.Logf("the last of the server's log:\n%s", s.LastLog(t))
		}
	}()
	if s.Running() && !t.Failed() {
		s.Stop(t)
	}
}

// Running tells whether the process has not ended.
func (s *Server) Running() bool {
	select {
	case <-s.Ended:
		return false
	default:
		return true
	}
}

// Ready tells whether /readyz is ok: where the address is that of a proxy, for
// some node behind it.
func (in *Installation) Ready() bool {
	resp, err := in.Client.Get(in.URL + "/readyz")
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// Stop ends the server gracefully; it must end with exit code 0 (66 is a data race).
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	s.Observe(t)
	s.Signal(t, syscall.SIGTERM)
	s.endsWell(t)
}

// endsWell waits until a server has ended that was asked to.
func (s *Server) endsWell(t testing.TB) {
	t.Helper()
	if state := s.WaitFor(t, 30*time.Second); state.ExitCode() != 0 {
		t.Errorf("the server ended with %s", state)
	}
}

// Kill ends the server as a crash does.
func (s *Server) Kill(t testing.TB) {
	t.Helper()
	s.Signal(t, syscall.SIGKILL)
	s.WaitFor(t, 10*time.Second)
}

// Signal sends the process a signal.
func (s *Server) Signal(t testing.TB, signal syscall.Signal) {
	t.Helper()
	if err := s.Process.Process.Signal(signal); err != nil {
		t.Fatalf("sending %s: %v", signal, err)
	}
}

// WaitFor waits until the process has ended.
func (s *Server) WaitFor(t testing.TB, within time.Duration) *os.ProcessState {
	t.Helper()
	select {
	case <-s.Ended:
	case <-time.After(within):
		t.Fatalf("the server has not ended within %s", within)
	}
	return s.Process.ProcessState
}

// Observe keeps what is gone once the server has ended: its metrics, and the
// write-ahead log with its index.
func (s *Server) Observe(t testing.TB) {
	t.Helper()
	resp, err := s.Client.Get(s.MetricsURL)
	if err != nil {
		t.Errorf("reading the metrics: %v", err)
		return
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil || !bytes.Contains(body, []byte("tokenwright_tokens_issued_total")) {
		t.Errorf("reading the metrics: %v, %d bytes", err, len(body))
	}
	s.Keep(t, "metrics", body)
	for _, suffix := range []string{"-wal", "-shm"} {
		if content, err := os.ReadFile(filepath.Join(s.Data, "tokenwright.db"+suffix)); err == nil {
			s.Keep(t, "database"+suffix, content)
		}
	}
}

// Metric returns a metric, the sum of all its series; or one of its series, as the
// server writes it.
func (s *Server) Metric(t testing.TB, name string) float64 {
	t.Helper()
	all, err := s.Metrics()
	if err != nil {
		t.Fatal(err)
	}
	return all[name]
}

// Metrics returns every series of the metrics, and of each metric the sum of them.
func (s *Server) Metrics() (map[string]float64, error) {
	resp, err := s.Client.Get(s.MetricsURL)
	if err != nil {
		return nil, fmt.Errorf("reading the metrics: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("reading the metrics: %w", err)
	}
	all := map[string]float64{}
	for line := range strings.Lines(string(text)) {
		series, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if series == "" || series == "#" || strings.Contains(value, " ") {
			continue // a comment, or a label that holds a blank
		}
		v, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return nil, fmt.Errorf("reading the metrics: %w", err)
		}
		all[series] += v
		if name, _, labelled := strings.Cut(series, "{"); labelled {
			all[name] += v
		}
	}
	return all, nil
}

// ReadLog returns the log so far.
func (s *Server) ReadLog(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile(s.Log)
	if err != nil {
		t.Error(err)
	}
	return string(text)
}

// LastLog is what to show of the log where a test has failed.
func (s *Server) LastLog(t testing.TB) string {
	t.Helper()
	return lastLines(s.ReadLog(t))
}

func lastLines(text string) string {
	lines := strings.SplitAfter(text, "\n")
	return strings.Join(lines[max(0, len(lines)-12):], "")
}

// Records returns the records of the log so far that have the given message.
func (s *Server) Records(t testing.TB, message string) []map[string]any {
	t.Helper()
	var list []map[string]any
	for line := range strings.Lines(s.ReadLog(t)) {
		var record map[string]any
		if json.Unmarshal([]byte(line), &record) == nil && record["msg"] == message {
			list = append(list, record)
		}
	}
	return list
}

// Eventually waits until something is so.
func Eventually(t testing.TB, within time.Duration, what string, so func() bool) {
	t.Helper()
	deadline := time.Now().Add(within)
	for !so() {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", within, what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// Soon is how long a test waits for what promises no time: a busy machine may take its own.
const Soon = 20 * time.Second
