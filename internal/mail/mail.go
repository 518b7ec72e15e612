// Package mail writes e-mails and hands them in to a mail server (message
// submission, RFC 6409).
//
// It owns the form of a message, the way to the server and what may go over it:
// nothing in clear beyond this machine. It knows of no user, no event and no
// secret, and does not try again: who calls it decides what to say, to whom, and
// what to do where it fails.
package mail

import (
	"cmp"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	netmail "net/mail"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Server is where messages are handed in.
type Server struct {
	Host, Port string
	User       string // "" for no authentication
	TLS        bool   // from the first byte on (RFC 8314 3.3), instead of STARTTLS
}

// ParseServer reads smtp://[user@]host[:587], which is secured by STARTTLS but on
// a loopback host, or smtps://[user@]host[:465], where TLS comes first. Errors
// repeat nothing of the text.
func ParseServer(text string) (Server, error) {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.Scheme != "smtp" && u.Scheme != "smtps" {
		return Server{}, errors.New("is no URL such as smtp://user@smtp.example.com:587 or smtps://user@smtp.example.com:465")
	}
	if _, ok := u.User.Password(); ok {
		return Server{}, errors.New("has a password, which belongs into a variable or file of its own")
	}
	if strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return Server{}, errors.New("has more than a user, a host and a port")
	}
	s := Server{Host: u.Hostname(), Port: u.Port(), User: u.User.Username(), TLS: u.Scheme == "smtps"}
	if strings.ContainsFunc(s.User, isControl) {
		return Server{}, errors.New("has a control character in its user")
	}
	s.Port = cmp.Or(s.Port, map[bool]string{false: "587", true: "465"}[s.TLS])
	return s, nil
}

// loopback tells whether what is sent does not leave this machine.
func (s *Server) loopback() bool {
	a, err := netip.ParseAddr(s.Host)
	return err == nil && a.Unmap().IsLoopback() || strings.EqualFold(s.Host, "localhost")
}

// ParseFrom reads whom messages are from: an address, or one with a name before
// it, as in Tokenwright <auth@example.com>.
func ParseFrom(text string) (netmail.Address, error) {
	a, err := netmail.ParseAddress(text)
	if err != nil || !plain(a.Address) || strings.ContainsFunc(a.Name, isControl) {
		return netmail.Address{}, errors.New("is no address such as auth@example.com or Tokenwright <auth@example.com>")
	}
	return *a, nil
}

// Password is of the user at the mail server. It prints as nothing else than that
// it is a secret.
type Password string

const redacted = "[secret]"

// String implements fmt.Stringer.
func (Password) String() string { return redacted }

// GoString implements fmt.GoStringer.
func (Password) GoString() string { return redacted }

// Format implements fmt.Formatter, so that no verb prints the text.
func (Password) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue implements slog.LogValuer.
func (Password) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON implements json.Marshaler.
func (Password) MarshalJSON() ([]byte, error) { return json.Marshal(redacted) }

// Config is what a Sender is made of.
type Config struct {
	// Server takes the messages; required.
	Server Server
	// Password is of Server.User.
	Password Password
	// From is who messages are from; required.
	From netmail.Address
	// Host is the name of this machine or service, for the greeting; "" is localhost.
	Host string
	// Dial connects to the server; nil is a net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Roots are the authorities that may vouch for the server; nil is those of the
	// system.
	Roots *x509.CertPool
	// Clock tells the time; nil means time.Now.
	Clock func() time.Time
	// Registry gets the metrics; nil means none.
	Registry prometheus.Registerer
}

// Sender hands messages in. Its methods are safe for concurrent use.
type Sender struct {
	cfg      Config
	messages *prometheus.CounterVec
}

// The outcomes that are counted.
const (
	sent   = "sent"
	failed = "failed"
)

// New returns a Sender. It connects to nobody until there is a message.
func New(cfg Config) *Sender {
	s := &Sender{cfg: cfg, messages: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tokenwright_mail_messages_total",
		Help: "E-mails that this node has handed in to the mail server, by outcome: sent (the server took it) or failed.",
	}, []string{"outcome"})}
	for _, outcome := range []string{sent, failed} {
		s.messages.WithLabelValues(outcome)
	}
	if cfg.Registry != nil {
		cfg.Registry.MustRegister(s.messages)
	}
	if s.cfg.Clock == nil {
		s.cfg.Clock = time.Now
	}
	if s.cfg.Dial == nil {
		s.cfg.Dial = (&net.Dialer{Timeout: dialTimeout}).DialContext
	}
	s.cfg.Host = cmp.Or(s.cfg.Host, "localhost")
	return s
}
