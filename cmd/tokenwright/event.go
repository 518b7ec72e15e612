package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/tokenwright/tokenwright/admin"
	"github.com/tokenwright/tokenwright/internal/authority"
)

func (a *app) eventCommand() *cobra.Command {
	var f admin.EventFilter
	var merchant string
	var limit int
	list := a.command("list", "List events, the oldest first", noArgs, func(ctx context.Context, _ []string) error {
		f.MerchantID = admin.TextID(merchant)
		return a.manage(ctx, func(c *admin.Client) error {
			out := []admin.Event{}
			for e, err := range c.Events(ctx, f) {
				if err != nil {
					return err
				}
				if out = append(out, e); len(out) == limit {
					break
				}
			}
			return a.print(out, func(w io.Writer) {
				row(w, "SEQ", "TIME", "ACTOR", "EVENT", "SUBJECT", "DETAILS")
				for _, e := range out {
					row(w, e.Seq, when(e.Time), e.Actor, e.Kind, e.Subject, string(e.Details))
				}
			})
		})
	})
	list.Flags().Int64Var(&f.After, "after", 0, "only events behind this `sequence` number")
	list.Flags().StringVar(&f.Kind, "kind", "", "only events of this `kind`, such as api_key.created")
	list.Flags().StringVar(&f.Subject, "subject", "", "only events about this `ID`")
	list.Flags().StringVar(&f.Actor, "actor", "", "only what this `actor` did")
	list.Flags().StringVar(&merchant, "merchant", "", "only events about the merchant with this `ID`")
	list.Flags().StringVar(&f.Env, "env", "", "only events about this `environment`")
	list.Flags().IntVar(&limit, "limit", 0, "at most this many (default: all)")

	explained(list, `List events, the oldest first: who has changed what, when, and from where. Each change
is one, whether it came from the console, the admin API or a command. Flags that
choose events can be combined.`,
		`tokenwright event list --merchant 4259 --kind api_key.created
# What has happened since event 812, for a program.
tokenwright event list --after 812 -o json`)

	var head string
	verify := a.command("verify", "Check that no event was changed, removed or cut off", noArgs, func(ctx context.Context, _ []string) error {
		expected, err := parseHead(head)
		if err != nil {
			return err
		}
		return a.verifyEvents(ctx, expected)
	})
	verify.Flags().StringVar(&head, "head", "", "a head noted earlier, as `SEQ:HASH` (the server logs one each hour)")
	explained(verify, `Check that no event was changed or removed: each carries a keyed hash over the one
before it. That the last ones were cut off is noticed by a head from earlier: the
number and the hash of an event, which the server logs each hour.

Exit code 0 means that every event is as it was written, 1 that one is not; the answer
names the first. It works on the database itself, not with --server.`,
		`tokenwright event verify
tokenwright event verify --head 10:6feb1d73b1e7424c973b2b0d285cbc01343267a716c13adb3a8f4efd10642852`)
	return group("event", "Events: the audit log", list, verify)
}

func parseHead(text string) (*authority.EventHead, error) {
	if text == "" {
		return nil, nil
	}
	head, err := authority.ParseEventHead(text)
	if err != nil {
		return nil, usageError{"--head is SEQ:HASH, a number and 64 hexadecimal digits"}
	}
	return &head, nil
}

func (a *app) verifyEvents(ctx context.Context, expected *authority.EventHead) error {
	return a.manageDatabase(ctx, func(auth *authority.Authority, _ authority.Actor) error {
		var progress func(int64)
		if styleOf(a.stderr, a.environ) {
			progress = func(seq int64) {
				if seq%10_000 == 0 {
					fmt.Fprintf(a.stderr, "\r%d events checked", seq)
				}
			}
		}
		head, err := auth.VerifyEvents(ctx, expected, progress)
		out := admin.EventVerification{OK: err == nil, Events: head.Seq, Head: head.String()}
		var broken *authority.ChainError
		if errors.As(err, &broken) {
			out.Broken, out.Reason = broken.Seq, broken.Reason
		} else if err != nil {
			return err
		}
		if err := a.print(out, func(w io.Writer) {
			if out.OK {
				fmt.Fprintf(w, "%d events, each as it was written.\nHead: %s\n", out.Events, out.Head)
				return
			}
			fmt.Fprintf(w, "Event %d %s.\nThe %d events before it are intact.\n", out.Broken, out.Reason, out.Events)
		}); err != nil {
			return err
		}
		if !out.OK {
			return errReported
		}
		return nil
	})
}
