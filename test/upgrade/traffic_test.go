package upgrade

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/admin"
	"github.com/tokenwright/tokenwright/test/harness"
)

// traffic is what clients do at the address of an installation, without a pause: they
// ask for tokens, and manage API keys.
type traffic struct {
	in   *harness.Installation
	stop context.CancelFunc
	done sync.WaitGroup

	mu       sync.Mutex
	tokens   int
	changes  int
	failures []string
}

// managementScopes are what an operator key needs for what is done here.
var managementScopes = []string{"api-keys:read", "api-keys:write", "api-keys:delete", "merchants:read", "merchants:write", "tokens:introspect"}

// startTraffic begins, for a number of clients that ask and as many that manage.
func startTraffic(t *testing.T, c *harness.Cluster, key, operator harness.APIKey, clients int) *traffic {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	f := &traffic{in: c.Installation, stop: stop}
	for n := range clients {
		f.done.Go(func() { f.ask(ctx, key) })
		f.done.Go(func() { f.manage(ctx, f.admin(operator), n) })
	}
	t.Cleanup(func() { stop(); f.done.Wait() })
	return f
}

// admin is a client of the admin API whose requests are watched, those too that it
// sends again.
func (f *traffic) admin(operator harness.APIKey) *admin.Client {
	client, in := *f.in.Client, *f.in
	client.Transport = f.watched(client.Transport)
	in.Client = &client
	return in.Admin(operator)
}

// watched counts as failures what the client would mend by itself: no answer, and an
// answer of a server that cannot.
func (f *traffic) watched(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		resp, err := next.RoundTrip(r)
		if err != nil {
			f.fail(r.Method+" "+r.URL.Path, err)
		} else if resp.StatusCode >= http.StatusInternalServerError {
			f.fail(r.Method+" "+r.URL.Path, errors.New(resp.Status))
		}
		return resp, err
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func (f *traffic) ask(ctx context.Context, key harness.APIKey) {
	client := f.in.NewClient(&http.Transport{MaxIdleConnsPerHost: 4})
	defer client.CloseIdleConnections()
	for ctx.Err() == nil {
		_, err := harness.AskOnce(client, f.in.URL, key)
		f.count(&f.tokens, "a token", err)
		<-time.After(20 * time.Millisecond) // there are tests beside this one
	}
}

// manage leads one API key after the other through its life.
func (f *traffic) manage(ctx context.Context, c *admin.Client, n int) {
	for i := 0; ctx.Err() == nil; i++ {
		f.count(&f.changes, "changes", life(c, fmt.Sprintf("Client %d, API key %d", n, i)))
		<-time.After(100 * time.Millisecond)
	}
}

func life(c *admin.Client, name string) error {
	ctx := context.Background() // what was begun is ended
	k, err := c.CreateAPIKey(ctx, admin.NewAPIKey{MerchantID: admin.NumberID("4259"), Env: "demo", Name: name, Scopes: []string{"customers:read"}})
	if err != nil {
		return fmt.Errorf("creating: %w", err)
	}
	harness.NoteKey(k.ClientID, k.ClientSecret)
	second, err := c.RotateAPIKey(ctx, k.ClientID, admin.Rotation{})
	if err != nil {
		return fmt.Errorf("rotating: %w", err)
	}
	harness.NoteKey(k.ClientID, second.ClientSecret)
	if _, err := c.DisableAPIKey(ctx, k.ClientID, second.Version); err != nil {
		return fmt.Errorf("disabling: %w", err)
	}
	if err := c.DeleteAPIKey(ctx, k.ClientID, 0); err != nil {
		return fmt.Errorf("deleting: %w", err)
	}
	return nil
}

func (f *traffic) count(number *int, what string, err error) {
	if err != nil {
		f.fail(what, err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	*number++
}

func (f *traffic) fail(what string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failures = append(f.failures, fmt.Sprintf("%s: %s: %v", time.Now().UTC().Format("15:04:05.000"), what, err))
}

// seen is how much was done so far.
func (f *traffic) seen() (tokens, changes int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.tokens, f.changes
}

// goesOn waits until more of both was done, for as long as d.
func (f *traffic) goesOn(t *testing.T, d time.Duration) {
	t.Helper()
	tokens, changes := f.seen()
	<-time.After(d)
	harness.Eventually(t, time.Minute, "tokens are asked for, and changes made", func() bool {
		more, moreChanges := f.seen()
		return more > tokens && moreChanges > changes
	})
}

// end ends the traffic. Nothing of it may have failed.
func (f *traffic) end(t *testing.T) {
	t.Helper()
	f.stop()
	f.done.Wait()
	for i, failure := range f.failures {
		if i == 10 {
			break
		}
		t.Errorf("it failed at %s", failure)
	}
	t.Logf("%d requests for tokens, %d API keys through their life, %d failures", f.tokens, f.changes, len(f.failures))
}
