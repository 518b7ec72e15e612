package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/tokenwright/tokenwright/admin"
)

func (a *app) keyRotateCommand() *cobra.Command {
	var r admin.Rotation
	var overlap, expires string
	c := a.command("rotate CLIENT_ID", "Give an API key another secret; the old ones end after the overlap",
		func(ctx context.Context, args []string) (err error) {
			now := time.Now()
			span, err := parseSpan(overlap, "--overlap")
			if err != nil {
				return err
			}
			seconds := int64(span / time.Second)
			r.Overlap = &seconds
			if r.ExpiresAt, err = parseExpiry(expires, now); err != nil {
				return err
			}
			return a.rotate(ctx, args[0], r)
		})
	explained(c, `Give an API key another secret, which is shown once. The older secrets are retired:
each works on for the overlap, or until its own end if that comes first, so that
every copy of your application can be given the new one in peace. An answer to a
retired secret says when it ends, in the header Tokenwright-Secret-Expires.

Tokens that were issued before stay valid, unless --revoke-tokens is given.`,
		`tokenwright key rotate twc_demo_2ghWZyH4hVaV9dLq0cTJkN --overlap 7d --name "2027-01"
# After a leak: nothing of before works on.
tokenwright key rotate twc_demo_2ghWZyH4hVaV9dLq0cTJkN --overlap 0 --revoke-tokens`)
	c.Flags().StringVar(&overlap, "overlap", "24h", "how long the older secrets work on: a span (24h, 7d), or 0 to end them at once")
	c.Flags().StringVar(&r.Name, "name", "", "what people call the new secret")
	c.Flags().StringVar(&expires, "expires", "never", "when the new secret ends: a time (RFC 3339), a span (90d, 12h) or never")
	c.Flags().BoolVar(&r.RevokeTokens, "revoke-tokens", false, "kill the tokens issued so far as well")
	c.Flags().Var((*fromOne)(&r.IfVersion), "if-version", "only where this `version` is the current one")
	return c
}

func (a *app) rotate(ctx context.Context, clientID string, r admin.Rotation) error {
	return a.manage(ctx, func(c *admin.Client) error {
		created, err := c.RotateAPIKey(ctx, clientID, r)
		if err != nil {
			return err
		}
		return a.printSecret(created, func(w io.Writer, out *admin.CreatedAPIKey) {
			fmt.Fprintln(w)
			secretTable(w, out.Secrets, time.Now())
		})
	})
}

func (a *app) keySecretCommand() *cobra.Command {
	var revoke bool
	remove := a.deleteCommand("delete CLIENT_ID SECRET_ID", "End one secret at once", func(ctx context.Context, args []string) error {
		secret, err := strconv.ParseInt(args[1], 10, 64)
		if err != nil {
			return usageError{"SECRET_ID is a number, which tokenwright key secret list shows"}
		}
		return a.manage(ctx, func(c *admin.Client) error { return c.DeleteSecret(ctx, args[0], secret, revoke, 0) })
	})
	explained(remove, `End one secret of an API key at once. SECRET_ID is the number that key secret list
shows. The last one that works stays: rotate first, or disable or delete the API key.`,
		`tokenwright key secret delete twc_demo_2ghWZyH4hVaV9dLq0cTJkN 1 --yes`)
	remove.Flags().BoolVar(&revoke, "revoke-tokens", false, "kill the tokens issued so far as well")
	return group("secret", "The secrets of an API key",
		explained(a.command("list CLIENT_ID", "List the secrets of an API key", func(ctx context.Context, args []string) error {
			return a.manage(ctx, func(c *admin.Client) error {
				out, err := admin.Collect(c.Secrets(ctx, args[0]))
				if err != nil {
					return err
				}
				return a.print(out, func(w io.Writer) { secretTable(w, out, time.Now()) })
			})
		}), `List the secrets of an API key that were not deleted: the last four characters of
each, when and from where it was last used, and whether a retired one is safe to
delete because nobody uses it any more.`, "tokenwright key secret list twc_demo_2ghWZyH4hVaV9dLq0cTJkN"),
		remove)
}

func secretTable(w io.Writer, list []admin.Secret, now time.Time) {
	row(w, "SECRET", "NAME", "HINT", "STATE", "CREATED", "EXPIRES", "LAST USED", "FROM", "DELETE")
	for _, s := range list {
		row(w, s.ID, s.Name, "…"+s.Hint, stateOf(&s, now), when(s.CreatedAt), orNever(s.ExpiresAt), orNever(s.LastUsedAt), s.LastUsedFrom, deletable(&s))
	}
}

// deletable says of a retired secret whether somebody may still need it.
func deletable(s *admin.Secret) string {
	switch {
	case s.RetiredAt == nil:
		return ""
	case s.SafeToDelete:
		return "safe"
	case s.LastUsedAt != nil && !s.LastUsedAt.Before(*s.RetiredAt):
		return "no: used since it was retired at " + when(*s.RetiredAt)
	}
	return "not yet: unused, but only since " + when(*s.RetiredAt)
}

func stateOf(s *admin.Secret, now time.Time) string {
	switch {
	case s.LeakedAt != nil:
		return "leaked"
	case s.ExpiresAt != nil && !s.ExpiresAt.After(now):
		return "expired"
	case s.RetiredAt != nil:
		return "retired"
	}
	return "current"
}
