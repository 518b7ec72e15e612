package webhook_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/webhook"
)

// mailbox is a receiver that is no webhook, told of what is deleted.
type mailbox struct {
	answer func(told string) (webhook.Outcome, error)

	mu       sync.Mutex
	told     []string // of each attempt
	outcomes []webhook.State
	waiting  int
	now      int
	most     int
}

func (m *mailbox) receiver() webhook.Receiver {
	return webhook.Receiver{
		Name: "@box", InFlight: 2,
		Wants: func(e *authority.Event) bool { return e.Kind == authority.APIKeyDeleted },
		Send: func(_ context.Context, _ *authority.Event, told string) (webhook.Outcome, error) {
			m.mu.Lock()
			m.told = append(m.told, told)
			m.now++
			m.most = max(m.most, m.now)
			m.mu.Unlock()
			defer func() {
				m.mu.Lock()
				m.now--
				m.mu.Unlock()
			}()
			return m.answer(told)
		},
		Ended: func(d *webhook.Delivery) {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.outcomes = append(m.outcomes, d.State)
		},
		Waiting: func(n int) { m.waiting = n },
	}
}

// node is a dispatcher with a receiver, beside webhooks, which begins now.
func (w *world) node(t *testing.T, r webhook.Receiver, list ...webhook.Webhook) *webhook.Dispatcher {
	t.Helper()
	d := webhook.New(webhook.Config{
		Store: w.Store, Receivers: []webhook.Receiver{r}, Webhooks: list, Clock: w.Now, Logger: slog.New(slog.NewTextHandler(&w.log, nil)),
		Data: func(e *authority.Event) any { return e.Seq },
	})
	step(t, d)
	return d
}

// C-457: whom a delivery has reached is kept with it, so that a further attempt,
// of another node too, leaves them out; the last one ends it.
func TestFurtherAttemptKnowsWhoHasBeenTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	box := &mailbox{answer: func(told string) (webhook.Outcome, error) {
		if told == "" {
			return webhook.Outcome{Reason: webhook.ReasonConnection, Status: 451, Told: "usr_1"}, nil
		}
		return webhook.Outcome{Told: told + " usr_2"}, nil
	}}
	e := newEndpoint(t, nil)
	d := w.node(t, box.receiver(), e.hook(t, "ops"))
	w.happen(t, authority.APIKeyDeleted, "4259", "demo")
	w.happen(t, authority.APIKeyCreated, "4259", "demo")
	step(t, d)
	if v := w.delivery(t, "@box"); v.State != webhook.Pending || v.Told != "usr_1" || v.Status != 451 || v.Error != "connection" {
		t.Fatalf("after the first attempt: %+v", v)
	}
	w.pass(time.Minute)
	step(t, w.node(t, box.receiver())) // another node
	v := w.delivery(t, "@box")
	if v.State != webhook.Delivered || v.Told != "usr_1 usr_2" || v.Attempts != 2 || len(box.told) != 2 || box.told[1] != "usr_1" {
		t.Errorf("after the second attempt: %+v, called with %q", v, box.told)
	}
	if len(box.outcomes) != 2 || box.outcomes[0] != webhook.Pending || box.outcomes[1] != webhook.Delivered {
		t.Errorf("it heard of %v", box.outcomes)
	}
	if n := len(e.received()); n != 2 {
		t.Errorf("the webhook beside it got %d messages", n)
	}
}

// C-457
func TestRefusedDeliveryIsNotSentAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	box := &mailbox{answer: func(string) (webhook.Outcome, error) {
		return webhook.Outcome{Reason: webhook.ReasonRefused, Status: 550}, nil
	}}
	d := w.node(t, box.receiver())
	w.happen(t, authority.APIKeyDeleted, "4259", "demo")
	step(t, d)
	w.pass(24 * time.Hour)
	step(t, d)
	if v := w.delivery(t, "@box"); v.State != webhook.Failed || v.Attempts != 1 || v.Status != 550 {
		t.Errorf("%+v", v)
	}
}

// C-457: what fails in the server itself is no outcome; the lease runs out and it
// is sent again.
func TestErrorOfTheServerLeavesADeliveryAsItIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	broken := true
	box := &mailbox{answer: func(string) (webhook.Outcome, error) {
		if broken {
			return webhook.Outcome{}, errors.New("the database is away")
		}
		return webhook.Outcome{}, nil
	}}
	d := w.node(t, box.receiver())
	w.happen(t, authority.APIKeyDeleted, "4259", "demo")
	step(t, d)
	if v := w.delivery(t, "@box"); v.State != webhook.Pending || v.Error != "" || len(box.outcomes) != 0 {
		t.Fatalf("%+v, it heard of %v", v, box.outcomes)
	}
	broken = false
	w.pass(90 * time.Second)
	step(t, d)
	if v := w.delivery(t, "@box"); v.State != webhook.Delivered {
		t.Errorf("%+v", v)
	}
}

// C-457: as many attempts at the same time as the receiver takes; and it is no
// webhook that anybody is shown.
func TestReceiverHasAsManyAttemptsAsItTakes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var both sync.WaitGroup
	both.Add(2)
	box := &mailbox{answer: func(string) (webhook.Outcome, error) {
		both.Done() // panics at a third one
		both.Wait()
		return webhook.Outcome{}, nil
	}}
	d := w.node(t, box.receiver())
	for range 5 {
		w.happen(t, authority.APIKeyDeleted, "", "")
	}
	step(t, d)
	if box.most != 2 || len(box.told) != 2 {
		t.Errorf("%d at the same time, %d in all", box.most, len(box.told))
	}
	box.answer = func(string) (webhook.Outcome, error) { return webhook.Outcome{}, nil }
	step(t, d)
	if box.waiting != 3 {
		t.Errorf("%d wait", box.waiting)
	}
	if list, err := d.Webhooks(t.Context(), anyone); err != nil || len(list) != 0 {
		t.Errorf("the webhooks are %v, %v", list, err)
	}
	if _, err := d.Deliveries(t.Context(), anyone, "@box", "", 0, 1); !errors.Is(err, authority.ErrNotFound) {
		t.Errorf("deliveries: %v", err)
	}
}
