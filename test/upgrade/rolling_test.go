package upgrade

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/admin"
	"github.com/tokenwright/tokenwright/internal/postgrestest"
	"github.com/tokenwright/tokenwright/test/evidence"
	"github.com/tokenwright/tokenwright/test/harness"
)

// two nodes of the kept release behind HAProxy are replaced by the next one, one
// after the other, then by the kept one again, and forward again, while clients ask for
// tokens and manage API keys. No request fails, and what one release has written the
// other reads, in both directions.
func TestNodesAreReplacedOneByOneForwardAndBack(t *testing.T) {
	t.Parallel() // it waits most of the time, for nodes that end
	old, now := keptRelease(t).binary, nextRelease(t)
	c := harness.NewCluster(t, harness.ClusterOptions{Binary: old, Args: []string{"--admin-limit", "0"}})
	key := c.SeedKey(t)
	c.CLI(t, "merchant", "update", "4259", "--key-limit", "10000")
	operator := c.CreateOperatorKey(t, managementScopes...)
	for _, node := range c.Nodes {
		harness.Eventually(t, harness.Propagation, "the operator key works", func() bool { return node.Works(t, operator) })
	}
	between := func() {
		t.Helper()
		for _, pair := range [][2]*harness.Server{{c.Nodes[0], c.Nodes[1]}, {c.Nodes[1], c.Nodes[0]}} {
			checkReads(t, pair[0], pair[1], operator)
		}
	}

	f := startTraffic(t, c, key, operator, 2)
	f.goesOn(t, time.Second)
	before := schemaVersion(t, c)
	replace(t, c, 0, now) // which migrates
	if after := schemaVersion(t, c); after <= before {
		t.Errorf("the schema had version %d, and has %d", before, after)
	}
	between()
	mixed := evidence.Lasting(3*time.Second, 10*time.Minute)
	f.goesOn(t, mixed)
	replace(t, c, 1, now)
	between()
	replace(t, c, 1, old) // which meets a schema that is newer than its own
	between()
	replace(t, c, 0, old)
	between()
	c.Binary = old
	key2 := c.NewKey(t) // by a command of the old release
	replace(t, c, 0, now)
	replace(t, c, 1, now)
	between()
	for _, node := range c.Nodes {
		if !node.Works(t, key2) || !node.Works(t, key) {
			t.Error("an API key of the kept release does not work any more")
		}
	}
	f.end(t)
	tokens, changes := f.seen()
	evidence.Row{Rule: "R-61", What: "two nodes are replaced by the next release, back, and forward again", Times: 3, Requests: tokens,
		Note: fmt.Sprintf("%d changes beside it; both releases beside each other for %s", changes, mixed)}.Report(t)
	c.Binary = now
	if v := c.VerifyEvents(t); !v.OK {
		t.Errorf("the events: %+v", v)
	}
}

// schemaVersion is the number of the last migration that the database has.
func schemaVersion(t *testing.T, c *harness.Cluster) int {
	t.Helper()
	return postgrestest.Query[int](t, c.Postgres, c.DatabaseName(), "SELECT max(version_id)::int FROM goose_db_version")
}

// replace ends a node as operators do, and starts another binary in its place.
func replace(t *testing.T, c *harness.Cluster, n int, binary string) {
	t.Helper()
	node := c.Nodes[n]
	defer func() {
		for _, record := range node.Records(t, "request") {
			if status, _ := record["status"].(float64); status >= http.StatusInternalServerError && record["route"] != "/readyz" {
				t.Logf("node %d has logged %v", n+1, record)
			}
		}
	}()
	node.Observe(t)
	node.Signal(t, syscall.SIGTERM)
	if state := node.WaitFor(t, time.Minute); state.ExitCode() != 0 {
		t.Errorf("the node ended with %s", state)
	}
	node.Installation.Binary = binary
	c.StartNode(t, n)
	harness.Eventually(t, 30*time.Second, "HAProxy sends requests to the node again", func() bool {
		return c.Nodes[n].Metric(t, "tokenwright_tokens_issued_total") > 0
	})
}

// checkReads changes what it can at one node, and holds that the other does as it
// should.
func checkReads(t *testing.T, writer, reader *harness.Server, operator harness.APIKey) {
	t.Helper()
	ctx, c := context.Background(), writer.Admin(operator)
	other := reader.Admin(operator)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("at node %s: %v", writer.URL, err)
		}
	}
	acts := func(what string, so func() bool) {
		t.Helper()
		harness.Eventually(t, harness.Propagation, what+" at the other node", so)
	}
	limit := 9_999
	must(ignore(c.UpdateMerchant(ctx, admin.NumberID("4259"), admin.MerchantUpdate{KeyLimit: &limit})))
	acts("the new limit is read", func() bool {
		m, err := other.Merchant(ctx, admin.NumberID("4259"))
		return err == nil && m.KeyLimit == limit
	})
	limit = 10_000
	must(ignore(c.UpdateMerchant(ctx, admin.NumberID("4259"), admin.MerchantUpdate{KeyLimit: &limit})))

	k, err := c.CreateAPIKey(ctx, admin.NewAPIKey{MerchantID: admin.NumberID("4259"), Env: "demo", Name: "Read by the other", Scopes: []string{"customers:read"}})
	must(err)
	harness.NoteKey(k.ClientID, k.ClientSecret)
	first := harness.APIKey{ClientID: k.ClientID, ClientSecret: k.ClientSecret}
	acts("the new API key works", func() bool { return reader.Works(t, first) })

	atOnce := int64(0)
	rotated, err := c.RotateAPIKey(ctx, k.ClientID, admin.Rotation{Overlap: &atOnce})
	must(err)
	harness.NoteKey(k.ClientID, rotated.ClientSecret)
	second := harness.APIKey{ClientID: k.ClientID, ClientSecret: rotated.ClientSecret}
	acts("the next secret works", func() bool { return reader.Works(t, second) })
	acts("the secret before it is refused", func() bool { return reader.Refuses(t, first) })

	token := writer.Token(t, second)
	acts("the token is active", func() bool { return active(t, reader, operator, token) })
	if a := writer.PostToken(t, "/demo/oauth/revoke", second, token); a.Status != http.StatusOK {
		t.Fatalf("revoking is answered %d: %s", a.Status, a.Body)
	}
	acts("the revoked token is dead", func() bool { return !active(t, reader, operator, token) })

	token = writer.Token(t, second)
	acts("the token is active", func() bool { return active(t, reader, operator, token) })
	must(ignore(c.DisableAPIKey(ctx, k.ClientID, 0)))
	acts("the disabled API key is refused", func() bool { return reader.Refuses(t, second) && !active(t, reader, operator, token) })
	// And the other one ends what this one has begun.
	must(ignore(other.EnableAPIKey(ctx, k.ClientID, 0)))
	harness.Eventually(t, harness.Propagation, "the API key works again", func() bool { return writer.Works(t, second) })
	must(other.DeleteAPIKey(ctx, k.ClientID, 0))
	harness.Eventually(t, harness.Propagation, "the deleted API key is refused", func() bool { return writer.Refuses(t, second) })
}

func ignore[T any](_ T, err error) error { return err }

// active tells whether introspection calls a token active.
func active(t *testing.T, s *harness.Server, operator harness.APIKey, token string) bool {
	t.Helper()
	return strings.HasPrefix(string(s.PostToken(t, "/demo/oauth/introspect", operator, token).Body), `{"active":true`)
}
