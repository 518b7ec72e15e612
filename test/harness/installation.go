package harness

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/postgrestest"
)

// Installation is a database with the address that its servers have.
type Installation struct {
	Data    string // path of the data directory; empty where the database is PostgreSQL
	Host    string // that servers listen on
	Port    int
	URL     string       // where they are asked; begins every address of theirs
	Public  string       // that servers are told where it is not URL, but that of a proxy in front
	Binary  string       // path
	Environ []string     // of every process, beside the usual
	Client  *http.Client // that requests are sent with

	within []string       // what begins the command line of every process, for a network of its own
	config string         // configuration file; "" for none
	roots  *x509.CertPool // that clients trust; nil for the system's
	cage   string         // directory of the control group of every server; "" for none

	postgres *postgrestest.Server // nil: the database is the embedded one
	database string               // of PostgreSQL, and its owner
}

var names struct {
	sync.Mutex
	used map[string]int
}

// New makes an empty data directory and finds a port. Nothing runs yet.
func New(t testing.TB) *Installation {
	t.Helper()
	base := strings.ReplaceAll(t.Name(), "/", "_")
	names.Lock()
	if names.used == nil {
		names.used = map[string]int{}
	}
	names.used[base]++
	name := fmt.Sprintf("%s-%d", base, names.used[base])
	names.Unlock()
	in := &Installation{Data: filepath.Join(run.seen, name, "data"), Binary: run.binary}
	if err := os.MkdirAll(in.Data, 0o700); err != nil {
		t.Fatal(err)
	}
	in.listenAnywhere(t)
	return in
}

// listenAnywhere gives an installation a port, and a client, of its own.
func (in *Installation) listenAnywhere(t testing.TB) {
	t.Helper()
	in.Host, in.Port = "127.0.0.1", FreePort(t)
	in.URL = fmt.Sprintf("http://localhost:%d", in.Port)
	in.Client = in.NewClient(&http.Transport{})
	if run.watch != nil {
		in.Client.Transport = run.watch(t, in, in.Client.Transport)
	}
}

// NewClient returns a client that finds every host at the loopback address,
// whatever the machine's resolver thinks of demo.localhost.
func NewClient(transport *http.Transport) *http.Client {
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		_, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
	}
	return &http.Client{Transport: transport, Timeout: 30 * time.Second}
}

var ports struct {
	sync.Mutex
	taken map[int]bool
}

// FreePort finds a port that nobody listens on, below those that systems give
// to outgoing connections: so none takes it before the server does, nor while
// the server is being restarted.
func FreePort(t testing.TB) int {
	t.Helper()
	ports.Lock()
	defer ports.Unlock()
	if ports.taken == nil {
		ports.taken = map[int]bool{}
	}
	for range 1000 {
		port := 15000 + rand.IntN(15000)
		if ports.taken[port] {
			continue
		}
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		ports.taken[port] = true
		return port
	}
	t.Fatal("there is no free port")
	return 0
}

// Configure writes the configuration file of every process to come.
func (in *Installation) Configure(t testing.TB, yaml string) {
	t.Helper()
	in.config = filepath.Join(filepath.Dir(in.Data), "tokenwright.yaml")
	if err := os.WriteFile(in.config, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Command prepares a process of the product. Of the environment of the tests
// only what a process needs is passed on.
func (in *Installation) Command(ctx context.Context, args ...string) *exec.Cmd {
	line := append(slices.Clone(in.within), in.Binary, "--data", in.Data) // before what may end in "-- ARGUMENT"
	if in.config != "" {
		line = append(line, "--config", in.config)
	}
	line = append(line, args...)
	c := exec.CommandContext(ctx, line[0], line[1:]...)
	c.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + run.own, "GORACE=atexit_sleep_ms=0"}, in.Environ...)
	dieWithParent(c)
	return c
}

// Result is a command that has ended: its exit code, and what it has shown.
type Result struct {
	Code           int
	Stdout, Stderr string
}

// Try runs a management command to its end, however it ends.
func (in *Installation) Try(t testing.TB, args ...string) Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return in.Finish(t, in.Command(ctx, args...))
}

// Finish runs a prepared command to its end, however it ends.
func (in *Installation) Finish(t testing.TB, c *exec.Cmd) Result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	err := c.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("running %s: %v", c.Args, err)
	}
	in.Keep(t, "stderr", stderr.Bytes())
	return Result{c.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// CLI runs a management command that must succeed, and returns what it printed.
func (in *Installation) CLI(t testing.TB, args ...string) string {
	t.Helper()
	r := in.Try(t, args...)
	if r.Code != 0 {
		t.Fatalf("tokenwright %s: exit code %d\n%s%s", strings.Join(args, " "), r.Code, r.Stdout, r.Stderr)
	}
	return r.Stdout
}

// Keep leaves what a process has shown for the search at the end. Any
// goroutine of the test may call it.
func (in *Installation) Keep(t testing.TB, kind string, content []byte) {
	t.Helper()
	f, err := os.CreateTemp(filepath.Dir(in.Data), kind+"-*")
	if err != nil {
		t.Error(err)
		return
	}
	_, err = f.Write(content)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Error(err)
	}
}
