package console

import (
	"cmp"
	"slices"
	"strings"

	"github.com/tokenwright/tokenwright/internal/account"
)

// names are those of the users that the visitor may know.
type names struct {
	users map[account.UserID]string
	// outside is what others are called.
	outside string
}

// namesOf reads the names of the users among actors, as events have them.
func (v *visit) namesOf(actors []string) (n names, err error) {
	var ids []account.UserID
	for _, actor := range actors {
		if id, ok := strings.CutPrefix(actor, "user:"); ok {
			ids = append(ids, account.UserID(id))
		}
	}
	slices.Sort(ids)
	reader := v.actor
	n.outside = "a deleted user"
	switch {
	case v.isOperator(): // on pages of a merchant, too
		reader = v.visitor.Actor(v.origin, "")
	case v.merchant != nil:
		n.outside = "somebody outside " + v.merchant.Name
	}
	n.users, err = v.console.Accounts.Names(v.Request.Context(), reader, slices.Compact(ids))
	return n, err
}

// Actor says in words who an actor is.
func (n names) Actor(id string) string {
	kind, rest, _ := strings.Cut(id, ":")
	switch kind {
	case "user":
		return cmp.Or(n.users[account.UserID(rest)], n.outside)
	case "portal":
		return "a guest from another product"
	case "api_key":
		return "the API key " + rest
	case "cli":
		return "the command line (" + rest + ")"
	}
	return id
}
