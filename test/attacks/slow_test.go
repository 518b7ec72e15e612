package attacks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
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
	What    string
	Clients int
	Opening string // sent at once; then an "a" every ten seconds, or each second
	Every   time.Duration
	Window  int           // bytes that it takes in at most; 0 for as many as others do
	Bar     time.Duration // until it is shown out

	mu      sync.Mutex
	Out     int
	Longest time.Duration
}

// slowness is what slow clients do together. They are in a process of their own, which gets
// what the others leave of the processors: where they come from is not the server's machine.
type slowness struct {
	Port     int
	Kinds    []*slow
	OnceEach bool          // it is over once everybody was shown out who is within 30 s
	Over     time.Duration // they come over so long, so that they go in the same way
}

// thousands of clients that send a byte of a head or of a body every ten
// seconds, or that read no answers, are shown out, and cost the others little.
func TestSlowClientsAreShownOut(t *testing.T) {
	evidence.Short(t)
	const drip = 10 * time.Second
	post := "POST /demo/oauth/token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
	page := "GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
	kinds := []*slow{
		{What: "heads", Clients: evidence.Choose(400, 6000), Opening: post + "X-Slow: ", Every: drip, Bar: 10 * time.Second},
		{What: "bodies", Clients: evidence.Choose(50, 2000), Opening: post + "Content-Length: 1000\r\n\r\ngrant_type=", Every: drip, Bar: 30 * time.Second},
		// What a connection holds on its way is little; the page, asked for a thousand
		// times in a row, is not. What is never read fills up.
		{What: "readers", Clients: evidence.Choose(50, 2000), Opening: strings.Repeat(page, 1000), Every: time.Second, Window: 4096, Bar: 60 * time.Second},
	}
	x := newTarget(t, "R-40", fmt.Sprintf("%d slow heads, %d slow bodies and %d slow readers at the same moment", kinds[0].Clients, kinds[1].Clients, kinds[2].Clients), harness.New(t))
	long := evidence.Lasting(time.Minute, 10*time.Minute)
	clients := slowness{x.Port, kinds, !evidence.Full(), evidence.Choose(time.Second, 10*time.Second)}
	meanwhile := x.attacked(t, long, clients.elsewhere(t, x.Installation))
	kinds = clients.Kinds
	x.slower(t, meanwhile)
	for _, kind := range kinds {
		if kind.Bar+10*time.Second < long && kind.Out < kind.Clients {
			t.Errorf("of %d slow %s %d were shown out", kind.Clients, kind.What, kind.Out)
		}
		if kind.Longest > kind.Bar+15*time.Second { // on a busy machine as well
			t.Errorf("one of the slow %s was shown out after %s", kind.What, evidence.Milliseconds(kind.Longest))
		}
		if kind.Out > 0 {
			// A second is for the machine that has as many clients to look after. Who reads
			// nothing looks each second whether it was shown out.
			bar := kind.Bar + time.Second
			if kind.Window > 0 {
				bar += kind.Every
			}
			x.row.AtMost(t, fmt.Sprintf("%d slow %s are shown out within", kind.Out, kind.What), kind.Longest.Round(10*time.Millisecond).Seconds(), "s", bar.Seconds())
		}
	}
	x.report(t)
}

// asSlowClients is set in the environment of the process that slow clients are in.
const asSlowClients = "TOKENWRIGHT_TEST_SLOW_CLIENTS"

// elsewhere starts the process of the clients. What it returns lets them come until its
// context ends, or all is over, and learns what they met.
func (s *slowness) elsewhere(t *testing.T, in *harness.Installation) func(context.Context) {
	t.Helper()
	c := exec.Command("nice", "-n", "19", os.Args[0])
	c.Env = append(os.Environ(), asSlowClients+"=1")
	told, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	p := in.Background(t, "slow-clients", c)
	return func(ctx context.Context) {
		defer context.AfterFunc(ctx, func() { _ = told.Close() })() // which ends it
		unsent := json.NewEncoder(told).Encode(s)
		<-p.Ended
		met, unread := os.ReadFile(p.Log)
		if err := errors.Join(unsent, unread, json.Unmarshal(met, s)); err != nil {
			t.Errorf("the slow clients: %v\n%s", err, p.LastLog())
		}
	}
}

// slowClients is the process of slow clients.
func slowClients() error {
	var s slowness
	told := json.NewDecoder(os.Stdin)
	if err := told.Decode(&s); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // until it is closed
		cancel()
	}()
	var running sync.WaitGroup
	for _, kind := range s.Kinds {
		for n := range kind.Clients {
			running.Go(func() { kind.client(ctx, s.Port, n, s.Over) })
		}
	}
	for s.OnceEach && ctx.Err() == nil {
		if !slices.ContainsFunc(s.Kinds, func(k *slow) bool { return k.Bar <= 30*time.Second && k.left() > 0 }) {
			cancel()
		}
		<-time.After(50 * time.Millisecond)
	}
	running.Wait()
	return json.NewEncoder(os.Stdout).Encode(&s)
}

// left is how many clients were not shown out yet.
func (s *slow) left() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Clients - s.Out
}

// client is one after the other.
func (s *slow) client(ctx context.Context, port, n int, over time.Duration) {
	pause := time.Duration(n) * over / time.Duration(s.Clients)
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		pause = time.Second / 10
		stayed, err := s.stay(ctx, port, n)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			continue // it was not let in, which is as good
		}
		s.mu.Lock()
		s.Out++
		s.Longest = max(s.Longest, stayed)
		s.mu.Unlock()
	}
}

// stay comes once and returns how long it could stay. They come from several addresses,
// for one has not so many ports.
func (s *slow) stay(ctx context.Context, port, n int) (time.Duration, error) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(2+n%16))}}
	if s.Window > 0 {
		d.Control = func(_, _ string, c syscall.RawConn) error {
			return c.Control(func(fd uintptr) { _ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, s.Window) })
		}
	}
	conn, err := d.DialContext(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	began := time.Now()
	_ = conn.SetWriteDeadline(began.Add(s.Every)) // of what is not taken in the rest is not sent
	_, _ = conn.Write([]byte(s.Opening))
	gone := make(chan struct{})
	if s.Window == 0 {
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
	tick := time.NewTicker(s.Every)
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
