package console

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/authority"
)

// accountRoutes are of the visitor's own account. What ends sessions must not
// wait for a proof of who it is.
var accountRoutes = []route{
	show("/account", SignedIn, ofUser((*Console).showAccount)),
	send("/account/name", SignedIn, ofUser((*Console).changeName)),
	// Not Fresh: it asks for the present password, however lately that was given
	// (ASVS 6.2.3).
	send("/account/password", SignedIn, ofUser((*Console).changePassword)),
	own("/account/second-factor/new", ofUser((*Console).newFactor)),
	own("/account/second-factor", ofUser((*Console).setUpFactor)),
	own("/account/second-factor/remove", ofUser((*Console).removeFactor)),
	own("/account/recovery-codes", ofUser((*Console).renewCodes)),
	send("/account/sessions/{sessionId}/end", SignedIn, ofUser((*Console).endSession)),
	send("/account/sessions/end-others", SignedIn, ofUser((*Console).endOtherSessions)),
}

const accountPath = Root + "/account"

// ofUser is handle for users: who came by a link of another product has no account.
func ofUser(handle func(*Console, *visit) error) func(*Console, *visit) error {
	return func(c *Console, v *visit) error {
		if v.visitor.User == nil {
			return authority.ErrNotFound
		}
		return handle(c, v)
	}
}

// accountPage is what the visitor has, and signs in with.
type accountPage struct {
	User           *account.User
	Name           string // as it was typed
	Errors         map[string]string
	Roles          []merchantRole
	Password, TOTP bool // what it has
	Sessions       []session
}

// merchantRole is what somebody is to a merchant.
type merchantRole struct {
	ID   authority.MerchantID
	Name string
	Role account.Role
}

// session is one of the visitor's, in words.
type session struct {
	account.Session
	Browser, Method string
	This            bool
}

func (c *Console) showAccount(v *visit) error { return c.renderAccount(v, http.StatusOK, nil) }

// renderAccount shows the page, after a refusal with what is wrong, by field.
func (c *Console) renderAccount(v *visit, status int, wrong map[string]string) (err error) {
	p := accountPage{User: v.visitor.User, Name: v.visitor.User.Name, Errors: wrong}
	if v.form.Has("name") {
		p.Name = v.form.Get("name")
	}
	if p.Password, p.TOTP, err = c.Accounts.Factors(v.Request.Context(), v.visitor); err != nil {
		return err
	}
	if p.Roles, err = c.rolesOf(v, v.visitor.User); err != nil {
		return err
	}
	if p.Sessions, err = c.sessionsOf(v); err != nil {
		return err
	}
	return v.render(status, "account", view{Title: "Your account", Data: p})
}

// rolesOf are the roles of a user at merchants, whose names whoever sees the roles
// may read.
func (c *Console) rolesOf(v *visit, u *account.User) ([]merchantRole, error) {
	ids := make([]authority.MerchantID, len(u.Memberships))
	for i, m := range u.Memberships {
		ids[i] = m.MerchantID
	}
	reader := authority.Actor{Permissions: &authority.Permissions{Scopes: []string{authority.MerchantsRead}}}
	names, err := c.Authority.MerchantNames(v.Request.Context(), reader, ids)
	roles := make([]merchantRole, len(ids))
	for i, m := range u.Memberships {
		roles[i] = merchantRole{m.MerchantID, cmp.Or(names[m.MerchantID], string(m.MerchantID)), m.Role}
	}
	if installation := c.Authority.Installation(); installation.MerchantIDs == authority.MerchantNumbers { // they are in the order of their text
		slices.SortFunc(roles, func(a, b merchantRole) int {
			return cmp.Or(cmp.Compare(len(a.ID), len(b.ID)), cmp.Compare(a.ID, b.ID))
		})
	}
	return roles, err
}

func (c *Console) sessionsOf(v *visit) ([]session, error) {
	list, err := c.Accounts.Sessions(v.Request.Context(), v.visitor)
	sessions := make([]session, len(list))
	for i, s := range list {
		method := "password"
		if name, sso := strings.CutPrefix(s.Method, "sso:"); sso {
			method = "single sign-on (" + name + ")"
		}
		sessions[i] = session{s, browserName(s.Agent), method, s.ID == v.visitor.ID}
	}
	return sessions, err
}

func (c *Console) changeName(v *visit) error {
	err := c.Accounts.Rename(v.Request.Context(), v.origin, v.visitor, v.form.Get("name"))
	if wrong, ok := fieldErrors(err); ok {
		return c.renderAccount(v, http.StatusBadRequest, wrong)
	}
	if err != nil {
		return err
	}
	return v.redirect(accountPath + "?done=name")
}

func (c *Console) changePassword(v *visit) error {
	ctx := v.Request.Context()
	has, _, err := c.Accounts.Factors(ctx, v.visitor)
	if err != nil {
		return err
	}
	if has {
		status, message, err := v.prove(v.form.Get("current"))
		if message != "" {
			return c.renderAccount(v, status, map[string]string{"current": message})
		}
		if err != nil {
			return err
		}
	} else if done, err := v.confirm(); done || err != nil {
		return err
	}
	e, err := c.Accounts.ChangePassword(ctx, v.origin, v.visitor, v.token, v.form.Get("password"))
	if wrong, ok := fieldErrors(err); ok {
		return c.renderAccount(v, http.StatusBadRequest, wrong)
	}
	if err != nil {
		return err
	}
	v.entered(e)
	return v.redirect(accountPath + "?done=password")
}

func (c *Console) endSession(v *visit) error {
	id := v.Request.PathValue("sessionId")
	if id == v.visitor.ID {
		return c.signOut(v)
	}
	err := c.Accounts.EndSession(v.Request.Context(), v.visitor, v.origin, id)
	if err != nil && !errors.Is(err, authority.ErrNotFound) { // that it has ended already is well, too
		return err
	}
	return v.redirect(accountPath + "?done=session-ended")
}

func (c *Console) endOtherSessions(v *visit) error {
	if err := c.Accounts.EndOtherSessions(v.Request.Context(), v.visitor, v.origin); err != nil {
		return err
	}
	return v.redirect(accountPath + "?done=sessions-ended")
}
