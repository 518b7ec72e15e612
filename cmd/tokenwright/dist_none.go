//go:build !dist

package main

import "github.com/spf13/cobra"

// distCommands is none where the tag dist is not set.
func (a *app) distCommands(*cobra.Command) []*cobra.Command { return nil }
