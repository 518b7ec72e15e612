package authority_test

import (
	"errors"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/jose"
)

// listed counts the kids that the feed must list.
func (h *harness) listed(kid string) (n int) {
	h.t.Helper()
	h.scan(`SELECT count(*) FROM revocations WHERE env = 'demo' AND kid = ?`, &n, kid)
	return n
}

// C-182.
func TestARevokedSigningKeyIsReplacedByTheRipeSpare(t *testing.T) {
	h := New(t)
	k := h.ready()
	h.tend(0)
	first, second := h.demoKeys()[0].KeyID, h.demoKeys()[1].KeyID
	old, _ := h.issue(h.Authority, k.request())
	h.clock.advance(announceTime)
	r, err := h.RevokeSigningKey(h.ctx, actor, first, false)
	h.must(err)
	h.wantStatuses("revoked active announced")
	if r.Key.Status != authority.SigningKeyRevoked || r.Active.KeyID != second || r.KnownAt.After(h.clock.now()) || len(r.Key.Sealed) != 0 {
		t.Errorf("revoked %+v", r)
	}
	h.published(second, h.demoKeys()[2].KeyID)
	h.signs(k, second)
	m, err := jose.Parse(string(old.AccessToken))
	h.must(err)
	if verifyWith(h.Authority, "demo", m) == nil {
		t.Error("what the revoked key has signed verifies with the JWKS")
	}
	if h.listed(first) != 1 {
		t.Errorf("it is listed %d times", h.listed(first))
	}
	// Once more changes nothing.
	events := len(h.signingKeyEvents())
	h.must(errorOf(h.RevokeSigningKey(h.ctx, actor, first, false)))
	if h.listed(first) != 1 || len(h.signingKeyEvents()) != events {
		t.Errorf("revoked again: listed %d times, %v", h.listed(first), h.signingKeyEvents())
	}
	h.wantStatuses("revoked active announced")
	h.tend(365 * 24 * time.Hour) // it stays what it is
	h.wantStatuses("revoked active announced")
	_, err = h.RevokeSigningKey(h.ctx, actor, "nobody", true)
	wantError(t, "an unknown key", err, authority.ErrNotFound)
}

// C-182, C-184: without a ripe spare it is refused, unless it is forced.
func TestWithoutARipeSpareARevocationMustBeForced(t *testing.T) {
	h := New(t)
	k := h.ready()
	h.withoutSpare()
	first := h.demoKeys()[0].KeyID
	refused := func(ripeAt time.Time) {
		t.Helper()
		before := h.statuses()
		_, err := h.RevokeSigningKey(h.ctx, actor, first, false)
		var unripe *authority.UnripeError
		if !errors.As(err, &unripe) || unripe.Env != "demo" || !unripe.RipeAt.Equal(ripeAt) {
			t.Errorf("got %v, want that the spare is ripe at %s", err, ripeAt)
		}
		h.wantStatuses(before)
		if h.listed(first) != 0 {
			t.Error("it is listed")
		}
		h.signs(k, first)
	}
	refused(time.Time{}) // none is announced at all
	h.tend(0)
	h.tend(announceTime - time.Millisecond)
	refused(started.Add(announceTime))
	spare := h.demoKeys()[1]
	r, err := h.RevokeSigningKey(h.ctx, actor, first, true)
	h.must(err)
	if r.Active.KeyID != spare.KeyID || !r.KnownAt.Equal(spare.RipeAt) {
		t.Errorf("revoked %+v", r)
	}
	h.wantStatuses("revoked active announced")
	h.signs(k, spare.KeyID)

	// Nor does it need a spare: a new key signs, which nobody has seen.
	h.withoutSpare()
	r, err = h.RevokeSigningKey(h.ctx, actor, spare.KeyID, true)
	h.must(err)
	if !r.KnownAt.Equal(h.clock.now().Add(announceTime)) {
		t.Errorf("everybody knows the new key at %s", r.KnownAt)
	}
	h.wantStatuses("revoked active revoked announced") // the one in the middle was never announced
	h.signs(k, r.Active.KeyID)
}

// C-182: a key that does not sign is revoked without another taking over.
func TestKeysThatDoNotSignAreRevokedAlone(t *testing.T) {
	h := rotating(t)
	k := h.ready()
	h.tend(0)
	h.tend(24 * time.Hour)
	h.wantStatuses("retired active announced")
	retired, active, spare := h.demoKeys()[0].KeyID, h.demoKeys()[1].KeyID, h.demoKeys()[2].KeyID
	for _, kid := range []string{retired, spare} {
		r, err := h.RevokeSigningKey(h.ctx, actor, kid, false)
		h.must(err)
		if r.Active.KeyID != active || h.listed(kid) != 1 {
			t.Errorf("revoked %+v", r)
		}
	}
	h.wantStatuses("revoked active revoked announced") // another spare is there at once
	h.published(active, h.demoKeys()[3].KeyID)
	h.signs(k, active)
}

// C-182: the event of a revocation tells who signs instead, and whether that was forced.
func TestTheEventOfARevokedSigningKeyTellsWhoSigns(t *testing.T) {
	h := New(t)
	h.tend(0)
	first, second := h.demoKeys()[0].KeyID, h.demoKeys()[1].KeyID
	h.clock.advance(announceTime)
	h.must(errorOf(h.RevokeSigningKey(h.ctx, actor, first, true))) // which the other is ripe for
	third := h.demoKeys()[2].KeyID
	h.must(errorOf(h.RevokeSigningKey(h.ctx, actor, second, true)))
	fourth := h.demoKeys()[3].KeyID
	h.must(errorOf(h.RevokeSigningKey(h.ctx, actor, fourth, false)))
	events, err := h.Events(h.ctx, actor, authority.EventFilter{Kind: authority.SigningKeyRevocation}, 0, 10)
	h.must(err)
	for i, want := range []string{`{"activated":"` + second + `"}`, `{"activated":"` + third + `","forced":true}`, `{}`} {
		if len(events) != 3 || events[i].Details != want {
			t.Errorf("event %d of %d: %+v, want the details %s", i, len(events), events, want)
		}
	}
}
