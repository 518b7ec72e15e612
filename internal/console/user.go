package console

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/authority"
)

// userRoutes are of all people, for operators, and of those of a merchant.
var userRoutes = slices.Concat(memberRoutes, invitationRoutes, []route{
	page("/users", authority.UsersRead, (*Console).listUsers),
	page("/users/{userId}", authority.UsersRead, (*Console).showUser),
	form("/users/{userId}", authority.UsersWrite, (*Console).changeUser),
	form("/users/{userId}/role", authority.UsersWrite, (*Console).changeRole),
	form("/users/{userId}/reset", authority.UsersWrite, (*Console).resetUser),
	form("/users/{userId}/enable", authority.UsersWrite, (*Console).enableUser),
	urgent(form("/users/{userId}/disable", authority.UsersWrite, (*Console).disableUser)),
	form("/users/{userId}/delete", authority.UsersDelete, (*Console).deleteUser),
})

// usersPage lists all users.
type usersPage struct {
	Users          []listedUser
	Invitations    invitations
	Pager          pager
	Search, Status string
}

// listedUser is a row of the list.
type listedUser struct {
	*account.User
	Roles string // "Operator", "Viewer of Acme", "3 merchants"
	State string
	You   bool
}

func (c *Console) listUsers(v *visit) error {
	query := v.Request.URL.Query()
	p := usersPage{Search: query.Get("q"), Status: query.Get("status")}
	after, err := v.place()
	if err != nil {
		return err
	}
	filter := account.UserFilter{Search: p.Search, Status: authority.Status(p.Status)}
	users, err := c.Accounts.Users(v.Request.Context(), v.actor, filter, account.UserID(after), pageSize+1)
	if err != nil {
		return err
	}
	users, more := cut(users, pageSize)
	if p.Users, err = c.listed(v, users); err != nil {
		return err
	}
	next := ""
	if more {
		next = string(users[len(users)-1].ID)
	}
	p.Pager = v.pager("users", next)
	if after == "" && p.Search == "" && p.Status == "" {
		if p.Invitations, err = c.invitationsTo(v, ""); err != nil {
			return err
		}
	}
	return v.render(http.StatusOK, "users", view{Title: "All users", Nav: "all-users", Data: p})
}

// listed tells of users in a row each.
func (c *Console) listed(v *visit, users []account.User) ([]listedUser, error) {
	var ids []authority.MerchantID
	for _, u := range users {
		if len(u.Memberships) == 1 {
			ids = append(ids, u.Memberships[0].MerchantID)
		}
	}
	merchants, err := c.Authority.MerchantNames(v.Request.Context(), v.actor, ids)
	list := make([]listedUser, len(users))
	for i := range users {
		u := &users[i]
		list[i] = listedUser{u, rolesInWords(u, merchants), v.stateOf(u), u.ID == v.visitor.UserID}
	}
	return list, err
}

func rolesInWords(u *account.User, merchants map[authority.MerchantID]string) string {
	switch {
	case u.Operator:
		return roleName(account.Operator)
	case len(u.Memberships) == 0:
		return "None"
	case len(u.Memberships) == 1:
		m := u.Memberships[0]
		return roleName(m.Role) + " of " + cmp.Or(merchants[m.MerchantID], string(m.MerchantID))
	}
	return fmt.Sprint(len(u.Memberships), " merchants")
}

// userPage is one user, for operators.
type userPage struct {
	*account.User
	State    string
	You      bool
	By       string // who has made it
	Roles    []merchantRole
	Sessions int
	Once     string
	Delete   typed
	// What was typed, and what is wrong with it, after a refusal.
	TypedName, Merchant string
	Role                account.Role
	Message             string
	Errors              map[string]string
}

func (c *Console) showUser(v *visit) error { return c.renderUser(v, http.StatusOK, userPage{}) }

// renderUser shows the page, with what p has of a refusal.
func (c *Console) renderUser(v *visit, status int, p userPage) (err error) {
	ctx := v.Request.Context()
	if p.User, err = c.Accounts.User(ctx, v.actor, v.userID()); err != nil {
		return err
	}
	p.State, p.You, p.Once = v.stateOf(p.User), p.User.ID == v.visitor.UserID, rand.Text()
	p.TypedName, p.Role = cmp.Or(p.TypedName, p.User.Name), cmp.Or(p.Role, account.Viewer)
	p.Delete.ID, p.Delete.Word = "confirm-delete", p.User.Email
	if p.Roles, err = c.rolesOf(v, p.User); err != nil {
		return err
	}
	if p.Sessions, err = c.Accounts.CountSessions(ctx, v.actor, p.User.ID); err != nil {
		return err
	}
	wanted := named{}
	wanted.actor(p.User.CreatedBy)
	by, err := v.readNames(wanted)
	if err != nil {
		return err
	}
	p.By = by.Actor(p.User.CreatedBy)
	return v.render(status, "user", view{Title: p.User.Name, Nav: "all-users", Data: p})
}

// changed answers a form that has changed the user of the path, or was refused.
func (c *Console) changed(v *visit, err error, done string, p userPage) error {
	if err == nil {
		return v.redirect(Root + "/users/" + string(v.userID()) + "?done=" + done)
	}
	var ok bool
	if p.Errors, ok = fieldErrors(err); ok {
		return c.renderUser(v, http.StatusBadRequest, p)
	}
	if p.Message, ok = conflict(err); ok {
		return c.renderUser(v, http.StatusConflict, p)
	}
	return err
}

// changeUser changes the name, or whether the user is an operator: each has its
// own form.
func (c *Console) changeUser(v *visit) error {
	up := account.UserUpdate{IfVersion: v.version()}
	p := userPage{}
	if v.form.Has("name") {
		p.TypedName = v.form.Get("name")
		up.Name = &p.TypedName
	}
	if v.form.Has("operator") {
		operator := v.form.Get("operator") == "yes"
		up.Operator = &operator
	}
	_, err := c.Accounts.UpdateUser(v.Request.Context(), v.actor, v.userID(), up)
	return c.changed(v, err, "user", p)
}

// changeRole gives a role at one merchant, or takes it away.
func (c *Console) changeRole(v *visit) error {
	p := userPage{Merchant: v.form.Get("merchant"), Role: account.Role(v.form.Get("role"))}
	err := c.setRole(v, &p)
	var invalid *authority.InvalidError
	if errors.As(err, &invalid) && invalid.Field == "memberships" {
		err = &authority.InvalidError{Field: "merchant", Reason: "is not the ID of a merchant that exists, or cannot be one more"}
	}
	return c.changed(v, err, "role", p)
}

func (c *Console) setRole(v *visit, p *userPage) error {
	inst := c.Authority.Installation()
	id, err := inst.ParseMerchantID(p.Merchant)
	if err != nil {
		return &authority.InvalidError{Field: "merchant", Reason: "is not the ID of a merchant"}
	}
	u, err := c.Accounts.User(v.Request.Context(), v.actor, v.userID())
	if err != nil {
		return err
	}
	list := slices.DeleteFunc(slices.Clone(u.Memberships), func(m account.Membership) bool { return m.MerchantID == id })
	if p.Role != "none" {
		list = append(list, account.Membership{MerchantID: id, Role: p.Role})
	}
	_, err = c.Accounts.UpdateUser(v.Request.Context(), v.actor, u.ID, account.UserUpdate{Memberships: &list, IfVersion: v.version()})
	return err
}

func (c *Console) enableUser(v *visit) error {
	_, err := c.Accounts.EnableUser(v.Request.Context(), v.actor, v.userID(), v.version())
	return c.changed(v, err, "user-enabled", userPage{})
}

// disableUser does not compare versions: it must not fail for what somebody else
// has changed meanwhile.
func (c *Console) disableUser(v *visit) error {
	_, err := c.Accounts.DisableUser(v.Request.Context(), v.actor, v.userID(), 0)
	return c.changed(v, err, "user-disabled", userPage{})
}

// resetUser makes a link by which the user chooses anew what it signs in with.
func (c *Console) resetUser(v *visit) error {
	u, err := c.Accounts.User(v.Request.Context(), v.actor, v.userID())
	if err != nil {
		return err
	}
	l, err := c.linkOnce(v, func() (*account.IssuedLink, error) {
		return c.Accounts.ResetUser(v.Request.Context(), v.actor, u.ID, v.version())
	})
	if err != nil {
		return c.changed(v, err, "", userPage{})
	}
	l.Email = u.Email
	return c.showMadeLink(v, madeLinkPage{madeLink: *l, Kind: account.Reset, Name: u.Name, Back: Root + "/users/" + string(u.ID)}, c.resetMessage(l))
}

func (c *Console) deleteUser(v *visit) error {
	u, err := c.Accounts.User(v.Request.Context(), v.actor, v.userID())
	if err != nil {
		return err
	}
	word := typed{Word: u.Email}
	if !word.check(v) {
		return c.renderUser(v, http.StatusBadRequest, userPage{Delete: word})
	}
	if err := c.Accounts.DeleteUser(v.Request.Context(), v.actor, u.ID, v.version()); err != nil {
		return c.changed(v, err, "", userPage{})
	}
	return v.redirect(Root + "/users?done=user-deleted")
}
