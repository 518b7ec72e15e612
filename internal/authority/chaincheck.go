package authority

import (
	"crypto/hmac"
	"fmt"
)

// chainCheck holds event behind event against the chain, wherever they are read.
type chainCheck struct {
	key      ChainKey
	head     EventHead // of the last event that was passed
	expected *EventHead
}

// pass takes the next event, which must be the one that was written there.
func (c *chainCheck) pass(e *Event) error {
	if e.Seq != c.head.Seq+1 {
		return &ChainError{c.head.Seq + 1, "is missing"}
	}
	if e.RootKeyID != c.key.id || !hmac.Equal(e.Hash, chainHash(c.key.key[:], c.head.Hash, e)) {
		return &ChainError{e.Seq, "was changed after it was written, or what stood before it was"}
	}
	if err := sameAs(c.expected, e); err != nil {
		return err
	}
	c.head = EventHead{Seq: e.Seq, Hash: e.Hash}
	return nil
}

// begin takes the first event of an export that begins in the middle. The hash
// before it is not known, so it is taken for what it says; the next one is not.
func (c *chainCheck) begin(e *Event) error {
	if c.expected != nil && c.expected.Seq < e.Seq {
		return fmt.Errorf("the given head is of event %d, and the export begins at event %d", c.expected.Seq, e.Seq)
	}
	if err := sameAs(c.expected, e); err != nil {
		return err
	}
	c.head = EventHead{Seq: e.Seq, Hash: e.Hash}
	return nil
}

// sameAs holds that e is the event of a noted head, where it has its number.
func sameAs(noted *EventHead, e *Event) error {
	if noted != nil && noted.Seq == e.Seq && !hmac.Equal(noted.Hash, e.Hash) {
		return &ChainError{e.Seq, "is not the event that was there when the given head was noted"}
	}
	return nil
}

// reached holds that the given head was.
func (c *chainCheck) reached() error {
	if c.expected != nil && c.expected.Seq > c.head.Seq {
		return &ChainError{c.head.Seq + 1, fmt.Sprintf("is missing: the chain once reached %d", c.expected.Seq)}
	}
	return nil
}
