package faults

import (
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
	s, key := harness.StartWithKey(t, "demo", "--trusted-proxies", "127.0.0.1")
	o := evidence.Row{Rule: "R-43", What: fmt.Sprintf("%d people sign in at the same moment, again and again", signIns)}
	usual := evidence.Quantile(goodTokens(t, &o, s, key, evidence.Choose(time.Second, 60*time.Second)), 0.99)

	memory := resident(t, s)
	w := wave{s: s, client: harness.NewClient(&http.Transport{MaxIdleConnsPerHost: signIns}), statuses: map[int]int{}}
	defer w.client.CloseIdleConnections()
	stop := make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				w.run(t)
				o.Times++
			}
		}
	})
	meanwhile := goodTokens(t, &o, s, key, evidence.Choose(2*time.Second, 200*time.Second))
	close(stop)
	done.Wait()

	more := resident(t, s) - memory
	// A processor of two hashes; what it leaves behind is collected when twice as
	// much is there.
	if most := grown + 3*hashing*max(1, runtime.NumCPU()/2); more > most {
		t.Errorf("the server has grown by %d bytes, more than %d", more, most)
	}
	p99 := evidence.Quantile(meanwhile, 0.99)
	if evidence.Full() && p99 > 2*usual {
		t.Errorf("tokens take %s meanwhile, and %s otherwise (p99)", p99, usual)
	}
	refused, busy := w.statuses[http.StatusUnauthorized], w.statuses[http.StatusServiceUnavailable]
	if refused == 0 || busy == 0 || refused+busy != o.Times*signIns {
		t.Errorf("people who sign in are answered %v", w.statuses)
	}
	o.Note = fmt.Sprintf("%d are refused and %d told to come back, the slowest of them after %s; p99 of tokens %s, otherwise %s; memory grew by %.1f MiB",
		refused, busy, evidence.Milliseconds(w.slowest), p99.Round(10*time.Microsecond), usual.Round(10*time.Microsecond), float64(more)/(1<<20))
	o.Report(t)
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
