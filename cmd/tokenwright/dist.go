//go:build dist

package main

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
	"github.com/spf13/pflag"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// distCommands writes what a release has beside the binary. It is built into the
// program that deploy/dist runs, not into releases: what renders man pages, and the
// certificates that only a container lacks, would be a part of every server.
func (a *app) distCommands(root *cobra.Command) []*cobra.Command {
	write := a.command("dist DIRECTORY", "Write what a release has beside the binary", func(_ context.Context, args []string) error {
		man, completions := filepath.Join(args[0], "man"), filepath.Join(args[0], "completions")
		if err := errors.Join(os.MkdirAll(man, 0o755), os.MkdirAll(completions, 0o755)); err != nil {
			return err
		}
		err := errors.Join(
			root.GenBashCompletionFileV2(filepath.Join(completions, "tokenwright.bash"), true),
			root.GenZshCompletionFile(filepath.Join(completions, "_tokenwright")),
			root.GenFishCompletionFile(filepath.Join(completions, "tokenwright.fish"), true),
			writeRoots(filepath.Join(args[0], "ca-certificates.crt")),
		)
		if err != nil {
			return err
		}
		asMarkdown(root)
		return doc.GenManTree(root, &doc.GenManHeader{Source: "Tokenwright", Manual: "Tokenwright"}, man)
	})
	write.Hidden = true
	return []*cobra.Command{write}
}

// writeRoots writes the authorities that Mozilla trusts, as Go keeps them. One that
// is trusted for some names alone is left out: a file of PEM cannot say that.
func writeRoots(path string) error {
	var b bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint != nil {
			continue
		}
		if err := pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}); err != nil {
			return err
		}
	}
	return os.WriteFile(path, b.Bytes(), 0o644)
}

// asMarkdown gives a command and those below it texts that come out as they stand:
// what renders the pages reads Markdown, and writes no line of its own.
func asMarkdown(c *cobra.Command) {
	c.DisableAutoGenTag = true
	c.Long = markdown(c.Long)
	usage := func(f *pflag.Flag) {
		_, plain := pflag.UnquoteUsage(f) // without the quotes that name the value in the help
		f.Usage = markdown(plain)
	}
	c.LocalFlags().VisitAll(usage)
	for _, sub := range c.Commands() {
		asMarkdown(sub)
	}
}

var marks = strings.NewReplacer("<", `\<`, "*", `\*`, "_", `\_`, "[", `\[`)

// markdown keeps indented lines, and names as in <data>, which are no HTML.
func markdown(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "  ") {
			b.WriteString("\t" + line)
		} else {
			b.WriteString(marks.Replace(line))
		}
	}
	return b.String()
}
