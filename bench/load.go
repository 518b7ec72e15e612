package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"runtime"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// load is one run of a loader: a closed loop over keep-alive connections.
type load struct {
	Requests int     `json:"requests"`
	Seconds  float64 `json:"seconds"`
	P50      float64 `json:"p50_us"`
	P99      float64 `json:"p99_us"`

	cpu time.Duration // that the load generator itself has used
}

// generator is the thread, pinned to its core, on which all loads run. It is
// there before any server is started and never ends: a server dies with the
// thread that started it (see start).
type generator chan func()

func newGenerator() (generator, error) {
	g := make(generator)
	pinned := make(chan error)
	go func() {
		runtime.LockOSThread()
		pinned <- pin()
		for work := range g {
			work()
		}
	}()
	return g, <-pinned
}

func pin() error {
	core, err := strconv.Atoi(loadCore)
	if err != nil {
		return err
	}
	var set unix.CPUSet
	set.Set(core)
	return unix.SchedSetaffinity(0, &set) // this thread
}

// ask is one request: a form that is posted, or, without one, a GET.
type ask struct{ form, authorization string }

// forms are asks of nothing but a form.
func forms(bodies ...string) []ask {
	asks := make([]ask, len(bodies))
	for i, body := range bodies {
		asks[i].form = body
	}
	return asks
}

// bytes is the request as it is sent to u.
func (a *ask) bytes(u *url.URL) []byte {
	method, head := "GET", ""
	if a.form != "" {
		method, head = "POST", fmt.Sprintf("Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n", len(a.form))
	}
	if a.authorization != "" {
		head += "Authorization: " + a.authorization + "\r\n"
	}
	return fmt.Appendf(nil, "%s %s HTTP/1.1\r\nHost: %s\r\n%s\r\n%s", method, u.RequestURI(), u.Host, head, a.form)
}

// loader sends requests to one endpoint, and never sleeps: it asks its
// sockets again and again. A generator that sleeps (wrk, any net/http client)
// has to be woken by the server's write, and the kernel charges that to the
// server: 5 to 7 µs a token on a virtual machine, more the longer the generator
// slept, and so more to whoever is slower. No client on another machine costs a
// server that.
type loader struct {
	generator
	address  *unix.SockaddrInet4
	requests [][]byte // sent one after the other
	next     int
	open     []connection // of the last run, for the next one
	sleeps   bool         // all the same: for a server that shares the generator's core
}

// silence is how long no answer may come before a run is given up.
const silence = 10 * time.Second

func newLoader(g generator, endpoint string, asks []ask) (*loader, error) {
	u, err := url.Parse(endpoint)
	if err != nil {
		return nil, err
	}
	address, err := netip.ParseAddrPort(u.Host)
	if err != nil || !address.Addr().Is4() {
		return nil, fmt.Errorf("%s: the host is no IPv4 address with a port: %w", endpoint, err)
	}
	l := &loader{generator: g, address: &unix.SockaddrInet4{Port: int(address.Port()), Addr: address.Addr().As4()}}
	for i := range asks {
		l.requests = append(l.requests, asks[i].bytes(u))
	}
	return l, nil
}

// run loads the endpoint for a time with so many connections, which stay open
// for the next run. An answer that is not 200 is an error: nothing would have
// been measured.
func (l *loader) run(ctx context.Context, connections int, d time.Duration) (result *load, err error) {
	ended := make(chan struct{})
	l.generator <- func() {
		defer close(ended)
		if err = l.connect(connections); err == nil {
			result, err = l.loop(ctx, d)
		}
		if err != nil {
			l.disconnect()
		}
	}
	<-ended
	return result, err
}

// connection is one keep-alive connection.
type connection struct {
	socket  int
	buffer  []byte // what has come of the answer
	sent    time.Time
	waiting bool // for an answer
}

func (l *loader) loop(ctx context.Context, d time.Duration) (*load, error) {
	var latencies []time.Duration
	cpu, began := threadCPU(), time.Now()
	for i := range l.open {
		if err := l.send(&l.open[i], time.Now()); err != nil {
			return nil, err
		}
	}
	answered := began
	for open, now := len(l.open), began; open > 0; {
		idle := true
		for i := range l.open {
			c := &l.open[i]
			done, err := c.poll()
			switch {
			case err != nil:
				return nil, err
			case !done:
				continue
			}
			idle, now = false, time.Now()
			answered, latencies = now, append(latencies, now.Sub(c.sent))
			if now.Sub(began) >= d || ctx.Err() != nil {
				open, c.waiting = open-1, false
			} else if err := l.send(c, now); err != nil {
				return nil, err
			}
		}
		if idle {
			if time.Since(answered) > silence {
				return nil, fmt.Errorf("no answer for %s", silence)
			}
			if l.sleeps {
				if err := wait(l.open); err != nil {
					return nil, err
				}
			}
		}
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	slices.Sort(latencies)
	microseconds := func(quantile float64) float64 {
		return float64(latencies[int(quantile*float64(len(latencies)-1))].Nanoseconds()) / 1000
	}
	return &load{len(latencies), answered.Sub(began).Seconds(), microseconds(0.5), microseconds(0.99), threadCPU() - cpu}, nil
}

// connect opens so many connections, where they are not open.
func (l *loader) connect(connections int) error {
	if len(l.open) == connections {
		return nil
	}
	l.disconnect()
	for range connections {
		socket, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		l.open = append(l.open, connection{socket: socket, buffer: make([]byte, 0, 16<<10)})
		err = errors.Join(unix.Connect(socket, l.address), unix.SetNonblock(socket, true),
			unix.SetsockoptInt(socket, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1))
		if err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) disconnect() {
	for i := range l.open {
		_ = unix.Close(l.open[i].socket)
	}
	l.open = nil
}

// send writes the next request, which any socket buffer takes whole.
func (l *loader) send(c *connection, now time.Time) error {
	request := l.requests[l.next%len(l.requests)]
	l.next++
	c.sent, c.buffer, c.waiting = now, c.buffer[:0], true
	n, err := unix.Write(c.socket, request)
	if err == nil && n < len(request) {
		err = errors.New("a request was not taken whole")
	}
	return err
}

// poll takes what has come, and tells whether the answer is there.
func (c *connection) poll() (bool, error) {
	if !c.waiting {
		return false, nil
	}
	n, err := unix.Read(c.socket, c.buffer[len(c.buffer):cap(c.buffer)])
	switch {
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
		return false, nil
	case err != nil:
		return false, err
	case n == 0:
		return false, errors.New("the server has closed a connection")
	}
	c.buffer = c.buffer[:len(c.buffer)+n]
	return complete(c.buffer)
}

// complete tells whether an answer with a Content-Length is there to its end.
// Any but 200, or 202 as some peers say it, is an error.
func complete(answer []byte) (bool, error) {
	head, body, ok := bytes.Cut(answer, []byte("\r\n\r\n"))
	if !ok {
		return false, nil
	}
	if !bytes.HasPrefix(head, []byte("HTTP/1.1 200 ")) && !bytes.HasPrefix(head, []byte("HTTP/1.1 202 ")) {
		return false, fmt.Errorf("an answer begins with %q", head[:min(len(head), 32)])
	}
	for line := range bytes.SplitSeq(head, []byte("\r\n")) {
		name, value, _ := bytes.Cut(line, []byte(": "))
		if bytes.EqualFold(name, []byte("Content-Length")) {
			length, err := strconv.Atoi(string(value))
			return len(body) >= length, err
		}
	}
	return false, errors.New("an answer has no Content-Length")
}

// wait sleeps until some answer comes.
func wait(all []connection) error {
	sockets := make([]unix.PollFd, len(all))
	for i := range all {
		sockets[i] = unix.PollFd{Fd: -1, Events: unix.POLLIN} // is passed over
		if all[i].waiting {
			sockets[i].Fd = int32(all[i].socket)
		}
	}
	_, err := unix.Poll(sockets, int(silence.Milliseconds()))
	if errors.Is(err, unix.EINTR) {
		return nil
	}
	return err
}

// threadCPU is what the calling thread has used so far.
func threadCPU() time.Duration {
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_THREAD, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
