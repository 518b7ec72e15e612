package admin

import (
	"context"
	"encoding/json"
	"iter"
	"net/url"
	"time"
)

// User is a person.
type User struct {
	ID          string       `json:"id"`
	Email       string       `json:"email"`
	Name        string       `json:"name"`
	Status      string       `json:"status"`   // active, disabled
	Operator    bool         `json:"operator"` // of the platform
	Memberships []Membership `json:"memberships"`
	CreatedAt   time.Time    `json:"createdAt"`
	CreatedBy   string       `json:"createdBy"`
	UpdatedAt   time.Time    `json:"updatedAt"`
	// LastSignInAt is when the user last signed in; nil for never.
	LastSignInAt *time.Time `json:"lastSignInAt"`
	// Locked users have not signed in for 90 days; EnableUser lets one in again.
	Locked  bool  `json:"locked"`
	Version int64 `json:"version"`
}

// Membership is the role of a user at a merchant.
type Membership struct {
	MerchantID MerchantID `json:"merchantId"`
	Role       string     `json:"role"` // administrator, viewer
}

// NewUser is a user to create.
type NewUser struct {
	Email       string       `json:"email"` // one plain address, which no other user has in whatever case
	Name        string       `json:"name"`
	Operator    bool         `json:"operator,omitempty"`
	Memberships []Membership `json:"memberships,omitempty"` // 100 merchants at most, each once
}

// UserUpdate is what to change of a user; nil leaves a member as it is.
type UserUpdate struct {
	Name        *string       `json:"name,omitempty"`
	Operator    *bool         `json:"operator,omitempty"`
	Memberships *[]Membership `json:"memberships,omitempty"` // all that the user is to have
	// IfVersion is as in MerchantUpdate.
	IfVersion int64 `json:"-"`
}

// MarshalJSON implements json.Marshaler: no memberships are an empty array.
func (u UserUpdate) MarshalJSON() ([]byte, error) {
	type plain UserUpdate
	if u.Memberships != nil && *u.Memberships == nil {
		u.Memberships = &[]Membership{}
	}
	return json.Marshal(plain(u))
}

// UserFilter selects users; an empty field selects all.
type UserFilter struct {
	MerchantID MerchantID // with a role there
	Status     string     // active, disabled
}

// Users returns the users that f selects, in the order of their IDs.
func (c *Client) Users(ctx context.Context, f UserFilter) iter.Seq2[User, error] {
	return list[User](ctx, c, "/users", values("merchantId", f.MerchantID.String(), "status", f.Status))
}

// User returns one user.
func (c *Client) User(ctx context.Context, id string) (*User, error) {
	return get[User](ctx, c, userPath(id), nil)
}

// CreateUser adds a user. Nobody gives a role that stands for more than its own,
// here and below.
func (c *Client) CreateUser(ctx context.Context, n NewUser) (*User, error) {
	return post[User](ctx, c, "/users", n, 0)
}

// UpdateUser changes name or roles. The last active operator stays one, here and
// below.
func (c *Client) UpdateUser(ctx context.Context, id string, u UserUpdate) (*User, error) {
	return patch[User](ctx, c, userPath(id), u, u.IfVersion)
}

// DisableUser keeps a user from doing anything, until EnableUser.
func (c *Client) DisableUser(ctx context.Context, id string, ifVersion int64) (*User, error) {
	return post[User](ctx, c, userPath(id)+"/disable", nil, ifVersion)
}

// EnableUser gives a disabled user its roles again.
func (c *Client) EnableUser(ctx context.Context, id string, ifVersion int64) (*User, error) {
	return post[User](ctx, c, userPath(id)+"/enable", nil, ifVersion)
}

// ResetUser takes from a user all that it signs in with, ends its sessions, and
// returns a link by which it chooses anew, within a day. It is how a user begins
// that was just created, and the way back for who has lost password or device.
func (c *Client) ResetUser(ctx context.Context, id string, ifVersion int64) (*Link, error) {
	return post[Link](ctx, c, userPath(id)+"/reset", nil, ifVersion)
}

// DeleteUser ends a user for ever; its e-mail address and name are wiped.
func (c *Client) DeleteUser(ctx context.Context, id string, ifVersion int64) error {
	return c.remove(ctx, userPath(id), nil, ifVersion)
}

func userPath(id string) string { return "/users/" + url.PathEscape(id) }
