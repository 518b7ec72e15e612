package main

import (
	"strings"
	"testing"
)

// C-474: whatever is wrong with a provider is told before anybody is sent there.
func TestBadProvidersOfSingleSignOnAreRefused(t *testing.T) {
	t.Parallel()
	const issuer, client = "issuer: 'https://login.example.com', ", "client_id: console"
	for members, want := range map[string]string{
		client: "single_sign_on.corp.issuer is missing",
		"issuer: 'http://login.example.com', " + client:        "single_sign_on.corp.issuer is neither https nor http on a loopback host",
		"issuer: 'login.example.com', " + client:               "single_sign_on.corp.issuer is not absolute",
		"issuer: 'https://login.example.com/?a=b', " + client:  "single_sign_on.corp.issuer has a user, a query or a fragment",
		"issuer: 'https://u:hunter2@login.example', " + client: "single_sign_on.corp.issuer has a user",
		"issuer: 'https://login.example.com'":                  "single_sign_on.corp.client_id is missing",
		issuer + "client_id: 'a b'":                            "single_sign_on.corp.client_id is missing, or has a blank",
		issuer + client + ", label: ' '":                       "single_sign_on.corp.label ",
		issuer + client + ", client_secret: hunter2":           "the member single_sign_on.corp.client_secret is unknown",
		issuer + client: "single_sign_on.corp: there is no client secret; name a file with client_secret_file, or set TOKENWRIGHT_SINGLE_SIGN_ON_SECRET_CORP",
		issuer + client + ", client_secret_file: no-such-file":   "single_sign_on.corp: reading client_secret_file: open no-such-file",
		issuer + client + ", client_secret_file: config_test.go": "single_sign_on.corp: the client secret of config_test.go is empty, or is not one line without blanks",
		issuer + client + "}, b: {" + issuer + client:            "single_sign_on.corp.issuer is that of b",
	} {
		file := writeFile(t, "single_sign_on: {corp: {"+members+"}}")
		code, stdout, stderr := command(t, nil, "config", "check", "--config", file)
		if code == exitOK || !strings.Contains(stderr, want) || strings.Contains(stdout+stderr, "hunter2") {
			t.Errorf("%s: got exit code %d and %s%s, want %s", members, code, stdout, stderr, want)
		}
	}
	for _, name := range []string{"Corp", "a_b", "-a", "callback", "''", strings.Repeat("a", 33)} {
		code, _, stderr := command(t, nil, "config", "check", "--config", writeFile(t, "single_sign_on: {"+name+": {"+issuer+client+"}}"))
		if code != exitUsage || !strings.Contains(stderr, "is not 1 to 32 characters of a-z, 0-9 and -") {
			t.Errorf("the name %s: got exit code %d and %s", name, code, stderr)
		}
	}
}

// C-474: a secret comes from a file or a variable, and is not shown.
func TestProvidersOfSingleSignOnAreConfigured(t *testing.T) {
	t.Parallel()
	const secret = "hunter2hunter2"
	secretFile := writeFile(t, secret+"\n")
	const provider = "issuer: 'https://login.example.com/realms/acme/', client_id: console, label: 'Acme Ltd'"
	for _, row := range []struct {
		text    string
		environ []string
	}{
		{"single_sign_on:", nil},
		{"single_sign_on: {}", nil},
		{"single_sign_on: {my-corp: {" + provider + "}}", []string{"TOKENWRIGHT_SINGLE_SIGN_ON_SECRET_MY_CORP=" + secret}},
		{"single_sign_on: {corp: {" + provider + ", client_secret_file: '" + secretFile + "'}}", nil},
		{"single_sign_on: {a: {" + provider + ", client_secret_file: '" + secretFile + "'}, b: {issuer: 'http://localhost:9', client_id: c}}", []string{"TOKENWRIGHT_SINGLE_SIGN_ON_SECRET_B=" + secret}},
	} {
		code, stdout, stderr := command(t, row.environ, "config", "check", "--config", writeFile(t, row.text))
		if code != exitOK || stderr != "" || strings.Contains(stdout, secret) {
			t.Errorf("%s: got exit code %d and %s%s", row.text, code, stdout, stderr)
		}
	}
	// A server does not begin without what it will need, nor does whoever manages with
	// the same file need it.
	file := writeFile(t, "single_sign_on: {corp: {"+provider+"}}")
	if code, _, stderr := command(t, nil, "serve", "--config", file, "--data", t.TempDir()); code == exitOK || !strings.Contains(stderr, "there is no client secret") {
		t.Errorf("a server says %s", stderr)
	}
	if _, _, stderr := command(t, nil, "merchant", "list", "--config", file, "--data", t.TempDir()); !strings.Contains(stderr, "there is no database") {
		t.Errorf("a command that signs nobody in says %s", stderr)
	}
}
