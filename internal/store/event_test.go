package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// C-228: what cannot be recorded does not happen.
func testEventFails(t *testing.T, s authority.Store) {
	initialize(t, s)
	m := addMerchant(t, s, "acme")
	addScope(t, s, "a:read")
	k := addKey(t, s, apiKey(1, "demo", "acme"))
	before := read(t, s)
	// An event that stands where the next one belongs.
	db := s.(*Store).write
	_, err := db.ExecContext(t.Context(), `INSERT INTO events (`+eventColumns+`)
		SELECT seq + 1, time, actor, address, request_id, kind, subject, merchant_id, env, details, root_key_id, hash
		FROM events WHERE seq = $1`, before.Head.Seq)
	must(t, err)
	m2, k2 := *m, *k
	m2.Version, k2.Version = 2, 2
	for what, change := range map[string]func(*authority.Draft) error{
		"ReplaceRootKey": func(d *authority.Draft) error {
			return s.ReplaceRootKey(t.Context(), before.Root.Sealed, &authority.SealedRootKey{ID: 1, Sealed: []byte("x")}, d)
		},
		"CreateMerchant": func(d *authority.Draft) error { return s.CreateMerchant(t.Context(), merchant("b"), d) },
		"UpdateMerchant": func(d *authority.Draft) error { return s.UpdateMerchant(t.Context(), &m2, 9, d) },
		"DeleteMerchant": func(d *authority.Draft) error { return s.DeleteMerchant(t.Context(), &m2, d) },
		"CreateScope":    func(d *authority.Draft) error { return s.CreateScope(t.Context(), scope("b:read"), d) },
		"DeleteScope":    func(d *authority.Draft) error { return s.DeleteScope(t.Context(), "a:read", d) },
		"CreateAPIKey": func(d *authority.Draft) error {
			return s.CreateAPIKey(t.Context(), apiKey(2, "demo", "acme"), limits, d)
		},
		"UpdateAPIKey": func(d *authority.Draft) error { return s.UpdateAPIKey(t.Context(), &k2, limits, d) },
		"DeleteAPIKey": func(d *authority.Draft) error { return s.DeleteAPIKey(t.Context(), &k2, d) },
	} {
		if err := change(draft(authority.APIKeyUpdated, "x")); err == nil {
			t.Errorf("%s succeeds without an event", what)
		}
	}
	_, err = db.ExecContext(t.Context(), `DELETE FROM events WHERE seq = $1`, before.Head.Seq+1)
	must(t, err)
	wantState(t, s, before)
}

func testCancelled(t *testing.T, s authority.Store) {
	initialize(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	refused(t, s, context.Canceled, func() error {
		return s.CreateMerchant(ctx, merchant("acme"), draft(authority.MerchantCreated, "acme"))
	})
	if _, err := s.Changes(ctx, read(t, s).Head, 10); !errors.Is(err, context.Canceled) {
		t.Errorf("Changes: %v", err)
	}
}

func testEvents(t *testing.T, s authority.Store) {
	initialize(t, s)
	for i := range 9 {
		addMerchant(t, s, authority.MerchantID(fmt.Sprint("m", i)))
	}
	for _, limit := range []int{1, 3, 10, 100} {
		var after int64
		for after < 10 {
			page, err := s.Events(t.Context(), after, limit)
			must(t, err)
			if len(page) != min(limit, 10-int(after)) {
				t.Fatalf("a page of %d behind %d has %d", limit, after, len(page))
			}
			for i := range page {
				after++
				if page[i].Seq != after {
					t.Fatalf("event %d comes in the place of %d", page[i].Seq, after)
				}
			}
		}
		if page, err := s.Events(t.Context(), after, limit); err != nil || len(page) != 0 {
			t.Errorf("behind the last event: %v, %v", page, err)
		}
	}
	d := draft(authority.APIKeyUpdated, "subject")
	d.MerchantID, d.Env = "m1", "demo"
	m, err := s.Merchant(t.Context(), "m1")
	must(t, err)
	m.Version++
	must(t, s.UpdateMerchant(t.Context(), m, 0, d))
	events, err := s.Events(t.Context(), 10, 10)
	must(t, err)
	wantEqual(t, "event", events, []authority.Event{d.Event})
	if bytes.Equal(d.Hash, make([]byte, len(d.Hash))) {
		t.Error("the event has no hash")
	}
	alone := draft(authority.ChainKeyShown, "1")
	must(t, s.AddEvent(t.Context(), alone))
	events, err = s.Events(t.Context(), 11, 10)
	must(t, err)
	wantEqual(t, "event of no change", events, []authority.Event{alone.Event})
}

// C-207, C-192: whoever makes a change has what it has shown, at the moment of the change.
func testStanding(t *testing.T, s authority.Store) {
	initialize(t, s)
	addMerchant(t, s, "acme")
	k := addKey(t, s, apiKey(1, "demo", "acme"))
	off := apiKey(2, "demo", "acme")
	off.Status = authority.Disabled
	addKey(t, s, off)
	u := addUser(t, s, user(1))
	v, guest := signedIn(t, s, 1, u), signedIn(t, s, 2, nil)
	for what, tc := range map[string]struct {
		actor    string
		standing authority.Standing
		want     error
	}{
		"nothing to lose":               {"cli:root@host", authority.Standing{}, nil},
		"a session":                     {"user:x", authority.Standing{Session: v.ID, UserVersion: u.Version}, nil},
		"a session without a user":      {"portal:x", authority.Standing{Session: guest.ID}, nil},
		"a session that ended":          {"user:x", authority.Standing{Session: "ses_gone", UserVersion: u.Version}, authority.ErrEnded},
		"a user who was changed since":  {"user:x", authority.Standing{Session: v.ID, UserVersion: u.Version - 1}, authority.ErrConflict},
		"an API key":                    {"api_key:" + string(k.ID), authority.Standing{Generation: k.Generation}, nil},
		"an API key, later":             {"api_key:" + string(k.ID), authority.Standing{Generation: k.Generation + 1}, nil},
		"an API key, before its cutoff": {"api_key:" + string(k.ID), authority.Standing{Generation: k.Generation - 1}, authority.ErrEnded},
		"an API key that is disabled":   {"api_key:" + string(off.ID), authority.Standing{Generation: off.Generation}, authority.ErrEnded},
		"an API key that never was":     {"api_key:twc_demo_x", authority.Standing{Generation: 1}, authority.ErrEnded},
	} {
		d := draft(authority.ScopeCreated, "customers:read")
		d.Actor.ID, d.Standing = tc.actor, tc.standing
		if err := s.AddEvent(t.Context(), d); !errors.Is(err, tc.want) {
			t.Errorf("%s: got error %v, want %v", what, err, tc.want)
		}
	}
}
