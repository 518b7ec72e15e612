package faults

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/evidence"
	"github.com/tokenwright/tokenwright/test/harness"
)

// R-20, C-169: while PostgreSQL is away, for less than max_staleness, tokens are
// issued and what was deleted before stays refused; changes are answered 503, soon.
func TestTokensGoOnWhilePostgreSQLIsAway(t *testing.T) {
	evidence.Short(t)
	away := evidence.Choose(8*time.Second, time.Minute)
	c := harness.NewCluster(t, harness.ClusterOptions{})
	key, deleted := c.SeedKey(t), c.NewKey(t)
	revokers := startRevokers(t, c)
	o := evidence.Row{Rule: "R-20", What: fmt.Sprintf("PostgreSQL is away for %s", away)}
	tokens := evidence.StartLoad(t, c.Installation, key, evidence.Choose(100, 500))
	deleteEverywhere(t, c, deleted)
	stopAsking := askForDeleted(t, &o, c, deleted)

	if err := c.Postgres.Stop(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	<-time.After(away)
	if err := c.Postgres.Restart(); err != nil {
		t.Fatal(err)
	}
	accepts := time.Now()
	o.Times++
	o.Recovers(t, revokers.firstAfter(t, accepts).Sub(accepts), 3*time.Second)
	stopAsking()
	tokens.Into(t, &o, nil)
	if refused := revokers.into(t, &o, c); refused == 0 {
		t.Error("no change was refused: this run has tested nothing")
	}
	o.Report(t)
}

// deleteEverywhere returns once every node refuses the API key.
func deleteEverywhere(t *testing.T, c *harness.Cluster, key harness.APIKey) {
	t.Helper()
	c.CLI(t, "key", "delete", key.ClientID, "--yes")
	for _, node := range c.Nodes {
		harness.Eventually(t, harness.Propagation, "the deleted API key is refused", func() bool { return node.Refuses(t, key) })
	}
}

// askForDeleted asks every node for a token of a deleted API key, which each has
// refused already, until the function that it returns is called. Whatever
// becomes of the database, each refuses it again.
func askForDeleted(t *testing.T, o *evidence.Row, c *harness.Cluster, key harness.APIKey) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	var mu sync.Mutex
	for _, node := range c.Nodes {
		client := node.NewClient(&http.Transport{})
		wg.Go(func() {
			for n := 0; n == 0 || ctx.Err() == nil; n++ {
				f := evidence.Post(client, node.URL+"/demo/oauth/token", evidence.Credentials(key, "grant_type", "client_credentials"))
				if f.Status != http.StatusUnauthorized {
					mu.Lock()
					o.Wrong++
					mu.Unlock()
					t.Errorf("%s: a deleted API key is answered at %s", o.What, f)
				}
				<-time.After(100 * time.Millisecond)
			}
		})
	}
	return func() { cancel(); wg.Wait() }
}

// once the database has been away for longer than max_staleness a node says so at
// /readyz, and token requests get 503 with Retry-After: never 401, for nothing is
// known to be wrong with the credentials.
func TestStaleNodesRefuseNobody(t *testing.T) {
	evidence.Short(t)
	const staleness = 3 * time.Second
	c := harness.NewCluster(t, harness.ClusterOptions{Config: "max_staleness: 3s\n"})
	key := c.SeedKey(t)
	o := evidence.Row{Rule: "R-22", What: "PostgreSQL is away for longer than max_staleness"}
	asked := []*evidence.Load{evidence.StartLoad(t, c.Installation, key, 50)} // by HAProxy's own answer, once it has no node left
	for _, node := range c.Nodes {
		asked = append(asked, evidence.StartLoad(t, node.Installation, key, 50))
	}
	for range evidence.Choose(1, 5) {
		stopping := time.Now() // from here on it may answer nobody, however long it takes to end
		if err := c.Postgres.Stop(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		for _, node := range c.Nodes {
			harness.Eventually(t, harness.Soon, "/readyz says that the database is away", func() bool {
				a := node.Get(t, node.URL+"/readyz")
				return a.Status == http.StatusServiceUnavailable && strings.Contains(string(a.Body), "database has not answered")
			})
		}
		if early := time.Since(stopping); early < staleness-time.Second {
			t.Errorf("the nodes were stale after %s", early)
		}
		<-time.After(2 * time.Second)
		if err := c.Postgres.Restart(); err != nil {
			t.Fatal(err)
		}
		accepts := time.Now()
		o.Times++
		for _, l := range asked {
			o.Recovers(t, l.Recovered(t, accepts).Sub(accepts), 3*time.Second)
		}
	}
	unavailable := 0
	for _, l := range asked {
		l.Into(t, &o, func(f evidence.Failure) bool { unavailable++; return f.Unavailable() })
	}
	if unavailable == 0 {
		t.Error("no request was answered 503: this run has tested nothing")
	}
	o.Note = fmt.Sprintf("%d requests were answered 503, as they had to be; recovery is that of either node and of HAProxy", unavailable)
	o.Report(t)
}
