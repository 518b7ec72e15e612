package console

import (
	"fmt"

	"github.com/tokenwright/tokenwright/internal/account"
)

// InvitationMessage asks somebody to become a user at the installation with that
// URL. merchant is the name of the one they are invited to, "" for the platform.
// Whoever has the link can use it, so it is in the message and nowhere else.
func InvitationMessage(baseURL string, l *account.IssuedLink, merchant string) Message {
	what := "Tokenwright at " + baseURL
	if merchant != "" {
		what = merchant
	}
	return Message{"You are invited to " + what, fmt.Sprintf(`You are invited to %s as %s: on %s its people manage API keys and access tokens.

To accept, open this link. It works once, until %s:

%s

If you did not expect this, do nothing: nobody is added without the link.
`, what, l.Role, baseURL, untilText(l), baseURL+account.LinkPath+l.Token.Reveal())}
}

// ResetMessage lets a user choose anew what it signs in with, as an operator or
// administrator wants.
func ResetMessage(baseURL string, l *account.IssuedLink) Message {
	return Message{"Choose a new password", fmt.Sprintf(`Somebody who manages the users of %s wants you to choose a new password.

To do so, open this link. It works once, until %s:

%s

If you did not expect this, ask an operator before you open it.
`, baseURL, untilText(l), baseURL+account.LinkPath+l.Token.Reveal())}
}

// untilText is the end of a link for a reader whose zone nobody knows.
func untilText(l *account.IssuedLink) string {
	return l.ExpiresAt.UTC().Format("2 January 2006, 15:04 UTC")
}
