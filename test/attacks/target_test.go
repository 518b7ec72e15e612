package attacks

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/evidence"
	"github.com/tokenwright/tokenwright/test/harness"
)

const (
	cage = 512 << 20 // bytes that a server may have, or the kernel ends it
	most = 400 << 20 // bytes that it is to have at most
	// restless is how many goroutines a server may have more than before: connections
	// that clients keep, tasks that are at work just now.
	restless = 12
)

// target is a server under attack, with clients that have nothing to do with it.
type target struct {
	*harness.Server
	key        harness.APIKey
	row        evidence.Row
	before     met     // while nobody attacked
	goroutines float64 // then
}

// met is what clients have met.
type met struct {
	p99, longest time.Duration
	rate         float64 // tokens a second
}

// newTarget starts a server in its cage and sees what its clients meet while nobody attacks.
func newTarget(t *testing.T, rule, what string, in *harness.Installation, args ...string) *target {
	t.Helper()
	confine(t, in)
	x := &target{Server: in.Start(t, args...), row: evidence.Row{Rule: rule, What: what, Times: 1}}
	x.Seed(t)
	x.key = x.CreateKey(t, "demo")
	x.AwaitKeys(t, x.key)
	x.before = x.clients(t, func() { <-time.After(evidence.Lasting(time.Second, time.Minute)) })
	x.goroutines = x.Metric(t, "go_goroutines")
	return x
}

// confine keeps the servers of an installation to their memory. In short a run goes
// on where the machine cannot.
func confine(t *testing.T, in *harness.Installation) {
	t.Helper()
	if in.Confine(t, cage) {
		return
	}
	if evidence.Full() {
		t.Fatal("this machine has no control group of memory that can be written to: it takes root on Linux")
	}
	t.Log("this machine has no control group of memory that can be written to: the server may have as much as there is")
}

// clients asks for tokens as long as something lasts.
func (x *target) clients(t *testing.T, during func()) met {
	t.Helper()
	began := time.Now()
	l := evidence.StartLoad(t, x.Installation, x.key, evidence.Choose(50, 200))
	during()
	rate := time.Since(began).Seconds()
	l.Into(t, &x.row, nil)
	slices.Sort(l.Waits)
	return met{evidence.Quantile(l.Waits, 0.99), evidence.Quantile(l.Waits, 1), float64(l.Issued) / rate}
}

// attacked lets an attack go on until it ends, as its context does after so long. No
// client may fail meanwhile, and the server has to stay within its bounds. It returns
// what the clients have met, for the caller to judge.
func (x *target) attacked(t *testing.T, long time.Duration, attack func(context.Context)) met {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), long)
	defer cancel()
	files := 0
	meanwhile := x.clients(t, func() {
		over := make(chan struct{})
		go func() {
			defer close(over)
			attack(ctx)
		}()
		for x.Running() {
			files = max(files, x.Usage(t).Files)
			select {
			case <-over:
				return
			case <-time.After(250 * time.Millisecond):
			}
		}
		cancel()
		<-over
	})
	if !x.Running() {
		t.Fatalf("the server has ended: %s", x.Process.ProcessState)
	}
	u := x.Usage(t)
	atMost(t, &x.row, "most memory", mib(u.Peak), "MiB", mib(most))
	atMost(t, &x.row, "most files open", float64(files), "", float64(u.FilesMost))
	return meanwhile
}

// slower holds the p99 of tokens against twice what it is otherwise.
func (x *target) slower(t *testing.T, meanwhile met) {
	t.Helper()
	x.row.AtMost(t, "p99 of tokens meanwhile", evidence.MS(meanwhile.p99), "ms", 2*evidence.MS(x.before.p99))
	x.row.Tell("otherwise", evidence.MS(x.before.p99), "ms")
}

// report waits until nothing of the attack is left, and ends the row.
func (x *target) report(t *testing.T) {
	t.Helper()
	x.Client.CloseIdleConnections()
	var now float64
	harness.Eventually(t, 90*time.Second, "the server has no goroutine of the attack any more", func() bool {
		now = x.Metric(t, "go_goroutines")
		return now <= x.goroutines+restless
	})
	x.row.Tell("goroutines afterwards", now, "")
	x.row.Tell("and before", x.goroutines, "")
	x.row.Report(t)
}

// atMost is AtMost for what a busy machine does not change: it is judged in short too.
func atMost(t *testing.T, row *evidence.Row, name string, value float64, unit string, most float64) {
	t.Helper()
	row.AtMost(t, name, value, unit, most)
	if !evidence.Full() && value > most {
		t.Errorf("%s: %s is %g %s, more than %g", row.What, name, value, unit, most)
	}
}

func mib(bytes int) float64 { return float64(bytes) / (1 << 20) }
