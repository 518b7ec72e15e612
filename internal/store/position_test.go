package store

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/postgrestest"
)

// Position moves with every event and every revocation, and names what is last.
func testPosition(t *testing.T, s authority.Store) {
	initialize(t, s)
	position := func() authority.Position {
		t.Helper()
		p, err := s.Position(t.Context())
		must(t, err)
		st := read(t, s)
		want := authority.Position{Event: st.Head, Revocation: st.LastRevoked}
		if n := len(st.Revocations); n > 0 && st.Revocations[n-1].Seq == st.LastRevoked {
			want.LastRevocation = st.Revocations[n-1]
		}
		wantEqual(t, "position", p, want)
		return p
	}
	if p := position(); p.Revocation != 0 || p.Event.Seq != 1 {
		t.Errorf("of a new installation: %+v", p)
	}
	addMerchant(t, s, "acme")
	k := addKey(t, s, apiKey(1, "demo", "acme"))
	position()
	must(t, s.RevokeToken(t.Context(), &authority.Revocation{
		Env: "demo", ClientID: k.ID, Generation: k.Generation, TokenID: "a token", ExpiresAt: at.Add(time.Hour), CreatedAt: at,
	}, 100))
	position()
	deleteKey(t, s, k.ID)
	if p := position(); p.LastRevocation.ClientID != k.ID || p.LastRevocation.TokenID != "" {
		t.Errorf("the cut-off is not the last revocation: %+v", p)
	}
	for range 2 {
		_, err := s.SweepRevocations(t.Context(), "demo", at.Add(2*time.Hour), at.Add(time.Hour), 10)
		must(t, err)
	}
	if p := position(); p.Revocation != 2 || p.LastRevocation.Seq != 0 {
		t.Errorf("once all is swept: %+v", p)
	}
	// It is the last event that is looked at, whatever the counter says.
	_, err := s.(*Store).write.ExecContext(t.Context(), `UPDATE events SET hash = $1 WHERE seq = $2`, []byte("another"), read(t, s).Head.Seq)
	must(t, err)
	p, err := s.Position(t.Context())
	must(t, err)
	wantEqual(t, "hash of the event that was changed", string(p.Event.Hash), "another")
	_, err = s.(*Store).write.ExecContext(t.Context(), `UPDATE events SET hash = $1 WHERE hash = $2`, read(t, s).Head.Hash, []byte("another"))
	must(t, err)
}

// More changes than one statement handles.
func testManyChanges(t *testing.T, s authority.Store) {
	initialize(t, s)
	m := addMerchant(t, s, "acme")
	m.KeyLimit, m.Version = 1000, 2
	must(t, s.UpdateMerchant(t.Context(), m, 0, draft(authority.MerchantUpdated, "acme")))
	d := readDirectory(t, s)
	var uses []authority.Use
	for n := range 300 {
		k := addKey(t, s, apiKey(n, "demo", "acme"))
		uses = append(uses, use(k, 1, authority.Issued, int64(n+1), at.Add(time.Duration(n)*time.Second), "192.0.2.1"))
		if n%7 == 0 {
			deleteKey(t, s, k.ID)
		}
	}
	d.follow(t, s, 1000)
	wantEqual(t, "a directory that has followed", d, readDirectory(t, s))
	m.Status, m.Version = authority.Suspended, 3
	must(t, s.UpdateMerchant(t.Context(), m, at.Unix()+5, draft(authority.MerchantSuspended, "acme")))
	d.follow(t, s, 1000)
	wantEqual(t, "after the merchant was suspended", d, readDirectory(t, s))

	for range 2 {
		addUsage(t, s, uses...)
	}
	for n, u := range uses {
		got, err := s.Usage(t.Context(), u.ClientID, hour, hour.Add(time.Hour))
		must(t, err)
		wantEqual(t, fmt.Sprint("usage ", n), got, []authority.HourUsage{{Hour: hour, SecretID: 1, Outcome: authority.Issued, Count: 2 * int64(n+1)}})
	}
}

// Whoever listens is told of every kind of change, by whichever handle, and
// listens again after its connection was cut.
func TestPostgresTellsOfChanges(t *testing.T) {
	server := postgrestest.Shared(t)
	url := server.Database(t)
	s, other := openPostgres(t, url), openPostgres(t, url)
	initialize(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	told, ended := make(chan struct{}, 1000), make(chan struct{})
	go func() {
		defer close(ended)
		s.Listen(ctx, func() { told <- struct{}{} })
	}()
	wait := func(what string) {
		t.Helper()
		select {
		case <-told:
		case <-time.After(10 * time.Second):
			t.Fatalf("it does not tell: %s", what)
		}
	}
	wait("it listens") // and may have missed what was before
	addMerchant(t, other, "acme")
	wait("an event")
	k := addKey(t, s, apiKey(1, "demo", "acme"))
	wait("an event of its own")
	revocation := authority.Revocation{
		Env: "demo", ClientID: k.ID, Generation: k.Generation, TokenID: "a token", ExpiresAt: at.Add(time.Hour), CreatedAt: at,
	}
	must(t, other.RevokeToken(t.Context(), &revocation, 100))
	wait("a revoked token")
	if err := other.CreateMerchant(t.Context(), merchant("acme"), draft(authority.MerchantCreated, "acme")); err == nil {
		t.Error("a merchant was created twice")
	}
	addUsage(t, other, use(k, 1, authority.Issued, 1, at, ""))
	select {
	case <-told:
		t.Error("it tells of what is no change")
	case <-time.After(50 * time.Millisecond):
	}
	server.Exec(t, "postgres", `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'LISTEN tokenwright' AND pid <> pg_backend_pid()`)
	wait("it listens again")
	addMerchant(t, other, "second")
	wait("an event after the connection was cut")
	cancel()
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Fatal("it does not end")
	}
}
