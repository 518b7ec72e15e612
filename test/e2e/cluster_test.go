package e2e

import (
	"context"
	"net"
	"net/http"
	"slices"
	"testing"

	"github.com/tokenwright/tokenwright/test/harness"
)

// C-084, R-30: whichever node is asked, itself or through the
// proxy in front, it issues tokens of the same issuer; and a deletion acts on all.
func TestEveryNodeBehindTheProxyIssuesTheSameTokens(t *testing.T) {
	t.Parallel()
	c := harness.NewCluster(t, harness.ClusterOptions{})
	key := c.SeedKey(t)
	for _, in := range []*harness.Installation{c.Installation, c.Nodes[0].Installation, c.Nodes[1].Installation} {
		harness.CheckShape(t, in.Token(t, key), c.URL+"/demo", "demo", "customers:read customers:write")
	}
	c.CLI(t, "key", "delete", key.ClientID, "--yes")
	for _, node := range c.Nodes {
		harness.Eventually(t, harness.Propagation, "the deleted API key is refused", func() bool { return !node.Works(t, key) })
	}
	if v := c.VerifyEvents(t); !v.OK {
		t.Errorf("the events: %+v", v)
	}
}

// The example configuration of HAProxy tells nodes where a request comes from,
// and what a client claims about that counts for nothing.
func TestNodesHearFromTheProxyWhoAsks(t *testing.T) {
	t.Parallel()
	c := harness.NewCluster(t, harness.ClusterOptions{})
	elsewhere := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	c.Client.Transport = &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		_, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		return elsewhere.DialContext(ctx, network, "127.0.0.1:"+port)
	}}
	r := harness.NewRequest(t, http.MethodGet, c.URL+"/demo/oauth/jwks", "")
	r.Header.Set("X-Forwarded-For", "203.0.113.9")
	if a := c.Do(t, r); a.Status != http.StatusOK {
		t.Fatalf("the JWKS is answered %d", a.Status)
	}
	harness.Eventually(t, harness.Soon, "a node has logged the request, and the address of the client", func() bool {
		records := slices.Concat(c.Nodes[0].Records(t, "request"), c.Nodes[1].Records(t, "request"))
		return slices.ContainsFunc(records, func(r map[string]any) bool { return r["address"] == "127.0.0.2" && r["status"] == float64(200) })
	})
}
