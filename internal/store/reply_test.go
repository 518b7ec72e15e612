package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// reply is the n-th answer; the n-th ID is its.
func reply(n int, created time.Time) *authority.Reply {
	return &authority.Reply{
		ID: []byte{0, byte(n), 255}, Request: []byte("request"), ClientID: authority.ClientID(fmt.Sprint("twc_demo_", n)), Version: int64(n),
		Sealed: []byte{0, 1, 2, byte(n)}, CreatedAt: created,
	}
}

// C-197: an answer is kept once, until it is too old.
func testReplies(t *testing.T, s authority.Store) {
	initialize(t, s)
	ctx := t.Context()
	_, err := s.Reply(ctx, []byte{0, 1, 255})
	wantError(t, err, authority.ErrNotFound)
	for n := range 3 {
		must(t, s.AddReply(ctx, reply(n, at.Add(time.Duration(n)*time.Minute))))
	}
	for n := range 3 {
		got, err := s.Reply(ctx, reply(n, at).ID)
		must(t, err)
		wantEqual(t, "reply", got, reply(n, at.Add(time.Duration(n)*time.Minute)))
	}
	again := reply(1, at.Add(time.Hour))
	again.Sealed, again.Request, again.ClientID, again.Version = []byte("other"), []byte("else"), "", 0
	wantError(t, s.AddReply(ctx, again), authority.ErrReplied)
	again.Outlives = at.Add(time.Minute) // the stored one is of just then
	wantError(t, s.AddReply(ctx, again), authority.ErrReplied)
	got, err := s.Reply(ctx, again.ID)
	must(t, err)
	wantEqual(t, "reply that was not replaced", got, reply(1, at.Add(time.Minute)))
	again.Outlives = at.Add(time.Minute + time.Millisecond)
	must(t, s.AddReply(ctx, again))
	got, err = s.Reply(ctx, again.ID)
	must(t, err)
	again.Outlives = time.Time{} // is not kept
	wantEqual(t, "reply in the place of an old one", got, again)

	must(t, s.DeleteReplies(ctx, at.Add(2*time.Minute)))
	_, err = s.Reply(ctx, reply(0, at).ID)
	wantError(t, err, authority.ErrNotFound)
	for n := 1; n < 3; n++ {
		if _, err := s.Reply(ctx, reply(n, at).ID); err != nil {
			t.Errorf("reply %d: %v", n, err)
		}
	}
}

// C-197: a change is done with its answer or not at all, and only once.
func testRepliedChanges(t *testing.T, s authority.Store) {
	initialize(t, s)
	addScope(t, s, "a:read", "b:read")
	m := addMerchant(t, s, "acme")
	k := addKey(t, s, apiKey(1, "demo", "acme", "a:read"))
	first := draft(authority.MerchantCreated, "n")
	first.Reply = reply(1, at)
	must(t, s.CreateMerchant(t.Context(), merchant("n"), first))
	if _, err := s.Reply(t.Context(), first.Reply.ID); err != nil {
		t.Errorf("the answer of a change: %v", err)
	}
	m2, k2 := *m, *k
	m2.Version, k2.Version = 2, 2
	for what, change := range map[string]func(*authority.Draft) error{
		"CreateMerchant": func(d *authority.Draft) error { return s.CreateMerchant(t.Context(), merchant("b"), d) },
		"UpdateMerchant": func(d *authority.Draft) error { return s.UpdateMerchant(t.Context(), &m2, 9, d) },
		"CreateScope":    func(d *authority.Draft) error { return s.CreateScope(t.Context(), scope("c:read"), d) },
		"CreateAPIKey": func(d *authority.Draft) error {
			return s.CreateAPIKey(t.Context(), apiKey(2, "demo", "acme"), limits, d)
		},
		"UpdateAPIKey": func(d *authority.Draft) error { return s.UpdateAPIKey(t.Context(), &k2, limits, d) },
	} {
		d := draft(authority.APIKeyUpdated, "x")
		d.Reply = reply(1, at)
		refused(t, s, authority.ErrReplied, func() error {
			err := change(d)
			if err == nil {
				t.Errorf("%s was done twice", what)
			}
			return err
		})
	}
	// What is refused leaves no answer.
	d := draft(authority.MerchantCreated, "acme")
	d.Reply = reply(2, at)
	refused(t, s, authority.ErrExists, func() error { return s.CreateMerchant(t.Context(), merchant("acme"), d) })
	_, err := s.Reply(t.Context(), d.Reply.ID)
	wantError(t, err, authority.ErrNotFound)
}
