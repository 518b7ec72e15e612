package console

import "github.com/tokenwright/tokenwright/internal/account"

// roleName is a role as people read it.
func roleName(r account.Role) string {
	switch r {
	case account.Operator:
		return "Operator"
	case account.Administrator:
		return "Administrator"
	case account.Viewer:
		return "Viewer"
	}
	return "None"
}

// roleText says what a role lets people do.
func roleText(r account.Role) string {
	switch r {
	case account.Operator:
		return "Runs the platform: everything for every merchant, scopes, signing keys and users."
	case account.Administrator:
		return "Makes and manages API keys, invites people, and gives them roles here."
	case account.Viewer:
		return "Sees API keys, usage, events and people, and changes nothing."
	}
	return ""
}
