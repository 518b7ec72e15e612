package oauthapi

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// silent keeps only the status of an answer.
type silent struct {
	header http.Header
	status int
}

func (s *silent) Header() http.Header         { return s.header }
func (s *silent) WriteHeader(status int)      { s.status = status }
func (s *silent) Write(p []byte) (int, error) { return len(p), nil }

// BenchmarkToken is a token request through the whole surface, but without the
// server around it: routing, reading, authentication, signature, answer.
func BenchmarkToken(b *testing.B) {
	in := install(b, nil)
	in.limits = Config{TokenLimit: 1_000_000_000, FailureLimit: 1_000_000_000}
	in.serve()
	k := in.key("demo", "customers:read", "customers:write")
	other := in.key("demo")
	for _, c := range []struct {
		name   string
		e      encoding
		pairs  []string
		header []string
		status int
	}{
		{"JSON", asJSON, k.request(), nil, http.StatusOK},
		{"form", asForm, k.request(), nil, http.StatusOK},
		{"Basic", asForm, grant(), basic(k.id, k.secret), http.StatusOK},
		{"scope", asForm, k.request("scope", "customers:read"), nil, http.StatusOK},
		{"refused", asJSON, apiKey{k.id, other.secret}.request(), nil, http.StatusUnauthorized},
	} {
		b.Run(c.name, func(b *testing.B) {
			body := strings.NewReader("")
			r := httptest.NewRequest("POST", "/oauth/token", body)
			r.Header = newRequest("POST", "/", nil, append(c.header, "Content-Type", c.e.contentType)...).Header
			text := c.e.encode(c.pairs...)
			r.ContentLength = int64(len(text))
			b.ReportAllocs()
			for b.Loop() {
				body.Reset(text)
				w := &silent{header: make(http.Header, 8)}
				in.handler.ServeHTTP(w, r)
				if w.status != c.status {
					b.Fatalf("got status %d", w.status)
				}
			}
		})
	}
}

// BenchmarkReadTokenRequest is the reading of a token request, whole: body and
// Authorization header.
func BenchmarkReadTokenRequest(b *testing.B) {
	k := apiKey{"twc_demo_0123456789abcdefghijkl", "tws_demo_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG000000"}
	for _, c := range []struct {
		name   string
		e      encoding
		pairs  []string
		header []string
	}{
		{"JSON", asJSON, k.request(), nil},
		{"form", asForm, k.request(), nil},
		{"Basic", asForm, grant(), basic(k.id, k.secret)},
	} {
		b.Run(c.name, func(b *testing.B) {
			body, text := strings.NewReader(""), c.e.encode(c.pairs...)
			r := newRequest("POST", "/oauth/token", body, append(c.header, "Content-Type", c.e.contentType)...)
			r.ContentLength = int64(len(text))
			w := &silent{header: make(http.Header)}
			x := newExchange().(*exchange)
			b.ReportAllocs()
			for b.Loop() {
				body.Reset(text)
				x.parameters = parameters{}
				if err := x.read(w, r, true); err != nil || x.clientID != k.id {
					b.Fatalf("read %+v, %v", x.parameters, err)
				}
			}
		})
	}
}
