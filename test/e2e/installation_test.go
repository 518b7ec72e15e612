package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// installation is a data directory with the address that its servers have.
type installation struct {
	name    string
	data    string
	port    int
	url     string
	binary  string
	config  string   // configuration file; "" for none
	environ []string // of every process, beside the usual
	client  *http.Client
}

var names struct {
	sync.Mutex
	used map[string]int
}

// newInstallation makes an empty data directory and finds a port. Nothing runs yet.
func newInstallation(t *testing.T) *installation {
	t.Helper()
	base := strings.ReplaceAll(t.Name(), "/", "_")
	names.Lock()
	if names.used == nil {
		names.used = map[string]int{}
	}
	names.used[base]++
	name := fmt.Sprintf("%s-%d", base, names.used[base])
	names.Unlock()
	in := &installation{name: name, data: filepath.Join(run.seen, name, "data"), port: freePort(t), binary: run.binary}
	if err := os.MkdirAll(in.data, 0o700); err != nil {
		t.Fatal(err)
	}
	in.url = fmt.Sprintf("http://localhost:%d", in.port)
	in.client = newClient(&http.Transport{})
	return in
}

// newClient returns a client that finds every host at the loopback address,
// whatever the machine's resolver thinks of demo.localhost.
func newClient(transport *http.Transport) *http.Client {
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

// freePort finds a port that nobody listens on, below those that systems give
// to outgoing connections: so none takes it before the server does, nor while
// the server is being restarted.
func freePort(t *testing.T) int {
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

// configure writes the configuration file of every process to come.
func (in *installation) configure(t *testing.T, yaml string) {
	t.Helper()
	in.config = filepath.Join(filepath.Dir(in.data), "tokenwright.yaml")
	if err := os.WriteFile(in.config, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
}

// command prepares a process of the product. Of the environment of the tests
// only what a process needs is passed on.
func (in *installation) command(ctx context.Context, args ...string) *exec.Cmd {
	args = append(args, "--data", in.data)
	if in.config != "" {
		args = append(args, "--config", in.config)
	}
	c := exec.CommandContext(ctx, in.binary, args...)
	c.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + run.own, "GORACE=atexit_sleep_ms=0"}, in.environ...)
	dieWithParent(c)
	return c
}

// result is a command that has ended.
type result struct {
	code           int
	stdout, stderr string
}

// try runs a management command to its end, however it ends.
func (in *installation) try(t *testing.T, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return in.finish(t, in.command(ctx, args...))
}

func (in *installation) finish(t *testing.T, c *exec.Cmd) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	err := c.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("running %s: %v", c.Args, err)
	}
	in.keep(t, "stderr", stderr.Bytes())
	return result{c.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// cli runs a management command that must succeed, and returns what it printed.
func (in *installation) cli(t *testing.T, args ...string) string {
	t.Helper()
	r := in.try(t, args...)
	if r.code != 0 {
		t.Fatalf("tokenwright %s: exit code %d\n%s%s", strings.Join(args, " "), r.code, r.stdout, r.stderr)
	}
	return r.stdout
}

// keep leaves what a process has shown for the search at the end. Any
// goroutine of the test may call it.
func (in *installation) keep(t *testing.T, kind string, content []byte) {
	t.Helper()
	f, err := os.CreateTemp(filepath.Dir(in.data), kind+"-*")
	if err != nil {
		t.Error(err)
		return
	}
	_, err = f.Write(content)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Error(err)
	}
}
