package server

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// timed is a connection that counts how often a timer is set.
type timed struct {
	*net.TCPConn
	reads, writes []time.Time
}

func (c *timed) SetReadDeadline(t time.Time) error {
	c.reads = append(c.reads, t)
	return c.TCPConn.SetReadDeadline(t)
}

func (c *timed) SetWriteDeadline(t time.Time) error {
	c.writes = append(c.writes, t)
	return c.TCPConn.SetWriteDeadline(t)
}

// pair returns the two ends of a connection, the server's with its deadlines.
func pair(t *testing.T) (server *deadlineConn, timers *timed, client net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if client, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	accepted, err := deadlines{l}.Accept()
	if err != nil {
		t.Fatal(err)
	}
	server = accepted.(*deadlineConn)
	timers = &timed{TCPConn: server.tcpConn.(*net.TCPConn)}
	server.tcpConn = timers
	t.Cleanup(func() { _ = errors.Join(client.Close(), server.Close()) })
	return server, timers, client
}

func wantRead(t *testing.T, c net.Conn, want string, wantErr error) {
	t.Helper()
	b := make([]byte, 16)
	n, err := c.Read(b)
	if string(b[:n]) != want || !errors.Is(err, wantErr) {
		t.Errorf("read %q, %v; want %q, %v", b[:n], err, want, wantErr)
	}
}

func send(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
}

// Deadlines that nobody reads under set no timer, and a timer that is early
// enough is left alone.
func TestFewTimersAreSet(t *testing.T) {
	server, timers, client := pair(t)
	for range 100 { // what net/http does for each request
		now := time.Now()
		send(t, client, "x")
		server.SetReadDeadline(now.Add(time.Minute))
		wantRead(t, server, "x", nil)
		server.SetReadDeadline(time.Time{})
		server.SetReadDeadline(now.Add(2 * time.Minute))
		server.SetWriteDeadline(now.Add(time.Minute))
		server.SetReadDeadline(time.Unix(1, 0))
		wantRead(t, server, "", os.ErrDeadlineExceeded)
		server.SetReadDeadline(time.Time{})
	}
	if len(timers.reads) != 1 || len(timers.writes) != 1 {
		t.Errorf("%d timers were set for reading, %d for writing", len(timers.reads), len(timers.writes))
	}
}

func TestReadsEndAtTheirDeadline(t *testing.T) {
	server, _, client := pair(t)
	server.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
	wantRead(t, server, "", os.ErrDeadlineExceeded)
	wantRead(t, server, "", os.ErrDeadlineExceeded) // and stay there
	server.SetReadDeadline(time.Now().Add(time.Hour))
	send(t, client, "later")
	wantRead(t, server, "later", nil)
	server.SetReadDeadline(time.Now().Add(20 * time.Millisecond)) // sooner than the timer
	wantRead(t, server, "", os.ErrDeadlineExceeded)
	server.SetReadDeadline(time.Now().Add(-time.Millisecond))
	wantRead(t, server, "", os.ErrDeadlineExceeded)
}

// A timer that was set for an earlier deadline must not end a Read that has a
// later one, or none.
func TestAnEarlyTimerIsSetAgain(t *testing.T) {
	for name, deadline := range map[string]time.Duration{"later": time.Hour, "none": 0} {
		server, timers, client := pair(t)
		server.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		send(t, client, "a")
		wantRead(t, server, "a", nil) // sets the timer
		server.SetReadDeadline(time.Time{})
		if deadline > 0 {
			server.SetReadDeadline(time.Now().Add(deadline))
		}
		go func() {
			for server.timerSet() < 2 { // the early one has ended a Read, which goes on
				time.Sleep(time.Millisecond)
			}
			_, _ = io.WriteString(client, "b")
		}()
		wantRead(t, server, "b", nil)
		if len(timers.reads) != 2 {
			t.Errorf("%s: %d timers were set", name, len(timers.reads))
		}
	}
}

// timerSet counts, of a timed connection.
func (c *deadlineConn) timerSet() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.tcpConn.(*timed).reads)
}

// A Read under way ends at once when its deadline is moved behind it, as
// net/http does to get at the connection.
func TestAReadUnderWayIsEnded(t *testing.T) {
	server, _, _ := pair(t)
	ended := make(chan error)
	go func() {
		_, err := server.Read(make([]byte, 1))
		ended <- err
	}()
	for reading := false; !reading; time.Sleep(time.Millisecond) {
		server.mu.Lock()
		reading = server.reading
		server.mu.Unlock()
	}
	server.SetReadDeadline(time.Unix(1, 0))
	if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the Read ended with %v", err)
	}
}

func TestWriteDeadlinesAreWithinASecond(t *testing.T) {
	server, timers, _ := pair(t)
	at := time.Now().Add(time.Minute)
	for _, d := range []time.Duration{0, 0, 999 * time.Millisecond, time.Second, 999 * time.Millisecond, -time.Second, time.Hour} {
		server.SetWriteDeadline(at.Add(d))
		if last := timers.writes[len(timers.writes)-1]; last.After(at.Add(d)) || at.Add(d).Sub(last) >= writeSlack {
			t.Errorf("asked for %s, the timer is at %s", d, last.Sub(at))
		}
	}
	server.SetWriteDeadline(time.Time{})
	if last := timers.writes[len(timers.writes)-1]; !last.IsZero() || len(timers.writes) != 6 {
		t.Errorf("timers were set at %v", timers.writes)
	}
}

//
func TestLittleIsKeptForAClientThatReadsNothing(t *testing.T) {
	server, _, client := pair(t)
	if err := client.(*net.TCPConn).SetReadBuffer(4096); err != nil {
		t.Fatal(err)
	}
	if err := server.SetWriteDeadline(time.Now().Add(2 * time.Second)); err != nil {
		t.Fatal(err)
	}
	kept, err := server.Write(make([]byte, 16<<20))
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the write ends with %v", err)
	}
	if kept > 1<<20 {
		t.Errorf("%d bytes are kept for a client that reads nothing", kept)
	}
}
