package tokenwright_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenwright/tokenwright"
	"github.com/tokenwright/tokenwright/tokenwrighttest"
	"github.com/tokenwright/tokenwright/verify"
)

// C-251, C-252: the libraries together, for a day. A client calls an API every
// ten seconds; each hour its tokens are revoked, and for ten minutes the issuer
// is down. No call fails.
func TestNoCallFailsInADayOfRevocationsAndOutages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		iss := tokenwrighttest.New(t, tokenwrighttest.InProcess())
		quiet := slog.New(slog.DiscardHandler)
		verifier, err := verify.New(t.Context(), verify.Config{Issuer: iss.URL, Audience: iss.Audience, HTTPClient: iss.Client(), Logger: quiet})
		if err != nil {
			t.Fatal(err)
		}
		defer verifier.Close()
		client := tokenwright.Config{
			URL: iss.BaseURL, ClientID: iss.ClientID, ClientSecret: iss.ClientSecret, Logger: quiet,
			HTTPClient: &http.Client{Transport: network{
				api: verifier.Middleware(verify.Require("customers:read"))(http.NotFoundHandler()), others: iss.Client().Transport,
			}},
		}.Client(t.Context())

		const calls = 24 * 360
		for n := range calls {
			switch n % 360 {
			case 5: // when the token of the hour before is to be renewed
				iss.Down()
			case 65:
				iss.Up()
			case 100:
				iss.RevokeClient(iss.ClientID)
			}
			time.Sleep(10 * time.Second)
			resp, err := client.Get("https://api.example.com/customers")
			if err != nil {
				t.Fatalf("call %d: %v", n, err)
			}
			_ = resp.Body.Close()
			if resp.StatusCode != http.StatusNotFound { // which lies behind the middleware
				t.Fatalf("call %d: status %d", n, resp.StatusCode)
			}
		}
		// One for each revocation, and tries in each outage, with pauses of 7.5 s on
		// average.
		exchanges := iss.Requests(tokenwrighttest.Token)
		t.Logf("%d calls, %d requests for tokens", calls, exchanges)
		if exchanges < 24*20 || exchanges > 24*120 {
			t.Error("these are too few or too many")
		}
	})
}

// network leads to an API, and to whatever else there is.
type network struct {
	api    http.Handler
	others http.RoundTripper
}

func (n network) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host != "api.example.com" {
		return n.others.RoundTrip(r)
	}
	if r.Body == nil {
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(http.NoBody)
	}
	w := httptest.NewRecorder()
	n.api.ServeHTTP(w, r)
	return w.Result(), nil
}
