package console

import (
	"errors"
	"net/http"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/authority"
)

// linkPage is what a one-time link shows, before it is used up.
type linkPage struct {
	Link         *account.Link
	Token        string // in the form: the link is not used up by looking at it
	MerchantName string
	Begins       bool // of a Reset: the user has never signed in
	Name, Email  string
	Errors       map[string]string
	Message      string
}

// showLink tells what a link is for.
func (c *Console) showLink(v *visit) error {
	return c.askForLink(v, http.StatusOK, linkPage{Token: v.Request.URL.Query().Get("token")})
}

func (c *Console) askForLink(v *visit, status int, p linkPage) error {
	l, err := c.Accounts.Link(v.Request.Context(), account.Token(p.Token))
	if err != nil {
		return err
	}
	p.Link = l
	if l.MerchantID != "" {
		// Whoever has the link may know whose it is.
		reader := authority.Actor{Permissions: &authority.Permissions{Scopes: []string{authority.MerchantsRead}, MerchantID: l.MerchantID}}
		m, err := c.Authority.Merchant(v.Request.Context(), reader, l.MerchantID)
		if err != nil {
			return err
		}
		p.MerchantName = m.Name
	}
	if p.Email == "" {
		p.Email = l.Email
	}
	title := linkTitles[l.Kind]
	if l.Kind == account.Reset {
		// Whoever has the link is the user as soon as it is used.
		u, err := c.Accounts.User(v.Request.Context(), authority.Actor{Permissions: &authority.Permissions{Scopes: []string{authority.UsersRead}}}, l.UserID)
		if err != nil {
			return err
		}
		if p.Email, p.Begins = u.Email, u.UsedAt.IsZero(); p.Begins {
			title = "Welcome"
		}
	}
	return v.render(status, "link", view{Title: title, Plain: true, Data: p})
}

var linkTitles = map[account.LinkKind]string{
	account.SetUp: "Set up the console", account.Invitation: "Accept the invitation", account.Reset: "Choose a new password", account.Portal: "Open the console",
}

// useLink uses a link up.
func (c *Console) useLink(v *visit) error {
	p := linkPage{Token: v.form.Get("token"), Name: v.form.Get("name"), Email: v.form.Get("email")}
	token := account.Token(p.Token)
	if v.form.Get("as") == "me" && v.visitor != nil {
		if err := v.ofSession(); err != nil {
			return err
		}
		if err := c.Accounts.AcceptInvitation(v.Request.Context(), v.origin, v.visitor, token); err != nil {
			return err
		}
		return v.redirect(Root)
	}
	e, err := c.Accounts.UseLink(v.Request.Context(), v.origin, token, account.Person{Name: p.Name, Email: p.Email, Password: v.form.Get("password")}, v.token)
	return c.linkUsed(v, p, e, err)
}

// linkUsed answers who has used a link, or wanted to: what was wrong with the form
// is told on the page of the link, which is good for another try.
func (c *Console) linkUsed(v *visit, p linkPage, e *account.Entered, err error) error {
	if err == nil {
		return v.begin(e, "")
	}
	var ok bool
	if p.Errors, ok = fieldErrors(err); ok {
		return c.askForLink(v, http.StatusBadRequest, p)
	}
	if errors.Is(err, account.ErrEmailTaken) {
		p.Message, _ = conflict(err)
		return c.askForLink(v, http.StatusConflict, p)
	}
	return err
}
