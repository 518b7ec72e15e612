package load

import (
	"fmt"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/evidence"
	"github.com/tokenwright/tokenwright/test/harness"
)

// a node issues 500 tokens a second for eight hours, while API keys come and
// go, secrets and signing keys are replaced, tokens are revoked and people sign in.
// It ends as it was: nothing has failed, nothing grows but what it has to keep.
func TestANodeIsTheSameAfterEightHours(t *testing.T) {
	evidence.Short(t)
	in := harness.New(t)
	in.Configure(t, evidence.Choose(
		"max_staleness: 1s\njwks_max_age: 1s\nclock_skew: 1s\nsigning_key_rotation: 4s\n",
		"max_staleness: 2m\njwks_max_age: 1m\nclock_skew: 30s\nsigning_key_rotation: 10m\n"))
	s := in.Start(t, unlimited...)
	s.SetUp(t, churnEmail, churnPassword)
	m := manager(t, in)
	keys := newKeys(t, m, 50)
	in.AwaitKeys(t, keys[0])
	s.Stop(t) // a log of each request would be gigabytes, which no harness turns over
	s = in.Start(t, append([]string{"--log-level", "warn"}, unlimited...)...)

	rate, long := evidence.Choose(100, 500), evidence.Lasting(5*time.Second, 8*time.Hour)
	o := evidence.Row{Rule: "R-06", What: fmt.Sprintf("%d tokens a second for %s, with API keys that come and go, rotations, revocations and sign-ins", rate, long)}
	l := evidence.Plan{At: []*harness.Installation{in}, Keys: keys, Rate: rate, Most: 50, Check: verifier(t, in, s.URL)}.Start(t)
	c := startChurn(t, s, m, evidence.Choose(100*time.Millisecond, time.Second))
	full := min(time.Hour, long/2) // until revocations are as many as tokens of an hour have
	last(full)
	before := sizes(t, in)
	w := startWatch(t, s, l, evidence.Choose(100*time.Millisecond, 10*time.Second))
	last(long - full)
	w.end()
	after := sizes(t, in)
	o.Failed += c.end()
	into(t, l, &o, rate, long, bars{})
	if c.rounds == 0 {
		t.Errorf("%d API keys have come and gone: this run has tested nothing", c.rounds)
	}
	o.Tell("API keys that came and went", float64(c.rounds), "")
	w.into(t, &o, long)
	grown(t, &o, before, after)
	o.Report(t)
}

// grown holds the growth of the database against that of its records.
func grown(t *testing.T, o *evidence.Row, before, after map[string]int) {
	t.Helper()
	total, kept := 0, 0
	byTable := map[string]int{}
	for table, size := range after {
		more := size - before[table]
		total += more
		if more != 0 {
			byTable[table] = more
		}
		if records[table] {
			kept += more
		}
	}
	const kib = 1 << 10
	o.Detail = map[string]any{"growth in bytes by table": byTable}
	o.Tell("growth of the database", float64(total)/kib, "KiB")
	o.Tell("of it events", float64(byTable["events"])/kib, "KiB")
	o.AtMost(t, "growth beside records", float64(total-kept)/kib, "KiB", max(0.05*float64(kept)/kib, 64))
}

// records are what the product has to keep of what was done: events, and beside them
// the API keys that are gone, revocations while they matter, sign-ins, use by the hour.
var records = map[string]bool{
	"events": true, "api_keys": true, "secrets": true, "last_uses": true, "usage": true, "usage_totals": true,
	"revocations": true, "sessions": true, "signing_keys": true, "replies": true,
}
