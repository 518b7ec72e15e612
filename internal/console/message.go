package console

import (
	"fmt"

	"github.com/tokenwright/tokenwright/internal/account"
)

// invitationMessage asks somebody to become a user. merchant is the name of the one
// they are invited to, "" for the platform. Whoever has the link can use it, so it
// is in the message once, and nowhere else.
func (c *Console) invitationMessage(l *madeLink, role account.Role, merchant string) Message {
	what := "Tokenwright at " + c.BaseURL
	if merchant != "" {
		what = merchant
	}
	return Message{"You are invited to " + what, fmt.Sprintf(`You are invited to %s as %s: on %s its people manage API keys and access tokens.

To accept, open this link. It works once, until %s:

%s

If you did not expect this, do nothing: nobody is added without the link.
`, what, role, c.BaseURL, l.until(), l.URL)}
}

// resetMessage lets a user choose anew what it signs in with.
func (c *Console) resetMessage(l *madeLink) Message {
	return Message{"Choose a new password", fmt.Sprintf(`An operator of %s has reset how you sign in there.

To choose a new password, open this link. It works once, until %s:

%s

If you did not expect this, ask an operator before you open it.
`, c.BaseURL, l.until(), l.URL)}
}

// until is the end of a link for a reader whose zone nobody knows.
func (l *madeLink) until() string { return l.ExpiresAt.UTC().Format("2 January 2006, 15:04 UTC") }
