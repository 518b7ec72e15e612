package attacks

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
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
func TestSignInsLeaveTokensTheirTime(t *testing.T) {
	evidence.Short(t)
	x := newTarget(t, "R-43", fmt.Sprintf("%d people sign in at the same moment, again and again", signIns), harness.New(t), "--trusted-proxies", "127.0.0.1")
	memory := x.Usage(t).Resident
	w := wave{s: x.Server, client: harness.NewClient(&http.Transport{MaxIdleConnsPerHost: signIns}), statuses: map[int]int{}}
	defer w.client.CloseIdleConnections()
	x.row.Times = 0
	meanwhile := x.attacked(t, evidence.Lasting(2*time.Second, 10*time.Minute), func(ctx context.Context) {
		for ctx.Err() == nil {
			w.run(t)
			x.row.Times++
		}
	})
	w.client.CloseIdleConnections()

	x.slower(t, meanwhile)
	// A processor of two hashes; what it leaves behind is collected when twice as
	// much is there.
	atMost(t, &x.row, "memory grew by", mib(x.Usage(t).Resident-memory), "MiB", mib(grown+3*hashing*max(1, runtime.NumCPU()/2)))
	refused, busy := w.statuses[http.StatusUnauthorized], w.statuses[http.StatusServiceUnavailable]
	if refused == 0 || busy == 0 || refused+busy != x.row.Times*signIns {
		t.Errorf("people who sign in are answered %v", w.statuses)
	}
	x.row.Note = fmt.Sprintf("%d are refused and %d told to come back, the slowest of them after %s", refused, busy, evidence.Milliseconds(w.slowest))
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
