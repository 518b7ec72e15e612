// Package webhook tells receivers of the operator's choice about events: it
// reads the event log behind a cursor for each webhook, notes a delivery for
// each event that was chosen, and sends it, again and again where it fails.
//
// It owns the message (Standard Webhooks), which addresses may be connected to,
// and when to try again. It declares the Store it needs. It knows no SQL, makes
// no events, and decides nothing else: the log is written whether or not anybody
// is told.
package webhook

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// Webhook is a receiver, and what it is told.
type Webhook struct {
	// Name is what ValidName allows; it is in logs, metrics and the database.
	Name string
	// URL is https, or http where AllowPrivate; see CheckURL.
	URL string
	// Events are kinds of events, as secret.expiring, or families of them, as
	// api_key.* or *.
	Events []string
	// Merchants and Envs, where not empty, are the only ones whose events are
	// told; events that concern none are then left out.
	Merchants []authority.MerchantID
	Envs      []string
	// Secret signs what is sent.
	Secret Secret
	// AllowPrivate lets the receiver be on a loopback or private address, and
	// without TLS.
	AllowPrivate bool
}

// ValidName tells whether a webhook may have that name: 1 to 64 characters of
// a-z, 0-9 and -, the first no -.
func ValidName(name string) bool {
	return name != "" && len(name) <= 64 && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == "" && name[0] != '-'
}

// CheckURL tells what is wrong with the URL of a receiver, as far as the text
// shows it; where its host leads is checked at each connection.
func CheckURL(text string, allowPrivate bool) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "":
		return errors.New("is no URL") // which may hold what is not to be repeated
	case u.Scheme != "https" && !(allowPrivate && u.Scheme == "http"):
		return errors.New("is not https (http needs allow_private)")
	case u.User != nil:
		return errors.New("has a user; messages are signed instead")
	case u.Fragment != "":
		return errors.New("has a fragment")
	}
	if allowPrivate {
		return nil
	}
	return checkHost(u.Hostname())
}

// Matches tells whether a kind is the one that pattern names, or of its family.
func Matches(pattern string, kind authority.EventKind) bool {
	if family, ok := strings.CutSuffix(pattern, "*"); ok && (family == "" || strings.HasSuffix(family, ".")) {
		return strings.HasPrefix(string(kind), family)
	}
	return pattern == string(kind)
}

// wants tells whether the receiver is to be told of e.
func (w *Webhook) wants(e *authority.Event) bool {
	return slices.ContainsFunc(w.Events, func(pattern string) bool { return Matches(pattern, e.Kind) }) &&
		(len(w.Merchants) == 0 || slices.Contains(w.Merchants, e.MerchantID)) &&
		(len(w.Envs) == 0 || slices.Contains(w.Envs, e.Env))
}

// Config is what a Dispatcher is made of.
type Config struct {
	// Store keeps cursors and deliveries; Test does without.
	Store Store
	// Webhooks and Receivers are who is told, by distinct names.
	Webhooks  []Webhook
	Receivers []Receiver
	// Data turns an event into the member data of a message; required for Run with
	// webhooks.
	Data func(*authority.Event) any
	// Clock tells the time; nil means time.Now.
	Clock func() time.Time
	// Logger receives what happens in Run; nil means nowhere.
	Logger *slog.Logger
	// Registry gets the metrics; nil means none.
	Registry prometheus.Registerer
}

// Dispatcher tells webhooks and other receivers of events. Its methods are safe for concurrent use,
// but for Run, which is called once.
type Dispatcher struct {
	store     Store
	names     []string
	receivers []*receiver // in the order of names
	data      func(*authority.Event) any
	clock     func() time.Time
	logger    *slog.Logger
	metrics   *metrics

	run running // owned by Run
}

// New returns a Dispatcher, which does nothing until Run.
func New(cfg Config) *Dispatcher {
	d := &Dispatcher{
		store: cfg.Store, names: cfg.Names(), data: cfg.Data, clock: cfg.Clock, logger: cmp.Or(cfg.Logger, slog.New(slog.DiscardHandler)),
		metrics: newMetrics(cfg.Registry, cfg.Webhooks),
	}
	if d.clock == nil {
		d.clock = time.Now
	}
	d.receivers = d.newReceivers(&cfg)
	attempts := 0
	for _, r := range d.receivers {
		attempts += r.InFlight
	}
	d.run = newRunning(attempts)
	return d
}

// now returns the time to the millisecond, as it is stored.
func (d *Dispatcher) now() time.Time { return d.clock().UTC().Truncate(time.Millisecond) }

// Names are those of all who are told.
func (c *Config) Names() (names []string) {
	for i := range c.Webhooks {
		names = append(names, c.Webhooks[i].Name)
	}
	for i := range c.Receivers {
		names = append(names, c.Receivers[i].Name)
	}
	return names
}

func (d *Dispatcher) webhook(name string) (*receiver, error) {
	for _, r := range d.receivers {
		if r.hook != nil && r.Name == name {
			return r, nil
		}
	}
	return nil, fmt.Errorf("webhook %s: %w", name, authority.ErrNotFound)
}

// Status is a webhook with what the delivery log says of it.
type Status struct {
	Webhook
	Counts
}

// mayRead tells whether an actor may know of webhooks: they are the platform's,
// and exist for nobody else.
func mayRead(actor authority.Actor) error {
	if err := actor.May(authority.EventsRead); err != nil {
		return err
	}
	return actor.Sees("", "")
}

// Webhooks returns the webhooks in the order of names.
func (d *Dispatcher) Webhooks(ctx context.Context, actor authority.Actor) ([]Status, error) {
	if err := mayRead(actor); err != nil {
		return nil, err
	}
	list := make([]Status, 0, len(d.receivers))
	for _, r := range d.receivers {
		if r.hook == nil {
			continue
		}
		counts, err := d.store.DeliveryCounts(ctx, r.Name)
		if err != nil {
			return nil, fmt.Errorf("reading the deliveries of webhook %s: %w", r.Name, err)
		}
		list = append(list, Status{r.hook.Webhook, counts})
	}
	return list, nil
}

// Deliveries returns up to limit deliveries of a webhook, the newest event
// first, beginning behind the event after (0: with the newest); "" is any state.
// ErrNotFound where no such webhook is configured.
func (d *Dispatcher) Deliveries(ctx context.Context, actor authority.Actor, name string, state State, after int64, limit int) ([]Delivery, error) {
	if err := mayRead(actor); err != nil {
		return nil, err
	}
	if _, err := d.webhook(name); err != nil {
		return nil, err
	}
	list, err := d.store.Deliveries(ctx, name, state, after, limit)
	if err != nil {
		return nil, fmt.Errorf("reading the deliveries of webhook %s: %w", name, err)
	}
	return list, nil
}
