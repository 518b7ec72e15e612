package authority

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// chainBatch is how many events are read at a time.
const chainBatch = 1000

// ChainError names the first place at which the event chain is broken.
type ChainError struct {
	Seq    int64
	Reason string
}

// WasChanged is the Reason where a hash does not fit, which it does not under
// another event-chain key either.
const WasChanged = "was changed after it was written, or what stood before it was"

// Error implements error.
func (e *ChainError) Error() string { return fmt.Sprintf("event %d %s", e.Seq, e.Reason) }

// String writes h as the log and the command line have it: SEQ:HASH, the hash in
// hexadecimal digits. ParseEventHead reads it.
func (h EventHead) String() string { return fmt.Sprintf("%d:%x", h.Seq, h.Hash) }

// ParseEventHead reads what EventHead.String writes of an event.
func ParseEventHead(text string) (EventHead, error) {
	seq, hash, _ := strings.Cut(text, ":")
	n, err := strconv.ParseInt(seq, 10, 64)
	raw, err2 := hex.DecodeString(hash)
	if err != nil || err2 != nil || n < 1 || len(raw) != sha256.Size {
		return EventHead{}, invalid("head", "is not SEQ:HASH, a number and 64 hexadecimal digits")
	}
	return EventHead{Seq: n, Hash: raw}, nil
}

// VerifyEvents walks the whole chain and returns its head, or a *ChainError.
// Heads that were noted before (by the log, or an earlier run) must be part of
// the chain: so a tail that was cut off, which leaves a valid chain, is noticed
// too. progress, where not nil, hears of each event passed.
func (a *Authority) VerifyEvents(ctx context.Context, noted []EventHead, progress func(seq int64)) (EventHead, error) {
	w := chainWalk{Authority: a, chainCheck: newChainCheck(a.ChainKey(), EventHead{}, noted), progress: progress}
	for {
		if done, err := w.step(ctx, chainBatch); done || err != nil {
			return w.head, err
		}
	}
}

// VerifyEventsFrom is VerifyEvents in pieces, for an actor that sees every
// merchant: it walks on behind from, which an earlier piece returned (the zero
// value begins), for limit events at most, and tells whether all are passed.
// What is between pieces must be as it was returned, and noted the same: see
// Cursor. Errors: *ChainError, ErrNotFound for an actor of one merchant.
func (a *Authority) VerifyEventsFrom(ctx context.Context, actor Actor, from EventHead, noted []EventHead, limit int) (head EventHead, done bool, err error) {
	if err := actor.mayOfAll(EventsRead); err != nil {
		return from, false, err
	}
	w := chainWalk{Authority: a, chainCheck: newChainCheck(a.ChainKey(), from, noted)}
	for end := from.Seq + int64(limit); !done && err == nil && w.head.Seq < end; {
		done, err = w.step(ctx, min(chainBatch, int(end-w.head.Seq)))
	}
	return w.head, done, err
}

// chainWalk is a walk along the event chain of the database.
type chainWalk struct {
	*Authority
	chainCheck
	progress func(seq int64)
	also     func(*Event) error // takes each event that was passed; nil for nobody
}

// step passes up to limit events, and tells whether none is left. The recorded
// head is read first: what is recorded by then, the events must hold, also where
// a running server goes on with them.
func (w *chainWalk) step(ctx context.Context, limit int) (done bool, err error) {
	recorded, err := w.store.EventHead(ctx)
	if err != nil {
		return false, fmt.Errorf("reading the head of the events: %w", err)
	}
	events, err := w.store.Events(ctx, w.head.Seq, limit)
	if err != nil {
		return false, fmt.Errorf("reading events: %w", err)
	}
	for i := range events {
		if err := w.pass(&events[i]); err != nil {
			return false, err
		}
		if w.also != nil {
			if err := w.also(&events[i]); err != nil {
				return false, err
			}
		}
		if w.progress != nil {
			w.progress(w.head.Seq)
		}
	}
	if len(events) > 0 {
		return false, nil
	}
	return true, w.end(recorded)
}

// end holds that the last event is the recorded one.
func (w *chainWalk) end(recorded EventHead) error {
	switch {
	case w.head.Seq > recorded.Seq:
		return &ChainError{recorded.Seq, "is recorded as the head of the chain, which goes on behind it"}
	case w.head.Seq < recorded.Seq:
		return &ChainError{w.head.Seq + 1, "is missing"}
	case !hmac.Equal(w.head.Hash, recorded.Hash):
		return &ChainError{w.head.Seq, "is not the recorded head of the chain"}
	}
	return w.reached()
}
