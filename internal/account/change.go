package account

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// UserUpdate is what to change of a user; nil leaves a field as it is. An e-mail
// address is for ever: who has another one is another user.
type UserUpdate struct {
	Name     *string
	Operator *bool
	// Memberships takes the place of all that exist for the actor.
	Memberships *[]Membership
	// IfVersion, where not 0, must be the version that is changed, else
	// authority.ErrVersion.
	IfVersion int64
}

// UpdateUser changes name and roles. Errors as CreateUser, and ErrLastOperator.
func (a *Accounts) UpdateUser(ctx context.Context, actor authority.Actor, id UserID, up UserUpdate) (*User, error) {
	return a.change(ctx, actor, id, up.IfVersion, change{
		authority.UsersWrite, authority.UserUpdated, a.store.UpdateUser, func(u *User) error { return up.apply(actor, u) },
	})
}

// Rename changes the name of the visitor's own user, which needs no scope; errors
// as UpdateUser.
func (a *Accounts) Rename(ctx context.Context, from Origin, v *Visitor, name string) error {
	if v.User == nil || v.Pending {
		return authority.ErrNotFound
	}
	if err := authority.CheckName("name", name); err != nil {
		return err
	}
	actor := v.Actor(from, "")
	var before *User
	err := authority.RetryConflicts(func() (err error) {
		before, err = a.store.User(ctx, v.User.ID)
		return err
	}, func() error {
		if before.Name == name {
			return nil
		}
		after := *before
		after.Name, after.Version, after.UpdatedAt = name, before.Version+1, a.now()
		d, err := a.draft(actor, authority.UserUpdated, before, &after)
		if err != nil {
			return err
		}
		return a.store.UpdateUser(ctx, &after, false, d)
	})
	if err != nil {
		return fmt.Errorf("renaming user %s: %w", v.User.ID, err)
	}
	return nil
}

func (up *UserUpdate) apply(actor authority.Actor, u *User) error {
	if up.Name != nil {
		u.Name = *up.Name
	}
	if up.Operator != nil {
		u.Operator = *up.Operator
	}
	if up.Memberships != nil {
		for _, m := range *up.Memberships {
			if !sees(actor, m) {
				return ErrNoMerchant(m.MerchantID)
			}
		}
		others := slices.DeleteFunc(u.Memberships, func(m Membership) bool { return sees(actor, m) })
		u.Memberships = inOrder(append(others, *up.Memberships...))
	}
	return u.check()
}

// DisableUser keeps a user from doing anything; ErrLastOperator. ifVersion is as
// in UserUpdate, here and below.
func (a *Accounts) DisableUser(ctx context.Context, actor authority.Actor, id UserID, ifVersion int64) (*User, error) {
	return a.change(ctx, actor, id, ifVersion, change{authority.UsersWrite, authority.UserDisabled, a.store.UpdateUser, func(u *User) error {
		u.Status = authority.Disabled
		return nil
	}})
}

// EnableUser gives a disabled user its roles again, and lets a locked one in.
func (a *Accounts) EnableUser(ctx context.Context, actor authority.Actor, id UserID, ifVersion int64) (*User, error) {
	return a.change(ctx, actor, id, ifVersion, change{authority.UsersWrite, authority.UserEnabled, a.store.UpdateUser, func(u *User) error {
		if u.Status != authority.Active || u.Locked(a.now()) {
			u.Status, u.EnabledAt = authority.Active, a.now()
		}
		return nil
	}})
}

// DeleteUser ends a user for ever, and wipes its e-mail address, which another
// user can then have, and its name; ErrLastOperator.
func (a *Accounts) DeleteUser(ctx context.Context, actor authority.Actor, id UserID, ifVersion int64) error {
	_, err := a.change(ctx, actor, id, ifVersion, change{authority.UsersDelete, authority.UserDeleted, a.store.DeleteUser, func(u *User) error {
		u.Email, u.Name, u.Operator, u.Memberships = "", "", false, nil
		return nil
	}})
	return err
}

// change is one kind of change.
type change struct {
	scope string
	kind  authority.EventKind
	write func(ctx context.Context, u *User, keepOperator bool, d *authority.Draft) error
	apply func(*User) error
}

// change makes the change c of a user, and returns what exists of it for the
// actor. Where that changes nothing there is no event.
func (a *Accounts) change(ctx context.Context, actor authority.Actor, id UserID, ifVersion int64, c change) (*User, error) {
	if err := actor.May(c.scope); err != nil {
		return nil, err
	}
	var before, after *User
	err := authority.RetryConflicts(func() (err error) {
		if before, err = a.read(ctx, actor, id); err != nil {
			return err
		}
		after, err = c.of(actor, before, ifVersion)
		return err
	}, func() error {
		after.Version, after.UpdatedAt = before.Version+1, a.now()
		d, err := a.draft(actor, c.kind, before, after)
		if err != nil {
			return err
		}
		// The command line is the way back in where no operator is left.
		keepOperator := before.isOperator() && !after.isOperator() && !actor.MayEverything()
		return c.write(ctx, after, keepOperator, d)
	})
	if errors.Is(err, errUnchanged) {
		err = a.auth.Remember(ctx, actor, nil, after.seenBy(actor))
	}
	if err != nil {
		return nil, fmt.Errorf("changing user %s: %w", id, err)
	}
	return after.seenBy(actor), nil
}

// errUnchanged ends a change that has nothing to do; it never leaves the package.
var errUnchanged = errors.New("nothing to change")

// of returns what the change makes of a user, where the actor may make it.
func (c *change) of(actor authority.Actor, before *User, ifVersion int64) (*User, error) {
	if ifVersion != 0 && ifVersion != before.Version {
		return nil, authority.ErrVersion
	}
	after := *before
	after.Memberships = slices.Clone(before.Memberships)
	if err := c.apply(&after); err != nil {
		return nil, err
	}
	if err := mayChange(actor, before, &after); err != nil {
		return nil, err
	}
	if before.sameBut(&after) && slices.Equal(before.Memberships, after.Memberships) {
		return &after, errUnchanged
	}
	return &after, nil
}

// sameBut tells whether two users are the same but for their memberships.
func (u *User) sameBut(v *User) bool {
	return u.Email == v.Email && u.Name == v.Name && u.Status == v.Status && u.Operator == v.Operator && u.EnabledAt.Equal(v.EnabledAt)
}

func (u *User) isOperator() bool { return u.Operator && u.Status == authority.Active }

// draft drafts the event of a change.
func (a *Accounts) draft(actor authority.Actor, kind authority.EventKind, before, after *User) (*authority.Draft, error) {
	return a.auth.NewDraft(actor, kind, string(after.ID), about(actor, before, after), changed(kind, before, after), after.seenBy(actor))
}

// changed is what an event tells of a change: which roles have changed, those that
// ended as null, and that there is another name; never name or address, for events
// are kept for ever.
func changed(kind authority.EventKind, before, after *User) map[string]any {
	set := map[string]any{}
	if kind == authority.UserUpdated && before.Name != after.Name {
		set["changed"] = []string{"name"}
	}
	if before.Operator != after.Operator {
		set["operator"] = after.Operator
	}
	if roles := changedRoles(before, after); len(roles) > 0 {
		set["memberships"] = roles
	}
	return set
}

// changedRoles are the new roles by merchant; nil where there is none any more.
func changedRoles(before, after *User) map[authority.MerchantID]any {
	roles := map[authority.MerchantID]any{}
	for _, m := range before.Memberships {
		if !slices.ContainsFunc(after.Memberships, func(n Membership) bool { return n.MerchantID == m.MerchantID }) {
			roles[m.MerchantID] = nil
		}
	}
	for _, m := range after.Memberships {
		if !slices.Contains(before.Memberships, m) {
			roles[m.MerchantID] = m.Role
		}
	}
	return roles
}

// about returns the one merchant that a change concerns, whose people may read
// the event; "" where it concerns the platform, or several, who must not read of
// each other.
func about(actor authority.Actor, before, after *User) authority.MerchantID {
	if bound(actor) {
		return actor.Permissions.MerchantID
	}
	concerned := slices.Collect(maps.Keys(changedRoles(before, after)))
	if !before.sameBut(after) {
		for _, m := range slices.Concat(before.Memberships, after.Memberships) {
			concerned = append(concerned, m.MerchantID)
		}
	}
	slices.Sort(concerned)
	if concerned = slices.Compact(concerned); len(concerned) != 1 || before.Operator != after.Operator {
		return ""
	}
	return concerned[0]
}
