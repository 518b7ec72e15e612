package authority_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// inPieces verifies the chain with the place between pieces as text, which a
// page carries, and returns where each piece ended.
func (h *harness) inPieces(who authority.Actor, noted []authority.EventHead, limit int) (head authority.EventHead, ends []int64, err error) {
	h.t.Helper()
	for done := false; !done; {
		if head, done, err = h.VerifyEventsFrom(h.ctx, who, head, noted, limit); err != nil {
			return head, ends, err
		}
		ends = append(ends, head.Seq)
		if len(ends) > 1000 {
			h.t.Fatalf("it does not end: %v", ends)
		}
		head, err = authority.ParseEventHead(head.String())
		h.must(err)
	}
	return head, ends, nil
}

// C-463: the chain is verified in pieces of bounded size, and what is written
// between them is verified as well.
func TestVerifyEventsGoesOnInPieces(t *testing.T) {
	h := New(t)
	whole := h.chain(6)
	head, ends, err := h.inPieces(actor, []authority.EventHead{whole}, 3)
	h.must(err)
	if head.String() != whole.String() || len(ends) != 3 || ends[0] != 3 || ends[1] != 6 || ends[2] != 7 {
		t.Errorf("head %s, want %s; pieces ended at %v", head, whole, ends)
	}
	first, done, err := h.VerifyEventsFrom(h.ctx, actor, authority.EventHead{}, nil, 3)
	h.must(err)
	h.merchant("200")
	rest, last, err := h.VerifyEventsFrom(h.ctx, actor, first, nil, 100)
	h.must(err)
	if done || first.Seq != 3 || !last || rest.Seq != 8 {
		t.Errorf("first to %d (%t), then to %d (%t)", first.Seq, done, rest.Seq, last)
	}
	// A piece that begins at what is no longer there notices it.
	h.raw(`UPDATE events SET hash = zeroblob(32) WHERE seq = 3`)
	if _, _, err := h.VerifyEventsFrom(h.ctx, actor, authority.EventHead{Seq: 3, Hash: make([]byte, 32)}, nil, 100); err == nil {
		t.Error("a place that was never reached is gone on from")
	}
}

// C-463: only who sees every merchant verifies the chain.
func TestVerifyEventsIsNotForOneMerchant(t *testing.T) {
	h := New(t)
	h.chain(1)
	who := authority.Actor{ID: "user:x", Permissions: &authority.Permissions{Scopes: []string{authority.EventsRead}, MerchantID: "100"}}
	head, _, err := h.inPieces(who, nil, 10)
	wantError(t, "an actor of one merchant", err, authority.ErrNotFound)
	if head.Seq != 0 {
		t.Errorf("event %d was reached", head.Seq)
	}
	who.Permissions = &authority.Permissions{Scopes: []string{authority.UsageRead}}
	if _, _, err := h.inPieces(who, nil, 10); !errors.As(err, new(*authority.ForbiddenError)) {
		t.Errorf("an actor that reads no events: %v", err)
	}
}

func TestParseEventHeadRefusesWhatIsNone(t *testing.T) {
	hash := strings.Repeat("ab", 32)
	for _, text := range []string{"", "1", "1:", "0:" + hash, "-1:" + hash, "1:" + hash[2:], "1:" + hash + "00", "x:" + hash, "1:" + hash + ":"} {
		_, err := authority.ParseEventHead(text)
		wantInvalid(t, text, err, "head")
	}
}

// C-462: an export has every event that is asked for, once, in the order asked
// for, however many pages it takes.
func TestAllEventsAreReadPageByPage(t *testing.T) {
	h := New(t)
	h.merchant("4259")
	h.raw(`WITH RECURSIVE n (i) AS (SELECT 3 UNION ALL SELECT i + 1 FROM n WHERE i < 1500)
		INSERT INTO events SELECT i, time, actor, address, request_id, kind, subject, CASE i % 3 WHEN 0 THEN 'other' ELSE merchant_id END, env, details, root_key_id, hash
		FROM n JOIN events ON seq = 2`)
	for _, newest := range []bool{false, true} {
		n, last := 0, int64(0)
		for e, err := range h.AllEvents(h.ctx, actor, authority.EventFilter{MerchantID: "4259", NewestFirst: newest}) {
			h.must(err)
			if e.MerchantID != "4259" || n > 0 && (e.Seq > last) == newest {
				t.Fatalf("event %d of %s behind %d", e.Seq, e.MerchantID, last)
			}
			n, last = n+1, e.Seq
		}
		if n != 999 {
			t.Errorf("%d events, want 999", n)
		}
	}
	for range h.AllEvents(h.ctx, actor, authority.EventFilter{}) {
		break // asks for no more
	}
	nobody := authority.Actor{Permissions: &authority.Permissions{}}
	for e, err := range h.AllEvents(h.ctx, nobody, authority.EventFilter{}) {
		if e != nil || err == nil {
			t.Errorf("event %v, error %v for an actor without rights", e, err)
		}
	}
}
