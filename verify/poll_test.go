package verify_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/tokenwrighttest"
	"github.com/tokenwright/tokenwright/verify"
)

// between is what stands between a verifier and its issuer: it has some requests for
// revocations answered in its own way.
type between struct {
	http.RoundTripper
	answer func(r *http.Request) (*http.Response, error) // nil, nil: the issuer does
}

func (b between) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path == "/demo/oauth/revocations" {
		if resp, err := b.answer(r); resp != nil || err != nil {
			return resp, err
		}
	}
	return b.RoundTripper.RoundTrip(r)
}

// a request for news that is never answered ends in time for others, however
// soon the list is too old.
func TestARequestThatHangsClosesNoVerifier(t *testing.T) {
	for limit, hang := range map[time.Duration]int64{5 * time.Second: 1, 10 * time.Second: 2, 20 * time.Second: 2, time.Minute: 2} {
		t.Run(limit.String(), func(t *testing.T) {
			var left atomic.Int64 // how many hang
			hanging := func(r *http.Request) (*http.Response, error) {
				if left.Add(-1) >= 0 {
					<-r.Context().Done()
					return nil, r.Context().Err()
				}
				return nil, nil
			}
			adjust := func(c *verify.Config) {
				c.FailClosedAfter = limit
				c.HTTPClient = &http.Client{Transport: between{c.HTTPClient.Transport, hanging}}
			}
			follow(t, adjust, func(t *testing.T, iss *tokenwrighttest.Issuer, v *verify.Verifier) {
				token := iss.Token()
				for range 20 {
					left.Store(hang)
					for range 100 {
						time.Sleep(limit / 50)
						is(t, v, "while requests hang", token, nil)
					}
					if t.Failed() {
						return
					}
				}
			})
		})
	}
}

// where requests that wait fail, and others do not, nothing is told, news are
// heard as soon as ever, and waiting is tried again only now and then.
func TestWhereNoRequestMayWaitNewsAreAskedFor(t *testing.T) {
	for name, refuse := range map[string]func(http.RoundTripper, *http.Request) (*http.Response, error){
		"too many wait": func(http.RoundTripper, *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"5"}}, Body: http.NoBody}, nil
		},
		"a gateway that waits for less": func(issuer http.RoundTripper, r *http.Request) (*http.Response, error) {
			ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
			defer cancel()
			resp, err := issuer.RoundTrip(r.WithContext(ctx))
			if ctx.Err() != nil && r.Context().Err() == nil {
				return &http.Response{StatusCode: http.StatusGatewayTimeout, Body: http.NoBody}, nil
			}
			return resp, err
		},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			var waits, all atomic.Int64
			var mayWait atomic.Bool
			adjust := func(c *verify.Config) {
				c.Logger = slog.New(slog.NewTextHandler(&log, nil))
				issuer := c.HTTPClient.Transport
				c.HTTPClient = &http.Client{Transport: between{issuer, func(r *http.Request) (*http.Response, error) {
					if all.Add(1); r.URL.Query().Has("wait") && !mayWait.Load() {
						waits.Add(1)
						return refuse(issuer, r)
					}
					return nil, nil
				}}}
			}
			follow(t, adjust, func(t *testing.T, iss *tokenwrighttest.Issuer, v *verify.Verifier) {
				time.Sleep(10 * time.Minute)
				waits.Store(0)
				all.Store(0)
				time.Sleep(time.Hour)
				if n, m := waits.Load(), all.Load(); n > 13 || m > 1250 {
					t.Errorf("%d requests in an hour, of which %d wait", m, n)
				}
				for range 493 { // an hour, in steps that fall into every moment of the rhythm of the requests
					token := iss.Token()
					iss.RevokeToken(token)
					time.Sleep(5 * time.Second)
					is(t, v, "revoked", token, verify.ErrRevoked)
					time.Sleep(2300 * time.Millisecond)
				}
				if log.Len() > 0 {
					t.Errorf("the log says\n%s", &log)
				}
				mayWait.Store(true)
				time.Sleep(6 * time.Minute)
				all.Store(0)
				time.Sleep(10 * time.Minute)
				if n := all.Load(); n > 22 {
					t.Errorf("once they may wait there are %d requests in 10 minutes", n)
				}
			})
		})
	}
}

// One request that waited in vain, as where a connection has ended, changes nothing.
func TestOneLostRequestIsNoReasonNotToWait(t *testing.T) {
	var lost, all atomic.Int64
	adjust := func(c *verify.Config) {
		c.HTTPClient = &http.Client{Transport: between{c.HTTPClient.Transport, func(*http.Request) (*http.Response, error) {
			if all.Add(1); lost.Add(-1) == 0 {
				return nil, errors.New("connection reset")
			}
			return nil, nil
		}}}
	}
	follow(t, adjust, func(t *testing.T, _ *tokenwrighttest.Issuer, _ *verify.Verifier) {
		lost.Store(3)
		time.Sleep(10 * time.Minute)
		if n := all.Load(); n > 26 {
			t.Errorf("%d requests in 10 minutes", n)
		}
	})
}
