package oauth2source

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/tokenwright/tokenwright"
)

// server is both the token endpoint, which makes a token with each request, and
// an API, which shows what it receives.
func server(t *testing.T) (url string, exchanges *int) {
	t.Helper()
	n := 0
	mux := http.NewServeMux()
	mux.HandleFunc("POST /oauth/token", func(w http.ResponseWriter, _ *http.Request) {
		n++
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"access_token":"token-%d","expires_in":3600,"token_type":"bearer"}`, n)
	})
	mux.HandleFunc("GET /api", func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Seen", r.Header.Get("Authorization")) })
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.URL, &n
}

// C-250: the exchange is that of the source behind it.
func TestLibrariesOfOAuth2GetTheTokensOfASource(t *testing.T) {
	url, exchanges := server(t)
	source, err := tokenwright.Config{URL: url, ClientID: "twc_demo_x", ClientSecret: "x"}.TokenSource(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	adapted := New(t.Context(), source)
	for name, client := range map[string]*http.Client{
		"as it is":   {Transport: &oauth2.Transport{Source: adapted}},
		"in a cache": oauth2.NewClient(t.Context(), adapted),
	} {
		for range 2 {
			resp, err := client.Get(url + "/api")
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if got := resp.Header.Get("Seen"); got != "Bearer token-1" {
				t.Errorf("%s: the API received %q", name, got)
			}
		}
	}
	token, err := adapted.Token()
	if err != nil || !token.Valid() || time.Until(token.Expiry) < 59*time.Minute || time.Until(token.Expiry) > time.Hour {
		t.Errorf("expires %v, %v", token.Expiry, err)
	}
	if *exchanges != 1 {
		t.Errorf("%d exchanges", *exchanges)
	}
}

// refusing is a source without tokens.
type refusing struct{ err error }

func (r refusing) Token(ctx context.Context) (*tokenwright.Token, error) {
	return nil, errors.Join(r.err, ctx.Err())
}

// C-260: ctx is that of New.
func TestErrorsAreThoseOfTheSource(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	want := &tokenwright.Error{Code: "invalid_client", Status: http.StatusUnauthorized}
	token, err := New(ctx, refusing{want}).Token()
	var got *tokenwright.Error
	if token != nil || !errors.As(err, &got) || got != want || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, %v", token, err)
	}
}
