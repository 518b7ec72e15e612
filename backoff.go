package tokenwright

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

const (
	minBackoff     = 250 * time.Millisecond
	maxBackoff     = 15 * time.Second
	maxRetryAfter  = time.Minute
	minRefusal     = time.Second
	maxRefusal     = time.Minute
	maxReplacement = time.Minute
)

// pause is how long to leave the server alone after so many failures in a row, of
// which err is the last.
func pause(err error, failures int) time.Duration {
	if !errors.Is(err, ErrUnavailable) {
		return doubled(minRefusal, maxRefusal, failures)
	}
	var e *Error
	if errors.As(err, &e) && e.RetryAfter > 0 {
		after := min(e.RetryAfter, maxRetryAfter)
		return after + rand.N(time.Second+after/10) // never sooner, and not all at once
	}
	return 1 + rand.N(doubled(minBackoff, maxBackoff, failures)) // full jitter
}

// doubled is least, and twice as much with each failure after the first.
func doubled(least, most time.Duration, failures int) time.Duration {
	return min(most, least<<min(max(failures, 1)-1, 16))
}

// retryAfter reads the header (RFC 9110 10.2.3): seconds, or a date, which is
// compared with the answer's own where it has one. 0: none, or none that is read.
func retryAfter(h http.Header) time.Duration {
	value := h.Get("Retry-After")
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		now = time.Now()
	}
	return max(0, at.Sub(now))
}

// sleepUntil waits, and tells whether ctx is not done.
func sleepUntil(ctx context.Context, at time.Time) bool {
	d := time.Until(at)
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// brake makes rare what should be: the second time comes a second after the first
// at the soonest, and the time between doubles up to a minute. As long without
// any makes it forget.
type brake struct {
	pause time.Duration
	until time.Time
}

func (b *brake) allows(now time.Time) bool {
	switch {
	case now.Before(b.until):
		return false
	case now.Sub(b.until) > maxReplacement:
		b.pause = 0
	}
	b.pause = min(maxReplacement, max(time.Second, 2*b.pause))
	b.until = now.Add(b.pause)
	return true
}
