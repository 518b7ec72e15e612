package faults

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright"
	"github.com/tokenwright/tokenwright/test/evidence"
	"github.com/tokenwright/tokenwright/test/harness"
	"github.com/tokenwright/tokenwright/verify"
)

// C-251, R-34: a client with the SDK calls an API with verify 100 times a second,
// while tokens expire, signing keys rotate, and the server is restarted and
// away. No call fails: the longest waits for the server.
func TestAClientOfAnAPINoticesNothing(t *testing.T) {
	evidence.Short(t)
	var (
		lifetime  = evidence.Choose(5*time.Second, 12*time.Second)
		away      = evidence.Choose(7*time.Second, time.Minute)
		expiries  = evidence.Choose(4, 20)
		rotations = evidence.Choose(1, 3)
		restarts  = evidence.Choose(1, 2)
	)
	in := harness.New(t)
	in.Configure(t, fmt.Sprintf(`
max_staleness: 2s
jwks_max_age: 3s
clock_skew: 1s
signing_key_rotation: never
environments: {demo: {token_lifetime: %s}}
`, lifetime))
	s := in.Start(t)
	s.Seed(t)
	key := s.CreateKey(t, "demo")
	s.AwaitKeys(t, key)
	calls := startCalls(t, s, key)
	o := evidence.Row{Rule: "C-251", What: fmt.Sprintf("the server is restarted, away for %s, and rotates signing keys, while a client calls an API", away)}

	for range rotations {
		before := kidOf(t, s, key)
		in.CLI(t, "signing-key", "rotate", "--env", "demo") // as soon as verifiers know the next one
		harness.Eventually(t, 30*time.Second, "another key signs", func() bool { return kidOf(t, s, key) != before })
		o.Times++
	}
	for range restarts {
		<-time.After(lifetime / 2) // of ordinary work
		s.Stop(t)
		s = in.Start(t)
		o.Times++
	}
	s.Stop(t)
	<-time.After(away)
	began := time.Now()
	s = in.Start(t)
	o.Times++
	o.Recovers(t, calls.firstAfter(t, began).Sub(began), 16*time.Second) // tries of the SDK lie 15 s apart at most
	harness.Eventually(t, time.Duration(expiries+2)*lifetime, "so many tokens are used up", func() bool { return calls.tokensSeen() > expiries })
	calls.into(t, &o)
	o.Report(t)
}

// kidOf is the key that signs now.
func kidOf(t *testing.T, s *harness.Server, key harness.APIKey) any {
	t.Helper()
	return harness.Part(t, s.Token(t, key), 0)["kid"]
}

// calls are those of one client to one API, with what came of them.
type calls struct {
	stop context.CancelFunc
	done sync.WaitGroup

	mu       sync.Mutex
	made     int
	failed   []string
	longest  time.Duration
	finished []time.Time     // of those that were answered well
	tokens   map[string]bool // IDs of those that the API has seen
}

func startCalls(t *testing.T, s *harness.Server, key harness.APIKey) *calls {
	t.Helper()
	c := &calls{tokens: map[string]bool{}}
	verifier, err := verify.New(t.Context(), verify.Config{Issuer: s.URL + "/demo", Audience: s.URL + "/demo/api", HTTPClient: s.Client})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(verifier.Close)
	api := httptest.NewServer(verifier.Middleware(verify.Require("customers:read"))(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		claims, _ := verify.FromContext(r.Context())
		c.mu.Lock()
		defer c.mu.Unlock()
		c.tokens[claims.ID] = true
	})))
	t.Cleanup(api.Close)
	ctx, stop := context.WithCancel(t.Context())
	c.stop = stop
	client := tokenwright.Config{
		URL: s.URL, ClientID: key.ClientID, ClientSecret: key.ClientSecret, HTTPClient: s.NewClient(&http.Transport{MaxIdleConnsPerHost: 256}),
		RetryFor: 3 * time.Minute,
	}
	client.HTTPClient.Timeout = 0 // a call may wait for as long as the server is away
	caller := client.Client(t.Context())
	c.done.Go(func() {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				c.done.Go(func() { c.call(caller, api.URL) })
			}
		}
	})
	t.Cleanup(func() { stop(); c.done.Wait() })
	return c
}

func (c *calls) call(client *http.Client, url string) {
	began, problem := time.Now(), ""
	resp, err := client.Get(url)
	if err != nil {
		problem = err.Error()
	} else {
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			problem = fmt.Sprintf("%d %s", resp.StatusCode, body)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.made++
	c.longest = max(c.longest, time.Since(began))
	if problem != "" {
		c.failed = append(c.failed, began.UTC().Format(time.StampMilli)+": "+problem)
		return
	}
	c.finished = append(c.finished, time.Now())
}

// firstAfter is when the first call was answered well after then.
func (c *calls) firstAfter(t *testing.T, then time.Time) (first time.Time) {
	t.Helper()
	harness.Eventually(t, time.Minute, "a call is answered again", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		if n := len(c.finished); n > 0 && c.finished[n-1].After(then) {
			first = c.finished[n-1]
		}
		return !first.IsZero()
	})
	return first
}

func (c *calls) tokensSeen() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.tokens)
}

// into ends the calls, and tells what came of them.
func (c *calls) into(t *testing.T, o *evidence.Row) {
	t.Helper()
	c.stop()
	c.done.Wait()
	o.Requests, o.Failed = len(c.tokens), len(c.failed)
	o.Note = fmt.Sprintf("%d calls with %d tokens; the longest waited %s for the server", c.made, len(c.tokens), c.longest.Round(time.Millisecond))
	for i, f := range c.failed {
		if i == 10 {
			break
		}
		t.Errorf("a call failed: %s", f)
	}
	if c.made == 0 {
		t.Error("no call was made")
	}
}
