package server

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// deadlines is a listener whose connections seldom set a timer, and hold little
// that nobody reads. net/http moves the deadlines of a connection seven times for
// each request, and nearly all of them are moved again before anybody reads or
// writes.
type deadlines struct{ net.Listener }

// sendBuffer is how many bytes of answers the system is to keep for a client that
// does not take them; it may take twice as many. Left to itself it keeps megabytes,
// out of the memory that all connections of the machine share: where thousands of
// clients read nothing, the others would wait for it. 64 KiB is half a megabyte a
// second for a client whose packets take an eighth of a second to go and come back.
const sendBuffer = 64 << 10

// Accept implements net.Listener.
func (l deadlines) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(sendBuffer) // else it is the system's own
		return &deadlineConn{tcpConn: tcp}, err
	}
	return c, err
}

// tcpConn is what net/http uses of a *net.TCPConn.
type tcpConn interface {
	net.Conn
	CloseWrite() error // to linger, so that the client sees the last answer
}

// writeSlack is how much sooner than asked a write may time out.
const writeSlack = time.Second

// started is before every deadline but the one that is to end a Read at once:
// net/http gives one to each request. It saves a look at the clock.
var started = time.Now()

// deadlineConn remembers the deadline for reading until something is read. Then
// a timer is set only if the one that is set would be too late; where it was too
// early, it is set again.
type deadlineConn struct {
	tcpConn

	mu      sync.Mutex
	read    time.Time // the deadline; zero for none
	timer   time.Time // the deadline that tcpConn has
	reading bool
	write   time.Time // the deadline that tcpConn has
}

// SetReadDeadline implements net.Conn. It acts on a Read under way at once.
func (c *deadlineConn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.read = t
	if c.reading {
		return c.setTimer()
	}
	return nil
}

// SetWriteDeadline implements net.Conn, to within writeSlack.
func (c *deadlineConn) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if later := t.Sub(c.write); !c.write.IsZero() && later >= 0 && later < writeSlack {
		return nil
	}
	c.write = t
	return c.tcpConn.SetWriteDeadline(t)
}

// SetDeadline implements net.Conn.
func (c *deadlineConn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// Read implements net.Conn. Nobody may call it twice at the same time: neither
// net/http nor crypto/tls does.
func (c *deadlineConn) Read(p []byte) (int, error) {
	for {
		if err := c.beforeRead(); err != nil {
			return 0, err
		}
		n, err := c.tcpConn.Read(p)
		if !c.afterRead(n, err) {
			return n, err
		}
	}
}

func (c *deadlineConn) beforeRead() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.read.IsZero() {
		if c.read.Before(started) {
			return os.ErrDeadlineExceeded
		}
		if c.timer.IsZero() || c.timer.After(c.read) {
			if err := c.setTimer(); err != nil {
				return err
			}
		}
	}
	c.reading = true
	return nil
}

// afterRead tells whether the timer was too early, and so Read must go on.
func (c *deadlineConn) afterRead(n int, err error) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reading = false
	if err == nil || n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) || !c.read.IsZero() && !c.read.After(time.Now()) {
		return false
	}
	return c.setTimer() == nil
}

func (c *deadlineConn) setTimer() error {
	c.timer = c.read
	return c.tcpConn.SetReadDeadline(c.read)
}
