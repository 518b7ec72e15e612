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
	"github.com/tokenwright/tokenwright/internal/authority"
)

const month = 30 * day

func (a *app) keyShowCommand() *cobra.Command {
	return a.command("show CLIENT_ID", "Show one API key, its secrets, and when and how it was used", cobra.ExactArgs(1),
		func(ctx context.Context, args []string) error {
			return a.manage(ctx, func(auth *authority.Authority, _ authority.Actor) error {
				out, err := a.details(ctx, auth, authority.ClientID(args[0]))
				if err != nil {
					return err
				}
				return a.print(out, func(w io.Writer) { detailsTable(w, out) })
			})
		})
}

func (a *app) details(ctx context.Context, auth *authority.Authority, id authority.ClientID) (*admin.APIKeyDetails, error) {
	k, err := auth.APIKey(ctx, commandActor(), id)
	if err != nil {
		return nil, err
	}
	w := wireOf(auth)
	usage, err := auth.Usage(ctx, commandActor(), id, w.now.Add(-month).Truncate(time.Hour), w.now.Add(time.Hour))
	if err != nil {
		return nil, err
	}
	return &admin.APIKeyDetails{
		APIKey: w.apiKey(k), LastUsedAt: optional(k.LastUsedAt), LastUsedFrom: k.LastUsedFrom, Usage: w.usage(usage),
	}, nil
}

// usage adds up the hours of the last 30 days.
func (w wire) usage(list []authority.HourUsage) admin.Usage {
	sums := admin.Usage{Last24Hours: map[string]int64{}, Last30Days: map[string]int64{}}
	lately := w.now.Add(-day).Truncate(time.Hour)
	for i := range list {
		u := &list[i]
		sums.Last30Days[string(u.Outcome)] += u.Count
		if !u.Hour.Before(lately) {
			sums.Last24Hours[string(u.Outcome)] += u.Count
		}
	}
	return sums
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
	var f authority.APIKeyFilter
	var merchant, unusedText, ageText string
	var c *cobra.Command
	c = a.command("report", "List API keys with their use, and what to look at: never used, unused for long, ends soon, old secret", noArgs,
		func(ctx context.Context, _ []string) error {
			unusedFor, err := parseSpan(unusedText, "--unused-for")
			if err != nil {
				return err
			}
			secretAge, err := parseSpan(ageText, "--secret-age")
			if err != nil {
				return err
			}
			f.MerchantID = authority.MerchantID(merchant)
			return a.report(ctx, f, unusedFor, secretAge, c.Flags().Changed("unused-for"))
		})
	c.Flags().StringVar(&merchant, "merchant", "", "only those of the merchant with this `ID`")
	c.Flags().StringVar(&f.Env, "env", "", "only those of this `environment`")
	c.Flags().StringVar(&unusedText, "unused-for", "90d", "only those that nobody has used for this `span`; left out, all are listed and 90d marks them")
	c.Flags().StringVar(&ageText, "secret-age", "365d", "a newest secret of this `age` is marked as old")
	return c
}

func (a *app) report(ctx context.Context, f authority.APIKeyFilter, unusedFor, secretAge time.Duration, unusedOnly bool) error {
	return a.manage(ctx, func(auth *authority.Authority, _ authority.Actor) error {
		w, out := wireOf(auth), []admin.APIKeyReport{}
		for after := authority.ClientID(""); ; {
			page, err := auth.KeyUses(ctx, commandActor(), f, w.now.Add(-month), after, pageSize)
			if err != nil {
				return err
			}
			for i := range page {
				flags := page[i].Flags(w.now, unusedFor, secretAge)
				if !unusedOnly || slices.Contains(flags, authority.Unused) {
					out = append(out, w.report(&page[i], flags))
				}
			}
			if len(page) < pageSize {
				break
			}
			after = page[len(page)-1].ID
		}
		return a.print(out, func(w io.Writer) { reportTable(w, out) })
	})
}

func (w wire) report(u *authority.KeyUse, flags []authority.KeyFlag) admin.APIKeyReport {
	return admin.APIKeyReport{
		ClientID: string(u.ID), Name: u.Name, MerchantID: w.merchantID(u.MerchantID), Env: u.Env, Status: string(u.Status),
		CreatedAt: u.CreatedAt, ExpiresAt: optional(u.ExpiresAt),
		SecretCreatedAt: optional(u.SecretCreatedAt), SecretExpiresAt: optional(u.SecretExpiresAt),
		LastUsedAt: optional(u.LastUsedAt), LastUsedFrom: u.LastUsedFrom, Issued: u.Issued, Refused: u.Refused,
		Flags: wireAll(flags, func(f *authority.KeyFlag) string { return string(*f) }),
	}
}

func reportTable(w io.Writer, list []admin.APIKeyReport) {
	row(w, "NAME", "CLIENT ID", "MERCHANT", "ENV", "STATUS", "LAST USED", "FROM", "ISSUED 30D", "REFUSED 30D", "LOOK AT")
	for _, k := range list {
		row(w, k.Name, k.ClientID, k.MerchantID, k.Env, k.Status, orNever(k.LastUsedAt), k.LastUsedFrom, k.Issued, k.Refused,
			strings.ReplaceAll(strings.Join(k.Flags, ", "), "_", " "))
	}
}
