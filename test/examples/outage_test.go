package examples

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/harness"
)

// an API in another language goes on while the server is away, up to its limit;
// then it answers 503, never 401. When the server is back it follows again.
func TestVerifiersGoOnWithoutTheServerUpToALimit(t *testing.T) {
	for _, p := range verifiers {
		t.Run(p.name(), func(t *testing.T) {
			t.Parallel()
			s, key := harness.StartWithKey(t, "demo")
			run := s.Background(t, p.name(), p.prepare(t, "TOKENWRIGHT_ISSUER="+s.URL+"/demo", "PORT=0", "MAX_STALE=6"))
			a, token := api{says(t, run, "listening on ")}, s.Token(t, key)
			a.becomes(t, token, http.StatusOK, 0, 5*time.Second)
			s.Stop(t)
			limit := a.becomes(t, token, http.StatusServiceUnavailable, http.StatusOK, 15*time.Second)
			if header, _, body := a.ask(t, token); header.Get("Retry-After") == "" || !strings.HasPrefix(body, `{"code":"503"`) {
				t.Errorf("503 is answered with %v, %s", header, body)
			}
			s = s.Installation.Start(t)
			again := a.becomes(t, token, http.StatusOK, http.StatusServiceUnavailable, 15*time.Second)
			s.CLI(t, "key", "delete", key.ClientID, "--yes")
			refused := a.becomes(t, token, http.StatusUnauthorized, http.StatusOK, 5*time.Second)
			t.Logf("503 after %s; good again after %s; revoked, refused after %s", limit, again, refused)
		})
	}
}

// tokens of a revoked signing key are refused by an API that still has its
// key, and those of the key that signs instead are good.
func TestVerifiersRefuseTokensOfARevokedSigningKey(t *testing.T) {
	for _, p := range verifiers {
		t.Run(p.name(), func(t *testing.T) {
			t.Parallel()
			s, key := harness.StartWithKey(t, "demo")
			run := s.Background(t, p.name(), p.prepare(t, "TOKENWRIGHT_ISSUER="+s.URL+"/demo", "PORT=0"))
			a, token := api{says(t, run, "listening on ")}, s.Token(t, key)
			a.becomes(t, token, http.StatusOK, 0, 5*time.Second)
			for range 2 { // the key that signs after the second was never published before
				kid := harness.Part(t, token, 0)["kid"].(string) // which may begin with a hyphen
				s.CLI(t, "signing-key", "revoke", "--yes", "--force", "--", kid)
				refused := a.becomes(t, token, http.StatusUnauthorized, http.StatusOK, 5*time.Second)
				next := s.Token(t, key)
				if harness.Part(t, next, 0)["kid"] == kid {
					t.Fatal("the revoked key signs")
				}
				a.expect(t, "of the next", next, http.StatusOK, `{"merchantId":4259,"env":"demo"}`)
				token = next
				t.Logf("refused after %s", refused)
			}
		})
	}
}

// becomes asks again and again until the status is another; until then it must be
// what it was (0: whatever). It returns how long that took.
func (a api) becomes(t *testing.T, token string, status, was int, within time.Duration) time.Duration {
	t.Helper()
	began := time.Now()
	harness.Eventually(t, within, "the status is another", func() bool {
		_, got, body := a.ask(t, token)
		if got != status && was != 0 && got != was {
			t.Fatalf("got %d, %s, while waiting for %d", got, body, status)
		}
		return got == status
	})
	return time.Since(began).Round(time.Millisecond)
}
