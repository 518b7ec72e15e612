package server

import (
	"encoding/base64"
	"encoding/binary"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"path"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"
)

const (
	requestIDHeader = "X-Request-Id"
	strictHeader    = "Strict-Transport-Security"

	// What is left of the path of a request that no route matched. People paste
	// tokens and secrets into URLs; all of them are longer than a segment may be.
	maxSegment  = 40 // characters
	keptSegment = 8  // characters, of a segment longer than that
	maxPath     = 200
)

// middleware stands before the handler for every request.
type middleware struct {
	next     http.Handler
	logs     slog.Handler
	plain    *Log // where logs writes, if it is a Log
	metrics  *metrics
	draining *atomic.Bool
	notReady func() string
	proxies  proxies
	anyPath  string
	records  sync.Pool // of *record
	nosniff  []string  // shared by all answers: one allocation less for each
	strict   []string  // so is this; nil for none
}

func newMiddleware(s *Server) *middleware {
	m := &middleware{
		next:     s.config.Handler,
		logs:     s.config.Logger.Handler(),
		plain:    plainLog(s.config.Logger),
		metrics:  s.metrics,
		draining: &s.draining,
		notReady: s.notReady,
		proxies:  s.config.TrustedProxies,
		anyPath:  s.config.AnyPath,
		records:  sync.Pool{New: func() any { return newRecord() }},
		nosniff:  []string{"nosniff"},
	}
	if s.config.StayOnHTTPS {
		m.strict = []string{"max-age=31536000"}
	}
	return m
}

// ServeHTTP gives the request its ID, has it answered, and records the answer.
func (m *middleware) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	if len(m.proxies) > 0 {
		m.proxies.restoreAddress(r)
	}
	m.metrics.inFlight.Add(1)
	defer m.metrics.inFlight.Add(-1)
	id := newRequestID()
	answer := &response{ResponseWriter: w, record: m.records.Get().(*record), id: [1]string{id}}
	h := w.Header()
	h[requestIDHeader] = answer.id[:]
	h["X-Content-Type-Options"] = m.nosniff
	free := m.free(r.URL.Path)
	if m.strict != nil && !free {
		h[strictHeader] = m.strict
	}
	// While draining, clients leave between two requests, before the connection
	// is closed on them. RFC 9112 6.1: after a request with both lengths nothing on
	// the connection may be believed. net/http drops the Content-Length of such a
	// request, so any chunked one may be it; clients of ours have no use for those.
	if m.draining.Load() || len(r.TransferEncoding) > 0 {
		h["Connection"] = []string{"close"}
	}
	defer m.finish(answer, r, id, start)
	if free {
		m.next.ServeHTTP(answer, r)
	} else {
		m.dispatch(answer, r)
	}
}

// free tells whether the handler reads the path by itself.
func (m *middleware) free(p string) bool {
	return m.anyPath != "" && (p == m.anyPath || strings.HasPrefix(p, m.anyPath+"/"))
}

func (m *middleware) dispatch(w *response, r *http.Request) {
	switch p := r.URL.Path; {
	// A mux would redirect, and the client would send its credentials again, to
	// wherever. For CONNECT it would also make the route out of the path.
	case !isClean(p), r.Method == http.MethodConnect:
		NotFound(w, r)
	case p == healthPath:
		r.Pattern = healthPath
		serveHealth(w, r)
	case p == readyPath:
		r.Pattern = readyPath
		m.serveReady(w, r)
	default:
		m.next.ServeHTTP(w, r)
	}
}

// finish counts the answer and writes its record. As a deferred call it also
// ends a panic of the handler, with an answer if there was none.
func (m *middleware) finish(w *response, r *http.Request, id string, start time.Time) {
	cause := recover()
	aborted := cause == http.ErrAbortHandler
	if cause != nil && !aborted {
		// The value may quote what was sent; its type and the stack do not.
		w.LogAttr(slog.String("panic", typeName(cause)))
		w.LogAttr(slog.String("stack", string(debug.Stack())))
		if !w.written() {
			dropHeaders(w.Header())
			WriteError(w, http.StatusInternalServerError, "Something went wrong here. Please try again, and give the X-Request-Id if you report it.")
		} else {
			aborted = true // so that half an answer does not look like a whole one
		}
	}
	if !w.written() && !aborted {
		w.status = http.StatusOK // what net/http sends for a handler that wrote nothing
	}
	took := time.Since(start)
	s := series{route: r.Pattern, method: knownMethod(r.Method), status: w.status}
	m.metrics.count(s, took)
	m.log(w, r, id, s, start.Add(took), took, cause)
	if aborted {
		panic(http.ErrAbortHandler) // net/http then cuts the connection, and says nothing
	}
}

// log writes the one record of the request. The query, headers and bodies are
// never in it.
func (m *middleware) log(w *response, r *http.Request, id string, s series, end time.Time, took time.Duration, cause any) {
	facts := w.record
	w.record = nil
	level := levelOf(s, cause)
	if m.logs.Enabled(r.Context(), level) {
		facts.requestID(id)
		facts.series(s)
		if s.route == "" {
			facts.path(safePath(r.URL.Path))
		}
		facts.answer(w.bytes, took, hostOf(r.RemoteAddr))
		facts.trace(r.Header)
		if !m.plain.writePlain(end, level, recordMessage, facts.attrs) {
			m.logs.Handle(r.Context(), facts.build(end, level)) // there is nowhere to report its error to
		}
	}
	facts.reset()
	m.records.Put(facts)
}

// dropHeaders takes back what a handler wanted to send with an answer that it
// did not come to give: a length, a cookie.
func dropHeaders(h http.Header) {
	for name := range h {
		if name != requestIDHeader && name != strictHeader && name != "Connection" {
			delete(h, name)
		}
	}
}

func levelOf(s series, cause any) slog.Level {
	switch {
	case cause != nil && cause != http.ErrAbortHandler:
		return slog.LevelError
	case s.route == healthPath || s.route == readyPath:
		return slog.LevelDebug // probes come every second from every side
	case s.status >= 500:
		return slog.LevelWarn
	}
	return slog.LevelInfo
}

// newRequestID returns 128 random bits in base64url: it has to be unique, not
// secret, and so takes the cheaper source. A client's own ID is not taken over:
// it could repeat another one, to hide among its records.
func newRequestID() string {
	var raw [16]byte
	binary.NativeEndian.PutUint64(raw[:8], rand.Uint64())
	binary.NativeEndian.PutUint64(raw[8:], rand.Uint64())
	var text [22]byte
	base64.RawURLEncoding.Encode(text[:], raw[:])
	return string(text[:])
}

// isClean tells whether a mux would take the path as it is. The decoded path is
// enough: whatever is unclean encoded is unclean decoded.
func isClean(p string) bool {
	if p == "" || p[0] != '/' {
		return false
	}
	if !strings.Contains(p, "//") && !strings.Contains(p, "/.") {
		return true
	}
	clean := path.Clean(p)
	return p == clean || clean != "/" && strings.HasPrefix(p, clean) && p[len(clean):] == "/"
}

// safePath cuts whatever is long, and so might be a secret, out of a path.
func safePath(p string) string {
	var b strings.Builder
	rest, more := p, true
	for more && b.Len() <= maxPath {
		var segment string
		segment, rest, more = strings.Cut(rest, "/")
		if utf8.RuneCountInString(segment) <= maxSegment {
			b.WriteString(segment)
		} else {
			for range keptSegment {
				_, size := utf8.DecodeRuneInString(segment)
				b.WriteString(segment[:size])
				segment = segment[size:]
			}
			b.WriteString("…")
		}
		if more {
			b.WriteByte('/')
		}
	}
	cut := b.String()
	if len(cut) <= maxPath {
		return cut
	}
	end := maxPath - len("…")
	for end > 0 && !utf8.RuneStart(cut[end]) {
		end--
	}
	return cut[:end] + "…"
}

// hostOf returns the host of "host:port", or the whole of anything else.
func hostOf(address string) string {
	colon := strings.LastIndexByte(address, ':')
	if colon < 0 {
		return address
	}
	return strings.Trim(address[:colon], "[]")
}
