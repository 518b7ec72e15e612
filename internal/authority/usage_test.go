package authority_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/store"
)

// counted reads all that is recorded of an API key, as "outcome/secret count"
// by hour.
func (h *harness) counted(k *key) string {
	h.t.Helper()
	list, err := h.Usage(h.ctx, actor, k.ID, time.Time{}, h.clock.now().Add(time.Hour))
	h.must(err)
	var texts []string
	for _, u := range list {
		texts = append(texts, fmt.Sprintf("%s %s/%d %d", u.Hour.Format("15h"), u.Outcome, u.SecretID, u.Count))
	}
	return strings.Join(texts, ", ")
}

func wantText(t testing.TB, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\ngot  %s\nwant %s", what, got, want)
	}
}

// from is r, sent from an address.
func from(r *authority.TokenRequest, address string) *authority.TokenRequest {
	r.Address = netip.MustParseAddr(address)
	return r
}

// C-300: each request of an API key that exists is counted by secret, outcome and
// hour; those of nobody's IDs are not.
func TestUsageIsCounted(t *testing.T) {
	h := New(t)
	k := h.ready()
	ask := func(change func(*authority.TokenRequest)) {
		r := from(k.request(), "192.0.2.7")
		change(r)
		_, _ = h.IssueToken(r) // what came of it is what is counted
	}
	ask(func(*authority.TokenRequest) {})
	ask(func(r *authority.TokenRequest) { r.Scope = "customers:read" })
	ask(func(r *authority.TokenRequest) { r.Scope = "no:such" })
	ask(func(r *authority.TokenRequest) {
		r.ClientSecret = h.key(authority.NewAPIKey{MerchantID: "4259", Env: "demo"}).secret.Reveal()
	})
	ask(func(r *authority.TokenRequest) { r.ClientSecret = r.ClientSecret[:40] })
	ask(func(r *authority.TokenRequest) { r.Env = "production" })
	ask(func(r *authority.TokenRequest) { r.ClientID = strings.Repeat("x", 3) })
	ask(func(r *authority.TokenRequest) { r.ClientID = "twc_demo_" + strings.Repeat("x", 22) })
	ask(func(r *authority.TokenRequest) { r.ClientID = "twc_nowhere_" + r.ClientID[len("twc_demo_"):] })
	h.must(h.FlushUsage(h.ctx))
	h.must(h.FlushUsage(h.ctx)) // of nothing
	h.clock.advance(time.Hour)
	_, err := h.DisableAPIKey(h.ctx, actor, k.ID, 0)
	h.must(err)
	ask(func(r *authority.TokenRequest) { r.Address = netip.MustParseAddr("::ffff:192.0.2.8") })
	_, err = h.EnableAPIKey(h.ctx, actor, k.ID, 0)
	h.must(err)
	_, err = h.AuthenticateClient(from(k.request(), "192.0.2.8")) // as other endpoints do
	h.must(err)
	h.must(h.FlushUsage(h.ctx))
	wantText(t, "usage", h.counted(k), "16h id_other_environment/0 1, 16h secret_form/0 1, 16h wrong_secret/0 1, "+
		"16h issued/1 2, 16h scope_not_held/1 1, 17h authenticated/1 1, 17h key_disabled/1 1")
	stored, err := h.APIKey(h.ctx, actor, k.ID)
	h.must(err)
	s := stored.Secrets[0]
	wantText(t, "last use", s.LastUsedAt.String()+" "+s.LastUsedFrom, started.Add(time.Hour).String()+" 192.0.2.8")

	var rows int
	h.scan(`SELECT count(*) FROM usage WHERE api_key_id NOT IN (SELECT id FROM api_keys)`, &rows)
	if rows != 0 {
		t.Errorf("%d rows are of IDs that nobody has", rows)
	}
}

// C-300: no count is lost or made up while requests and flushes of two nodes go on.
func TestUsageIsRightUnderConcurrency(t *testing.T) {
	h := New(t)
	k := h.ready()
	nodes := []*authority.Authority{h.Authority, h.second()}
	const each = 200
	var asking sync.WaitGroup
	for _, node := range nodes {
		for range 4 {
			asking.Go(func() {
				for i := range each {
					r := k.request()
					if i%4 == 0 {
						r.Scope = "no:such"
					}
					_, _ = node.IssueToken(r)
				}
			})
		}
	}
	ended := make(chan struct{})
	var flushing sync.WaitGroup
	for _, node := range nodes {
		flushing.Go(func() {
			for {
				if err := node.FlushUsage(h.ctx); err != nil {
					t.Error(err)
				}
				select {
				case <-ended:
					return
				default:
				}
			}
		})
	}
	asking.Wait()
	close(ended)
	flushing.Wait()
	for _, node := range nodes {
		h.must(node.FlushUsage(h.ctx))
	}
	wantText(t, "usage", h.counted(k), fmt.Sprintf("16h issued/1 %d, 16h scope_not_held/1 %d", 8*each*3/4, 8*each/4))
}

// C-300: what a database that is away could not take, it has once it is back: also what
// was counted meanwhile, and each in its hour.
func TestUsageOutlivesALostDatabase(t *testing.T) {
	h := New(t)
	k := h.ready()
	cfg := h.config
	opened := h.open()
	lost := &failing{Store: opened}
	cfg.Store, cfg.MaxStaleness = lost, 24*time.Hour
	node := h.node(cfg)
	h.issue(node, k.request())
	h.must(opened.Close())
	for range 3 {
		h.issue(node, from(k.request(), "192.0.2.7"))
		if err := node.FlushUsage(h.ctx); err == nil {
			t.Fatal("usage is written without a database")
		}
		h.clock.advance(time.Hour)
	}
	h.refused(node, from(h.request(k, "no:such"), "192.0.2.8"), authority.ScopeNotHeld)
	wantText(t, "usage without a database", h.counted(k), "")

	reopened, err := store.OpenSQLite(h.ctx, h.path, store.Options{})
	h.must(err)
	t.Cleanup(func() { _ = reopened.Close() })
	lost.Store = reopened
	h.must(node.FlushUsage(h.ctx))
	h.must(node.FlushUsage(h.ctx))
	wantText(t, "usage", h.counted(k), "16h issued/1 2, 17h issued/1 1, 18h issued/1 1, 19h scope_not_held/1 1")
	stored, err := h.APIKey(h.ctx, actor, k.ID)
	h.must(err)
	wantText(t, "last use", stored.LastUsedAt.String()+" "+stored.LastUsedFrom, started.Add(3*time.Hour).String()+" 192.0.2.8")
}

// request is k's for a scope.
func (h *harness) request(k *key, scope string) *authority.TokenRequest {
	r := k.request()
	r.Scope = scope
	return r
}

// C-300: Keep writes down what was counted until the last moment, though its own
// context has ended.
func TestKeepFlushesAtTheEnd(t *testing.T) {
	h := New(t)
	k := h.ready()
	ctx, stop := context.WithCancel(h.ctx)
	stop() // so that Keep has nothing but its end
	h.issue(h.Authority, k.request())
	h.Keep(ctx)
	wantText(t, "usage", h.counted(k), "16h issued/1 1")
}

func TestUsageIsKeptForTheRetention(t *testing.T) {
	h := New(t)
	k := h.ready()
	cfg := h.config
	cfg.UsageRetention = 48 * time.Hour
	node := h.node(cfg)
	for range 4 {
		h.issue(node, k.request())
		h.must(node.FlushUsage(h.ctx))
		h.must(node.SweepUsage(h.ctx))
		h.clock.advance(24 * time.Hour)
		h.must(node.LoadDirectory(h.ctx))
	}
	list, err := h.Usage(h.ctx, actor, k.ID, time.Time{}, h.clock.now())
	h.must(err)
	if len(list) != 2 || list[0].Hour.Before(started.Add(24*time.Hour)) {
		t.Errorf("after a sweep there is %+v", list)
	}
}

// C-302: a retired secret in use is one event an hour, with secret and address, on
// however many nodes and after restarts; so is one that has ended.
func TestRetiredSecretInUseIsToldOnceAnHour(t *testing.T) {
	var log strings.Builder
	h := newWith(t, authority.MerchantNumbers, io.Discard)
	old := h.ready()
	h.config.Logger = slog.New(slog.NewTextHandler(&log, nil))
	nodes := []*authority.Authority{h.node(h.config), h.second()}
	told := func() (list []authority.Event) {
		for _, e := range h.events() {
			if e.Kind == authority.RetiredSecretUsed {
				list = append(list, e)
			}
		}
		return list
	}
	use := func(requests ...*authority.TokenRequest) {
		for _, node := range nodes {
			h.must(node.LoadDirectory(h.ctx))
			for _, r := range requests {
				_, _ = node.IssueToken(r)
			}
			h.must(node.FlushUsage(h.ctx))
		}
	}
	use(old.request())
	next := h.rotate(old, authority.Rotation{Overlap: 2 * time.Hour})
	use(next.request())
	if list := told(); len(list) != 0 {
		t.Fatalf("events without the use of a retired secret: %+v", list)
	}
	for range 2 {
		use(from(old.request(), "192.0.2.7"), old.request(), next.request())
		nodes[0] = h.second()
	}
	list := told()
	if len(list) != 1 {
		t.Fatalf("events of one hour: %+v", list)
	}
	e := list[0]
	wantText(t, "event", fmt.Sprint(e.Actor.ID, " ", e.Subject, " ", e.MerchantID, " ", e.Env, " ", e.Details),
		fmt.Sprintf(`system %s 4259 demo {"address":"192.0.2.7","secretId":1,"usedAt":%q}`, old.ID, started.Format("2006-01-02T15:04:05.000Z")))
	h.clock.advance(3 * time.Hour) // the overlap is over
	use(old.request(), old.request())
	if list := told(); len(list) != 2 {
		t.Errorf("events of two hours: %+v", list)
	}
	if n := strings.Count(log.String(), "a retired secret is in use"); n != 2 || strings.Contains(log.String(), old.secret.Reveal()) {
		t.Errorf("the log tells of it %d times:\n%s", n, log.String())
	}
	if _, err := h.VerifyEvents(h.ctx, nil, nil); err != nil {
		t.Error(err)
	}
}

func (h *harness) events() []authority.Event {
	h.t.Helper()
	list, err := h.Events(h.ctx, actor, authority.EventFilter{}, 0, 10_000)
	h.must(err)
	return list
}

// C-301: an API key or secret that ends is announced 30, 7 and 1 days before, once
// each whoever comes first; of several that are due, the most urgent alone.
func TestEndsAreAnnounced(t *testing.T) {
	h := New(t)
	h.ready()
	k := h.key(authority.NewAPIKey{MerchantID: "4259", Env: "demo", ExpiresAt: started.Add(40 * day)})
	h.rotate(k, authority.Rotation{ExpiresAt: started.Add(36 * day)}) // and the first secret is over
	second := h.second()
	announced := func() string {
		h.t.Helper()
		var wg sync.WaitGroup
		before := len(h.events())
		for _, node := range []*authority.Authority{h.Authority, second, h.Authority, second} {
			wg.Go(func() {
				if err := node.NotifyExpiries(h.ctx); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		var texts []string
		for _, e := range h.events()[before:] {
			if e.Subject != string(k.ID) || e.MerchantID != "4259" || e.Env != "demo" || e.Actor.ID != "system" {
				t.Errorf("event %+v", e)
			}
			texts = append(texts, string(e.Kind)+" "+e.Details)
		}
		return strings.Join(texts, "; ")
	}
	key := func(days int) string {
		return fmt.Sprintf(`api_key.expiring {"days":%d,"expiresAt":%q}`, days, started.Add(40*day).Format("2006-01-02T15:04:05.000Z"))
	}
	secret := func(days int) string {
		return fmt.Sprintf(`secret.expiring {"days":%d,"expiresAt":%q,"secretId":2}`, days, started.Add(36*day).Format("2006-01-02T15:04:05.000Z"))
	}
	wantText(t, "at first", announced(), "")
	h.clock.advance(6*day - time.Millisecond)
	wantText(t, "30 days and a moment before", announced(), "")
	h.clock.advance(time.Millisecond)
	wantText(t, "30 days before the end of the secret", announced(), secret(30))
	h.clock.advance(23 * day)
	wantText(t, "7 days before the end of the secret, 11 before that of the API key", announced(), secret(7)+"; "+key(30))
	h.clock.advance(6*day + time.Hour)
	wantText(t, "a day before the end of the secret, 5 before that of the API key", announced(), secret(1)+"; "+key(7))
	wantText(t, "once more", announced(), "")

	// Who moves the end is told anew.
	later := started.Add(37 * day)
	_, err := h.UpdateAPIKey(h.ctx, actor, k.ID, authority.APIKeyUpdate{ExpiresAt: &later})
	h.must(err)
	wantText(t, "two days before the new end", announced(), strings.ReplaceAll(key(7), started.Add(40*day).Format("2006-01-02"), later.Format("2006-01-02")))
	_, err = h.DisableAPIKey(h.ctx, actor, k.ID, 0)
	h.must(err)
	h.clock.advance(36 * time.Hour)
	wantText(t, "within a day, disabled", announced(), "")
	h.clock.advance(2 * day)
	wantText(t, "after everything", announced(), "")
	h.must(h.SweepUsage(h.ctx))
	var left int
	h.scan(`SELECT count(*) FROM expiry_notices WHERE expires_at < $1`, &left, h.clock.now().Add(-day).UnixMilli())
	if left != 0 {
		t.Errorf("%d notices are kept about what has ended", left)
	}
}

// C-301: an environment's max_secret_age ends secrets that have no end of their
// own, and they are announced as well; those of a suspended merchant are not.
func TestSecretsTooOldAreAnnounced(t *testing.T) {
	h := New(t)
	k := h.ready()
	cfg := h.config
	cfg.Environments = environments()
	cfg.Environments[0].MaxSecretAge = 60 * day
	node := h.node(cfg)
	h.clock.advance(59*day + time.Hour)
	_, err := node.SuspendMerchant(h.ctx, actor, "4259", 0)
	h.must(err)
	before := len(h.events())
	h.must(node.NotifyExpiries(h.ctx))
	if n := len(h.events()) - before; n != 0 {
		t.Errorf("%d events of a suspended merchant", n)
	}
	_, err = node.ResumeMerchant(h.ctx, actor, "4259", 0)
	h.must(err)
	h.must(node.NotifyExpiries(h.ctx))
	last := h.events()[len(h.events())-1]
	wantText(t, "event", fmt.Sprint(last.Kind, " ", last.Subject, " ", last.Details), fmt.Sprintf(`secret.expiring %s {"days":1,"expiresAt":%q,"secretId":1}`,
		k.ID, started.Add(60*day).Format("2006-01-02T15:04:05.000Z")))
}

// C-301: a database that is away when something is to be announced: nothing is lost.
func TestAnnouncingIsTriedAgain(t *testing.T) {
	h := New(t)
	h.ready()
	h.key(authority.NewAPIKey{MerchantID: "4259", Env: "demo", ExpiresAt: started.Add(time.Hour)})
	ctx, cancel := context.WithCancel(h.ctx)
	cancel()
	if err := h.NotifyExpiries(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v", err)
	}
	before := len(h.events())
	h.must(h.NotifyExpiries(h.ctx))
	if n := len(h.events()) - before; n != 1 {
		t.Errorf("%d events", n)
	}
}

// C-461: the use of all is for who sees every merchant; the API keys of one
// merchant are compared by who sees that one.
func TestUsageOfAllIsNotForOneMerchant(t *testing.T) {
	h := New(t)
	k := h.ready()
	h.issue(h.Authority, k.request())
	h.must(h.FlushUsage(h.ctx))
	hour := started.Truncate(time.Hour)
	all := authority.UsageQuery{All: true, From: hour, To: hour.Add(time.Hour), Interval: time.Hour}
	list, err := h.UsageSeries(h.ctx, actor, all)
	h.must(err)
	if len(list) != 1 || list[0].Count != 1 {
		t.Errorf("use of all: %+v", list)
	}
	bound := func(id authority.MerchantID) authority.Actor {
		return authority.Actor{Permissions: &authority.Permissions{Scopes: []string{authority.UsageRead}, MerchantID: id}}
	}
	_, err = h.UsageSeries(h.ctx, bound("4259"), all)
	wantError(t, "use of all by an actor of one merchant", err, authority.ErrNotFound)

	own := authority.UsageQuery{APIKeyFilter: authority.APIKeyFilter{MerchantID: "4259"}, From: hour, To: hour.Add(time.Hour)}
	for _, who := range []authority.Actor{actor, bound("4259")} {
		top, err := h.TopKeys(h.ctx, who, own, 5)
		h.must(err)
		if len(top) != 1 || top[0].ClientID != k.ID || top[0].Issued != 1 {
			t.Errorf("top keys %+v", top)
		}
	}
	if top, err := h.TopKeys(h.ctx, bound("7"), own, 5); err != nil || len(top) != 0 {
		t.Errorf("another merchant's top keys: %v, %v", top, err)
	}
	long, nobody := own, own
	long.To, nobody.MerchantID = hour.Add(32*24*time.Hour), ""
	_, err = h.TopKeys(h.ctx, actor, long, 5)
	wantInvalid(t, "too long", err, "from")
	_, err = h.TopKeys(h.ctx, actor, nobody, 5)
	wantInvalid(t, "of nobody", err, "merchantId")
}

// measured is a store that sees how much it is given at once.
type measured struct {
	*store.Store
	told, asked int // at most
}

func (m *measured) AddUsage(ctx context.Context, uses []authority.Use, event func(authority.EventKind, *authority.Use, authority.MerchantID) *authority.Draft) error {
	told := 0
	err := m.Store.AddUsage(ctx, uses, func(kind authority.EventKind, u *authority.Use, id authority.MerchantID) *authority.Draft {
		told++
		return event(kind, u, id)
	})
	m.told = max(m.told, told)
	return err
}

func (m *measured) Unannounced(ctx context.Context, list []authority.Expiry) ([]authority.Expiry, error) {
	m.asked = max(m.asked, len(list))
	return m.Store.Unannounced(ctx, list)
}

// C-300, C-301: what takes statements of its own in a transaction is bounded, whatever has
// gathered: of a database some milliseconds away, a thousand would never end in time.
func TestManyTellingsComeInParts(t *testing.T) {
	h := New(t)
	h.ready()
	const keys = 120
	limit := keys + 1
	h.must(errorOf(h.UpdateMerchant(h.ctx, actor, "4259", authority.MerchantUpdate{KeyLimit: &limit})))
	m := &measured{Store: h.open()}
	node := h.nodeOn(m)
	for range keys {
		k := h.key(authority.NewAPIKey{MerchantID: "4259", Env: "demo", ExpiresAt: started.Add(day), Scopes: []string{"customers:read"}})
		h.rotate(k, authority.Rotation{Overlap: time.Hour})
		h.must(node.CatchUp(h.ctx))
		h.issue(node, k.request()) // by the secret that is retired
	}
	before := len(h.events())
	h.must(node.FlushUsage(h.ctx))
	h.must(node.NotifyExpiries(h.ctx))
	kinds := map[authority.EventKind]int{}
	for _, e := range h.events()[before:] {
		kinds[e.Kind]++
	}
	if kinds[authority.RetiredSecretUsed] != keys || kinds[authority.APIKeyExpiring] != keys {
		t.Errorf("the events are %v", kinds)
	}
	if m.told == 0 || m.told > 50 || m.asked == 0 || m.asked > 100 {
		t.Errorf("%d events in a transaction, %d ends in a question", m.told, m.asked)
	}
}
