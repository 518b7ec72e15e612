package console

import (
	"slices"
	"strings"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/authority"
)

const (
	// maxAsked is how many people a reason names.
	maxAsked = 5
	// maxColleagues is among how many people of a merchant they are looked for.
	maxColleagues = 200
)

// colleagues are the people of the merchant, at most maxColleagues.
func (v *visit) colleagues() ([]account.User, error) {
	if v.actor.May(authority.UsersRead) != nil {
		return nil, nil
	}
	return v.console.Accounts.Users(v.Request.Context(), v.actor, account.UserFilter{MerchantID: v.merchant.ID}, "", maxColleagues)
}

// readAsked reads the names of those who may do at the merchant what the visitor
// may not, for WhyNot; none for whom that is nothing.
func (v *visit) readAsked() (names []string, err error) {
	if v.merchant == nil || v.actor.May(authority.APIKeysWrite) == nil {
		return nil, nil
	}
	users, err := v.colleagues()
	now := v.console.Authority.Now()
	for i := range users {
		u := &users[i]
		role := account.Membership{MerchantID: v.merchant.ID, Role: account.Administrator}
		if u.Status == authority.Active && !u.Locked(now) && slices.Contains(u.Memberships, role) && len(names) < maxAsked {
			names = append(names, u.Name)
		}
	}
	if len(names) == 0 && len(users) == maxColleagues {
		names = []string{"one of its many users"}
	}
	return names, err
}

// WhyNot says why the visitor may not use what a management scope is for, and whom
// to ask; "" where nothing is in the way. It stands beside what is disabled.
func (p *view) WhyNot(scope string) string {
	switch {
	case p.May(scope):
		return ""
	case p.Merchant == nil || !slices.Contains(account.Administrator.Scopes(), scope):
		return "Operators of the platform alone can do this. Ask one of them."
	case len(p.asked) == 0:
		return "Viewers cannot do this, and " + p.Merchant.Name + " has no administrator. Ask an operator of the platform."
	}
	return "Viewers cannot do this. Ask an administrator of " + p.Merchant.Name + ": " + strings.Join(p.asked, ", ") + "."
}
