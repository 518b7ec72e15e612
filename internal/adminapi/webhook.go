package adminapi

import (
	"slices"
	"strconv"
	"strings"

	"github.com/tokenwright/tokenwright/admin"
	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/webhook"
)

func (a *API) listWebhooks(r *request) (any, error) {
	return listOf(r, func(after string, limit int) ([]webhook.Status, error) {
		all, err := a.webhooks.Webhooks(r.Context(), r.actor)
		begin, there := slices.BinarySearchFunc(all, after, func(s webhook.Status, name string) int { return strings.Compare(s.Name, name) })
		if there {
			begin++
		}
		return all[begin:min(begin+limit, len(all))], err
	}, func(s *webhook.Status) string { return s.Name }, a.wire.webhook)
}

func (a *API) listDeliveries(r *request) (any, error) {
	status := r.query.string("status")
	if status != "" && !webhook.ValidState(status) {
		r.query.wrong("status", "is none of pending, delivered and failed")
	}
	return listOf(r, func(after string, limit int) ([]webhook.Delivery, error) {
		var seq int64
		if after != "" {
			seq, _ = strconv.ParseInt(after, 10, 64) // of a cursor of ours
		}
		return a.webhooks.Deliveries(r.Context(), r.actor, r.PathValue("name"), webhook.State(status), seq, limit)
	}, func(d *webhook.Delivery) string { return strconv.FormatInt(d.Seq, 10) }, a.wire.delivery)
}

// EventOf is an event as the admin API shows it, for others who tell of it.
func EventOf(i authority.Installation, e *authority.Event) admin.Event {
	return wire{ids: i.MerchantIDs}.event(e)
}

func (w wire) webhook(h *webhook.Status) admin.Webhook {
	out := admin.Webhook{
		Name: h.Name, URL: h.URL, Events: h.Events, Envs: h.Envs, Status: "working", Pending: h.Pending, Failed: h.Failed,
		LastDeliveredAt: optional(h.DeliveredAt), LastFailedAt: optional(h.FailedAt),
	}
	if h.Failing() {
		out.Status = "failing"
	}
	for _, id := range h.Merchants {
		out.Merchants = append(out.Merchants, w.merchantID(id))
	}
	return out
}

func (w wire) delivery(d *webhook.Delivery) admin.WebhookDelivery {
	return admin.WebhookDelivery{
		Webhook: d.Webhook, Event: d.Seq, Kind: string(d.Kind), Status: string(d.State), Attempts: d.Attempts, HTTPStatus: d.Status, Error: d.Error,
		CreatedAt: d.CreatedAt, AttemptedAt: optional(d.AttemptedAt), NextAttemptAt: optional(d.NextAt), EndedAt: optional(d.EndedAt),
	}
}
