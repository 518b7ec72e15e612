package store

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/webhook"
)

// webhooks is the other side of a store.
func webhooks(s authority.Store) webhook.Store { return s.(webhook.Store) }

// chooseAll makes a delivery of each event, due when everything happens.
func chooseAll(name string) func([]authority.Event) []webhook.Delivery {
	return func(events []authority.Event) (list []webhook.Delivery) {
		for _, e := range events {
			list = append(list, pendingDelivery(name, e.Seq, e.Kind))
		}
		return list
	}
}

func pendingDelivery(name string, seq int64, kind authority.EventKind) webhook.Delivery {
	return webhook.Delivery{Webhook: name, Seq: seq, Kind: kind, State: webhook.Pending, CreatedAt: at, NextAt: at}
}

// withDeliveries has a webhook with a pending delivery of each of n events, which
// begin with number 2.
func withDeliveries(t *testing.T, s authority.Store, name string, n int) webhook.Store {
	t.Helper()
	initialize(t, s)
	w := webhooks(s)
	must(t, w.KeepWebhooks(t.Context(), []string{name}, at))
	for i := range n {
		addScope(t, s, fmt.Sprintf("s%d:read", i))
	}
	moved, err := w.EnqueueDeliveries(t.Context(), name, n+1, chooseAll(name))
	must(t, err)
	wantEqual(t, "events", moved, n)
	return w
}

func backlog(t *testing.T, w webhook.Store, name string, now time.Time) *webhook.Backlog {
	t.Helper()
	list, _, err := w.WebhookBacklogs(t.Context(), now)
	must(t, err)
	if b, ok := list[name]; ok {
		return &b
	}
	return nil
}

func seqs(list []webhook.Delivery) []int64 {
	numbers := []int64{}
	for _, d := range list {
		numbers = append(numbers, d.Seq)
	}
	return numbers
}

// C-362
func testKeepWebhooks(t *testing.T, s authority.Store) {
	w := withDeliveries(t, s, "old", 2) // events 1 to 3
	must(t, w.KeepWebhooks(t.Context(), []string{"new", "old"}, at.Add(time.Minute)))
	list, head, err := w.WebhookBacklogs(t.Context(), at)
	must(t, err)
	wantEqual(t, "head", head, int64(3))
	wantEqual(t, "backlogs", list, map[string]webhook.Backlog{"old": {Cursor: 3, Due: true, Pending: 2}, "new": {Cursor: 3}})
	addScope(t, s, "z:read")
	must(t, w.KeepWebhooks(t.Context(), []string{"new"}, at.Add(time.Second))) // of a clock that is behind
	wantEqual(t, "kept again", backlog(t, w, "new", at), &webhook.Backlog{Cursor: 3})

	must(t, w.DropWebhooks(t.Context(), at.Add(time.Minute)))
	wantEqual(t, "in use a minute later", backlog(t, w, "old", at), &webhook.Backlog{Cursor: 3, Due: true, Pending: 2})
	if b := backlog(t, w, "new", at); b == nil {
		t.Fatal("a clock that is behind has taken a webhook out of use")
	}
	claimed, err := w.ClaimDeliveries(t.Context(), "old", at, at.Add(time.Hour), 1)
	must(t, err)
	claimed[0].State = webhook.Delivered
	must(t, w.SettleDelivery(t.Context(), &claimed[0]))
	must(t, w.KeepWebhooks(t.Context(), []string{"new"}, at.Add(2*time.Minute)))
	must(t, w.DropWebhooks(t.Context(), at.Add(2*time.Minute)))
	if b := backlog(t, w, "old", at); b != nil {
		t.Errorf("the webhook that nobody keeps has the backlog %+v", *b)
	}
	left, err := w.Deliveries(t.Context(), "old", "", 0, 10)
	must(t, err)
	wantEqual(t, "deliveries left", seqs(left), []int64{claimed[0].Seq})
	_, err = w.EnqueueDeliveries(t.Context(), "old", 10, chooseAll("old"))
	wantError(t, err, authority.ErrNotFound)
}

// C-362
func testEnqueueDeliveries(t *testing.T, s authority.Store) {
	w := withDeliveries(t, s, "hook", 0)
	addScope(t, s, "a:read", "b:read", "c:read") // events 2 to 4
	enqueue := func(limit int, choose func([]authority.Event) []webhook.Delivery) int {
		t.Helper()
		n, err := w.EnqueueDeliveries(t.Context(), "hook", limit, choose)
		must(t, err)
		return n
	}
	wantEqual(t, "events", enqueue(2, chooseAll("hook")), 2)
	wantEqual(t, "backlog", backlog(t, w, "hook", at.Add(-time.Millisecond)), &webhook.Backlog{Cursor: 3, Pending: 2})
	wantEqual(t, "events of which none is chosen", enqueue(2, func([]authority.Event) []webhook.Delivery { return nil }), 1)
	wantEqual(t, "no event", enqueue(2, chooseAll("hook")), 0)
	list, err := w.Deliveries(t.Context(), "hook", "", 0, 10)
	must(t, err)
	wantEqual(t, "deliveries", list, []webhook.Delivery{
		pendingDelivery("hook", 3, authority.ScopeCreated), pendingDelivery("hook", 2, authority.ScopeCreated),
	})
	addScope(t, s, "d:read")
	_, err = w.EnqueueDeliveries(t.Context(), "hook", 2, func([]authority.Event) []webhook.Delivery {
		return []webhook.Delivery{pendingDelivery("hook", 2, authority.ScopeCreated)} // there is one
	})
	if !isDuplicate(err) {
		t.Errorf("a delivery that is there already: %v", err)
	}
	wantEqual(t, "the cursor does not move without the deliveries", backlog(t, w, "hook", at).Cursor, int64(4))
}

// C-363
func testClaimDeliveries(t *testing.T, s authority.Store) {
	w := withDeliveries(t, s, "hook", 3) // events 2 to 4
	until := at.Add(time.Minute)
	claim := func(now time.Time, limit int) []webhook.Delivery {
		t.Helper()
		list, err := w.ClaimDeliveries(t.Context(), "hook", now, now.Add(time.Minute), limit)
		must(t, err)
		return list
	}
	wantEqual(t, "before they are due", seqs(claim(at.Add(-time.Millisecond), 10)), []int64{})
	first := claim(at, 2)
	want := pendingDelivery("hook", 2, authority.ScopeCreated)
	want.Attempts, want.AttemptedAt, want.NextAt = 1, at, until
	wantEqual(t, "first", first[0], want)
	wantEqual(t, "claimed", seqs(first), []int64{2, 3})
	wantEqual(t, "left", seqs(claim(at, 2)), []int64{4})
	wantEqual(t, "leased", seqs(claim(until.Add(-time.Millisecond), 2)), []int64{})
	wantEqual(t, "not due", backlog(t, w, "hook", until.Add(-time.Millisecond)), &webhook.Backlog{Cursor: 4, Pending: 3})
	again := claim(until, 10)
	wantEqual(t, "once the lease has run out", seqs(again), []int64{2, 3, 4})
	wantEqual(t, "attempts", again[0].Attempts, 2)
	none, err := w.ClaimDeliveries(t.Context(), "other", until, until, 10)
	must(t, err)
	wantEqual(t, "of another webhook", none, []webhook.Delivery{})
}

// C-363
func testSettleDelivery(t *testing.T, s authority.Store) {
	w := withDeliveries(t, s, "hook", 1)
	claim := func(now time.Time) *webhook.Delivery {
		t.Helper()
		list, err := w.ClaimDeliveries(t.Context(), "hook", now, now.Add(time.Minute), 1)
		must(t, err)
		return &list[0]
	}
	stored := func() webhook.Delivery {
		t.Helper()
		list, err := w.Deliveries(t.Context(), "hook", "", 0, 1)
		must(t, err)
		return list[0]
	}
	slow := claim(at)
	d := claim(at.Add(time.Minute))
	slow.State = webhook.Delivered
	wantError(t, w.SettleDelivery(t.Context(), slow), authority.ErrConflict)
	d.Status, d.Error, d.NextAt, d.Told = 500, webhook.ReasonStatus, at.Add(time.Hour), "usr_1 usr_2"
	must(t, w.SettleDelivery(t.Context(), d))
	wantEqual(t, "after a failed attempt", stored(), *d)
	d = claim(at.Add(time.Hour))
	wantEqual(t, "who has it already", d.Told, "usr_1 usr_2")
	d.State, d.Status, d.Error, d.NextAt, d.EndedAt = webhook.Delivered, 204, "", time.Time{}, at.Add(time.Hour)
	must(t, w.SettleDelivery(t.Context(), d))
	wantEqual(t, "delivered", stored(), *d)
	wantError(t, w.SettleDelivery(t.Context(), d), authority.ErrConflict)
}

// C-366
func testDeliveries(t *testing.T, s authority.Store) {
	w := withDeliveries(t, s, "hook", 5) // events 2 to 6
	claimed, err := w.ClaimDeliveries(t.Context(), "hook", at, at.Add(time.Minute), 3)
	must(t, err)
	for i, state := range []webhook.State{webhook.Delivered, webhook.Failed, webhook.Delivered} {
		claimed[i].State, claimed[i].EndedAt = state, at.Add(time.Duration(i)*time.Second)
		must(t, w.SettleDelivery(t.Context(), &claimed[i]))
	}
	page := func(state webhook.State, after int64, limit int) []int64 {
		t.Helper()
		list, err := w.Deliveries(t.Context(), "hook", state, after, limit)
		must(t, err)
		return seqs(list)
	}
	wantEqual(t, "the first page", page("", 0, 3), []int64{6, 5, 4})
	wantEqual(t, "the second page", page("", 4, 3), []int64{3, 2})
	wantEqual(t, "delivered", page(webhook.Delivered, 0, 10), []int64{4, 2})
	wantEqual(t, "pending", page(webhook.Pending, 6, 10), []int64{5})
	counts, err := w.DeliveryCounts(t.Context(), "hook")
	must(t, err)
	wantEqual(t, "counts", counts, webhook.Counts{Pending: 2, Failed: 1, DeliveredAt: at.Add(2 * time.Second), FailedAt: at.Add(time.Second)})

	wantEqual(t, "failing, the last one was delivered", counts.Failing(), false)
	again, err := w.ClaimDeliveries(t.Context(), "hook", at, at.Add(time.Minute), 1)
	must(t, err)
	again[0].Error = webhook.ReasonTimeout
	must(t, w.SettleDelivery(t.Context(), &again[0]))
	counts, err = w.DeliveryCounts(t.Context(), "hook")
	must(t, err)
	wantEqual(t, "failing, one is sent again", counts.Retrying && counts.Failing(), true)

	remove := func(before time.Time, limit int) int {
		t.Helper()
		n, err := w.DeleteDeliveries(t.Context(), before, limit)
		must(t, err)
		return n
	}
	wantEqual(t, "removed, as many as allowed", remove(at.Add(2*time.Second), 1), 1)
	wantEqual(t, "removed", remove(at.Add(2*time.Second), 10), 1)
	wantEqual(t, "left", page("", 0, 10), []int64{6, 5, 4})
	wantEqual(t, "removed, once all that ended", remove(at.Add(time.Hour), 10), 1)
	wantEqual(t, "what is pending stays", page("", 0, 10), []int64{6, 5})
}

// C-363: each event is one delivery and each attempt is claimed by one node,
// however many ask at the same time.
func testDeliveriesAreClaimedOnce(t *testing.T, nodes [2]authority.Store) {
	const events, asking = 40, 4
	initialize(t, nodes[0])
	must(t, webhooks(nodes[0]).KeepWebhooks(t.Context(), []string{"hook"}, at))
	for i := range events {
		addScope(t, nodes[0], fmt.Sprintf("s%d:read", i))
	}
	var moved atomic.Int64
	taken := make(chan []int64, asking)
	for n := range asking {
		w := webhooks(nodes[n%2])
		go func() {
			moved.Add(enqueueAll(t, w))
			taken <- claimAll(t, w)
		}()
	}
	var claimed []int64
	for range asking {
		claimed = append(claimed, <-taken...)
	}
	slices.Sort(claimed)
	if len(claimed) != events || len(slices.Compact(claimed)) != events || moved.Load() != events {
		t.Errorf("of %d events %d were moved over, and %v claimed", events, moved.Load(), claimed)
	}
}

// enqueueAll moves the cursor to the end, beside others, and tells how far.
func enqueueAll(t *testing.T, w webhook.Store) (moved int64) {
	for {
		n, err := w.EnqueueDeliveries(t.Context(), "hook", 7, chooseAll("hook"))
		switch {
		case errors.Is(err, authority.ErrConflict):
			continue
		case err != nil:
			t.Errorf("enqueueing: %v", err)
			return moved
		case n == 0:
			return moved
		}
		moved += int64(n)
	}
}

// claimAll claims until there is nothing, or somebody else was first.
func claimAll(t *testing.T, w webhook.Store) (claimed []int64) {
	for {
		list, err := w.ClaimDeliveries(t.Context(), "hook", at, at.Add(time.Minute), 3)
		if err != nil {
			t.Errorf("claiming: %v", err)
		}
		if len(list) == 0 {
			return claimed
		}
		claimed = append(claimed, seqs(list)...)
	}
}
