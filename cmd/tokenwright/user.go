package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tokenwright/tokenwright/admin"
)

func (a *app) userCommand() *cobra.Command {
	verb := func(use, short string, do func(*admin.Client, context.Context, string, int64) (*admin.User, error)) *cobra.Command {
		return a.command(use, short, func(ctx context.Context, args []string) error {
			return a.user(ctx, func(c *admin.Client) (*admin.User, error) { return do(c, ctx, args[0], 0) })
		})
	}
	return group("user", "Users: people, and their roles at the platform or at merchants",
		a.userCreateCommand(),
		a.userListCommand(),
		explained(verb("show USER_ID", "Show one user", func(c *admin.Client, ctx context.Context, id string, _ int64) (*admin.User, error) {
			return c.User(ctx, id)
		}), "", "tokenwright user show usr_3nQ0cVb7Xa5dKe2LpRz9Tu"),
		a.userUpdateCommand(),
		explained(verb("disable USER_ID", "Keep a user from doing anything, until it is enabled", (*admin.Client).DisableUser),
			`Keep a user from doing anything: its sessions end, and it cannot sign in. API keys that
it has made stay; they belong to the merchant.`, "tokenwright user disable usr_3nQ0cVb7Xa5dKe2LpRz9Tu"),
		explained(verb("enable USER_ID", "Give a disabled user its roles again, and let a locked one in", (*admin.Client).EnableUser),
			`Give a disabled user its roles again, or let one in that is locked since it has not
signed in for 90 days.`, "tokenwright user enable usr_3nQ0cVb7Xa5dKe2LpRz9Tu"),
		a.userResetCommand(),
		explained(a.deleteCommand("delete USER_ID", "End a user for ever, and wipe its e-mail address and name", func(ctx context.Context, args []string) error {
			return a.manage(ctx, func(c *admin.Client) error { return c.DeleteUser(ctx, args[0], 0) })
		}), `End a user for ever, and wipe its e-mail address, name and roles. Its ID never returns;
events go on to name it. API keys that it has made stay.`, "tokenwright user delete usr_3nQ0cVb7Xa5dKe2LpRz9Tu --yes"),
	)
}

// userFlags are the flags that create and update share.
type userFlags struct {
	name     string
	operator bool
	roles    []string
}

func (f *userFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.name, "name", "", "what people call the user")
	c.Flags().BoolVar(&f.operator, "operator", false, "an operator of the platform, who may do everything")
	c.Flags().StringArrayVar(&f.roles, "role", nil, "a role at a merchant, as `MERCHANT=ROLE`: administrator or viewer; once for each merchant")
}

func (f *userFlags) memberships() ([]admin.Membership, error) {
	list := []admin.Membership{}
	for _, text := range f.roles {
		merchant, role, ok := strings.Cut(text, "=")
		if !ok {
			return nil, usageError{"--role is MERCHANT=ROLE, such as 4259=viewer"}
		}
		list = append(list, admin.Membership{MerchantID: admin.TextID(merchant), Role: role})
	}
	return list, nil
}

func (a *app) userCreateCommand() *cobra.Command {
	var f userFlags
	var email string
	c := a.command("create --email ADDRESS --name NAME", "Add a user; prints the link by which it begins", func(ctx context.Context, _ []string) error {
		memberships, err := f.memberships()
		if err != nil {
			return err
		}
		n := admin.NewUser{Email: email, Name: f.name, Operator: f.operator, Memberships: memberships}
		return a.manage(ctx, func(c *admin.Client) error { return a.createUser(ctx, c, n) })
	})
	explained(c, `Add a user, and print the link by which it begins. Whoever opens the link within a
day chooses a password, or an identity of single sign-on: hand it to the user
alone. It works once; tokenwright user reset makes another one.

An administrator of a merchant manages its API keys and its people, a viewer sees
both. In the console, people are also invited: an invitation is good for a week.`,
		`tokenwright user create --email ann@example.com --name "Ann" --role 4259=administrator
tokenwright user create --email olga@example.com --name "Olga" --operator`)
	f.add(c)
	c.Flags().StringVar(&email, "email", "", "the e-mail `address`, for ever")
	require(c, "email", "name")
	return c
}

// createdUser is a user with the link by which it begins.
type createdUser struct {
	admin.User
	URL          string    `json:"url"`
	URLExpiresAt time.Time `json:"urlExpiresAt"`
}

func (a *app) createUser(ctx context.Context, c *admin.Client, n admin.NewUser) error {
	u, err := c.CreateUser(ctx, n)
	if err != nil {
		return err
	}
	link, err := c.ResetUser(ctx, u.ID, u.Version)
	if err != nil {
		fmt.Fprintf(a.stderr, "The user %s was made, but has no link to begin with. Make one: tokenwright user reset %s\n", u.ID, u.ID)
		return err
	}
	if now, err := c.User(ctx, u.ID); err == nil { // who may not read users sees it as it was made
		u = now
	}
	return a.print(createdUser{*u, link.URL, link.ExpiresAt}, func(w io.Writer) {
		userTable(w, []admin.User{*u})
		fmt.Fprintln(w)
		linkRows(w, link)
		fmt.Fprintln(w, "\nThe user begins by this link, which works once. Hand it to nobody else.")
	})
}

func (a *app) userResetCommand() *cobra.Command {
	c := a.command("reset USER_ID", "Let a user choose anew how it signs in; prints the link", func(ctx context.Context, args []string) error {
		return a.manage(ctx, func(c *admin.Client) error {
			link, err := c.ResetUser(ctx, args[0], 0)
			if err != nil {
				return err
			}
			return a.print(link, func(w io.Writer) {
				linkRows(w, link)
				fmt.Fprintln(w, "\nThe user signs in again by this link, which works once. Hand it to nobody else.")
			})
		})
	})
	return explained(c, `Take from a user all that it signs in with (password, second factor, identity of
single sign-on), end its sessions, and print a link by which it chooses anew,
within a day. It is for who has lost password or device, and for links that were
not used in time. Roles stay as they are; a disabled user stays disabled.

Make sure that it is the user who asks.`, "tokenwright user reset usr_3nQ0cVb7Xa5dKe2LpRz9Tu")
}

// linkRows show a link into the console.
func linkRows(w io.Writer, l *admin.Link) {
	row(w, "Link:", l.URL)
	row(w, "Expires:", when(l.ExpiresAt))
}

func (a *app) userListCommand() *cobra.Command {
	var merchant, status string
	c := a.command("list", "List users", func(ctx context.Context, _ []string) error {
		return a.manage(ctx, func(c *admin.Client) error {
			out, err := admin.Collect(c.Users(ctx, admin.UserFilter{MerchantID: admin.TextID(merchant), Status: status}))
			if err != nil {
				return err
			}
			return a.print(out, func(w io.Writer) { userTable(w, out) })
		})
	})
	c.Flags().StringVar(&merchant, "merchant", "", "only those with a role at the merchant with this `ID`")
	c.Flags().StringVar(&status, "status", "", "only those of this `status`: active or disabled")
	return explained(c, "", `tokenwright user list --merchant 4259
tokenwright user list --status disabled -o json`)
}

func (a *app) userUpdateCommand() *cobra.Command {
	var f userFlags
	var version int64
	var noRoles bool
	var c *cobra.Command
	c = a.command("update USER_ID", "Change name or roles", func(ctx context.Context, args []string) error {
		memberships, err := f.memberships()
		if err != nil {
			return err
		}
		u := admin.UserUpdate{IfVersion: version}
		if c.Flags().Changed("name") {
			u.Name = &f.name
		}
		if c.Flags().Changed("operator") {
			u.Operator = &f.operator
		}
		if c.Flags().Changed("role") || noRoles {
			u.Memberships = &memberships
		}
		return a.user(ctx, func(c *admin.Client) (*admin.User, error) { return c.UpdateUser(ctx, args[0], u) })
	})
	f.add(c)
	c.Flags().BoolVar(&noRoles, "no-roles", false, "take the roles at all merchants away")
	exclusive(c, "role", "no-roles")
	c.Flags().Var((*fromOne)(&version), "if-version", "only where this `version` is the current one")
	return explained(c, `Change the name of a user, or its roles. What is left out stays as it is; --role names
all roles at merchants that it has from then on. The e-mail address never changes.`,
		`tokenwright user update usr_3nQ0cVb7Xa5dKe2LpRz9Tu --role 4259=administrator --role 815=viewer
tokenwright user update usr_3nQ0cVb7Xa5dKe2LpRz9Tu --operator=false`)
}

// user runs do and prints the user.
func (a *app) user(ctx context.Context, do func(*admin.Client) (*admin.User, error)) error {
	return a.manage(ctx, func(c *admin.Client) error {
		out, err := do(c)
		if err != nil {
			return err
		}
		return a.print(out, func(w io.Writer) { userTable(w, []admin.User{*out}) })
	})
}

func userTable(w io.Writer, list []admin.User) {
	row(w, "USER ID", "EMAIL", "NAME", "STATUS", "ROLES", "CREATED", "LAST SIGN-IN")
	for _, u := range list {
		var roles []string
		if u.Operator {
			roles = append(roles, "operator")
		}
		for _, m := range u.Memberships {
			roles = append(roles, m.MerchantID.String()+"="+m.Role)
		}
		row(w, u.ID, u.Email, u.Name, statusOf(&u), strings.Join(roles, " "), when(u.CreatedAt), orNever(u.LastSignInAt))
	}
}

// statusOf says whether the user is let in.
func statusOf(u *admin.User) string {
	if u.Status == "active" && u.Locked {
		return "locked"
	}
	return u.Status
}
