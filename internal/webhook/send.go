package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

const (
	// AttemptTimeout is for a whole attempt of a Receiver: so much less than the
	// lease that clocks of nodes may differ.
	AttemptTimeout = 30 * time.Second
	// sendTimeout is that of a webhook, from the look-up of the name to the end of
	// the answer.
	sendTimeout = 10 * time.Second
	// inFlight is how many attempts a webhook has at the same time, on each node.
	inFlight = 8
	// answerLimit is how much of an answer is read, so that the connection can be
	// used again. None of it is kept.
	answerLimit = 4 << 10
)

// Why an attempt failed: the values of Delivery.Error.
const (
	ReasonStatus     = "status"      // an answer that is not 2xx
	ReasonRedirect   = "redirect"    // 3xx, which is never followed
	ReasonGone       = "gone"        // 410: the receiver wants no more of it
	ReasonTimeout    = "timeout"     // no answer within 10 s
	ReasonConnection = "connection"  // refused, reset, or ended
	ReasonDNS        = "dns"         // the name does not lead anywhere
	ReasonTLS        = "tls"         // the certificate is not good
	ReasonAddress    = "address"     // the name leads to an address that is not allowed
	ReasonEvent      = "event"       // the event is not in the log any more
	ReasonShutdown   = "interrupted" // the node was stopped meanwhile

	// Of a Receiver alone:
	ReasonLogin   = "login"   // it lets nobody in with this user and password
	ReasonNobody  = "nobody"  // there is nobody to be told, yet
	ReasonRefused = "refused" // nobody who is to be told can ever be reached; it ends the delivery
)

// hook is a webhook made ready.
type hook struct {
	Webhook
	client *http.Client
}

func newHook(w Webhook) *hook {
	dialer := &net.Dialer{Timeout: sendTimeout}
	if !w.AllowPrivate {
		dialer.Control = onlyPublic
	}
	return &hook{Webhook: w, client: &http.Client{
		// No Proxy: it would look names up itself, and lead anywhere.
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSHandshakeTimeout: sendTimeout, MaxIdleConnsPerHost: inFlight, IdleConnTimeout: time.Minute,
			MaxResponseHeaderBytes: 16 << 10, DisableCompression: true, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12},
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Outcome is what has become of one attempt.
type Outcome struct {
	Status int           // HTTP status, or SMTP reply; 0 where there was no answer
	Reason string        // why it failed, as Delivery.Error; "" where it did not
	Told   string        // who has it now, and need not be told again; for Receiver.Send alone
	Took   time.Duration // until the answer, or the end of waiting for it
	wait   time.Duration // that the receiver asked for; 0 for none
}

// send makes one attempt at a time.
func (h *hook) send(ctx context.Context, m message, at time.Time) Outcome {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	began := time.Now()
	resp, err := h.client.Do(h.request(ctx, m, at))
	if err != nil {
		return Outcome{Reason: ReasonOf(err), Took: time.Since(began)}
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.CopyN(io.Discard, resp.Body, answerLimit) // the status has said all
	o := Outcome{Status: resp.StatusCode, Took: time.Since(began)}
	switch {
	case o.Status == http.StatusGone:
		o.Reason = ReasonGone
	case o.Status >= 300 && o.Status < 400:
		o.Reason = ReasonRedirect
	case o.Status < 200 || o.Status > 299:
		o.Reason = ReasonStatus
		o.wait = retryAfter(resp.Header.Get("Retry-After"), at)
	}
	return o
}

func (h *hook) request(ctx context.Context, m message, at time.Time) *http.Request {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL, bytes.NewReader(m.body))
	if err != nil {
		panic(err) // CheckURL has passed it
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Tokenwright")
	// Lower case as the specification writes them; HTTP does not mind.
	req.Header.Set("webhook-id", m.id)
	req.Header.Set("webhook-timestamp", strconv.FormatInt(at.Unix(), 10))
	req.Header.Set("webhook-signature", h.Secret.sign(m, at))
	// Not sent, but net/http then tries once more where a kept connection turns out
	// to be dead. Receivers tell by the ID that a message is the same.
	req.Header["Idempotency-Key"] = nil
	return req
}

// retryAfter reads RFC 9110 10.2.3: seconds, or a date; 0 where there is neither.
func retryAfter(text string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if date, err := http.ParseTime(text); err == nil {
		return max(0, date.Sub(now))
	}
	return 0
}

// ReasonOf puts an error of the network in a class: its text would hold the URL,
// and perhaps what the other end has sent.
func ReasonOf(err error) string {
	var lookup *net.DNSError
	var timeout net.Error
	switch {
	case errors.Is(err, errAddress):
		return ReasonAddress
	case errors.Is(err, context.Canceled):
		return ReasonShutdown
	case errors.As(err, &lookup):
		return ReasonDNS
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return ReasonTimeout
	case isTLS(err):
		return ReasonTLS
	}
	return ReasonConnection
}

func isTLS(err error) bool {
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var op *net.OpError
	return errors.As(err, &certificate) || errors.As(err, &record) || errors.As(err, &op) && op.Op == "remote error" // an alert
}

// Test sends a message of type webhook.test now, once, and tells what has become
// of it. ErrNotFound where no such webhook is configured.
func (d *Dispatcher) Test(ctx context.Context, name string) (Outcome, error) {
	r, err := d.webhook(name)
	if err != nil {
		return Outcome{}, err
	}
	now := d.now()
	m, err := testMessage(name, now)
	if err != nil {
		return Outcome{}, err
	}
	defer r.hook.client.CloseIdleConnections()
	return r.hook.send(ctx, m, now), nil
}
