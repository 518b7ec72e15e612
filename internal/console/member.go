package console

import (
	"errors"
	"net/http"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/authority"
)

// memberRoutes are of the people of a merchant.
var memberRoutes = []route{
	page("/merchants/{merchantId}/users", authority.UsersRead, ofMerchant((*Console).listMembers)),
	page("/merchants/{merchantId}/users/{userId}", authority.UsersRead, ofMerchant((*Console).showMember)),
	form("/merchants/{merchantId}/users/{userId}", authority.UsersWrite, ofMerchant((*Console).changeMember)),
	form("/merchants/{merchantId}/users/{userId}/remove", authority.UsersWrite, ofMerchant((*Console).removeMember)),
}

// ofMerchant is handle for an actor who works for the merchant of the path alone,
// operators too: what it sees and changes of a user is the role there.
func ofMerchant(handle func(*Console, *visit) error) func(*Console, *visit) error {
	return func(c *Console, v *visit) error {
		p := *v.actor.Permissions
		p.MerchantID = v.merchant.ID
		v.actor.Permissions = &p
		return handle(c, v)
	}
}

// member is a user as the pages of a merchant show it.
type member struct {
	*account.User
	Role account.Role // at the merchant
	// State is "active", "disabled", or "locked".
	State string
	You   bool
}

func (v *visit) memberOf(u *account.User) member {
	m := member{User: u, State: v.stateOf(u), You: v.visitor.UserID == u.ID}
	for _, at := range u.Memberships {
		if at.MerchantID == v.merchant.ID {
			m.Role = at.Role
		}
	}
	return m
}

// stateOf says whether a user is let in.
func (v *visit) stateOf(u *account.User) string {
	if u.Status == authority.Active && u.Locked(v.console.Authority.Now()) {
		return "locked"
	}
	return string(u.Status)
}

// membersPage lists who has a role at the merchant, and who will have one.
type membersPage struct {
	Members     []member
	Invitations invitations
	Pager       pager
	Search      string
}

func (c *Console) listMembers(v *visit) error {
	p := membersPage{Search: v.Request.URL.Query().Get("q")}
	after, err := v.place()
	if err != nil {
		return err
	}
	filter := account.UserFilter{MerchantID: v.merchant.ID, Search: p.Search}
	users, err := c.Accounts.Users(v.Request.Context(), v.actor, filter, account.UserID(after), pageSize+1)
	if err != nil {
		return err
	}
	users, more := cut(users, pageSize)
	for i := range users {
		p.Members = append(p.Members, v.memberOf(&users[i]))
	}
	next := ""
	if more {
		next = string(users[len(users)-1].ID)
	}
	p.Pager = v.pager("users", next)
	if after == "" && p.Search == "" {
		if p.Invitations, err = c.invitationsTo(v, v.merchant.ID); err != nil {
			return err
		}
	}
	return v.render(http.StatusOK, "members", view{Title: "Users", Nav: "users", Data: p})
}

// memberPage is one user of the merchant.
type memberPage struct {
	member
	Chosen account.Role // in the form
	// WhyNot says why its role is not to be changed by this visitor; "" where it is.
	WhyNot string
	Error  string // what is wrong with the role
}

func (c *Console) showMember(v *visit) error { return c.renderMember(v, http.StatusOK, "") }

func (c *Console) renderMember(v *visit, status int, wrong string) error {
	u, err := c.Accounts.User(v.Request.Context(), v.actor, v.userID())
	if err != nil {
		return err
	}
	p := memberPage{member: v.memberOf(u), Error: wrong}
	p.Chosen = p.Role
	if v.form.Has("role") {
		p.Chosen = account.Role(v.form.Get("role"))
	}
	if u.Operator && !v.isOperator() {
		p.WhyNot = "This user is an operator of the platform, and is changed by operators alone."
	}
	return v.render(status, "member", view{Title: u.Name, Nav: "users", Data: p})
}

func (v *visit) userID() account.UserID { return account.UserID(v.Request.PathValue("userId")) }

func (c *Console) changeMember(v *visit) error {
	role := account.Role(v.form.Get("role"))
	if role != account.Administrator && role != account.Viewer {
		return c.renderMember(v, http.StatusBadRequest, "Choose one of the roles.")
	}
	if err := c.setMemberships(v, account.Membership{MerchantID: v.merchant.ID, Role: role}); err != nil {
		return err
	}
	return v.redirect(c.memberPath(v, "role"))
}

// memberPath leads back to the people of the merchant, unless the visitor has just
// left it.
func (c *Console) memberPath(v *visit, done string) string {
	if !v.isOperator() && v.userID() == v.visitor.UserID {
		return Root
	}
	return merchantPath(v.merchant.ID, "users") + "?done=" + done
}

func (c *Console) removeMember(v *visit) error {
	err := c.setMemberships(v)
	if err != nil && !errors.Is(err, authority.ErrNotFound) { // gone already is well, too
		return err
	}
	return v.redirect(c.memberPath(v, "removed"))
}

// setMemberships gives the user of the path these roles in the place of all that
// exist for the actor.
func (c *Console) setMemberships(v *visit, roles ...account.Membership) error {
	list := append([]account.Membership{}, roles...)
	_, err := c.Accounts.UpdateUser(v.Request.Context(), v.actor, v.userID(), account.UserUpdate{Memberships: &list, IfVersion: v.version()})
	return err
}
