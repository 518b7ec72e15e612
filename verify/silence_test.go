package verify

import (
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenwright/tokenwright/internal/linetest"
	"github.com/tokenwright/tokenwright/tokenwrighttest"
)

// a connection by HTTP/2 on which nobody answers any more, and which nobody ends,
// keeps no verifier from hearing what is revoked: it is given up as soon as it is
// found out, of a transport that is given once an answer is overdue.
func TestAConnectionThatGoesSilentIsGivenUp(t *testing.T) {
	for name, tc := range map[string]struct {
		given *http.Client
		limit time.Duration
	}{
		"of our own": {nil, 10 * time.Second},
		"given":      {&http.Client{Transport: http.DefaultTransport.(*http.Transport).Clone()}, 70 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				iss := tokenwrighttest.New(t, tokenwrighttest.InProcess())
				line := linetest.New(t, forward{iss.Client().Transport})
				v, err := prepare(Config{Issuer: iss.URL, Audience: iss.Audience, HTTPClient: tc.given, Logger: slog.New(slog.DiscardHandler)})
				if err != nil {
					t.Fatal(err)
				}
				line.Use(v.remote.documents.Transport.(*http.Transport))
				if err := v.remote.start(t.Context(), false); err != nil {
					t.Fatal(err)
				}
				defer v.Close()
				for range 3 {
					token := iss.Token()
					accept(t, v, "before", token)
					time.Sleep(40 * time.Second) // some request has begun
					line.Silence()
					iss.RevokeToken(token)
					time.Sleep(tc.limit)
					if _, err := v.Verify(t.Context(), token); !errors.Is(err, ErrRevoked) {
						t.Errorf("%s behind the silence: got %v", tc.limit, err)
					}
				}
			})
		})
	}
}

// forward answers as what is behind a transport does.
type forward struct{ http.RoundTripper }

// ServeHTTP implements http.Handler.
func (f forward) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	resp, err := f.RoundTrip(r)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer func() { _ = resp.Body.Close() }()
	maps.Copy(w.Header(), resp.Header)
	w.WriteHeader(resp.StatusCode)
	_, _ = io.Copy(w, resp.Body)
}
