package server

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/fuzztest"
)

// What plain writes is what slog's handlers would have written; what it leaves
// to them, it leaves for a reason.
func TestPlainRecordsAreWrittenAsSlogWouldWriteThem(t *testing.T) {
	at := time.Date(2026, 11, 25, 9, 8, 7, 0, time.UTC)
	for _, c := range []struct {
		name  string
		plain [2]bool // in text, in JSON
		attrs []slog.Attr
	}{
		{"nothing", [2]bool{true, true}, nil},
		{"numbers", [2]bool{true, true}, []slog.Attr{slog.Int("a", 0), slog.Int64("b", -1<<63), slog.Int("c", 200)}},
		{"texts", [2]bool{true, true}, []slog.Attr{slog.String("route", "/oauth/token"), slog.String("scope", "a:b c=d <&>")}},
		{"empty text", [2]bool{true, true}, []slog.Attr{slog.String("a", "")}},
		{"empty attribute", [2]bool{true, true}, []slog.Attr{slog.Int("a", 1), {}, slog.Int("b", 2)}},
		{"odd key", [2]bool{true, true}, []slog.Attr{slog.Int("a b=c", 1), slog.Int("", 1)}},
		{"quotation mark", [2]bool{}, []slog.Attr{slog.Int("a", 1), slog.String("b", `"`)}},
		{"backslash", [2]bool{}, []slog.Attr{slog.String("b", `\`)}},
		{"control character", [2]bool{}, []slog.Attr{slog.String("b", "a\x7fb")}},
		{"other than ASCII", [2]bool{}, []slog.Attr{slog.String("é", "a")}},
		{"nasty", [2]bool{}, []slog.Attr{slog.String("a", nasty)}},
		{"error", [2]bool{}, []slog.Attr{slog.Any("error", errors.New("x"))}},
		{"duration", [2]bool{}, []slog.Attr{slog.Duration("a", time.Second)}},
		{"group", [2]bool{}, []slog.Attr{slog.Group("g", slog.Int("a", 1))}},
	} {
		for i, format := range []string{"text", "json"} {
			for _, fraction := range []time.Duration{0, 1, 999, 1e6, 25e6, 999_999_999, 120_000_000} {
				level := slog.LevelInfo + slog.Level(len(c.attrs))
				p := plain{json: format == "json"}
				got, ok := p.append([]byte("before\n"), at.Add(fraction), level, recordMessage, c.attrs)
				if ok != c.plain[i] {
					t.Errorf("%s in %s: plain is %v", c.name, format, ok)
				}
				r := record{attrs: c.attrs}
				if want := "before\n" + bySlog(t, format, r.build(at.Add(fraction), level)); ok && string(got) != want {
					t.Errorf("%s in %s:\ngot  %swant %s", c.name, format, got, want)
				}
			}
		}
	}
}

func bySlog(t *testing.T, format string, r slog.Record) string {
	t.Helper()
	var out bytes.Buffer
	var handler slog.Handler = slog.NewTextHandler(&out, nil)
	if format == "json" {
		handler = slog.NewJSONHandler(&out, nil)
	}
	if err := handler.Handle(context.Background(), r); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// The stamp of one second must not stand in the next one.
func TestTimeStampsFollowTheClock(t *testing.T) {
	p := plain{}
	var got []byte
	for _, unix := range []int64{0, 0, 1, 59, 60, 1795434347, 1795434346} {
		got, _ = p.append(got[:0], time.Unix(unix, 5e6).UTC(), slog.LevelInfo, "m", nil)
		if want := "time=" + time.Unix(unix, 0).UTC().Format(time.DateOnly+"T"+time.TimeOnly) + ".005Z "; !strings.HasPrefix(string(got), want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

//
func FuzzPlain(f *testing.F) {
	f.Add("request", "scope", "customers:read customers:write", int64(200), int64(1795434347123456789))
	f.Add("", "", `"\`, int64(-1), int64(0))
	f.Add("a=b", "é", "\u2028", int64(0), int64(1e18))
	f.Fuzz(func(t *testing.T, message, key, text string, number, nanoseconds int64) {
		defer fuzztest.Bound(t)()
		at, attrs := time.Unix(0, nanoseconds).UTC(), []slog.Attr{slog.String(key, text), slog.Int64(key, number)}
		r := slog.NewRecord(at, slog.LevelWarn, message, 0)
		r.AddAttrs(attrs...)
		for _, format := range []string{"text", "json"} {
			p := plain{json: format == "json"}
			if got, ok := p.append(nil, at, slog.LevelWarn, message, attrs); ok && string(got) != bySlog(t, format, r) {
				t.Errorf("%s:\ngot  %swant %s", format, got, bySlog(t, format, r))
			}
		}
	})
}
