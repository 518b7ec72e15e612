package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// C-534: no flag of any command takes an empty value for none, but those that clear
// something.
func TestAFlagWithoutAValueIsWrongUse(t *testing.T) {
	t.Parallel()
	var cleared []string
	for _, c := range commands() {
		if c.HasAvailableSubCommands() || c.Parent().Name() == "completion" {
			continue
		}
		call := strings.Fields(pathOf(c))
		for _, word := range strings.Fields(c.Use)[1:] {
			if strings.HasPrefix(word, "-") {
				break
			}
			call = append(call, "x")
		}
		c.InheritedFlags() // are among the flags from now on
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if f.NoOptDefVal != "" || f.Value.Type() == "int" || f.Value.Type() == "int64" {
				return // what is empty cannot be read
			}
			code, stdout, stderr := command(t, []string{"TOKENWRIGHT_SERVER=http://localhost:1"}, append(slices.Clone(call), "--"+f.Name, "")...)
			if !strings.Contains(stderr, "--"+f.Name+" is empty: has a variable no value?\n") {
				cleared = append(cleared, pathOf(c)+" --"+f.Name)
			} else if code != exitUsage || stdout != "" {
				t.Errorf("%s --%s: exit code %d, %s%s", pathOf(c), f.Name, code, stdout, stderr)
			}
		})
	}
	if want := []string{"key create --description", "key update --description", "scope create --description"}; !slices.Equal(cleared, want) {
		t.Errorf("an empty value is taken by %q, not by %q", cleared, want)
	}
	_, _, stderr := command(t, nil, "key", "create", "--merchant", "", "--env=", "--name", "x", "--scope", "secret", "--scope", "")
	const want = "tokenwright: --env is empty: has a variable no value?\n  --merchant is empty: has a variable no value?\n  --scope is empty: has a variable no value?\n"
	if !strings.HasPrefix(stderr, want) || strings.Contains(stderr, "secret") {
		t.Errorf("got %s", stderr)
	}
}
