package verify_test

import (
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
