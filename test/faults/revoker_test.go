package faults

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/evidence"
	"github.com/tokenwright/tokenwright/test/harness"
)

// revoker has an application revoke its tokens, one after the other: a change
// over HTTP, by the connections that the node keeps to the database.
type revoker struct {
	client *http.Client
	key    harness.APIKey
	stop   chan struct{}
	done   sync.WaitGroup

	mu      sync.Mutex
	revoked []revoked          // acknowledged
	slowest time.Duration      // of these
	failed  []evidence.Failure // not acknowledged
}

// revoked is a token whose revocation was acknowledged.
type revoked struct {
	token string
	key   harness.APIKey
	at    time.Time // of the acknowledgement
}

// startRevoker begins to revoke tokens of an API key at the address of in, with
// pauses.
func startRevoker(t *testing.T, in *harness.Installation, key harness.APIKey, pause time.Duration) *revoker {
	t.Helper()
	r := newRevoker(t, in, key)
	r.done.Go(func() {
		for {
			select {
			case <-r.stop:
				return
			case <-time.After(pause):
				r.revokeOne(in.URL)
			}
		}
	})
	return r
}

// startCrowd begins to revoke so many tokens a second, whether those before have
// been revoked or not.
func startCrowd(t *testing.T, in *harness.Installation, key harness.APIKey, rate int) *revoker {
	t.Helper()
	r := newRevoker(t, in, key)
	r.done.Go(func() {
		tick := time.NewTicker(time.Second / time.Duration(rate))
		defer tick.Stop()
		for {
			select {
			case <-r.stop:
				return
			case <-tick.C:
				r.done.Go(func() { r.revokeOne(in.URL) })
			}
		}
	})
	return r
}

func newRevoker(t *testing.T, in *harness.Installation, key harness.APIKey) *revoker {
	t.Helper()
	r := &revoker{client: in.NewClient(&http.Transport{MaxIdleConnsPerHost: 256}), key: key, stop: make(chan struct{})}
	r.client.Timeout = 3 * evidence.Patience // so that an answer that comes too late is seen as such
	t.Cleanup(func() { r.end() })
	return r
}

// revokers are one for each node.
type revokers []*revoker

func startRevokers(t *testing.T, c *harness.Cluster) (all revokers) {
	t.Helper()
	for _, node := range c.Nodes {
		all = append(all, startRevoker(t, node.Installation, c.NewKey(t), aMoment))
	}
	return all
}

// firstAfter returns when a revocation behind then was acknowledged by every node.
func (all revokers) firstAfter(t *testing.T, then time.Time) (at time.Time) {
	t.Helper()
	for _, r := range all {
		if first := r.firstAfter(t, then); first.After(at) {
			at = first
		}
	}
	return at
}

// into counts into a row what each has met, and returns how many revocations
// were refused.
func (all revokers) into(t *testing.T, o *evidence.Row, c *harness.Cluster) (refused int) {
	t.Helper()
	for _, r := range all {
		r.into(t, o, c.Nodes...)
		refused += len(r.failed)
	}
	return refused
}

func (r *revoker) end() {
	r.mu.Lock()
	select {
	case <-r.stop:
	default:
		close(r.stop)
	}
	r.mu.Unlock()
	r.done.Wait()
	r.client.CloseIdleConnections()
}

// revokeOne gets a token and revokes it.
func (r *revoker) revokeOne(base string) {
	token := evidence.TokenOf(evidence.Post(r.client, base+"/demo/oauth/token", evidence.Credentials(r.key, "grant_type", "client_credentials")).Body, r.key)
	if token == "" {
		return // that is for the load to notice
	}
	began := time.Now()
	f := evidence.Post(r.client, base+"/demo/oauth/revoke", evidence.Credentials(r.key, "token", token))
	f.At, f.Took = began, time.Since(began)
	r.mu.Lock()
	defer r.mu.Unlock()
	if f.Status == http.StatusOK {
		r.revoked = append(r.revoked, revoked{token, r.key, time.Now()})
		r.slowest = max(r.slowest, f.Took)
	} else {
		r.failed = append(r.failed, f)
	}
}

// firstAfter returns when the first revocation was acknowledged behind then.
func (r *revoker) firstAfter(t *testing.T, then time.Time) time.Time {
	t.Helper()
	var at time.Time
	harness.Eventually(t, time.Minute, "a revocation is acknowledged", func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		for n := len(r.revoked) - 1; n >= 0 && r.revoked[n].at.After(then); n-- {
			at = r.revoked[n].at
		}
		return !at.IsZero()
	})
	return at
}

// recovered returns when the last revocation was asked for behind then that was
// not made, once some were made for a second.
func (r *revoker) recovered(t *testing.T, then time.Time) (last time.Time) {
	t.Helper()
	harness.Eventually(t, time.Minute, "changes are made for a second", func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		last = then
		for _, f := range r.failed {
			if f.At.After(last) {
				last = f.At
			}
		}
		n := len(r.revoked)
		return time.Since(last) > time.Second && n > 0 && r.revoked[n-1].at.After(last)
	})
	return last
}

// into counts into a row what the revoker has met: refusals that are not the
// documented one for a database that is away, or that came too late, and
// revocations that a node does not know.
func (r *revoker) into(t *testing.T, o *evidence.Row, nodes ...*harness.Server) {
	t.Helper()
	r.end()
	for _, f := range r.failed {
		if !f.Unavailable() {
			o.Wrong++
			t.Errorf("%s: a revocation was answered at %s", o.What, f)
		}
		o.Slowest = max(o.Slowest, f.Took)
		evidence.Within(t, o.What+": the answer to a revocation", f.Took, evidence.Patience)
	}
	r.lostInto(t, o, nodes...)
}

// lostInto is into without a look at refusals.
func (r *revoker) lostInto(t *testing.T, o *evidence.Row, nodes ...*harness.Server) {
	t.Helper()
	r.end()
	for _, node := range nodes {
		for _, revoked := range r.revoked {
			if !revoked.knownTo(node) {
				o.Lost++
				t.Errorf("%s: the revocation of %s is lost on a node", o.What, revoked.at.Format("15:04:05.000"))
			}
		}
	}
	if len(r.revoked) == 0 {
		t.Errorf("%s: no revocation was acknowledged: this run has tested nothing", o.What)
	}
}

// knownTo tells whether a node knows that the token is dead, or hears of it in time.
func (r revoked) knownTo(node *harness.Server) bool {
	for {
		answer := introspect(node, r.key, r.token)
		if answer == inactive || time.Since(r.at) > harness.Propagation {
			return answer == inactive
		}
		<-time.After(10 * time.Millisecond)
	}
}
