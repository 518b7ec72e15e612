package restore

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright"
	"github.com/tokenwright/tokenwright/test/harness"
	"github.com/tokenwright/tokenwright/verify"
)

// resourceServer is an API that verifies what it receives.
type resourceServer struct {
	*httptest.Server
	verifier *verify.Verifier
}

// newResourceServer runs one that follows the issuer demo. closed is as in
// verify.Config.
func newResourceServer(t *testing.T, in *harness.Installation, closed time.Duration) *resourceServer {
	t.Helper()
	v, err := verify.New(t.Context(), verify.Config{
		Issuer: in.URL + "/demo", Audience: in.URL + "/demo/api", FailClosedAfter: closed,
		HTTPClient: in.NewClient(&http.Transport{}), Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	api := httptest.NewServer(v.Middleware(verify.Require("customers:read"))(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "a customer")
	})))
	t.Cleanup(api.Close)
	return &resourceServer{api, v}
}

// status is what the API answers to a token.
func (r *resourceServer) status(t *testing.T, token string) int {
	t.Helper()
	request := harness.NewRequest(t, http.MethodGet, r.URL, "")
	request.Header.Set("Authorization", "Bearer "+token)
	resp, err := r.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

// becomes waits until the API answers a token in one way, and holds that it has
// only ever answered in some other ones before.
func (r *resourceServer) becomes(t *testing.T, what, token string, status int, before ...int) {
	t.Helper()
	harness.Eventually(t, patience, fmt.Sprintf("%s gets %d", what, status), func() bool {
		got := r.status(t, token)
		if got == status {
			return true
		}
		if !slices.Contains(before, got) {
			t.Fatalf("%s gets %d, neither %d nor one of %v", what, got, status, before)
		}
		return false
	})
}

// patience is for what takes seconds where the machine has nothing else to do.
const patience = 45 * time.Second

// caller is an application with the client SDK that calls an API all the while.
type caller struct {
	end   func()
	ended sync.WaitGroup

	mu       sync.Mutex
	answers  map[string]int // calls by how they ended
	exchange int            // tokens fetched
}

// newCaller calls a resource server until the test ends.
func newCaller(t *testing.T, in *harness.Installation, key harness.APIKey, api *resourceServer) *caller {
	t.Helper()
	c := &caller{answers: map[string]int{}}
	ctx, cancel := context.WithCancel(t.Context())
	c.end = func() { cancel(); c.ended.Wait() }
	t.Cleanup(c.end)
	config := tokenwright.Config{
		URL: in.URL, ClientID: key.ClientID, ClientSecret: key.ClientSecret,
		HTTPClient: &http.Client{Transport: noting{in.NewClient(&http.Transport{}).Transport, c}}, Logger: slog.New(slog.DiscardHandler),
	}
	client := config.Client(ctx)
	c.ended.Go(func() {
		for ctx.Err() == nil {
			c.call(ctx, client, api.URL)
			<-time.After(20 * time.Millisecond)
		}
	})
	c.wait(t, 3)
	return c
}

func (c *caller) call(ctx context.Context, client *http.Client, url string) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		panic(err)
	}
	resp, err := client.Do(r)
	if ctx.Err() != nil {
		return // this one may have been cut off
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.answers[err.Error()]++
		return
	}
	_ = resp.Body.Close()
	c.answers[resp.Status]++
}

// wait waits for some more calls that succeed.
func (c *caller) wait(t *testing.T, calls int) {
	t.Helper()
	begin := c.good()
	harness.Eventually(t, patience, fmt.Sprintf("%d calls succeed", calls), func() bool { return c.good() >= begin+calls })
}

func (c *caller) good() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.answers["200 OK"]
}

// noting tells the search at the end of every token that passes.
type noting struct {
	http.RoundTripper
	c *caller
}

// RoundTrip implements http.RoundTripper.
func (n noting) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := n.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	token, err := harness.PassingToken(resp)
	if token != "" {
		harness.NoteToken(token)
		n.c.mu.Lock()
		n.c.exchange++
		n.c.mu.Unlock()
	}
	return resp, err
}
