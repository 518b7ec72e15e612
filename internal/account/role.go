package account

import (
	"fmt"
	"slices"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// Role is what a user is to the platform, or to a merchant.
type Role string

// The roles.
const (
	Operator      Role = "operator"      // of the platform: User.Operator
	Administrator Role = "administrator" // of a merchant
	Viewer        Role = "viewer"        // of a merchant
)

// Membership is the role of a user at a merchant.
type Membership struct {
	MerchantID authority.MerchantID
	Role       Role // Administrator or Viewer
}

// Scopes are the management scopes that the role stands for: an operator's on
// everything, the others' on their merchant. No two roles of a merchant are
// without order: what a viewer may, an administrator may.
func (r Role) Scopes() []string {
	switch r {
	case Operator:
		return authority.ManagementScopes()
	case Administrator:
		return []string{
			authority.APIKeysRead, authority.APIKeysWrite, authority.APIKeysDelete,
			authority.UsersRead, authority.UsersWrite, authority.UsersDelete, authority.EventsRead, authority.UsageRead,
			authority.MerchantsRead, authority.ScopesRead,
		}
	case Viewer:
		return []string{authority.APIKeysRead, authority.UsersRead, authority.EventsRead, authority.UsageRead, authority.MerchantsRead, authority.ScopesRead}
	}
	return nil
}

// RolePermissions are what a user may do who has signed in and works for a
// merchant, "" for none. An operator may do everything for whichever merchant;
// who is not active, or has no role there, nothing.
func RolePermissions(u *User, id authority.MerchantID) *authority.Permissions {
	p := &authority.Permissions{MerchantID: id}
	if u.Status != authority.Active {
		return p
	}
	if u.Operator {
		return &authority.Permissions{Scopes: Operator.Scopes()}
	}
	for _, m := range u.Memberships {
		if m.MerchantID == id {
			p.Scopes = m.Role.Scopes()
		}
	}
	return p
}

// MayMoreThan tells whether the user has a role that next has not, or a lower one there.
func (u *User) MayMoreThan(next *User) bool {
	return u.Operator && !next.Operator || slices.ContainsFunc(u.Memberships, func(m Membership) bool {
		return !slices.ContainsFunc(next.Memberships, func(n Membership) bool {
			return n.MerchantID == m.MerchantID && (n.Role == m.Role || n.Role == Administrator)
		})
	})
}

// mayChange tells whether the actor may make after of before: nobody gives a
// role that stands for more than its own, or changes who has one. Else a
// *authority.ForbiddenError.
func mayChange(actor authority.Actor, before, after *User) error {
	if bound(actor) && !before.sameBut(after) {
		return &authority.ForbiddenError{Reason: "People of a merchant change a user's role there, and nothing else; an operator of the platform does."}
	}
	for _, role := range append(rolesSeen(actor, before), rolesSeen(actor, after)...) {
		if err := mayGive(actor, role); err != nil {
			return err
		}
	}
	return nil
}

// rolesSeen are the roles of a user that exist for the actor. That somebody is
// an operator nobody can overlook.
func rolesSeen(actor authority.Actor, u *User) (roles []Role) {
	if u.Operator {
		roles = append(roles, Operator)
	}
	for _, m := range u.Memberships {
		if sees(actor, m) && !slices.Contains(roles, m.Role) {
			roles = append(roles, m.Role)
		}
	}
	return roles
}

func mayGive(actor authority.Actor, role Role) error {
	bounds := actor.Permissions.Bounds
	for _, scope := range role.Scopes() {
		refusal := &authority.ForbiddenError{Reason: fmt.Sprintf("The role %s stands for the scope %s, which you do not have.", role, scope)}
		if actor.May(scope) != nil {
			refusal.Scope = scope
			return refusal
		}
		if bounds != nil && !slices.Contains(bounds.Scopes, scope) {
			return refusal
		}
	}
	return nil
}

// bound tells whether the actor has one merchant alone.
func bound(actor authority.Actor) bool {
	p := actor.Permissions
	return p != nil && (p.MerchantID != "" || p.Env != "")
}

// sees tells whether a membership exists for the actor. None does for one that
// is bound to an environment: people belong to merchants whole.
func sees(actor authority.Actor, m Membership) bool { return actor.Sees(m.MerchantID, "") == nil }
