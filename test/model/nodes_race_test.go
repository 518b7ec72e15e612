package model

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/test/evidence"
)

// longest is how long a call may take, which waits for those of 49 others.
const longest = time.Second

// R-33, C-184, C-191, C-228: two nodes create, enable, disable and delete API
// keys, rotate secrets and signing keys and revoke tokens, all at once. There is
// an order in which all their answers are right, limits hold at every moment,
// and each change has its event.
func TestTwoNodesOnPostgreSQLAnswerAsIfOneDidOneThingAfterTheOther(t *testing.T) {
	race(t, "PostgreSQL", onPostgres, rounds())
}

// calls that fail have done what they were asked for, wholly, or
// nothing of it.
func TestTwoNodesWhoseSessionsAreEndedAnswerAsIfOneDidOneThingAfterTheOther(t *testing.T) {
	race(t, "PostgreSQL, whose sessions are ended", onFailingPostgres, rounds()/4)
}

func TestTwoHandlesOfSQLiteAnswerAsIfOneDidOneThingAfterTheOther(t *testing.T) {
	race(t, "SQLite", onSQLite, rounds()/4)
}

// generation is for how many rounds one installation serves: signing keys that
// are over stay in the database, and a year's worth of them in every round would
// be another test.
const generation = 100

func race(t *testing.T, on string, open func(*testing.T) *installation, rounds int) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	sum := tally{on: on}
	for n := 0; n < rounds && !t.Failed(); n += generation {
		raceOn(t, open(t), seed+uint64(n), min(rounds-n, generation), &sum)
	}
	t.Log(sum.table())
	sum.judge(t)
	sum.report(t)
}

func raceOn(t *testing.T, in *installation, seed uint64, rounds int, sum *tally) {
	_, err := in.nodes[0].CreateScope(t.Context(), somebody, authority.Scope{Name: scope})
	must(t, err)
	events := newEventHistory(t, in)
	standing := in.newKey(t, "standing")
	for n := 0; n < rounds && !t.Failed(); n++ {
		in.ripen(t)
		r := in.newRound(t, n, standing)
		endLooking, endHarm := r.watch(n%2), func() {}
		if in.disturb != nil {
			endHarm = in.disturb(r)
		}
		r.run(seed + uint64(n))
		endHarm()
		sum.looks += endLooking()
		r.listAll()
		r.holdEvents(events.read(t, in.stores[n%2]))
		r.holdOrder()
		r.holdAgreement()
		sum.add(r)
	}
	sum.events += events.total
	head, err := in.nodes[1].VerifyEvents(t.Context(), nil, nil)
	must(t, err)
	if head.Seq != events.seq {
		t.Errorf("the chain of the events ends with %d, not %d", head.Seq, events.seq)
	}
}

// newKey makes an API key of a merchant of its own, which both nodes know.
func (in *installation) newKey(t *testing.T, id authority.MerchantID) *apiKey {
	t.Helper()
	_, err := in.nodes[0].CreateMerchant(t.Context(), somebody, authority.NewMerchant{ID: id, Name: string(id)})
	must(t, err)
	created, secret, err := in.nodes[0].CreateAPIKey(t.Context(), somebody, authority.NewAPIKey{
		MerchantID: id, Env: demo, Name: "Standing", Scopes: []string{scope},
	})
	must(t, err)
	k := &apiKey{"standing", created.ID, secret}
	eventually(t, "the API key works at the other node", func() bool { return k.works(in.nodes[1]) })
	return k
}

// newRound makes the merchants of a round: those that both nodes change with
// two API keys, so that the limit is near, the others with as many as may be.
func (in *installation) newRound(t *testing.T, n int, standing *apiKey) *round {
	t.Helper()
	r := &round{installation: in, t: t, n: n, standing: standing}
	for i := range shared + owned {
		m := &merchant{id: authority.MerchantID(fmt.Sprintf("r%dm%d", n, i)), own: i >= shared}
		r.merchants = append(r.merchants, m)
		// The node that works on it alone makes it: so it knows it.
		w := &worker{round: r, n: workers + i, node: i % 2}
		_, err := w.authority().CreateMerchant(t.Context(), somebody, authority.NewMerchant{ID: m.id, Name: "Contended"})
		must(t, err)
		for range map[bool]int{false: 2, true: limit}[m.own] {
			w.create(m)
		}
		if len(m.made) < 2 {
			t.Fatalf("merchant %s has %d API keys", m.id, len(m.made))
		}
	}
	return r
}

// listAll looks once more what there is, after everything.
func (r *round) listAll() {
	for i, m := range r.merchants {
		w := &worker{round: r, n: 2*workers + i, node: i % 2}
		w.do(list, m, "", func(ctx context.Context, _ authority.Actor, o *operation) error { return w.list(ctx, m, o) })
	}
}

// tally is what a run has found.
type tally struct {
	on                    string
	disturbed             bool
	rounds, looks, events int
	took                  map[action][]time.Duration
	results               map[action]map[result]int
}

func (s *tally) add(r *round) {
	s.rounds++
	s.disturbed = r.disturb != nil
	if s.took == nil {
		s.took, s.results = map[action][]time.Duration{}, map[action]map[result]int{}
	}
	for _, o := range r.ops {
		s.took[o.action] = append(s.took[o.action], o.ret.Sub(o.call))
		if s.results[o.action] == nil {
			s.results[o.action] = map[result]int{}
		}
		s.results[o.action][o.result]++
	}
}

func (s *tally) table() string {
	var out strings.Builder
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\ncall\tcalls\tanswers\tp50\tp99\tmax")
	for _, a := range []action{
		create, enable, disable, remove, list, use, rotateSecret, rotateSigningKey, revokeSigningKey, tendSigningKeys,
		writeUsage, revokeToken,
	} {
		took := s.took[a]
		if len(took) == 0 {
			continue
		}
		slices.Sort(took)
		var answers []string
		for r, n := range s.results[a] {
			answers = append(answers, fmt.Sprintf("%d %s", n, r))
		}
		slices.SortFunc(answers, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b)) })
		at := func(q float64) time.Duration { return took[int(q*float64(len(took)-1))].Round(time.Microsecond) }
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%s\n", a, len(took), strings.Join(answers, ", "), at(0.5), at(0.99), at(1))
	}
	_ = w.Flush() // into memory
	fmt.Fprintf(&out, "%d rounds of %d workers, %d events; every invariant looked at %d times from outside", s.rounds, workers, s.events, s.looks)
	return out.String()
}

// report says what the run was; what was not as it should be has failed the test. In
// full, nobody may have waited long.
func (s *tally) report(t *testing.T) {
	t.Helper()
	row := evidence.Row{Rule: "R-33", What: fmt.Sprintf("%d workers at two nodes change the same things at once (%s)", workers, s.on), Times: s.rounds}
	slowest := time.Duration(0)
	for _, took := range s.took {
		row.Requests += len(took)
		slowest = max(slowest, slices.Max(took))
	}
	row.Tell("events", float64(s.events), "")
	row.Tell("looks from outside", float64(s.looks), "")
	if s.disturbed {
		row.Tell("longest call", evidence.MS(slowest), "ms")
	} else {
		row.AtMost(t, "longest call", evidence.MS(slowest), "ms", evidence.MS(longest))
	}
	row.Report(t)
}

// judge holds that the run has tested what it is for and, in full, that everybody had
// an answer.
func (s *tally) judge(t *testing.T) {
	t.Helper()
	for a, r := range map[action]result{
		create: atLimit, enable: done, remove: done, use: refused, rotateSecret: done, rotateSigningKey: done, revokeToken: done,
	} {
		if s.results[a][r] == 0 {
			t.Errorf("no answer to %s was ever: %s; this run has tested too little", a, r)
		}
	}
	if s.looks == 0 {
		t.Error("nobody has looked")
	}
	if s.disturbed && s.results[create][unknown] == 0 {
		t.Error("no creation has ever failed; this run has tested too little")
	}
	if !evidence.Full() || s.disturbed {
		return
	}
	for a := range s.took {
		if n := s.results[a][unknown]; n > 0 {
			t.Errorf("%d calls to %s had no answer", n, a)
		}
	}
}
