package mail

import (
	"errors"
	"net/smtp"
)

// login is the user's at the mail server: PLAIN (RFC 4616), or LOGIN, which some
// large services offer alone. Whether the connection is fit for a password was
// decided before.
type login struct {
	mechanism, user string
	password        Password
	asked           int // of LOGIN
}

// Start implements smtp.Auth.
func (l *login) Start(*smtp.ServerInfo) (mechanism string, first []byte, err error) {
	if l.mechanism == "PLAIN" {
		first = []byte("\x00" + l.user + "\x00" + string(l.password))
	}
	return l.mechanism, first, nil
}

// Next implements smtp.Auth: LOGIN asks for the user, then for the password,
// in words that differ.
func (l *login) Next(_ []byte, more bool) ([]byte, error) {
	if !more {
		return nil, nil
	}
	l.asked++
	switch {
	case l.mechanism == "LOGIN" && l.asked == 1:
		return []byte(l.user), nil
	case l.mechanism == "LOGIN" && l.asked == 2:
		return []byte(l.password), nil
	}
	return nil, errors.New("the mail server asks for more than user and password")
}
