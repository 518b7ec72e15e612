package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tokenwright/tokenwright/admin"
	"github.com/tokenwright/tokenwright/internal/authority"
)

func (a *app) keyCommand() *cobra.Command {
	verb := func(use, short string, do func(*admin.Client, context.Context, string, int64) (*admin.APIKey, error)) *cobra.Command {
		return a.command(use, short, func(ctx context.Context, args []string) error {
			return a.key(ctx, func(c *admin.Client) (*admin.APIKey, error) { return do(c, ctx, args[0], 0) })
		})
	}
	return group("key", "API keys: an API key is an OAuth client with its secrets",
		a.keyCreateCommand(),
		a.keyListCommand(),
		a.keyShowCommand(),
		a.keyReportCommand(),
		a.keyUpdateCommand(),
		a.keyRotateCommand(),
		a.keySecretCommand(),
		explained(verb("disable CLIENT_ID", "Stop an API key and its tokens, until it is enabled", (*admin.Client).DisableAPIKey),
			`Stop an API key: it gets no tokens, and those that it got are dead, at once at this
installation and within seconds for verifiers that follow revocations. Its secrets
stay, and work again after key enable.`, "tokenwright key disable twc_demo_2ghWZyH4hVaV9dLq0cTJkN"),
		explained(verb("enable CLIENT_ID", "Let a disabled API key work again", (*admin.Client).EnableAPIKey),
			`Let a disabled API key work again, with the secrets that it has. It counts as an
active one again, for which the limit of its merchant must have room.`, "tokenwright key enable twc_demo_2ghWZyH4hVaV9dLq0cTJkN"),
		explained(a.deleteCommand("delete CLIENT_ID", "End an API key and its tokens for ever", func(ctx context.Context, args []string) error {
			return a.manage(ctx, func(c *admin.Client) error { return c.DeleteAPIKey(ctx, args[0], 0) })
		}), `End an API key for ever, with its secrets and its tokens. Its ID never returns.

Where you are not sure that nobody needs it, look at key show, or disable it first.`, "tokenwright key delete twc_demo_2ghWZyH4hVaV9dLq0cTJkN --yes"),
	)
}

// keyFlags are the flags that create and update share.
type keyFlags struct {
	name, description, expires string
	scopes, cidrs              []string
}

func (f *keyFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.name, "name", "", "what people call it")
	c.Flags().StringVar(&f.description, "description", "", "what it is for")
	mark(c, "description", mayBeEmpty)
	c.Flags().StringArrayVar(&f.scopes, "scope", nil, "a `scope` it may use; once for each")
	c.Flags().StringArrayVar(&f.cidrs, "allow-cidr", nil, "an address or `network` from where tokens may be asked for; once for each, none for everywhere")
	c.Flags().StringVar(&f.expires, "expires", "never", "when it ends: a time (RFC 3339), a span (90d, 12h) or never")
}

func (a *app) keyCreateCommand() *cobra.Command {
	var f keyFlags
	var merchant, env string
	var operator bool
	c := a.command("create --merchant ID --env ENV --name NAME --scope SCOPE…", "Make an API key; its secret is shown once",
		func(ctx context.Context, _ []string) error {
			if operator != (merchant == "") || operator && env != "" || !operator && env == "" {
				return usageError{"name --merchant and --env, or --operator for a key of the platform's own"}
			}
			expires, err := parseExpiry(f.expires, time.Now())
			if err != nil {
				return err
			}
			n := admin.NewAPIKey{
				MerchantID: admin.TextID(merchant), Env: env, Name: f.name, Description: f.description, Scopes: f.scopes, AllowedCIDRs: f.cidrs, ExpiresAt: expires,
			}
			if operator {
				n.Env = authority.Platform
			}
			return a.createKey(ctx, n)
		})
	explained(c, `Make an API key. Its secret is shown once, by this command alone.

An operator key belongs to no merchant. It manages the installation through the
admin API, and holds management scopes alone: merchants:read, merchants:write,
merchants:delete, likewise scopes:…, api-keys:…, signing-keys:… and users:…,
events:read, usage:read, tokens:introspect. A merchant's API key may hold api-keys:read,
api-keys:write and api-keys:delete, and manages API keys of its merchant and
environment with them.`,
		`tokenwright key create --merchant 4259 --env demo --name "Orders sync" --scope customers:read --scope customers:write
# One that ends by itself and gets tokens from one network only.
tokenwright key create --merchant 4259 --env production --name "Migration" --scope customers:write --expires 30d --allow-cidr 192.0.2.0/24
# An operator key.
tokenwright key create --operator --name "Provisioning" --scope merchants:write --scope api-keys:write`)
	f.add(c)
	c.Flags().StringVar(&merchant, "merchant", "", "`ID` of the merchant it belongs to")
	c.Flags().StringVar(&env, "env", "", "`environment` it works in, such as demo or production")
	c.Flags().BoolVar(&operator, "operator", false, "make an operator key: no merchant, management scopes only")
	require(c, "name")
	return c
}

func (a *app) createKey(ctx context.Context, n admin.NewAPIKey) error {
	return a.manage(ctx, func(c *admin.Client) error {
		created, err := c.CreateAPIKey(ctx, n)
		if err != nil {
			return err
		}
		return a.printSecret(created, func(w io.Writer, out *admin.CreatedAPIKey) {
			row(w, "Scopes:", strings.Join(out.Scopes, " "))
		})
	})
}

// printSecret shows a new secret, the only time, and what more tells about it.
func (a *app) printSecret(out *admin.CreatedAPIKey, more func(io.Writer, *admin.CreatedAPIKey)) error {
	return a.print(out, func(w io.Writer) {
		row(w, "Client ID:", out.ClientID)
		row(w, "Client secret:", out.ClientSecret)
		more(w, out)
		fmt.Fprintln(w, "\nThe secret is shown this once. Keep it where your application reads its secrets.")
		if len(out.Scopes) == 0 {
			fmt.Fprintf(w, "It has no scopes yet and gets no token: tokenwright key update %s --scope …\n", out.ClientID)
		}
	})
}

func (a *app) keyListCommand() *cobra.Command {
	var merchant, env string
	c := a.command("list", "List API keys", func(ctx context.Context, _ []string) error {
		return a.manage(ctx, func(c *admin.Client) error {
			out, err := admin.Collect(c.APIKeys(ctx, admin.APIKeyFilter{MerchantID: admin.TextID(merchant), Env: env}))
			if err != nil {
				return err
			}
			return a.print(out, func(w io.Writer) { keyTable(w, out) })
		})
	})
	c.Flags().StringVar(&merchant, "merchant", "", "only those of the merchant with this `ID`")
	c.Flags().StringVar(&env, "env", "", "only those of this `environment`")
	return explained(c, `List API keys, operator keys among them. key report tells more: use, age of secrets,
and what to look at.`,
		`tokenwright key list
tokenwright key list --merchant 4259 --env demo -o json`)
}

func (a *app) keyUpdateCommand() *cobra.Command {
	var f keyFlags
	var version int64
	var noScopes, anywhere, revoke bool
	var c *cobra.Command
	c = a.command("update CLIENT_ID", "Change name, description, scopes, allowed networks or expiry", func(ctx context.Context, args []string) error {
		u := admin.APIKeyUpdate{IfVersion: version, RevokeTokens: revoke}
		if c.Flags().Changed("name") {
			u.Name = &f.name
		}
		if c.Flags().Changed("description") {
			u.Description = &f.description
		}
		if c.Flags().Changed("scope") || noScopes {
			u.Scopes = &f.scopes
		}
		if c.Flags().Changed("allow-cidr") || anywhere {
			u.AllowedCIDRs = &f.cidrs
		}
		if c.Flags().Changed("expires") {
			expires, err := parseExpiry(f.expires, time.Now())
			if err != nil {
				return err
			}
			u.ExpiresAt = &expires
		}
		return a.key(ctx, func(c *admin.Client) (*admin.APIKey, error) { return c.UpdateAPIKey(ctx, args[0], u) })
	})
	f.add(c)
	c.Flags().Lookup("expires").DefValue = "" // it stays
	c.Flags().BoolVar(&noScopes, "no-scopes", false, "take all scopes away")
	exclusive(c, "scope", "no-scopes")
	c.Flags().BoolVar(&anywhere, "allow-anywhere", false, "let tokens be asked for from everywhere again")
	exclusive(c, "allow-cidr", "allow-anywhere")
	c.Flags().BoolVar(&revoke, "revoke-tokens", false, "kill the tokens issued so far; without it changes act at the next token")
	c.Flags().Var((*fromOne)(&version), "if-version", "only where this `version` is the current one")
	return explained(c, `Change an API key. What is left out stays as it is; --scope and --allow-cidr name all
that it has from then on. Changes act at the next token, so within the life of the
present one, unless --revoke-tokens ends those issued so far.`,
		`tokenwright key update twc_demo_2ghWZyH4hVaV9dLq0cTJkN --scope customers:read --scope orders:read
tokenwright key update twc_demo_2ghWZyH4hVaV9dLq0cTJkN --expires 90d --name "Orders sync, old"
# End every token of an API key, and nothing else.
tokenwright key update twc_demo_2ghWZyH4hVaV9dLq0cTJkN --revoke-tokens`)
}

// key runs do and prints the API key.
func (a *app) key(ctx context.Context, do func(*admin.Client) (*admin.APIKey, error)) error {
	return a.manage(ctx, func(c *admin.Client) error {
		out, err := do(c)
		if err != nil {
			return err
		}
		return a.print(out, func(w io.Writer) { keyTable(w, []admin.APIKey{*out}) })
	})
}

func keyTable(w io.Writer, list []admin.APIKey) {
	row(w, "NAME", "CLIENT ID", "MERCHANT", "ENV", "STATUS", "SCOPES", "CREATED", "EXPIRES")
	for _, k := range list {
		row(w, k.Name, k.ClientID, k.MerchantID, k.Env, k.Status, strings.Join(k.Scopes, " "), when(k.CreatedAt), orNever(k.ExpiresAt))
	}
}
