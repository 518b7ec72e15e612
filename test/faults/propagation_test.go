package faults

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tokenwright/tokenwright/test/evidence"
	"github.com/tokenwright/tokenwright/test/harness"
)

// How late a change that was acknowledged may act on other nodes: of a hundred
// times ninety-nine, and ever.
const (
	usually = time.Second
	ever    = harness.Propagation
)

// ending is a way in which an API key ends.
type ending string

const (
	deleted   ending = "deleted"
	disabled  ending = "disabled"
	suspended ending = "its merchant suspended"
)

// a command ends an API key that is in use on both nodes. From its
// exit on it takes a second, or less, until both refuse, and tokens that one of
// them has issued meanwhile are dead for whoever reads the feed of either.
func TestEndedAPIKeysAreRefusedByEveryNode(t *testing.T) {
	evidence.Short(t)
	c := harness.NewCluster(t, harness.ClusterOptions{})
	standing := c.SeedKey(t)
	for _, announced := range []bool{true, false} {
		p := &propagation{Cluster: c, standing: standing}
		p.o = evidence.Row{Rule: "R-30", What: "an API key ends while each node uses it 100 times a second"}
		if !announced {
			p.o.What += "; nodes hear of no change"
			end := loseNotices(t, c)
			defer end()
		}
		p.try(t, evidence.Choose(15, 500))
		p.report(t, announced)
	}
}

// propagation is what many trials have found.
type propagation struct {
	*harness.Cluster
	standing harness.APIKey // nobody ends it

	mu        sync.Mutex
	o         evidence.Row
	fromStart []time.Duration // of the command
	dead      []time.Duration // until readers of the feeds knew the last token issued
	late      int             // tokens issued after the acknowledgement
	long      int             // trials in which the API key was used for six seconds more
}

// try runs so many trials, some at the same time.
func (p *propagation) try(t *testing.T, trials int) {
	lanes := evidence.Choose(1, 2)
	t.Run("trials", func(t *testing.T) { // until all are over
		for lane := range lanes {
			t.Run(fmt.Sprint(lane), func(t *testing.T) {
				t.Parallel()
				for n := lane; n < trials && !t.Failed(); n += lanes {
					p.trial(t, n)
				}
			})
		}
	})
}

// trial makes an API key, uses it on every node, and ends it.
func (p *propagation) trial(t *testing.T, n int) {
	how := []ending{deleted, disabled, suspended}[n%3]
	merchant := "4259"
	if how == suspended {
		merchant = fmt.Sprint(100_000 + int64(rand.IntN(1_000_000_000)))
		p.CLI(t, "merchant", "create", "--id", merchant, "--name", "Suspended soon")
	}
	key := p.CreateKeyOf(t, merchant, "demo")
	var users []*user
	for _, node := range p.Nodes {
		harness.Eventually(t, ever, "a new API key works on every node", func() bool { return node.Works(t, key) })
		users = append(users, use(node, key))
	}
	<-time.After(50*time.Millisecond + rand.N(200*time.Millisecond)) // any moment between two polls
	began := time.Now()
	p.CLI(t, map[ending][]string{
		deleted: {"key", "delete", key.ClientID, "--yes"}, disabled: {"key", "disable", key.ClientID}, suspended: {"merchant", "suspend", merchant},
	}[how]...)
	acknowledged := time.Now()
	var tokens []string
	for _, u := range users {
		u.awaitRefusals(acknowledged.Add(3 * ever))
		tokens = append(tokens, u.tokensSince(acknowledged)...)
	}
	dead := p.readersKnow(t, acknowledged, tokens)
	long := n%30 == 0
	if long { // no use makes it live longer
		<-time.After(time.Until(acknowledged.Add(ever + time.Second)))
	}
	for _, u := range users {
		u.end()
	}
	p.judge(t, how, began, acknowledged, users)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dead = append(p.dead, dead)
	p.late += len(tokens) - len(users)
	if long {
		p.long++
	}
}

// judge takes in what the users of one API key have met.
func (p *propagation) judge(t *testing.T, how ending, began, acknowledged time.Time, users []*user) {
	t.Helper()
	last := acknowledged
	for _, u := range users {
		for _, use := range u.uses {
			switch {
			case use.token == "" && use.failure.Status != 401:
				p.count(&p.o.Failed)
				t.Errorf("%s: a token request failed at %s", how, use.failure)
			case use.token == "" && use.answered.Before(began):
				p.count(&p.o.Wrong)
				t.Errorf("%s: it was refused %s before that began", how, began.Sub(use.answered))
			case use.token != "" && use.asked.Sub(acknowledged) > ever:
				p.count(&p.o.Wrong)
				t.Errorf("%s: it was used %s after that was acknowledged", how, use.asked.Sub(acknowledged))
			}
			if use.token != "" && use.answered.After(last) {
				last = use.answered
			}
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.o.Times++
	p.o.Requests += len(users[0].uses) + len(users[1].uses)
	p.o.Recovery = append(p.o.Recovery, last.Sub(acknowledged))
	p.fromStart = append(p.fromStart, last.Sub(began))
}

func (p *propagation) count(n *int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	*n++
}

// readersKnow waits until whoever reads the feed of either node takes none of
// the tokens, and returns how long after then that is. A token of another API
// key stays alive for them.
func (p *propagation) readersKnow(t *testing.T, then time.Time, tokens []string) time.Duration {
	t.Helper()
	alive := p.Nodes[0].Token(t, p.standing)
	for _, node := range p.Nodes {
		for {
			r := newFeedReader(t, node)
			if err := r.judge(t, alive); err != nil {
				t.Errorf("readers of the feed refuse the token of an API key that works: %v", err)
			}
			if !slices.ContainsFunc(tokens, func(token string) bool { return r.judge(t, token) == nil }) {
				break
			}
			if time.Since(then) > 3*ever {
				t.Errorf("readers of the feed take a token of an API key that has ended %s ago", time.Since(then))
				break
			}
			<-time.After(20 * time.Millisecond)
		}
	}
	return time.Since(then)
}

// report judges the times and adds the row.
func (p *propagation) report(t *testing.T, announced bool) {
	t.Helper()
	for _, list := range [][]time.Duration{p.o.Recovery, p.fromStart, p.dead} {
		slices.Sort(list)
	}
	if len(p.o.Recovery) == 0 {
		t.Fatal("no trial has ended")
	}
	evidence.Within(t, "p99 until every node refuses", evidence.Quantile(p.o.Recovery, 0.99), usually)
	evidence.Within(t, "the longest time until every node refuses", evidence.Quantile(p.o.Recovery, 1), ever)
	evidence.Within(t, "the longest time until readers of the feed know", evidence.Quantile(p.dead, 1), ever)
	if p.late == 0 && !announced {
		t.Error("no node has issued a token after the acknowledgement: whether it is dead was not tested")
	}
	p.o.Note = fmt.Sprintf("time from the command's exit to the last token of either node; from its start %s / %s / %s; "+
		"%d tokens issued after the exit, dead in both feeds %s / %s / %s after it; used for 6 s more in %d (R-32)",
		evidence.Milliseconds(evidence.Quantile(p.fromStart, 0.5)), evidence.Milliseconds(evidence.Quantile(p.fromStart, 0.99)), evidence.Milliseconds(evidence.Quantile(p.fromStart, 1)),
		p.late, evidence.Milliseconds(evidence.Quantile(p.dead, 0.5)), evidence.Milliseconds(evidence.Quantile(p.dead, 0.99)), evidence.Milliseconds(evidence.Quantile(p.dead, 1)), p.long)
	p.o.Report(t)
}

// loseNotices ends the connections on which nodes hear of changes, as soon as
// there are any, until the test ends or the function that it returns is called:
// nodes find changes by asking alone.
func loseNotices(t *testing.T, c *harness.Cluster) (end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	db, err := pgx.Connect(ctx, c.Postgres.URL("postgres")+"?sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	kill := func(what string) (n int) {
		err := db.QueryRow(ctx, `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
			WHERE application_name = 'tokenwright' AND state = 'idle' AND query = '`+what+`'`).Scan(&n)
		if err != nil && ctx.Err() == nil {
			t.Errorf("ending connections: %v", err)
		}
		return n
	}
	lost := kill("-- ping") // those that have long listened; no command runs yet
	var done sync.WaitGroup
	done.Go(func() {
		for ctx.Err() == nil && !t.Failed() {
			lost += kill("LISTEN tokenwright")
			<-time.After(2 * time.Millisecond)
		}
	})
	var once sync.Once
	return func() {
		once.Do(func() {
			cancel()
			done.Wait()
			_ = db.Close(context.Background()) // it is of no more use
			if lost == 0 {
				t.Error("no node has ever listened")
			}
			t.Logf("%d connections on which nodes heard of changes were ended", lost)
		})
	}
}

// R-33, C-191: of fifty commands at once, with both nodes running, three make an
// API key; both nodes know these three and no other.
func TestOfFiftyCommandsThreeCreateAnAPIKey(t *testing.T) {
	evidence.Short(t)
	c := harness.NewCluster(t, harness.ClusterOptions{})
	c.Seed(t)
	for round := range evidence.Choose(1, 10) {
		merchant := fmt.Sprint(7000 + round)
		c.CLI(t, "merchant", "create", "--id", merchant, "--name", "Contended")
		var mu sync.Mutex
		var wg sync.WaitGroup
		var made []harness.APIKey
		for range 50 {
			wg.Go(func() {
				r := createOrTryAgain(t, c, merchant)
				mu.Lock()
				defer mu.Unlock()
				if r.Code == 0 {
					made = append(made, harness.ReadKey(t, r.Stdout))
				} else if !strings.Contains(r.Stderr, atLimit) {
					t.Errorf("exit code %d: %s", r.Code, r.Stderr)
				}
			})
		}
		wg.Wait()
		there := c.Lines(t, "SELECT id FROM api_keys WHERE merchant_id = '"+merchant+"'")
		if len(made) != 3 || len(there) != 3 {
			t.Errorf("%d commands say that they made an API key, the database has %d; want 3", len(made), len(there))
		}
		for _, key := range made {
			for _, node := range c.Nodes {
				harness.Eventually(t, ever, "an API key works on every node", func() bool { return node.Works(t, key) })
			}
		}
	}
	if v := c.VerifyEvents(t); !v.OK {
		t.Errorf("event %d %s", v.Broken, v.Reason)
	}
}

// createOrTryAgain creates an API key. Where fifty processes begin at once on a
// busy machine, some do not reach the database in time, and have done nothing.
func createOrTryAgain(t *testing.T, c *harness.Cluster, merchant string) (r harness.Result) {
	t.Helper()
	for range 10 {
		r = c.Try(t, "key", "create", "--merchant", merchant, "--env", "demo", "--name", "One of fifty", "--scope", "customers:read", "-o", "json")
		if r.Code == 0 || !strings.Contains(r.Stderr, "failed to connect") {
			break
		}
	}
	return r
}
