package attacks

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/evidence"
	"github.com/tokenwright/tokenwright/test/harness"
)

// slow is a kind of client that is in no hurry. Each of them comes again when it is
// shown out.
type slow struct {
	what    string
	clients int
	opening string // sent at once; then an "a" every ten seconds, or each second
	every   time.Duration
	window  int           // bytes that it takes in at most; 0 for as many as others do
	bar     time.Duration // until it is shown out

	mu      sync.Mutex
	out     int
	longest time.Duration
}

// thousands of clients that send a byte of a head or of a body every ten
// seconds, or that read no answers, are shown out, and cost the others little.
func TestSlowClientsAreShownOut(t *testing.T) {
	evidence.Short(t)
	const drip = 10 * time.Second
	post := "POST /demo/oauth/token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
	page := "GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
	kinds := []*slow{
		{what: "heads", clients: evidence.Choose(400, 6000), opening: post + "X-Slow: ", every: drip, bar: 10 * time.Second},
		{what: "bodies", clients: evidence.Choose(50, 2000), opening: post + "Content-Length: 1000\r\n\r\ngrant_type=", every: drip, bar: 30 * time.Second},
		// What a connection holds on its way is little; the page, asked for a thousand
		// times in a row, is not. What is never read fills up.
		{what: "readers", clients: evidence.Choose(50, 2000), opening: strings.Repeat(page, 1000), every: time.Second, window: 4096, bar: 60 * time.Second},
	}
	x := newTarget(t, "R-40", fmt.Sprintf("%d slow heads, %d slow bodies and %d slow readers at the same moment", kinds[0].clients, kinds[1].clients, kinds[2].clients), harness.New(t))
	long := evidence.Lasting(time.Minute, 10*time.Minute)
	meanwhile := x.attacked(t, long, func(ctx context.Context) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		var running sync.WaitGroup
		if !evidence.Full() { // it is over once everybody was shown out that is within 30 s
			running.Go(func() { untilOut(ctx, cancel, kinds[:2]) })
		}
		for _, kind := range kinds {
			for n := range kind.clients {
				running.Go(func() { kind.client(ctx, x.Server, n) })
			}
		}
		running.Wait()
	})
	x.slower(t, meanwhile)
	for _, kind := range kinds {
		if kind.bar+10*time.Second < long && kind.out < kind.clients {
			t.Errorf("of %d slow %s %d were shown out", kind.clients, kind.what, kind.out)
		}
		if kind.longest > kind.bar+15*time.Second { // on a busy machine as well
			t.Errorf("one of the slow %s was shown out after %s", kind.what, evidence.Milliseconds(kind.longest))
		}
		if kind.out > 0 {
			// A second is for the machine that has as many clients to look after.
			x.row.AtMost(t, fmt.Sprintf("%d slow %s are shown out within", kind.out, kind.what), kind.longest.Round(10*time.Millisecond).Seconds(), "s", (kind.bar + time.Second).Seconds())
		}
	}
	x.report(t)
}

// untilOut cancels once as many of each kind were shown out as there are.
func untilOut(ctx context.Context, cancel func(), kinds []*slow) {
	for ctx.Err() == nil {
		all := true
		for _, s := range kinds {
			s.mu.Lock()
			all = all && s.out >= s.clients
			s.mu.Unlock()
		}
		if all {
			cancel()
		}
		<-time.After(50 * time.Millisecond)
	}
}

// client is one after the other.
func (s *slow) client(ctx context.Context, server *harness.Server, n int) {
	// They come over ten seconds, so that they go in the same way, and from several
	// addresses, for one has not so many ports.
	pause := time.Duration(n) * evidence.Choose(time.Second, 10*time.Second) / time.Duration(s.clients)
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		pause = time.Second / 10
		stayed, err := s.stay(ctx, server, n)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			continue // it was not let in, which is as good
		}
		s.mu.Lock()
		s.out++
		s.longest = max(s.longest, stayed)
		s.mu.Unlock()
	}
}

// stay comes once and returns how long it could stay.
func (s *slow) stay(ctx context.Context, server *harness.Server, n int) (time.Duration, error) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(2+n%16))}}
	if s.window > 0 {
		d.Control = func(_, _ string, c syscall.RawConn) error {
			return c.Control(func(fd uintptr) { _ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, s.window) })
		}
	}
	conn, err := d.DialContext(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", server.Port))
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	began := time.Now()
	_ = conn.SetWriteDeadline(began.Add(s.every)) // of what is not taken in the rest is not sent
	_, _ = conn.Write([]byte(s.opening))
	gone := make(chan struct{})
	if s.window == 0 {
		go func() {
			defer close(gone)
			buffer := make([]byte, 512)
			for {
				if _, err := conn.Read(buffer); err != nil {
					return
				}
			}
		}()
	}
	tick := time.NewTicker(s.every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return 0, nil
		case <-gone:
			return time.Since(began), nil
		case <-tick.C:
		}
		_ = conn.SetWriteDeadline(time.Now().Add(time.Second / 10))
		if _, err := conn.Write([]byte("a")); err != nil && !isTimeout(err) {
			return time.Since(began), nil
		}
	}
}

func isTimeout(err error) bool {
	failed, ok := err.(net.Error)
	return ok && failed.Timeout()
}
