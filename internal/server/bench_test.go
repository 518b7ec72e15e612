package server

import (
	"io"
	"log/slog"
	"net/http"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// BenchmarkMiddleware is the cost of everything around a handler: request ID,
// mux, writer, metrics, and the record in the buffer of the log.
func BenchmarkMiddleware(b *testing.B) {
	log := NewLog(io.Discard, "json", slog.LevelInfo)
	defer log.Close()
	body := []byte("{}")
	mux := http.NewServeMux()
	mux.HandleFunc("POST /demo/oauth/token", func(w http.ResponseWriter, r *http.Request) {
		record := w.(interface{ LogAttr(slog.Attr) })
		record.LogAttr(slog.String("client_id", "twc_demo_0123456789012345678901"))
		record.LogAttr(slog.Int64("secret_id", 1))
		record.LogAttr(slog.String("jti", "0123456789012345678901"))
		w.Write(body)
	})
	m := newMiddleware(New(Config{Handler: mux, Registry: prometheus.NewRegistry(), Logger: log.Logger()}))
	b.Run("bare mux", func(b *testing.B) {
		run(b, mux, bareWriter{header: http.Header{}})
	})
	b.Run("all", func(b *testing.B) {
		run(b, m, &bareWriter{header: http.Header{}})
	})
	b.Run("all, with a trace", func(b *testing.B) {
		run(b, m, &bareWriter{header: http.Header{}}, goodTrace)
	})
}

func run(b *testing.B, handler http.Handler, w http.ResponseWriter, trace ...string) {
	r, err := http.NewRequest("POST", "http://127.0.0.1/demo/oauth/token", nil)
	if err != nil {
		b.Fatal(err)
	}
	r.RemoteAddr = "192.0.2.1:4711"
	if len(trace) > 0 {
		r.Header[traceHeader] = trace
	}
	b.ReportAllocs()
	for b.Loop() {
		handler.ServeHTTP(w, r)
	}
}

// bareWriter keeps nothing, so that only the middleware is measured.
type bareWriter struct{ header http.Header }

func (w bareWriter) Header() http.Header         { return w.header }
func (w bareWriter) Write(p []byte) (int, error) { return len(p), nil }
func (w bareWriter) WriteHeader(int)             {}
func (w bareWriter) LogAttr(slog.Attr)           {}
