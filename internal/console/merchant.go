package console

import (
	"net/http"

	"github.com/tokenwright/tokenwright/internal/authority"
)

var merchantRoutes = []route{
	page("/merchants", authority.MerchantsRead, (*Console).listMerchants),
}

// listMerchants is where operators begin.
func (c *Console) listMerchants(v *visit) error {
	list, err := c.Authority.Merchants(v.Request.Context(), v.actor, authority.MerchantFilter{}, "", 50)
	if err != nil {
		return err
	}
	return v.render(http.StatusOK, "merchants", view{Title: "Merchants", Nav: "merchants", Data: list})
}
