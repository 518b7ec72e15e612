package faults

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

// patience is how long clients wait for an answer.
const patience = 5 * time.Second

// load asks for tokens at a constant rate, whatever the answers: when they come
// late it has more questions open, on more connections, and asks no less.
type load struct {
	in     *harness.Installation
	key    harness.APIKey
	client *http.Client
	stop   chan struct{}
	done   sync.WaitGroup

	mu       sync.Mutex
	asked    int
	issued   int
	waits    []time.Duration // for those issued
	failures []failure
}

// failure is an answer other than a token of the API key, or none.
type failure struct {
	at         time.Time // of the question
	took       time.Duration
	status     int // 0 for no answer
	retryAfter string
	body       string // or the error
}

func (f failure) String() string {
	return fmt.Sprintf("%s, after %s: status %d, %.300s", f.at.Format("15:04:05.000"), milliseconds(f.took), f.status, f.body)
}

// wrong tells whether the answer says what is not so: that something is the
// matter with credentials which are good, or a token of another.
func (f failure) wrong() bool { return f.status != 0 && f.status < 500 }

// unavailable tells whether the answer is the documented one for a node that
// cannot answer just now (RFC 6749 5.2, RFC 9110 15.6.4).
func (f failure) unavailable() bool {
	var body harness.TokenAnswer
	err := json.Unmarshal([]byte(f.body), &body)
	return err == nil && f.status == http.StatusServiceUnavailable && body.Error == "temporarily_unavailable" && f.retryAfter != ""
}

// startLoad begins to ask at the address of in. It ends with the test, at the latest.
func startLoad(t *testing.T, in *harness.Installation, key harness.APIKey, rate int) *load {
	t.Helper()
	l := &load{in: in, key: key, stop: make(chan struct{})}
	l.client = in.NewClient(&http.Transport{MaxIdleConnsPerHost: 256, IdleConnTimeout: time.Minute})
	l.client.Timeout = patience
	l.done.Go(func() { l.run(rate) })
	t.Cleanup(func() { l.end() })
	return l
}

func (l *load) run(rate int) {
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

// end stops asking, waits for the answers under way, and returns all failures.
func (l *load) end() []failure {
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

// since returns the failures of questions asked from then on.
func (l *load) since(then time.Time) []failure {
	l.mu.Lock()
	defer l.mu.Unlock()
	var list []failure
	for _, f := range l.failures {
		if !f.at.Before(then) {
			list = append(list, f)
		}
	}
	return list
}

func (l *load) ask() {
	began := time.Now()
	f := post(l.client, l.in.URL+"/demo/oauth/token", credentials(l.key, "grant_type", "client_credentials"))
	f.at, f.took = began, time.Since(began)
	token := ""
	if f.status == http.StatusOK {
		token = tokenOf(f.body, l.key)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked++
	if token == "" {
		l.failures = append(l.failures, f)
		return
	}
	l.issued++
	l.waits = append(l.waits, f.took)
	if l.issued%500 == 1 { // enough for the search at the end, which has many forms of each
		harness.NoteToken(token)
	}
}

// post sends a form and reads the answer, which need not come.
func post(client *http.Client, address string, form url.Values) failure {
	resp, err := client.PostForm(address, form)
	if err != nil {
		return failure{body: strings.ReplaceAll(err.Error(), address, "…")}
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return failure{body: err.Error()}
	}
	return failure{status: resp.StatusCode, retryAfter: resp.Header.Get("Retry-After"), body: string(body)}
}

// tokenOf returns the token of an answer where it is one of the API key.
func tokenOf(body string, key harness.APIKey) string {
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

// into counts the failures of a load into a row, but those that allowed allows,
// and shows the first few. It ends the load.
func (l *load) into(t *testing.T, o *outcome, allowed func(failure) bool) {
	t.Helper()
	shown := 0
	for _, f := range l.end() {
		if allowed != nil && allowed(f) {
			continue
		}
		if f.wrong() {
			o.wrong++
		} else {
			o.failed++
		}
		if shown++; shown <= 5 {
			t.Errorf("%s: a token request failed at %s", o.fault, f)
		}
	}
	o.asked += l.asked
	if l.issued == 0 {
		t.Errorf("%s: no token was issued: this run has tested nothing", o.fault)
	}
}
