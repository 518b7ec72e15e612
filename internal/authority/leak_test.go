package authority_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/credential"
)

var finder = authority.Actor{ID: "anonymous", Address: "198.51.100.7", RequestID: "req-9"}

// leaks returns what the events of the kind say, in their order.
func (h *harness) leaks(kind authority.EventKind) (list []authority.Event, said []map[string]any) {
	h.t.Helper()
	events, err := h.Events(h.ctx, actor, authority.EventFilter{}, 0, 1000)
	h.must(err)
	for _, e := range events {
		if e.Kind != kind {
			continue
		}
		var details map[string]any
		h.must(json.Unmarshal([]byte(e.Details), &details))
		list, said = append(list, e), append(said, details)
	}
	return list, said
}

// C-371: it ends at once, with the tokens, though it is the last; rotate gives
// another one.
func TestALeakedSecretEndsAtOnce(t *testing.T) {
	var log bytes.Buffer
	h := newWith(t, authority.MerchantNumbers, &log)
	k := h.ready()
	_, claims := h.issue(h.Authority, k.request())
	h.must(h.ReportLeakedSecret(h.ctx, finder, k.secret.Reveal(), "https://paste.example/x"))
	h.refused(h.Authority, k.request(), authority.SecretExpired)
	dead, err := h.Revoked("demo", claims, "")
	h.must(err)
	if !dead || h.generation(k) <= claims.Generation {
		t.Error("a token issued before lives")
	}
	events, said := h.leaks(authority.SecretLeaked)
	if len(events) != 1 || events[0].Subject != string(k.ID) || events[0].Actor != finder || events[0].MerchantID != "4259" || events[0].Env != "demo" ||
		said[0]["secretId"] != float64(1) || said[0]["url"] != "https://paste.example/x" || said[0]["tokensRevoked"] != true {
		t.Errorf("the events are %+v", events)
	}
	if text := log.String(); strings.Count(text, "level=WARN") != 1 || !strings.Contains(text, "client_id="+string(k.ID)) || strings.Contains(text, k.secret.Reveal()[9:]) {
		t.Errorf("the log says %s", text)
	}
	h.issue(h.Authority, h.rotate(k, authority.Rotation{}).request())
}

// C-371: other secrets and other API keys stay; the tokens of the one go.
func TestALeakedSecretAloneEnds(t *testing.T) {
	h := New(t)
	old := h.ready()
	other := h.key(authority.NewAPIKey{MerchantID: "4259", Env: "production", Scopes: []string{"customers:read"}})
	next := h.rotate(old, authority.Rotation{Overlap: time.Hour})
	h.must(h.ReportLeakedSecret(h.ctx, finder, next.secret.Reveal(), ""))
	h.refused(h.Authority, next.request(), authority.SecretExpired)
	h.issue(h.Authority, old.request())
	h.issue(h.Authority, other.request())
	if generation := h.generation(other); generation != other.Generation {
		t.Errorf("the generation of another API key rose to %d", generation)
	}
}

// C-372
func TestALeakIsRecordedOnce(t *testing.T) {
	h := New(t)
	h.config.LeakGrace = time.Hour // while it works on, there is more to repeat
	h.Authority = h.node(h.config)
	k := h.ready()
	nodes := []*authority.Authority{h.Authority, h.second(), h.second(), h.second()}
	var reports sync.WaitGroup
	for _, a := range slices.Concat(nodes, nodes) {
		reports.Go(func() {
			if err := a.ReportLeakedSecret(h.ctx, finder, k.secret.Reveal(), ""); err != nil {
				t.Error(err)
			}
		})
	}
	reports.Wait()
	h.clock.advance(4 * time.Minute)
	generation := h.generation(k)
	h.must(h.ReportLeakedSecret(h.ctx, finder, k.secret.Reveal(), ""))
	if events, _ := h.leaks(authority.SecretLeaked); len(events) != 1 || h.generation(k) != generation {
		t.Errorf("there are %d events, and the generation went from %d to %d", len(events), generation, h.generation(k))
	}
}

// C-373
func TestTheGraceLetsASecretWorkOnButNotItsTokens(t *testing.T) {
	h := New(t)
	h.config.LeakGrace = time.Hour
	h.Authority = h.node(h.config)
	k := h.ready()
	_, before := h.issue(h.Authority, k.request())
	h.must(h.ReportLeakedSecret(h.ctx, finder, k.secret.Reveal(), ""))
	token, after := h.issue(h.Authority, k.request())
	if end := h.clock.now().Truncate(time.Millisecond).Add(time.Hour); !token.SecretExpires.Equal(end) {
		t.Errorf("the answer says that the secret ends at %s, want %s", token.SecretExpires, end)
	}
	if lowest := h.generation(k); before.Generation >= lowest || after.Generation < lowest {
		t.Errorf("tokens live from generation %d on; that of before has %d, that of after %d", lowest, before.Generation, after.Generation)
	}
	h.clock.advance(time.Hour)
	h.must(h.CatchUp(h.ctx))
	h.refused(h.Authority, k.request(), authority.SecretExpired)
}

// C-373: an end that was near stays, however long the grace.
func TestTheGraceNeverLengthensALife(t *testing.T) {
	h := New(t)
	h.config.LeakGrace = 24 * time.Hour
	h.Authority = h.node(h.config)
	old := h.ready()
	h.rotate(old, authority.Rotation{Overlap: time.Minute})
	generation := h.generation(old)
	h.must(h.ReportLeakedSecret(h.ctx, finder, old.secret.Reveal(), ""))
	if h.generation(old) <= generation {
		t.Error("the tokens of a retired secret live on")
	}
	h.clock.advance(time.Minute)
	h.refused(h.Authority, old.request(), authority.SecretExpired)
}

// C-371: what may work again ends as well.
func TestALeakedSecretOfADisabledKeyEnds(t *testing.T) {
	h := New(t)
	k := h.ready()
	_, err := h.DisableAPIKey(h.ctx, actor, k.ID, 0)
	h.must(err)
	h.must(h.ReportLeakedSecret(h.ctx, finder, k.secret.Reveal(), ""))
	_, err = h.EnableAPIKey(h.ctx, actor, k.ID, 0)
	h.must(err)
	h.refused(h.Authority, k.request(), authority.SecretExpired)
}

// C-374: nothing happens, and nothing tells.
func TestReportsOfWhatIsNoLiveSecretChangeNothing(t *testing.T) {
	h := New(t)
	old := h.ready()
	h.rotate(old, authority.Rotation{Overlap: time.Minute})
	h.clock.advance(time.Minute)
	gone := h.key(authority.NewAPIKey{MerchantID: "4259", Env: "demo"})
	h.must(h.DeleteAPIKey(h.ctx, actor, gone.ID, 0))
	before, err := h.store.EventHead(h.ctx)
	h.must(err)
	text := old.secret.Reveal()
	for name, reported := range map[string]string{
		"ended": text, "deleted": gone.secret.Reveal(), "unknown": credential.Format{Prefix: "tw"}.NewSecret("demo").Reveal(),
		"of another installation": credential.Format{Prefix: "zz"}.NewSecret("demo").Reveal(),
		"mistyped":                text[:len(text)-1] + "!", "an ID": string(old.ID), "nothing": "", "long": strings.Repeat("tws_demo_", 5000),
	} {
		if err := h.ReportLeakedSecret(h.ctx, finder, reported, "x"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	after, err := h.store.EventHead(h.ctx)
	h.must(err)
	if after.Seq != before.Seq {
		t.Errorf("%d events were written", after.Seq-before.Seq)
	}
}

// C-375
func TestALeakedTokenEndsAllOfItsKeyOnce(t *testing.T) {
	var out log
	h := newWith(t, authority.MerchantNumbers, &out)
	k := h.ready()
	_, first := h.issue(h.Authority, k.request())
	_, second := h.issue(h.Authority, k.request())
	h.must(h.ReportLeakedToken(h.ctx, finder, first, "https://paste.example/y"))
	h.must(h.ReportLeakedToken(h.ctx, finder, second, ""))
	h.must(h.ReportLeakedToken(h.ctx, finder, first, ""))
	dead, err := h.Revoked("demo", second, "")
	h.must(err)
	if !dead {
		t.Error("another token of the API key lives")
	}
	events, said := h.leaks(authority.TokenLeaked)
	if len(events) != 1 || events[0].Subject != string(k.ID) || said[0]["jti"] != first.ID || said[0]["url"] != "https://paste.example/y" {
		t.Errorf("the events are %+v", events)
	}
	_, again := h.issue(h.Authority, k.request()) // the secret works on
	if dead, err := h.Revoked("demo", again, ""); err != nil || dead {
		t.Errorf("a token issued afterwards is dead: %t, %v", dead, err)
	}
	h.must(h.DeleteAPIKey(h.ctx, actor, k.ID, 0))
	h.must(h.ReportLeakedToken(h.ctx, finder, again, ""))
	if n := out.count("an access token was reported as leaked"); n != 1 {
		t.Errorf("the log tells of %d leaked tokens", n)
	}
}

// C-225, C-226, C-376: a stranger writes it, and the place often has the
// credential in its address.
func TestWhereALeakWasFoundIsCleanedBeforeItIsWritten(t *testing.T) {
	secret := credential.Format{Prefix: "tw"}.NewSecret("demo").Reveal()
	const token = "eyJhbGciOiJFUzI1NiJ9.eyJqdGkiOiJ4eXoifQ.Y2FuYXJ5-Y2FuYXJ5_canary"
	const commit = "0123456789abcdef0123456789abcdef01234567"
	for written, want := range map[string]string{
		"https://git.example/a/b/blob/" + commit + "/deploy.env#L10":                   "https://git.example/a/b/blob/" + commit + "/deploy.env#L10",
		" https://x.example/?q=" + secret + "&page=2\n":                                "https://x.example/?q=[credential]&page=2",
		"https://x.example/?q=" + strings.ReplaceAll(secret, "_", "%5F"):               "https://x.example/?q=tws%5Fdemo%[credential]",
		"https://x.example/?q=" + secret[:30]:                                          "https://x.example/?q=[credential]",
		"tws_de\x00mo_" + secret[9:]:                                                   "[credential]",
		"https://user:hunter2@x.example/a@b":                                           "https://x.example/a@b",
		"https://x.example/#access_token=" + token:                                     "https://x.example/#access_token=[credential]",
		"a\r\nb\x1b[31m\u202e\u2028\xff":                                               "ab[31m",
		"https://x.example/" + strings.Repeat("ü/", 400):                               "https://x.example/" + strings.Repeat("ü/", 240) + "ü…",
		"https://x.example/a-long-title-of-a-post-with-many-words-that-people-publish": "https://x.example/a-long-title-of-a-post-with-many-words-that-people-publish",
	} {
		h := New(t)
		k := h.ready()
		h.must(h.ReportLeakedSecret(h.ctx, finder, k.secret.Reveal(), written))
		_, said := h.leaks(authority.SecretLeaked)
		if len(said) != 1 || said[0]["url"] != want {
			t.Errorf("of %q the event says %q, want %q", written, said[0]["url"], want)
		}
	}
}
