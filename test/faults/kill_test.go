package faults

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/tokenwright/tokenwright/test/evidence"
	"github.com/tokenwright/tokenwright/test/harness"
)

// tally is one line of the table.
type tally struct {
	rounds, acknowledged int
	done, notDone        int // of those in doubt
	lost, halfDone       int
	readyAgain           []time.Duration // from exec until /readyz is ok
	refused, tokens      int
}

// R-10, C-228: server and writers are killed in the midst of their work, round
// after round. What was acknowledged stays, and nothing is there by half.
func TestKillLosesNothingAcknowledgedAndLeavesNothingHalfDone(t *testing.T) {
	harness.Need(t, "sqlite3")
	s, idle := harness.StartWithKey(t, "demo")
	w := newWork(t, s.Installation)
	w.log.add(t, acknowledgement{Created: idle.ClientID, Secret: idle.ClientSecret})
	var sum tally
	for sum.rounds < rounds() && !t.Failed() {
		sum.tokens += w.workUntilKilled(t, s, idle, nil)
		began := time.Now()
		s = s.Start(t)
		sum.readyAgain = append(sum.readyAgain, time.Since(began))
		sum.rounds++
		done, notDone := w.settle(t)
		sum.done, sum.notDone = sum.done+done, sum.notDone+notDone
		for _, problem := range lost(t, s.Installation, w.log) {
			sum.lost++
			t.Errorf("round %d: %s", sum.rounds, problem)
		}
		for _, problem := range halfDone(t, s.Installation) {
			sum.halfDone++
			t.Errorf("round %d: %s", sum.rounds, problem)
		}
	}
	sum.acknowledged, sum.refused = w.done, w.refused
	t.Log(sum.table("kill -9"))
	evidence.Row{Rule: "R-10", What: "kill -9 of server and commands (embedded database)", Times: sum.rounds, Requests: sum.tokens, Lost: sum.lost + sum.halfDone,
		Recovery: sum.readyAgain, Note: fmt.Sprintf("%d changes acknowledged, %d cut off", sum.acknowledged, sum.done+sum.notDone)}.Report(t)
	if sum.done+sum.notDone == 0 {
		t.Error("no operation was ever cut off: this run has tested nothing")
	}
	if sum.refused == 0 {
		t.Error("no creation was ever refused: the limit was never contended")
	}
}

func newWork(t *testing.T, in *harness.Installation) *work {
	t.Helper()
	w := &work{in: in, log: newLog(t), keys: map[string][]string{}, running: map[*exec.Cmd]bool{}}
	for m := range merchants {
		in.CLI(t, "merchant", "create", "--id", merchantID(m), "--name", "Contended")
	}
	return w
}

func merchantID(n int) string { return strconv.Itoa(n%merchants + 1) }

// workUntilKilled lets the writers work and applications ask for tokens, and
// kills the server and every command at a random moment, behind stopped, where not nil,
// which is called while all of them are stopped. It returns how many tokens were answered.
func (w *work) workUntilKilled(t *testing.T, s *harness.Server, idle harness.APIKey, stopped func()) int {
	t.Helper()
	ctx, killCommands := context.WithCancel(t.Context())
	defer killCommands()
	acknowledged := make(chan struct{}, 1)
	var tokens atomic.Int64
	var wg sync.WaitGroup
	for n := range writers {
		wg.Go(func() {
			w.write(ctx, t, merchantID(n), func() {
				select {
				case acknowledged <- struct{}{}:
				default:
				}
			})
		})
	}
	wg.Go(func() { askUntilKilled(ctx, t, s.Installation, idle, &tokens) })
	select {
	case <-acknowledged: // all are at work
	case <-time.After(time.Minute):
		t.Error("nothing was acknowledged within a minute")
	}
	<-time.After(time.Duration(rand.IntN(300)) * time.Millisecond) // any moment will do
	w.starting.Lock()                                              // no command that is not among those to be stopped
	if stopped != nil {
		w.stopAll(t, s)
		stopped()
	}
	killCommands()
	w.starting.Unlock()
	s.Kill(t)
	wg.Wait()
	s.Client.CloseIdleConnections()
	return int(tokens.Load())
}

// askUntilKilled asks for tokens all the while; each must be answered.
func askUntilKilled(ctx context.Context, t *testing.T, in *harness.Installation, key harness.APIKey, answered *atomic.Int64) {
	for {
		_, err := harness.AskOnce(in.Client, in.URL, key)
		if ctx.Err() != nil { // this one may have been cut off
			return
		}
		if err != nil {
			t.Errorf("asking for a token: %v", err)
			return
		}
		answered.Add(1)
	}
}

// settle looks what became of the operations that were cut off. Either is well;
// but what a restart has shown to be done must stay so.
func (w *work) settle(t *testing.T) (done, notDone int) {
	t.Helper()
	byID, byName := map[string]row{}, map[string]row{}
	for _, r := range readKeys(t, w.in) {
		byID[r.ID], byName[r.Name] = r, r
	}
	for _, op := range w.inDoubt {
		created, wasCreated := byName[op.name]
		switch {
		case op.name != "" && wasCreated:
			done++
			w.log.add(t, acknowledgement{Created: created.ID})
			w.keys[op.merchant] = append(w.keys[op.merchant], created.ID)
		case op.id != "" && byID[op.id].Status == "deleted":
			done++
			w.log.add(t, acknowledgement{Deleted: op.id})
		default:
			notDone++
			if op.id != "" {
				w.keys[op.merchant] = append(w.keys[op.merchant], op.id)
			}
		}
	}
	w.inDoubt = nil
	return done, notDone
}

// table shows what a run has found.
func (s *tally) table(fault string) string {
	slices.Sort(s.readyAgain)
	var out strings.Builder
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nfault\trounds\toperations acknowledged\tin doubt (done / not done)\tlost\thalf-done\tready again (median, max)")
	fmt.Fprintf(w, "%s\t%d\t%d\t%d (%d / %d)\t%d\t%d\t%s, %s\n", fault, s.rounds, s.acknowledged, s.done+s.notDone, s.done, s.notDone,
		s.lost, s.halfDone, evidence.Milliseconds(s.readyAgain[len(s.readyAgain)/2]), evidence.Milliseconds(s.readyAgain[len(s.readyAgain)-1]))
	_ = w.Flush() // into memory
	fmt.Fprintf(&out, "beside it, %d creations were refused by the limit and %d token requests answered", s.refused, s.tokens)
	return out.String()
}
