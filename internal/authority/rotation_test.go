package authority_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/jose"
)

// The spans of the default configuration: how long a key is published before
// it signs, and how long once it has signed.
const (
	announceTime = 5*time.Minute + 300*time.Second + 60*time.Second
	keepTime     = 5*time.Minute + time.Hour + 60*time.Second
)

// rotating is an installation whose servers rotate signing keys after a day.
func rotating(t testing.TB) *harness {
	t.Helper()
	h := New(t)
	h.config.SigningKeyRotation = 24 * time.Hour
	h.Authority = h.node(h.config)
	return h
}

// withoutSpare makes the database one of before signing keys were announced.
func (h *harness) withoutSpare() {
	h.t.Helper()
	h.raw(`DELETE FROM signing_keys WHERE status = 'announced'`)
	h.must(h.LoadDirectory(h.ctx))
}

// demoKeys reads the signing keys of demo in the order in which they were
// announced, which in a test may be the same millisecond.
func (h *harness) demoKeys() (list []authority.SigningKey) {
	h.t.Helper()
	keys, err := h.SigningKeys(h.ctx, actor)
	h.must(err)
	events, err := h.Events(h.ctx, actor, authority.EventFilter{}, 0, 100_000)
	h.must(err)
	place := map[string]int64{} // 0 for those that were never announced
	for _, e := range events {
		if e.Kind == authority.SigningKeyAnnouncement {
			place[e.Subject] = e.Seq
		}
	}
	for _, k := range keys {
		if k.Env == "demo" {
			list = append(list, k)
		}
	}
	slices.SortStableFunc(list, func(a, b authority.SigningKey) int { return cmp.Compare(place[a.KeyID], place[b.KeyID]) })
	return list
}

// statuses says how the signing keys of demo are, the oldest first.
func (h *harness) statuses() string {
	h.t.Helper()
	var list []string
	for _, k := range h.demoKeys() {
		list = append(list, string(k.Status))
	}
	return strings.Join(list, " ")
}

func (h *harness) wantStatuses(want string) {
	h.t.Helper()
	if got := h.statuses(); got != want {
		h.t.Fatalf("the signing keys are %s, want %s", got, want)
	}
}

// tend advances the clock and lets the node, which is current, tend.
func (h *harness) tend(d time.Duration) {
	h.t.Helper()
	h.clock.advance(d)
	h.must(h.LoadDirectory(h.ctx))
	h.must(h.TendSigningKeys(h.ctx))
}

// published holds that the JWKS of demo has the keys of these kids.
func (h *harness) published(want ...string) {
	h.t.Helper()
	issuer, err := h.Issuer("demo")
	h.must(err)
	set, err := jose.ParseJWKS(issuer.JWKS)
	h.must(err)
	var inSet, inKeys []string
	for i := range issuer.Keys {
		inKeys = append(inKeys, issuer.Keys[i].KeyID())
	}
	for i := range set {
		inSet = append(inSet, set[i].KeyID())
	}
	slices.Sort(inSet)
	slices.Sort(inKeys)
	slices.Sort(want)
	if !slices.Equal(inSet, want) || !slices.Equal(inKeys, want) {
		h.t.Errorf("published are %v and %v, want %v", inSet, inKeys, want)
	}
}

// signs holds that tokens are signed by the key of this kid.
func (h *harness) signs(k *key, kid string) {
	h.t.Helper()
	token, _ := h.issue(h.Authority, k.request())
	m, err := jose.Parse(string(token.AccessToken))
	h.must(err)
	if m.KeyID != kid {
		h.t.Errorf("%s signs, want %s", m.KeyID, kid)
	}
}

// signingKeyEvents are what has happened to the signing keys of demo.
func (h *harness) signingKeyEvents() (list []string) {
	h.t.Helper()
	events, err := h.Events(h.ctx, actor, authority.EventFilter{}, 0, 100_000)
	h.must(err)
	for _, e := range events {
		if verb, ok := strings.CutPrefix(string(e.Kind), "signing_key."); ok && e.Env == "demo" {
			list = append(list, verb+" by "+e.Actor.ID)
		}
	}
	return list
}

// C-181: announced, active, retired, removed, each when it is due and no sooner.
func TestTheLifeOfASigningKey(t *testing.T) {
	h := rotating(t)
	k := h.ready()
	if made := h.demoKeys(); !made[0].RipeAt.Equal(started) || !made[1].RipeAt.Equal(started.Add(announceTime)) {
		t.Errorf("the first two are ripe at %s and %s", made[0].RipeAt, made[1].RipeAt)
	}
	h.tend(0)
	h.wantStatuses("active announced")
	first, second := h.demoKeys()[0].KeyID, h.demoKeys()[1]
	h.signs(k, first) // nobody can have an older JWKS
	if !second.RipeAt.Equal(second.CreatedAt.Add(announceTime)) {
		t.Errorf("announced at %s, ripe at %s", second.CreatedAt, second.RipeAt)
	}
	h.published(first, second.KeyID)

	h.tend(24*time.Hour - time.Millisecond)
	h.wantStatuses("active announced")
	h.signs(k, first)
	h.tend(time.Millisecond)
	h.wantStatuses("retired active announced")
	third := h.demoKeys()[2].KeyID
	h.signs(k, second.KeyID)
	h.published(first, second.KeyID, third)

	h.tend(keepTime - time.Millisecond)
	h.published(first, second.KeyID, third)
	h.tend(time.Millisecond)
	h.wantStatuses("removed active announced")
	h.published(second.KeyID, third)
	removed := h.demoKeys()[0]
	if len(removed.Sealed) != 0 || removed.RemovedAt.IsZero() {
		t.Errorf("a removed key has %d bytes of private key, removed at %s", len(removed.Sealed), removed.RemovedAt)
	}
	want := []string{"activated by system", "announced by system", "removed by system"}
	if got := h.signingKeyEvents(); !slices.Equal(got, want) {
		t.Errorf("events %v, want %v", got, want)
	}
	h.tend(0)
	h.must(h.node(h.config).Ready()) // a key without its private one does not stop a start
}

// C-181: a rotation that is asked for acts at once, or says when it will, and
// is then done by whoever serves.
func TestRotateActsAtOnceOrSaysWhen(t *testing.T) {
	h := New(t) // no rotation by itself
	k := h.ready()
	h.withoutSpare()
	rotate := func() *authority.SigningKeyRotation {
		t.Helper()
		r, err := h.RotateSigningKey(h.ctx, actor, "demo")
		h.must(err)
		return r
	}
	r := rotate()
	h.wantStatuses("active announced announced")
	first, second, third := h.demoKeys()[0], h.demoKeys()[1], h.demoKeys()[2]
	if r.Rotated || r.Active.KeyID != first.KeyID || r.Next.KeyID != second.KeyID || !r.At.Equal(started.Add(announceTime)) {
		t.Errorf("rotation %+v", r)
	}
	h.clock.advance(time.Minute)
	if again := rotate(); again.Rotated || !again.At.Equal(r.At) {
		t.Errorf("asked again: %+v", again)
	}
	h.wantStatuses("active announced announced")
	h.tend(announceTime - time.Minute - time.Millisecond)
	h.wantStatuses("active announced announced")
	h.tend(time.Millisecond)
	h.wantStatuses("retired active announced") // the other one is the spare: no more is announced
	h.signs(k, second.KeyID)

	r = rotate() // they are activated in the order in which they were announced
	h.wantStatuses("retired retired active announced")
	if !r.Rotated || r.Active.KeyID != third.KeyID || !r.At.IsZero() || r.Next.KeyID != h.demoKeys()[3].KeyID {
		t.Errorf("rotation %+v", r)
	}
	h.signs(k, third.KeyID)
	_, err := h.ReplaceSigningKey(h.ctx, actor, "demo", second.KeyID)
	wantError(t, "a rotation of what does not sign any more", err, authority.ErrConflict)
	h.wantStatuses("retired retired active announced")
	r = rotate()
	h.wantStatuses("retired retired active announced announced")
	if r.Rotated || !r.At.Equal(h.demoKeys()[3].RipeAt) {
		t.Errorf("rotation %+v", r)
	}
	h.tend(24 * 365 * time.Hour)
	h.wantStatuses("removed removed retired active announced")
	h.tend(24 * 365 * time.Hour)
	h.wantStatuses("removed removed removed active announced") // only the one that was asked for

	want := []string{"announced by cli:root@host", "announced by cli:root@host", "activated by system",
		"activated by cli:root@host", "announced by cli:root@host", "wanted by cli:root@host", "announced by cli:root@host"}
	if got := h.signingKeyEvents(); len(got) < len(want) || !slices.Equal(got[:len(want)], want) {
		t.Errorf("events %v, want %v", got, want)
	}
	_, err = h.RotateSigningKey(h.ctx, actor, "staging")
	wantError(t, "an unknown environment", err, authority.ErrNotFound)
}

func TestWhenTheNextRotationIs(t *testing.T) {
	h := rotating(t)
	h.tend(0)
	at := func() time.Time {
		t.Helper()
		keys, err := h.SigningKeys(h.ctx, actor)
		h.must(err)
		return h.RotatesAt(keys, "demo")
	}
	if got := at(); !got.Equal(started.Add(24 * time.Hour)) {
		t.Errorf("by itself at %s", got)
	}
	h.must(errorOf(h.RotateSigningKey(h.ctx, actor, "demo")))
	if got := at(); !got.Equal(started.Add(announceTime)) {
		t.Errorf("asked for, at %s", got)
	}
	h.config.SigningKeyRotation = announceTime + 1
	h.Authority = h.node(h.config)
	h.tend(announceTime)
	h.must(errorOf(h.RotateSigningKey(h.ctx, actor, "production")))
	h.clock.advance(announceTime)
	h.must(errorOf(h.RotateSigningKey(h.ctx, actor, "demo")))
	if got := at(); got.Before(h.clock.now().Add(announceTime)) {
		t.Errorf("at %s, before the spare is ripe", got)
	}
	h.config.SigningKeyRotation = 0
	h.Authority = h.node(h.config)
	keys, err := h.SigningKeys(h.ctx, actor)
	h.must(err)
	if got := h.RotatesAt(keys, "platform"); !got.IsZero() {
		t.Errorf("never is %s", got)
	}
}

// A command may know nothing of how the servers are configured: they lengthen
// what it has noted, before it matters.
func TestServersLengthenTheTimesOfSigningKeys(t *testing.T) {
	h := New(t)
	h.withoutSpare()
	command := h.config
	command.Environments = nil
	a, err := authority.Open(h.ctx, command)
	h.must(err)
	r, err := a.RotateSigningKey(h.ctx, actor, "demo")
	h.must(err)
	if !r.At.Equal(started.Add(announceTime)) {
		t.Errorf("the command says %s", r.At)
	}
	h.config.MaxStaleness = time.Hour
	h.Authority = h.node(h.config)
	ripe := announceTime - 5*time.Minute + time.Hour
	h.tend(time.Second)
	h.tend(ripe - time.Second - time.Millisecond)
	h.wantStatuses("active announced announced")
	h.clock.advance(time.Millisecond)
	r, err = a.RotateSigningKey(h.ctx, actor, "demo")
	h.must(err)
	if !r.Rotated {
		t.Error("it is ripe, and does not sign")
	}
	h.tend(0)
	if k := h.demoKeys()[0]; !k.KeptUntil().Equal(k.RetiredAt.Add(keepTime - 5*time.Minute + time.Hour)) {
		t.Errorf("retired at %s, kept until %s", k.RetiredAt, k.KeptUntil())
	}
	if k := h.demoKeys()[1]; k.KeepFor != keepTime-5*time.Minute+time.Hour {
		t.Errorf("activated by a command, it is kept for %s", k.KeepFor)
	}
	// A shorter life of tokens ends nothing that lives: what was noted stays.
	h.config.Environments = environments()
	for i := range h.config.Environments {
		h.config.Environments[i].TokenLifetime = time.Minute
	}
	h.Authority = h.node(h.config)
	h.tend(keepTime - time.Second)
	h.wantStatuses("retired active announced")
}

// A key made where no size is configured is as large as the one before it.
func TestANewRSAKeyIsAsLargeAsTheOneBefore(t *testing.T) {
	h := New(t)
	h.config.Environments = []authority.Environment{{
		Name: "demo", Issuer: base + "/demo", Audience: "x", Algorithm: jose.RS256, RSABits: 3072, TokenLifetime: time.Hour,
	}}
	h.path = t.TempDir() + "/rsa.db"
	h.config.Store = h.open()
	h.must(authority.Initialize(h.ctx, h.config, "tw", authority.MerchantNumbers, actor))
	h.raw(`DELETE FROM signing_keys WHERE status = 'announced'`) // the spare, which was as large as configured
	h.config.Environments = nil
	a, err := authority.Open(h.ctx, h.config)
	h.must(err)
	h.must(a.TendSigningKeys(h.ctx))
	h.must(a.LoadDirectory(h.ctx))
	issuer, err := a.Issuer("demo")
	h.must(err)
	if len(issuer.Keys) != 2 || strings.Count(string(issuer.JWKS), `"n":"`) != 2 {
		t.Fatalf("%d keys", len(issuer.Keys))
	}
	for _, n := range strings.Split(string(issuer.JWKS), `"n":"`)[1:] {
		if modulus, _, _ := strings.Cut(n, `"`); len(modulus) != 3072/8*4/3 {
			t.Errorf("a modulus of %d characters", len(modulus))
		}
	}
}

func TestSpansThatASigningKeyCannotHaveAreRefused(t *testing.T) {
	h := New(t)
	for field, c := range map[string]authority.Config{
		"jwks_max_age":         {JWKSMaxAge: 1500 * time.Millisecond},
		"clock_skew":           {ClockSkew: time.Millisecond},
		"signing_key_rotation": {SigningKeyRotation: announceTime},
	} {
		c.Store, c.MasterKeys = h.config.Store, h.config.MasterKeys
		_, err := authority.Open(h.ctx, c)
		wantInvalid(t, field, err, field)
	}
}

// C-181: while nodes lag as far as they may, commands rotate at any moment and
// verifiers keep a JWKS for as long as they may, every token verifies until it
// expires, with the JWKS of every node and of every verifier.
func TestEveryTokenVerifiesWhileSigningKeysRotate(t *testing.T) {
	for seed := range uint64(2) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			newRotationWorld(t, seed).run(400)
		})
	}
}

type rotationWorld struct {
	*harness
	random    *rand.Rand
	key       *key
	nodes     []*authority.Authority
	verifiers [4]struct {
		jwks    []*jose.Key
		fetched time.Time
	}
	tokens  []livingToken
	signers map[string]bool
}

type livingToken struct {
	*jose.Message
	expires time.Time
}

func newRotationWorld(t *testing.T, seed uint64) *rotationWorld {
	h := New(t)
	h.config.SigningKeyRotation = 20 * time.Minute
	h.Authority = h.node(h.config)
	w := &rotationWorld{harness: h, random: rand.New(rand.NewPCG(seed, 181)), key: h.ready(), signers: map[string]bool{}}
	w.nodes = []*authority.Authority{h.Authority, h.second(), h.second()}
	return w
}

func (w *rotationWorld) node() *authority.Authority { return w.nodes[w.random.IntN(len(w.nodes))] }

func (w *rotationWorld) run(steps int) {
	for range steps {
		w.clock.advance(time.Duration(w.random.IntN(90_000)) * time.Millisecond)
		switch w.random.IntN(8) {
		case 0, 1, 2:
			w.must(w.node().TendSigningKeys(w.ctx))
		case 3:
			w.must(errorOf(w.node().RotateSigningKey(w.ctx, actor, "demo")))
		}
		// Each may be as stale as it is allowed to be: the longest step is 90 s.
		for _, a := range w.nodes {
			if a.Staleness() > 3*time.Minute || w.random.IntN(6) == 0 {
				w.must(a.LoadDirectory(w.ctx))
			}
		}
		token, err := w.node().IssueToken(w.key.request())
		w.must(err)
		m, err := jose.Parse(string(token.AccessToken))
		w.must(err)
		w.signers[m.KeyID] = true
		w.tokens = append(w.tokens, livingToken{m, w.clock.now().Add(time.Duration(token.ExpiresIn) * time.Second)})
		w.verifyAll()
	}
	if len(w.signers) < 10 {
		w.t.Errorf("only %d keys have signed", len(w.signers))
	}
	statuses := w.statuses()
	if !strings.HasPrefix(statuses, "removed ") {
		w.t.Errorf("none was removed: %s", statuses)
	}
}

func (w *rotationWorld) verifyAll() {
	w.t.Helper()
	now := w.clock.now()
	var sets [][]*jose.Key
	for _, a := range w.nodes {
		sets = append(sets, w.jwks(a))
	}
	for i := range w.verifiers {
		v := &w.verifiers[i]
		if v.fetched.IsZero() || now.Sub(v.fetched) > 300*time.Second || w.random.IntN(20) == 0 {
			v.jwks, v.fetched = w.jwks(w.node()), now
		}
		sets = append(sets, v.jwks)
	}
	w.tokens = slices.DeleteFunc(w.tokens, func(t livingToken) bool { return !t.expires.After(now) })
	for n, token := range w.tokens {
		for i, set := range sets {
			at := slices.IndexFunc(set, func(k *jose.Key) bool { return k.KeyID() == token.KeyID })
			if at < 0 {
				w.t.Fatalf("a living token of %s does not verify with set %d; the keys are %s", token.KeyID, i, w.statuses())
			}
			if n == len(w.tokens)-1 { // a kid is the key's thumbprint: it has verified before
				w.must(token.Verify(set[at]))
			}
		}
	}
}

func (w *rotationWorld) jwks(a *authority.Authority) []*jose.Key {
	w.t.Helper()
	issuer, err := a.Issuer("demo")
	w.must(err)
	set, err := jose.ParseJWKS(issuer.JWKS)
	w.must(err)
	return set
}

// C-181: many goroutines of two nodes tend and rotate at once: nothing is done
// twice, and at every moment an environment has one active key.
func TestManyTendAtOnce(t *testing.T) {
	h := rotating(t)
	k := h.ready()
	nodes := []*authority.Authority{h.Authority, h.second()}
	for round := range 5 {
		start := make(chan struct{})
		var wait sync.WaitGroup
		for worker := range 16 {
			wait.Go(func() {
				<-start
				if err := nodes[worker%2].TendSigningKeys(h.ctx); err != nil {
					t.Errorf("round %d: %v", round, err)
				}
				var active int
				keys, err := h.SigningKeys(h.ctx, actor)
				for i := range keys {
					if keys[i].Env == "demo" && keys[i].Status == authority.SigningKeyActive {
						active++
					}
				}
				if err != nil || active != 1 {
					t.Errorf("round %d: %d active keys, %v", round, active, err)
				}
			})
		}
		close(start)
		wait.Wait()
		want := strings.TrimPrefix(strings.Repeat("removed ", max(0, round-1))+"retired active announced", "retired "[:8*(1-min(round, 1))])
		h.wantStatuses(want)
		for _, a := range nodes {
			h.must(a.LoadDirectory(h.ctx))
			h.issue(a, k.request())
		}
		h.clock.advance(24 * time.Hour)
	}
	head, err := h.VerifyEvents(h.ctx, nil, nil)
	if err != nil {
		t.Errorf("event %d: %v", head.Seq, err)
	}
}

// crashing is a store at which a process dies: at its n-th change of signing
// keys, before or after that is committed.
type crashing struct {
	authority.Store
	n     int
	after bool
}

var errKilled = errors.New("killed")

func (c *crashing) ChangeSigningKeys(ctx context.Context, env string, seen, changed []authority.SigningKey, d *authority.Draft) error {
	c.n--
	if c.n > 0 || c.n == 0 && c.after {
		if err := c.Store.ChangeSigningKeys(ctx, env, seen, changed, d); err != nil || c.n > 0 {
			return err
		}
	}
	return errKilled
}

// whichever step of a rotation is the last, one active key signs, and the
// next node goes on.
func TestARotationThatIsCutOffLeavesAUsableState(t *testing.T) {
	for n := 1; ; n++ {
		finished := false
		for _, after := range []bool{false, true} {
			h := rotating(t)
			k := h.ready()
			h.tend(0)
			h.clock.advance(24 * time.Hour)
			cfg := h.config
			cfg.Store = &crashing{Store: h.open(), n: n, after: after}
			dying, err := authority.Open(h.ctx, cfg)
			h.must(err)
			err = dying.TendSigningKeys(h.ctx)
			if finished = err == nil; !finished && !errors.Is(err, errKilled) {
				t.Fatal(err)
			}
			h.Authority = h.node(h.config)
			h.issue(h.Authority, k.request())
			h.tend(0)
			h.wantStatuses("retired active announced")
			h.issue(h.Authority, k.request())
		}
		if finished {
			if n < 6 { // three environments, two steps each
				t.Errorf("there were %d steps", n-1)
			}
			return
		}
	}
}
