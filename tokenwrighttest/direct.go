package tokenwrighttest

import (
	"errors"
	"net/http"
	"net/http/httptest"
)

// direct is a transport without a network: the handler runs in the goroutine
// of the caller.
type direct struct{ handler http.Handler }

var errDown = errors.New("connection ended without an answer")

// RoundTrip implements http.RoundTripper.
func (d direct) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	if r.Body != nil {
		defer func() { _ = r.Body.Close() }() // as http.RoundTripper promises
	}
	in := r.Clone(r.Context())
	in.RequestURI = r.URL.RequestURI()
	if in.Host == "" {
		in.Host = r.URL.Host
	}
	if in.Body == nil {
		in.Body = http.NoBody
	}
	defer func() {
		switch reason := recover(); reason {
		case nil:
		case http.ErrAbortHandler:
			resp, err = nil, errDown
		default:
			panic(reason)
		}
	}()
	w := httptest.NewRecorder()
	d.handler.ServeHTTP(w, in)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	resp = w.Result()
	resp.Request = r
	return resp, nil
}
