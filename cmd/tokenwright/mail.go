package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"

	"github.com/tokenwright/tokenwright/internal/console"
	"github.com/tokenwright/tokenwright/internal/mail"
	"github.com/tokenwright/tokenwright/internal/notice"
	"github.com/tokenwright/tokenwright/internal/webhook"
)

// smtpPasswordVariable holds the password for the mail server.
const smtpPasswordVariable = "TOKENWRIGHT_SMTP_PASSWORD"

// checkMail checks what needs no password.
func (c *Config) checkMail() error {
	if c.SMTP == "" {
		if c.MailFrom != "" || c.SMTPPasswordFile != "" {
			return errors.New("mail_from and smtp_password_file belong to smtp, which is missing")
		}
		return nil
	}
	var problems []error
	if _, err := mail.ParseServer(c.SMTP); err != nil {
		problems = append(problems, fmt.Errorf("smtp %w", err))
	}
	if c.MailFrom == "" {
		problems = append(problems, errors.New("mail_from is missing: who e-mails are from"))
	} else if _, err := mail.ParseFrom(c.MailFrom); err != nil {
		problems = append(problems, fmt.Errorf("mail_from %w", err))
	}
	return errors.Join(problems...)
}

// mailConfig is the way to the mail server; nil where there is none.
func (a *app) mailConfig() (*mail.Config, error) {
	if a.config.SMTP == "" {
		return nil, nil
	}
	server, err := mail.ParseServer(a.config.SMTP)
	if err != nil {
		return nil, fmt.Errorf("smtp %w", err)
	}
	from, err := mail.ParseFrom(a.config.MailFrom)
	if err != nil {
		return nil, fmt.Errorf("mail_from %w", err)
	}
	password, err := a.smtpPassword()
	switch {
	case err != nil:
		return nil, err
	case server.User != "" && password == "":
		return nil, fmt.Errorf("smtp has a user and no password; name a file with smtp_password_file, or set %s", smtpPasswordVariable)
	case server.User == "" && password != "":
		return nil, errors.New("there is a password for the mail server, and smtp names no user: smtp://user@host:587")
	}
	return &mail.Config{Server: server, From: from, Password: password, Host: hostName(a.config.URL)}, nil
}

// smtpPassword reads the password from its variable or its file; "" for none.
func (a *app) smtpPassword() (mail.Password, error) {
	source, text, err := a.secretText(smtpPasswordVariable, "smtp_password_file", a.config.SMTPPasswordFile)
	if err != nil {
		return "", err
	}
	if source == a.config.SMTPPasswordFile {
		text = strings.TrimRight(text, "\r\n") // the end of the last line is no part of it
	}
	if strings.ContainsAny(text, "\x00\r\n") {
		return "", errors.New("the password for the mail server is not one line of text")
	}
	return mail.Password(text), nil
}

// hostName is the name by which this installation is known, "" for none: an
// address is no name to greet a mail server with.
func hostName(site string) string {
	u, err := url.Parse(site)
	if err != nil {
		return ""
	}
	if _, err := netip.ParseAddr(u.Hostname()); err == nil {
		return ""
	}
	return u.Hostname()
}

// sender hands in e-mails; nil where there is no mail server.
func (a *app) sender(cfg *mail.Config, registry prometheus.Registerer) *mail.Sender {
	if cfg == nil {
		return nil
	}
	cfg.Registry = registry
	return mail.New(*cfg)
}

// notices are mailed where there is a mail server.
func (n *node) notices(o *openNode) []webhook.Receiver {
	if n.mail == nil {
		return nil
	}
	return []webhook.Receiver{notice.New(notice.Config{
		Authority: o.auth, Accounts: o.accounts, Mail: n.mail, Site: n.config.URL, Logger: n.logger, Registry: n.registry,
	}).Receiver()}
}

// mailTo is how the console mails links; nil where there is no mail server.
func (n *node) mailTo() func(context.Context, string, console.Message) error {
	if n.mail == nil {
		return nil
	}
	return func(ctx context.Context, to string, m console.Message) error {
		return n.mail.Send(ctx, mail.Message{To: to, Subject: m.Subject, Text: m.Text + mail.Signature(n.config.URL)})
	}
}

func (a *app) mailCommand() *cobra.Command {
	test := a.command("test ADDRESS", "Send a message to an address now, once", func(ctx context.Context, args []string) error {
		return a.testMail(ctx, args[0])
	})
	explained(test, `Send a message to an address now, once, by the mail server of the configuration, and
say whether that has taken it, or what it has answered. It goes out from this machine
and needs no database.`, "tokenwright mail test ann@example.com --config tokenwright.yaml")
	a.configFlags(test.Flags(), "url", "smtp", "smtp_password_file", "mail_from")
	return group("mail", "E-mail: notices and invitations", test)
}

// testMail needs no database: what is tested is the way to the mail server.
func (a *app) testMail(ctx context.Context, to string) error {
	if a.config.Server != "" {
		return usageError{"this command sends from this machine; --server cannot do it"}
	}
	cfg, err := a.mailConfig()
	if err != nil {
		return err
	}
	if cfg == nil {
		return errors.New("the configuration has no mail server; smtp and mail_from name it")
	}
	began := time.Now()
	err = mail.New(*cfg).Send(ctx, mail.Message{
		To: to, Subject: "A test of Tokenwright", Text: "This message shows that Tokenwright can send e-mail.\n" + mail.Signature(a.serverURL()),
	})
	took := time.Since(began).Round(time.Millisecond)
	if failure, ok := errors.AsType[*mail.Error](err); ok && failure.Reply != "" {
		return fmt.Errorf("not sent: %w after %s: %q", failure, took, failure.Reply)
	}
	if err != nil {
		return fmt.Errorf("not sent: %w", err)
	}
	return a.print(map[string]any{"to": to, "sent": true, "milliseconds": took.Milliseconds()}, func(w io.Writer) {
		fmt.Fprintf(w, "The mail server took the message after %s.\n", took)
	})
}
