package load

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/evidence"
	"github.com/tokenwright/tokenwright/test/harness"
)

// noticed is when a node has told an overload from a burst; until then some wait for longer.
const noticed = 1500 * time.Millisecond

// R-07, C-558: a node that is asked for twice as many tokens as it can issue issues
// nearly as many as ever. All others hear of it at once, and what makes no work is
// answered: probes, keys, metrics. Once it is over all is as before. The short run
// is alone, for others would be overloaded too. Of other algorithms, to refuse a token
// costs half of one, so that nothing is left of it (docs/decisions/0041).
func TestANodeThatIsAskedForTooMuchIssuesWhatItCan(t *testing.T) {
	in := harness.New(t)
	in.Environ = []string{"GOMAXPROCS=1"} // the other one is the generator's
	in.Configure(t, "environments: {demo: {algorithm: RS256}}\n")
	s := in.Start(t, unlimited...)
	plan := evidence.Plan{At: []*harness.Installation{in}, Keys: newKeys(t, manager(t, in), 20)}
	most := mostOf(t, plan)
	long := evidence.Lasting(2500*time.Millisecond, 5*time.Minute)
	plan.Rate = max(int(2*most), evidence.Choose(3000, 0)) // more than one processor can, whatever it was busy with before
	o := evidence.Row{Rule: "R-07", What: fmt.Sprintf("%d tokens a second asked for, of a node on one processor that can issue %.0f (RS256), for %s", plan.Rate, most, long), Times: 1}

	plan.Allowed = evidence.Failure.Unavailable
	l := plan.Start(t)
	stop := others(t, &o, s)
	last(noticed)
	early := l.Refusals()
	last(long - noticed)
	overloaded := s.Metric(t, "tokenwright_overloaded")
	stop()
	l.Into(t, &o, nil)
	ended := time.Now()
	if len(l.Refused) == 0 || overloaded != 1 {
		t.Errorf("%d are refused, and tokenwright_overloaded is %g: this run has tested nothing", len(l.Refused), overloaded)
	}
	perSecond := float64(l.Issued) / long.Seconds()
	q := evidence.Quantiles(l.Refused[early:], 0.5, 0.99)
	o.AtLeast(t, "issued, of what it can", perSecond/most, "", 0.8)
	o.AtMost(t, "p99 of refusals", evidence.MS(q[1]), "ms", 100)
	o.Tell("issued", perSecond, "a second")
	o.Tell("refused", float64(len(l.Refused))/long.Seconds(), "a second")
	o.Tell("p50 of refusals", evidence.MS(q[0]), "ms")
	o.Tell("p99 of tokens", evidence.MS(evidence.Quantiles(l.Waits, 0.99)[0]), "ms")

	plan.Rate, plan.Allowed = int(most/3), nil
	after := plan.Start(t)
	o.Recovers(t, after.Recovered(t, ended).Sub(ended), 5*time.Second)
	after.End()
	harness.Eventually(t, harness.Soon, "the node says that it is no longer overloaded", func() bool { return s.Metric(t, "tokenwright_overloaded") == 0 })
	o.Report(t)
}

// mostOf is how many tokens the node issues in a second where it has always something
// to do, and nobody waits for long.
func mostOf(t *testing.T, plan evidence.Plan) float64 {
	t.Helper()
	o := evidence.Row{What: "as many tokens as there can be"}
	plan.Eager = 16
	long := evidence.Lasting(500*time.Millisecond, time.Minute)
	l := plan.Start(t)
	last(long)
	l.Into(t, &o, nil)
	if o.Failed+o.Wrong > 0 {
		t.Fatal("a node that is busy refuses")
	}
	return float64(l.Issued) / long.Seconds()
}

// others asks for what an overloaded node answers all the same.
func others(t *testing.T, o *evidence.Row, s *harness.Server) (stop func()) {
	t.Helper()
	end := make(chan struct{})
	var done sync.WaitGroup
	var waits []time.Duration
	done.Go(func() {
		for {
			for _, url := range []string{s.URL + "/healthz", s.URL + "/readyz", s.URL + "/demo/oauth/jwks", s.MetricsURL} {
				select {
				case <-end:
					return
				case <-time.After(50 * time.Millisecond):
				}
				began := time.Now()
				resp, err := s.Client.Get(url)
				if err != nil || resp.StatusCode != http.StatusOK {
					o.Failed++
					t.Errorf("%s: %s is not answered: %v, %v", o.What, url, resp, err)
					continue
				}
				_ = resp.Body.Close()
				waits = append(waits, time.Since(began))
			}
		}
	})
	return func() {
		close(end)
		done.Wait()
		o.Requests += len(waits)
		o.Tell("p99 of probes, keys and metrics", evidence.MS(evidence.Quantiles(waits, 0.99)[0]), "ms")
	}
}
