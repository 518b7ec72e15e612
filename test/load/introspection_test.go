package load

import (
	"fmt"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/evidence"
	"github.com/tokenwright/tokenwright/test/harness"
)

// 2,500 introspections a second, of different tokens, each answered with the
// token's own claims.
func TestANodeIntrospectsTokens(t *testing.T) {
	evidence.Short(t)
	s := harness.Start(t, unlimited...)
	keys := newKeys(t, manager(t, s.Installation), 20)
	// So many that a server which keeps what it has seen sees most of them anew.
	var asks []*evidence.Question
	for n := range evidence.Choose(200, 20_000) {
		key := keys[n%len(keys)]
		f := evidence.Post(s.Client, s.URL+"/demo/oauth/token", evidence.Credentials(key, "grant_type", "client_credentials"))
		token := evidence.TokenOf(f.Body, key)
		if token == "" {
			t.Fatalf("a token request failed: %s", f)
		}
		if n%500 == 0 {
			harness.NoteToken(token)
		}
		asks = append(asks, evidence.IntrospectQuestion(key, token))
	}
	rate, long := evidence.Choose(500, 2500), evidence.Lasting(2*time.Second, 10*time.Minute)
	o := evidence.Row{Rule: "R-05", What: fmt.Sprintf("%d introspections a second of %d tokens for %s", rate, len(asks), long)}
	l := evidence.Plan{At: []*harness.Installation{s.Installation}, Asks: asks, Rate: rate}.Start(t)
	last(long)
	into(t, l, &o, rate, long, bars{p99: 40 * time.Millisecond})
	o.Report(t)
}
