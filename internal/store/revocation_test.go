package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// revokedToken is the n-th token of an API key, revoked at at.
func revokedToken(k *authority.APIKey, n int) *authority.Revocation {
	return &authority.Revocation{
		Env: k.Env, ClientID: k.ID, Generation: k.Generation, TokenID: fmt.Sprintf("%022d", n),
		ExpiresAt: at.Add(time.Hour), CreatedAt: at,
	}
}

// wantRevocations compares all revocations, whatever their page.
func wantRevocations(t *testing.T, s authority.Store, last int64, want ...authority.Revocation) {
	t.Helper()
	for _, limit := range []int{1, 2, 100} {
		got, after := []authority.Revocation{}, int64(0)
		for {
			page, head, err := s.Revocations(t.Context(), after, limit)
			must(t, err)
			if head != last || len(page) > limit {
				t.Fatalf("a page of %d has %d; the last is %d, want %d", limit, len(page), head, last)
			}
			if len(page) == 0 {
				break
			}
			got, after = append(got, page...), page[len(page)-1].Seq
		}
		if want == nil {
			want = []authority.Revocation{}
		}
		wantEqual(t, fmt.Sprintf("revocations, %d at a time", limit), got, want)
	}
}

// Whatever raises a generation is a revocation, in the order of commits.
func testRevocations(t *testing.T, s authority.Store) {
	initialize(t, s)
	m := addMerchant(t, s, "acme")
	wantRevocations(t, s, 0)
	first, second := addKey(t, s, apiKey(1, "demo", "acme")), addKey(t, s, apiKey(2, "production", "acme"))
	wantRevocations(t, s, 0)

	token := revokedToken(first, 1)
	must(t, s.RevokeToken(t.Context(), token, 100))
	first.Version, first.Generation, first.UpdatedAt = 2, first.Generation+10, at.Add(time.Second)
	must(t, s.UpdateAPIKey(t.Context(), first, limits, draft(authority.APIKeyUpdated, string(first.ID))))
	first.Version, first.Name = 3, "Renamed" // not a higher generation
	must(t, s.UpdateAPIKey(t.Context(), first, limits, draft(authority.APIKeyUpdated, string(first.ID))))
	m.Version, m.Status, m.UpdatedAt = 2, authority.Suspended, at.Add(2*time.Second)
	must(t, s.UpdateMerchant(t.Context(), m, at.Unix()+5, draft(authority.MerchantSuspended, "acme")))
	k := get(t)(s.APIKey(t.Context(), second.ID))
	k.Version, k.Generation, k.UpdatedAt = k.Version+1, k.Generation+1, at.Add(3*time.Second)
	must(t, s.DeleteAPIKey(t.Context(), k, draft(authority.APIKeyDeleted, string(k.ID))))

	cutoff := func(seq int64, k *authority.APIKey, generation int64, after time.Duration) authority.Revocation {
		return authority.Revocation{Seq: seq, Env: k.Env, ClientID: k.ID, Generation: generation, CreatedAt: at.Add(after)}
	}
	if token.Seq != 1 {
		t.Errorf("the token has number %d, want 1", token.Seq)
	}
	wantRevocations(t, s, 5, *token, cutoff(2, first, at.Unix()+10, time.Second), cutoff(3, first, at.Unix()+11, 2*time.Second),
		cutoff(4, second, at.Unix()+5, 2*time.Second), cutoff(5, second, at.Unix()+6, 3*time.Second))
}

func testRevokeToken(t *testing.T, s authority.Store) {
	initialize(t, s)
	addMerchant(t, s, "acme")
	k := addKey(t, s, apiKey(1, "demo", "acme"))
	first, second := revokedToken(k, 1), revokedToken(k, 2)
	must(t, s.RevokeToken(t.Context(), first, 100))
	again := revokedToken(k, 1)
	again.ExpiresAt = at.Add(2 * time.Hour)
	must(t, s.RevokeToken(t.Context(), again, 100))
	must(t, s.RevokeToken(t.Context(), second, 100))
	wantRevocations(t, s, 2, *first, *second)
}

// C-170: of the tokens that live under the present generation of their API key,
// no more than the limit are listed.
func testManyRevoked(t *testing.T, s authority.Store) {
	initialize(t, s)
	addMerchant(t, s, "acme")
	k, other := addKey(t, s, apiKey(1, "demo", "acme")), addKey(t, s, apiKey(2, "demo", "acme"))
	for n := range 3 {
		must(t, s.RevokeToken(t.Context(), revokedToken(k, n), 3))
	}
	refused(t, s, authority.ErrManyRevoked, func() error { return s.RevokeToken(t.Context(), revokedToken(k, 3), 3) })
	must(t, s.RevokeToken(t.Context(), revokedToken(k, 1), 3)) // is listed
	must(t, s.RevokeToken(t.Context(), revokedToken(other, 9), 3))
	late := revokedToken(k, 4)
	late.CreatedAt, late.ExpiresAt = at.Add(time.Hour), at.Add(2*time.Hour) // the others have expired
	must(t, s.RevokeToken(t.Context(), late, 3))
	k.Version, k.Generation = 2, k.Generation+1
	must(t, s.UpdateAPIKey(t.Context(), k, limits, draft(authority.APIKeyUpdated, string(k.ID))))
	must(t, s.RevokeToken(t.Context(), revokedToken(k, 5), 1)) // the cut-off stands for the others
}

// both databases of the tests are on this machine.
func testNow(t *testing.T, s authority.Store) {
	initialize(t, s)
	before := time.Now().Add(-time.Millisecond) // a time is stored in milliseconds
	now, err := s.Now(t.Context())
	must(t, err)
	if now.Before(before) || now.After(time.Now().Add(time.Millisecond)) {
		t.Errorf("the clock of the database shows %s, at %s", now, before)
	}
}

// C-170: tokens go once they have expired, all else once it is old enough, some
// at a time, and numbers never come back.
func testSweepRevocations(t *testing.T, s authority.Store) {
	initialize(t, s)
	addMerchant(t, s, "acme")
	demo, production := addKey(t, s, apiKey(1, "demo", "acme")), addKey(t, s, apiKey(2, "production", "acme"))
	for n := range 5 {
		r := revokedToken(demo, n)
		r.ExpiresAt = at.Add(time.Duration(n) * time.Minute)
		r.CreatedAt = at.Add(-time.Hour)
		must(t, s.RevokeToken(t.Context(), r, 100))
	}
	must(t, s.RevokeToken(t.Context(), revokedToken(production, 1), 100))
	for _, k := range []*authority.APIKey{demo, production} {
		k.Version, k.Generation = 2, k.Generation+1
		must(t, s.UpdateAPIKey(t.Context(), k, limits, draft(authority.APIKeyUpdated, string(k.ID))))
	}
	all, last, err := s.Revocations(t.Context(), 0, 100)
	must(t, err)
	sweep := func(env string, expired, created time.Time, limit, want int) {
		t.Helper()
		n, err := s.SweepRevocations(t.Context(), env, expired, created, limit)
		must(t, err)
		if n != want {
			t.Errorf("removed %d, want %d", n, want)
		}
	}
	sweep("demo", at, at, 100, 0)
	wantRevocations(t, s, last, all...)
	sweep("demo", at.Add(3*time.Minute), at, 2, 2)
	wantRevocations(t, s, last, all[2:]...)
	sweep("demo", at.Add(3*time.Minute), at.Add(time.Millisecond), 100, 2)
	wantRevocations(t, s, last, all[3], all[4], all[5], all[7])
	sweep("demo", at.Add(time.Hour), at.Add(time.Hour), 100, 2)
	sweep("production", at.Add(2*time.Hour), at.Add(time.Hour), 100, 2)
	wantRevocations(t, s, last)
	r := revokedToken(demo, 77)
	must(t, s.RevokeToken(t.Context(), r, 100))
	wantRevocations(t, s, last+1, *r)
}
