package main

import (
	"cmp"
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/tokenwright/tokenwright/internal/authority"
)

const chainKeyVariable = "TOKENWRIGHT_EVENT_CHAIN_KEY"

func (a *app) chainKeyCommand() *cobra.Command {
	show := a.command("chain-key", "Print the event-chain key, for somebody who verifies exports elsewhere", func(ctx context.Context, _ []string) error {
		return a.manageDatabase(ctx, func(auth *authority.Authority, actor authority.Actor) error {
			key, err := auth.ShowChainKey(ctx, actor)
			if err != nil {
				return err
			}
			return a.print(map[string]string{"chainKey": key.Text()}, func(w io.Writer) { fmt.Fprintln(w, key.Text()) })
		})
	})
	return explained(show, `Print the event-chain key. With it and an export of the events, an auditor verifies
them without the database and without the master key: event verify --export. It opens
nothing: no secret, no signing key, no session.

Whoever has it can also make events that verify, if they can write to the database.
So hand it to whoever cannot, over a channel that keeps it secret, and have heads of
the events noted where nobody changes them: the server logs one each hour. That the
key was shown is an event itself, event_chain_key.shown.

It needs the database and the master key, and works on the database itself, not
with --server.`, `umask 077 && tokenwright event chain-key > chain.key`)
}

// chainKey reads the event-chain key of whoever verifies an export.
func (a *app) chainKey(file string) (authority.ChainKey, error) {
	variable := chainKeyVariable
	if file != "" {
		variable = "" // the flag goes before it
	}
	source, text, err := a.secretText(variable, "the event-chain key", cmp.Or(file, a.environ[chainKeyVariable+"_FILE"]))
	if err != nil {
		return authority.ChainKey{}, err
	}
	if source == "" {
		return authority.ChainKey{}, usageError{"the event-chain key, which tokenwright event chain-key prints, is missing: give it in --chain-key-file, " +
			chainKeyVariable + " or " + chainKeyVariable + "_FILE"}
	}
	key, err := authority.ParseChainKey(text)
	if err != nil {
		return authority.ChainKey{}, fmt.Errorf("the event-chain key of %s: %w", source, err)
	}
	return key, nil
}
