package server

import (
	"context"
	"encoding/binary"
	"io"
	"log"
	"log/slog"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	flushInterval = 100 * time.Millisecond
	flushSize     = 64 << 10
)

// Log writes log records as lines. Records below slog.LevelWarn may wait for
// 100 ms, to be written many at a time: a system call for each line costs
// a few per cent of a token request. That much can be lost if the process is killed.
type Log struct {
	w      io.Writer
	logger *slog.Logger

	mu     sync.Mutex // held while writing, so that lines stay in order
	plain  plain
	buffer []byte
	due    bool // it will be written before long
	closed bool
	err    error // the first error of w
}

// NewLog returns a log of the records at level and above. format is "json", or
// "text" for lines of key=value. Close ends it.
func NewLog(w io.Writer, format string, level slog.Level) *Log {
	l := &Log{w: w, plain: plain{json: format == "json"}}
	options := &slog.HandlerOptions{Level: level}
	var handler slog.Handler = slog.NewTextHandler(lines{l}, options)
	if l.plain.json {
		handler = slog.NewJSONHandler(lines{l}, options)
	}
	l.logger = slog.New(logHandler{handler, l, true})
	return l
}

// Logger returns the logger that writes to l.
func (l *Log) Logger() *slog.Logger { return l.logger }

// Close writes what is left, and returns the first error of the writer since
// NewLog. Records logged afterwards are written at once.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.flush()
	return l.err
}

// flush is called with mu held. What cannot be written is lost: a full disk must
// not stop the service, nor end the log for good.
func (l *Log) flush() {
	if len(l.buffer) == 0 {
		return
	}
	if _, err := l.w.Write(l.buffer); err != nil && l.err == nil {
		l.err = err
	}
	l.buffer = l.buffer[:0]
}

// logHandler writes times in UTC, and does not let warnings wait.
type logHandler struct {
	slog.Handler
	log  *Log
	bare bool // without attributes and groups of its own
}

func (h logHandler) Handle(ctx context.Context, r slog.Record) error {
	r.Time = r.Time.UTC()
	err := h.Handler.Handle(ctx, r)
	if r.Level >= slog.LevelWarn {
		h.log.mu.Lock()
		h.log.flush()
		h.log.mu.Unlock()
	}
	return err
}

func (h logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return logHandler{h.Handler.WithAttrs(attrs), h.log, false}
}

func (h logHandler) WithGroup(name string) slog.Handler {
	return logHandler{h.Handler.WithGroup(name), h.log, false}
}

// plainLog returns the Log to which what logger logs goes as it is, or nil.
func plainLog(logger *slog.Logger) *Log {
	if h, ok := logger.Handler().(logHandler); ok && h.bare {
		return h.log
	}
	return nil
}

// writePlain writes a record below slog.LevelWarn that needs no care, or returns
// false: the logger's handler shall have it. Of a nil Log that is every record.
func (l *Log) writePlain(at time.Time, level slog.Level, message string, attrs []slog.Attr) bool {
	if l == nil || level >= slog.LevelWarn {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	line, ok := l.plain.append(l.buffer, at.UTC(), level, message, attrs)
	if ok {
		l.buffer = line
		l.written()
	}
	return ok
}

// written is called with mu held, after a line. Where there is nothing to say, nothing
// wakes the machine.
func (l *Log) written() {
	switch {
	case l.closed || len(l.buffer) >= flushSize:
		l.flush()
	case !l.due:
		l.due = true
		time.AfterFunc(flushInterval, l.flushDue)
	}
}

func (l *Log) flushDue() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.due = false
	l.flush()
}

// lines takes one record with each Write, as slog's handlers do.
type lines struct{ log *Log }

func (w lines) Write(line []byte) (int, error) {
	l := w.log
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.plain.json {
		l.buffer = appendPrintable(l.buffer, line)
	} else {
		l.buffer = append(l.buffer, line...) // slog quoted what is not printable
	}
	l.written()
	return len(line), nil
}

// appendPrintable appends a line of JSON, with \u for characters outside ASCII
// that do not print. slog leaves most of them: NEL ends a line for some readers,
// the eight-bit CSI starts a terminal sequence, and others reverse the text.
// They are only ever inside strings, where JSON allows the escape.
func appendPrintable(buffer, line []byte) []byte {
	const high8 = 0x8080808080808080
	start := 0
	for i := 0; i < len(line); {
		if i+8 <= len(line) && binary.NativeEndian.Uint64(line[i:])&high8 == 0 {
			i += 8 // ASCII, as nearly all of it
			continue
		}
		if line[i] < utf8.RuneSelf {
			i++
			continue
		}
		r, size := utf8.DecodeRune(line[i:])
		if !unicode.IsPrint(r) {
			buffer = append(buffer, line[start:i]...)
			if high, low := utf16.EncodeRune(r); high != unicode.ReplacementChar {
				buffer = appendEscaped(appendEscaped(buffer, high), low)
			} else {
				buffer = appendEscaped(buffer, r)
			}
			start = i + size
		}
		i += size
	}
	return append(buffer, line[start:]...)
}

func appendEscaped(buffer []byte, unit rune) []byte {
	const hex = "0123456789abcdef"
	return append(buffer, '\\', 'u', hex[unit>>12&0xf], hex[unit>>8&0xf], hex[unit>>4&0xf], hex[unit&0xf])
}

// errorLog takes what net/http has to say about connections.
type errorLog struct{ logger *slog.Logger }

func newErrorLog(logger *slog.Logger) *log.Logger { return log.New(errorLog{logger}, "", 0) }

// Write logs one message. Handshakes that fail and HTTP/2 clients that misbehave
// are the noise of any public address. Whatever comes after the second colon of
// another message can quote what was sent, or be the value of a panic.
func (e errorLog) Write(message []byte) (int, error) {
	text, _, _ := strings.Cut(string(message), "\n")
	level := slog.LevelWarn
	switch {
	case strings.HasPrefix(text, "http: TLS handshake error"):
		level = slog.LevelDebug
	case strings.HasPrefix(text, "http: Accept error"):
	default:
		if strings.HasPrefix(text, "http2: ") {
			level = slog.LevelDebug
		}
		if parts := strings.SplitN(text, ": ", 3); len(parts) == 3 {
			text = parts[0] + ": " + parts[1]
		} else {
			text, _, _ = strings.Cut(text, " [") // a dump of an HTTP/2 frame
		}
	}
	e.logger.Log(context.Background(), level, "connection", "problem", text)
	return len(message), nil
}
