package postgrestest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
)

// Standby runs a hot standby of s until the test ends. It has the databases that
// s has, and follows them.
func (s *Server) Standby(t testing.TB, settings ...string) *Server {
	t.Helper()
	standby, err := s.startStandby(settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(standby.Stop(syscall.SIGQUIT), os.RemoveAll(standby.Dir)); err != nil {
			t.Error(err)
		}
	})
	return standby
}

func (s *Server) startStandby(settings []string) (*Server, error) {
	dir, err := os.MkdirTemp("", "postgrestest-")
	if err != nil {
		return nil, err
	}
	standby := &Server{Host: s.Host, Dir: dir, settings: settings}
	if err := s.copyTo(standby); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return standby, standby.run()
}

// FollowAgain makes a server that has ended a standby of another one, at its old
// address: what it held is replaced by a copy.
func (s *Server) FollowAgain(primary *Server) error {
	if err := os.RemoveAll(s.data()); err != nil {
		return err
	}
	if err := primary.copyTo(s); err != nil {
		return err
	}
	return s.Restart()
}

func (s *Server) copyTo(standby *Server) error {
	if err := handOver(standby.Dir); err != nil {
		return err
	}
	backup, err := program("pg_basebackup")
	if err != nil {
		return err
	}
	c := asPostgres(exec.Command(backup, "--pgdata", standby.data(), "--host", s.Host, "--port", strconv.Itoa(s.Port),
		"--username=postgres", "--write-recovery-conf", "--checkpoint=fast", "--no-sync"))
	c.Dir, c.Env = standby.Dir, append(c.Env, "PGPASSWORD="+Password)
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("pg_basebackup: %w\n%s", err, out)
	}
	return nil
}
