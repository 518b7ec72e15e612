package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// commands are all that --help shows, the root first, each before those below it.
// help is left out: it is --help by another name.
func commands() []*cobra.Command {
	root := (&app{}).rootCommand()
	var list []*cobra.Command
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		if c.Hidden || c.Name() == "help" {
			return
		}
		list = append(list, c)
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(root)
	return list
}

// C-492: each command has an example in its help, and each line of ours that help
// and page show is understood: command, arguments, flags, and what they are set to.
func TestExamplesOfCommandsAreUnderstood(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir) // examples name files beside them
	if err := os.WriteFile(filepath.Join(dir, "tokenwright.yaml"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range commands() {
		if c.HasAvailableSubCommands() && c.HasParent() {
			continue
		}
		lines := exampleLines(c.Example + "\n" + c.Long)
		if len(lines) == 0 {
			t.Errorf("%s has no example", c.CommandPath())
		}
		for _, line := range lines {
			if err := understood(t, line); err != nil {
				t.Errorf("%s: %v", line, err)
			}
		}
	}
}

var (
	ours      = regexp.MustCompile(`tokenwright [^|<>)]+`)
	shellWord = regexp.MustCompile(`"[^"]*"|'[^']*'|[^ "']+`)
)

// exampleLines are calls of the command in text that is indented.
func exampleLines(text string) (calls []string) {
	for _, line := range strings.Split(text, "\n") {
		line, indented := strings.CutPrefix(line, "  ")
		if indented && !strings.HasPrefix(line, "#") {
			calls = append(calls, ours.FindAllString(line, -1)...)
		}
	}
	return calls
}

// understood runs a call up to where its command would begin.
func understood(t *testing.T, call string) error {
	t.Helper()
	var words []string
	for _, word := range shellWord.FindAllString(call, -1) {
		words = append(words, strings.Trim(word, `"'`))
	}
	a := &app{environ: map[string]string{}, stdout: t.Output(), stderr: t.Output()}
	root := a.rootCommand()
	root.SetArgs(words[1:])
	stopBefore(a, root)
	return root.ExecuteContext(t.Context())
}

// stopBefore lets every command at and below c end where its work would begin.
func stopBefore(a *app, c *cobra.Command) {
	for _, sub := range c.Commands() {
		stopBefore(a, sub)
	}
	if c.RunE != nil && !c.HasAvailableSubCommands() {
		c.RunE = func(c *cobra.Command, _ []string) error {
			if c.Parent().Name() == "completion" {
				return nil
			}
			return a.loadConfig(c.Flags())
		}
	}
}

// C-492: what is misspelt in an example is found.
func TestWhatIsMisspeltIsNotUnderstood(t *testing.T) {
	t.Parallel()
	for _, call := range []string{
		"tokenwright key creat --name x", "tokenwright key list --merchants 1", "tokenwright serve --max-staleness soon", "tokenwright key show",
		"tokenwright key", "tokenwright merchant create --id 1", "tokenwright key update x --scope a --no-scopes",
	} {
		if err := understood(t, call); err == nil {
			t.Errorf("%s was understood", call)
		}
	}
	got := exampleLines("  curl $(tokenwright token get) x\ntokenwright a\n  # tokenwright b\n  tokenwright c | tokenwright d > e")
	if want := []string{"tokenwright token get", "tokenwright c ", "tokenwright d "}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
