package mail

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/smtp"
	"net/textproto"
	"slices"
	"strings"
	"time"
)

const (
	// Timeout is for a call of Send or SendAll as a whole.
	Timeout = 30 * time.Second
	// dialTimeout leaves time for what follows.
	dialTimeout = 10 * time.Second
)

// The steps at which handing in can fail: values of Error.Step.
const (
	StepConnect  = "connection"
	StepTLS      = "STARTTLS"
	StepLogin    = "AUTH"
	StepSender   = "MAIL FROM"
	StepReceiver = "RCPT TO"
	StepText     = "DATA"
)

// Error is why a message was not taken. Its text is fit for logs: it names the
// step and the number of the answer, not what the server has said.
type Error struct {
	Step   string
	Status int    // SMTP reply code (RFC 5321 4.2); 0 where there was none
	Reply  string // what the server said, for the eyes of the operator alone; "" at StepLogin
	err    error
}

// Error implements error.
func (e *Error) Error() string {
	if e.Status != 0 {
		return fmt.Sprintf("the mail server answered %d to %s", e.Status, e.Step)
	}
	return fmt.Sprintf("%s: %v", e.Step, e.err)
}

// Unwrap gives what is behind it.
func (e *Error) Unwrap() error { return e.err }

// Refused tells whether the server will never take the message for that person,
// whatever of this server is changed (RFC 5321 4.2.1: 5yz).
func (e *Error) Refused() bool {
	return e.Status >= 500 && (e.Step == StepReceiver || e.Step == StepText)
}

// failure is an Error at a step.
func failure(ctx context.Context, step string, err error) *Error {
	e := &Error{Step: step, err: err}
	if reply, ok := errors.AsType[*textproto.Error](err); ok {
		e.Status = reply.Code
		if step != StepLogin { // some servers repeat what they got
			e.Reply = reply.Msg
		}
	} else if ctx.Err() != nil {
		e.err = ctx.Err()
	}
	return e
}

// Send hands one message in. An error is an *Error, or says what is wrong with the
// message itself.
func (s *Sender) Send(ctx context.Context, m Message) error { return s.SendAll(ctx, []Message{m})[0] }

// SendAll hands messages in over one connection, and tells for each what has become
// of it, as Send does. One that the server does not take does not hold up the
// others.
func (s *Sender) SendAll(ctx context.Context, list []Message) []error {
	if len(list) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	outcomes := make([]error, len(list))
	c, err := s.connect(ctx)
	if err == nil {
		defer func() { _ = c.Close() }()
		defer context.AfterFunc(ctx, func() { _ = c.conn.SetDeadline(time.Unix(1, 0)) })() // ends what is waited for
	}
	for i := range list {
		if outcomes[i] = err; err == nil {
			outcomes[i] = s.send(ctx, c, &list[i])
		}
		s.count(outcomes[i])
	}
	if err == nil {
		_ = c.Quit() // what was taken is taken
	}
	return outcomes
}

func (s *Sender) count(err error) {
	outcome := sent
	if err != nil {
		outcome = failed
	}
	s.messages.WithLabelValues(outcome).Inc()
}

// session is a connection that is ready for messages.
type session struct {
	*smtp.Client
	conn net.Conn
}

// connect greets the server, secures the connection and signs in.
func (s *Sender) connect(ctx context.Context) (*session, error) {
	server := &s.cfg.Server
	conn, err := s.cfg.Dial(ctx, "tcp", net.JoinHostPort(server.Host, server.Port))
	if err != nil {
		return nil, failure(ctx, StepConnect, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	secret := &tls.Config{ServerName: server.Host, RootCAs: s.cfg.Roots, MinVersion: tls.VersionTLS12}
	wire := conn
	if server.TLS {
		wire = tls.Client(conn, secret)
	}
	c, err := smtp.NewClient(wire, server.Host)
	if err == nil {
		err = c.Hello(s.cfg.Host)
	}
	if err != nil {
		_ = conn.Close()
		return nil, failure(ctx, StepConnect, err)
	}
	step, err := s.prepare(c, secret)
	if err != nil {
		_ = c.Close()
		return nil, failure(ctx, step, err)
	}
	return &session{c, conn}, nil
}

var (
	errNoSTARTTLS = errors.New("the mail server offers no STARTTLS, and nothing is sent over a network in clear")
	errNoAuth     = errors.New("the mail server offers neither AUTH PLAIN nor AUTH LOGIN")
)

// prepare does what comes between the greeting and the first message.
func (s *Sender) prepare(c *smtp.Client, secret *tls.Config) (step string, err error) {
	server := &s.cfg.Server
	if !server.TLS && !server.loopback() {
		if ok, _ := c.Extension("STARTTLS"); !ok {
			return StepTLS, errNoSTARTTLS // RFC 8314 4.1; somebody on the way may have struck it out
		}
		if err := c.StartTLS(secret); err != nil {
			return StepTLS, err
		}
	}
	if server.User == "" {
		return "", nil
	}
	_, mechanisms := c.Extension("AUTH")
	login := &login{user: server.User, password: s.cfg.Password}
	switch offered := strings.Fields(strings.ToUpper(mechanisms)); {
	case slices.Contains(offered, "PLAIN"):
		login.mechanism = "PLAIN"
	case slices.Contains(offered, "LOGIN"):
		login.mechanism = "LOGIN"
	default:
		return StepLogin, errNoAuth
	}
	return StepLogin, c.Auth(login)
}

// send hands a message in, and leaves the session ready for the next one.
func (s *Sender) send(ctx context.Context, c *session, m *Message) error {
	text, err := m.compose(s.cfg.From, s.cfg.Clock())
	if err != nil {
		return err
	}
	step, err := c.transact(s.cfg.From.Address, m.To, text)
	if err != nil {
		_ = c.Reset() // where there is no connection any more, the next one says so
		return failure(ctx, step, err)
	}
	return nil
}

func (c *session) transact(from, to string, text []byte) (step string, err error) {
	if err := c.Mail(from); err != nil {
		return StepSender, err
	}
	if err := c.Rcpt(to); err != nil {
		return StepReceiver, err
	}
	w, err := c.Data()
	if err != nil {
		return StepText, err
	}
	_, err = bytes.NewReader(text).WriteTo(w)
	if err != nil {
		return StepText, err
	}
	return StepText, w.Close()
}
