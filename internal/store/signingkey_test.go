package store

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// announced is the n-th further signing key of env.
func announced(env string, n int) authority.SigningKey {
	created := at.Add(time.Duration(n) * time.Hour)
	return authority.SigningKey{
		KeyID: fmt.Sprint("spare", n), Env: env, Algorithm: "EdDSA", Status: authority.SigningKeyAnnounced, RootKeyID: 1,
		Sealed: []byte{9, byte(n)}, CreatedAt: created, RipeAt: created.Add(time.Minute), KeepFor: 1500 * time.Millisecond,
	}
}

// signingKeysOf reads those of one environment.
func signingKeysOf(t *testing.T, s authority.Store, env string) (list []authority.SigningKey) {
	t.Helper()
	keys, err := s.SigningKeys(t.Context())
	must(t, err)
	for _, k := range keys {
		if k.Env == env {
			list = append(list, k)
		}
	}
	return list
}

// takeOver is old, which retires, and next, which signs from now on.
func takeOver(old, next authority.SigningKey) []authority.SigningKey {
	old.Status, old.RetiredAt = authority.SigningKeyRetired, at.Add(time.Hour)
	next.Status, next.ActivatedAt, next.WantedAt = authority.SigningKeyActive, at.Add(time.Hour), at.Add(time.Minute)
	return []authority.SigningKey{old, next}
}

func testChangeSigningKeys(t *testing.T, s authority.Store) {
	initialize(t, s)
	others := append(signingKeysOf(t, s, "production"), signingKeysOf(t, s, "platform")...)
	change := func(seen []authority.SigningKey, changed ...authority.SigningKey) error {
		return s.ChangeSigningKeys(t.Context(), "demo", seen, changed, draft(authority.SigningKeyActivation, changed[0].KeyID))
	}
	first := signingKeysOf(t, s, "demo")
	spare := announced("demo", 1)
	must(t, change(first, spare))
	two := signingKeysOf(t, s, "demo")
	wantEqual(t, "an announced key", two, append(first, spare))

	// What was decided on other keys does not happen.
	wanted, longer, later := two[1], two[0], two[1]
	wanted.WantedAt, longer.KeepFor, later.RipeAt = at, time.Hour, at
	for what, seen := range map[string][]authority.SigningKey{
		"one was added": first, "one is gone": append(two, announced("demo", 2)), "another status": takeOver(two[0], two[1]),
		"wanted": {two[0], wanted}, "kept for longer": {longer, two[1]}, "ripe later": {two[0], later}, "none": nil,
	} {
		t.Log(what)
		refused(t, s, authority.ErrConflict, func() error { return change(seen, takeOver(two[0], two[1])...) })
	}
	// C-184: an environment is never without its one active key.
	ended := two[0]
	ended.Status = authority.SigningKeyRemoved
	refused(t, s, authority.ErrActiveSigningKey, func() error { return change(two, ended) })
	ended.Status = authority.SigningKeyRevoked
	refused(t, s, authority.ErrActiveSigningKey, func() error { return change(two, ended) })
	before := read(t, s)
	if err := change(two, takeOver(two[0], two[1])[1]); err == nil {
		t.Error("there are two active signing keys")
	}
	wantState(t, s, before)

	must(t, change(two, takeOver(two[0], two[1])...))
	three := signingKeysOf(t, s, "demo")
	wantEqual(t, "after a rotation", three, takeOver(two[0], two[1]))
	gone := three[0]
	gone.Status, gone.RemovedAt, gone.Sealed = authority.SigningKeyRemoved, at.Add(2*time.Hour), nil
	must(t, change(three, gone))
	after := signingKeysOf(t, s, "demo")
	if len(after[0].Sealed) != 0 {
		t.Error("a removed key still has its private key")
	}
	after[0].Sealed = nil // whichever of the two a driver makes of it
	wantEqual(t, "after a removal", after, []authority.SigningKey{gone, three[1]})
	wantEqual(t, "those of other environments", append(signingKeysOf(t, s, "production"), signingKeysOf(t, s, "platform")...), others)
}

// C-182.
func TestRevokedSigningKeysAreInTheFeed(t *testing.T) {
	s := openStore(t, newPath(t))
	initialize(t, s)
	listed := func() []string {
		t.Helper()
		var list []string
		must(t, s.snapshot(t.Context(), func(x *tx) (err error) {
			list, err = collect(x, func(r row, text *string) error {
				var seq, createdAt int64
				var env, kid, client, jti string
				err := r.Scan(&seq, &env, &kid, &client, &jti, &createdAt)
				*text = fmt.Sprintln(seq, env, kid, client, jti, createdAt)
				return err
			}, `SELECT seq, env, kid, client_id, jti, created_at FROM revocations ORDER BY seq`)
			return err
		}))
		return list
	}
	seen := signingKeysOf(t, s, "demo")
	spare := announced("demo", 1)
	must(t, s.ChangeSigningKeys(t.Context(), "demo", seen, []authority.SigningKey{spare}, draft(authority.SigningKeyAnnouncement, spare.KeyID)))
	wantEqual(t, "before any is revoked", listed(), []string{})
	seen = signingKeysOf(t, s, "demo")
	changed := takeOver(seen[0], seen[1])
	changed[0].Status = authority.SigningKeyRevoked
	must(t, s.ChangeSigningKeys(t.Context(), "demo", seen, changed, draft(authority.SigningKeyRevocation, seen[0].KeyID)))
	wantEqual(t, "revocations", listed(), []string{fmt.Sprintln(1, "demo", "kid1", "", "", at.UnixMilli())})
}

// C-181: of two nodes that take the same step, one does.
func testOneStep(t *testing.T, nodes [2]authority.Store) {
	initialize(t, nodes[0])
	for n := range 10 {
		seen := signingKeysOf(t, nodes[0], "demo")
		results := make(chan error, 8)
		var wait sync.WaitGroup
		for worker := range cap(results) {
			wait.Go(func() {
				k := announced("demo", 10*n+worker)
				results <- nodes[worker%2].ChangeSigningKeys(t.Context(), "demo", seen, []authority.SigningKey{k},
					draft(authority.SigningKeyAnnouncement, k.KeyID))
			})
		}
		wait.Wait()
		succeeded := 0
		for range cap(results) {
			if err := <-results; err == nil {
				succeeded++
			} else if !errors.Is(err, authority.ErrConflict) {
				t.Error(err)
			}
		}
		if succeeded != 1 || len(signingKeysOf(t, nodes[1], "demo")) != n+2 {
			t.Fatalf("%d of 8 did the same step", succeeded)
		}
	}
	checkChain(t, nodes[1])
}
