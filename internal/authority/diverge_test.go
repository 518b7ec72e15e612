package authority_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// DESIGN 5.2: failover to, or restore of, another history is noticed, and
// everything is read anew.
func TestAnotherHistoryIsReadAnew(t *testing.T) {
	t.Parallel() // it waits for polls
	var out log
	h := newWith(t, authority.MerchantNumbers, &out)
	kept := h.ready()
	h.raw(`PRAGMA wal_checkpoint(TRUNCATE)`)
	older, err := os.ReadFile(h.path)
	h.must(err)
	lost := h.key(authority.NewAPIKey{MerchantID: "4259", Env: "demo", Scopes: []string{"customers:read"}})
	h.must(h.DeleteAPIKey(h.ctx, actor, kept.ID, 0))
	h.refused(h.Authority, kept.request(), authority.UnknownID)
	h.issue(h.Authority, lost.request())

	t.Run("RestoredCopy", func(t *testing.T) {
		restored := &failing{Store: h.store}
		a := h.nodeOn(restored)
		path := h.path + ".restored"
		h.must(os.WriteFile(path, older, 0o600))
		h2 := *h
		h2.path = path
		copied := h2.open()
		restored.Store = copied // as a file put in the place of another, before the node goes on
		h.follow(a)
		eventually(t, "the restored API key works", func() bool {
			_, err := a.IssueToken(kept.request())
			return err == nil
		})
		h.refused(a, lost.request(), authority.UnknownID)
		if out.count("another history") == 0 {
			t.Error("it is not logged")
		}
		if f := a.Figures(); f.Rereads == 0 || f.APIKeys != 1 { // C-350
			t.Errorf("figures %+v, want it read anew, with one API key", f)
		}
	})
	t.Run("ChangedEvent", func(t *testing.T) {
		f := &failing{Store: h.open()}
		a := h.nodeOn(f)
		head, err := f.EventHead(h.ctx)
		h.must(err)
		changed := append([]byte{}, head.Hash...)
		changed[0] ^= 1
		directory := &directoryDown{Store: f.Store}
		directory.down.Store(true)
		f.Store = directory
		h.raw(`UPDATE events SET hash = ? WHERE seq = ?`, changed, head.Seq)
		h.raw(`UPDATE event_head SET hash = ?`, changed)
		h.follow(a)
		// Until it has been read anew, nothing is known.
		eventually(t, "it is not ready", func() bool { return a.Ready() != nil })
		if err := a.Ready(); !strings.Contains(err.Error(), "read anew") {
			t.Error(err)
		}
		if _, err := a.IssueToken(lost.request()); !errors.Is(err, authority.ErrStale) {
			t.Errorf("a token on another history: %v", err)
		}
		directory.down.Store(false)
		eventually(t, "it is ready again", func() bool { return a.Ready() == nil })
		h.issue(a, lost.request())
	})
}

// A change that cannot be applied is tried again, not skipped.
func TestAChangeThatCannotBeAppliedIsNotSkipped(t *testing.T) {
	t.Parallel() // it waits for polls
	var out log
	h := newWith(t, authority.MerchantNumbers, &out)
	k := h.ready()
	other := h.second()
	h.raw(`UPDATE secrets SET root_key_id = 2`)
	name := "Renamed"
	_, err := h.UpdateAPIKey(h.ctx, actor, k.ID, authority.APIKeyUpdate{Name: &name})
	if err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("the node answers before the change acts: %v", err)
	}
	h.follow(other)
	eventually(t, "the failure is logged", func() bool { return out.count("damaged") > 0 })
	h.clock.advance(time.Hour)
	wantError(t, "Ready", other.Ready(), authority.ErrStale)
	h.raw(`UPDATE secrets SET root_key_id = 1`)
	eventually(t, "it is ready again", func() bool { return other.Ready() == nil })
	h.issue(other, k.request())
}
