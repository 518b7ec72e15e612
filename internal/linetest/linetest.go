// Package linetest is a line to a handler, by HTTP/2 and within the process, whose
// connections can go silent: what is sent is lost, and nobody ends them, as where a
// machine or a way has gone. It may run in a bubble of testing/synctest. A body that
// comes slowly is another fault of lines. For tests alone.
package linetest

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
)

// Line is what connections to one handler are made through.
type Line struct {
	accepted chan net.Conn
	closed   chan struct{}

	mu    sync.Mutex
	conns []*conn
}

// New has h answer until the test is over.
func New(t testing.TB, h http.Handler) *Line {
	l := &Line{accepted: make(chan net.Conn), closed: make(chan struct{})}
	server := &http.Server{Handler: h, Protocols: byHTTP2()}
	go func() { _ = server.Serve(listener{l}) }() // until Close
	t.Cleanup(func() { _ = server.Close() })
	return l
}

func byHTTP2() *http.Protocols {
	p := new(http.Protocols)
	p.SetUnencryptedHTTP2(true)
	return p
}

// Use has a transport reach the handler, and nothing else, at http addresses.
func (l *Line) Use(t *http.Transport) {
	t.Proxy, t.Protocols = nil, byHTTP2()
	t.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
		near, far := net.Pipe()
		select {
		case l.accepted <- far:
		case <-l.closed:
			return nil, net.ErrClosed
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		c := &conn{Conn: near}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.conns = append(l.conns, c)
		return c, nil
	}
}

// Silence has the connections that there are go silent. Those to come work.
func (l *Line) Silence() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.conns {
		c.silent.Store(true)
	}
}

// conn is the near end of a connection.
type conn struct {
	net.Conn
	silent atomic.Bool
}

// Read implements net.Conn.
func (c *conn) Read(p []byte) (int, error) {
	for {
		if n, err := c.Conn.Read(p); err != nil || !c.silent.Load() {
			return n, err
		}
	}
}

// Write implements net.Conn.
func (c *conn) Write(p []byte) (int, error) {
	if c.silent.Load() {
		return len(p), nil
	}
	return c.Conn.Write(p)
}

// listener hands the far ends to a server.
type listener struct{ *Line }

// Accept implements net.Listener.
func (l listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.accepted:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (l listener) Close() error {
	close(l.closed) // http.Server does it once
	return nil
}

// Addr implements net.Listener.
func (l listener) Addr() net.Addr { return &net.UnixAddr{Name: "line", Net: "unix"} }

// Slowly is r, but that something happens before the first of it is read: as where a
// client holds the body of its request back.
func Slowly(r io.Reader, happens func()) io.Reader { return &slowly{Reader: r, happens: happens} }

type slowly struct {
	io.Reader
	once    sync.Once
	happens func()
}

// Read implements io.Reader.
func (s *slowly) Read(p []byte) (int, error) {
	s.once.Do(s.happens)
	return s.Reader.Read(p)
}
