package adminapi

import (
	"bytes"
	"io"
	"net/http"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// Local is the admin API without a network, for an actor that needs no access
// token: an http.RoundTripper that answers in this process. What is wrong with
// the database is its own error, not a status.
func (a *API) Local(actor authority.Actor) http.RoundTripper {
	mux := http.NewServeMux()
	a.register(mux.Handle, func(http.ResponseWriter, *http.Request, *route) (authority.Actor, bool) { return actor, true })
	return local{mux}
}

type local struct{ mux *http.ServeMux }

// RoundTrip implements http.RoundTripper.
func (l local) RoundTrip(r *http.Request) (*http.Response, error) {
	w := &recorder{header: http.Header{}, status: http.StatusOK}
	if r.Body == nil {
		r = r.WithContext(r.Context())
		r.Body = http.NoBody
	}
	l.mux.ServeHTTP(w, r)
	if w.status == http.StatusServiceUnavailable && w.cause != nil {
		return nil, w.cause
	}
	return &http.Response{
		Status: http.StatusText(w.status), StatusCode: w.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.header, Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()), Request: r,
	}, nil
}

// recorder keeps an answer, and the error behind it.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
	cause  error
}

func (w *recorder) Header() http.Header         { return w.header }
func (w *recorder) WriteHeader(status int)      { w.status = status }
func (w *recorder) Write(p []byte) (int, error) { return w.body.Write(p) }

// Fail hears of the error that is answered.
func (w *recorder) Fail(err error) { w.cause = err }
