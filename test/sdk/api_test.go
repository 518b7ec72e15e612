package sdk

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/harness"
	"github.com/tokenwright/tokenwright/verify"
)

// newAPI is a resource server that verifies what it receives.
func newAPI(t *testing.T, s *harness.Server) *httptest.Server {
	t.Helper()
	v, err := verify.New(t.Context(), verify.Config{Issuer: s.URL + "/demo", Audience: s.URL + "/demo/api", HTTPClient: s.Client})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	api := httptest.NewServer(v.Middleware(verify.Require("customers:write"))(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
	})))
	t.Cleanup(api.Close)
	return api
}

// post sends a body, which the API sends back where it accepts the token.
func post(t *testing.T, client *http.Client, api string) int {
	t.Helper()
	resp, err := client.Post(api, "text/plain", strings.NewReader("a customer"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode == http.StatusOK && string(body) != "a customer" {
		t.Fatalf("got %q, %v", body, err)
	}
	return resp.StatusCode
}

// C-252: a token that is revoked costs its client one exchange and no failure.
func TestACallerDoesNotNoticeThatItsTokenIsRevoked(t *testing.T) {
	t.Parallel()
	s, key := harness.StartWithKey(t, "demo")
	api := newAPI(t, s)
	app := newApplication(t, s, key)
	client := app.Client(t.Context())
	noted := newSource(t, app.Config)
	if status := post(t, client, api.URL); status != http.StatusOK {
		t.Fatalf("status %d", status)
	}
	before := app.exchanges.Load()

	// All tokens of the API key end; the secret goes on. A token that a verifier
	// still accepts shows when the revocation has reached it.
	old := get(t, noted)
	s.CLI(t, "key", "update", key.ClientID, "--revoke-tokens")
	harness.Eventually(t, 10*time.Second, "the API has heard of it", func() bool {
		r := harness.NewRequest(t, http.MethodPost, api.URL, "")
		r.Header.Set("Authorization", "Bearer "+old.AccessToken)
		return s.Do(t, r).Status == http.StatusUnauthorized
	})
	for range 20 {
		if status := post(t, client, api.URL); status != http.StatusOK {
			t.Fatalf("status %d", status)
		}
	}
	if n := app.exchanges.Load() - before; n != 2 { // one of them for noted
		t.Errorf("%d exchanges", n)
	}
}

// C-252: what is refused for another reason is refused once.
func TestALackOfScopeIsNoReasonForAnotherToken(t *testing.T) {
	t.Parallel()
	s, key := harness.StartWithKey(t, "demo")
	api := newAPI(t, s)
	app := newApplication(t, s, key)
	app.Scopes = []string{"customers:read"}
	client := app.Client(t.Context())
	for range 5 {
		if status := post(t, client, api.URL); status != http.StatusForbidden {
			t.Errorf("status %d", status)
		}
	}
	if n := app.exchanges.Load(); n != 1 {
		t.Errorf("%d exchanges", n)
	}
}

// C-252, C-253: an API key that is disabled ends at both, quietly.
func TestADisabledAPIKeyEndsItsClient(t *testing.T) {
	t.Parallel()
	s, key := harness.StartWithKey(t, "demo")
	api := newAPI(t, s)
	app := newApplication(t, s, key)
	client := app.Client(t.Context())
	if status := post(t, client, api.URL); status != http.StatusOK {
		t.Fatalf("status %d", status)
	}
	s.CLI(t, "key", "disable", key.ClientID)
	harness.Eventually(t, 10*time.Second, "the API refuses", func() bool { return post(t, client, api.URL) == http.StatusUnauthorized })
	before := app.exchanges.Load()
	for range 50 {
		if status := post(t, client, api.URL); status != http.StatusUnauthorized {
			t.Fatalf("status %d", status)
		}
	}
	if n := app.exchanges.Load() - before; n > 1 {
		t.Errorf("%d exchanges for 50 calls", n)
	}
}
