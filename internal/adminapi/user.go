package adminapi

import (
	"context"
	"fmt"

	"github.com/tokenwright/tokenwright/admin"
	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/authority"
)

func (a *API) listUsers(r *request) (any, error) {
	f := account.UserFilter{MerchantID: r.query.merchantID("merchantId", a.authority.Installation()), Status: r.status()}
	return listOf(r, func(after string, limit int) ([]account.User, error) {
		return a.accounts.Users(r.Context(), r.actor, f, account.UserID(after), limit)
	}, func(u *account.User) string { return string(u.ID) }, a.wire.user)
}

func (a *API) createUser(r *request) (any, error) {
	n := account.NewUser{Email: r.body.string("email"), Name: r.body.string("name")}
	if operator := r.body.truth("operator"); operator != nil {
		n.Operator = *operator
	}
	if memberships := r.body.memberships("memberships", a.authority.Installation()); memberships != nil {
		n.Memberships = *memberships
	}
	if err := r.checkInput(); err != nil {
		return nil, err
	}
	return a.accounts.CreateUser(r.Context(), r.actor, n)
}

func (a *API) showUser(r *request) (any, error) {
	id, err := r.userID()
	if err != nil {
		return nil, err
	}
	return a.accounts.User(r.Context(), r.actor, id)
}

func (a *API) updateUser(r *request) (any, error) {
	u := account.UserUpdate{
		Name: r.body.text("name"), Operator: r.body.truth("operator"),
		Memberships: r.body.memberships("memberships", a.authority.Installation()), IfVersion: r.ifVersion,
	}
	id, err := r.userID()
	if err != nil {
		return nil, err
	}
	return a.accounts.UpdateUser(r.Context(), r.actor, id, u)
}

func (a *API) disableUser(r *request) (any, error) { return r.onUser(a.accounts.DisableUser) }

func (a *API) enableUser(r *request) (any, error) { return r.onUser(a.accounts.EnableUser) }

func (r *request) onUser(do func(context.Context, authority.Actor, account.UserID, int64) (*account.User, error)) (any, error) {
	id, err := r.userID()
	if err != nil {
		return nil, err
	}
	return do(r.Context(), r.actor, id, r.ifVersion)
}

func (a *API) deleteUser(r *request) (any, error) {
	id, err := r.userID()
	if err != nil {
		return nil, err
	}
	return nil, a.accounts.DeleteUser(r.Context(), r.actor, id, r.ifVersion)
}

func (r *request) userID() (account.UserID, error) {
	return account.UserID(r.PathValue("userId")), r.checkInput()
}

// memberships reads an array of {"merchantId", "role"}; nil where it is not there.
func (in *input) memberships(name string, inst authority.Installation) *[]account.Membership {
	v, there := in.get(name)
	if !there {
		return nil
	}
	items, ok := v.Array()
	list := []account.Membership{}
	for i, item := range items {
		members, isObject := item.Object()
		ok = ok && isObject
		one := input{members: members}
		m := account.Membership{MerchantID: one.merchantID("merchantId", inst), Role: account.Role(one.string("role"))}
		for _, e := range one.problems("is no member of a membership") {
			in.wrong(fmt.Sprintf("%s[%d].%s", name, i, e.Field), e.Reason)
		}
		list = append(list, m)
	}
	if !ok {
		in.wrong(name, "is not an array of objects with merchantId and role")
	}
	return &list
}

func (w wire) user(u *account.User) admin.User {
	return admin.User{
		ID: string(u.ID), Email: u.Email, Name: u.Name, Status: string(u.Status), Operator: u.Operator,
		Memberships: wireAll(u.Memberships, func(m *account.Membership) admin.Membership {
			return admin.Membership{MerchantID: w.merchantID(m.MerchantID), Role: string(m.Role)}
		}),
		CreatedAt: u.CreatedAt, CreatedBy: u.CreatedBy, UpdatedAt: u.UpdatedAt, LastSignInAt: optional(u.UsedAt), Locked: u.Locked(w.now()),
		Version: u.Version,
	}
}
