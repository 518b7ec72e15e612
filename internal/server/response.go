package server

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// response is the ResponseWriter that handlers get. It is made anew for each
// request: a handler that wrongly keeps it cannot write into another's answer.
type response struct {
	http.ResponseWriter
	record *record   // nil once the request is over
	id     [1]string // value of the header that names the request
	status int       // 0 until the head is written
	bytes  int64
}

// LogAttr adds a fact to the record of the request. Handlers find it with
// w.(interface{ LogAttr(slog.Attr) }), and call it from their own goroutine
// only. No secrets: what is given here is logged as it is.
func (w *response) LogAttr(a slog.Attr) {
	if w.record != nil {
		w.record.attrs = append(w.record.attrs, a)
	}
}

// Unwrap lets http.ResponseController reach what lies beneath.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *response) written() bool { return w.status != 0 }

// WriteHeader records the status that the client sees.
func (w *response) WriteHeader(status int) {
	// 1xx announce an answer; they are none. 101 is the exception.
	if !w.written() && (status >= 200 || status == http.StatusSwitchingProtocols) {
		w.status = status
		if status == http.StatusRequestEntityTooLarge {
			w.closeAfterwards()
		}
	}
	w.ResponseWriter.WriteHeader(status)
}

// closeAfterwards makes net/http close the connection instead of reading the
// rest of a body that is too large, and linger so that the client gets to see
// the answer. http.MaxBytesReader asks for that, but only of net/http's own
// writer, which no handler holds: here it has an excess of one byte to find. The
// deadline keeps net/http from waiting for the first 256 KiB all the same.
func (w *response) closeAfterwards() {
	excess := http.MaxBytesReader(w.ResponseWriter, io.NopCloser(strings.NewReader("x")), 0)
	excess.Read(make([]byte, 1))
	_ = http.NewResponseController(w.ResponseWriter).SetReadDeadline(time.Now())
}

// Write implements io.Writer.
func (w *response) Write(p []byte) (int, error) {
	if !w.written() {
		w.WriteHeader(http.StatusOK)
	}
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

// FlushError sends what was written so far. http.ResponseController calls it.
func (w *response) FlushError() error {
	if !w.written() {
		w.WriteHeader(http.StatusOK)
	}
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Flush implements http.Flusher for handlers that look for that.
func (w *response) Flush() { _ = w.FlushError() }

// The places of the facts that every record has, in the order of the line.
const (
	factRequestID = iota
	factMethod
	factRoute
	factPath // left empty, and so left out, if there is a route
	factStatus
	factBytes
	factDuration
	factAddress
	facts // where those of the handler begin
)

// record collects the attributes of one request. Records are pooled: their
// slices would be the largest allocation of a request.
type record struct{ attrs []slog.Attr }

func newRecord() *record { return &record{attrs: make([]slog.Attr, facts, 2*facts)} }

func (r *record) requestID(id string) { r.attrs[factRequestID] = slog.String("request_id", id) }

func (r *record) series(s series) {
	r.attrs[factMethod] = slog.String("method", s.method)
	r.attrs[factRoute] = slog.String("route", s.route)
	r.attrs[factStatus] = slog.Int("status", s.status)
}

func (r *record) path(path string) { r.attrs[factPath] = slog.String("path", path) }

// answer takes whole microseconds: slog formats floating point slowly.
func (r *record) answer(bytes int64, took time.Duration, address string) {
	r.attrs[factBytes] = slog.Int64("bytes", bytes)
	r.attrs[factDuration] = slog.Int64("duration_us", took.Microseconds())
	r.attrs[factAddress] = slog.String("address", address)
}

const recordMessage = "request"

// build returns a log record over the attributes, valid until reset. A group
// without a name is written inline, and unlike a list is not copied.
func (r *record) build(at time.Time, level slog.Level) slog.Record {
	out := slog.NewRecord(at, level, recordMessage, 0)
	out.AddAttrs(slog.Attr{Value: slog.GroupValue(r.attrs...)})
	return out
}

func (r *record) reset() {
	clear(r.attrs)
	r.attrs = r.attrs[:facts]
}

func typeName(v any) string { return fmt.Sprintf("%T", v) }
