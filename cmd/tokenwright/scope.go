package main

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/tokenwright/tokenwright/admin"
)

func (a *app) scopeCommand() *cobra.Command {
	var s admin.Scope
	create := a.command("create NAME", "Add a scope to the catalogue: collection, colon, level, as in customers:read",
		func(ctx context.Context, args []string) error {
			return a.manage(ctx, func(c *admin.Client) error {
				s.Name = args[0]
				out, err := c.CreateScope(ctx, s)
				if err != nil {
					return err
				}
				return a.print(out, func(w io.Writer) { scopeTable(w, []admin.Scope{*out}) })
			})
		})
	create.Flags().StringVar(&s.Description, "description", "", "what it allows, for those who choose scopes")
	mark(create, "description", mayBeEmpty)
	create.Flags().StringVar(&s.Resource, "resource", "", "`URL` of the resource server it is for (default: the environment's API)")
	explained(create, `Add a scope to the catalogue, from which API keys get theirs. Its name is a
collection, a colon and a level, as in customers:read. It is for the environment's
API, unless --resource names another resource server: a token is for one of them, so
scopes of two are never in one token.`,
		`tokenwright scope create customers:read --description "Look up customers"
tokenwright scope create invoices:write --resource https://billing.example.com --description "Write invoices"`)
	return group("scope", "Scopes: the catalogue of permissions",
		create,
		explained(a.command("list", "List the catalogue", func(ctx context.Context, _ []string) error {
			return a.manage(ctx, func(c *admin.Client) error {
				out, err := admin.Collect(c.Scopes(ctx))
				if err != nil {
					return err
				}
				return a.print(out, func(w io.Writer) { scopeTable(w, out) })
			})
		}), "", "tokenwright scope list"),
		explained(a.deleteCommand("delete NAME", "Remove a scope that no API key holds", func(ctx context.Context, args []string) error {
			return a.manage(ctx, func(c *admin.Client) error { return c.DeleteScope(ctx, args[0]) })
		}), `Remove a scope from the catalogue. No API key may hold it any more: key update
takes it away.`, "tokenwright scope delete customers:read --yes"),
	)
}

func scopeTable(w io.Writer, list []admin.Scope) {
	row(w, "NAME", "DESCRIPTION", "RESOURCE")
	for _, s := range list {
		row(w, s.Name, s.Description, s.Resource)
	}
}
