package webhook

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
)

const (
	pollInterval = time.Second
	// keepInterval is how often it is noted that a webhook is in use, and looked
	// for what can go.
	keepInterval = 10 * time.Minute
	// dropAfter is how long after it was last in use a webhook is forgotten: one
	// that is configured on some nodes only, as while they are replaced one by one,
	// must not be.
	dropAfter = time.Hour
	// retention is how long deliveries are listed behind their end.
	retention = 30 * 24 * time.Hour
	// lease is how long nobody else takes an attempt: longer than one lasts, by as
	// much as clocks of nodes may differ.
	lease = 90 * time.Second
	// stopGrace is how long a node that ends waits for answers.
	stopGrace = 3 * time.Second
	// settleTimeout is for writing down what has become of an attempt.
	settleTimeout = 5 * time.Second

	eventBatch  = 500
	deleteBatch = 1000
)

// pauses is how long to wait after each failed attempt but the last, behind
// which the delivery has failed.
var pauses = [...]time.Duration{
	5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour,
}

// maxRetryAfter is how much longer a receiver can make that.
const maxRetryAfter = time.Hour

// running is the state of Run, which owns it.
type running struct {
	attempts sync.WaitGroup
	ended    chan *receiver // attempts that are over; has room for all
	keptAt   time.Time      // when the webhooks were last kept
	failing  bool           // the store was, the last time
}

// newRunning has room for so many attempts at the same time.
func newRunning(attempts int) running {
	return running{ended: make(chan *receiver, attempts)}
}

// Run sends events to webhooks until ctx is done, and then waits for a moment
// for the answers under way. Where several nodes run, they share the work. The
// caller owns the goroutine it runs in.
func (d *Dispatcher) Run(ctx context.Context) {
	sending, stopSending := context.WithCancel(context.WithoutCancel(ctx))
	defer stopSending()
	for ctx.Err() == nil {
		d.tell(ctx, d.step(ctx, sending))
		d.pause(ctx)
	}
	defer time.AfterFunc(stopGrace, stopSending).Stop()
	d.waitForAll()
	for _, r := range d.receivers {
		if r.hook != nil {
			r.hook.client.CloseIdleConnections()
		}
	}
}

// pause waits until there may be something to do: a moment that differs from
// node to node, or until an attempt is over and another one can begin.
func (d *Dispatcher) pause(ctx context.Context) {
	timer := time.NewTimer(pollInterval*3/4 + rand.N(pollInterval/2))
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case r := <-d.run.ended:
		r.busy--
		for range len(d.run.ended) { // those that ended at the same time are one step
			(<-d.run.ended).busy--
		}
	}
}

// waitForAll waits for the attempts under way.
func (d *Dispatcher) waitForAll() {
	for _, r := range d.receivers {
		for r.busy > 0 {
			(<-d.run.ended).busy--
		}
	}
	d.run.attempts.Wait()
}

// tell logs that the store fails, once until it works again.
func (d *Dispatcher) tell(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	if err != nil && !d.run.failing {
		d.logger.Error("webhooks wait for the database", "error", err)
	}
	if err == nil && d.run.failing {
		d.logger.Info("webhooks go on")
	}
	d.run.failing = err != nil
}

// step does what is to be done now; attempts go on behind it, under sending.
func (d *Dispatcher) step(ctx, sending context.Context) error {
	if err := d.keep(ctx); err != nil {
		return err
	}
	if len(d.receivers) == 0 {
		return nil
	}
	backlogs, head, err := d.store.WebhookBacklogs(ctx, d.now())
	if err != nil {
		return err
	}
	for _, r := range d.receivers {
		backlog, ok := backlogs[r.Name]
		if !ok {
			d.run.keptAt = time.Time{} // it was away for so long that another node has dropped it
			continue
		}
		r.Waiting(backlog.Pending)
		if backlog.Cursor < head {
			if err := d.enqueue(ctx, r); err != nil {
				return err
			}
		}
		if backlog.Due || backlog.Cursor < head {
			if err := d.begin(ctx, sending, r); err != nil {
				return err
			}
		}
	}
	return nil
}

// Begin notes that receivers are in use, which Run repeats: those that are new
// are told of what happens from then on.
func Begin(ctx context.Context, s Store, names []string, now time.Time) error {
	if err := s.KeepWebhooks(ctx, names, now); err != nil {
		return fmt.Errorf("beginning webhooks: %w", err)
	}
	return nil
}

// keep notes that the webhooks are in use, and lets go what is not.
func (d *Dispatcher) keep(ctx context.Context) error {
	now := d.now()
	if !d.run.keptAt.IsZero() && now.Sub(d.run.keptAt) < keepInterval {
		return nil
	}
	if err := Begin(ctx, d.store, d.names, now); err != nil {
		return err
	}
	if err := d.store.DropWebhooks(ctx, now.Add(-dropAfter)); err != nil {
		return err
	}
	for n := deleteBatch; n == deleteBatch; {
		var err error
		if n, err = d.store.DeleteDeliveries(ctx, now.Add(-retention), deleteBatch); err != nil {
			return err
		}
	}
	d.run.keptAt = now
	return nil
}

// enqueue moves the cursor of a webhook to the last event.
func (d *Dispatcher) enqueue(ctx context.Context, r *receiver) error {
	for n := eventBatch; n == eventBatch; {
		var err error
		n, err = d.store.EnqueueDeliveries(ctx, r.Name, eventBatch, func(events []authority.Event) []Delivery { return d.choose(r, events) })
		if errors.Is(err, authority.ErrConflict) || errors.Is(err, authority.ErrNotFound) {
			return nil // another node does it, or has dropped the webhook
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// choose makes deliveries of the events that the receiver is to be told of.
func (d *Dispatcher) choose(r *receiver, events []authority.Event) []Delivery {
	var list []Delivery
	now := d.now()
	for i := range events {
		if e := &events[i]; r.Wants(e) {
			list = append(list, Delivery{Webhook: r.Name, Seq: e.Seq, Kind: e.Kind, State: Pending, CreatedAt: now, NextAt: now})
		}
	}
	return list
}

// begin claims what is due and begins to send it, as much as may be under way at
// the same time: a receiver that is slow holds up nobody but itself.
func (d *Dispatcher) begin(ctx, sending context.Context, r *receiver) error {
	if r.busy >= r.InFlight {
		return nil
	}
	now := d.now()
	list, err := d.store.ClaimDeliveries(ctx, r.Name, now, now.Add(lease), r.InFlight-r.busy)
	if err != nil {
		return err
	}
	for i := range list {
		r.busy++
		d.run.attempts.Go(func() {
			d.attempt(sending, r, &list[i])
			d.run.ended <- r
		})
	}
	return nil
}

// attempt sends a delivery and writes down what has become of it. Where that
// cannot be written, or the node ends before, the lease runs out and it is sent
// again.
func (d *Dispatcher) attempt(ctx context.Context, r *receiver, v *Delivery) {
	o, err := d.sendEvent(ctx, r, v)
	if err == nil {
		d.settle(v, o)
		writing, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
		defer cancel()
		err = d.store.SettleDelivery(writing, v)
	}
	switch {
	case errors.Is(err, authority.ErrConflict):
		return // another node has it
	case err != nil:
		d.logger.Error("a delivery cannot be noted and will be sent again", "webhook", v.Webhook, "event", v.Seq, "error", err)
		return
	}
	r.Ended(v)
}

func (d *Dispatcher) sendEvent(ctx context.Context, r *receiver, v *Delivery) (Outcome, error) {
	events, err := d.store.Events(ctx, v.Seq-1, 1)
	if err != nil {
		return Outcome{}, err
	}
	if len(events) == 0 || events[0].Seq != v.Seq || events[0].Kind != v.Kind {
		return Outcome{Reason: ReasonEvent, Told: v.Told}, nil // somebody has changed the log
	}
	ctx, cancel := context.WithTimeout(ctx, AttemptTimeout)
	defer cancel()
	return r.Send(ctx, &events[0], v.Told)
}

// settle decides what becomes of a delivery after an attempt.
func (d *Dispatcher) settle(v *Delivery, o Outcome) {
	now := d.now()
	v.Status, v.Error, v.Told, v.NextAt = o.Status, o.Reason, o.Told, time.Time{}
	switch {
	case o.Reason == "":
		v.State, v.EndedAt = Delivered, now
	case o.Reason == ReasonShutdown:
		v.NextAt = now // for another node, or this one once it is back
	case o.Reason == ReasonGone || o.Reason == ReasonEvent || o.Reason == ReasonRefused || v.Attempts > len(pauses):
		v.State, v.EndedAt = Failed, now
	default:
		v.NextAt = now.Add(max(jitter(pauses[v.Attempts-1]), min(o.wait, maxRetryAfter)))
	}
}

// jitter is d, give or take a fifth: what has failed together does not come back
// together.
func jitter(d time.Duration) time.Duration { return d*4/5 + rand.N(d*2/5) }
