package mail

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/mail"
	"github.com/tokenwright/tokenwright/test/harness"
)

// config is the way to s, by a name that is not this machine's.
func (s *server) config(t *testing.T, tls bool) mail.Config {
	t.Helper()
	c := mail.Config{
		Server: mail.Server{Host: "mail.example.com", Port: "25", TLS: tls}, From: netmail.Address{Name: "Tökenwright", Address: "auth@example.com"},
		Host: "auth.example.com",
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, fmt.Sprintf("127.0.0.1:%d", s.port))
		},
	}
	if s.certificate != "" {
		text, err := os.ReadFile(s.certificate)
		if err != nil {
			t.Fatal(err)
		}
		c.Roots = x509.NewCertPool()
		c.Roots.AppendCertsFromPEM(text)
	}
	return c
}

// C-455: another reader of e-mails reads of a message what was written.
func TestPythonReadsWhatWasWritten(t *testing.T) {
	t.Parallel()
	s := startServer(t, harness.New(t), "--tls", "starttls")
	m := mail.Message{To: "ann@example.com", Subject: "API key “Größe 🔑 日本語 " + strings.Repeat("lang ", 20) + "=?utf-8?q?x?=” ends",
		Text: "Grüße\n.\n..\nFrom: eve@example.com\n" + strings.Repeat("x", 1100) + "\n<b>text</b> = \n", ID: "evt_1.usr_1"}
	if err := mail.New(s.config(t, false)).Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	got := s.taken(t)
	if len(got) != 1 || len(got[0].Defects) != 0 || !got[0].TLS || got[0].Helo != "auth.example.com" || got[0].From != "auth@example.com" || strings.Join(got[0].To, " ") != m.To {
		t.Fatalf("the server has %+v", got)
	}
	if got := got[0].Header["Subject"]; got != m.Subject {
		t.Errorf("the subject is %q", got)
	}
	if got[0].Text != m.Text {
		t.Errorf("the text is %q", got[0].Text)
	}
	for name, want := range map[string]string{
		"From": "Tökenwright <auth@example.com>", "To": "ann@example.com", "Message-ID": "<evt_1.usr_1@example.com>", "Auto-Submitted": "auto-generated",
	} {
		if got := got[0].Header[name]; strings.Trim(got, "<>") != strings.Trim(want, "<>") {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// C-458: both ways to sign in, and both to secure the connection.
func TestSenderSignsInOverTLS(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	for _, test := range []struct{ tls, auth string }{{"starttls", "PLAIN"}, {"starttls", "LOGIN"}, {"implicit", "PLAIN"}, {"implicit", "LOGIN"}} {
		s := startServer(t, in, "--tls", test.tls, "--auth", test.auth)
		c := s.config(t, test.tls == "implicit")
		c.Server.User, c.Password = user, mail.Password(s.password)
		if err := mail.New(c).Send(t.Context(), mail.Message{To: "ann@example.com", Subject: "s"}); err != nil {
			t.Errorf("%+v: %v", test, err)
		}
		c.Password = "wrong"
		err := mail.New(c).Send(t.Context(), mail.Message{To: "ann@example.com", Subject: "s"})
		if e, ok := errors.AsType[*mail.Error](err); !ok || e.Step != mail.StepLogin || e.Status != 535 || e.Refused() || e.Reply != "" {
			t.Errorf("%+v with a wrong password: %v", test, err)
		}
		if got := s.taken(t); len(got) != 1 || got[0].User != user || !got[0].TLS {
			t.Errorf("%+v: the server has %+v", test, got)
		}
	}
}

// C-458: without TLS, or with that of somebody else, nothing is sent, the password
// least of all.
func TestNothingIsSentInClear(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	clear, tls := startServer(t, in), startServer(t, in, "--tls", "starttls")
	send := func(c mail.Config) *mail.Error {
		t.Helper()
		e, ok := errors.AsType[*mail.Error](mail.New(c).Send(t.Context(), mail.Message{To: "ann@example.com", Subject: "s"}))
		if !ok {
			t.Fatal("it was sent")
		}
		return e
	}
	if e := send(clear.config(t, false)); e.Step != mail.StepTLS || e.Status != 0 {
		t.Errorf("no STARTTLS: %v", e)
	}
	c := tls.config(t, false)
	c.Roots = nil
	if e := send(c); e.Step != mail.StepTLS {
		t.Errorf("a certificate of nobody known: %v", e)
	}
	c = tls.config(t, false)
	c.Server.Host = "other.example.com"
	if e := send(c); e.Step != mail.StepTLS || !strings.Contains(e.Error(), "other.example.com") {
		t.Errorf("a certificate of another name: %v", e)
	}
	if e := send(clear.config(t, true)); e.Step != mail.StepConnect {
		t.Errorf("no TLS from the start: %v", e)
	}
	if n := len(clear.taken(t)) + len(tls.taken(t)); n != 0 {
		t.Errorf("%d messages", n)
	}
	c = clear.config(t, false)
	c.Server.Host = "localhost" // nothing leaves this machine
	if err := mail.New(c).Send(t.Context(), mail.Message{To: "ann@example.com", Subject: "s"}); err != nil || len(clear.taken(t)) != 1 {
		t.Errorf("to a loopback host: %v", err)
	}
}

// C-457: what a server does not take for one does not hold up the others, and what
// it says of a person is told from what it says of us.
func TestOneRefusedMessageDoesNotHoldUpTheOthers(t *testing.T) {
	t.Parallel()
	s := startServer(t, harness.New(t), "--tls", "starttls")
	sender := mail.New(s.config(t, false))
	outcomes := func(answers map[string]string) string {
		t.Helper()
		s.answer(t, answers)
		var list []mail.Message
		for _, name := range []string{"ann", "bob", "cem"} {
			list = append(list, mail.Message{To: name + "@example.com", Subject: "s"})
		}
		var text []string
		for _, err := range sender.SendAll(t.Context(), list) {
			if e, ok := errors.AsType[*mail.Error](err); ok {
				text = append(text, fmt.Sprintf("%s %d %v", e.Step, e.Status, e.Refused()))
			} else {
				text = append(text, fmt.Sprint(err))
			}
		}
		return strings.Join(text, ", ")
	}
	for want, answers := range map[string]map[string]string{
		"<nil>, RCPT TO 550 true, <nil>":                                {"bob@example.com": "550 nobody"},
		"RCPT TO 451 false, <nil>, <nil>":                               {"ann@example.com": "451 later"},
		"DATA 554 true, DATA 554 true, DATA 554 true":                   {"DATA": "554 spam"},
		"DATA 452 false, DATA 452 false, DATA 452 false":                {"DATA": "452 full"},
		"MAIL FROM 550 false, MAIL FROM 550 false, MAIL FROM 550 false": {"MAIL FROM": "550 not from you"},
	} {
		if got := outcomes(answers); got != want {
			t.Errorf("%v: %s, want %s", answers, got, want)
		}
	}
	if got := outcomes(map[string]string{"bob@example.com": "drop"}); !strings.HasPrefix(got, "<nil>, RCPT TO 0 false, ") || strings.Count(got, "<nil>") != 1 {
		t.Errorf("dropped: %s", got)
	}
}

// C-457: a server that hangs is left once the caller has had enough.
func TestServerThatHangsIsLeft(t *testing.T) {
	t.Parallel()
	s := startServer(t, harness.New(t), "--tls", "starttls")
	s.answer(t, map[string]string{"MAIL FROM": "hang"})
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	began := time.Now()
	err := mail.New(s.config(t, false)).Send(ctx, mail.Message{To: "ann@example.com", Subject: "s"})
	if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took > 10*time.Second {
		t.Errorf("%v after %s", err, took)
	}
	silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	ctx, cancel = context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	c := s.config(t, true)
	c.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, silent.Addr().String())
	}
	if err := mail.New(c).Send(ctx, mail.Message{To: "ann@example.com", Subject: "s"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("no greeting: %v", err)
	}
}
