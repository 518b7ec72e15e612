package adminapi

import (
	"context"

	"github.com/tokenwright/tokenwright/internal/authority"
)

func (a *API) listMerchants(r *request) (any, error) {
	return listOf(r, func(after string, limit int) ([]authority.Merchant, error) {
		return a.authority.Merchants(r.Context(), r.actor, authority.MerchantFilter{}, authority.MerchantID(after), limit)
	}, func(m *authority.Merchant) string { return string(m.ID) }, a.wire.merchant)
}

func (a *API) createMerchant(r *request) (any, error) {
	n := authority.NewMerchant{
		ID: r.body.merchantID("id", a.authority.Installation()), Name: r.body.string("name"), KeyLimit: r.body.int("keyLimit"),
	}
	if n.ID == "" && len(r.body.bad) == 0 {
		r.body.wrong("id", "is missing")
	}
	if err := r.checkInput(); err != nil {
		return nil, err
	}
	return a.authority.CreateMerchant(r.Context(), r.actor, n)
}

func (a *API) showMerchant(r *request) (any, error) {
	id, err := r.merchantID()
	if err != nil {
		return nil, err
	}
	return a.authority.Merchant(r.Context(), r.actor, id)
}

func (a *API) updateMerchant(r *request) (any, error) {
	u := authority.MerchantUpdate{Name: r.body.text("name"), KeyLimit: r.body.int("keyLimit"), IfVersion: r.ifVersion}
	id, err := r.merchantID()
	if err != nil {
		return nil, err
	}
	return a.authority.UpdateMerchant(r.Context(), r.actor, id, u)
}

func (a *API) suspendMerchant(r *request) (any, error) {
	return r.onMerchant(a.authority.SuspendMerchant)
}

func (a *API) resumeMerchant(r *request) (any, error) {
	return r.onMerchant(a.authority.ResumeMerchant)
}

func (r *request) onMerchant(do func(context.Context, authority.Actor, authority.MerchantID, int64) (*authority.Merchant, error)) (any, error) {
	id, err := r.merchantID()
	if err != nil {
		return nil, err
	}
	return do(r.Context(), r.actor, id, r.ifVersion)
}

func (a *API) deleteMerchant(r *request) (any, error) {
	id, err := r.merchantID()
	if err != nil {
		return nil, err
	}
	return nil, a.authority.DeleteMerchant(r.Context(), r.actor, id, r.ifVersion)
}
