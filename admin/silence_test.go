package admin_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenwright/tokenwright/admin"
	"github.com/tokenwright/tokenwright/internal/linetest"
)

// C-400: what is sent again after a connection by HTTP/2 went silent, which nobody
// ends, is sent on another one.
func TestAConnectionThatGoesSilentIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line := linetest.New(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { says(w, http.StatusOK, `{"id":7}`) }))
		transport := http.DefaultTransport.(*http.Transport).Clone()
		line.Use(transport)
		c, id := &admin.Client{URL: "http://localhost", HTTPClient: &http.Client{Transport: transport}}, admin.NumberID("7")
		for range 3 {
			if m, err := c.Merchant(t.Context(), id); err != nil || m.ID != id {
				t.Errorf("got %v, %v", m, err)
			}
			line.Silence()
		}
	})
}

// The same between calls: the time of the caller ends one before there is another
// attempt, and a PATCH has none.
func TestACallThatEndedInSilenceIsTheLastOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line := linetest.New(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { says(w, http.StatusOK, `{"id":7}`) }))
		transport := http.DefaultTransport.(*http.Transport).Clone()
		line.Use(transport)
		c, id := admin.Client{URL: "http://localhost", HTTPClient: &http.Client{Transport: transport}}, admin.NumberID("7")
		for _, limit := range []time.Duration{30 * time.Second, time.Hour} {
			call := func() error {
				ctx, cancel := context.WithTimeout(t.Context(), limit)
				defer cancel()
				_, err := c.UpdateMerchant(ctx, id, admin.MerchantUpdate{})
				return err
			}
			for _, want := range []error{nil, context.DeadlineExceeded} {
				if err := call(); !errors.Is(err, want) {
					t.Fatalf("%s: got %v, want %v", limit, err, want)
				}
				line.Silence()
			}
		}
		if _, err := c.Merchant(t.Context(), id); err != nil {
			t.Errorf("got %v", err)
		}
	})
}
