package adminapi

import (
	"github.com/tokenwright/tokenwright/admin"
	"github.com/tokenwright/tokenwright/internal/account"
)

func (a *API) resetUser(r *request) (any, error) {
	id, err := r.userID()
	if err != nil {
		return nil, err
	}
	return a.accounts.ResetUser(r.Context(), r.actor, id, r.ifVersion)
}

func (a *API) createPortalLink(r *request) (any, error) {
	id, err := r.merchantID()
	if err != nil {
		return nil, err
	}
	return a.accounts.PortalLink(r.Context(), r.actor, id)
}

// link shows where a link leads, with its token: the only time.
func (w wire) link(l *account.IssuedLink) admin.Link {
	return admin.Link{URL: w.base + account.LinkPath + l.Token.Reveal(), ExpiresAt: l.ExpiresAt, MerchantID: w.merchantID(l.MerchantID)}
}
