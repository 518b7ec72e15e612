package faults

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/evidence"
	"github.com/tokenwright/tokenwright/test/harness"
)

// R-31, C-168: a token that an application revokes at one node is inactive there
// at once, and soon at the other.
func TestRevokedTokensAreInactiveOnEveryNode(t *testing.T) {
	evidence.Short(t)
	c := harness.NewCluster(t, harness.ClusterOptions{})
	keys := []harness.APIKey{c.SeedKey(t)}
	for len(keys) < 20 { // so that few tokens of each are revoked one by one
		keys = append(keys, c.NewKey(t))
	}
	for _, announced := range []bool{true, false} {
		o := evidence.Row{Rule: "R-31", What: "a token is revoked at the other node"}
		if !announced {
			o.What += "; nodes hear of no change"
			end := loseNotices(t, c)
			defer end()
		}
		tokens := evidence.StartLoad(t, c.Installation, keys[0], evidence.Choose(50, 400))
		for n := range evidence.Choose(30, 500) {
			<-time.After(time.Duration(n*37%250) * time.Millisecond) // any moment between two polls
			at, other := c.Nodes[n%2], c.Nodes[1-n%2]
			revokeAndWatch(t, &o, at, other, keys[n%len(keys)])
		}
		tokens.Into(t, &o, nil)
		slices.Sort(o.Recovery)
		evidence.Within(t, "p99 until the other node knows", evidence.Quantile(o.Recovery, 0.99), usually)
		evidence.Within(t, "the longest time until the other node knows", evidence.Quantile(o.Recovery, 1), ever)
		o.Note = "time from the answer to the revocation to that of the other node's first introspection that knows"
		o.Report(t)
	}
}

// revokeAndWatch revokes a token at one node and asks the other until it knows.
func revokeAndWatch(t *testing.T, o *evidence.Row, at, other *harness.Server, key harness.APIKey) {
	t.Helper()
	token := at.Token(t, key)
	if answer := introspect(other, key, token); !strings.HasPrefix(answer, `{"active":true,`) {
		t.Errorf("before it is revoked introspection says %s", answer)
	}
	if f := evidence.Post(at.Client, at.URL+"/demo/oauth/revoke", evidence.Credentials(key, "token", token)); f.Status != http.StatusOK {
		o.Failed++
		t.Errorf("revoking: %s", f)
	}
	acknowledged := time.Now()
	o.Times++
	if answer := introspect(at, key, token); answer != inactive {
		o.Wrong++
		t.Errorf("the node that revoked says %s", answer)
	}
	for introspect(other, key, token) != inactive {
		if time.Since(acknowledged) > 3*ever {
			o.Wrong++
			t.Errorf("the other node does not know after %s", time.Since(acknowledged))
			break
		}
		<-time.After(2 * time.Millisecond)
	}
	o.Recovery = append(o.Recovery, time.Since(acknowledged))
}

const inactive = `{"active":false}`

func introspect(node *harness.Server, key harness.APIKey, token string) string {
	return evidence.Post(node.Client, node.URL+"/demo/oauth/introspect", evidence.Credentials(key, "token", token)).Body
}

// what was revoked while a node was away, or before, is inactive there
// with the first answer.
func TestRevokedTokensAreInactiveAtOnceWhereANodeStartsAgain(t *testing.T) {
	evidence.Short(t)
	c := harness.NewCluster(t, harness.ClusterOptions{})
	key := c.SeedKey(t)
	alive := c.Nodes[0].Token(t, key)
	o := evidence.Row{Rule: "R-31", What: "a node is killed, a token revoked at the other, the node started"}
	var dead []string
	for range evidence.Choose(3, 20) {
		c.Nodes[1].Kill(t)
		token := c.Nodes[0].Token(t, key)
		if f := evidence.Post(c.Nodes[0].Client, c.Nodes[0].URL+"/demo/oauth/revoke", evidence.Credentials(key, "token", token)); f.Status != http.StatusOK {
			t.Fatalf("revoking while the other node is away: %s", f)
		}
		dead = append(dead, token)
		began := time.Now()
		c.StartNode(t, 1)
		o.Times++
		o.Recovery = append(o.Recovery, time.Since(began))
		for n, token := range dead {
			if answer := introspect(c.Nodes[1], key, token); answer != inactive {
				o.Wrong++
				t.Errorf("after start %d the token revoked before start %d: %.60s", len(dead), n+1, answer)
			}
		}
		if answer := introspect(c.Nodes[1], key, alive); !strings.HasPrefix(answer, `{"active":true,`) {
			o.Wrong++
			t.Errorf("a token that nobody has revoked: %.60s", answer)
		}
	}
	o.Note = fmt.Sprintf("time until the node is ready; %d tokens inactive with the first answer", len(dead))
	o.Report(t)
}
