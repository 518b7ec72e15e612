package attacks

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/evidence"
	"github.com/tokenwright/tokenwright/test/harness"
)

const (
	signIns = 200      // at the same moment
	hashing = 19 << 20 // bytes that a password takes while it is hashed
)

// R-43, C-217: two hundred people who sign in at the same moment, again and
// again, cost those who ask for tokens little: passwords are hashed a few at a
// time, few wait, and the others are told to come back.
//
// On two processors one is then busy with a hash all the time, and the other has
// server, clients and a crowd to itself. What that means for a token whoever keeps the
// processor busy is seen where another process does, and as many people come in the
// same rhythm for a page that costs nothing: against this the sign-ins are held.
func TestSignInsLeaveTokensTheirTime(t *testing.T) {
	evidence.Short(t)
	x := newTarget(t, "R-43", fmt.Sprintf("%d people sign in at the same moment, again and again", signIns), harness.New(t), "--trusted-proxies", "127.0.0.1")
	memory := x.Usage(t).Resident
	w := wave{s: x.Server, client: harness.NewClient(&http.Transport{MaxIdleConnsPerHost: signIns}), statuses: map[int]int{}}
	defer w.client.CloseIdleConnections()
	x.row.Times = 0
	began := time.Now()
	meanwhile := x.attacked(t, evidence.Lasting(2*time.Second, 10*time.Minute), func(ctx context.Context) {
		for ctx.Err() == nil {
			w.run(t)
			x.row.Times++
		}
	})
	rhythm := time.Since(began) / time.Duration(x.row.Times)
	grew := x.Usage(t).Resident - memory
	busy := x.Background(t, "busy", exec.Command("sh", "-c", "while :; do :; done"))
	control := x.clients(t, func() {
		for until := time.Now().Add(evidence.Lasting(time.Second, 2*time.Minute)); time.Now().Before(until); {
			next := time.Now().Add(rhythm)
			w.visit(t)
			<-time.After(min(time.Until(next), time.Until(until)))
		}
	})
	busy.Kill()
	w.client.CloseIdleConnections()

	x.row.AtMost(t, "p99 of tokens meanwhile", evidence.MS(meanwhile.p99), "ms", 2*evidence.MS(control.p99))
	x.row.Tell("where another process takes a processor", evidence.MS(control.p99), "ms")
	x.row.Tell("where nothing does", evidence.MS(x.before.p99), "ms")
	// A processor of two hashes; what it leaves behind is collected when twice as
	// much is there.
	atMost(t, &x.row, "memory grew by", mib(grew), "MiB", mib(grown+3*hashing*max(1, runtime.NumCPU()/2)))
	refused, later, shown := w.statuses[http.StatusUnauthorized], w.statuses[http.StatusServiceUnavailable], w.statuses[http.StatusOK]
	if refused == 0 || later == 0 || shown == 0 || refused+later != x.row.Times*signIns || len(w.statuses) != 3 {
		t.Errorf("people who sign in are answered %v", w.statuses)
	}
	x.row.Note = fmt.Sprintf("%d are refused and %d told to come back, the slowest of them after %s", refused, later, evidence.Milliseconds(w.slowest))
	x.report(t)
}

// wave is people who sign in at the same moment, each from another address and
// with another e-mail address, which nobody has.
type wave struct {
	s      *harness.Server
	client *http.Client

	mu       sync.Mutex
	sent     int
	slowest  time.Duration
	statuses map[int]int
}

// run lets them all sign in, and waits for the answers.
func (w *wave) run(t *testing.T) {
	t.Helper()
	var done sync.WaitGroup
	for range signIns {
		w.sent++
		n := w.sent
		form := url.Values{"email": {fmt.Sprintf("somebody-%d@example.com", n)}, "password": {"trumpet-oboe-figs-47"}}
		r := harness.FormOf(t, w.s.URL, "/console/sign-in", form)
		r.Header.Set("X-Forwarded-For", fmt.Sprintf("10.%d.%d.%d", n>>16, n>>8&255, n&255))
		done.Go(func() { w.ask(t, r) })
	}
	done.Wait()
}

// visit lets as many people look at the page where they would sign in.
func (w *wave) visit(t *testing.T) {
	t.Helper()
	var done sync.WaitGroup
	for range signIns {
		r := harness.NewRequest(t, http.MethodGet, w.s.URL+"/console/sign-in", "")
		done.Go(func() { w.ask(t, r) })
	}
	done.Wait()
}

func (w *wave) ask(t *testing.T, r *http.Request) {
	began, status := time.Now(), 0
	resp, err := w.client.Do(r)
	if err == nil {
		_, err = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		status = resp.StatusCode
	}
	if err != nil {
		t.Errorf("nobody answers who signs in: %v", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.statuses[status]++
	w.slowest = max(w.slowest, time.Since(began))
}
