package console

import (
	"crypto/rand"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// keyForm is the form of an API key, as it was typed.
type keyForm struct {
	Name, Description string
	Scopes            []string
	Expires           string // a day: 2027-01-31
	CIDRs             string // one a line
	Revoke            bool
	Once              string // see once
	Version           string
	Management        bool // the disclosure of management scopes is open
}

func readKeyForm(form url.Values) *keyForm {
	f := &keyForm{Name: form.Get("name"), Description: form.Get("description"), Scopes: form["scopes"], Expires: form.Get("expiresAt"),
		CIDRs: form.Get("allowedCidrs"), Revoke: form.Has("revoke"), Once: form.Get("once"), Version: form.Get("version")}
	// Browsers send line breaks as CR LF; what people paste has any.
	f.Description = strings.Join(strings.FieldsFunc(f.Description, func(r rune) bool { return r == '\r' || r == '\n' }), " ")
	f.Management = slices.ContainsFunc(f.Scopes, authority.ManagementScope)
	return f
}

// formOf is the form that leaves k as it is.
func formOf(k *authority.APIKey) *keyForm {
	f := &keyForm{Name: k.Name, Description: k.Description, Scopes: k.Scopes, Expires: dayOf(k.ExpiresAt), Version: strconv.FormatInt(k.Version, 10)}
	for _, p := range k.AllowedCIDRs {
		f.CIDRs += p.String() + "\n"
	}
	f.Management = slices.ContainsFunc(f.Scopes, authority.ManagementScope)
	return f
}

// dayOf is the day of UTC that an end is on, as a form has it.
func dayOf(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateOnly)
}

// endOf is the end of the day, UTC, as a form has it; zero for "".
func endOf(day string) (time.Time, error) {
	if day == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return t, &authority.InvalidError{Field: "expiresAt", Reason: "is no day such as 2027-01-31"}
	}
	return t.Add(24*time.Hour - time.Second), nil
}

// networks reads those of the form.
func (f *keyForm) networks() ([]netip.Prefix, error) {
	return authority.ParseCIDRs(strings.Fields(f.CIDRs))
}

// refused says what is wrong with a form: by field, or else in one message; false
// where the error is no matter of the form.
func refused(err error) (fields map[string]string, message string, ok bool) {
	if fields, ok = fieldErrors(err); ok {
		return fields, "", true
	}
	if errors.Is(err, authority.ErrReplyOther) {
		return nil, "", false // nothing on this page can be sent again
	}
	message, ok = conflict(err)
	return nil, message, ok
}

// statusOf is that of a form that was refused.
func statusOf(fields map[string]string) int {
	if fields != nil {
		return http.StatusBadRequest
	}
	return http.StatusConflict
}

// keyFormPage asks for what an API key is to be.
type keyFormPage struct {
	Key     *authority.APIKey // nil for a new one
	Form    *keyForm
	Scopes  scopeTable
	Errors  map[string]string
	Message string
	From    string    // the first day that can be chosen
	Ends    time.Time // where that is not the end of its day; zero else
	Ended   bool      // by then
}

func (c *Console) newKey(v *visit) error {
	return c.askForKey(v, http.StatusOK, &keyFormPage{Form: &keyForm{Once: rand.Text()}})
}

func (c *Console) editKey(v *visit) error {
	k, err := v.apiKey()
	if err != nil {
		return err
	}
	return c.askForKey(v, http.StatusOK, &keyFormPage{Key: k, Form: formOf(k)})
}

// askForKey shows the form.
func (c *Console) askForKey(v *visit, status int, p *keyFormPage) error {
	catalogue, err := c.Authority.Scopes(v.Request.Context(), v.actor)
	if err != nil {
		return err
	}
	p.Scopes, p.From = newScopeTable(catalogue, p.Form.Scopes), dayOf(c.Authority.Now())
	title := "Add new API key"
	if p.Key != nil {
		title = "Edit " + p.Key.Name
		p.readEnd(c.Authority.Now())
	}
	return v.render(status, "api-key-form", view{Title: title, Nav: "api-keys", Data: p})
}

// readEnd says what the day of the form does not: when on its day the API key ends. What
// has ended can be changed without a new life, so its day can be chosen too.
func (p *keyFormPage) readEnd(now time.Time) {
	end := p.Key.ExpiresAt
	if end.IsZero() {
		return
	}
	p.From, p.Ended = min(p.From, dayOf(end)), !end.After(now)
	if last, err := endOf(dayOf(end)); err != nil || !end.Equal(last) {
		p.Ends = end
	}
}

func (c *Console) createKey(v *visit) error {
	f := readKeyForm(v.form)
	err := c.showOnce(v, func() (*authority.NewSecret, error) {
		n := authority.NewAPIKey{MerchantID: v.merchant.ID, Env: v.env, Name: f.Name, Description: f.Description, Scopes: f.Scopes}
		var err error
		if n.ExpiresAt, err = endOf(f.Expires); err != nil {
			return nil, err
		}
		if n.AllowedCIDRs, err = f.networks(); err != nil {
			return nil, err
		}
		k, secret, err := c.Authority.CreateAPIKey(v.Request.Context(), v.actor, n)
		return &authority.NewSecret{Key: k, Secret: secret}, err
	})
	if fields, message, ok := refused(err); ok {
		return c.askForKey(v, statusOf(fields), &keyFormPage{Form: f, Errors: fields, Message: message})
	}
	return err
}

func (c *Console) updateKey(v *visit) error {
	k, err := v.apiKey()
	if err != nil {
		return err
	}
	f := readKeyForm(v.form)
	u, err := f.update(k, v.version())
	if err == nil {
		_, err = c.Authority.UpdateAPIKey(v.Request.Context(), v.actor, k.ID, u)
	}
	if fields, message, ok := refused(err); ok {
		return c.askForKey(v, statusOf(fields), &keyFormPage{Key: k, Form: f, Errors: fields, Message: message})
	}
	if err != nil {
		return err
	}
	if f.Revoke {
		return v.done(k, "key-revoked")
	}
	return v.done(k, "key-updated")
}

// update is what the form changes of k. An end is given by its day: where that is
// as it was, the end is.
func (f *keyForm) update(k *authority.APIKey, version int64) (u authority.APIKeyUpdate, err error) {
	u = authority.APIKeyUpdate{RevokeTokens: f.Revoke, IfVersion: version}
	if f.Name != k.Name {
		u.Name = &f.Name
	}
	if f.Description != k.Description {
		u.Description = &f.Description
	}
	if chosen := slices.Compact(slices.Sorted(slices.Values(f.Scopes))); !slices.Equal(chosen, k.Scopes) {
		u.Scopes = &chosen
	}
	networks, err := f.networks()
	if err != nil {
		return u, err
	}
	if !slices.Equal(networks, k.AllowedCIDRs) {
		u.AllowedCIDRs = &networks
	}
	if f.Expires == dayOf(k.ExpiresAt) {
		return u, nil
	}
	end, err := endOf(f.Expires)
	u.ExpiresAt = &end
	return u, err
}
