package load

import (
	"fmt"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/postgrestest"
	"github.com/tokenwright/tokenwright/test/evidence"
	"github.com/tokenwright/tokenwright/test/harness"
)

// run is one load of a test that has several.
type run struct {
	rule string
	rate int
	long time.Duration
}

// a node on the embedded database issues tokens for hundreds of API keys,
// asked for in every style, for half an hour, and every one is good.
func TestANodeIssuesTwoThousandTokensASecond(t *testing.T) {
	evidence.Short(t)
	s := harness.Start(t, unlimited...)
	keys := newKeys(t, manager(t, s.Installation), evidence.Choose(100, 500))
	for _, r := range evidence.Choose(
		[]run{{"R-08", 1000, 10 * time.Second}},
		[]run{{"R-01", 2000, evidence.Lasting(0, 30*time.Minute)}, {"R-08", 1000, evidence.Lasting(0, time.Minute)}},
	) {
		o := evidence.Row{Rule: r.rule, What: fmt.Sprintf("%d tokens a second of %d API keys for %s (embedded database)", r.rate, len(keys), r.long)}
		pace := signatures(t)
		l := evidence.Plan{At: []*harness.Installation{s.Installation}, Keys: keys, Rate: r.rate, Check: verifier(t, s.Installation, s.URL)}.Start(t)
		last(r.long)
		into(t, l, &o, r.rate, r.long, bars{50 * time.Millisecond, 150 * time.Millisecond})
		o.Tell("ES256 signatures of one processor", pace, "a second")
		o.Tell("tokens to signatures", float64(l.Issued)/r.long.Seconds()/pace, "")
		o.Report(t)
	}
}

// P7: two nodes on PostgreSQL do, and ask it for nothing on that account.
func TestTwoNodesIssueEightHundredTokensASecond(t *testing.T) {
	evidence.Short(t)
	p := postgrestest.Start(t, "listen_addresses=*", "shared_preload_libraries=pg_stat_statements")
	p.Exec(t, "postgres", "CREATE EXTENSION pg_stat_statements")
	c := harness.NewCluster(t, harness.ClusterOptions{Postgres: p, Args: unlimited})
	keys := newKeys(t, manager(t, c.Installation, c.Nodes...), evidence.Choose(50, 500))
	c.NewKey(t) // once it works on every node, so do all before it
	for _, r := range evidence.Choose(
		[]run{{"R-08", 400, 10 * time.Second}},
		[]run{{"R-02", 800, evidence.Lasting(0, 30*time.Minute)}, {"R-08", 400, evidence.Lasting(0, time.Minute)}},
	) {
		o := evidence.Row{Rule: r.rule, What: fmt.Sprintf("%d tokens a second of %d API keys for %s (two nodes, PostgreSQL, HAProxy)", r.rate, len(keys), r.long)}
		pace, before := signatures(t), statements(t, p)
		l := evidence.Plan{At: []*harness.Installation{c.Installation}, Keys: keys, Rate: r.rate, Check: verifier(t, c.Installation, c.Public)}.Start(t)
		last(r.long)
		asked := statements(t, p) - before
		into(t, l, &o, r.rate, r.long, bars{p99: 100 * time.Millisecond})
		o.Tell("ES256 signatures of one processor", pace, "a second")
		o.Tell("statements of both nodes", float64(asked)/r.long.Seconds(), "a second")
		o.Report(t)
		// What nodes ask for depends on time, and on how many API keys are in use: they
		// follow, and write down use every five seconds (TestTokensCostNoStatements).
		if asked > l.Issued/5 {
			t.Errorf("%s: %d statements for %d tokens", o.What, asked, l.Issued)
		}
	}
}

// statements is what the nodes have asked the database for, BEGIN and COMMIT among it.
func statements(t *testing.T, p *postgrestest.Server) int {
	t.Helper()
	return postgrestest.Query[int](t, p, "postgres", `SELECT coalesce(sum(calls), 0)::int FROM pg_stat_statements s
		JOIN pg_roles r ON r.oid = s.userid WHERE r.rolname <> 'postgres'`)
}
