package load

import (
	"fmt"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/evidence"
	"github.com/tokenwright/tokenwright/test/harness"
)

// with other signatures than the default's there are as many tokens as their
// cost lets one expect.
func TestANodeIssuesTokensWithOtherAlgorithms(t *testing.T) {
	for _, c := range []struct {
		algorithm string
		rate      int
	}{{"RS256", evidence.Choose(100, 700)}, {"EdDSA", evidence.Choose(300, 2500)}} {
		t.Run(c.algorithm, func(t *testing.T) {
			evidence.Short(t)
			in := harness.New(t)
			in.Configure(t, "environments: {demo: {algorithm: "+c.algorithm+"}}\n")
			s := in.Start(t, unlimited...)
			keys := newKeys(t, manager(t, in), evidence.Choose(20, 500))
			if alg := harness.Part(t, in.Token(t, keys[0]), 0)["alg"]; alg != c.algorithm {
				t.Fatalf("tokens are signed with %v", alg)
			}
			long := evidence.Lasting(2*time.Second, 5*time.Minute)
			o := evidence.Row{Rule: "R-04", What: fmt.Sprintf("%d tokens a second for %s (%s)", c.rate, long, c.algorithm)}
			l := evidence.Plan{At: []*harness.Installation{in}, Keys: keys, Rate: c.rate, Check: verifier(t, in, s.URL)}.Start(t)
			last(long)
			into(t, l, &o, c.rate, long, bars{50 * time.Millisecond, 150 * time.Millisecond})
			o.Report(t)
		})
	}
}
