package attacks

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/ssotest"
	"github.com/tokenwright/tokenwright/test/evidence"
	"github.com/tokenwright/tokenwright/test/harness"
)

const (
	// atOnce is how many requests a provider of single sign-on has to answer at the same
	// moment, and ofAHook a receiver of webhooks. All may be given up together, and their
	// successors come before the other side notices: so it sees twice as many.
	atOnce, ofAHook = 2 * 16, 2 * 8
	hookSecret      = "bXkgc2VjcmV0IGZvciB0aGUgYXR0YWNrcyBvZiB0ZXN0cw=="
)

// outside is what the server asks, which does not answer as it should, and how much
// of it there is at the same moment.
type outside struct {
	hangs                     atomic.Bool // until the server gives up; else answers do not end
	asked, now, most, longest atomic.Int64
}

// ServeHTTP implements http.Handler.
func (o *outside) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.asked.Add(1)
	raise(&o.most, o.now.Add(1))
	defer o.now.Add(-1)
	_, _ = io.Copy(io.Discard, r.Body) // only then net/http notices that the server has left
	if o.hangs.Load() {
		<-r.Context().Done()
		return
	}
	w.Header().Set("Content-Type", "application/json")
	text := []byte(`{"issuer":"` + strings.Repeat("a", 1<<16))
	for sent := int64(0); ; sent += int64(len(text)) {
		raise(&o.longest, sent)
		if _, err := w.Write(text); err != nil {
			return
		}
	}
}

// raise makes a number as large as another one, if it is less.
func raise(to *atomic.Int64, value int64) {
	for was := to.Load(); value > was && !to.CompareAndSwap(was, value); was = to.Load() {
	}
}

// what the server asks elsewhere may hang or have no end, its provider of single
// sign-on in each of its answers, and receivers of webhooks; and many people may want
// it to be asked. It asks a few times at the same moment, gives up, and holds nothing.
func TestWhatTheServerAsksMayHangOrHaveNoEnd(t *testing.T) {
	evidence.Short(t)
	idp := ssotest.Start(t)
	var metadata, tokens, keys, hook outside
	receiver := httptest.NewServer(&hook)
	t.Cleanup(receiver.Close)
	dir := t.TempDir()
	for name, text := range map[string]string{"client": ssotest.ClientSecret, "hook": "whsec_" + hookSecret} {
		harness.NoteSecret(text)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	in := harness.New(t)
	in.Configure(t, fmt.Sprintf(`
single_sign_on: {corp: {issuer: %q, client_id: %q, client_secret_file: %q}}
webhooks: {ops: {url: %q, events: ["*"], secret_file: %q, allow_private: true}}
`, idp.URL, ssotest.ClientID, filepath.Join(dir, "client"), receiver.URL, filepath.Join(dir, "hook")))
	idp.Set(func() { idp.Answers["/.well-known/openid-configuration"] = metadata.ServeHTTP })
	x := newTarget(t, "R-45", "the provider of single sign-on and a receiver of webhooks hang, or do not end, while many people sign in", in, "--trusted-proxies", "127.0.0.1")
	c := &crowd{target: x, provider: idp.URL, client: harness.NewClient(&http.Transport{MaxIdleConnsPerHost: visitors()})}
	defer c.client.CloseIdleConnections()

	both := []bool{true, false} // in short each does one of them
	hook.hangs.Store(true)
	part := evidence.Lasting(300*time.Millisecond, 100*time.Second)
	meanwhile := x.attacked(t, time.Hour, func(ctx context.Context) {
		stop := make(chan struct{})
		var events sync.WaitGroup
		events.Go(func() { c.makeEvents(t, stop) })
		for _, hangs := range evidence.Choose([]bool{false}, both) {
			metadata.hangs.Store(hangs)
			c.storm(t, part, c.begin)
		}
		idp.Set(func() { idp.Answers = map[string]http.HandlerFunc{"/token": tokens.ServeHTTP} })
		c.comeBackFrom(t)
		hook.hangs.Store(false)
		for _, hangs := range evidence.Choose([]bool{true}, both) {
			tokens.hangs.Store(hangs)
			c.storm(t, part, c.comeBack)
		}
		idp.Set(func() {
			idp.Answers = map[string]http.HandlerFunc{"/jwks": keys.ServeHTTP}
			idp.Token = func() string { return idp.Sign(c.nonce) }
		})
		for _, hangs := range evidence.Choose([]bool{false}, both) {
			keys.hangs.Store(hangs)
			c.storm(t, part, c.comeBack)
		}
		close(stop)
		events.Wait()
	})
	c.client.CloseIdleConnections()
	x.row.Tell("p99 of tokens meanwhile", evidence.MS(meanwhile.p99), "ms")
	x.row.Tell("otherwise", evidence.MS(x.before.p99), "ms")
	for _, o := range []struct {
		name string
		what *outside
		most float64
	}{{"metadata", &metadata, 1 + 1}, {"tokens", &tokens, atOnce}, {"keys", &keys, atOnce}, {"webhook", &hook, ofAHook}} {
		if o.what.asked.Load() == 0 {
			t.Errorf("%s: nobody has asked: this run has tested nothing", o.name)
		}
		atMost(t, &x.row, "requests for "+o.name+" at the same moment", float64(o.what.most.Load()), "", o.most)
		// What is under way, beside the 1 MiB that is read.
		atMost(t, &x.row, "of an answer without an end is sent", mib(int(o.what.longest.Load())), "MiB", 16)
	}
	x.row.Note = fmt.Sprintf("%d people were answered", c.answered.Load())
	x.report(t)
}

// visitors are so many people at the same moment.
func visitors() int { return evidence.Choose(60, 200) }

// crowd is people who sign in at a provider, each from another address.
type crowd struct {
	*target
	client   *http.Client
	answered atomic.Int64
	people   atomic.Int64

	provider             string
	cookie, state, nonce string // of an attempt, which anybody may send again
}

// storm has them all do something again and again.
func (c *crowd) storm(t *testing.T, long time.Duration, do func(*testing.T) error) {
	until := time.Now().Add(long)
	var running sync.WaitGroup
	for range visitors() {
		running.Go(func() {
			for time.Now().Before(until) {
				if err := do(t); err != nil {
					t.Errorf("who signs in gets no answer: %v", err)
					return
				}
				c.answered.Add(1)
			}
		})
	}
	running.Wait()
}

func (c *crowd) send(r *http.Request) (*http.Response, error) {
	n := c.people.Add(1)
	r.Header.Set("X-Forwarded-For", fmt.Sprintf("10.%d.%d.%d", n>>16&255, n>>8&255, n&255))
	resp, err := c.client.Do(r)
	if err != nil {
		return nil, err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	return resp, err
}

// begin goes to the provider.
func (c *crowd) begin(t *testing.T) error {
	_, err := c.send(harness.FormOf(t, c.URL, "/console/sso/corp", url.Values{}))
	return err
}

// comeBackFrom goes to the provider once it answers, for comeBack.
func (c *crowd) comeBackFrom(t *testing.T) {
	t.Helper()
	harness.Eventually(t, harness.Soon, "the provider is found", func() bool {
		resp, err := c.send(harness.FormOf(t, c.URL, "/console/sso/corp", url.Values{}))
		if err != nil || resp.StatusCode != http.StatusOK {
			return false
		}
		to, err := url.Parse(strings.TrimPrefix(resp.Header.Get("Refresh"), "0; url="))
		if err != nil {
			t.Error(err)
			return true
		}
		c.state, c.nonce = to.Query().Get("state"), to.Query().Get("nonce")
		c.cookie, _, _ = strings.Cut(resp.Header.Get("Set-Cookie"), ";")
		return true
	})
}

// comeBack comes back from the provider with a code.
func (c *crowd) comeBack(t *testing.T) error {
	r := harness.NewRequest(t, http.MethodGet, c.URL+"/console/sso/callback?"+url.Values{"state": {c.state}, "code": {ssotest.Code}, "iss": {c.provider}}.Encode(), "")
	r.Header.Set("Cookie", c.cookie)
	_, err := c.send(r)
	return err
}

// makeEvents makes what webhooks are told.
func (c *crowd) makeEvents(t *testing.T, stop <-chan struct{}) {
	for n := 0; ; n++ {
		select {
		case <-stop:
			return
		case <-time.After(evidence.Choose(50*time.Millisecond, time.Second)):
		}
		c.CLI(t, "scope", "create", fmt.Sprintf("attack%d:read", n))
	}
}
