package load

import (
	"fmt"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/evidence"
	"github.com/tokenwright/tokenwright/test/harness"
)

// applications that connect, by TLS, for every single token.
func TestEachTokenMayComeOnAConnectionOfItsOwn(t *testing.T) {
	evidence.Short(t)
	in := harness.New(t)
	in.ServeTLS(t)
	s := in.Start(t, unlimited...)
	keys := newKeys(t, manager(t, in), 20)

	rate, long := evidence.Choose(100, 300), evidence.Lasting(2*time.Second, 5*time.Minute)
	o := evidence.Row{Rule: "R-03", What: fmt.Sprintf("%d tokens a second for %s, each on a new connection by TLS", rate, long)}
	l := evidence.Plan{At: []*harness.Installation{in}, Keys: keys, Rate: rate, Fresh: true, Check: verifier(t, in, s.URL)}.Start(t)
	last(long)
	into(t, l, &o, rate, long, bars{p99: 150 * time.Millisecond})
	o.Report(t)
}
