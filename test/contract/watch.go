package contract

import (
	"net/http"
	"net/url"
	"sync"
	"testing"

	"github.com/tokenwright/tokenwright/test/harness"
)

// Watch is for harness.WatchClients: tests of anything fail where an answer is
// not as the document says. What the document does not know they may do.
func Watch() harness.Watch {
	checker := sync.OnceValues(func() (*Checker, error) {
		document, err := Document("https://auth.example.com")
		if err != nil {
			return nil, err
		}
		return New(document)
	})
	return func(t testing.TB, in *harness.Installation, next http.RoundTripper) http.RoundTripper {
		c, err := checker()
		if err != nil {
			t.Fatal(err)
		}
		list := &problems{}
		t.Cleanup(func() { list.report(t) })
		return &own{in: in, plain: next, checked: c.Transport(next, false, list.add)}
	}
}

// problems are reported when the test ends: what finds them may outlive it.
type problems struct {
	mu   sync.Mutex
	list []string
}

func (p *problems) add(problem string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.list = append(p.list, problem)
}

func (p *problems) report(t testing.TB) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, problem := range p.list {
		t.Error(problem)
	}
}

// own checks what an installation is asked, and nothing else.
type own struct {
	in             *harness.Installation
	plain, checked http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (o *own) RoundTrip(r *http.Request) (*http.Response, error) {
	if base, err := url.Parse(o.in.URL); err == nil && base.Port() == r.URL.Port() { // it has several hosts
		return o.checked.RoundTrip(r)
	}
	return o.plain.RoundTrip(r)
}

// CloseIdleConnections is what http.Client's asks for.
func (o *own) CloseIdleConnections() { (&http.Client{Transport: o.plain}).CloseIdleConnections() }
