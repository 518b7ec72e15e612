package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/tokenwright/tokenwright/admin"
	"github.com/tokenwright/tokenwright/internal/authority"
)

func (a *app) signingKeyCommand() *cobra.Command {
	c := group("signing-key", "Signing keys: the key pairs that sign access tokens",
		a.signingKeyListCommand(), a.signingKeyRotateCommand(), a.signingKeyRevokeCommand())
	c.Long = `Signing keys: the key pairs that sign access tokens.

Each environment has its own. One is active: it signs. The next one is announced:
it is in the JWKS already, so that every verifier knows it before it signs. The
one before is retired: it stays in the JWKS until the last token that it signed
has expired, and is then removed.

All of that happens by itself while a server runs: signing_key_rotation says how
often (every 90 days; never, to rotate by hand only).`
	return c
}

// signingKeyTimes are the fields that the life of a signing key depends on.
var signingKeyTimes = []string{"max_staleness", "jwks_max_age", "clock_skew", "signing_key_rotation"}

func (a *app) signingKeyListCommand() *cobra.Command {
	var env string
	c := a.command("list", "List signing keys, and what comes next for each", func(ctx context.Context, _ []string) error {
		return a.manage(ctx, func(c *admin.Client) error {
			out, err := admin.Collect(c.SigningKeys(ctx, env))
			if err != nil {
				return err
			}
			return a.print(out, func(w io.Writer) {
				row(w, "KID", "ENV", "ALG", "STATUS", "ANNOUNCED", "ACTIVATED", "RETIRED", "REMOVED", "NEXT")
				for _, k := range out {
					row(w, k.KeyID, k.Env, k.Algorithm, k.Status, when(k.CreatedAt), whenever(k.ActivatedAt), whenever(k.RetiredAt),
						whenever(k.RemovedAt), comesNext(k))
				}
			})
		})
	})
	c.Flags().StringVar(&env, "env", "", "only those of this `environment`")
	a.configFlags(c.Flags(), signingKeyTimes...)
	return explained(c, `List signing keys, those that were removed or revoked included, and what comes next for
each, and when. That depends on settings: give the command the file and variables of
the server.`, "tokenwright signing-key list --env production")
}

// comesNext says what happens to a signing key next, and when.
func comesNext(k admin.SigningKey) string {
	switch authority.SigningKeyStatus(k.Status) {
	case authority.SigningKeyAnnounced:
		return "may sign from " + when(k.RipeAt)
	case authority.SigningKeyActive:
		if k.RotatesAt == nil {
			return "signs until it is rotated"
		}
		return "signs until " + whenever(k.RotatesAt)
	case authority.SigningKeyRetired:
		return "published until " + whenever(k.KeptUntil)
	}
	return ""
}

func (a *app) signingKeyRotateCommand() *cobra.Command {
	var env string
	c := a.command("rotate --env ENV", "Let the announced signing key take over", func(ctx context.Context, _ []string) error {
		return a.manage(ctx, func(c *admin.Client) error {
			out, err := c.RotateSigningKey(ctx, env)
			if err != nil {
				return err
			}
			return a.print(out, func(w io.Writer) { showRotation(w, out) })
		})
	})
	explained(c, `Let the announced signing key of an environment take over, and announce another.

That happens at once where the announced key has been published for so long that
every verifier knows it (max_staleness + jwks_max_age + clock_skew; 11 minutes by
default). Otherwise the command says when it will have been: a running server
rotates then, and there is nothing more to do. No token is refused either way.

To end a key that somebody else may have, use signing-key revoke.`, "tokenwright signing-key rotate --env production")
	c.Flags().StringVar(&env, "env", "", "the `environment`, such as demo or production")
	require(c, "env")
	a.configFlags(c.Flags(), signingKeyTimes...)
	return c
}

func showRotation(w io.Writer, r *admin.SigningKeyRotation) {
	if r.Rotated {
		fmt.Fprintf(w, "Signing key %s signs the tokens of %s from now on.\n", r.Active.KeyID, r.Active.Env)
		fmt.Fprintf(w, "Announced as the next one: %s, which may sign from %s.\n", r.Next.KeyID, when(r.Next.RipeAt))
		return
	}
	fmt.Fprintf(w, "Signing key %s takes over at %s: only then does every verifier know it.\n", r.Next.KeyID, whenever(r.RotatesAt))
	fmt.Fprintf(w, "A running server sees to it. Until then %s signs the tokens of %s.\n", r.Active.KeyID, r.Active.Env)
}

func (a *app) signingKeyRevokeCommand() *cobra.Command {
	var force, yes bool
	c := a.command("revoke KID", "End a signing key that somebody else may have, and its tokens", func(ctx context.Context, args []string) error {
		if !yes {
			return usageError{"revoking a signing key cannot be undone, and every token that it has signed is refused; add --yes to do it"}
		}
		return a.manage(ctx, func(c *admin.Client) error {
			out, err := c.RevokeSigningKey(ctx, args[0], force)
			if err != nil {
				return err
			}
			return a.print(out, func(w io.Writer) { showRevokedSigningKey(w, out, a.jwksMaxAge()) })
		})
	})
	explained(c, `End a signing key that somebody else may have. It leaves the JWKS, its private key
is wiped, and its kid is listed in the revocation feed: introspection refuses its
tokens at once, verifiers that read the feed within seconds, all others when they
fetch the JWKS again. Clients get new tokens as soon as they ask.

Where it is the active key, the announced one takes over. If that one has not been
published for long enough, the command refuses and says when it will have been.
With --force it takes over at once: the stolen key is dead sooner, but verifiers
which have not fetched the JWKS since it was announced refuse the new tokens until
they do.`,
		`tokenwright signing-key revoke NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs --yes
# A KID that begins with a hyphen stands behind two of them.
tokenwright signing-key revoke --yes -- -zbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs`)
	c.Flags().BoolVar(&force, "force", false, "do not wait until every verifier knows the next key")
	c.Flags().BoolVar(&yes, "yes", false, "yes, for ever")
	a.configFlags(c.Flags(), signingKeyTimes...)
	return c
}

// jwksMaxAge says for how long a JWKS may be kept; what a server elsewhere is
// configured to say is not known here.
func (a *app) jwksMaxAge() string {
	if a.config.Server != "" {
		return "as long as jwks_max_age of the server says"
	}
	return a.config.JWKSMaxAge.String()
}

func showRevokedSigningKey(w io.Writer, r *admin.RevokedSigningKey, maxAge string) {
	fmt.Fprintf(w, "Signing key %s is revoked. Verifiers that do not read the revocation feed may keep the JWKS that has it for %s.\n",
		r.Revoked.KeyID, maxAge)
	fmt.Fprintf(w, "Signing key %s signs the tokens of %s.\n", r.Active.KeyID, r.Active.Env)
	if r.KnownAt.After(time.Now()) {
		fmt.Fprintf(w, "Not every verifier knows it yet: those that have not fetched the JWKS anew refuse its tokens, until %s at the latest.\n", when(r.KnownAt))
	}
}
