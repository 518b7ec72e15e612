package e2e

import (
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright"
	"github.com/tokenwright/tokenwright/test/harness"
)

// merchantAPI is the running example, which takes access tokens of s.
type merchantAPI struct {
	*harness.Server
	url string
}

func startMerchantAPI(t *testing.T, s *harness.Server) *merchantAPI {
	t.Helper()
	binary := harness.BuildProgram(t, "./examples/merchantapi", "-race")
	address := fmt.Sprintf("127.0.0.1:%d", harness.FreePort(t))
	c := exec.Command(binary)
	c.Env = []string{"TOKENWRIGHT_ISSUER=" + s.URL + "/demo", "MERCHANTAPI_LISTEN=" + address, "MERCHANTAPI_DATABASE=" + filepath.Join(t.TempDir(), "customers.db")}
	run := s.Background(t, "merchantapi", c)
	t.Cleanup(func() { // before it is killed
		_ = c.Process.Signal(syscall.SIGTERM)
		<-run.Ended
		if !c.ProcessState.Success() {
			t.Errorf("the API ended with %v", c.ProcessState)
		}
	})
	api := &merchantAPI{s, "http://" + address + "/api/merchant/v2/customers"}
	harness.Eventually(t, harness.Soon, "the API answers", func() bool {
		resp, err := http.Get(api.url)
		if err == nil {
			_ = resp.Body.Close()
		}
		return err == nil
	})
	return api
}

// find looks for a customer, with client as it attaches its token.
func (m *merchantAPI) find(t *testing.T, client *http.Client, email string) *harness.Answer {
	t.Helper()
	resp, err := client.Post(m.url, "application/json", strings.NewReader(`{"identifiers":[{"type":"email","value":"`+email+`"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return &harness.Answer{Status: resp.StatusCode, Header: resp.Header, Body: body}
}

func (m *merchantAPI) expect(t *testing.T, client *http.Client, email string, status int, body string) *harness.Answer {
	t.Helper()
	a := m.find(t, client, email)
	if got := strings.TrimSpace(string(a.Body)); a.Status != status || body != "" && got != body {
		t.Fatalf("%s: got %d, %s, want %d, %s", email, a.Status, got, status, body)
	}
	return a
}

// clientOf is a client of the SDK with an API key.
func clientOf(t *testing.T, s *harness.Server, key harness.APIKey) *http.Client {
	t.Helper()
	s.AwaitKeys(t, key)
	return tokenwright.Config{URL: s.URL, ClientID: key.ClientID, ClientSecret: key.ClientSecret, HTTPClient: s.Client}.Client(t.Context())
}

// fixed attaches one token, whatever becomes of it.
type fixed string

func (f fixed) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+string(f))
	return http.DefaultTransport.RoundTrip(r)
}

// R-35, and the whole guide: an API key is made, a token got and used, and everything that
// the guide says of errors, limits and the end of a key happens.
func TestTheGuideFromTheFirstKeyToTheLastCall(t *testing.T) {
	s := harness.Start(t)
	s.Seed(t)
	api := startMerchantAPI(t, s)
	create := func(merchant string, more ...string) harness.APIKey {
		args := append([]string{"key", "create", "--merchant", merchant, "--env", "demo", "--name", "Guide", "-o", "json"}, more...)
		return harness.ReadKey(t, s.CLI(t, args...))
	}
	s.CLI(t, "merchant", "create", "--id", "4260", "--name", "Other")
	s.CLI(t, "merchant", "create", "--id", "4261", "--name", "Third")
	s.CLI(t, "merchant", "create", "--id", "4262", "--name", "Fourth")

	// A token that ends soon, for later: it lives no longer than its API key.
	short := create("4261", "--scope", "customers:read", "--expires", "4s")
	s.AwaitKeys(t, short)
	ending := &http.Client{Transport: fixed(s.Token(t, short))}
	ends := time.Now().Add(4 * time.Second)
	api.expect(t, ending, "ada@example.com", http.StatusNotFound, "")

	// Create a key, get a token, make the first protected call.
	key := create("4259", "--scope", "customers:read")
	client := clientOf(t, s, key)
	a := api.expect(t, client, "ada@example.com", http.StatusOK, `{"customer":{"id":1,"email":"ada@example.com","firstname":"Ada","surname":"Lovelace"}}`)
	for name, want := range map[string]string{"X-RateLimit-Limit": "300", "X-RateLimit-Remaining": "299"} {
		if got := a.Header.Get(name); got != want {
			t.Errorf("%s is %q, not %q", name, got, want)
		}
	}
	api.expect(t, client, "nobody@example.com", http.StatusNotFound, `{"code":"404","message":"No customer found."}`)
	// Another merchant's customer is not there.
	api.expect(t, client, "alan@example.com", http.StatusNotFound, "")
	api.expect(t, clientOf(t, s, create("4260", "--scope", "customers:read")), "alan@example.com", http.StatusOK, "")

	// Without the scope, without a token, with one of the other environment.
	a = api.expect(t, clientOf(t, s, create("4259", "--scope", "customers:write")), "ada@example.com", http.StatusForbidden,
		`{"code":"403","message":"The access token lacks a scope that is needed here: customers:read."}`)
	if challenge := a.Header.Get("WWW-Authenticate"); !strings.Contains(challenge, `error="insufficient_scope"`) || !strings.Contains(challenge, `scope="customers:read"`) {
		t.Errorf("the challenge is %s", challenge)
	}
	api.expect(t, http.DefaultClient, "ada@example.com", http.StatusUnauthorized, "")
	production := harness.ReadKey(t, s.CLI(t, "key", "create", "--merchant", "4259", "--env", "production", "--name", "Guide", "--scope", "customers:read", "-o", "json"))
	api.expect(t, clientOf(t, s, production), "ada@example.com", http.StatusUnauthorized, "")

	// Expired: five seconds of leeway is what the API allows.
	harness.Eventually(t, time.Until(ends)+8*time.Second, "the short token is refused", func() bool {
		return api.find(t, ending, "ada@example.com").Status == http.StatusUnauthorized
	})
	api.expect(t, ending, "ada@example.com", http.StatusUnauthorized, `{"code":"401","message":"Expired token."}`)

	// The 301st request of the merchant; the three from before count.
	for range 297 {
		api.expect(t, client, "ada@example.com", http.StatusOK, "")
	}
	a = api.expect(t, client, "ada@example.com", http.StatusTooManyRequests,
		`{"code":"429","message":"Too many requests: 300 in 5 minutes are allowed. Try again after the time in Retry-After."}`)
	if a.Header.Get("Retry-After") == "" || a.Header.Get("X-RateLimit-Remaining") != "0" || a.Header.Get("X-RateLimit-Reset") != a.Header.Get("Retry-After") ||
		!strings.HasPrefix(a.Header.Get("RateLimit"), `"customers";r=0;t=`) || a.Header.Get("RateLimit-Policy") != `"customers";q=300;w=300` {
		t.Errorf("the headers are %v", a.Header)
	}

	// Deleted: the API refuses within 5 s, and has asked nobody.
	other := create("4262", "--scope", "customers:read")
	client = clientOf(t, s, other)
	api.expect(t, client, "ada@example.com", http.StatusNotFound, "")
	dead := &http.Client{Transport: fixed(s.Token(t, other))}
	api.expect(t, dead, "ada@example.com", http.StatusNotFound, "")
	s.CLI(t, "key", "delete", other.ClientID, "--yes")
	deleted := time.Now()
	harness.Eventually(t, 5*time.Second, "the API refuses the deleted key's token", func() bool {
		return api.find(t, dead, "ada@example.com").Status == http.StatusUnauthorized
	})
	t.Logf("refused %s after the deletion", time.Since(deleted).Round(time.Millisecond))
	api.expect(t, dead, "ada@example.com", http.StatusUnauthorized, `{"code":"401","message":"Revoked token."}`)
	api.expect(t, client, "ada@example.com", http.StatusUnauthorized, "") // there is no other token to try again with
	if strings.Contains(s.ReadLog(t), "/oauth/introspect") {
		t.Error("the API has introspected a token")
	}
}
