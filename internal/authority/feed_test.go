package authority_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/accesstoken"
	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/jose"
)

// docs/revocation: a feed is of the last second and of the last revocation, and
// whole unless what it is to begin behind is known.
func TestAFeedIsOfTheMomentAndNothingIsMissing(t *testing.T) {
	h := New(t)
	k, other := h.ready(), h.key(authority.NewAPIKey{MerchantID: "4259", Env: "demo"})
	feed := func(after int64) (*accesstoken.Revocations, []byte) {
		t.Helper()
		text, err := h.Feed("demo", after)
		h.must(err)
		m, err := jose.ParseUpTo(string(text), accesstoken.MaxRevocationsSize)
		h.must(err)
		f, err := accesstoken.ParseRevocations(string(m.Payload))
		h.must(err)
		return f, text
	}
	first, text := feed(authority.WholeFeed)
	if _, again := feed(authority.WholeFeed); &again[0] != &text[0] {
		t.Error("within a moment it is signed twice")
	}
	if first.Partial || first.Expiry != first.IssuedAt+600 || first.IssuedAt != started.Unix() {
		t.Errorf("the first feed is %+v", first)
	}
	h.clock.advance(time.Second)
	h.merchant("42") // this node has looked at the database
	if f, later := feed(authority.WholeFeed); f.IssuedAt != first.IssuedAt+1 || bytes.Equal(later, text) {
		t.Errorf("a second later the feed is %+v", f)
	}
	h.must(h.DeleteAPIKey(h.ctx, actor, k.ID, 0))
	one, _ := feed(authority.WholeFeed)
	if one.Seq <= first.Seq || len(one.Cutoffs) != 1 || one.Cutoffs[0].ClientID != string(k.ID) {
		t.Errorf("within the second of a revocation the feed is %+v", one)
	}
	h.must(h.DeleteAPIKey(h.ctx, actor, other.ID, 0))
	both, _ := feed(authority.WholeFeed)
	for after, want := range map[int64]struct {
		partial bool
		cutoffs int
	}{0: {true, 2}, one.Seq: {true, 1}, both.Seq: {true, 0}, both.Seq + 1: {false, 2}, authority.WholeFeed: {false, 2}} {
		f, _ := feed(after)
		if f.Partial != want.partial || len(f.Cutoffs) != want.cutoffs || f.Seq != both.Seq || f.Partial && f.After != after {
			t.Errorf("behind %d the feed is %+v", after, f)
		}
	}
}
