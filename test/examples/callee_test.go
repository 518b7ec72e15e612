package examples

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/verify"
)

// callee is the API that clients call: it takes real access tokens.
type callee struct {
	url string

	mu      sync.Mutex
	answers map[int]int   // by status
	refuse  int           // so many calls are refused whatever they carry
	how     string        // challenge of those refusals
	called  chan struct{} // closed and replaced with each answer
	barrier *barrier      // nil: nobody waits
}

// newCallee makes an API that accepts the tokens of an issuer, up to a second
// behind their end: so far do times in whole seconds reach.
func newCallee(t *testing.T, issuer string) *callee {
	t.Helper()
	verifier, err := verify.New(t.Context(), verify.Config{Issuer: issuer, Audience: issuer + "/api", Leeway: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(verifier.Close)
	a := &callee{answers: map[int]int{}, called: make(chan struct{})}
	whole := verifier.Middleware(verify.Require("customers:read"))(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if a.barrier != nil {
			a.barrier.wait()
		}
		w.WriteHeader(http.StatusOK)
	}))
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		recorder := &statusRecorder{ResponseWriter: w, status: http.StatusOK}
		if challenge, refused := a.refusal(); refused {
			w.Header().Set("WWW-Authenticate", challenge)
			recorder.WriteHeader(http.StatusUnauthorized)
		} else {
			whole.ServeHTTP(recorder, r)
		}
		a.count(recorder.status)
	}))
	t.Cleanup(s.Close)
	a.url = s.URL
	return a
}

type statusRecorder struct {
	http.ResponseWriter
	status int
}

func (r *statusRecorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

func (a *callee) refusal() (challenge string, refused bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.refuse == 0 {
		return "", false
	}
	a.refuse--
	return a.how, true
}

func (a *callee) count(status int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.answers[status]++
	close(a.called)
	a.called = make(chan struct{})
}

// answered returns how many calls were answered with a status.
func (a *callee) answered(status int) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.answers[status]
}

// nextAnswer is closed with the next answer.
func (a *callee) nextAnswer() <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.called
}

// barrier lets calls wait until so many are there at once.
type barrier struct {
	missing sync.WaitGroup
	all     chan struct{}
}

func newBarrier(n int) *barrier {
	b := &barrier{all: make(chan struct{})}
	b.missing.Add(n)
	go func() {
		b.missing.Wait()
		close(b.all)
	}()
	return b
}

func (b *barrier) wait() {
	b.missing.Done()
	select {
	case <-b.all:
	case <-time.After(20 * time.Second): // then the calls fail by their own limits
	}
}
