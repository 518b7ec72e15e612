package authority_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/accesstoken"
	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/jose"
)

// dead asks a node about a token that was verified.
func (h *harness) dead(a *authority.Authority, token authority.Token) bool {
	h.t.Helper()
	m, err := jose.Parse(string(token.AccessToken))
	h.must(err)
	dead, err := a.Revoked(token.Env, h.verify(a, token), m.KeyID)
	h.must(err)
	return dead
}

// feed reads the feed of a node as a verifier elsewhere does.
func (h *harness) feed(a *authority.Authority, env string, after int64) *accesstoken.Revocations {
	h.t.Helper()
	signed, err := a.Feed(env, after)
	h.must(err)
	m, err := jose.ParseUpTo(string(signed), accesstoken.MaxRevocationsSize)
	h.must(err)
	h.must(verifyWith(a, env, m))
	f, err := accesstoken.ParseRevocations(string(m.Payload))
	h.must(err)
	return f
}

// listed is the rule by which a reader of the feed finds a token dead.
func listed(f *accesstoken.Revocations, c *accesstoken.Claims) bool {
	id, _ := accesstoken.ParseTokenID(c.ID)
	return c.Generation < f.MinGeneration ||
		slices.ContainsFunc(f.Cutoffs, func(cut accesstoken.Cutoff) bool { return cut.ClientID == c.ClientID && c.Generation < cut.Generation }) ||
		slices.ContainsFunc(f.Tokens, func(t accesstoken.RevokedToken) bool { return t.ID == id })
}

// client authenticates as k does.
func (h *harness) client(a *authority.Authority, k *key) *authority.Client {
	h.t.Helper()
	c, err := a.AuthenticateClient(k.request())
	h.must(err)
	return c
}

func (h *harness) revoke(a *authority.Authority, k *key, token authority.Token) {
	h.t.Helper()
	own, err := a.RevokeToken(h.ctx, actor, h.client(a, k), h.verify(a, token))
	h.must(err)
	if !own {
		h.t.Error("the token is not the client's own")
	}
}

// C-160: a node that has not heard of a cut-off issues tokens of the old
// generation, even much later. They are dead where it is known.
func TestTokensOfALaggingNodeAreDead(t *testing.T) {
	h := New(t)
	k := h.ready()
	lagging := h.second()
	before, _ := h.issue(h.Authority, k.request())
	h.must(errorOf(h.DisableAPIKey(h.ctx, actor, k.ID, 0)))
	h.must(errorOf(h.EnableAPIKey(h.ctx, actor, k.ID, 0)))
	sameSecond, _ := h.issue(lagging, k.request())
	alive, _ := h.issue(h.Authority, k.request())
	h.clock.advance(time.Minute)
	later, _ := h.issue(lagging, k.request())
	feed := h.feed(h.Authority, "demo", authority.WholeFeed)
	for what, test := range map[string]struct {
		token authority.Token
		dead  bool
	}{
		"from before": {before, true}, "of the same second": {sameSecond, true}, "a minute later": {later, true}, "of the new generation": {alive, false},
	} {
		if got := h.dead(h.Authority, test.token); got != test.dead {
			t.Errorf("a token %s: introspection says dead %t", what, got)
		}
		if got := listed(feed, h.verify(h.Authority, test.token)); got != test.dead {
			t.Errorf("a token %s: the feed says dead %t", what, got)
		}
	}
}

// C-168: revoked on one node, dead on the others once they have caught up.
func TestOtherNodesHearOfRevokedTokens(t *testing.T) {
	t.Parallel() // it waits for polls
	h := New(t)
	k := h.ready()
	other := h.second()
	h.follow(other)
	token, claims := h.issue(h.Authority, k.request())
	left, _ := h.issue(h.Authority, k.request())
	woken := make(chan error, 1)
	go func() { woken <- other.AwaitRevocations(h.ctx, "demo", 0) }()
	h.revoke(h.Authority, k, token)
	if !h.dead(h.Authority, token) {
		t.Error("the node that revoked it believes it")
	}
	h.must(<-woken)
	if !h.dead(other, token) || h.dead(other, left) {
		t.Error("the other node does not know which token is dead")
	}
	if f := h.feed(other, "demo", authority.WholeFeed); f.Seq != 1 || !listed(f, claims) {
		t.Errorf("the other node's feed is %+v", f)
	}
	h.must(other.LoadDirectory(h.ctx))
	if !h.dead(other, token) || h.dead(other, left) {
		t.Error("after the directory was read anew it does not know which token is dead")
	}
}

// After the answer to whatever ends a key or token, no request finds it alive:
// 10,000 trials, and fewer where time is short.
func TestNothingIsAliveAfterItsEnd(t *testing.T) { // C-045, C-159, C-168
	trials := 10_000
	if underRace || testing.Short() {
		trials = 300
	}
	h := New(t)
	h.ready()
	h.must(errorOf(h.UpdateMerchant(h.ctx, actor, "4259", authority.MerchantUpdate{KeyLimit: new(int(100))})))
	r := rand.New(rand.NewPCG(1, 2))
	var k *key
	violations := 0
	for trial := range trials {
		if k == nil {
			k = h.key(authority.NewAPIKey{MerchantID: "4259", Env: "demo", Scopes: []string{"customers:read"}})
		}
		token, _ := h.issue(h.Authority, k.request())
		var refused authority.Reason
		switch n := r.IntN(20); {
		case n == 0:
			h.must(h.DeleteAPIKey(h.ctx, actor, k.ID, 0))
			refused = authority.UnknownID
		case n < 3:
			h.must(errorOf(h.DisableAPIKey(h.ctx, actor, k.ID, 0)))
			refused = authority.KeyDisabled
		default:
			h.revoke(h.Authority, k, token)
		}
		if !h.dead(h.Authority, token) {
			violations++
		}
		switch refused {
		case authority.UnknownID:
			h.refused(h.Authority, k.request(), refused)
			k = nil
		case authority.KeyDisabled:
			h.refused(h.Authority, k.request(), refused)
			h.must(errorOf(h.EnableAPIKey(h.ctx, actor, k.ID, 0)))
			if !h.dead(h.Authority, token) {
				violations++
			}
		}
		if trial%100 == 0 {
			h.clock.advance(time.Second)
		}
	}
	if violations > 0 {
		t.Errorf("%d violations in %d trials", violations, trials)
	}
}

// C-170: more than 100 live tokens of one key become a generation, with an event.
func TestManyRevokedTokensBecomeAGeneration(t *testing.T) {
	h := New(t)
	k := h.ready()
	bystander, _ := h.issue(h.Authority, k.request())
	var last authority.Token
	for range 100 {
		last, _ = h.issue(h.Authority, k.request())
		h.revoke(h.Authority, k, last)
	}
	if h.dead(h.Authority, bystander) {
		t.Fatal("100 revoked tokens killed another one")
	}
	before := h.generation(k)
	for range 2 { // the second finds it done
		h.revoke(h.Authority, k, bystander)
	}
	if after := h.generation(k); after != before+1 || !h.dead(h.Authority, bystander) || !h.dead(h.Authority, last) {
		t.Errorf("the generation went from %d to %d", before, after)
	}
	events, err := h.Events(h.ctx, actor, authority.EventFilter{}, 0, 1000)
	h.must(err)
	if e := events[len(events)-1]; e.Kind != authority.APIKeyTokensRevoked || e.Subject != string(k.ID) || e.Details != `{"reason":"more than 100 tokens were revoked one by one"}` {
		t.Errorf("the last event is %+v", e)
	}
	next, _ := h.issue(h.Authority, k.request())
	other, _ := h.issue(h.Authority, k.request())
	h.revoke(h.Authority, k, next)
	if !h.dead(h.Authority, next) || h.dead(h.Authority, other) || h.generation(k) != before+1 {
		t.Error("afterwards tokens are not revoked one by one")
	}
}

// C-170: what concerns no token that can be alive goes, from the store, from
// memory and from the feed; what can matter stays.
func TestRevocationsEndWithTheTokensTheyConcern(t *testing.T) {
	h := New(t)
	k := h.ready()
	token, claims := h.issue(h.Authority, k.request())
	h.revoke(h.Authority, k, token)
	h.must(h.DeleteAPIKey(h.ctx, actor, k.ID, 0))
	rows := func() (n int) {
		h.scan(`SELECT count(*) FROM revocations`, &n)
		return n
	}
	pass := func(d time.Duration, wantRows, wantTokens, wantCutoffs int) {
		t.Helper()
		h.clock.advance(d)
		for range 2 { // with what is swept still in memory, then without
			h.must(h.LoadDirectory(h.ctx))
			f := h.feed(h.Authority, "demo", 0)
			if len(f.Tokens) != wantTokens || len(f.Cutoffs) != wantCutoffs || f.Seq != 2 {
				t.Errorf("the feed is %+v", f)
			}
			h.must(h.SweepRevocations(h.ctx))
			if n := rows(); n != wantRows {
				t.Errorf("%d rows are left, want %d", n, wantRows)
			}
		}
	}
	pass(0, 2, 1, 1)
	pass(time.Duration(claims.Expiry+60-claims.IssuedAt)*time.Second-time.Second, 2, 1, 1)
	pass(2*time.Second, 1, 0, 1)
	pass(4*time.Minute, 1, 0, 1) // of a node that had not heard
	pass(2*time.Minute, 0, 0, 0)
}

// A cut-off outlives the tokens of a longer lifetime that was configured before.
func TestCutoffsOutliveTheTokensOfBefore(t *testing.T) {
	h := New(t)
	cfg := h.config
	cfg.Environments = environments()
	cfg.Environments[0].TokenLifetime = 24 * time.Hour
	long := h.node(cfg)
	h.must(long.TendSigningKeys(h.ctx)) // it notes how long its tokens live
	k := h.ready()
	h.must(long.LoadDirectory(h.ctx))
	_, claims := h.issue(long, k.request())
	if claims.Expiry-claims.IssuedAt != 24*3600 {
		t.Fatalf("claims are %+v", claims)
	}
	h.must(h.LoadDirectory(h.ctx)) // a node of a lifetime of an hour
	h.must(h.DeleteAPIKey(h.ctx, actor, k.ID, 0))
	for _, step := range []struct {
		after time.Duration
		want  int
	}{{24*time.Hour + time.Minute, 1}, {10 * time.Minute, 0}} {
		h.clock.advance(step.after)
		h.must(h.LoadDirectory(h.ctx))
		h.must(h.SweepRevocations(h.ctx))
		if f := h.feed(h.Authority, "demo", 0); len(f.Cutoffs) != step.want {
			t.Errorf("%s later the feed has the cut-offs %+v", step.after, f.Cutoffs)
		}
	}
}

// C-170: however many revocations there were, one lifetime later they are gone,
// from the database and the feed. TOKENWRIGHT_REVOCATIONS says how many.
func TestManyRevocationsGoAgain(t *testing.T) {
	n, err := strconv.Atoi(cmp.Or(os.Getenv("TOKENWRIGHT_REVOCATIONS"), "20000"))
	if err != nil {
		t.Fatal(err)
	}
	h := New(t)
	k := h.ready()
	base, err := h.Feed("demo", authority.WholeFeed)
	h.must(err)
	h.raw(fmt.Sprintf(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
		INSERT INTO revocations (seq, env, client_id, generation, jti, kid, expires_at, created_at)
		SELECT i, 'demo', CASE WHEN i %% 2 = 0 THEN '%s' ELSE 'twc_demo_' || printf('%%022d', i) END, 1,
			CASE WHEN i %% 2 = 0 THEN printf('%%021d', i) || 'A' ELSE '' END, '',
			CASE WHEN i %% 2 = 0 THEN %d ELSE 0 END, %d FROM n`, n, k.ID, started.Add(time.Hour).UnixMilli(), started.UnixMilli()))
	h.raw(`UPDATE revocation_head SET seq = ?`, n)
	var before, loaded runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	began := time.Now()
	h.must(h.LoadDirectory(h.ctx))
	took := time.Since(began)
	runtime.GC()
	runtime.ReadMemStats(&loaded)
	began = time.Now()
	full, err := h.Feed("demo", authority.WholeFeed)
	h.must(err)
	t.Logf("%d revocations: read in %s, %d B each in memory, a feed of %d B made in %s",
		n, took, (int64(loaded.HeapAlloc)-int64(before.HeapAlloc))/int64(n), len(full), time.Since(began))
	if f := h.feed(h.Authority, "demo", authority.WholeFeed); len(f.Tokens)+len(f.Cutoffs) != n {
		t.Errorf("the feed has %d tokens and %d cut-offs", len(f.Tokens), len(f.Cutoffs))
	}
	h.clock.advance(time.Hour + 7*time.Minute)
	h.must(h.LoadDirectory(h.ctx))
	began = time.Now()
	left := n
	for range n/100_000 + 1 {
		h.must(h.SweepRevocations(h.ctx))
		h.scan(`SELECT count(*) FROM revocations`, &left)
	}
	t.Logf("%d rows are left; sweeping took %s", left, time.Since(began))
	after, err := h.Feed("demo", authority.WholeFeed)
	h.must(err)
	if left*100 >= n || len(after) > len(base)+len(strconv.Itoa(n))*2 {
		t.Errorf("%d of %d rows are left; the feed has %d B, and had %d B", left, n, len(after), len(base))
	}
}

// A database that was put in the place of another one may have other revocations
// under the same numbers, or fewer.
func TestAnotherHistoryOfRevocationsIsReadAnew(t *testing.T) {
	for what, change := range map[string]string{
		"fewer": `UPDATE revocation_head SET seq = 0`,
		"other": `UPDATE revocations SET jti = 'AAAAAAAAAAAAAAAAAAAAAA' WHERE seq = 1`,
	} {
		h := New(t)
		k := h.ready()
		token, _ := h.issue(h.Authority, k.request())
		h.revoke(h.Authority, k, token)
		h.raw(change)
		if what == "fewer" {
			h.raw(`DELETE FROM revocations`)
		}
		h.scope("coupons:read") // catches up
		if h.dead(h.Authority, token) {
			t.Errorf("%s: the node still has what the database has not", what)
		}
	}
}

func TestAnEnvironmentThatDoesNotExistHasNoFeed(t *testing.T) {
	h := New(t)
	_, err := h.Feed("staging", 0)
	wantError(t, "Feed", err, authority.ErrNotFound)
	wantError(t, "AwaitRevocations", h.AwaitRevocations(h.ctx, "staging", 0), authority.ErrNotFound)
	_, err = h.VerificationKey("staging", "x")
	wantError(t, "VerificationKey", err, authority.ErrNotFound)
	ctx, cancel := context.WithCancel(h.ctx)
	cancel()
	h.must(h.AwaitRevocations(ctx, "demo", 0))
}

// C-158: an operator key is known at every environment's endpoint; a merchant's
// key is not.
func TestOperatorKeysAuthenticateEverywhere(t *testing.T) {
	h := New(t)
	k := h.ready()
	operator := h.key(authority.NewAPIKey{Env: authority.Platform, Scopes: []string{"tokens:introspect"}})
	for _, env := range []string{"demo", "production", authority.Platform} {
		r := operator.request()
		r.Env = env
		if c, err := h.AuthenticateClient(r); err != nil || c.ID != operator.ID || c.Env != authority.Platform {
			t.Errorf("%s: got %+v, %v", env, c, err)
		}
		r = k.request()
		r.Env = env
		var refusal *authority.Refusal
		if _, err := h.AuthenticateClient(r); (err == nil) != (env == "demo") || err != nil && (!errors.As(err, &refusal) || refusal.Reason != authority.IDOtherEnvironment) {
			t.Errorf("%s: got %v", env, err)
		}
	}
	r := operator.request()
	r.ClientSecret = h.key(authority.NewAPIKey{Env: authority.Platform, Scopes: []string{"events:read"}}).secret.Reveal()
	_, err := h.AuthenticateClient(r)
	if want := fmt.Sprint(&authority.Refusal{Reason: authority.WrongSecret}); fmt.Sprint(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
