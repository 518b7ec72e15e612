package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"iter"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tokenwright/tokenwright/admin"
)

func (a *app) eventCommand() *cobra.Command {
	var f admin.EventFilter
	var merchant string
	var limit int64
	list := a.command("list", "List events, the oldest first", func(ctx context.Context, _ []string) error {
		f.MerchantID = admin.TextID(merchant)
		return a.manage(ctx, func(c *admin.Client) error { return a.listEvents(c.Events(ctx, f), limit) })
	})
	list.Flags().Int64Var(&f.After, "after", 0, "only events behind this `sequence` number")
	list.Flags().StringVar(&f.Kind, "kind", "", "only events of this `kind`, such as api_key.created")
	list.Flags().StringVar(&f.Subject, "subject", "", "only events about this `ID`")
	list.Flags().StringVar(&f.Actor, "actor", "", "only what this `actor` did")
	list.Flags().StringVar(&merchant, "merchant", "", "only events about the merchant with this `ID`")
	list.Flags().StringVar(&f.Env, "env", "", "only events about this `environment`")
	list.Flags().Var((*fromOne)(&limit), "limit", "at most this many (default: all)")

	explained(list, `List events, the oldest first: who has changed what, when, and from where. Each change
is one, whether it came from the console, the admin API or a command. Flags that
choose events can be combined.`,
		`tokenwright event list --merchant 4259 --kind api_key.created
# What has happened since event 812, for a program.
tokenwright event list --after 812 -o json
# An export of all, which event verify --export verifies elsewhere.
tokenwright event list -o json > events.json`)

	return group("event", "Events: the audit log", list, a.verifyEventsCommand(), a.chainKeyCommand())
}

// listEvents prints events, as many as limit or, with 0, all. An installation has
// millions in time, so JSON is written as they come.
func (a *app) listEvents(events iter.Seq2[admin.Event, error], limit int64) error {
	var table bytes.Buffer
	row(&table, "SEQ", "TIME", "ACTOR", "KIND", "SUBJECT", "DETAILS")
	list := jsonList{w: bufio.NewWriter(a.stdout)}
	n := int64(0)
	for e, err := range events {
		if err == nil && a.output == "json" {
			err = list.add(e)
		} else if err == nil {
			row(&table, e.Seq, when(e.Time), e.Actor, e.Kind, e.Subject, string(e.Details))
		}
		if err != nil {
			return err
		}
		if n++; n == limit {
			break
		}
	}
	if a.output == "json" {
		return list.end()
	}
	return a.printTable(func(w io.Writer) { _, _ = table.WriteTo(w) })
}

// jsonList writes an array as print does, item by item. Where it is not ended, what
// is there is no JSON: nobody takes a part for the whole.
type jsonList struct {
	w *bufio.Writer
	n int
}

func (l *jsonList) add(v any) error {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("  ", "  ")
	if err := e.Encode(v); err != nil {
		return err
	}
	before := ",\n  "
	if l.n == 0 {
		before = "[\n  "
	}
	l.n++
	_, err := l.w.WriteString(before + strings.TrimSuffix(text.String(), "\n"))
	return err
}

func (l *jsonList) end() error {
	text := "\n]\n"
	if l.n == 0 {
		text = "[]\n"
	}
	if _, err := l.w.WriteString(text); err != nil {
		return err
	}
	return l.w.Flush()
}
