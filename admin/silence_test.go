package admin_test

import (
	"net/http"
	"testing"
	"testing/synctest"

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
