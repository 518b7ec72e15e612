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
		for range argumentsOf(c.Use) {
			call = append(call, "x")
		}
		c.InheritedFlags() // are among the flags from now on
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if f.NoOptDefVal != "" || slices.Contains([]string{"int", "int64", "number"}, f.Value.Type()) && settingOf(f.Name) == "" {
				return // what is empty cannot be read
			}
			code, stdout, stderr := command(t, []string{"TOKENWRIGHT_SERVER=http://localhost:1"}, append(slices.Clone(call), "--"+f.Name, "")...)
			if !strings.Contains(stderr, " --"+f.Name+" is empty: has a variable no value?\n") {
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

// What is wrong with arguments and flags is told in the words of the help, all at once,
// and without what they were.
func TestWrongUseIsToldInWords(t *testing.T) {
	t.Parallel()
	for call, want := range map[string]string{
		"key show":                      "key show needs CLIENT_ID",
		"key secret delete":             "key secret delete needs CLIENT_ID and SECRET_ID",
		"key secret delete x":           "key secret delete needs SECRET_ID",
		"key secret delete secret 2 3":  "key secret delete takes CLIENT_ID and SECRET_ID and nothing more",
		"key list secret":               "key list takes no argument",
		"serve secret":                  "serve takes no argument",
		"backup":                        "backup needs FILE|DIRECTORY",
		"restore a b":                   "restore takes FILE and nothing more",
		"merchant create":               "merchant create needs --id and --name",
		"merchant create secret --id 1": "merchant create needs --name",
		"scope create":                  "scope create needs NAME",
		"key":                           "key needs one of: create, delete, disable, enable, list, report, rotate, secret, show, update",
		"key update x --scope a --no-scopes --allow-cidr b --allow-anywhere": "--allow-cidr and --allow-anywhere exclude each other\n  --scope and --no-scopes exclude each other",
		"user update x --no-roles --role 1=viewer":                           "--role and --no-roles exclude each other",
		"merchant update 1 --key-limit secret":                               "--key-limit is no number",
		"event list --after secret":                                          "--after is no number",
		"event list --limit 0":                                               "--limit is a whole number from 1",
		"event list --limit -2":                                              "--limit is a whole number from 1",
		"webhook deliveries ops --limit 1.5":                                 "--limit is a whole number from 1",
		"key update x --if-version 0":                                        "--if-version is a whole number from 1",
		"key rotate x --if-version secret":                                   "--if-version is a whole number from 1",
		"user update x --if-version=-1":                                      "--if-version is a whole number from 1",
		"key rotate x --revoke-tokens=secret":                                "--revoke-tokens is true or false",
		"serve --token-limit-dry-run=secret":                                 "--token-limit-dry-run is true or false",
		"key list --merchant":                                                "--merchant needs a value",
		"key list -o":                                                        "--output needs a value",
		"token get -stws_demo_secret":                                        "token get has no such flag",
		"token get --tws_demo_secret":                                        "token get has no such flag",
		"token get --tws_demo=secret":                                        "token get has no such flag",
		"key list --merhant secret":                                          "key list has no such flag; did you mean --merchant?",
		"key list -merchant secret":                                          "key list has no such flag; did you mean --merchant?",
		"key list --=secret":                                                 "a flag is written --name VALUE or --name=VALUE",
		"key list ---secret":                                                 "a flag is written --name VALUE or --name=VALUE",
		"--secret":                                                           "tokenwright has no such flag; did you mean --server?",
		"tws_demo_secret":                                                    "there is no such command",
		"kye list --merchant secret":                                         "there is no such command; did you mean key?",
		"--database secret tws_demo_secret":                                  "there is no such command",
	} {
		code, stdout, stderr := command(t, nil, strings.Fields(call)...)
		if code != exitUsage || stdout != "" || stderr != "tokenwright: "+want+"\nRun the command with --help for its use.\n" {
			t.Errorf("%s: exit code %d, %s%s", call, code, stdout, stderr)
		}
	}
}
