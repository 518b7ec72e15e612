package line

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
)

type transport struct {
	http.RoundTripper
	closed int
}

func (t *transport) CloseIdleConnections() { t.closed++ }

// a connection that others still wait on is not idle, and stays; so it is closed
// before each request, until an answer has come.
func TestADeadConnectionIsGivenUpUntilAnAnswerComes(t *testing.T) {
	var l Line
	given := new(transport)
	client := &http.Client{Transport: given}
	for i, step := range []struct {
		err  error
		want int // closed before the next request
	}{
		{nil, 0}, {errors.New("connection reset"), 0}, {fmt.Errorf("x: %w", context.DeadlineExceeded), 1}, {context.Canceled, 2},
		{context.DeadlineExceeded, 3}, {nil, 3},
	} {
		l.End(step.err)
		if l.Begin(client); given.closed != step.want {
			t.Errorf("%d. after %v: closed %d times, want %d", i, step.err, given.closed, step.want)
		}
	}
}

// One that was replaced may do more than we know, and is what requests are seen by.
func TestADefaultTransportThatWasReplacedStays(t *testing.T) {
	before, replaced := http.DefaultTransport, new(transport)
	defer func() { http.DefaultTransport = before }()
	if got, ok := Transport().(*http.Transport); !ok || got == before || got.HTTP2 == nil || got.HTTP2.SendPingTimeout != PingAfter || got.HTTP2.PingTimeout != PingTimeout {
		t.Errorf("got %+v", got)
	}
	http.DefaultTransport = replaced
	if got := Transport(); got != replaced {
		t.Errorf("got %T", got)
	}
}
