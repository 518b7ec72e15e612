package account

import (
	"net/mail"
	"strings"
)

// RFC 5321 4.5.3.1: a path is 256 octets with its brackets.
const (
	maxEmail     = 254
	maxLocalPart = 64
	maxLabel     = 63 // RFC 1035 2.3.4
)

// checkEmail accepts one plain address (RFC 5322 3.4.1, a dot-atom and a
// domain), without name, comment, quotes or address literal. It is ASCII: two
// addresses that look alike would be two users.
func checkEmail(text string) error {
	if len(text) > maxEmail {
		return invalid("email", "is longer than %d characters", maxEmail)
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r > 0x7e }) {
		return invalid("email", "has characters beyond ASCII; write an international domain as xn--…")
	}
	a, err := mail.ParseAddress(text)
	local, domain, _ := strings.Cut(text, "@")
	if err != nil || a.Address != text || len(local) > maxLocalPart || !isDomain(domain) {
		return invalid("email", "is not one plain e-mail address, as in name@example.com")
	}
	return nil
}

func isDomain(text string) bool {
	for label := range strings.SplitSeq(text, ".") {
		if label == "" || len(label) > maxLabel || strings.Trim(label, "-") != label || strings.ContainsFunc(label, notInLabel) {
			return false
		}
	}
	return true
}

func notInLabel(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-'
}

// EmailKey is what no two users have in common: the address in lower case. To
// the standard the part before the @ has a case (RFC 5321 2.4); to people, no.
func (u *User) EmailKey() string { return emailKey(u.Email) }

func emailKey(text string) string { return strings.ToLower(text) }
