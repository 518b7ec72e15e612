package webhook

import (
	"context"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// Receiver is told of events in whatever way Send has; cursor, deliveries,
// leases and attempts are those of webhooks, which are Receivers too.
type Receiver struct {
	// Name is in logs and the database. It begins with @, which no webhook does.
	Name string
	// Wants tells whether it is to be told of an event.
	Wants func(*authority.Event) bool
	// Send makes one attempt, for which it has AttemptTimeout, and is called by
	// InFlight goroutines at the same time. told is what an earlier attempt said of it in
	// Outcome.Told. An error is one of the server's own: then nothing is written
	// down, and what it was to send comes again once the lease has run out.
	Send func(ctx context.Context, e *authority.Event, told string) (Outcome, error)
	// Ended hears of each attempt whose outcome is written down.
	Ended func(*Delivery)
	// Waiting hears how many deliveries are pending, up to MaxPending.
	Waiting func(int)
	// InFlight is how many attempts are under way at the same time, on each node;
	// at least 1.
	InFlight int
}

// receiver is a Receiver in use.
type receiver struct {
	Receiver
	hook *hook // where it is a webhook
	busy int   // attempts under way; owned by Run
}

// newReceivers are all of cfg in the order of names.
func (d *Dispatcher) newReceivers(cfg *Config) (list []*receiver) {
	for i := range cfg.Webhooks {
		list = append(list, d.webhookReceiver(newHook(cfg.Webhooks[i])))
	}
	for _, r := range cfg.Receivers {
		list = append(list, &receiver{Receiver: r})
	}
	slices.SortFunc(list, func(a, b *receiver) int { return strings.Compare(a.Name, b.Name) })
	return list
}

func (d *Dispatcher) webhookReceiver(h *hook) *receiver {
	return &receiver{hook: h, Receiver: Receiver{
		Name: h.Name, Wants: h.wants, InFlight: inFlight,
		Send: func(ctx context.Context, e *authority.Event, _ string) (Outcome, error) {
			m, err := d.eventMessage(e)
			if err != nil {
				return Outcome{}, err
			}
			return h.send(ctx, m, d.now()), nil
		},
		Ended:   d.webhookEnded,
		Waiting: func(n int) { d.metrics.pending(h.Name, n) },
	}}
}

// webhookEnded counts an attempt, and tells of the last one where it has failed.
func (d *Dispatcher) webhookEnded(v *Delivery) {
	d.metrics.ended(v)
	if v.State == Failed {
		d.logger.Warn("a webhook was not delivered and is given up", "webhook", v.Webhook, "event", v.Seq, "kind", string(v.Kind),
			"attempts", v.Attempts, "reason", v.Error, "status", v.Status)
	}
}

// EventID names an event in messages about it. It is of the hash, not of the
// number: where a database was restored, another event may have that number.
func EventID(e *authority.Event) string {
	return "evt_" + hex.EncodeToString(e.Hash[:min(16, len(e.Hash))])
}
