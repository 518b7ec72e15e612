package e2e

import (
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
