package account

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// Replay does again what the event of d has changed of a user, and writes d with
// it: for a restore (authority.Restoration). What a user proves itself by is in no
// event: whoever has changed that since has nothing left, and is to be reset.
// authority.ErrNotFound where there is nothing to change, as for a user who is
// not there: then d is not written.
func (a *Accounts) Replay(ctx context.Context, d *authority.Draft) error {
	switch d.Kind {
	case authority.UserUpdated, authority.UserDisabled, authority.UserEnabled, authority.UserDeleted, authority.UserReset, authority.UserCredentialsChanged,
		authority.UserSignedIn:
	default:
		return authority.ErrNotFound
	}
	before, err := a.store.User(ctx, UserID(d.Subject))
	if err != nil {
		return err
	}
	u := *before
	u.Memberships = slices.Clone(before.Memberships)
	u.Version++
	if d.Kind != authority.UserSignedIn {
		u.UpdatedAt = d.Time
	}
	if err := u.redo(d); err != nil {
		return err
	}
	if d.Kind == authority.UserDeleted {
		return a.store.DeleteUser(ctx, &u, false, d)
	}
	return a.store.RedoUser(ctx, &u, d.Kind == authority.UserReset || d.Kind == authority.UserCredentialsChanged, d)
}

// redo changes u as an event has recorded it.
func (u *User) redo(d *authority.Draft) error {
	var set struct {
		Operator    *bool
		Memberships map[authority.MerchantID]*Role // nil where it ended
		Link        string                         // that has given them
	}
	if err := json.Unmarshal([]byte(d.Details), &set); err != nil {
		return fmt.Errorf("reading the details: %w", err)
	}
	switch d.Kind {
	case authority.UserDisabled:
		u.Status = authority.Disabled
	case authority.UserEnabled:
		u.Status, u.EnabledAt = authority.Active, d.Time
	}
	// Whoever was there since is not locked for having been away: it was there for
	// using a link, too.
	if (d.Kind == authority.UserSignedIn || set.Link != "") && d.Time.After(u.UsedAt) {
		u.UsedAt = d.Time
	}
	if set.Operator != nil {
		u.Operator = *set.Operator
	}
	for id, role := range set.Memberships {
		if set.Link != "" && role != nil { // releases before told the role of the link, to the platform too
			u.give(id, *role)
			continue
		}
		u.Memberships = slices.DeleteFunc(u.Memberships, func(m Membership) bool { return m.MerchantID == id })
		if role != nil {
			u.Memberships = append(u.Memberships, Membership{id, *role})
		}
	}
	u.Memberships = inOrder(u.Memberships)
	return nil
}
