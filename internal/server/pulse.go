package server

import (
	"context"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// overloadWait is longer than requests wait where there is time for all of them, also
	// with slow signatures and neighbours on the machine. Where there is not, waits grow
	// without an end, and are soon so long.
	overloadWait = 200 * time.Millisecond
	// standing is for how long they must be, so that a pause or a burst passes by.
	standing = 500 * time.Millisecond
	// longWait is what a request may have waited during an overload: short enough that
	// who is refused hears of it within a tenth of a second.
	longWait = 50 * time.Millisecond
	// calm is how long nothing had to be refused when an overload is over.
	calm = time.Second

	// How often the wait is measured: seldom, since it wakes an idle machine.
	pulseInterval = 50 * time.Millisecond
	// And during an overload, when it has to be known what the last refusals did.
	quickInterval = 2 * time.Millisecond
)

// Pulse knows how long what has arrived waits until there is time for it, and so
// whether there is more to do than this machine can. A handler cannot see that: the
// requests that wait are in the system, not in the program. So a byte goes the same
// way, through a pipe, in turn with them. The zero value is ready for use; a Server
// runs it.
type Pulse struct {
	matters atomic.Bool // a byte is on its way, or there is an overload; else nothing below is looked at

	mu         sync.Mutex
	overloaded bool
	sent       time.Duration // when the byte on its way was; 0 for none; all times are since started
	wait       time.Duration // of the last byte that came
	longSince  time.Duration // when a wait was first seen to be long; 0 where the last was not
	refused    time.Duration // when a request was, last
}

// Overloaded tells whether a request that has just come should be refused, if it can
// be. Nearly always a look at one word says no.
func (p *Pulse) Overloaded() bool {
	if !p.matters.Load() {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Since(started)
	p.judge(now) // for the byte may be the last of all to come
	if !p.overloaded || p.waited(now) <= longWait {
		return false
	}
	p.refused = now
	return true
}

// waited is how long a request has waited that comes now: as the last byte did, or
// longer if the next is still on its way.
func (p *Pulse) waited(now time.Duration) time.Duration {
	if p.sent == 0 {
		return p.wait
	}
	return max(p.wait, now-p.sent)
}

func (p *Pulse) judge(now time.Duration) {
	wait := p.waited(now)
	switch {
	case p.overloaded: // waits may be short, but only since requests are refused
		p.overloaded = wait > longWait || now-p.refused < calm
		p.longSince = 0
	case wait <= overloadWait:
		p.longSince = 0
	case p.longSince == 0:
		p.longSince = now
	default:
		p.overloaded = now-p.longSince >= standing
	}
}

// look returns what is known, for metrics.
func (p *Pulse) look() (wait time.Duration, overloaded bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.waited(time.Since(started)), p.overloaded
}

// run measures until ctx is done.
func (p *Pulse) run(ctx context.Context, logger *slog.Logger) {
	out, in, err := os.Pipe()
	if err != nil {
		logger.Error("no overload will be noticed", "error", err)
		return
	}
	came := make(chan struct{})
	go func() {
		defer close(came)
		var one [1]byte
		for {
			if _, err := out.Read(one[:]); err != nil {
				return
			}
			came <- struct{}{}
		}
	}()
	told := false
	for interval := pulseInterval; p.beat(ctx, in, came, interval); {
		wait, is := p.look()
		switch {
		case is && !told:
			logger.Warn("overloaded: token requests that have waited for too long are refused", "waited", wait)
		case told && !is:
			logger.Info("no longer overloaded")
		}
		told, interval = is, pulseInterval
		if is {
			interval = quickInterval
		}
	}
	_ = in.Close() // ends the reader
	for range came {
	}
	_ = out.Close()
}

// beat waits for the interval, sends a byte, and waits until it has come; false where
// that is not to go on.
func (p *Pulse) beat(ctx context.Context, in *os.File, came <-chan struct{}, interval time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(interval):
	}
	p.send(time.Since(started))
	if _, err := in.Write([]byte{0}); err != nil {
		return false
	}
	<-came
	p.receive(time.Since(started))
	return true
}

func (p *Pulse) send(now time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sent = now
	p.matters.Store(true)
}

func (p *Pulse) receive(now time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wait, p.sent = now-p.sent, 0
	p.judge(now)
	p.matters.Store(p.overloaded)
}
