package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"
)

const (
	// maxAttempts is how often a request is sent at most.
	maxAttempts = 3
	// patience is the longest Retry-After that is waited for.
	patience = 10 * time.Second
	// attemptLimit is how long one attempt may take: longer than an access token
	// may, for which package tokenwright waits 30 s, and an answer of the server,
	// which comes within 5 s.
	attemptLimit = time.Minute
	// pause is what passes before the second attempt at least, and twice as much
	// before the third.
	pause = 100 * time.Millisecond
)

// attempts are those at one request.
type attempts struct {
	method string
	count  int
	// unknown: an attempt may have done what was asked for, and nobody knows.
	unknown bool
}

// run sends a request until there is no use in sending it again.
func (a attempts) run(ctx context.Context, send func(context.Context) error) error {
	for {
		var way way
		attempt, cancel := context.WithTimeout(way.watch(ctx), attemptLimit)
		err := send(attempt)
		cancel()
		a.count++
		if err == nil || a.gone(err) {
			return nil
		}
		wait, again := a.again(ctx, err, &way)
		if !again {
			return err
		}
		if ended := sleep(ctx, max(wait, time.Duration(a.count)*pause)); ended != nil {
			return fmt.Errorf("%w, after: %w", ended, err)
		}
	}
}

// gone tells whether there is nothing left to delete because an attempt before,
// whose answer was lost, may have deleted it.
func (a *attempts) gone(err error) bool {
	refused, ok := errors.AsType[*Error](err)
	return ok && a.unknown && a.method == http.MethodDelete && refused.Reason == "not_found"
}

// again tells whether to send the request again, and after how long.
func (a *attempts) again(ctx context.Context, err error, w *way) (time.Duration, bool) {
	if a.count == maxAttempts || ctx.Err() != nil {
		return 0, false
	}
	if refused, ok := errors.AsType[*Error](err); ok {
		a.unknown = a.unknown || refused.isLost()
		again := refused.Status == http.StatusTooManyRequests || refused.isLost() && a.method != http.MethodPatch
		return refused.RetryAfter, again && refused.RetryAfter <= patience
	}
	if _, broken := errors.AsType[*url.Error](err); !broken || !w.tried.Load() {
		return 0, false // what came cannot be read, or there was no token to send
	}
	a.unknown = a.unknown || w.connected.Load()
	return 0, a.method != http.MethodPatch || !w.connected.Load()
}

// way is how far a request has come.
type way struct{ tried, connected atomic.Bool }

func (w *way) watch(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { w.tried.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { w.connected.Store(true) },
	})
}

// sleep waits, and returns the error of ctx where that ends before, or will.
func sleep(ctx context.Context, d time.Duration) error {
	if ends, ok := ctx.Deadline(); ok && time.Until(ends) < d {
		return context.DeadlineExceeded
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
