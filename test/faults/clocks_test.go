package faults

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/postgrestest"
	"github.com/tokenwright/tokenwright/test/evidence"
	"github.com/tokenwright/tokenwright/test/harness"
)

// clocks are two nodes on one database. The clock of the first is right, that of the
// second is the test's.
type clocks struct {
	*harness.Installation
	right, off *harness.Server
	clock      *harness.WallClock
}

func startClocks(t *testing.T) *clocks {
	t.Helper()
	binary := harness.BuildWithWallClock(t)
	c := &clocks{Installation: harness.NewOnPostgres(t, postgrestest.Start(t))}
	c.Binary, c.Public = binary, c.URL
	c.Configure(t, "shutdown_delay: 0s\n")
	c.right = c.Node(t).Start(t)
	off := c.Node(t)
	c.clock = off.SetWallClock(t, 0)
	c.off = off.Start(t)
	c.Seed(t)
	c.CLI(t, "merchant", "update", "4259", "--key-limit", "1000")
	return c
}

// newKey makes an API key that works on both nodes.
func (c *clocks) newKey(t *testing.T) harness.APIKey {
	t.Helper()
	key := c.CreateKey(t, "demo")
	c.right.AwaitKeys(t, key)
	c.off.AwaitKeys(t, key)
	return key
}

// restart starts a node again, which does at its start what else it does every minute.
func restart(t *testing.T, s *harness.Server) *harness.Server {
	t.Helper()
	s.Stop(t)
	return s.Installation.Start(t)
}

// the clock of a node is off, or is set while it is at work. It goes on: tokens
// live for as long as they say, are good elsewhere within the leeway, and what ends at
// one node ends at the other, whichever clock it was ended by. Metric and log tell.
// Once the clock is right, so is all else.
func TestAClockThatIsOffOrJumpsEndsNothingAndKeepsNothingAlive(t *testing.T) {
	evidence.Short(t)
	c := startClocks(t)
	key := c.newKey(t)
	tokens := evidence.StartLoad(t, c.off.Installation, key, evidence.Choose(50, 200))
	o := evidence.Row{Rule: "R-37", What: "the clock of a node is set while it is at work"}
	before := c.right.Token(t, key)
	for _, off := range evidence.Choose([]time.Duration{30 * time.Second, -time.Hour, 0},
		[]time.Duration{30 * time.Second, -30 * time.Second, 5 * time.Minute, -5 * time.Minute, time.Hour, -time.Hour, 0}) {
		c.clock.Jump(t, off)
		harness.Eventually(t, harness.Soon, "the metrics tell how far the clock is off", func() bool {
			skew := time.Duration(c.off.Metric(t, "tokenwright_database_clock_skew_seconds") * float64(time.Second))
			wall := time.Unix(int64(c.off.Metric(t, "tokenwright_time_seconds")), 0)
			return (skew-off).Abs() < 5*time.Second && (time.Until(wall)-off).Abs() < 5*time.Second
		})
		o.Times++
		c.endsActEverywhere(t, &o)
		if age := c.off.Metric(t, "tokenwright_directory_age_seconds"); age < 0 || age > harness.Propagation.Seconds() {
			t.Errorf("%s: the directory is %g s old", off, age)
		}
		alive := c.off.Ask(t, c.off.URL+"/demo/oauth/token", key.ClientID, key.ClientSecret)
		part := harness.Part(t, alive.AccessToken, 1)
		if life := number(t, part["exp"]) - number(t, part["iat"]); alive.ExpiresIn != life || life != 3600 {
			t.Errorf("%s: a token says that it expires in %d s, and lives for %d", off, alive.ExpiresIn, life)
		}
		if off.Abs() > time.Minute {
			continue
		}
		for _, answer := range []string{introspect(c.right, key, alive.AccessToken), introspect(c.off, key, c.right.Token(t, key)), introspect(c.off, key, before)} {
			if answer == inactive {
				o.Wrong++
				t.Errorf("%s: a token that is alive is inactive at the other node", off)
			}
		}
	}
	tokens.Into(t, &o, nil)
	o.Report(t)
}

func number(t *testing.T, v any) int {
	t.Helper()
	n, err := strconv.Atoi(fmt.Sprint(v))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// endsActEverywhere ends tokens, and an API key, by the clock of each node, and asks
// both nodes.
func (c *clocks) endsActEverywhere(t *testing.T, o *evidence.Row) {
	t.Helper()
	both := []*harness.Server{c.right, c.off}
	for _, at := range both {
		key := c.newKey(t)
		var dead []string
		for _, by := range both {
			token := by.Token(t, key)
			at.PostToken(t, "/demo/oauth/revoke", key, token)
			dead = append(dead, token, by.Token(t, key)) // the other one ends with its generation
		}
		at.CLI(t, "key", "disable", key.ClientID) // a command goes by the clock of that node
		at.CLI(t, "key", "enable", key.ClientID)
		for _, node := range both {
			harness.Eventually(t, harness.Propagation, "the API key works again", func() bool { return node.Works(t, key) })
			for _, token := range dead {
				harness.Eventually(t, harness.Propagation, "a token that was ended is inactive", func() bool { return introspect(node, key, token) == inactive })
			}
			if introspect(node, key, node.Token(t, key)) == inactive {
				o.Wrong++
				t.Errorf("%s: a new token of an API key that was stopped for a moment is inactive", o.What)
			}
		}
		at.CLI(t, "key", "delete", key.ClientID, "--yes")
		for _, node := range both {
			harness.Eventually(t, harness.Propagation, "a deleted API key is refused", func() bool { return node.Refuses(t, key) })
		}
	}
}

// a clock that is far ahead brings no token back to life that was revoked,
// though by it the token has long expired, and nothing need be kept of it; nor does it
// exchange signing keys, which by it are overdue.
func TestAClockThatIsAheadForgetsNoRevocation(t *testing.T) {
	evidence.Short(t)
	c := startClocks(t)
	key := c.newKey(t)
	token := c.right.Token(t, key)
	c.right.PostToken(t, "/demo/oauth/revoke", key, token)
	for _, node := range []*harness.Server{c.right, c.off} {
		harness.Eventually(t, harness.Propagation, "the token is inactive", func() bool { return introspect(node, key, token) == inactive })
	}
	keys := string(c.right.Get(t, c.right.URL+"/demo/oauth/jwks").Body)
	c.clock.Jump(t, 100*24*time.Hour)
	c.off = restart(t, c.off)
	harness.Eventually(t, harness.Soon, "what has expired is removed, as at each start", func() bool {
		return strings.Contains(string(c.off.Get(t, c.off.MetricsURL).Body), `tokenwright_task_runs_total{outcome="done",task="removing_revocations_that_have_ended"} 1`)
	})
	if len(c.off.Records(t, "the clocks of this node and of the database differ")) != 1 {
		t.Error("the log does not tell once that the clock is off")
	}
	harness.Eventually(t, harness.Soon, "signing keys are looked at for the third time", func() bool {
		return strings.Contains(string(c.off.Get(t, c.off.MetricsURL).Body), `tokenwright_task_runs_total{outcome="done",task="tending_the_signing_keys"} 3`)
	})
	c.clock.Jump(t, 0)
	c.right, c.off = restart(t, c.right), restart(t, c.off)
	for _, node := range []*harness.Server{c.right, c.off} {
		if answer := introspect(node, key, token); answer != inactive {
			t.Errorf("a revoked token is %v", answer)
		}
		if now := string(node.Get(t, node.URL+"/demo/oauth/jwks").Body); now != keys {
			t.Errorf("signing keys were exchanged: %s", now)
		}
	}
}

// time goes on where clocks are set for summer or winter, at the end of 32 bits,
// and where a year is no leap year. What was issued before is good afterwards, and ends
// when it said.
func TestTimeGoesOnWhereCalendarsDoNot(t *testing.T) {
	evidence.Short(t)
	binary := harness.BuildWithWallClock(t)
	for _, moment := range []string{
		"2027-03-28T01:00:00Z", // summer begins in Berlin
		"2027-10-31T01:00:00Z", // and ends: an hour comes twice
		"2038-01-19T03:14:08Z", // 1 << 31
		"2100-03-01T00:00:00Z",
		"2106-02-07T06:28:16Z", // 1 << 32
	} {
		t.Run(moment, func(t *testing.T) {
			t.Parallel()
			at, err := time.Parse(time.RFC3339, moment)
			if err != nil {
				t.Fatal(err)
			}
			in := harness.New(t)
			in.Binary = binary
			in.Configure(t, "shutdown_delay: 0s\n")
			in.Environ = append(in.Environ, "TZ=Europe/Berlin")
			off := at.Add(-time.Minute).Sub(time.Now().Truncate(time.Second))
			clock := in.SetWallClock(t, off)
			s := in.Start(t)
			s.Seed(t)
			key := s.CreateKey(t, "demo")
			s.AwaitKeys(t, key)
			old := s.Token(t, key)
			clock.Jump(t, off+2*time.Minute)
			harness.Eventually(t, harness.Soon, "the clock is behind the moment", func() bool {
				return s.Metric(t, "tokenwright_time_seconds") >= float64(at.Unix())
			})
			if a := s.Ask(t, s.URL+"/demo/oauth/token", key.ClientID, key.ClientSecret); a.ExpiresIn != 3600 {
				t.Errorf("a token expires in %d s", a.ExpiresIn)
			}
			for _, token := range []string{old, s.Token(t, key)} {
				if introspect(s, key, token) == inactive {
					t.Error("a token that is alive is inactive")
				}
			}
			s.AwaitKeys(t, s.CreateKey(t, "demo"))
			in.CLI(t, "event", "verify")
			s = restart(t, s)
			if introspect(s, key, old) == inactive {
				t.Error("a token from before the moment is inactive after a restart behind it")
			}
			clock.Jump(t, off+63*time.Minute) // the leeway included, it has expired
			harness.Eventually(t, harness.Soon, "the token from before has expired", func() bool { return introspect(s, key, old) == inactive })
		})
	}
}
