package main

import (
	"strings"
	"testing"
)

// C-360, C-364, C-367: whatever is wrong with a webhook is told before anything
// is sent, or left unsent.
func TestBadWebhooksAreRefused(t *testing.T) {
	t.Parallel()
	const url = "url: 'https://hooks.example.com/x', "
	for members, want := range map[string]string{
		"events: ['*']": "webhooks.ops.url is missing",
		"url: 'http://hooks.example.com', events: ['*']":    "webhooks.ops.url is not https",
		"url: 'https://localhost/', events: ['*']":          "webhooks.ops.url is a loopback, private or otherwise special address (allow_private permits it)",
		"url: 'https://10.0.0.1/', events: ['*']":           "webhooks.ops.url is a loopback, private",
		"url: 'https://u:hunter2@example.com', events: [a]": "webhooks.ops.url has a user",
		url + "events: []":                               "webhooks.ops.events is missing: kinds such as secret.expiring",
		url + "events: ['secret.expirin']":               `webhooks.ops.events: there is no event "secret.expirin"; did you mean secret.expiring?`,
		url + "events: ['*', 'api_keys.*']":              `there is no event "api_keys.*"; did you mean api_key.*?`,
		url + "events: ['api_*']":                        `there is no event "api_*"`,
		url + "events: ['']":                             `there is no event ""`,
		url + "events: ['*'], secret: whsec_hunter2":     "line 1: the member webhooks.ops.secret is unknown",
		url + "events: ['*'], event: a":                  "the member webhooks.ops.event is unknown; did you mean events?",
		url + "events: ['*'], merchants: []":             "webhooks.ops.merchants or envs is empty",
		url + "events: ['*'], envs: []":                  "webhooks.ops.merchants or envs is empty",
		url + "events: ['*'], merchants: [acme]":         "webhooks.ops.merchants: acme ",
		url + "events: ['*'], envs: [demo, staging]":     "webhooks.ops.envs names staging, which is none of the environments",
		url + "events: ['*'], secret_file: no-such-file": "webhooks.ops: reading secret_file: open no-such-file",
		url + "events: ['*']":                            "webhooks.ops: there is no secret",
		url + "events: 7":                                "cannot unmarshal",
	} {
		file := writeFile(t, "webhooks: {ops: {"+members+"}}")
		code, stdout, stderr := command(t, nil, "config", "check", "--config", file)
		if code == exitOK || !strings.Contains(stderr, want) || strings.Contains(stdout+stderr, "hunter2") {
			t.Errorf("%s: got exit code %d and %s%s, want %s", members, code, stdout, stderr, want)
		}
	}
	for _, name := range []string{"Ops", "a_b", "-a", "a.b", "''", strings.Repeat("a", 65)} {
		code, _, stderr := command(t, nil, "config", "check", "--config", writeFile(t, "webhooks: {"+name+": {"+url+"events: ['*']}}"))
		if code != exitUsage || !strings.Contains(stderr, "is not 1 to 64 characters of a-z, 0-9 and -") {
			t.Errorf("the name %s: got exit code %d and %s", name, code, stderr)
		}
	}
	const secret = "TOKENWRIGHT_WEBHOOK_SECRET_A_1=dG9rZW53cmlnaHQgdGVzdCBzZWNyZXQgMzIgYnl0ZXM"
	for _, text := range []string{
		"webhooks:", "webhooks: {}", "webhooks: {a-1: {" + url + "events: ['*', api_key.*, secret.expiring], merchants: [4259], envs: [demo, platform]}}",
		"webhooks: {a-1: {url: 'http://127.0.0.1:9/', allow_private: true, events: ['*']}}",
	} {
		if code, _, stderr := command(t, []string{secret}, "config", "check", "--config", writeFile(t, text)); code != exitOK {
			t.Errorf("%s: got exit code %d and %s", text, code, stderr)
		}
	}
	// Who manages API keys with the same file need not have the secrets.
	file := writeFile(t, "webhooks: {ops: {"+url+"events: ['*']}}")
	if _, _, stderr := command(t, nil, "merchant", "list", "--config", file, "--data", t.TempDir()); !strings.Contains(stderr, "there is no database") {
		t.Errorf("a command that sends nothing says %s", stderr)
	}
}
