package faults

import (
	"context"
	"io"
	"net/http"
	"net/http/httptrace"
	"syscall"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/evidence"
	"github.com/tokenwright/tokenwright/test/harness"
)

// nodes are stopped and started again in turn, under load, and HAProxy's
// clients do not notice: neither those who ask for tokens nor a reader of the
// feed that waits for news. Each node ends by itself, soon and well.
func TestStoppingANodeFailsNoRequest(t *testing.T) {
	evidence.Short(t)
	c := harness.NewCluster(t, harness.ClusterOptions{})
	key := c.SeedKey(t)
	o := evidence.Row{Rule: "R-60", What: "SIGTERM of a node", Note: "recovery is the time until the process has ended"}
	tokens := evidence.StartLoad(t, c.Installation, key, evidence.Choose(200, 1000))
	stopReading := readFeed(t, &o, c)
	for n := range evidence.Choose(3, 50) {
		node := c.Nodes[n%2]
		idle := newIdleConnection(t, node)
		node.Observe(t)
		began := time.Now()
		node.Signal(t, syscall.SIGTERM)
		idle.isTakenLeaveOf(t)
		if state := node.WaitFor(t, time.Minute); state.ExitCode() != 0 {
			t.Errorf("the node ended with %s", state)
		}
		o.Times++
		o.Recovers(t, time.Since(began), 15*time.Second)
		c.StartNode(t, n%2)
		harness.Eventually(t, 30*time.Second, "HAProxy sends requests to the node again", func() bool {
			return c.Nodes[n%2].Metric(t, "tokenwright_tokens_issued_total") > 0
		})
	}
	tokens.Into(t, &o, nil)
	stopReading()

	last := c.Nodes[0]
	last.Observe(t)
	last.Signal(t, syscall.SIGTERM)
	harness.Eventually(t, harness.Propagation, "/readyz answers 503", func() bool { return last.Get(t, last.URL+"/readyz").Status == http.StatusServiceUnavailable })
	began := time.Now()
	last.Signal(t, syscall.SIGTERM)
	if state := last.WaitFor(t, time.Minute); state.ExitCode() != 128+int(syscall.SIGTERM) { // as shells show it
		t.Errorf("after a second SIGTERM the node ended with %s", state)
	}
	evidence.Within(t, "the end by a second SIGTERM", time.Since(began), time.Second)
	o.Report(t)
}

// idleConnection is one to a node that was used once and then kept.
type idleConnection struct {
	client *http.Client
	url    string
	node   *harness.Server
}

func newIdleConnection(t *testing.T, node *harness.Server) *idleConnection {
	t.Helper()
	c := &idleConnection{client: node.NewClient(&http.Transport{}), url: node.URL + "/healthz", node: node}
	if closing, _ := c.use(t); closing {
		t.Error("a node that is not asked to stop closes a connection")
	}
	return c
}

// use sends a request, and tells whether the answer says that the connection is
// closed behind it, and whether it was there before.
func (c *idleConnection) use(t *testing.T) (closing, reused bool) {
	t.Helper()
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) { reused = i.Reused }})
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Error(err)
	}
	return resp.Close, reused
}

// isTakenLeaveOf checks that a stopping node answers the next request on the
// connection, and says that it was the last (RFC 9112 9.6).
func (c *idleConnection) isTakenLeaveOf(t *testing.T) {
	t.Helper()
	harness.Eventually(t, harness.Propagation, "/readyz answers 503", func() bool { return !c.node.Ready() })
	if closing, reused := c.use(t); !closing || !reused {
		t.Errorf("a stopping node is asked on an idle connection (the same: %t): Connection: close is %t", reused, closing)
	}
}

// readFeed waits for news of the feed, again and again, at HAProxy.
func readFeed(t *testing.T, o *evidence.Row, c *harness.Cluster) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	client := c.NewClient(&http.Transport{})
	client.Timeout = time.Minute
	read := func() (status int, err error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.URL+"/demo/oauth/revocations?after=0&wait=30s", nil)
		if err != nil {
			return 0, err
		}
		resp, err := client.Do(r)
		if err != nil {
			return 0, err
		}
		defer func() { _ = resp.Body.Close() }()
		_, err = io.Copy(io.Discard, resp.Body)
		return resp.StatusCode, err
	}
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			if status, err := read(); ctx.Err() == nil && (err != nil || status != http.StatusOK) {
				o.Failed++
				t.Errorf("%s: a reader of the feed was answered %d, %v", o.What, status, err)
			}
			<-time.After(20 * time.Millisecond)
		}
	}()
	return func() { cancel(); <-ended }
}
