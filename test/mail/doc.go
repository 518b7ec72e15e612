// Package mail tests e-mail against a real mail server, aiosmtpd, and Python's
// reader of e-mails: what is handed in and how, and that a notice reaches those it
// is for, whatever the mail server does meanwhile.
package mail
