// Package notice tells people by e-mail of events that ask them to act: an API
// key or secret that ends soon, a secret or access token that was found in the
// open.
//
// It owns which events these are and the words. Who is to hear of them package
// account says, when and how often is that of package webhook, and package mail
// brings the message to the mail server. A message holds no secret and no access
// token, and nothing that a stranger has written.
package notice

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/mail"
	"github.com/tokenwright/tokenwright/internal/webhook"
)

// Name is that of the receiver.
const Name = "@mail"

// inFlight is how many connections a node has to the mail server for notices:
// some servers take few.
const inFlight = 2

// Config is what a Notifier is made of; all of it is required.
type Config struct {
	Authority *authority.Authority
	Accounts  *account.Accounts
	Mail      *mail.Sender
	Site      string // URL of the installation
	Logger    *slog.Logger
	Registry  prometheus.Registerer
}

// Notifier mails notices. Its methods are safe for concurrent use.
type Notifier struct {
	Config
	notices *prometheus.CounterVec
	waiting prometheus.Gauge
	failing atomic.Bool // the last attempt was to be repeated
}

// retried is the outcome of an attempt that is not the last one.
const retried = "retried"

// New returns a Notifier and registers its metrics.
func New(cfg Config) *Notifier {
	n := &Notifier{
		Config: cfg,
		notices: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tokenwright_mail_notices_total",
			Help: "Attempts of this node to mail a notice to all who are to have it, by outcome: delivered, retried (failed for some, and comes again) or failed (given up).",
		}, []string{"outcome"}),
		waiting: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "tokenwright_mail_notices_pending",
			Help: "Notices of all nodes that are to be mailed, or mailed again; counted up to 10000.",
		}),
	}
	for _, outcome := range []string{string(webhook.Delivered), retried, string(webhook.Failed)} {
		n.notices.WithLabelValues(outcome)
	}
	cfg.Registry.MustRegister(n.notices, n.waiting)
	return n
}

// Receiver is the Notifier as one who is told of events.
func (n *Notifier) Receiver() webhook.Receiver {
	return webhook.Receiver{
		Name: Name, InFlight: inFlight, Send: n.send, Ended: n.ended,
		Wants:   func(e *authority.Event) bool { _, ok := words[e.Kind]; return ok },
		Waiting: func(count int) { n.waiting.Set(float64(count)) },
	}
}

// send mails a notice to those who do not have it.
func (n *Notifier) send(ctx context.Context, e *authority.Event, told string) (webhook.Outcome, error) {
	people, err := n.Accounts.Responsible(ctx, e.MerchantID)
	if err != nil {
		return webhook.Outcome{}, err
	}
	text, err := n.write(ctx, e)
	if err != nil {
		return webhook.Outcome{}, err
	}
	a := attempt{Outcome: webhook.Outcome{Told: told}}
	if text == nil {
		return a.Outcome, nil // nobody needs to know any more
	}
	if len(people) == 0 {
		a.Reason = webhook.ReasonNobody // somebody may be invited yet
		return a.Outcome, nil
	}
	has := strings.Fields(told)
	people = slices.DeleteFunc(people, func(u account.User) bool { return slices.Contains(has, string(u.ID)) })
	messages := make([]mail.Message, len(people))
	for i := range people {
		messages[i] = mail.Message{To: people[i].Email, Subject: text.subject, Text: text.body, ID: webhook.EventID(e) + "." + string(people[i].ID)}
	}
	for i, err := range n.Mail.SendAll(ctx, messages) {
		n.note(&a, e, people[i].ID, err)
	}
	return a.outcome(), nil
}

// attempt is what becomes of one.
type attempt struct {
	webhook.Outcome     // of who is to be tried again, where there is one
	refused         int // SMTP reply to who never will be; 0 for nobody
	again           bool
}

// note notes what has become of one message.
func (n *Notifier) note(a *attempt, e *authority.Event, id account.UserID, err error) {
	failure, ok := errors.AsType[*mail.Error](err)
	switch {
	case err == nil:
		a.Told = strings.TrimSpace(a.Told + " " + string(id))
	case !ok || failure.Refused():
		if ok {
			a.refused = failure.Status
		} else {
			a.refused = -1 // the message cannot be written to this address
		}
		n.Logger.Warn("a notice cannot reach somebody", "event", e.Seq, "user", string(id), "error", err)
	case !a.again:
		a.again, a.Reason, a.Status = true, reason(failure), failure.Status
	}
}

// outcome is that of the whole: it has reached nobody, or all who can be reached,
// or is to be tried again. Those who were refused are not waited for.
func (a *attempt) outcome() webhook.Outcome {
	if !a.again && a.refused != 0 && a.Told == "" {
		a.Reason, a.Status = webhook.ReasonRefused, max(0, a.refused)
	}
	return a.Outcome
}

// reason puts a failure in one of the classes that deliveries have.
func reason(e *mail.Error) string {
	switch {
	case e.Status != 0:
		return webhook.ReasonStatus
	case errors.Is(e, context.Canceled), errors.Is(e, context.DeadlineExceeded):
		return webhook.ReasonOf(e)
	case e.Step == mail.StepLogin:
		return webhook.ReasonLogin
	case e.Step == mail.StepTLS:
		return webhook.ReasonTLS
	}
	return webhook.ReasonOf(e)
}

// ended counts an attempt and tells of what operators must know: that the mail
// server takes nothing, once, and what is given up.
func (n *Notifier) ended(d *webhook.Delivery) {
	outcome := string(d.State)
	switch d.State {
	case webhook.Pending:
		outcome = retried
		if d.Error != webhook.ReasonShutdown && !n.failing.Swap(true) {
			n.Logger.Warn("notices are not mailed; trying again", "event", d.Seq, "reason", d.Error, "status", d.Status)
		}
	case webhook.Delivered:
		if n.failing.Swap(false) {
			n.Logger.Info("notices are mailed again")
		}
	case webhook.Failed:
		n.Logger.Warn("a notice was not mailed and is given up", "event", d.Seq, "kind", string(d.Kind), "attempts", d.Attempts,
			"reason", d.Error, "status", d.Status)
	}
	n.notices.WithLabelValues(outcome).Inc()
}
