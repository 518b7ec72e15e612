package authority

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"iter"
	"strings"
)

// ChainKey is the event-chain key: it checks events, and can make them. It prints
// as [event-chain key].
type ChainKey struct {
	id  int64 // of the root key that it derives from, which every hash covers
	key [keySize]byte
}

// ChainKey returns the event-chain key of this installation.
func (a *Authority) ChainKey() ChainKey { return a.root.chainKey() }

// String implements fmt.Stringer.
func (ChainKey) String() string { return "[event-chain key]" }

// Format implements fmt.Formatter, so that no verb prints the key.
func (k ChainKey) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(k.String())) }

// Text returns the key as base64, for the operator who hands it over. It has the
// ID of the root key before the key, and so the length of no other key of ours.
func (k ChainKey) Text() string {
	return base64.StdEncoding.EncodeToString(append(binary.BigEndian.AppendUint64(nil, uint64(k.id)), k.key[:]...))
}

// ParseChainKey reads what Text writes; white space around it, such as the line
// end of a file, is no part of it.
func ParseChainKey(text string) (ChainKey, error) {
	raw, err := base64.StdEncoding.Strict().DecodeString(strings.TrimSpace(text))
	if err == nil && len(raw) == keySize {
		// As long as a master key, which must not leave the installation.
		return ChainKey{}, fmt.Errorf("this is not an event-chain key, but as long as a master key: tokenwright event chain-key prints the former")
	}
	if err != nil || len(raw) != 8+keySize {
		// The text itself stays out of the error: it may be nearly right.
		return ChainKey{}, fmt.Errorf("an event-chain key is what tokenwright event chain-key prints")
	}
	return ChainKey{id: int64(binary.BigEndian.Uint64(raw)), key: [keySize]byte(raw[8:])}, nil
}

// VerifyExport walks along the events of an export, the oldest first, and returns
// the head of them, how many there were, and a *ChainError where one is not as it
// was written, or another error where one cannot be read. What is counted before
// an error is intact.
//
// The walk begins behind from: what stands before is passed over, but the event
// of from must be the one there. With a zero from it begins at the first event of
// the export. Where that is not the first of all, the hash before it is not known:
// then nothing is proven of this event itself, only that those behind it follow
// it. A known head given as expected must be among the events, or be from.
func (k ChainKey) VerifyExport(events iter.Seq2[*Event, error], from EventHead, expected *EventHead) (EventHead, int64, error) {
	c := chainCheck{key: k, head: from, expected: expected}
	if expected != nil && expected.Seq <= from.Seq {
		if expected.String() != from.String() {
			return from, 0, fmt.Errorf("the given head is of event %d, and the walk begins behind event %d", expected.Seq, from.Seq)
		}
		c.expected = nil
	}
	n := int64(0)
	for e, err := range events {
		switch {
		case err != nil:
		case n == 0 && e.Seq <= from.Seq: // stands before the walk
			if err = sameAs(&from, e); err == nil {
				continue
			}
		case n == 0 && from.Seq == 0 && e.Seq > 1:
			err = c.begin(e)
		case e.Seq <= c.head.Seq:
			err = &ChainError{e.Seq, fmt.Sprintf("stands behind event %d: an export is verified from the oldest event to the newest, each of them once", c.head.Seq)}
		default:
			own := *e
			own.RootKeyID = k.id // exports do not name it
			err = c.pass(&own)
		}
		if err != nil {
			return c.head, n, err
		}
		n++
	}
	return c.head, n, c.reached()
}
