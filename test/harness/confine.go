package harness

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Confine lets each server of the installation that is launched from now on have no
// more memory than so many bytes: the kernel ends what takes more. It tells whether
// it can, for it needs root, Linux, and a control group that it may write to.
func (in *Installation) Confine(t testing.TB, bytes int64) bool {
	t.Helper()
	name := fmt.Sprintf("tokenwright-%d-%d", os.Getpid(), in.Port)
	// Version 1 has a directory for each controller; of version 2 the controller may
	// be given to groups below the first.
	for _, v := range []struct{ root, limit string }{
		{"/sys/fs/cgroup/memory", "memory.limit_in_bytes"},
		{"/sys/fs/cgroup", "memory.max"},
	} {
		cage := filepath.Join(v.root, name)
		if os.Mkdir(cage, 0o755) != nil {
			continue
		}
		if os.WriteFile(filepath.Join(cage, v.limit), []byte(strconv.FormatInt(bytes, 10)), 0o644) != nil {
			_ = os.Remove(cage)
			continue
		}
		in.cage = cage
		t.Cleanup(func() { // the servers have ended
			Eventually(t, Soon, "the control group is empty", func() bool {
				err := os.Remove(cage)
				return err == nil || errors.Is(err, fs.ErrNotExist)
			})
		})
		return true
	}
	return false
}

// enter has a process begin in the control group, if there is one: it looks there for
// what memory it may have.
func (in *Installation) enter(c *exec.Cmd) {
	if in.cage == "" {
		return
	}
	c.Args = append([]string{"sh", "-c", `echo $$ > "$0" && exec "$@"`, filepath.Join(in.cage, "cgroup.procs"), c.Path}, c.Args[1:]...)
	c.Path = "/bin/sh"
}

// Usage is what a server has of the machine, as /proc tells it.
type Usage struct {
	Resident  int           // bytes of memory
	Peak      int           // that it ever had
	Files     int           // open, connections among them
	FilesMost int           // that it may have open
	Processor time.Duration // that it has used
}

// Usage looks at /proc, without which the test ends.
func (s *Server) Usage(t testing.TB) (u Usage) {
	t.Helper()
	dir := fmt.Sprintf("/proc/%d", s.Process.Process.Pid)
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			if _, err := os.Stat("/proc/self/status"); err != nil {
				t.Skip("there is no /proc here that tells what a process uses")
			}
			t.Fatalf("the server is not at work: %v\n%s", err, s.LastLog(t))
		}
		return string(text)
	}
	status, limits := read("status"), read("limits")
	u.Resident, u.Peak = fieldBehind(t, status, "VmRSS:")<<10, fieldBehind(t, status, "VmHWM:")<<10
	u.FilesMost = fieldBehind(t, limits, "Max open files")
	u.Files = openFiles(t, filepath.Join(dir, "fd"))
	stat := read("stat")
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:]) // proc(5): from the third on
	for _, ticks := range fields[11:13] {
		n, err := strconv.Atoi(ticks)
		if err != nil {
			t.Fatal(err)
		}
		u.Processor += time.Duration(n) * (time.Second / 100)
	}
	return u
}

// openFiles is how many there are in a directory /proc/PID/fd. To list ten thousand takes
// 15 ms, in which the process can neither open nor close one; its size says as much since
// Linux 6.2.
func openFiles(t testing.TB, dir string) int {
	t.Helper()
	info, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	if n := int(info.Size()); n > 0 {
		return n
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}

// fieldBehind is the first number behind a name.
func fieldBehind(t testing.TB, text, name string) int {
	t.Helper()
	_, rest, _ := strings.Cut(text, name)
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		t.Fatalf("/proc does not tell %q", name)
	}
	n, err := strconv.Atoi(fields[0])
	if err != nil {
		t.Fatal(err)
	}
	return n
}
