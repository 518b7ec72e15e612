package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/tokenwright/tokenwright/admin"
)

func (a *app) portalLinkCommand() *cobra.Command {
	var merchant string
	c := a.command("portal-link --merchant ID", "Make a link into the console, as an administrator of a merchant", func(ctx context.Context, _ []string) error {
		return a.manage(ctx, func(c *admin.Client) error {
			link, err := c.CreatePortalLink(ctx, admin.TextID(merchant))
			if err != nil {
				return err
			}
			return a.print(link, func(w io.Writer) {
				linkRows(w, link)
				fmt.Fprintln(w, "\nWhoever opens it is an administrator of the merchant, for an hour. It works once.")
			})
		})
	})
	explained(c, `Make a link into the console. Whoever opens it within 5 minutes manages the API
keys of the merchant for an hour, as an administrator, without an account of its
own. It works once, and its use is an event.

It is for a platform that knows its people by itself: behind a button of your
product, make a link for who may manage the merchant's API keys, and redirect to
it. Programs do that by POST /admin/v1/merchants/4259/portal-links.

With --server, the API key needs every scope that the role stands for: users:read,
users:write, users:delete, api-keys:read, api-keys:write, api-keys:delete,
merchants:read, scopes:read, events:read and usage:read.`, "tokenwright portal-link --merchant 4259")
	c.Flags().StringVar(&merchant, "merchant", "", "`ID` of the merchant")
	require(c, "merchant")
	return c
}
