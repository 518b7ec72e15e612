package console

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/authority"
)

// invitationRoutes are of people who are not here yet. The same handlers serve
// merchants and, where the path names none, the platform.
var invitationRoutes = []route{
	page("/merchants/{merchantId}/users/invite", authority.UsersWrite, ofMerchant((*Console).newInvitation)),
	form("/merchants/{merchantId}/users/invite", authority.UsersWrite, ofMerchant((*Console).invite)),
	urgent(form("/merchants/{merchantId}/invitations/{linkId}/withdraw", authority.UsersWrite, ofMerchant((*Console).withdrawInvitation))),
	page("/users/invite", authority.UsersWrite, (*Console).newInvitation),
	form("/users/invite", authority.UsersWrite, (*Console).invite),
	urgent(form("/users/invitations/{linkId}/withdraw", authority.UsersWrite, (*Console).withdrawInvitation)),
}

// invitations are those that nobody has used yet.
type invitations struct {
	List []account.Link
	names
}

// maxInvitations is how many of them a page lists.
const maxInvitations = 100

func (c *Console) invitationsTo(v *visit, id authority.MerchantID) (i invitations, err error) {
	if i.List, err = c.Accounts.Invitations(v.Request.Context(), v.actor, id); err != nil {
		return i, err
	}
	i.List, _ = cut(i.List, maxInvitations)
	by := named{}
	for n := range i.List {
		by.actor(i.List[n].CreatedBy)
	}
	i.names, err = v.readNames(by)
	return i, err
}

// invitePage asks whom to invite.
type invitePage struct {
	Email  string
	Role   account.Role
	Once   string
	Errors map[string]string
}

// usersPath is the page of the people whom the path is about.
func (v *visit) usersPath() string {
	if v.merchant == nil {
		return Root + "/users"
	}
	return merchantPath(v.merchant.ID, "users")
}

// usersNav is the same in the navigation.
func (v *visit) usersNav() string {
	if v.merchant == nil {
		return "all-users"
	}
	return "users"
}

// newInvitation asks; nothing is chosen but the weakest role that there is.
func (c *Console) newInvitation(v *visit) error {
	return c.askForInvitation(v, http.StatusOK, invitePage{Role: account.Viewer, Once: rand.Text()})
}

func (c *Console) askForInvitation(v *visit, status int, p invitePage) error {
	title := "Invite an operator"
	if v.merchant != nil {
		title = "Invite somebody"
	}
	return v.render(status, "invite", view{Title: title, Nav: v.usersNav(), Data: p})
}

// invite makes an invitation, once however often the form is sent: a link that was
// lost with a page would stay good for whoever has it (C-197).
func (c *Console) invite(v *visit) error {
	n := account.NewInvitation{Email: v.form.Get("email"), Role: account.Operator}
	if v.merchant != nil {
		n.MerchantID, n.Role = v.merchant.ID, account.Role(v.form.Get("role"))
	}
	l, err := c.linkOnce(v, func() (*account.IssuedLink, error) { return c.Accounts.Invite(v.Request.Context(), v.actor, n) })
	if wrong, ok := fieldErrors(err); ok {
		return c.askForInvitation(v, http.StatusBadRequest, invitePage{Email: n.Email, Role: n.Role, Once: v.form.Get("once"), Errors: wrong})
	}
	if err != nil {
		return err
	}
	merchant := ""
	if v.merchant != nil {
		merchant = v.merchant.Name
	}
	return c.showMadeLink(v, madeLinkPage{madeLink: *l, Kind: account.Invitation, Back: v.usersPath()}, c.invitationMessage(l, n.Role, merchant))
}

func (c *Console) withdrawInvitation(v *visit) error {
	var id authority.MerchantID
	if v.merchant != nil {
		id = v.merchant.ID
	}
	err := c.Accounts.WithdrawInvitation(v.Request.Context(), v.actor, id, v.Request.PathValue("linkId"))
	if err != nil && !errors.Is(err, authority.ErrNotFound) { // used or gone meanwhile: the list says which
		return err
	}
	return v.redirect(v.usersPath() + "?done=withdrawn")
}

// madeLink is what is kept of a link for when its form is sent again.
type madeLink struct {
	URL       string    `json:"url"`
	Email     string    `json:"email"` // for whom
	ExpiresAt time.Time `json:"expiresAt"`
}

// linkOnce has a link made, or returns the one that the same form has made before.
func (c *Console) linkOnce(v *visit, do func() (*account.IssuedLink, error)) (*madeLink, error) {
	return once(v, do, func(l *account.IssuedLink) *madeLink {
		return &madeLink{c.BaseURL + account.LinkPath + l.Token.Reveal(), l.Email, l.ExpiresAt}
	})
}

// madeLinkPage says what became of a link: it was sent, or is to be handed over.
type madeLinkPage struct {
	madeLink
	Kind   account.LinkKind
	Name   string // of the user, of a Reset
	Back   string
	Sent   bool
	Failed bool // it could not be sent
}

// mailPatience is how long a mail server may take while somebody waits for a page.
const mailPatience = 3 * time.Second

// showMadeLink sends a link to whom it is for. The visitor sees it only where that
// cannot be done: whoever has it can choose the password of somebody else. A form
// that is sent again sends the same link again.
func (c *Console) showMadeLink(v *visit, p madeLinkPage, m Message) error {
	if c.Mail != nil {
		ctx, cancel := context.WithTimeout(v.Request.Context(), mailPatience)
		defer cancel()
		err := c.Mail(ctx, p.Email, m)
		p.Sent, p.Failed = err == nil, err != nil
		if err != nil {
			v.note(slog.String("mail", err.Error()))
		}
	}
	title := map[bool]string{true: "Link sent", false: "Hand over this link"}[p.Sent]
	return v.render(http.StatusOK, "made-link", view{Title: title, Nav: v.usersNav(), Data: p})
}
