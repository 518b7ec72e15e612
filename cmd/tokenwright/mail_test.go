package main

import (
	"strings"
	"testing"
)

// C-458: whatever is wrong with the mail server is told before anything is sent,
// or left unsent, and no password is ever shown.
func TestBadMailServersAreRefused(t *testing.T) {
	t.Parallel()
	const from = "\nmail_from: auth@example.com"
	password := []string{"TOKENWRIGHT_SMTP_PASSWORD=hunter2"}
	for _, test := range []struct {
		text, want string
		environ    []string
	}{
		{"smtp: smtp.example.com:587" + from, "smtp is no URL such as smtp://user@smtp.example.com:587", nil},
		{"smtp: 'smtp://auth:hunter2@smtp.example.com'" + from, "smtp has a password, which belongs into a variable or file of its own", nil},
		{"smtp: smtp://smtp.example.com", "mail_from is missing", nil},
		{"smtp: smtp://smtp.example.com\nmail_from: auth", "mail_from is no address such as auth@example.com", nil},
		{"mail_from: auth@example.com", "mail_from and smtp_password_file belong to smtp, which is missing", nil},
		{"smtp_password_file: x", "mail_from and smtp_password_file belong to smtp, which is missing", nil},
		{"smtp: smtp://auth@smtp.example.com" + from, "smtp has a user and no password; name a file with smtp_password_file, or set TOKENWRIGHT_SMTP_PASSWORD", nil},
		{"smtp: smtp://smtp.example.com" + from, "there is a password for the mail server, and smtp names no user", password},
		{"smtp: smtp://auth@smtp.example.com\nsmtp_password_file: no-such-file" + from, "reading smtp_password_file: open no-such-file", nil},
		{"smtp: smtp://auth@smtp.example.com" + from, "is not one line of text", []string{"TOKENWRIGHT_SMTP_PASSWORD=hunter2\nx"}},
		{"smtp: smtp://auth@smtp.example.com\nsmtp_password: hunter2" + from, "the member smtp_password is unknown", nil},
	} {
		file := writeFile(t, test.text)
		for _, args := range [][]string{{"config", "check"}, {"serve", "--data", t.TempDir(), "--listen", "127.0.0.1:0"}} {
			code, stdout, stderr := command(t, test.environ, append(args, "--config", file)...)
			if code == exitOK || !strings.Contains(stderr, test.want) || strings.Contains(stdout+stderr, "hunter2") {
				t.Errorf("%s: %s: got exit code %d and %s%s, want %s", args[0], test.text, code, stdout, stderr, test.want)
			}
		}
	}
	secret := writeFile(t, "hunter2\n")
	for _, test := range []struct {
		text    string
		environ []string
	}{
		{"smtp: smtp://localhost:25" + from, nil},
		{"smtp: smtp://auth@smtp.example.com" + from, password},
		{"smtp: smtps://auth%40example.com@smtp.example.com\nsmtp_password_file: " + secret + from, nil},
	} {
		code, stdout, stderr := command(t, test.environ, "config", "check", "--config", writeFile(t, test.text))
		if code != exitOK || stderr != "" || !strings.Contains(stdout, "mail_from: auth@example.com") || strings.Contains(stdout, "hunter2") {
			t.Errorf("%s: got exit code %d and %s%s", test.text, code, stdout, stderr)
		}
	}
	for want, args := range map[string][]string{
		"the configuration has no mail server; smtp and mail_from name it": {"mail", "test", "ann@example.com"},
		"--server cannot do it": {"mail", "test", "ann@example.com", "--server", "https://auth.example.com"},
	} {
		if code, _, stderr := command(t, nil, args...); code == exitOK || !strings.Contains(stderr, want) {
			t.Errorf("%v: got exit code %d and %s", args, code, stderr)
		}
	}
	// Who manages API keys with the same file need not have the password.
	file := writeFile(t, "smtp: smtp://auth@smtp.example.com"+from)
	if _, _, stderr := command(t, nil, "merchant", "list", "--config", file, "--data", t.TempDir()); !strings.Contains(stderr, "there is no database") {
		t.Errorf("a command that sends nothing says %s", stderr)
	}
}

// C-458
func TestGreetingHasAName(t *testing.T) {
	t.Parallel()
	for site, want := range map[string]string{
		"https://auth.example.com:8443": "auth.example.com", "http://localhost:8080": "localhost", "http://127.0.0.1:8080": "", "https://[::1]": "", "": "",
	} {
		if got := hostName(site); got != want {
			t.Errorf("%s: %q", site, got)
		}
	}
}
