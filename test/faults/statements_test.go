package faults

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/postgrestest"
	"github.com/tokenwright/tokenwright/test/evidence"
	"github.com/tokenwright/tokenwright/test/harness"
)

// P7: a token costs no statement: what nodes ask the database for while tokens are
// issued depends on the time that goes by, and on how many API keys are in use
// (their use is written down every five seconds), not on how many tokens.
func TestTokensCostNoStatements(t *testing.T) {
	evidence.Short(t)
	p := postgrestest.Start(t, "listen_addresses=*", "shared_preload_libraries=pg_stat_statements")
	p.Exec(t, "postgres", "CREATE EXTENSION pg_stat_statements")
	c := harness.NewCluster(t, harness.ClusterOptions{Postgres: p})
	keys := []harness.APIKey{c.SeedKey(t)}
	for len(keys) < evidence.Choose(20, 200) {
		keys = append(keys, c.CreateKey(t, "demo"))
	}
	c.NewKey(t) // once it works on every node, so do all before it
	const interval, fewTokens = 5 * time.Second, 100
	span := evidence.Choose[time.Duration](2, 12) * interval

	idle := statements(t, c, func() { <-time.After(span) })
	many := evidence.Choose(200, 400)
	var few, lots int
	fewer := statements(t, c, func() { few = askInTurn(t, c, keys, fewTokens, span) })
	more := statements(t, c, func() { lots = askInTurn(t, c, keys, many, span) })

	perToken := float64(more-fewer) / float64(lots-few)
	if most := evidence.Choose(0.1, 0.02); perToken > most { // one span may have one time of writing more than the other
		t.Errorf("%d statements for %d tokens, %d for %d: %.3f for each further token", fewer, few, more, lots, perToken)
	}
	rate := func(n int) string { return fmt.Sprintf("%.1f", float64(n)/span.Seconds()) }
	evidence.Row{Rule: "P7", What: fmt.Sprintf("statements of two nodes: %d API keys in use", len(keys)), Times: 1, Requests: few + lots,
		Note: fmt.Sprintf("%s statements a second without tokens, %s at %d tokens a second, %s at %d: %.4f for each further token",
			rate(idle), rate(fewer), fewTokens, rate(more), many, perToken)}.Report(t)
}

// statements counts what the database is asked for meanwhile, BEGIN and COMMIT
// among it.
func statements(t *testing.T, c *harness.Cluster, meanwhile func()) int {
	t.Helper()
	count := func() int {
		return postgrestest.Query[int](t, c.Postgres, "postgres", `SELECT coalesce(sum(calls), 0)::int FROM pg_stat_statements s
			JOIN pg_roles r ON r.oid = s.userid WHERE r.rolname <> 'postgres'`)
	}
	before := count()
	meanwhile()
	return count() - before
}

// askInTurn asks for tokens at a constant rate, each node for one API key after
// the other, and returns how many it got: all.
func askInTurn(t *testing.T, c *harness.Cluster, keys []harness.APIKey, rate int, span time.Duration) int {
	t.Helper()
	client := c.NewClient(&http.Transport{MaxIdleConnsPerHost: 256})
	defer client.CloseIdleConnections()
	var issued atomic.Int64
	var wg sync.WaitGroup
	ask := func(node *harness.Server, key harness.APIKey) {
		f := evidence.Post(client, node.URL+"/demo/oauth/token", evidence.Credentials(key, "grant_type", "client_credentials"))
		if evidence.TokenOf(f.Body, key) == "" {
			t.Errorf("a token request failed: %s", f)
			return
		}
		issued.Add(1)
	}
	began, tick := time.Now(), time.NewTicker(2*time.Millisecond)
	defer tick.Stop()
	for n := 0; time.Since(began) < span; <-tick.C {
		for due := int(time.Since(began).Seconds() * float64(rate)); n < due; n++ {
			node, key := c.Nodes[n%len(c.Nodes)], keys[n/len(c.Nodes)%len(keys)]
			wg.Go(func() { ask(node, key) })
		}
	}
	wg.Wait()
	return int(issued.Load())
}
