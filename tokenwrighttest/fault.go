package tokenwrighttest

import (
	"net/http"
	"time"
)

// Endpoint is a part of the issuer that can misbehave by itself.
type Endpoint string

// The endpoints. Token is the token endpoint at all its addresses, Metadata
// both documents (RFC 8414 3).
const (
	Metadata    Endpoint = "metadata"
	JWKS        Endpoint = "jwks"
	Revocations Endpoint = "revocations"
	Token       Endpoint = "token"
)

// fault is how an endpoint misbehaves. The zero value is well.
type fault struct {
	delay  time.Duration
	down   bool
	answer http.Handler
}

func (f *fault) broken() bool { return f.down || f.answer != nil }

// The switches below take the endpoints they are for; none named is all.
// Requests that wait for revocations feel them at once. Up ends them.

// Fail has requests answered with an error of that status, in the product's
// form: RFC 6749 5.2, and code and message. Retry-After is not sent, so that
// clients try again as soon as they dare; Answer can.
func (iss *Issuer) Fail(status int, at ...Endpoint) {
	r := failure(status)
	iss.Answer(func(w http.ResponseWriter, _ *http.Request) { r.write(w, iss.BaseURL) }, at...)
}

// Answer has requests answered by h in the issuer's place.
func (iss *Issuer) Answer(h http.HandlerFunc, at ...Endpoint) {
	iss.misbehave(at, func(f *fault) { f.answer = h })
}

// Delay has requests wait for d before whatever becomes of them.
func (iss *Issuer) Delay(d time.Duration, at ...Endpoint) {
	iss.misbehave(at, func(f *fault) { f.delay = d })
}

// Down has connections end without an answer, as if nobody were there.
func (iss *Issuer) Down(at ...Endpoint) {
	iss.misbehave(at, func(f *fault) { f.down = true })
}

// Up ends what Fail, Answer, Delay and Down have begun.
func (iss *Issuer) Up(at ...Endpoint) {
	iss.misbehave(at, func(f *fault) { *f = fault{} })
}

func (iss *Issuer) misbehave(at []Endpoint, how func(*fault)) {
	iss.change(func() {
		for _, endpoint := range orAll(at) {
			f := iss.faults[endpoint]
			how(&f)
			iss.faults[endpoint] = f
		}
	})
}

// Requests returns how many requests the endpoints have got so far, whatever
// became of them; none named is all.
func (iss *Issuer) Requests(at ...Endpoint) int {
	iss.mu.Lock()
	defer iss.mu.Unlock()
	n := 0
	for _, endpoint := range orAll(at) {
		n += iss.requests[endpoint]
	}
	return n
}

func orAll(at []Endpoint) []Endpoint {
	if len(at) == 0 {
		return []Endpoint{Metadata, JWKS, Revocations, Token}
	}
	return at
}

// state returns how an endpoint is, and what is closed when that may have changed.
func (iss *Issuer) state(at Endpoint) (fault, <-chan struct{}) {
	iss.mu.Lock()
	defer iss.mu.Unlock()
	return iss.faults[at], iss.changed
}

// delayed waits as long as the endpoint is to delay this request.
func (iss *Issuer) delayed(r *http.Request, at Endpoint) {
	begun := time.Now()
	for {
		f, changed := iss.state(at)
		rest := f.delay - time.Since(begun)
		if rest <= 0 {
			return
		}
		timer := time.NewTimer(rest)
		select {
		case <-changed:
		case <-timer.C:
		case <-r.Context().Done():
			return
		case <-iss.closed.Done():
			return
		}
		timer.Stop()
	}
}

// misbehaves answers in the endpoint's place where it is not well.
func (iss *Issuer) misbehaves(w http.ResponseWriter, r *http.Request, at Endpoint) bool {
	f, _ := iss.state(at)
	switch {
	case f.down:
		panic(http.ErrAbortHandler) // ends the connection
	case f.answer != nil:
		f.answer.ServeHTTP(w, r)
		return true
	}
	return false
}
