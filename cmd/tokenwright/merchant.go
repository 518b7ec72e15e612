package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tokenwright/tokenwright/admin"
	"github.com/tokenwright/tokenwright/internal/authority"
)

func (a *app) merchantCommand() *cobra.Command {
	var id, name string
	var keyLimit int
	create := a.command("create --id ID --name NAME", "Add a merchant", noArgs, func(ctx context.Context, _ []string) error {
		return a.merchant(ctx, id, func(auth *authority.Authority, actor authority.Actor, id authority.MerchantID) (*authority.Merchant, error) {
			return auth.CreateMerchant(ctx, actor, authority.NewMerchant{ID: id, Name: name})
		})
	})
	create.Flags().StringVar(&id, "id", "", "the merchant's `ID` in your platform")
	create.Flags().StringVar(&name, "name", "", "what people call it")
	require(create, "id", "name")

	var update *cobra.Command
	update = a.command("update ID", "Change name or key limit", cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
		var u authority.MerchantUpdate
		if update.Flags().Changed("name") {
			u.Name = &name
		}
		if update.Flags().Changed("key-limit") {
			u.KeyLimit = &keyLimit
		}
		return a.merchant(ctx, args[0], func(auth *authority.Authority, actor authority.Actor, id authority.MerchantID) (*authority.Merchant, error) {
			return auth.UpdateMerchant(ctx, actor, id, u)
		})
	})
	update.Flags().StringVar(&name, "name", "", "what people call it")
	update.Flags().IntVar(&keyLimit, "key-limit", authority.DefaultKeyLimit, "active API keys allowed in each environment")

	verb := func(use, short string, do func(*authority.Authority, context.Context, authority.Actor, authority.MerchantID, int64) (*authority.Merchant, error)) *cobra.Command {
		return a.command(use, short, cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
			return a.merchant(ctx, args[0], func(auth *authority.Authority, actor authority.Actor, id authority.MerchantID) (*authority.Merchant, error) {
				return do(auth, ctx, actor, id, 0)
			})
		})
	}
	return group("merchant", "Merchants: the tenants of your platform",
		create,
		a.command("list", "List merchants", noArgs, a.listMerchants),
		verb("show ID", "Show one merchant", func(auth *authority.Authority, ctx context.Context, actor authority.Actor, id authority.MerchantID, _ int64) (*authority.Merchant, error) {
			return auth.Merchant(ctx, actor, id)
		}),
		update,
		verb("suspend ID", "Stop all API keys of a merchant, and their tokens", (*authority.Authority).SuspendMerchant),
		verb("resume ID", "Let the API keys of a suspended merchant work again", (*authority.Authority).ResumeMerchant),
		a.deleteCommand("delete ID", "End a merchant for ever; its ID never returns", func(ctx context.Context, args []string) error {
			return a.manage(ctx, func(auth *authority.Authority, actor authority.Actor) error {
				inst := auth.Installation()
				id, err := inst.ParseMerchantID(args[0])
				if err != nil {
					return err
				}
				return auth.DeleteMerchant(ctx, actor, id, 0)
			})
		}),
	)
}

// merchant runs do on the merchant of the given ID and prints it.
func (a *app) merchant(ctx context.Context, text string,
	do func(*authority.Authority, authority.Actor, authority.MerchantID) (*authority.Merchant, error)) error {
	return a.manage(ctx, func(auth *authority.Authority, actor authority.Actor) error {
		inst := auth.Installation()
		id, err := inst.ParseMerchantID(text)
		if err != nil {
			return err
		}
		m, err := do(auth, actor, id)
		if err != nil {
			return err
		}
		out := wireOf(auth).merchant(m)
		return a.print(out, func(w io.Writer) { merchantTable(w, []admin.Merchant{out}) })
	})
}

func (a *app) listMerchants(ctx context.Context, _ []string) error {
	return a.manage(ctx, func(auth *authority.Authority, _ authority.Actor) error {
		list, err := readAll(func(last authority.Merchant) ([]authority.Merchant, error) {
			return auth.Merchants(ctx, commandActor(), last.ID, pageSize)
		})
		if err != nil {
			return err
		}
		out := wireAll(list, wireOf(auth).merchant)
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
	c := a.command(use, short, cobra.ExactArgs(len(strings.Fields(use))-1), func(ctx context.Context, args []string) error {
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

// require marks flags that a command cannot do without.
func require(c *cobra.Command, flags ...string) {
	for _, name := range flags {
		if err := c.MarkFlagRequired(name); err != nil {
			panic(err) // a flag of that name was just added
		}
	}
}
