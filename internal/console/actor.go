package console

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/authority"
)

// names are what people call the users, API keys and merchants that a page tells
// of: of those who are not deleted, and whom the visitor may know.
type names struct {
	users     map[account.UserID]string
	keys      map[authority.ClientID]string
	merchants map[authority.MerchantID]string
	others    string // what users are called of whom that is not known
}

// named are those whose names are wanted, by ID; IDs of one kind of thing are none
// of another.
type named map[string]bool

// actor adds who does something, as events have it.
func (n named) actor(id string) {
	kind, rest, _ := strings.Cut(id, ":")
	if kind == "user" || kind == "api_key" {
		n[rest] = true
	}
}

func ids[T ~string](n named) (list []T) {
	for _, id := range slices.Sorted(maps.Keys(n)) {
		list = append(list, T(id))
	}
	return list
}

// readNames reads all of them at once.
func (v *visit) readNames(wanted named) (n names, err error) {
	reader := v.actor
	n.others = "a deleted user"
	switch {
	case v.isOperator(): // on pages of a merchant, too
		reader = v.visitor.Actor(v.origin, "")
	case v.merchant != nil:
		n.others = "somebody outside " + v.merchant.Name
	}
	ctx, c := v.Request.Context(), v.console
	if n.users, err = c.Accounts.Names(ctx, reader, ids[account.UserID](wanted)); err != nil {
		return n, err
	}
	if n.keys, err = c.Authority.APIKeyNames(ctx, reader, ids[authority.ClientID](wanted)); err != nil {
		return n, err
	}
	n.merchants, err = c.Authority.MerchantNames(ctx, reader, ids[authority.MerchantID](wanted))
	return n, err
}

// Actor says in words who an actor is, within a sentence.
func (n names) Actor(id string) string {
	kind, rest, _ := strings.Cut(id, ":")
	switch kind {
	case "user":
		return cmp.Or(n.users[account.UserID(rest)], n.others)
	case "api_key":
		return "the API key " + cmp.Or(n.keys[authority.ClientID(rest)], rest)
	case "portal":
		return "a guest from another product"
	case "cli":
		return "the command line"
	case "system":
		return "the system"
	}
	return id
}
