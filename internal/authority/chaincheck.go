package authority

import (
	"cmp"
	"crypto/hmac"
	"fmt"
	"slices"
)

// chainCheck holds event behind event against the chain, wherever they are read.
type chainCheck struct {
	key   ChainKey
	head  EventHead   // of the last event that was passed
	noted []EventHead // that are ahead, in the order of events
}

// newChainCheck begins behind from; noted are heads that must be in the chain.
func newChainCheck(key ChainKey, from EventHead, noted []EventHead) chainCheck {
	noted = slices.Clone(noted)
	slices.SortStableFunc(noted, func(a, b EventHead) int { return cmp.Compare(a.Seq, b.Seq) })
	return chainCheck{key: key, head: from, noted: noted}
}

// pass takes the next event, which must be the one that was written there.
func (c *chainCheck) pass(e *Event) error {
	if e.Seq != c.head.Seq+1 {
		return &ChainError{c.head.Seq + 1, "is missing"}
	}
	if e.RootKeyID != c.key.id || !hmac.Equal(e.Hash, chainHash(c.key.key[:], c.head.Hash, e)) {
		return &ChainError{e.Seq, WasChanged}
	}
	return c.take(e)
}

// take makes e the head, where no noted head says that another one was there.
func (c *chainCheck) take(e *Event) error {
	for ; len(c.noted) > 0 && c.noted[0].Seq <= e.Seq; c.noted = c.noted[1:] {
		if err := c.noted[0].at(e); err != nil {
			return err
		}
	}
	c.head = EventHead{Seq: e.Seq, Hash: e.Hash}
	return nil
}

// at holds that h, where it is a head of e, was noted of this very event.
func (h EventHead) at(e *Event) error {
	if h.Seq == e.Seq && !hmac.Equal(h.Hash, e.Hash) {
		return &ChainError{e.Seq, "is not the event that was there when the given head was noted"}
	}
	return nil
}

// reached holds that every noted head was.
func (c *chainCheck) reached() error {
	if n := len(c.noted); n > 0 && c.noted[n-1].Seq > c.head.Seq {
		return &ChainError{c.head.Seq + 1, fmt.Sprintf("is missing: the chain once reached %d", c.noted[n-1].Seq)}
	}
	return nil
}
