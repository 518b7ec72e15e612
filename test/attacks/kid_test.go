package attacks

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/evidence"
	"github.com/tokenwright/tokenwright/test/harness"
	"github.com/tokenwright/tokenwright/verify"
)

// a verifier that follows the server is sent tokens with made-up key IDs, as fast
// as it can refuse them. It reads the JWKS once a minute at most, and believes good
// tokens all the while.
func TestMadeUpKeyIDsDoNotReachTheServer(t *testing.T) {
	evidence.Short(t)
	x := newTarget(t, "R-45", "a verifier is sent tokens with made-up key IDs", harness.New(t))
	asked := &asking{next: x.NewClient(&http.Transport{}).Transport}
	v, err := verify.New(t.Context(), verify.Config{Issuer: x.URL + "/demo", Audience: x.URL + "/demo/api", HTTPClient: &http.Client{Transport: asked}})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	good := x.Token(t, x.key)
	parts := strings.Split(good, ".")
	before := asked.keys.Load()
	began := time.Now()
	var sent, odd atomic.Int64
	meanwhile := x.attacked(t, evidence.Lasting(2*time.Second, 10*time.Minute), func(ctx context.Context) {
		var running sync.WaitGroup
		for worker := range 16 {
			running.Go(func() {
				for n := 0; ctx.Err() == nil; n++ {
					header := fmt.Sprintf(`{"alg":"ES256","typ":"at+jwt","kid":"%d-%d"}`, worker, n)
					parts := []string{base64.RawURLEncoding.EncodeToString([]byte(header)), parts[1], parts[2]}
					if _, err := v.Verify(ctx, strings.Join(parts, ".")); !errors.Is(err, verify.ErrKey) && ctx.Err() == nil {
						odd.Add(1)
					}
					if _, err := v.Verify(ctx, good); err != nil && ctx.Err() == nil {
						odd.Add(1)
					}
					sent.Add(1)
					<-time.After(time.Millisecond) // 10,000 a second and more
				}
			})
		}
		running.Wait()
	})
	minutes := int(time.Since(began)/time.Minute) + 1
	x.row.Wrong += int(odd.Load())
	x.row.Tell("made-up key IDs", float64(sent.Load())/time.Since(began).Seconds(), "/s")
	atMost(t, &x.row, "requests for the JWKS", float64(asked.keys.Load()-before), "", float64(minutes))
	// No bar: the verifier takes its time from the clients, with whom it shares a process.
	x.row.Tell("p99 of tokens meanwhile", evidence.MS(meanwhile.p99), "ms")
	x.row.Tell("otherwise", evidence.MS(x.before.p99), "ms")
	v.Close()
	x.report(t)
}

// asking counts what a verifier asks for.
type asking struct {
	next http.RoundTripper
	keys atomic.Int64
}

// RoundTrip implements http.RoundTripper.
func (a *asking) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Path, "/jwks") {
		a.keys.Add(1)
	}
	return a.next.RoundTrip(r)
}
