package load

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/admin"
	"github.com/tokenwright/tokenwright/test/evidence"
	"github.com/tokenwright/tokenwright/test/harness"
	"github.com/tokenwright/tokenwright/verify"
)

// unlimited lets each API key ask for as many tokens as it likes, and whoever
// manages ask as often.
var unlimited = []string{"--token-limit", "0", "--admin-limit", "0"}

// manager is a client of the admin API of an installation that has merchant 4259,
// who may have as many API keys as a test wants. Behind a proxy it works at every node.
func manager(t *testing.T, in *harness.Installation, nodes ...*harness.Server) *admin.Client {
	t.Helper()
	in.Seed(t)
	in.CLI(t, "merchant", "update", "4259", "--key-limit", "10000")
	operator := in.CreateOperatorKey(t, "api-keys:read", "api-keys:write", "api-keys:delete", "signing-keys:write")
	in.AwaitKeys(t, operator)
	for _, node := range nodes {
		node.AwaitKeys(t, operator)
	}
	return in.Admin(operator)
}

// newKeys makes API keys of merchant 4259.
func newKeys(t *testing.T, m *admin.Client, n int) []harness.APIKey {
	t.Helper()
	keys := make([]harness.APIKey, n)
	var wg sync.WaitGroup
	places := make(chan int, n)
	for i := range n {
		places <- i
	}
	close(places)
	for range 4 {
		wg.Go(func() {
			for i := range places {
				var err error
				if keys[i], err = newKey(t.Context(), m); err != nil {
					t.Error("creating an API key:", err)
					return
				}
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return keys
}

func newKey(ctx context.Context, m *admin.Client) (harness.APIKey, error) {
	k, err := m.CreateAPIKey(ctx, admin.NewAPIKey{MerchantID: admin.NumberID("4259"), Env: "demo", Name: "Orders sync", Scopes: []string{"customers:read"}})
	if err != nil {
		return harness.APIKey{}, err
	}
	harness.NoteKey(k.ClientID, k.ClientSecret)
	return harness.APIKey{ID: k.ClientID, Env: k.Env, ClientID: k.ClientID, ClientSecret: k.ClientSecret}, nil
}

// verifier is what an API would judge tokens of the installation with.
func verifier(t *testing.T, in *harness.Installation, issuer string) func(token string) error {
	t.Helper()
	v, err := verify.New(t.Context(), verify.Config{Issuer: issuer + "/demo", Audience: issuer + "/demo/api", Environment: "demo", HTTPClient: in.Client, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	return func(token string) error {
		_, err := v.Verify(context.Background(), token)
		return err
	}
}

// signatures is how many ES256 signatures one processor makes in a second, here and
// now: what figures are to be seen beside.
func signatures(t *testing.T) float64 {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	n, began, digest := 0, time.Now(), make([]byte, 32)
	for ; time.Since(began) < 200*time.Millisecond; n++ {
		if _, err := key.Sign(nil, digest, crypto.SHA256); err != nil { // RFC 6979, as servers do
			t.Fatal(err)
		}
	}
	return float64(n) / time.Since(began).Seconds()
}

// bars are those of a load; a time of 0 has none.
type bars struct{ p99, p999 time.Duration }

// into ends a load and writes its figures into a row. What was asked must be what
// was to be asked: a generator that is not up to it shows nothing.
func into(t *testing.T, l *evidence.Load, o *evidence.Row, rate int, long time.Duration, b bars) {
	t.Helper()
	o.Times = 1
	l.Into(t, o, nil)
	q := evidence.Quantiles(l.Waits, 0.5, 0.99, 0.999, 1)
	o.AtLeast(t, "answered", float64(l.Issued)/long.Seconds(), "a second", 0.99*float64(rate))
	o.Tell("p50", evidence.MS(q[0]), "ms")
	figure := func(name string, value, bar time.Duration) {
		if bar == 0 {
			o.Tell(name, evidence.MS(value), "ms")
			return
		}
		o.AtMost(t, name, evidence.MS(value), "ms", evidence.MS(bar))
	}
	figure("p99", q[1], b.p99)
	figure("p99.9", q[2], b.p999)
	o.Tell("max", evidence.MS(q[3]), "ms")
	o.AtMost(t, "errors", float64(o.Wrong+o.Failed), "", 0)
}

// last lets a load last.
func last(long time.Duration) { <-time.After(long) }
