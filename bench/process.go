package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// The server has one core for itself, and the load generator the other.
const (
	serverCore = "0"
	loadCore   = "1"
)

// process is a running server, or whatever else is measured.
type process struct {
	command *exec.Cmd
	cores   string    // as start was told
	begun   time.Time // just before exec
	ended   chan struct{}
	log     string // file with what it has printed
}

// start runs a command on the given cores ("0", "0,1"), its output in a file
// of dir. env is added to the environment.
func start(dir, cores string, env []string, name string, args ...string) (*process, error) {
	log, err := os.CreateTemp(dir, filepath.Base(name)+"-*.log")
	if err != nil {
		return nil, err
	}
	defer log.Close() // the process has its own
	p := &process{command: exec.Command("taskset", append([]string{"-c", cores, name}, args...)...), cores: cores, ended: make(chan struct{}), log: log.Name()}
	p.command.Dir = dir
	p.command.Env = append(os.Environ(), env...)
	p.command.Stdout, p.command.Stderr = log, log
	p.command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // ends with us (with this thread), whatever happens
	p.begun = time.Now()
	if err := p.command.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	go func() {
		defer close(p.ended)
		_ = p.command.Wait() // how it ended is of no interest: it is killed or stopped by us
	}()
	return p, nil
}

// stop ends the process as an operator does, and waits for its end.
func (p *process) stop() {
	_ = p.command.Process.Signal(syscall.SIGTERM) // an error says that it has ended
	select {
	case <-p.ended:
	case <-time.After(20 * time.Second):
		_ = p.command.Process.Kill()
		<-p.ended
	}
}

// free is an error where somebody listens on the address already: it would be
// measured in the place of what we start.
func free(address string) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("the benchmark needs this address: %w", err)
	}
	return l.Close()
}

// await polls until ok, the end of the process, or a time that is too long.
func (p *process) await(ctx context.Context, ok func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for !ok() {
		select {
		case <-p.ended:
			text, _ := os.ReadFile(p.log)
			return fmt.Errorf("%s ended before it was ready:\n%s", p.command, text)
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w", p.command, ctx.Err())
		case <-time.After(100 * time.Microsecond): // starts are measured with it
		}
	}
	return nil
}

// age is the time since exec, in milliseconds.
func (p *process) age() float64 { return time.Since(p.begun).Seconds() * 1000 }

// cpuTime is the time that all threads of the process have run, user and
// system, to the nanosecond. (/proc/PID/stat counts in steps of 10 ms.)
func (p *process) cpuTime() (time.Duration, error) {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", p.command.Process.Pid))
	if err != nil {
		return 0, err
	}
	if len(threads) == 0 {
		return 0, errors.New("the process has ended, or /proc keeps no schedstat")
	}
	var total time.Duration
	for _, file := range threads {
		text, err := os.ReadFile(file)
		if errors.Is(err, os.ErrNotExist) {
			continue // Go ends no thread that has work
		}
		if err != nil {
			return 0, err
		}
		first, _, _ := strings.Cut(string(text), " ")
		ns, err := strconv.ParseInt(first, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("reading %s: %w", file, err)
		}
		total += time.Duration(ns)
	}
	return total, nil
}

// memory is what the process holds in RAM, in MiB.
func (p *process) memory() (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.command.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(value), " kB"))
			return float64(kib) / 1024, err
		}
	}
	return 0, errors.New("/proc tells no VmRSS")
}

// coresBusy is how long the given cores have worked for anybody, or were taken
// away by the hypervisor.
func coresBusy(cores string) (time.Duration, error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	var ticks int64
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		core, ok := strings.CutPrefix(fields[0], "cpu")
		if !ok || !slices.Contains(strings.Split(cores, ","), core) {
			continue
		}
		for i, field := range fields[1:9] {
			n, err := strconv.ParseInt(field, 10, 64)
			if err != nil {
				return 0, fmt.Errorf("reading /proc/stat: %w", err)
			}
			if i != 3 && i != 4 { // idle, waiting for a disk
				ticks += n
			}
		}
	}
	if ticks == 0 {
		return 0, errors.New("/proc/stat has no core of " + cores)
	}
	return time.Duration(ticks) * 10 * time.Millisecond, nil
}

// answers tells whether a GET of url gets 200.
func answers(url string) bool {
	resp, err := http.Get(url)
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}
