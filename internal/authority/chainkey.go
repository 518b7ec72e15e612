package authority

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"iter"
	"strconv"
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
// the head of them, how many are proven to be as they were written, and a
// *ChainError where one is not, or another error where one cannot be read.
//
// The walk begins behind from: what stands before is passed over, but the event
// of from must be the one there. With a zero from it begins at the first event of
// the export. Where that is not the first of all, the hash before it is not known:
// then nothing is proven of this event itself, and it is not counted, only that
// those behind it follow it. Heads that were noted before must be among the events,
// or be from; one from before them can be compared with nothing, and is an error.
func (k ChainKey) VerifyExport(events iter.Seq2[*Event, error], from EventHead, noted []EventHead) (EventHead, int64, error) {
	c := newChainCheck(k, from, noted)
	for ; from.Seq > 0 && len(c.noted) > 0 && c.noted[0].Seq <= from.Seq; c.noted = c.noted[1:] {
		if c.noted[0].Seq < from.Seq {
			return from, 0, fmt.Errorf("the given head of event %d cannot be compared: only what stands behind event %d is verified", c.noted[0].Seq, from.Seq)
		}
		if err := c.noted[0].at(&Event{Seq: from.Seq, Hash: from.Hash}); err != nil {
			return from, 0, err
		}
	}
	n := int64(0)
	for e, err := range events {
		begins := c.head.Seq == from.Seq
		switch {
		case err != nil:
		case begins && e.Seq <= from.Seq: // stands before the walk
			if err = from.at(e); err == nil {
				continue
			}
		case begins && from.Seq == 0 && e.Seq > 1:
			if err = c.begin(e); err == nil {
				continue
			}
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

// begin takes the first event of an export that begins in the middle. The hash
// before it is not known, so it is taken for what it says; the next one is not.
func (c *chainCheck) begin(e *Event) error {
	if len(c.noted) > 0 && c.noted[0].Seq < e.Seq {
		return fmt.Errorf("the given head of event %d cannot be compared: the export begins at event %d", c.noted[0].Seq, e.Seq)
	}
	return c.take(e)
}

// ShowChainKey returns the event-chain key to somebody who hands it over, and
// records that. It is for whoever has the master key, from which it derives.
func (a *Authority) ShowChainKey(ctx context.Context, actor Actor) (ChainKey, error) {
	d := a.draft(actor, ChainKeyShown, strconv.FormatInt(a.root.id, 10), nil)
	if err := a.store.AddEvent(ctx, d); err != nil {
		return ChainKey{}, fmt.Errorf("recording that the event-chain key is shown: %w", err)
	}
	return a.ChainKey(), a.catchUp(ctx)
}
