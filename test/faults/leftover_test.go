package faults

import (
	"fmt"
	"net"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/evidence"
	"github.com/tokenwright/tokenwright/test/harness"
)

// once load, faults and strange clients are gone, a node has as many goroutines
// and open files as before, give or take the connections of its pool.
func TestNothingIsLeftRunningBehindTrouble(t *testing.T) {
	evidence.Short(t)
	c := harness.NewCluster(t, harness.ClusterOptions{})
	key := c.SeedKey(t)
	o := evidence.Row{Rule: "R-53", What: "load, connections that hang, and PostgreSQL paused and restarted"}
	trouble(t, &o, c, key) // so that there is what stays
	before := inUse(t, c)
	for range evidence.Choose(3, 20) {
		trouble(t, &o, c, key)
		o.Times++
	}
	for n, node := range c.Nodes {
		for i, name := range leftovers {
			most, now := before[n][i]+poolSize+5, 0.0
			harness.Eventually(t, harness.Soon, fmt.Sprintf("%s of a node is at most %g", name, most), func() bool {
				now = node.Metric(t, name)
				return now <= most
			})
			o.AtMost(t, fmt.Sprintf("%s of node %d", name, n+1), now, "", most)
		}
	}
	o.Report(t)
}

var leftovers = []string{"go_goroutines", "process_open_fds"}

// inUse is what each node has of what could be left over, once it has come to rest.
func inUse(t *testing.T, c *harness.Cluster) (all [][]float64) {
	t.Helper()
	for _, node := range c.Nodes {
		harness.Eventually(t, harness.Soon, "no request is at work", func() bool { return node.Metric(t, "tokenwright_http_requests_in_flight") == 0 })
		var list []float64
		for _, name := range leftovers {
			list = append(list, node.Metric(t, name))
		}
		all = append(all, list)
	}
	return all
}

// trouble is all of it, for a while; at its end nobody is connected any more.
func trouble(t *testing.T, o *evidence.Row, c *harness.Cluster, key harness.APIKey) {
	t.Helper()
	var loads []*evidence.Load
	for _, node := range c.Nodes {
		loads = append(loads, evidence.StartLoad(t, node.Installation, key, 100))
		for n := range 50 {
			hang(t, node, n)
		}
	}
	changes := startCrowds(t, c)
	resume, err := c.Postgres.Pause()
	if err != nil {
		t.Fatal(err)
	}
	<-time.After(time.Second)
	if err := resume(); err != nil {
		t.Fatal(err)
	}
	if err := c.Postgres.Stop(syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	if err := c.Postgres.Restart(); err != nil {
		t.Fatal(err)
	}
	changes.firstAfter(t, time.Now())
	for _, l := range loads {
		l.Into(t, o, nil)
	}
	changes.into(t, o, c)
}

// hang opens a connection that sends a part of a request, and then nothing, until the
// node gives up: or one that is reset by its end.
func hang(t *testing.T, node *harness.Server, n int) {
	t.Helper()
	conn, err := net.Dial("tcp", net.JoinHostPort(node.Host, strconv.Itoa(node.Port)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprint(conn, "POST /oauth/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\ngrant"[:20+n]); err != nil {
		t.Fatal(err)
	}
	if n%2 == 0 {
		_ = conn.(*net.TCPConn).SetLinger(0) // without it, it ends as usual
		_ = conn.Close()
		return
	}
	t.Cleanup(func() { _ = conn.Close() })
}
