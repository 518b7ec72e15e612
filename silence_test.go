package tokenwright

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenwright/tokenwright/internal/linetest"
)

// C-253: what is tried again after a connection by HTTP/2 went silent, which nobody
// ends, is tried on another one.
func TestAConnectionThatGoesSilentIsGivenUp(t *testing.T) {
	for name, given := range map[string]*http.Client{
		"of our own": nil, "given": {Transport: http.DefaultTransport.(*http.Transport).Clone()},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &server{answer: func(n int, w http.ResponseWriter, _ *http.Request) {
					reply(w, http.StatusOK, fmt.Sprintf(`{"access_token":"token-%d","expires_in":60,"token_type":"bearer"}`, n))
				}}
				line := linetest.New(t, s)
				c := testConfig(s)
				c.URL, c.HTTPClient = "http://localhost", given
				base := c.base()
				line.Use(base.(*http.Transport))
				source, err := c.source(t.Context(), base)
				if err != nil {
					t.Fatal(err)
				}
				for n := range 3 {
					get(t, source, fmt.Sprintf("token-%d", n+1))
					line.Silence()
					time.Sleep(time.Minute)
				}
			})
		})
	}
}

// C-251: a connection is found out to be dead while there is time for another try.
func TestADeadConnectionIsFoundOutWithinATry(t *testing.T) {
	c := with(func(*Config) {})
	if h := c.base().(*http.Transport).HTTP2; h == nil || h.SendPingTimeout <= 0 || h.SendPingTimeout+h.PingTimeout >= tryLimit {
		t.Errorf("got %+v", h)
	}
}
