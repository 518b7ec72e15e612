package evidence

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"sync/atomic"
	"syscall"
	"time"
)

// connection is one of a Load. It costs the machine, which has the servers to carry
// as well, about a fifth of what a http.Client does.
type connection struct {
	url   string // of the installation
	tls   *tls.Config
	plan  *Plan
	open  *atomic.Int64 // of the Load
	conn  net.Conn      // nil until it is needed
	raw   syscall.RawConn
	reads *bufio.Reader
}

func (l *Load) newConnection(n int) *connection {
	in := l.plan.At[n%len(l.plan.At)]
	return &connection{url: in.URL, tls: in.TLS(), plan: &l.plan, open: &l.open, reads: bufio.NewReader(nil)}
}

// ask sends a question and reads the answer, which need not come.
func (c *connection) ask(next ask) (f Failure) {
	f.At = next.due
	defer func() { f.Took = time.Since(f.At) }()
	if err := c.exchange(next, &f); err != nil {
		c.close()
		f.Body = err.Error()
	}
	return f
}

func (c *connection) exchange(next ask, f *Failure) error {
	if c.conn != nil && c.gone() {
		c.close()
	}
	if c.conn == nil {
		if err := c.connect(next.due.Add(Patience)); err != nil {
			return err
		}
	}
	if err := c.conn.SetDeadline(next.due.Add(Patience)); err != nil {
		return err
	}
	if _, err := c.conn.Write(next.Wire); err != nil {
		return err
	}
	resp, err := http.ReadResponse(c.reads, nil)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	f.Status, f.RetryAfter, f.Body = resp.StatusCode, resp.Header.Get("Retry-After"), string(body)
	if resp.Close || c.plan.Fresh {
		c.close()
	}
	return nil
}

// connect connects to the address of the installation, a name of which is the loopback
// address's, as for its own client.
func (c *connection) connect(deadline time.Time) error {
	u, err := url.Parse(c.url)
	if err != nil {
		return err
	}
	host := "127.0.0.1"
	if _, err := netip.ParseAddr(u.Hostname()); err == nil {
		host = u.Hostname()
	}
	conn, err := (&net.Dialer{Deadline: deadline}).Dial("tcp", net.JoinHostPort(host, u.Port()))
	if err != nil {
		return err
	}
	c.conn = conn
	c.open.Add(1)
	if c.raw, err = conn.(*net.TCPConn).SyscallConn(); err != nil {
		return err
	}
	if u.Scheme == "https" {
		config := c.tls.Clone()
		config.ServerName = u.Hostname()
		c.conn = tls.Client(conn, config)
	}
	c.reads.Reset(c.conn)
	return nil
}

// gone tells whether the server has closed the connection since it was last used,
// which it may: http.Client, too, does not send a question to nobody.
func (c *connection) gone() (gone bool) {
	err := c.raw.Control(func(fd uintptr) {
		var one [1]byte
		n, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		gone = n == 0 && err == nil || err != nil && !errors.Is(err, syscall.EAGAIN)
	})
	return gone || err != nil
}

func (c *connection) close() {
	if c.conn != nil {
		_ = c.conn.Close()
		c.conn = nil
		c.open.Add(-1)
	}
}
