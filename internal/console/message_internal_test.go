package console

import (
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/account"
)

// C-459: a link is in its message once, and the message says what it is for and
// for how long it works.
func TestLinkIsInItsMessage(t *testing.T) {
	t.Parallel()
	const base = "https://tokens.example.com"
	c := &Console{Config: Config{BaseURL: base}}
	l := &madeLink{URL: base + account.LinkPath + "the-token", ExpiresAt: time.UnixMilli(1764000000123)}
	for _, test := range []struct {
		m       Message
		subject string
		text    []string
	}{
		{c.invitationMessage(l, account.Administrator, "Acme"), "You are invited to Acme", []string{"to Acme as administrator"}},
		{c.invitationMessage(l, account.Operator, ""), "You are invited to Tokenwright at " + base, []string{"as operator"}},
		{c.resetMessage(l), "Choose a new password", []string{"ask an operator"}},
	} {
		if test.m.Subject != test.subject || strings.Count(test.m.Text, "\n"+l.URL+"\n") != 1 || strings.Count(test.m.Text, "the-token") != 1 {
			t.Errorf("%s:\n%s", test.m.Subject, test.m.Text)
		}
		for _, want := range append(test.text, "once, until 24 November 2025, 16:00 UTC:") {
			if !strings.Contains(test.m.Text, want) {
				t.Errorf("%s lacks %q:\n%s", test.subject, want, test.m.Text)
			}
		}
	}
}
