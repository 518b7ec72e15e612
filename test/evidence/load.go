package evidence

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/harness"
)

// Patience is how long clients wait for an answer.
const Patience = 5 * time.Second

// Plan says what a Load asks, and whom.
type Plan struct {
	At      []*harness.Installation  // whose addresses are asked, each on as many connections
	Asks    []*Question              // in turn; a Plan without keeps to Keys
	Keys    []harness.APIKey         // asked for in turn, in every style of a token request
	Rate    int                      // a second; 0: none by itself
	Most    int                      // connections; 0: 2,000
	Eager   int                      // connections that ask again once they are answered, whatever the Rate; 0: none
	Fresh   bool                     // each question comes on a connection of its own
	Allowed func(Failure) bool       // whether an answer, of which there are many, is as good as what was asked for; nil: none is
	Check   func(token string) error // what more a token must be: one in a hundred, where there is any; may be nil
}

// Load asks at a constant rate, whatever the answers: when they come late it has
// more questions open, on more connections, and asks no less. A wait begins when the
// question was due, also where it was sent later.
type Load struct {
	plan  Plan
	work  chan ask // for a connection that has nothing to do
	stop  chan struct{}
	done  sync.WaitGroup
	began time.Time
	open  atomic.Int64 // connections

	mu       sync.Mutex
	Asked    int
	Issued   int             // of them as they should be; most are tokens
	Waits    []time.Duration // for those issued
	Refused  []time.Duration // for those that the plan allows to be refused
	failures []Failure
}

// ask is a question and when it is due.
type ask struct {
	*Question
	due time.Time
}

// Failure is an answer, or none; of a Load, other than a token of its API key.
type Failure struct {
	At         time.Time // of the question
	Took       time.Duration
	Status     int // 0 for no answer
	RetryAfter string
	Body       string // or the error
}

func (f Failure) String() string {
	return fmt.Sprintf("%s, after %s: status %d, %.300s", f.At.Format("15:04:05.000"), Milliseconds(f.Took), f.Status, f.Body)
}

// Wrong tells whether the answer says what is not so: that something is the
// matter with credentials which are good, or a token of another.
func (f Failure) Wrong() bool { return f.Status != 0 && f.Status < 500 }

// Unavailable tells whether the answer is the documented one for a node that
// cannot answer just now (RFC 6749 5.2, RFC 9110 15.6.4).
func (f Failure) Unavailable() bool {
	var body harness.TokenAnswer
	err := json.Unmarshal([]byte(f.Body), &body)
	return err == nil && f.Status == http.StatusServiceUnavailable && body.Error == "temporarily_unavailable" && f.RetryAfter != ""
}

// StartLoad begins to ask for tokens of one API key at the address of in. It ends
// with the test, at the latest.
func StartLoad(t *testing.T, in *harness.Installation, key harness.APIKey, rate int) *Load {
	t.Helper()
	return Plan{At: []*harness.Installation{in}, Asks: []*Question{FormQuestion(key)}, Rate: rate}.Start(t)
}

// Start begins to ask. It ends with the test, at the latest.
func (p Plan) Start(t *testing.T) *Load {
	t.Helper()
	if len(p.Asks) == 0 {
		p.Asks = Questions(p.Keys)
	}
	p.Most = cmp.Or(p.Most, 2000)
	l := &Load{plan: p, work: make(chan ask), stop: make(chan struct{}), began: time.Now()}
	if p.Eager == 0 && p.Rate > 0 {
		l.done.Go(l.run)
	}
	for n := range p.Eager {
		l.done.Go(func() { l.askOnAndOn(l.newConnection(n), n) })
	}
	t.Cleanup(func() { l.End() })
	return l
}

// due is how long after the beginning a question, counted from 0, is to be sent: the wait
// for its answer is counted from there.
func (p Plan) due(question int) time.Duration {
	return time.Duration(question) * time.Second / time.Duration(p.Rate)
}

func (l *Load) run() {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for sent, connections := 0, 0; ; {
		select {
		case <-l.stop:
			return
		case now := <-tick.C:
			for ; l.plan.due(sent) <= now.Sub(l.began); sent++ {
				next := ask{l.plan.Asks[sent%len(l.plan.Asks)], l.began.Add(l.plan.due(sent))}
				if l.give(next, connections < l.plan.Most) {
					continue
				}
				c := l.newConnection(connections)
				connections++
				l.done.Go(func() { l.askOn(c, next) })
			}
		}
	}
}

// give hands a question to a connection that has nothing to do, or, where there may
// be no more of them, to the first that has.
func (l *Load) give(next ask, more bool) bool {
	if !more {
		select {
		case l.work <- next:
		case <-l.stop:
		}
		return true
	}
	select {
	case l.work <- next:
		return true
	default:
		return false
	}
}

// askOn asks on one connection, one question after the other.
func (l *Load) askOn(c *connection, next ask) {
	defer c.close()
	for {
		l.ask(c, next)
		select {
		case <-l.stop:
			return
		case next = <-l.work:
		}
	}
}

// askOnAndOn asks on one connection as fast as it is answered.
func (l *Load) askOnAndOn(c *connection, n int) {
	defer c.close()
	for ; ; n += l.plan.Eager {
		select {
		case <-l.stop:
			return
		default:
			l.ask(c, ask{l.plan.Asks[n%len(l.plan.Asks)], time.Now()})
		}
	}
}

// End stops asking, waits for the answers under way, and returns all failures.
func (l *Load) End() []Failure {
	l.mu.Lock()
	select {
	case <-l.stop:
	default:
		close(l.stop)
	}
	l.mu.Unlock()
	l.done.Wait()
	return l.failures
}

// Connections is how many there are just now.
func (l *Load) Connections() int { return int(l.open.Load()) }

// Refusals is how many there were so far that the plan allows.
func (l *Load) Refusals() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.Refused)
}

// Since returns the failures of questions asked from then on.
func (l *Load) Since(then time.Time) []Failure {
	l.mu.Lock()
	defer l.mu.Unlock()
	var list []Failure
	for _, f := range l.failures {
		if !f.At.Before(then) {
			list = append(list, f)
		}
	}
	return list
}

// Recovered returns when the last question was asked behind then that was not
// answered with a token, once a second has passed without one.
func (l *Load) Recovered(t *testing.T, then time.Time) time.Time {
	t.Helper()
	last := then
	harness.Eventually(t, time.Minute, "tokens are issued for a second", func() bool {
		if failures := l.Since(last); len(failures) > 0 {
			last = failures[len(failures)-1].At.Add(time.Nanosecond)
		}
		return time.Since(last) > time.Second
	})
	return last
}

func (l *Load) ask(c *connection, next ask) {
	f := c.ask(next)
	good, token := false, ""
	if f.Status == http.StatusOK {
		good, token = next.Good(f.Body)
	}
	l.mu.Lock()
	l.Asked++
	if good {
		l.Issued++
		l.Waits = append(l.Waits, f.Took)
	} else if l.plan.Allowed != nil && l.plan.Allowed(f) {
		l.Refused = append(l.Refused, f.Took)
	} else {
		l.failures = append(l.failures, f)
	}
	n := l.Issued
	l.mu.Unlock()
	if token == "" {
		return
	}
	if n%500 == 1 { // enough for the search at the end, which has many forms of each
		harness.NoteToken(token)
	}
	if l.plan.Check == nil || n%100 != 1 {
		return
	}
	if err := l.plan.Check(token); err != nil {
		f.Body = err.Error() // its status makes it a wrong answer
		l.mu.Lock()
		l.failures = append(l.failures, f)
		l.mu.Unlock()
	}
}

// Credentials is a form of an API key with one more parameter.
func Credentials(key harness.APIKey, name, value string) url.Values {
	return url.Values{"client_id": {key.ClientID}, "client_secret": {key.ClientSecret}, name: {value}}
}

// Post sends a form and reads the answer, which need not come.
func Post(client *http.Client, address string, form url.Values) (f Failure) {
	f.At = time.Now()
	defer func() { f.Took = time.Since(f.At) }()
	resp, err := client.PostForm(address, form)
	if err != nil {
		f.Body = strings.ReplaceAll(err.Error(), address, "…")
		return f
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		f.Body = err.Error()
		return f
	}
	f.Status, f.RetryAfter, f.Body = resp.StatusCode, resp.Header.Get("Retry-After"), string(body)
	return f
}

// Into counts the failures of a load into a row, but those that allowed allows,
// and shows the first few. It ends the load.
func (l *Load) Into(t *testing.T, o *Row, allowed func(Failure) bool) {
	t.Helper()
	shown := 0
	for _, f := range l.End() {
		if allowed != nil && allowed(f) {
			continue
		}
		if f.Wrong() {
			o.Wrong++
		} else {
			o.Failed++
		}
		if shown++; shown <= 5 {
			t.Errorf("%s: a token request failed at %s", o.What, f)
		}
	}
	o.Requests += l.Asked
	if l.Issued == 0 {
		t.Errorf("%s: no token was issued: this run has tested nothing", o.What)
	}
}
