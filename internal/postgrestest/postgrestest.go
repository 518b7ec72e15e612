// Package postgrestest runs PostgreSQL for tests: Debian's, or whichever
// initdb is found, in a temporary directory, on a port of the loopback address.
//
// It knows nothing of the product. Only tests import it, and the benchmark.
package postgrestest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Password is that of the role postgres, and of no use elsewhere.
const Password = "postgrestest-password"

// Server is a PostgreSQL server with a data directory of its own.
type Server struct {
	Host string // that it listens on: 127.0.0.1, unless the settings say otherwise
	Port int
	Dir  string // its data directory is in it, with its log and its socket

	settings []string
	process  *exec.Cmd
	ended    chan struct{}
}

// databases of all servers have names of their own.
var databases atomic.Int64

var shared struct {
	once   sync.Once
	server *Server
	err    error
}

// Main runs the tests of a package, and then stops the server that Shared has
// started for them. It returns the exit code.
func Main(m *testing.M) int {
	code := m.Run()
	if s := shared.server; s != nil {
		if err := s.Remove(); err != nil {
			fmt.Fprintln(os.Stderr, "stopping PostgreSQL:", err)
			return 1
		}
	}
	return code
}

// Shared returns the one server of all tests of a package, whose TestMain calls
// Main. It does not wait for the disk: what it is for is what it answers.
func Shared(t testing.TB) *Server {
	t.Helper()
	need(t)
	shared.once.Do(func() {
		shared.server, shared.err = Run("fsync=off", "synchronous_commit=off", "full_page_writes=off")
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.server
}

// Start runs a server until the test ends, with settings as in postgresql.conf,
// each as name=value.
func Start(t testing.TB, settings ...string) *Server {
	t.Helper()
	need(t)
	s, err := Run(settings...)
	return s.until(t, err)
}

// StartOn is Start with a data directory that is there, and empty: that of a disk
// of its own. The log of the server is not on it.
func StartOn(t testing.TB, disk string, settings ...string) *Server {
	t.Helper()
	need(t)
	s, err := run(disk, settings)
	return s.until(t, err)
}

// until ends a server with the test.
func (s *Server) until(t testing.TB, err error) *Server {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Remove(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Run is Start for a program that is no test, which calls Remove at its end.
func Run(settings ...string) (*Server, error) { return run("", settings) }

func run(disk string, settings []string) (*Server, error) {
	dir, err := os.MkdirTemp("", "postgrestest-")
	if err != nil {
		return nil, err
	}
	s := &Server{Host: "127.0.0.1", Dir: dir, settings: settings}
	if disk != "" {
		err = errors.Join(os.Symlink(disk, s.data()), handOver(disk))
	}
	if err == nil {
		err = s.create()
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return s, s.run()
}

// Remove ends the server and takes everything away that it has written.
func (s *Server) Remove() error { return errors.Join(s.Stop(syscall.SIGQUIT), os.RemoveAll(s.Dir)) }

// need ends a test that cannot run here; where all must run, that is a failure.
func need(t testing.TB) {
	t.Helper()
	if _, err := program("initdb"); err == nil {
		return
	}
	if os.Getenv("TOKENWRIGHT_TEST_ALL") != "" {
		t.Fatal("PostgreSQL is not installed; TOKENWRIGHT_TEST_ALL wants every test to run (make tools installs it)")
	}
	t.Skip("PostgreSQL is not installed (make tools installs it)")
}

// program finds a program of the server. Debian keeps them off the PATH.
func program(name string) (string, error) {
	if found, err := filepath.Glob("/usr/lib/postgresql/*/bin/" + name); err == nil && len(found) > 0 {
		return found[len(found)-1], nil
	}
	return exec.LookPath(name)
}

// run starts the server for the first time, on a port of its own.
func (s *Server) run() (err error) {
	// Another process may take the port in the moment before the server does.
	for tries := 0; ; tries++ {
		if s.Port, err = freePort(); err != nil {
			return err
		}
		if err = s.Restart(); err == nil || tries == 3 {
			return err
		}
	}
}

func (s *Server) data() string { return filepath.Join(s.Dir, "data") }

// create makes the cluster. Its databases order text as a language does, not by
// bytes, as most installations have it.
func (s *Server) create() error {
	if err := handOver(s.Dir); err != nil {
		return err
	}
	password := filepath.Join(s.Dir, "password")
	if err := os.WriteFile(password, []byte(Password), 0o644); err != nil {
		return err
	}
	initdb, err := program("initdb")
	if err != nil {
		return err
	}
	c := asPostgres(exec.Command(initdb, "--pgdata", s.data(), "--username=postgres", "--pwfile", password,
		"--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US", "--no-sync"))
	c.Dir = s.Dir
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	return nil
}

// handOver gives a file to the user that the server runs as.
func handOver(path string) error {
	if uid, gid, ok := otherUser(); ok {
		return os.Chown(path, uid, gid)
	}
	return nil
}

// asPostgres lets a program run as another user where this one is root, whom
// the server refuses, and end with the tests.
func asPostgres(c *exec.Cmd) *exec.Cmd {
	c.SysProcAttr = dieWithParent()
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C.UTF-8"}
	if uid, gid, ok := otherUser(); ok {
		c.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	return c
}

// otherUser is the user postgres where this one is root.
func otherUser() (uid, gid int, ok bool) {
	if os.Getuid() != 0 {
		return 0, 0, false
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return 0, 0, false
	}
	uid, err = strconv.Atoi(u.Uid)
	if err != nil {
		return 0, 0, false
	}
	gid, err = strconv.Atoi(u.Gid)
	return uid, gid, err == nil
}

// freePort finds a port below those that systems give to outgoing connections,
// so that none takes it while the server is being restarted.
func freePort() (int, error) {
	for range 1000 {
		port := 10000 + rand.IntN(5000)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		return port, l.Close()
	}
	return 0, errors.New("there is no free port")
}

// Restart runs the server again once it was stopped, with the settings it had
// and further ones, and waits until it answers.
func (s *Server) Restart(settings ...string) error {
	s.settings = append(s.settings, settings...)
	postgres, err := program("postgres")
	if err != nil {
		return err
	}
	args := []string{"-D", s.data(), "-p", strconv.Itoa(s.Port), "-k", s.Dir}
	for _, setting := range append([]string{"listen_addresses=" + s.Host, "max_connections=200", "log_min_messages=warning"}, s.settings...) {
		args = append(args, "-c", setting)
	}
	log, err := os.OpenFile(s.LogFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }() // the process has its own
	s.process, s.ended = asPostgres(exec.Command(postgres, args...)), make(chan struct{})
	s.process.Dir, s.process.Stdout, s.process.Stderr = s.Dir, log, log
	if err := s.process.Start(); err != nil {
		return err
	}
	go func(process *exec.Cmd, ended chan struct{}) {
		defer close(ended)
		_ = process.Wait() // how it ends does not matter
	}(s.process, s.ended)
	return s.wait()
}

// LogFile is the path of what the server logs.
func (s *Server) LogFile() string { return filepath.Join(s.Dir, "log") }

// wait returns once the server answers.
func (s *Server) wait() error {
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		err := s.Try("postgres", "SELECT 1")
		if err == nil {
			return nil
		}
		select {
		case <-s.ended:
			text, _ := os.ReadFile(s.LogFile())
			return fmt.Errorf("PostgreSQL has ended:\n%s", text[max(0, len(text)-2000):])
		default:
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("PostgreSQL does not answer: %w", err)
		}
	}
}

// Stop ends the server: SIGTERM waits for clients to leave, SIGINT ends their
// sessions, SIGQUIT ends at once, as a crash does.
func (s *Server) Stop(signal syscall.Signal) error {
	_ = s.process.Process.Signal(signal) // an error says that it has ended
	select {
	case <-s.ended:
		return nil
	case <-time.After(30 * time.Second):
		_ = s.process.Process.Kill()
		return errors.New("PostgreSQL has not ended within 30 s")
	}
}

// Pause stops every process of the server where it is; the function it returns
// lets them go on.
func (s *Server) Pause() (resume func() error, err error) {
	pids, err := s.processes()
	if err != nil {
		return nil, err
	}
	send := func(signal syscall.Signal) error {
		for _, pid := range pids {
			if err := syscall.Kill(pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
				return err
			}
		}
		return nil
	}
	return func() error { return send(syscall.SIGCONT) }, send(syscall.SIGSTOP)
}

// processes are the server's own and those that it has forked.
func (s *Server) processes() ([]int, error) {
	pids := []int{s.process.Process.Pid}
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		// pid (name) state ppid …; the name may hold anything.
		end := bytes.LastIndexByte(text, ')')
		fields := strings.Fields(string(text[end+1:]))
		if len(fields) > 1 && fields[1] == strconv.Itoa(pids[0]) {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			if err != nil {
				return nil, err
			}
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// Database makes an empty database, which goes with the test, and returns its URL.
func (s *Server) Database(t testing.TB) string { return s.CopyOf(t, "template0") }

// CopyOf makes a copy of a database that has no sessions; it goes with the test. It
// returns its URL.
func (s *Server) CopyOf(t testing.TB, database string) string {
	t.Helper()
	name := fmt.Sprintf("test%d", databases.Add(1))
	s.Exec(t, "postgres", "CREATE DATABASE "+name+" TEMPLATE "+database)
	t.Cleanup(func() {
		_ = s.Try("postgres", "DROP DATABASE "+name+" WITH (FORCE)") // it may have been stopped
	})
	return s.URL(name)
}

// URL is that of a database, for its owner.
func (s *Server) URL(database string) string {
	return fmt.Sprintf("postgres://postgres:%s@%s/%s", Password, net.JoinHostPort(s.Host, strconv.Itoa(s.Port)), database)
}

// WriteFile puts a file into Dir that the server can read and others cannot, and
// returns its path.
func (s *Server) WriteFile(t testing.TB, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(s.Dir, name)
	if err := errors.Join(os.WriteFile(path, content, 0o600), handOver(path)); err != nil {
		t.Fatal(err)
	}
	return path
}

// Exec runs SQL in a database, which must succeed.
func (s *Server) Exec(t testing.TB, database, sql string) {
	t.Helper()
	if err := s.Try(database, sql); err != nil {
		t.Fatal(err)
	}
}

// Try runs SQL in a database.
func (s *Server) Try(database, sql string) error {
	return s.with(database, func(ctx context.Context, c *pgx.Conn) error {
		_, err := c.Exec(ctx, sql)
		return err
	})
}

// Query returns the one value of a query.
func Query[T any](t testing.TB, s *Server, database, sql string) T {
	t.Helper()
	v, err := TryQuery[T](s, database, sql)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TryQuery is Query for a server that may be away.
func TryQuery[T any](s *Server, database, sql string) (v T, err error) {
	err = s.with(database, func(ctx context.Context, c *pgx.Conn) error { return c.QueryRow(ctx, sql).Scan(&v) })
	return v, err
}

func (s *Server) with(database string, f func(context.Context, *pgx.Conn) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	c, err := pgx.Connect(ctx, s.URL(database)+"?sslmode=disable")
	if err != nil {
		return err
	}
	return errors.Join(f(ctx, c), c.Close(ctx))
}
