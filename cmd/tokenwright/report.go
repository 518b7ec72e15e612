package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tokenwright/tokenwright/admin"
	"github.com/tokenwright/tokenwright/internal/authority"
)

func (a *app) keyShowCommand() *cobra.Command {
	c := a.command("show CLIENT_ID", "Show one API key, its secrets, and when and how it was used",
		func(ctx context.Context, args []string) error {
			return a.manage(ctx, func(c *admin.Client) error {
				out, err := c.APIKey(ctx, args[0])
				if err != nil {
					return err
				}
				return a.print(out, func(w io.Writer) { detailsTable(w, out) })
			})
		})
	return explained(c, `Show one API key: what it may do, each of its secrets with its last use and whether
it is safe to delete, and how many requests for tokens were answered with what in
the last 24 hours and 30 days.`, "tokenwright key show twc_demo_2ghWZyH4hVaV9dLq0cTJkN")
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
	c = a.command("report", "List API keys with owner, use, age of secrets, and what to look at",
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
	explained(c, `List API keys as an auditor looks at them: whose each is, who made it, what it may
do, how old the secrets are that work, when it was last used, how often in 30 days,
and what to look at: never used, unused for long, expired, expires soon (in 30 days),
old secret.

The table shortens long texts, and writes scopes of one collection as one
(customers:read,write). JSON has everything; CSV (RFC 4180, UTF-8, a line for each
secret) has it for spreadsheets: text that one would take for a formula begins with
an apostrophe.`,
		`tokenwright key report
# For the quarterly review.
tokenwright key report -o csv > keys-2027-Q1.csv
# What nobody has used for half a year.
tokenwright key report --unused-for 180d`)
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
		return a.print(out, func(w io.Writer) { reportTable(w, out, time.Now()) })
	})
}

// reportTable has what fits on a line: times and texts whole are in JSON and CSV.
func reportTable(w io.Writer, list []admin.APIKeyReport, now time.Time) {
	row(w, "NAME", "CLIENT ID", "MERCHANT", "SCOPES", "CREATED BY", "SECRET AGE", "LAST USED", "TOKENS 30D", "LOOK AT")
	for i := range list {
		k := &list[i]
		tokens, used := strconv.FormatInt(k.Issued, 10), "never"
		if k.Refused > 0 {
			tokens += ", " + strconv.FormatInt(k.Refused, 10) + " refused"
		}
		if k.LastUsedAt != nil {
			used = roughly(now.Sub(*k.LastUsedAt)) + " ago"
		}
		row(w, cut(k.Name, 20), k.ClientID, cut(owner(k), 16), cut(grouped(k.Scopes), 24), ends(k.CreatedBy, 16), secretAges(k, now), used, tokens, lookAt(k, now))
	}
}

// grouped writes scopes of one collection as one: customers:read,write.
func grouped(scopes []string) string {
	var b strings.Builder
	last := ""
	for _, scope := range scopes { // in their order
		collection, level, _ := strings.Cut(scope, ":")
		switch {
		case b.Len() > 0 && collection == last:
			b.WriteString("," + level)
			continue
		case b.Len() > 0:
			b.WriteString(" ")
		}
		b.WriteString(scope)
		last = collection
	}
	return b.String()
}

// secretAges are those of the secrets that work, the oldest first.
func secretAges(k *admin.APIKeyReport, now time.Time) string {
	var ages []string
	for i := range k.Secrets {
		if stateOf(&k.Secrets[i], now) != "expired" {
			ages = append(ages, roughly(now.Sub(k.Secrets[i].CreatedAt)))
		}
	}
	return strings.Join(ages, ", ")
}

// lookAt is what to look at, and when an end that is near will come.
func lookAt(k *admin.APIKeyReport, now time.Time) string {
	var list []string
	if k.Status != string(authority.Active) {
		list = append(list, k.Status)
	}
	for _, flag := range k.Flags {
		text := strings.ReplaceAll(flag, "_", " ")
		if flag == string(authority.ExpiresSoon) {
			text += " (" + roughly(firstEnd(k).Sub(now)) + ")"
		}
		list = append(list, text)
	}
	return strings.Join(list, ", ")
}

// firstEnd is that of the API key or of its last secret; now where there is none.
func firstEnd(k *admin.APIKeyReport) time.Time {
	switch a, b := k.ExpiresAt, k.SecretExpiresAt; {
	case a == nil && b == nil:
		return time.Now()
	case a == nil || b != nil && b.Before(*a):
		return *b
	default:
		return *a
	}
}

// roughly is a span of time in days, or hours, or minutes.
func roughly(d time.Duration) string {
	switch d = max(d, 0).Round(time.Second); {
	case d >= day:
		return strconv.Itoa(int(d/day)) + "d"
	case d >= time.Hour:
		return strconv.Itoa(int(d/time.Hour)) + "h"
	}
	return strconv.Itoa(int(d/time.Minute)) + "m"
}

// ends leaves so many characters of a text, half at each end: how API keys that
// created others begin, all do.
func ends(text string, most int) string {
	runes := []rune(text)
	if len(runes) <= most {
		return text
	}
	return string(runes[:most/2]) + "…" + string(runes[len(runes)-most/2+1:])
}

// cut leaves so many characters of a text.
func cut(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}

// owner says whose an API key is.
func owner(k *admin.APIKeyReport) string {
	if k.MerchantID.IsZero() {
		return "(operator)"
	}
	return strings.TrimSpace(k.MerchantID.String() + " " + k.MerchantName)
}
