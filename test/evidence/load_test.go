package evidence

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/harness"
)

// A load that notices nothing would look like a product that never fails: so
// each kind of answer is given by a server that is not the product.
func TestLoadTellsFailuresApart(t *testing.T) {
	const id = "twc_demo_0123456789012345678901"
	tokenFor := func(id string) string {
		payload := base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"client_id":%q}`, id))
		return fmt.Sprintf(`{"access_token":"e30.%s.c2lnbmF0dXJlc2lnbmF0dXJl"}`, payload)
	}
	for _, c := range []struct {
		name, env          string
		status             int
		retryAfter, body   string
		issued             bool
		wrong, unavailable bool
	}{
		{name: "a token", status: 200, body: tokenFor(id), issued: true},
		{name: "a token of another", status: 200, body: tokenFor("twc_demo_other"), wrong: true},
		{name: "a token of another environment", env: "production", status: 200, body: tokenFor(id), wrong: true},
		{name: "no token", status: 200, body: `{}`, wrong: true},
		{name: "a refusal", status: 401, body: `{"error":"invalid_client"}`, wrong: true},
		{name: "unavailable", status: 503, retryAfter: "5", body: `{"error":"temporarily_unavailable"}`, unavailable: true},
		{name: "unavailable for how long?", status: 503, body: `{"error":"temporarily_unavailable"}`},
		{name: "unavailable in another's words", status: 503, retryAfter: "5", body: `<html>`},
		{name: "an internal error", status: 500, body: `{"error":"server_error"}`},
		{name: "no answer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if c.status == 0 {
					panic(http.ErrAbortHandler)
				}
				if c.retryAfter != "" {
					w.Header().Set("Retry-After", c.retryAfter)
				}
				w.WriteHeader(c.status)
				fmt.Fprint(w, c.body)
			}))
			defer s.Close()
			in := harness.New(t)
			in.URL = s.URL
			key := harness.APIKey{ClientID: id, Env: c.env}
			l := StartLoad(t, in, key, 0)
			conn := l.newConnection(0)
			l.ask(conn, ask{FormQuestion(key), time.Now()})
			conn.close()
			failures := l.End()
			if c.issued {
				if l.Issued != 1 || len(failures) != 0 {
					t.Errorf("issued %d, failures %v", l.Issued, failures)
				}
				return
			}
			if l.Issued != 0 || len(failures) != 1 || failures[0].Status != c.status || failures[0].Wrong() != c.wrong || failures[0].Unavailable() != c.unavailable {
				t.Errorf("issued %d, failures %v", l.Issued, failures)
			}
		})
	}
}

// Whoever waits to ask until they are answered asks little of a server that
// stands still, and tells of few waits, which began late.
func TestWaitsBeginWhenQuestionsAreDue(t *testing.T) {
	const rate, standstill = 200, 50               // due while nothing is answered
	for _, most := range []int{1, standstill, 0} { // connections
		open := make(chan struct{})
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			<-open
			fmt.Fprint(w, `{"access_token":"e30.eyJjbGllbnRfaWQiOiJhIn0.c2lnbmF0dXJlc2lnbmF0dXJl"}`)
		}))
		defer s.Close()
		in := harness.New(t)
		in.URL = s.URL
		p := Plan{At: []*harness.Installation{in}, Asks: []*Question{FormQuestion(harness.APIKey{ClientID: "a"})}, Rate: rate, Most: most}
		l := p.Start(t)
		time.Sleep(p.due(standstill))
		stoodStill := time.Since(l.began)
		close(open)
		harness.Eventually(t, 10*time.Second, "all are answered", func() bool {
			l.mu.Lock()
			defer l.mu.Unlock()
			return l.Issued >= standstill
		})
		if failures := l.End(); len(failures) > 0 {
			t.Fatal(failures[0])
		}
		slices.SortFunc(l.Waits, func(a, b time.Duration) int { return cmp.Compare(b, a) })
		for n, wait := range l.Waits[:standstill] {
			if least := stoodStill - p.due(n); wait < least {
				t.Errorf("%d connections: of the longest waits, number %d is %s, and not %s", most, n, wait, least)
			}
		}
	}
}

// A wait that begins before its question can have been sent would be longer than it is.
func TestQuestionsAreDueOneAfterTheOther(t *testing.T) {
	p := Plan{Rate: 800}
	if p.due(0) != 0 || p.due(1) != 1250*time.Microsecond || p.due(8*60*60*800) != 8*time.Hour {
		t.Errorf("they are due after %s, %s, %s", p.due(0), p.due(1), p.due(8*60*60*800))
	}
}
