package admin

import (
	"context"
	"time"
)

// Link lets whoever opens it do one thing in the console, once. Its URL is a
// secret until then.
type Link struct {
	URL        string     `json:"url"`
	ExpiresAt  time.Time  `json:"expiresAt"`
	MerchantID MerchantID `json:"merchantId,omitzero"` // of CreatePortalLink
}

// CreatePortalLink returns a link that leads whoever opens it into the console as
// an administrator of the merchant, for an hour. It is for a platform that knows
// its people by itself: make one when somebody asks for it, and redirect to it,
// for it is good for 5 minutes. The API key needs every scope that the role
// administrator stands for.
func (c *Client) CreatePortalLink(ctx context.Context, id MerchantID) (*Link, error) {
	return post[Link](ctx, c, merchantPath(id)+"/portal-links", nil, 0)
}
