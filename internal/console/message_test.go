package console_test

import (
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/console"
)

// C-459: a link is in its message once, and the message says what it is for and
// for how long it works.
func TestLinkIsInItsMessage(t *testing.T) {
	t.Parallel()
	l := &account.IssuedLink{Token: "the-token", Link: account.Link{Role: account.Administrator, ExpiresAt: started}}
	for _, test := range []struct {
		m       console.Message
		subject string
		text    []string
	}{
		{console.InvitationMessage(baseURL, l, "Acme"), "You are invited to Acme", []string{"to Acme as administrator"}},
		{console.InvitationMessage(baseURL, l, ""), "You are invited to Tokenwright at " + baseURL, []string{"as administrator"}},
		{console.ResetMessage(baseURL, l), "Choose a new password", []string{"ask an operator"}},
	} {
		if test.m.Subject != test.subject || strings.Count(test.m.Text, "\n"+baseURL+"/console/link?token=the-token\n") != 1 || strings.Count(test.m.Text, "the-token") != 1 {
			t.Errorf("%s:\n%s", test.m.Subject, test.m.Text)
		}
		for _, want := range append(test.text, "once, until 24 November 2025, 16:00 UTC:") {
			if !strings.Contains(test.m.Text, want) {
				t.Errorf("%s lacks %q:\n%s", test.subject, want, test.m.Text)
			}
		}
	}
}
