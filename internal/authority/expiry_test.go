package authority_test

import (
	"errors"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// C-089: a token never outlives its API key, however the clock stands.
func TestTokenEndsWithItsAPIKey(t *testing.T) {
	h := New(t)
	h.ready()
	k := h.key(authority.NewAPIKey{
		MerchantID: "4259", Env: "demo", Scopes: []string{"customers:read"}, ExpiresAt: h.clock.now().Add(2 * time.Hour)})
	end := k.ExpiresAt
	for _, c := range []struct {
		before time.Duration
		most   int64
		reason authority.Reason
	}{
		{2 * time.Hour, 3600, ""}, {time.Hour, 3600, ""}, {10 * time.Minute, 600, ""}, {10 * time.Second, 10, ""},
		{9999 * time.Millisecond, 10, ""}, {1500 * time.Millisecond, 2, ""},
		{100 * time.Millisecond, 0, authority.KeyExpired}, {time.Millisecond, 0, authority.KeyExpired},
		{0, 0, authority.KeyExpired}, {-time.Hour, 0, authority.KeyExpired},
		{30 * time.Second, 30, ""}, // the clock was set back
		{48 * time.Hour, 3600, ""},
	} {
		h.clock.advance(end.Add(-c.before).Sub(h.clock.now()))
		h.must(h.LoadDirectory(h.ctx)) // it is current, whatever the clock says
		if c.reason != "" {
			h.refused(h.Authority, k.request(), c.reason)
			continue
		}
		token, claims := h.issue(h.Authority, k.request())
		if token.ExpiresIn > c.most || token.ExpiresIn < c.most-1 || token.ExpiresIn < 1 ||
			claims.Expiry > end.Unix() || claims.Expiry-claims.IssuedAt != token.ExpiresIn {
			t.Errorf("%s before the end: expires_in %d, exp %d, end %d", c.before, token.ExpiresIn, claims.Expiry, end.Unix())
		}
	}
}

// C-089: nor its secret; and the reason names the one that ended first.
func TestTokenEndsWithItsSecret(t *testing.T) {
	h := New(t)
	k := h.ready()
	expire := func(secret, apiKey time.Duration) {
		t.Helper()
		h.raw(`UPDATE secrets SET expires_at = ?`, h.clock.now().Add(secret).UnixMilli())
		h.raw(`UPDATE api_keys SET expires_at = ?`, h.clock.now().Add(apiKey).UnixMilli())
		h.must(h.LoadDirectory(h.ctx))
	}
	expire(10*time.Second, 20*time.Second)
	if token, _ := h.issue(h.Authority, k.request()); token.ExpiresIn > 10 {
		t.Errorf("expires_in %d with a secret for 10 s", token.ExpiresIn)
	}
	for _, c := range []struct {
		secret, apiKey time.Duration
		want           authority.Reason
	}{
		{-time.Second, time.Hour, authority.SecretExpired},
		{-time.Second, -time.Hour, authority.KeyExpired},
		{time.Millisecond, time.Hour, authority.SecretExpired},
		{time.Hour, time.Millisecond, authority.KeyExpired},
	} {
		expire(c.secret, c.apiKey)
		h.refused(h.Authority, k.request(), c.want)
	}
	// Whoever comes with an ended secret hears of that before anything else.
	for secret, apiKey := range map[time.Duration]time.Duration{-time.Second: time.Hour, time.Hour: -time.Second} {
		expire(secret, apiKey)
		r := k.request()
		r.Scope = "not:held"
		want := authority.SecretExpired
		if apiKey < 0 {
			want = authority.KeyExpired
		}
		h.refused(h.Authority, r, want)
	}
}

// C-045: at the moment of its end nobody is it any more, wherever a client authenticates.
func TestNobodyAuthenticatesAtTheEnd(t *testing.T) {
	for column, want := range map[string]authority.Reason{"secrets": authority.SecretExpired, "api_keys": authority.KeyExpired} {
		h := New(t)
		k := h.ready()
		h.raw(`UPDATE `+column+` SET expires_at = ?`, started.Add(time.Second).UnixMilli())
		h.must(h.LoadDirectory(h.ctx))
		h.clock.advance(time.Second - time.Millisecond)
		h.client(h.Authority, k)
		h.clock.advance(time.Millisecond)
		var refusal *authority.Refusal
		if _, err := h.AuthenticateClient(k.request()); !errors.As(err, &refusal) || refusal.Reason != want {
			t.Errorf("at the end of %s: %v, want %s", column, err, want)
		}
	}
}
