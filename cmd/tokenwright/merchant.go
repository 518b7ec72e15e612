package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/tokenwright/tokenwright/admin"
	"github.com/tokenwright/tokenwright/internal/authority"
)

func (a *app) merchantCommand() *cobra.Command {
	var n admin.NewMerchant
	var id string
	var keyLimit int
	var create *cobra.Command
	create = a.command("create --id ID --name NAME", "Add a merchant", func(ctx context.Context, _ []string) error {
		if create.Flags().Changed("key-limit") {
			n.KeyLimit = &keyLimit
		}
		n.ID = admin.TextID(id)
		return a.merchant(ctx, func(c *admin.Client) (*admin.Merchant, error) { return c.CreateMerchant(ctx, n) })
	})
	create.Flags().StringVar(&id, "id", "", "the merchant's `ID` in your platform")
	create.Flags().StringVar(&n.Name, "name", "", "what people call it")
	create.Flags().IntVar(&keyLimit, "key-limit", authority.DefaultKeyLimit, "active API keys allowed in each environment")
	require(create, "id", "name")
	explained(create, `Add a merchant by the ID that it has in your platform: a number, or text where
merchant_ids is text. --key-limit is how many active API keys it may have in each
environment; deleted and disabled ones do not count.`,
		`tokenwright merchant create --id 4259 --name "Acme"
tokenwright merchant create --id 815 --name "Initech" --key-limit 10`)

	verb := func(use, short string, do func(*admin.Client, context.Context, admin.MerchantID, int64) (*admin.Merchant, error)) *cobra.Command {
		return a.command(use, short, func(ctx context.Context, args []string) error {
			return a.merchant(ctx, func(c *admin.Client) (*admin.Merchant, error) { return do(c, ctx, admin.TextID(args[0]), 0) })
		})
	}
	return group("merchant", "Merchants: the tenants of your platform",
		create,
		explained(a.command("list", "List merchants", a.listMerchants), "", "tokenwright merchant list -o json"),
		explained(verb("show ID", "Show one merchant", func(c *admin.Client, ctx context.Context, id admin.MerchantID, _ int64) (*admin.Merchant, error) {
			return c.Merchant(ctx, id)
		}), "", "tokenwright merchant show 4259"),
		a.merchantUpdateCommand(),
		explained(verb("suspend ID", "Stop all API keys of a merchant, and their tokens", (*admin.Client).SuspendMerchant),
			`Stop all API keys of a merchant: they get no tokens, and those that they got are
dead, at once at this installation and within seconds for verifiers that follow
revocations. The API keys stay, and work again after merchant resume.`, "tokenwright merchant suspend 4259"),
		explained(verb("resume ID", "Let the API keys of a suspended merchant work again", (*admin.Client).ResumeMerchant),
			`Let the API keys of a suspended merchant work again. Tokens from before stay dead:
clients ask for new ones.`, "tokenwright merchant resume 4259"),
		explained(a.deleteCommand("delete ID", "End a merchant for ever; its ID never returns", func(ctx context.Context, args []string) error {
			return a.manage(ctx, func(c *admin.Client) error { return c.DeleteMerchant(ctx, admin.TextID(args[0]), 0) })
		}), `End a merchant for ever. It must have no API keys any more, disabled ones included.
Its ID never returns, and its events stay.`, "tokenwright merchant delete 4259 --yes"),
	)
}

func (a *app) merchantUpdateCommand() *cobra.Command {
	var name string
	var keyLimit int
	var c *cobra.Command
	c = a.command("update ID", "Change name or key limit", func(ctx context.Context, args []string) error {
		var u admin.MerchantUpdate
		if c.Flags().Changed("name") {
			u.Name = &name
		}
		if c.Flags().Changed("key-limit") {
			u.KeyLimit = &keyLimit
		}
		return a.merchant(ctx, func(c *admin.Client) (*admin.Merchant, error) { return c.UpdateMerchant(ctx, admin.TextID(args[0]), u) })
	})
	c.Flags().StringVar(&name, "name", "", "what people call it")
	c.Flags().IntVar(&keyLimit, "key-limit", 0, "active API keys allowed in each environment")
	return explained(c, `Change the name of a merchant, or how many active API keys it may have in each
environment. What is left out stays as it is, and so do API keys beyond a lower limit.`,
		`tokenwright merchant update 4259 --key-limit 10`)
}

// merchant runs do and prints the merchant.
func (a *app) merchant(ctx context.Context, do func(*admin.Client) (*admin.Merchant, error)) error {
	return a.manage(ctx, func(c *admin.Client) error {
		out, err := do(c)
		if err != nil {
			return err
		}
		return a.print(out, func(w io.Writer) { merchantTable(w, []admin.Merchant{*out}) })
	})
}

func (a *app) listMerchants(ctx context.Context, _ []string) error {
	return a.manage(ctx, func(c *admin.Client) error {
		out, err := admin.Collect(c.Merchants(ctx))
		if err != nil {
			return err
		}
		return a.print(out, func(w io.Writer) { merchantTable(w, out) })
	})
}

func merchantTable(w io.Writer, list []admin.Merchant) {
	row(w, "ID", "NAME", "STATUS", "KEY LIMIT", "CREATED")
	for _, m := range list {
		row(w, m.ID, m.Name, m.Status, m.KeyLimit, when(m.CreatedAt))
	}
}

// deleteCommand makes a command that cannot be undone: it wants --yes.
func (a *app) deleteCommand(use, short string, do func(ctx context.Context, args []string) error) *cobra.Command {
	var yes bool
	c := a.command(use, short, func(ctx context.Context, args []string) error {
		if !yes {
			return usageError{"deleting cannot be undone; add --yes to do it"}
		}
		if err := do(ctx, args); err != nil {
			return err
		}
		return a.print(map[string]any{"deleted": true}, func(w io.Writer) { fmt.Fprintln(w, "Deleted.") })
	})
	c.Flags().BoolVar(&yes, "yes", false, "yes, for ever")
	return c
}
