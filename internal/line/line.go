// Package line gives up connections of HTTP/2 whose other end has gone. Nothing else
// does: each request would be sent on one, in vain.
package line

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"time"
)

// PingAfter is how long a connection of Transport may be silent before it is asked for
// a sign of life, PingTimeout how long that may take.
const PingAfter, PingTimeout = 5 * time.Second, 3 * time.Second

// Transport returns a copy of http.DefaultTransport that finds out by pings that a
// connection is dead, or that one itself where it was replaced, as those who trace
// requests do.
func Transport() http.RoundTripper {
	t, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return http.DefaultTransport
	}
	t = t.Clone()
	if t.HTTP2 == nil {
		t.HTTP2 = new(http.HTTP2Config)
	}
	t.HTTP2.SendPingTimeout, t.HTTP2.PingTimeout = PingAfter, PingTimeout
	return t
}

// Line is what the requests of one client have found out, for a transport that does
// not ping. It is safe for concurrent use, and may be copied, which an atomic.Bool
// may not.
type Line struct{ late uint32 } // 1: an answer did not come in time, and none has come since

// Begin stands before a request. When the answer was late the connection was not idle
// yet; nor is it before the last one has left it that still waits there.
func (l *Line) Begin(client *http.Client) {
	if atomic.LoadUint32(&l.late) == 1 {
		time.Sleep(time.Millisecond) // net/http takes a request that has ended from its connection a moment later
		client.CloseIdleConnections()
	}
}

// End stands behind a request that ended so.
func (l *Line) End(err error) {
	switch {
	case err == nil:
		atomic.StoreUint32(&l.late, 0)
	case errors.Is(err, context.DeadlineExceeded):
		atomic.StoreUint32(&l.late, 1)
	}
}
