package evidence

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/harness"
)

// Patience is how long clients wait for an answer.
const Patience = 5 * time.Second

// Load asks for tokens at a constant rate, whatever the answers: when they come
// late it has more questions open, on more connections, and asks no less.
type Load struct {
	in     *harness.Installation
	key    harness.APIKey
	client *http.Client
	stop   chan struct{}
	done   sync.WaitGroup

	mu       sync.Mutex
	Asked    int
	Issued   int
	Waits    []time.Duration // for those issued
	failures []Failure
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

// StartLoad begins to ask at the address of in. It ends with the test, at the latest.
func StartLoad(t *testing.T, in *harness.Installation, key harness.APIKey, rate int) *Load {
	t.Helper()
	l := &Load{in: in, key: key, stop: make(chan struct{})}
	l.client = in.NewClient(&http.Transport{MaxIdleConnsPerHost: 256, IdleConnTimeout: time.Minute})
	l.client.Timeout = Patience
	l.done.Go(func() { l.run(rate) })
	t.Cleanup(func() { l.End() })
	return l
}

func (l *Load) run(rate int) {
	began, tick := time.Now(), time.NewTicker(2*time.Millisecond)
	defer tick.Stop()
	for sent := 0; ; {
		select {
		case <-l.stop:
			return
		case now := <-tick.C:
			for due := int(now.Sub(began).Seconds() * float64(rate)); sent < due; sent++ {
				l.done.Go(l.ask)
			}
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
	l.client.CloseIdleConnections()
	return l.failures
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

func (l *Load) ask() {
	f := Post(l.client, l.in.URL+"/demo/oauth/token", Credentials(l.key, "grant_type", "client_credentials"))
	token := ""
	if f.Status == http.StatusOK {
		token = TokenOf(f.Body, l.key)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.Asked++
	if token == "" {
		l.failures = append(l.failures, f)
		return
	}
	l.Issued++
	l.Waits = append(l.Waits, f.Took)
	if l.Issued%500 == 1 { // enough for the search at the end, which has many forms of each
		harness.NoteToken(token)
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

// TokenOf returns the token of an answer where it is one of the API key.
func TokenOf(body string, key harness.APIKey) string {
	var answer harness.TokenAnswer
	if json.Unmarshal([]byte(body), &answer) != nil {
		return ""
	}
	parts := strings.Split(answer.AccessToken, ".")
	if len(parts) != 3 {
		return ""
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	var claims struct {
		ClientID string `json:"client_id"`
	}
	if err != nil || json.Unmarshal(payload, &claims) != nil || claims.ClientID != key.ClientID {
		return ""
	}
	return answer.AccessToken
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
