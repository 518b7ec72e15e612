package mail

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"mime/quotedprintable"
	netmail "net/mail"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Message is one e-mail to one person: plain text, which no name of whatever user
// can turn into anything else.
type Message struct {
	// To is the plain address of who gets it.
	To string
	// Subject is one line.
	Subject string
	// Text is the body: lines that end with \n.
	Text string
	// ID is the left side of the Message-ID (RFC 5322 3.6.4), letters, digits, dots,
	// - and _; the same for a message that is sent again, so that mail programs show
	// it once. "" is a random one.
	ID string
}

// maxLine is where header lines are folded (RFC 5322 2.1.1).
const maxLine = 76

// errMessage says that a part of a message would be read as something else.
var errMessage = errors.New("the address, subject, text or ID of the message has what does not belong there")

// compose writes the message as it goes over the wire, or is errMessage.
func (m *Message) compose(from netmail.Address, now time.Time) ([]byte, error) {
	id := m.ID
	if id == "" {
		id = rand.Text()
	}
	visible := m.Subject + strings.ReplaceAll(m.Text, "\n", "")
	if !plain(m.To) || !utf8.ValidString(visible) || strings.ContainsFunc(visible, isControl) || strings.ContainsFunc(id, notInID) {
		return nil, errMessage
	}
	var b bytes.Buffer
	for _, field := range [...]struct{ name, value string }{
		{"Date", now.Format("Mon, 02 Jan 2006 15:04:05 -0700")}, // RFC 5322 3.3
		{"From", from.String()},
		{"To", (&netmail.Address{Address: m.To}).String()},
		{"Message-ID", "<" + id + "@" + domain(from.Address) + ">"},
		{"Subject", encode(m.Subject)},
		{"Auto-Submitted", "auto-generated"}, // RFC 3834 5: nobody is to answer by machine
		{"MIME-Version", "1.0"},
		{"Content-Type", "text/plain; charset=utf-8"},
		{"Content-Transfer-Encoding", "quoted-printable"},
	} {
		b.WriteString(fold(field.name+": "+field.value) + "\r\n")
	}
	b.WriteString("\r\n")
	w := quotedprintable.NewWriter(&b) // ends lines with CRLF, and none is too long
	_, err := w.Write([]byte(m.Text))
	if err := errors.Join(err, w.Close()); err != nil {
		return nil, fmt.Errorf("writing a message: %w", err)
	}
	return b.Bytes(), nil
}

// The encoded words of a subject (RFC 2047 2): with its name the first line of the
// field has no more than 76 characters.
const (
	openWord  = "=?utf-8?q?"
	closeWord = "?="
	maxWord   = maxLine - len("Subject: ")
)

// encode makes ASCII of a subject (RFC 2047 4.2). Package mime leaves ASCII as it is,
// which is decoded by readers where it looks like an encoded word.
func encode(subject string) string {
	if !strings.Contains(subject, "=?") && !strings.ContainsFunc(subject, func(r rune) bool { return r > '~' }) {
		return subject
	}
	var b strings.Builder
	length := maxWord
	for _, r := range subject {
		text := encodeRune(r)
		if length+len(text)+len(closeWord) > maxWord {
			if b.Len() > 0 {
				b.WriteString(closeWord + " ")
			}
			b.WriteString(openWord)
			length = len(openWord)
		}
		b.WriteString(text)
		length += len(text)
	}
	return b.String() + closeWord
}

// encodeRune is a character in an encoded word; it is never parted (RFC 2047 5).
func encodeRune(r rune) string {
	switch {
	case r == ' ':
		return "_"
	case r <= unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r)):
		return string(r)
	}
	var b strings.Builder
	for _, c := range []byte(string(r)) {
		fmt.Fprintf(&b, "=%02X", c)
	}
	return b.String()
}

// fold breaks a header line where there is a space (RFC 5322 2.2.3), but for the
// first one: some readers would take what is behind it for a part of the value.
func fold(line string) string {
	var b strings.Builder
	length := 0
	for i, word := range strings.Split(line, " ") {
		switch {
		case i == 0:
		case i > 1 && word != "" && length+1+len(word) > maxLine:
			b.WriteString("\r\n ")
			length = 1
		default:
			b.WriteByte(' ')
			length++
		}
		b.WriteString(word)
		length += len(word)
	}
	return b.String()
}

// Signature ends the text of every message.
func Signature(site string) string {
	return "\n-- \nSent by Tokenwright at " + site + ". Answers are not read.\n"
}

// plain tells whether text is one address, and nothing else.
func plain(text string) bool {
	a, err := netmail.ParseAddress(text)
	return err == nil && a.Name == "" && a.Address == text && !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r >= 0x7f })
}

func domain(address string) string { return address[strings.LastIndexByte(address, '@')+1:] }

func notInID(r rune) bool {
	return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '.' && r != '-' && r != '_'
}

func isControl(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }
