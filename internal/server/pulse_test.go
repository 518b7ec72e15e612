package server

import (
	"context"
	"log/slog"
	"testing"
	"time"
)

// C-558: only waits that stay long are an overload; then only who has waited is
// refused, until a second has passed without.
func TestPulseTellsAnOverloadFromAPause(t *testing.T) {
	began := time.Since(started)
	at := func(ms int) time.Duration { return began + time.Duration(ms)*time.Millisecond }
	p := new(Pulse)
	beat := func(from, to int) {
		p.send(at(from))
		p.receive(at(to))
	}
	is := func(want bool, when string) {
		t.Helper()
		if p.overloaded != want || p.matters.Load() != want {
			t.Errorf("%s overloaded is %t", when, p.overloaded)
		}
	}
	beat(0, 10_000)
	beat(10_000, 10_300)
	is(false, "after a pause, while what came meanwhile is done,")
	beat(10_300, 10_301)
	beat(10_800, 11_100)
	is(false, "after another one")
	beat(11_100, 11_140)
	for i := range 100 {
		beat(12_000+50*i, 12_000+50*i+190)
	}
	is(false, "while all wait for a moment")
	beat(18_000, 18_300)
	beat(18_300, 18_799)
	is(false, "before half a second of long waits has passed")
	beat(18_799, 19_100)
	is(true, "after half a second of long waits")
	p.refused = at(19_100)
	beat(19_100, 19_110)
	is(true, "while requests are refused")
	beat(20_090, 20_101)
	is(false, "a second after the last was refused")
}

// C-558: the byte that tells of the wait may be the last of all to come, so requests
// look how long it is on its way.
func TestRequestsNoticeAnOverloadThemselves(t *testing.T) {
	p := new(Pulse)
	if p.Overloaded() {
		t.Error("a pulse that nobody has felt refuses")
	}
	p.send(time.Since(started) - time.Minute)
	if p.Overloaded() {
		t.Error("the first request behind a pause is refused")
	}
	p.longSince = time.Since(started) - standing
	if !p.Overloaded() {
		t.Error("a request is not refused, though all wait for half a second")
	}
	p.receive(p.sent + longWait)
	if p.Overloaded() {
		t.Error("a request is refused that has not waited for long")
	}
}

// The pulse of a server that has time is short, and metrics tell of it.
func TestMetricsTellTheWait(t *testing.T) {
	r := start(t, site(), nil)
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		if wait, _ := r.config.Pulse.look(); wait > 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("no wait is measured")
		}
	}
	if len(r.scrape("tokenwright_overloaded 0")) != 1 || len(r.scrape("tokenwright_http_wait_seconds")) != 1 {
		t.Error("the metrics do not tell of the wait")
	}
}

// It ends with its context, and its reader does.
func TestPulseEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	new(Pulse).run(ctx, slog.New(slog.DiscardHandler))
}
