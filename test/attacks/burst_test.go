package attacks

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/admin"
	"github.com/tokenwright/tokenwright/test/evidence"
	"github.com/tokenwright/tokenwright/test/harness"
)

const (
	byOne    = 100 // tokens of an API key that are revoked one by one; of more than that all end at once
	bursting = 16  // connections
)

// applications get and revoke tokens in a burst, as many as an API key may revoke
// one by one. Clients and the revocations themselves do not stall; what is kept of them
// is gone once those tokens would have expired, and the memory with it.
func TestABurstOfRevocationsLeavesNothingBehind(t *testing.T) {
	evidence.Short(t)
	harness.Need(t, "sqlite3")
	// A revocation is a commit, and a disk takes a thousand or two of them a second: a
	// million would take a quarter of an hour, and show no more than this.
	total := evidence.Choose(1000, 200_000)
	life := evidence.Choose(time.Minute, 3*time.Minute)
	in := harness.New(t)
	in.Configure(t, fmt.Sprintf("clock_skew: 1s\nenvironments: {demo: {token_lifetime: %s}}\n", life))
	x := newTarget(t, "R-46", fmt.Sprintf("%d tokens, which live for %s, are issued and revoked in a burst", total, life), in)
	b := &burst{target: x, keys: make(chan harness.APIKey, total/byOne)}
	b.createKeys(t, total/byOne)
	memory := b.memory(t)

	began := time.Now()
	meanwhile := x.attacked(t, 2*time.Hour, func(ctx context.Context) {
		b.run(ctx, t)
		took := time.Since(began)
		x.row.Tell("revocations", float64(b.revoked.Load())/took.Seconds(), "/s")
		rows := b.rows(t)
		x.row.Tell("rows at the end of the burst", float64(rows), "")
		if rows == 0 {
			t.Error("no revocation is kept: this run has tested nothing")
		}
		if evidence.Full() {
			harness.Eventually(t, life+5*time.Minute, "revocations that are over are gone", func() bool {
				<-time.After(5 * time.Second)
				return b.rows(t) < total/100
			})
		}
	})
	if !evidence.Full() {
		// Nobody waits here for tokens to expire and for the minute in which a server
		// cleans up: it also does when it starts, and finds them older than they are.
		x.Stop(t)
		in.SQLite(t, "UPDATE revocations SET expires_at = expires_at - 600000;")
		x.Server = in.Start(t)
		harness.Eventually(t, harness.Soon, "revocations that are over are gone", func() bool { return b.rows(t) < total/100 })
	}
	if int(b.revoked.Load()) != total || b.alive.Load() > 0 {
		t.Errorf("%d of %d tokens were revoked, and %d are active afterwards", b.revoked.Load(), total, b.alive.Load())
	}
	x.row.Lost += int(b.alive.Load())
	x.row.AtMost(t, "longest request of a client", evidence.MS(meanwhile.longest), "ms", 1000)
	x.row.AtMost(t, "longest revocation", evidence.MS(time.Duration(b.longest.Load())), "ms", 1000)
	x.row.Tell("rows afterwards", float64(b.rows(t)), "")
	atMost(t, &x.row, "memory in use grew by", max(0, mib(b.memory(t)-memory)), "MiB", 16)
	x.report(t)
}

// burst is applications that revoke what they get.
type burst struct {
	*target
	keys chan harness.APIKey

	revoked, alive atomic.Int64
	longest        atomic.Int64 // nanoseconds, of a revocation
}

func (b *burst) createKeys(t *testing.T, n int) {
	t.Helper()
	operator := b.CreateOperatorKey(t, "merchants:write", "api-keys:write")
	b.AwaitKeys(t, operator)
	m := b.Admin(operator)
	merchant := admin.NumberID("4260")
	if _, err := m.CreateMerchant(t.Context(), admin.NewMerchant{ID: merchant, Name: "Burst", KeyLimit: &n}); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		created, err := m.CreateAPIKey(t.Context(), admin.NewAPIKey{MerchantID: merchant, Env: "demo", Name: "Burst", Scopes: []string{"customers:read"}})
		if err != nil {
			t.Fatal(err)
		}
		if i%50 == 0 { // enough for the search at the end
			harness.NoteKey(created.ClientID, created.ClientSecret)
		}
		b.keys <- harness.APIKey{ClientID: created.ClientID, ClientSecret: created.ClientSecret}
	}
	close(b.keys)
}

// run revokes a hundred tokens of each API key.
func (b *burst) run(ctx context.Context, t *testing.T) {
	var running sync.WaitGroup
	for range bursting {
		client := b.NewClient(&http.Transport{})
		running.Go(func() {
			defer client.CloseIdleConnections()
			for key := range b.keys {
				for n := range byOne {
					if ctx.Err() != nil || !b.one(t, client, key, n%10 == 0) {
						return
					}
				}
			}
		})
	}
	running.Wait()
}

// one gets a token, revokes it and, if it is to look, asks whether it is alive.
func (b *burst) one(t *testing.T, client *http.Client, key harness.APIKey, look bool) bool {
	f := evidence.Post(client, b.URL+"/demo/oauth/token", evidence.Credentials(key, "grant_type", "client_credentials"))
	token := evidence.TokenOf(f.Body, key)
	if token == "" {
		t.Errorf("no token: %s", f)
		return false
	}
	f = evidence.Post(client, b.URL+"/demo/oauth/revoke", evidence.Credentials(key, "token", token))
	if f.Status != http.StatusOK {
		t.Errorf("no revocation: %s", f)
		return false
	}
	b.revoked.Add(1)
	for was := b.longest.Load(); int64(f.Took) > was && !b.longest.CompareAndSwap(was, int64(f.Took)); was = b.longest.Load() {
	}
	if look {
		f = evidence.Post(client, b.URL+"/demo/oauth/introspect", evidence.Credentials(key, "token", token))
		if f.Status != http.StatusOK || !strings.Contains(f.Body, `"active":false`) {
			b.alive.Add(1)
		}
	}
	return true
}

// rows are the revocations that the database has.
func (b *burst) rows(t *testing.T) int {
	t.Helper()
	n, err := strconv.Atoi(b.SQLite(t, "SELECT count(*) FROM revocations;"))
	if err != nil {
		t.Error(err)
	}
	return n
}

// memory is what the server holds once its garbage is collected.
func (b *burst) memory(t *testing.T) int {
	t.Helper()
	b.Get(t, strings.TrimSuffix(b.MetricsURL, "metrics")+"debug/pprof/heap?gc=1")
	return int(b.Metric(t, "go_memstats_heap_alloc_bytes"))
}
