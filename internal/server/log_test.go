package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Everything that ends a line, moves the cursor or turns text around somewhere.
const nasty = "a\r\nb\x1b[31m\u2028\u2029\u0085\u009b\u202e\ufeff\x00\xff\U000e0001 é漢"

func TestOneLinePerRecordWhateverItHolds(t *testing.T) { // C-226
	for _, format := range []string{"json", "text"} {
		out := new(output)
		l := NewLog(out, format, slog.LevelInfo)
		l.Logger().With(nasty, nasty).WithGroup(nasty).Info(nasty, nasty, nasty, "error", errors.New(nasty))
		l.Logger().Debug("below the level")
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		got := string(out.bytes())
		if strings.Count(got, "\n") != 1 || !strings.HasSuffix(got, "\n") {
			t.Errorf("%s: not one line: %q", format, got)
		}
		if strings.ContainsAny(got, "\r\x1b\u2028\u2029\u0085\u009b\u202e\ufeff\x00\U000e0001") {
			t.Errorf("%s: not escaped: %q", format, got)
		}
		if !strings.Contains(got, "é漢") {
			t.Errorf("%s: what prints was escaped: %q", format, got)
		}
		if format == "json" {
			var record map[string]any
			if err := json.Unmarshal([]byte(got), &record); err != nil {
				t.Fatalf("%v in %q", err, got)
			}
			if want := strings.ToValidUTF8(nasty, "\ufffd"); record["msg"] != want {
				t.Errorf("msg = %q, want %q", record["msg"], want)
			}
		}
	}
}

func TestRecordsWaitAtMostAFlushInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := new(output)
		l := NewLog(out, "json", slog.LevelInfo)
		defer l.Close()
		for range 10 {
			l.Logger().Info("soon")
		}
		if got := out.bytes(); len(got) > 0 {
			t.Errorf("written at once: %s", got)
		}
		time.Sleep(flushInterval)
		synctest.Wait()
		if n := bytes.Count(out.bytes(), []byte("\n")); n != 10 || out.writes != 1 {
			t.Errorf("%d lines in %d writes after %v, want 10 in 1", n, out.writes, flushInterval)
		}
		time.Sleep(10 * flushInterval)
		synctest.Wait()
		if out.writes != 1 {
			t.Errorf("%d writes with nothing to say", out.writes)
		}
	})
}

func TestWarningsAndFullBuffersDoNotWait(t *testing.T) {
	out := new(output)
	l := NewLog(out, "text", slog.LevelInfo)
	l.flushNever(t)
	l.Logger().Info("first")
	l.Logger().With("k", "v").WithGroup("g").Warn("second")
	if got := string(out.bytes()); strings.Count(got, "\n") != 2 || !strings.Contains(got, "first") {
		t.Errorf("after a warning: %q, want both in order", got)
	}
	for range flushSize / 1000 {
		l.Logger().Info(strings.Repeat("x", 1000))
	}
	if out.writes != 2 {
		t.Errorf("%d writes, want one for a full buffer", out.writes)
	}
}

// flushNever keeps anything from being written by time.
func (l *Log) flushNever(t *testing.T) {
	l.due = true
	t.Cleanup(func() { l.Close() })
}

func TestLogOutlivesAFullDisk(t *testing.T) {
	full := errors.New("no space left on device")
	out := &output{fail: full}
	l := NewLog(out, "json", slog.LevelInfo)
	l.Logger().Error("lost")
	out.mu.Lock()
	out.fail = nil
	out.mu.Unlock()
	l.Logger().Error("kept")
	if err := l.Close(); !errors.Is(err, full) {
		t.Errorf("Close = %v, want the error of the writer", err)
	}
	l.Logger().Info("late")
	if got := string(out.bytes()); strings.Contains(got, "lost") || !strings.Contains(got, "kept") || !strings.Contains(got, "late") {
		t.Errorf("log %q", got)
	}
	if err := l.Close(); !errors.Is(err, full) {
		t.Errorf("second Close = %v", err)
	}
}

func TestServerMessagesAreLoggedWithoutContent(t *testing.T) { // C-225
	for message, want := range map[string]string{
		"http: TLS handshake error from 192.0.2.1:4711: EOF\n":            "DEBUG http: TLS handshake error from 192.0.2.1:4711: EOF",
		"http: Accept error: too many open files; retrying in 5ms\n":      "WARN http: Accept error: too many open files; retrying in 5ms",
		"http: panic serving 192.0.2.1:4711: hunter2\ngoroutine 1 [...\n": "WARN http: panic serving 192.0.2.1:4711",
		"http2: server connection error from 192.0.2.1:4711: hunter2\n":   "DEBUG http2: server connection error from 192.0.2.1:4711",
		"http2: received GOAWAY [hunter2\n":                               "DEBUG http2: received GOAWAY",
	} {
		out := new(output)
		l := NewLog(out, "json", slog.LevelDebug)
		newErrorLog(l.Logger()).Print(message)
		l.Close()
		var record struct{ Level, Msg, Problem string }
		if err := json.Unmarshal(out.bytes(), &record); err != nil {
			t.Fatal(err)
		}
		if got := record.Level + " " + record.Problem; got != want || record.Msg != "connection" {
			t.Errorf("%q is logged as %q, want %q", message, got, want)
		}
	}
}
