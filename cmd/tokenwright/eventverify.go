package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tokenwright/tokenwright/admin"
	"github.com/tokenwright/tokenwright/internal/authority"
)

// eventCheck is what event verify is asked for.
type eventCheck struct {
	heads     []string
	headsFile string
	export    string // "" for the database
	from      string
	keyFile   string
}

func (a *app) verifyEventsCommand() *cobra.Command {
	var v eventCheck
	verify := a.command("verify", "Check that no event was changed, removed or cut off, and the database against them", func(ctx context.Context, _ []string) error {
		var from authority.EventHead
		if v.from != "" {
			var err error
			if from, err = parseHead("--from", v.from); err != nil {
				return err
			}
		}
		noted, err := notedHeads(v.heads, v.headsFile, from.Seq)
		if err != nil {
			return err
		}
		if v.export != "" {
			return a.verifyExport(&v, from, noted)
		}
		if v.from != "" || v.keyFile != "" {
			return usageError{"--from and --chain-key-file are for --export: in the database everything is verified, with the master key"}
		}
		return a.manageDatabase(ctx, func(auth *authority.Authority, _ authority.Actor) error {
			head, differences, err := auth.VerifyState(ctx, noted, a.verifying())
			out := admin.EventVerification{Events: head.Seq, Head: head.String(), Heads: len(noted)}
			for i := range differences {
				out.Differences = append(out.Differences, differences[i].String())
			}
			return a.printVerification(out, err, "")
		})
	})
	verify.Flags().StringArrayVar(&v.heads, "head", nil, "a head noted earlier, as `SEQ:HASH` (the server logs one each hour); may be repeated")
	verify.Flags().StringVar(&v.headsFile, "heads", "", "a `file` with heads: a server's log, or lines SEQ:HASH")
	verify.Flags().StringVar(&v.export, "export", "", "verify this `file` instead of the database: an export of events as JSON; - is standard input")
	verify.Flags().StringVar(&v.from, "from", "", "with --export: verify what stands behind this head, as `SEQ:HASH`")
	verify.Flags().StringVar(&v.keyFile, "chain-key-file", "", "with --export: the `file` with the event-chain key; "+chainKeyVariable)
	return explained(verify, `Check that no event was changed or removed: each carries a keyed hash over the one
before it. That the last ones were cut off is noticed by a head from earlier: the
number and the hash of an event, which the server logs each hour. --heads compares
all that a log has.

With --export it needs neither the database nor the master key, but an export and the
event-chain key, which event chain-key prints. An export is what event list prints as
JSON without other flags, or the console's export as NDJSON without a filter: one of a
choice of events has gaps. One that begins in the middle, as event list --after makes
it, is verified --from the head before it.

Without --export it works on the database itself, not with --server, and also holds
what the database has of API keys against what the events say: merchant, environment,
scopes, allowed networks, expiry, status, generation and secrets, and whether the
merchant is suspended; and the resources of scopes. So it names what was changed
without an event, by a failing disk or by hand.

Exit code 0 means that every event is as it was written, and the database as they say;
1 that one is not, of which the answer names the first, or every difference.`,
		`tokenwright event verify
tokenwright event verify --head 10:6feb1d73b1e7424c973b2b0d285cbc01343267a716c13adb3a8f4efd10642852
# Elsewhere, with all heads that a server has logged.
tokenwright event verify --export events.json --chain-key-file chain.key --heads server.log`)
}

// verifying tells people how far it is, on a terminal.
func (a *app) verifying() func(seq int64) {
	show := a.progress()
	if show == nil {
		return nil
	}
	return func(seq int64) {
		if seq%10_000 == 0 {
			show(fmt.Sprintf("%d events checked", seq))
		}
	}
}

// verifyExport works without a database: all it has are files.
func (a *app) verifyExport(v *eventCheck, from authority.EventHead, noted []authority.EventHead) error {
	key, err := a.chainKey(v.keyFile)
	if err != nil {
		return err
	}
	in, name := a.stdin, "standard input"
	if v.export != "-" {
		f, err := os.Open(v.export)
		if err != nil {
			return fmt.Errorf("reading the export: %w", err)
		}
		defer func() { _ = f.Close() }() // only read
		in, name = f, v.export
	}
	head, n, err := key.VerifyExport(a.eventsOf(in), from, noted)
	var broken *authority.ChainError
	if err != nil && !errors.As(err, &broken) {
		return fmt.Errorf("verifying %s: %w", name, err)
	}
	if err == nil && n == 0 && from.Seq == 0 { // what proves nothing is no success
		if head.Seq == 0 {
			return fmt.Errorf("verifying %s: no event is in it", name)
		}
		return fmt.Errorf("verifying %s: its one event can only be verified behind a head: give that with --from", name)
	}
	out := admin.EventVerification{Events: n, Head: head.String(), Heads: len(noted), Unproven: head.Seq - from.Seq - n}
	note := ""
	switch {
	case broken != nil && n == 0 && out.Unproven == 0 && broken.Reason == authority.WasChanged:
		note = "Nothing was verified before it. Is this the event-chain key of the installation that the export is from?\n"
	case broken == nil && out.Unproven > 0:
		note = fmt.Sprintf("The export begins at event %d, which only a head before it can prove: give that with --from.\n", out.Unproven)
	}
	if broken == nil && len(noted) == 0 {
		note += "That none is missing at the end shows only a head noted elsewhere: give one with --head, or all with --heads.\n"
	}
	return a.printVerification(out, err, note)
}

// printVerification prints what verification has found, of which err is nil or a
// *ChainError; any other is returned. note is for people.
func (a *app) printVerification(out admin.EventVerification, err error, note string) error {
	if broken, ok := errors.AsType[*authority.ChainError](err); ok {
		out.Broken, out.Reason, out.Heads = broken.Seq, broken.Reason, 0
	} else if err != nil {
		return err
	}
	out.OK = err == nil && len(out.Differences) == 0
	if err := a.print(out, func(w io.Writer) {
		switch {
		case err == nil:
			fmt.Fprintf(w, "%s, each as it was written.\n", counted(out.Events))
			if out.Heads > 0 {
				fmt.Fprintf(w, "Noted heads that are among them: %d.\n", out.Heads)
			}
			fmt.Fprintf(w, "%sHead: %s\n", note, out.Head)
			if len(out.Differences) > 0 {
				fmt.Fprintf(w, "The database is not as they say:\n%s\n", strings.Join(out.Differences, "\n"))
			}
		case note != "":
			fmt.Fprintf(w, "Event %d %s.\n%s", out.Broken, out.Reason, note)
		default:
			are := map[bool]string{true: "is", false: "are"}[out.Events == 1]
			fmt.Fprintf(w, "Event %d %s.\nThe %s before it %s intact.\n", out.Broken, out.Reason, counted(out.Events), are)
		}
	}); err != nil {
		return err
	}
	if !out.OK {
		return errReported
	}
	return nil
}

func counted(events int64) string {
	if events == 1 {
		return "1 event"
	}
	return fmt.Sprintf("%d events", events)
}

// eventsOf reads an export, and tells how far it is.
func (a *app) eventsOf(in io.Reader) iter.Seq2[*authority.Event, error] {
	progress := a.verifying()
	return func(yield func(*authority.Event, error) bool) {
		for e, err := range authority.ReadEvents(in) {
			if progress != nil && err == nil {
				progress(e.Seq)
			}
			if !yield(e, err) {
				return
			}
		}
	}
}
