package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tokenwright/tokenwright/admin"
	"github.com/tokenwright/tokenwright/internal/adminapi"
	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/notice"
	"github.com/tokenwright/tokenwright/internal/store"
	"github.com/tokenwright/tokenwright/internal/webhook"
)

// dispatcher sends events, as they are shown elsewhere, and notices of some of
// them.
func (n *node) dispatcher(o *openNode) *webhook.Dispatcher {
	return webhook.New(webhook.Config{
		Store: o.store, Webhooks: n.webhooks, Receivers: n.notices(o), Logger: n.logger, Registry: n.registry,
		Data: func(e *authority.Event) any { return adminapi.EventOf(o.auth.Installation(), e) },
	})
}

// told are the names of all who are told of events.
func (n *node) told() []string {
	cfg := webhook.Config{Webhooks: n.webhooks}
	if n.mail != nil {
		cfg.Receivers = []webhook.Receiver{{Name: notice.Name}}
	}
	return cfg.Names()
}

// deliveryLog is of the webhooks of the configuration; it sends nothing, so it
// needs no secret of them.
func (a *app) deliveryLog(st *store.Store) *webhook.Dispatcher {
	var list []webhook.Webhook
	for name, w := range a.config.Webhooks {
		list = append(list, w.webhook(name))
	}
	return webhook.New(webhook.Config{Store: st, Webhooks: list})
}

func (a *app) webhookCommand() *cobra.Command {
	list := a.command("list", "List the webhooks of the configuration", func(ctx context.Context, _ []string) error {
		return a.manage(ctx, func(c *admin.Client) error {
			out, err := admin.Collect(c.Webhooks(ctx))
			if err != nil {
				return err
			}
			return a.print(out, func(w io.Writer) {
				row(w, "NAME", "URL", "EVENTS", "STATUS", "PENDING", "FAILED", "LAST DELIVERED")
				for _, h := range out {
					row(w, h.Name, h.URL, strings.Join(h.Events, " "), h.Status, h.Pending, h.Failed, whenever(h.LastDeliveredAt))
				}
			})
		})
	})
	test := a.command("test NAME", "Send a signed message of type webhook.test now, once", func(ctx context.Context, args []string) error {
		return a.testWebhook(ctx, args[0])
	})
	explained(list, `List the webhooks of the configuration: whether each works, how much is to be sent,
and what was given up.`, "tokenwright webhook list")
	explained(test, `Send a signed message of type webhook.test now, once, from this machine, and say what
the receiver has answered. Exit code 1 means that it has not taken the message. The
command needs the configuration and the secret of the webhook, and no database.`, "tokenwright webhook test ops --config tokenwright.yaml")
	return group("webhook", "Webhooks: receivers that are told of events", list, a.webhookDeliveriesCommand(), test)
}

func (a *app) webhookDeliveriesCommand() *cobra.Command {
	var status string
	var limit int64
	c := a.command("deliveries NAME", "List what a webhook was told of, the newest event first", func(ctx context.Context, args []string) error {
		return a.manage(ctx, func(c *admin.Client) error {
			out := []admin.WebhookDelivery{}
			for d, err := range c.WebhookDeliveries(ctx, args[0], status) {
				if err != nil {
					return a.unknownWebhook(args[0], err)
				}
				if out = append(out, d); int64(len(out)) == limit {
					break
				}
			}
			return a.print(out, func(w io.Writer) {
				row(w, "EVENT", "KIND", "STATUS", "ATTEMPTS", "ANSWER", "ERROR", "LAST ATTEMPT", "NEXT ATTEMPT")
				for _, d := range out {
					row(w, d.Event, d.Kind, d.Status, d.Attempts, number(d.HTTPStatus), d.Error, whenever(d.AttemptedAt), whenever(d.NextAttemptAt))
				}
			})
		})
	})
	c.Flags().StringVar(&status, "status", "", "only those of this `status`: pending, delivered or failed")
	c.Flags().Var((*fromOne)(&limit), "limit", "at most this many (default: all)")
	return explained(c, `List what a webhook was told of in the last 30 days, the newest event first, and what
has become of each delivery.`, "tokenwright webhook deliveries ops --status failed --limit 20")
}

// testWebhook needs no database: what is tested is the way to the receiver.
func (a *app) testWebhook(ctx context.Context, name string) error {
	if a.config.Server != "" {
		return usageError{"this command sends from this machine; --server cannot do it"}
	}
	if !hasKey(a.config.Webhooks, name) {
		return a.unknownWebhook(name, authority.ErrNotFound)
	}
	w := a.config.Webhooks[name].webhook(name)
	var err error
	if w.Secret, err = a.webhookSecret(name); err != nil {
		return fmt.Errorf("webhooks.%s: %w", name, err)
	}
	o, err := webhook.New(webhook.Config{Webhooks: []webhook.Webhook{w}}).Test(ctx, name)
	if err != nil {
		return err
	}
	out := admin.WebhookTest{Webhook: name, Delivered: o.Reason == "", HTTPStatus: o.Status, Error: o.Reason, Milliseconds: o.Took.Milliseconds()}
	if err := a.print(out, func(w io.Writer) { fmt.Fprintln(w, testSentence(&out)) }); err != nil {
		return err
	}
	if !out.Delivered {
		return errReported
	}
	return nil
}

func testSentence(t *admin.WebhookTest) string {
	took := (time.Duration(t.Milliseconds) * time.Millisecond).String()
	switch {
	case t.Delivered:
		return fmt.Sprintf("The receiver answered %d after %s.", t.HTTPStatus, took)
	case t.HTTPStatus != 0:
		return fmt.Sprintf("Not delivered: the receiver answered %d after %s (%s).", t.HTTPStatus, took, t.Error)
	}
	return fmt.Sprintf("Not delivered: no answer after %s (%s).", took, t.Error)
}

// unknownWebhook says more of a webhook that is not there.
func (a *app) unknownWebhook(name string, err error) error {
	if refused, ok := errors.AsType[*admin.Error](err); ok && refused.Status == http.StatusNotFound {
		err = authority.ErrNotFound
	}
	if !errors.Is(err, authority.ErrNotFound) {
		return err
	}
	return fmt.Errorf("the configuration has no webhook %q%s", name, didYouMean(name, slices.Sorted(maps.Keys(a.config.Webhooks))))
}

// number shows a number that may be none.
func number(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}
