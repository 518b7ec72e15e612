package console

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/tokenwright/tokenwright/internal/authority"
)

var merchantRoutes = []route{
	page("/merchants", authority.MerchantsRead, (*Console).listMerchants),
	page("/merchants/new", authority.MerchantsWrite, (*Console).newMerchant),
	form("/merchants/new", authority.MerchantsWrite, (*Console).createMerchant),
	page("/merchants/{merchantId}", authority.MerchantsWrite, (*Console).showMerchant),
	form("/merchants/{merchantId}", authority.MerchantsWrite, (*Console).updateMerchant),
	urgent(form("/merchants/{merchantId}/suspend", authority.MerchantsWrite, (*Console).suspendMerchant)),
	form("/merchants/{merchantId}/resume", authority.MerchantsWrite, (*Console).resumeMerchant),
	form("/merchants/{merchantId}/delete", authority.MerchantsDelete, (*Console).deleteMerchant),
}

// merchantList is where operators begin.
type merchantList struct {
	Search string
	Rows   []merchantRow
	Pager  pager
}

type merchantRow struct {
	authority.Merchant
	Keys []keyCount
}

// keyCount is how many API keys a merchant has in an environment.
type keyCount struct {
	Env           string
	Active, Limit int
}

func (c *Console) listMerchants(v *visit) error {
	after, err := v.place()
	if err != nil {
		return err
	}
	p := merchantList{Search: v.Request.URL.Query().Get("q")}
	list, err := c.Authority.Merchants(v.Request.Context(), v.actor, authority.MerchantFilter{Search: p.Search}, authority.MerchantID(after), pageSize+1)
	if err != nil {
		return err
	}
	list, more := cut(list, pageSize)
	if p.Rows, err = c.merchantRows(v, list); err != nil {
		return err
	}
	next := ""
	if more {
		next = string(list[len(list)-1].ID)
	}
	p.Pager = v.pager("merchants", next)
	return v.render(http.StatusOK, "merchants", view{Title: "Merchants", Nav: "merchants", Data: p})
}

// merchantRows adds the counts of API keys, all with one question.
func (c *Console) merchantRows(v *visit, list []authority.Merchant) ([]merchantRow, error) {
	rows, ids := make([]merchantRow, len(list)), make([]authority.MerchantID, len(list))
	for i := range list {
		rows[i].Merchant, ids[i] = list[i], list[i].ID
	}
	counts, err := c.Authority.ActiveKeys(v.Request.Context(), v.actor, ids)
	if err != nil {
		return nil, err
	}
	for i := range rows {
		for _, env := range c.environments() {
			rows[i].Keys = append(rows[i].Keys, keyCount{env.Name, counts[rows[i].ID][env.Name], rows[i].KeyLimit})
		}
	}
	return rows, nil
}

// merchantForm is what somebody types of a merchant.
type merchantForm struct {
	ID, Name, KeyLimit string
	Numbers            bool // IDs are numbers
	Errors             map[string]string
}

func (c *Console) newMerchant(v *visit) error {
	return c.askForMerchant(v, http.StatusOK, merchantForm{KeyLimit: strconv.Itoa(authority.DefaultKeyLimit)})
}

func (c *Console) askForMerchant(v *visit, status int, f merchantForm) error {
	installation := c.Authority.Installation()
	f.Numbers = installation.MerchantIDs == authority.MerchantNumbers
	return v.render(status, "merchant-new", view{Title: "Create merchant", Nav: "merchants", Data: f})
}

func (c *Console) createMerchant(v *visit) error {
	f := merchantForm{ID: v.form.Get("merchantId"), Name: v.form.Get("name"), KeyLimit: v.form.Get("keyLimit")}
	limit, wrong := f.limit()
	if f.Errors = wrong; wrong != nil {
		return c.askForMerchant(v, http.StatusBadRequest, f)
	}
	m, err := c.Authority.CreateMerchant(v.Request.Context(), v.actor, authority.NewMerchant{ID: authority.MerchantID(f.ID), Name: f.Name, KeyLimit: &limit})
	if err == nil {
		return v.redirect(merchantPath(m.ID) + "?done=merchant-created")
	}
	var ok bool
	if f.Errors, ok = fieldErrors(err); ok {
		return c.askForMerchant(v, http.StatusBadRequest, f)
	}
	if errors.Is(err, authority.ErrExists) {
		f.Errors = map[string]string{"merchantId": "This ID is taken. IDs of merchants that were deleted never return."}
		return c.askForMerchant(v, http.StatusConflict, f)
	}
	return err
}

// limit reads the limit of API keys, or says what is wrong with it.
func (f *merchantForm) limit() (int, map[string]string) {
	n, err := strconv.Atoi(f.KeyLimit)
	if err != nil {
		return 0, map[string]string{"keyLimit": "This is not a whole number."}
	}
	return n, nil
}

// merchantPage is what an operator sees of a merchant.
type merchantPage struct {
	Form            merchantForm
	Version         int64
	Keys            []keyCount
	Undeleted       int
	Suspend, Delete typed
}

func (c *Console) showMerchant(v *visit) error { return c.merchantPage(v, http.StatusOK, nil) }

// merchantPage shows the merchant of the path; change puts into the page what was
// sent and refused.
func (c *Console) merchantPage(v *visit, status int, change func(*merchantPage)) error {
	m := v.merchant
	p := merchantPage{
		Form: merchantForm{Name: m.Name, KeyLimit: strconv.Itoa(m.KeyLimit)}, Version: m.Version,
		Suspend: typed{ID: "suspend-word", Word: string(m.ID)}, Delete: typed{ID: "delete-word", Word: string(m.ID)},
	}
	for _, env := range c.environments() {
		n, err := c.Authority.KeyCount(v.Request.Context(), v.actor, m.ID, env.Name)
		if err != nil {
			return err
		}
		p.Keys = append(p.Keys, keyCount{env.Name, n.Active, n.ActiveLimit})
		p.Undeleted += n.Undeleted
	}
	if change != nil {
		change(&p)
	}
	return v.render(status, "merchant", view{Title: m.Name, Nav: "merchants", Data: p})
}

func (c *Console) updateMerchant(v *visit) error {
	f := merchantForm{Name: v.form.Get("name"), KeyLimit: v.form.Get("keyLimit")}
	version := v.version()
	again := func(p *merchantPage) { p.Form, p.Version = f, version }
	limit, wrong := f.limit()
	if f.Errors = wrong; wrong != nil {
		return c.merchantPage(v, http.StatusBadRequest, again)
	}
	_, err := c.Authority.UpdateMerchant(v.Request.Context(), v.actor, v.merchant.ID, authority.MerchantUpdate{Name: &f.Name, KeyLimit: &limit, IfVersion: version})
	var ok bool
	if f.Errors, ok = fieldErrors(err); ok {
		return c.merchantPage(v, http.StatusBadRequest, again)
	}
	if err != nil {
		return err
	}
	return v.redirect(merchantPath(v.merchant.ID) + "?done=merchant-updated")
}

func (c *Console) suspendMerchant(v *visit) error {
	t := typed{ID: "suspend-word", Word: string(v.merchant.ID)}
	if !t.check(v) {
		return c.merchantPage(v, http.StatusBadRequest, func(p *merchantPage) { p.Suspend = t })
	}
	// Whatever else was changed meanwhile, it is to stop.
	if _, err := c.Authority.SuspendMerchant(v.Request.Context(), v.actor, v.merchant.ID, 0); err != nil {
		return err
	}
	return v.redirect(merchantPath(v.merchant.ID) + "?done=merchant-suspended")
}

func (c *Console) resumeMerchant(v *visit) error {
	if _, err := c.Authority.ResumeMerchant(v.Request.Context(), v.actor, v.merchant.ID, v.version()); err != nil {
		return err
	}
	return v.redirect(merchantPath(v.merchant.ID) + "?done=merchant-resumed")
}

func (c *Console) deleteMerchant(v *visit) error {
	t := typed{ID: "delete-word", Word: string(v.merchant.ID)}
	if !t.check(v) {
		return c.merchantPage(v, http.StatusBadRequest, func(p *merchantPage) { p.Delete = t })
	}
	if err := c.Authority.DeleteMerchant(v.Request.Context(), v.actor, v.merchant.ID, v.version()); err != nil {
		return err
	}
	return v.redirect(Root + "/merchants?done=merchant-deleted")
}
