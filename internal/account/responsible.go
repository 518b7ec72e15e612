package account

import (
	"context"
	"fmt"
	"slices"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// responsiblePage is how many users are read at a time.
const responsiblePage = 500

// Responsible are those who are to hear of what happens to a merchant's API keys,
// in the order of their IDs: its active administrators. Where it has none, and of
// what belongs to no merchant (""), the active operators are. Those who are locked
// for want of use are among them: an API key that works gives nobody a reason to
// sign in. It is for the server itself and asks no actor.
func (a *Accounts) Responsible(ctx context.Context, id authority.MerchantID) ([]User, error) {
	if id != "" {
		list, err := a.active(ctx, id, func(u *User) bool { return slices.Contains(u.Memberships, Membership{id, Administrator}) })
		if err != nil || len(list) > 0 {
			return list, err
		}
	}
	return a.active(ctx, "", func(u *User) bool { return u.Operator })
}

// active are the active users, with a membership at a merchant unless it is "",
// that wanted chooses.
func (a *Accounts) active(ctx context.Context, id authority.MerchantID, wanted func(*User) bool) (list []User, err error) {
	for after := UserID(""); ; {
		page, err := a.store.Users(ctx, UserFilter{MerchantID: id, Status: authority.Active}, after, responsiblePage)
		if err != nil {
			return nil, fmt.Errorf("reading who is responsible: %w", err)
		}
		for i := range page {
			if after = page[i].ID; wanted(&page[i]) {
				list = append(list, page[i])
			}
		}
		if len(page) < responsiblePage {
			return list, nil
		}
	}
}
