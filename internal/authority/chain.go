package authority

import (
	"context"
	"crypto/hmac"
	"fmt"
)

// ChainError names the first place at which the event chain is broken.
type ChainError struct {
	Seq    int64
	Reason string
}

// Error implements error.
func (e *ChainError) Error() string { return fmt.Sprintf("event %d %s", e.Seq, e.Reason) }

// VerifyEvents walks the whole chain and returns its head, or a *ChainError.
// A known head (of the log, or an earlier run) given as expected must be part
// of the chain: so a tail that was cut off, which leaves a valid chain, is
// noticed too. progress, where not nil, hears of each event passed.
func (a *Authority) VerifyEvents(ctx context.Context, expected *EventHead, progress func(seq int64)) (EventHead, error) {
	recorded, err := a.store.EventHead(ctx)
	if err != nil {
		return EventHead{}, fmt.Errorf("reading the head of the events: %w", err)
	}
	var head EventHead
	for {
		events, err := a.store.Events(ctx, head.Seq, 1000)
		if err != nil {
			return EventHead{}, fmt.Errorf("reading events: %w", err)
		}
		for i := range events {
			e := &events[i]
			if err := a.verifyEvent(&head, e, expected); err != nil {
				return head, err
			}
			head = EventHead{Seq: e.Seq, Hash: e.Hash}
			if progress != nil {
				progress(e.Seq)
			}
		}
		if len(events) == 0 {
			break
		}
	}
	goneOn := head.Seq > recorded.Seq // as it does beside a running server
	if goneOn {
		if recorded, err = a.store.EventHead(ctx); err != nil {
			return head, fmt.Errorf("reading the head of the events: %w", err)
		}
	}
	switch {
	case head.Seq > recorded.Seq:
		return head, &ChainError{recorded.Seq, "is recorded as the head of the chain, which goes on behind it"}
	case head.Seq < recorded.Seq && !goneOn:
		return head, &ChainError{head.Seq + 1, "is missing"}
	case head.Seq == recorded.Seq && !hmac.Equal(head.Hash, recorded.Hash):
		return head, &ChainError{head.Seq, "is not the recorded head of the chain"}
	case expected != nil && expected.Seq > head.Seq:
		return head, &ChainError{head.Seq + 1, fmt.Sprintf("is missing: the chain once reached %d", expected.Seq)}
	}
	return head, nil
}

func (a *Authority) verifyEvent(head *EventHead, e *Event, expected *EventHead) error {
	if e.Seq != head.Seq+1 {
		return &ChainError{head.Seq + 1, "is missing"}
	}
	if e.RootKeyID != a.root.id || !hmac.Equal(e.Hash, chainHash(a.root.chain, head.Hash, e)) {
		return &ChainError{e.Seq, "was changed after it was written, or what stood before it was"}
	}
	if expected != nil && expected.Seq == e.Seq && !hmac.Equal(expected.Hash, e.Hash) {
		return &ChainError{e.Seq, "is not the event that was there when the given head was noted"}
	}
	return nil
}
