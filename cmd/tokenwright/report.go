package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tokenwright/tokenwright/admin"
)

func (a *app) keyShowCommand() *cobra.Command {
	return a.command("show CLIENT_ID", "Show one API key, its secrets, and when and how it was used", cobra.ExactArgs(1),
		func(ctx context.Context, args []string) error {
			return a.manage(ctx, func(c *admin.Client) error {
				out, err := c.APIKey(ctx, args[0])
				if err != nil {
					return err
				}
				return a.print(out, func(w io.Writer) { detailsTable(w, out) })
			})
		})
}

func detailsTable(w io.Writer, k *admin.APIKeyDetails) {
	keyTable(w, []admin.APIKey{k.APIKey})
	fmt.Fprintln(w)
	secretTable(w, k.Secrets, time.Now())
	fmt.Fprintln(w)
	row(w, "Last used:", orNever(k.LastUsedAt), k.LastUsedFrom)
	if len(k.Usage.Last30Days) == 0 {
		return
	}
	fmt.Fprintln(w)
	row(w, "OUTCOME", "LAST 24 HOURS", "LAST 30 DAYS")
	for _, outcome := range slices.Sorted(maps.Keys(k.Usage.Last30Days)) {
		row(w, outcome, k.Usage.Last24Hours[outcome], k.Usage.Last30Days[outcome])
	}
}

func (a *app) keyReportCommand() *cobra.Command {
	var f admin.ReportFilter
	var merchant, unusedText, ageText string
	var c *cobra.Command
	c = a.command("report", "List API keys with owner, use, age of secrets, and what to look at", noArgs,
		func(ctx context.Context, _ []string) error {
			unusedFor, err := parseSpan(unusedText, "--unused-for")
			if err != nil {
				return err
			}
			secretAge, err := parseSpan(ageText, "--secret-age")
			if err != nil {
				return err
			}
			f.UnusedFor, f.SecretAge = &unusedFor, &secretAge
			f.MerchantID, f.UnusedOnly = admin.TextID(merchant), c.Flags().Changed("unused-for")
			return a.report(ctx, f)
		})
	c.Long = `List API keys as an auditor looks at them: whose each is, who made it, what it may
do, how old its secrets are, when and from where it was last used, and what to look
at: never used, unused for long, expired, ends soon, old secret.

  tokenwright key report                              everything, as a table
  tokenwright key report -o csv > keys-2027-Q1.csv    for the quarterly review
  tokenwright key report --unused-for 180d            what nobody has used for half a year`
	c.Flags().StringVar(&merchant, "merchant", "", "only those of the merchant with this `ID`")
	c.Flags().StringVar(&f.Env, "env", "", "only those of this `environment`")
	c.Flags().StringVar(&unusedText, "unused-for", "90d", "only those that nobody has used for this `span`; left out, all are listed and 90d marks them")
	c.Flags().StringVar(&ageText, "secret-age", "365d", "a newest secret of this `age` is marked as old")
	a.alsoCSV(c)
	return c
}

func (a *app) report(ctx context.Context, f admin.ReportFilter) error {
	return a.manage(ctx, func(c *admin.Client) error {
		out, err := admin.Collect(c.Report(ctx, f))
		if err != nil {
			return err
		}
		if a.output == "csv" {
			return reportCSV(a.stdout, out)
		}
		return a.print(out, func(w io.Writer) { reportTable(w, out) })
	})
}

func reportTable(w io.Writer, list []admin.APIKeyReport) {
	row(w, "NAME", "CLIENT ID", "MERCHANT", "ENV", "STATUS", "SCOPES", "CREATED BY", "NEWEST SECRET", "LAST USED", "FROM", "ISSUED 30D", "REFUSED 30D", "LOOK AT")
	for _, k := range list {
		row(w, k.Name, k.ClientID, owner(&k), k.Env, k.Status, strings.Join(k.Scopes, " "), k.CreatedBy, whenever(k.SecretCreatedAt),
			orNever(k.LastUsedAt), k.LastUsedFrom, k.Issued, k.Refused, strings.ReplaceAll(strings.Join(k.Flags, ", "), "_", " "))
	}
}

// owner says whose an API key is.
func owner(k *admin.APIKeyReport) string {
	if k.MerchantID.IsZero() {
		return "(operator)"
	}
	return strings.TrimSpace(k.MerchantID.String() + " " + k.MerchantName)
}
