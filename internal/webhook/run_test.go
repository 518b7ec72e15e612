package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/webhook"
)

// C-360
func TestReceiverIsToldOfWhatItChose(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]string{
		"*":               "api_key.deleted api_key.expiring secret.expiring",
		"api_key.*":       "api_key.deleted api_key.expiring",
		"secret.expiring": "secret.expiring",
		"secret.*":        "secret.expiring",
		"api_key":         "",
		"api_*":           "",
		"api_key.del*":    "",
		"":                "",
	} {
		var got []string
		for _, kind := range []authority.EventKind{authority.APIKeyDeleted, authority.APIKeyExpiring, authority.SecretExpiring} {
			if webhook.Matches(pattern, kind) {
				got = append(got, string(kind))
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q matches %q", pattern, got)
		}
	}

	w := newWorld(t)
	e := newEndpoint(t, nil)
	hook := e.hook(t, "ops")
	hook.Events, hook.Merchants, hook.Envs = []string{"secret.*", "api_key.deleted"}, []authority.MerchantID{"1", "2"}, []string{"demo"}
	d := w.dispatcher(t, hook)
	w.happen(t, authority.APIKeyDeleted, "1", "demo")
	w.happen(t, authority.SecretExpiring, "2", "demo")
	w.happen(t, authority.APIKeyCreated, "1", "demo")
	w.happen(t, authority.APIKeyDeleted, "3", "demo")
	w.happen(t, authority.APIKeyDeleted, "1", "production")
	w.happen(t, authority.APIKeyDeleted, "", "")
	step(t, d)
	var kinds []string
	for _, m := range e.received() {
		kinds = append(kinds, m.body[:strings.Index(m.body, ",")])
	}
	slices.Sort(kinds)
	if got := strings.Join(kinds, " "); got != `{"type":"api_key.deleted" {"type":"secret.expiring"` {
		t.Errorf("received %s", got)
	}
}

// C-362: a new webhook hears nothing of the past; one that is gone for a while
// goes on, one that is gone for longer is forgotten with what it was to be told.
func TestWebhookBeginsAtTheLastEvent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.happen(t, authority.APIKeyDeleted, "", "")
	e := newEndpoint(t, status(500))
	d := w.dispatcher(t, e.hook(t, "ops"))
	step(t, d)
	if n := len(e.received()); n != 0 {
		t.Fatalf("%d messages of what was before", n)
	}
	w.happen(t, authority.APIKeyDeleted, "", "")
	step(t, d)

	w.pass(59 * time.Minute)
	w.dispatcher(t) // a node without it
	e.answer = nil
	w.dispatcher(t, e.hook(t, "ops")) // and with it again
	if got := w.delivery(t, "ops"); got.State != webhook.Delivered {
		t.Fatalf("back within the hour: %+v", got)
	}

	w.happen(t, authority.APIKeyDeleted, "", "")
	w.pass(24 * time.Hour)            // no node was there
	w.dispatcher(t, e.hook(t, "ops")) // has it from the start on
	if got := w.delivery(t, "ops"); got.State != webhook.Delivered || got.Seq != 4 {
		t.Fatalf("after a day without any node: %+v", got)
	}

	e.answer = status(500)
	w.happen(t, authority.APIKeyDeleted, "", "")
	step(t, w.dispatcher(t, e.hook(t, "ops")))
	before := len(e.received())
	w.pass(time.Hour + time.Millisecond)
	w.dispatcher(t)
	w.dispatcher(t, e.hook(t, "ops"))
	if n := len(e.received()) - before; n != 0 {
		t.Errorf("%d messages of before it was forgotten", n)
	}
}

// C-363, C-361
func TestFailedDeliveryIsSentAgainLaterWithItsID(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := newEndpoint(t, status(http.StatusInternalServerError))
	d := w.dispatcher(t, e.hook(t, "ops"))
	w.happen(t, authority.SecretExpiring, "4259", "demo")
	step(t, d)
	for i, pause := range webhook.Pauses {
		v := w.delivery(t, "ops")
		wait := v.NextAt.Sub(w.Now())
		if v.State != webhook.Pending || v.Attempts != i+1 || v.Status != 500 || v.Error != "status" || wait < pause*4/5 || wait > pause*6/5 {
			t.Fatalf("after attempt %d: %+v, the next in %s", i+1, v, wait)
		}
		w.pass(wait - time.Millisecond)
		step(t, d)
		if n := len(e.received()); n != i+1 {
			t.Fatalf("attempt %d comes too early", n)
		}
		w.pass(time.Millisecond)
		step(t, d)
	}
	v := w.delivery(t, "ops")
	if v.State != webhook.Failed || v.Attempts != len(webhook.Pauses)+1 || v.EndedAt != w.Now() || !v.NextAt.IsZero() {
		t.Errorf("at the end: %+v", v)
	}
	w.pass(24 * time.Hour)
	step(t, d)
	got := e.received()
	if len(got) != len(webhook.Pauses)+1 {
		t.Errorf("%d attempts", len(got))
	}
	for _, m := range got[1:] {
		if m.header.Get("webhook-id") != got[0].header.Get("webhook-id") || m.body != got[0].body {
			t.Error("another message")
		}
		if m.header.Get("webhook-timestamp") == got[0].header.Get("webhook-timestamp") || m.header.Get("webhook-signature") == got[0].header.Get("webhook-signature") {
			t.Error("signed as of the first attempt")
		}
	}
	if text := w.log.String(); strings.Count(text, "given up") != 1 || !strings.Contains(text, "level=WARN") || strings.Contains(text, "127.0.0.1") {
		t.Errorf("the log is\n%s", text)
	}
	if got := w.metric(t, "tokenwright_webhook_deliveries_total"); got != "delivered=0 failed=1 retried=9" {
		t.Errorf("counted %s", got)
	}
}

// metric is a metric by the first of its labels.
func (w *world) metric(t *testing.T, name string) string {
	t.Helper()
	families, err := w.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() { // labels are in the order of names
			list = append(list, fmt.Sprintf("%s=%v", m.GetLabel()[0].GetValue(), m.GetCounter().GetValue()+m.GetGauge().GetValue()))
		}
	}
	return strings.Join(list, " ")
}

// C-363
func TestReceiverThatComesBackGetsWhatItMissed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := newEndpoint(t, status(http.StatusServiceUnavailable))
	d := w.dispatcher(t, e.hook(t, "ops"))
	for range 20 {
		w.happen(t, authority.APIKeyDeleted, "", "")
	}
	for range 4 { // eight at a time
		step(t, d)
	}
	if backlogs, _, err := w.WebhookBacklogs(t.Context(), w.Now()); err != nil || backlogs["ops"] != (webhook.Backlog{Cursor: 21, Pending: 20}) {
		t.Fatalf("while it is away: %+v, %v", backlogs, err)
	}
	if got := w.metric(t, "tokenwright_webhook_pending"); got != "ops=20" {
		t.Errorf("the metrics say %s", got)
	}
	e.answer = nil
	w.pass(time.Minute)
	for range 4 {
		step(t, d)
	}
	ids := map[string]int{}
	for _, m := range e.received() {
		ids[m.header.Get("webhook-id")]++
	}
	if counts, err := w.DeliveryCounts(t.Context(), "ops"); err != nil || counts.Pending != 0 || counts.Failed != 0 || len(ids) != 20 || len(e.received()) != 40 {
		t.Errorf("once it is back: %+v, %d messages with %d IDs, %v", counts, len(e.received()), len(ids), err)
	}
}

// C-363
func TestRetryAfterIsHonouredUpToAnHour(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for value, want := range map[string]time.Duration{
		"600": 10 * time.Minute, "86400": time.Hour, "99999999999999999999": 0, "-5": 0, "soon": 0, "": 0,
		w.Now().Add(20 * time.Minute).Format(http.TimeFormat): 20*time.Minute - 123*time.Millisecond,
		w.Now().Add(-time.Hour).Format(http.TimeFormat):       0,
	} {
		e := newEndpoint(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", value)
			w.WriteHeader(http.StatusTooManyRequests)
		})
		name := fmt.Sprintf("ops-%d", len(value))
		d := w.dispatcher(t, e.hook(t, name))
		w.happen(t, authority.APIKeyDeleted, "", "")
		step(t, d)
		got := w.delivery(t, name).NextAt.Sub(w.Now())
		if want != 0 && got != want || want == 0 && got > 6*time.Second {
			t.Errorf("Retry-After: %s: the next attempt is in %s", value, got)
		}
	}
}

// C-363
func TestGoneEndsADelivery(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := newEndpoint(t, status(http.StatusGone))
	d := w.dispatcher(t, e.hook(t, "ops"))
	w.happen(t, authority.APIKeyDeleted, "", "")
	step(t, d)
	if v := w.delivery(t, "ops"); v.State != webhook.Failed || v.Status != 410 || v.Error != "gone" || v.Attempts != 1 {
		t.Errorf("%+v", v)
	}
}

// C-363: what a node had in hand when it died, another one sends once the lease
// has run out, with the same ID.
func TestDeliveryOfADeadNodeIsSentByAnother(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := newEndpoint(t, nil)
	d := w.dispatcher(t, e.hook(t, "ops"))
	w.happen(t, authority.APIKeyDeleted, "", "")
	dead, die := context.WithCancel(t.Context())
	e.answer = func(rw http.ResponseWriter, _ *http.Request) { // the receiver has it, the node does not know
		_ = w.Close()
		die()
		rw.WriteHeader(http.StatusNoContent)
	}
	again := w.reopened(t)
	_ = d.Step(dead)
	e.answer = nil
	w.Store = again
	other := w.dispatcher(t, e.hook(t, "ops"))
	if n := len(e.received()); n != 1 {
		t.Fatalf("%d messages while the lease lasts", n)
	}
	w.pass(90 * time.Second)
	step(t, other)
	got := e.received()
	if len(got) != 2 || got[0].header.Get("webhook-id") != got[1].header.Get("webhook-id") {
		t.Errorf("received %v", got)
	}
	if v := w.delivery(t, "ops"); v.State != webhook.Delivered || v.Attempts != 2 {
		t.Errorf("%+v", v)
	}
}

// C-365: one that does not answer has eight messages in hand and no more, and
// the other one hears at once.
func TestSlowReceiverHoldsUpNobodyElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	held := make(chan struct{})
	release := sync.OnceFunc(func() { close(held) })
	var mu sync.Mutex
	var now, most int
	slow := newEndpoint(t, func(http.ResponseWriter, *http.Request) {
		mu.Lock()
		now++
		most = max(most, now)
		mu.Unlock()
		<-held
		mu.Lock()
		now--
		mu.Unlock()
	})
	t.Cleanup(release) // before the endpoint waits for its requests
	quick := newEndpoint(t, nil)
	d := w.dispatcher(t, slow.hook(t, "a-slow"), quick.hook(t, "quick"))
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { d.Run(ctx) })
	for range 30 {
		w.happen(t, authority.APIKeyDeleted, "", "")
	}
	eventually(t, "the quick one has all", func() bool { return len(quick.received()) == 30 })
	eventually(t, "the slow one has eight", func() bool { return len(slow.received()) == webhook.InFlight })
	release()
	eventually(t, "the slow one has all", func() bool { return len(slow.received()) == 30 })
	stop()
	running.Wait()
	if most != webhook.InFlight {
		t.Errorf("the slow one had %d at the same time", most)
	}
}

// C-365: a node that is stopped does not wait for long, and leaves what it had in
// hand to others at once.
func TestStoppedNodeLetsGoOfWhatItHasInHand(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var hanging atomic.Bool
	e := newEndpoint(t, func(_ http.ResponseWriter, r *http.Request) {
		hanging.Store(true)
		<-r.Context().Done()
	})
	d := w.dispatcher(t, e.hook(t, "ops"))
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { d.Run(ctx) })
	w.happen(t, authority.APIKeyDeleted, "", "")
	eventually(t, "a message hangs", hanging.Load)
	began := time.Now()
	stop()
	running.Wait()
	if took := time.Since(began); took > 6*time.Second {
		t.Errorf("the node ended after %s", took)
	}
	if v := w.delivery(t, "ops"); v.State != webhook.Pending || v.Error != "interrupted" || v.NextAt != w.Now() {
		t.Errorf("it left %+v", v)
	}
}

// C-366
func TestEndedDeliveriesAreKeptForThirtyDays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := newEndpoint(t, nil)
	d := w.dispatcher(t, e.hook(t, "ops"))
	w.happen(t, authority.APIKeyDeleted, "", "")
	step(t, d)
	w.pass(30 * 24 * time.Hour)
	step(t, d)
	if list, err := d.Deliveries(t.Context(), anyone, "ops", "", 0, 10); err != nil || len(list) != 1 {
		t.Fatalf("after thirty days: %v, %v", list, err)
	}
	w.pass(10 * time.Minute)
	step(t, d)
	if list, err := d.Deliveries(t.Context(), anyone, "ops", "", 0, 10); err != nil || len(list) != 0 {
		t.Errorf("later: %v, %v", list, err)
	}
}

// anyone may do everything.
var anyone = authority.Actor{ID: "cli:root@host", Permissions: authority.Everything()}

// C-366: webhooks are the platform's; whoever is bound to a merchant knows of none.
func TestOnlyThePlatformKnowsOfWebhooks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.dispatcher(t, newEndpoint(t, nil).hook(t, "ops"))
	var lacking *authority.ForbiddenError
	reads := []string{authority.EventsRead}
	for _, test := range []struct {
		may  *authority.Permissions
		want func(error) bool
	}{
		{authority.Everything(), func(err error) bool { return err == nil }},
		{&authority.Permissions{Scopes: reads}, func(err error) bool { return err == nil }},
		{&authority.Permissions{Scopes: []string{authority.APIKeysRead}}, func(err error) bool { return errors.As(err, &lacking) }},
		{&authority.Permissions{Scopes: reads, MerchantID: "4259", Env: "demo"}, func(err error) bool { return errors.Is(err, authority.ErrNotFound) }},
		{nil, func(err error) bool { return errors.As(err, &lacking) }},
	} {
		actor := authority.Actor{ID: "api_key:x", Permissions: test.may}
		list, err := d.Webhooks(t.Context(), actor)
		if !test.want(err) || err == nil && (len(list) != 1 || list[0].Name != "ops" || list[0].Failing()) {
			t.Errorf("with %+v: %v, %v", test.may, list, err)
		}
		if _, err := d.Deliveries(t.Context(), actor, "ops", "", 0, 10); !test.want(err) {
			t.Errorf("deliveries with %+v: %v", test.may, err)
		}
	}
	if _, err := d.Deliveries(t.Context(), anyone, "other", "", 0, 10); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("of a webhook that is not configured: %v", err)
	}
}

func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !so(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within 20 s: %s", what)
		}
	}
}
