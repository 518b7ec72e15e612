package main

import (
	"bytes"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// C-532: all that is wrong with a configuration is told at once, each with its line, or
// with the variable or flag that it comes from.
func TestAllThatIsWrongIsToldAtOnceWithItsLine(t *testing.T) {
	t.Parallel()
	toldAtOnce(t, `url: https://auth.example.com
lisen: 127.0.0.1:7001
max_staleness: soon
log_format: xml
signing_key_rotation: often
clock_skew: 11m
database_connections: 1
environments:
  demo:
    token_lifetim: 15m
    algorithm: HS256
  Live: {}
token_limit: -1
webhooks:
  audit:
    events: [nothing.happens]
    url: https://hooks.example.com
  other:
    uri: https://hooks.example.com
forward_auth:
  policies:
    orders: {env: demo, scope: orders:read, merchant: }
    more: {env: staging, scope: orders:read}
tls_key_file: key.pem
`, []string{"TOKENWRIGHT_LOG_LEVEL=loud", "TOKENWRIGHT_TOKEN_LIMIT=2000000000"}, []string{"--usage-retention", "36h"},
		"line 2: the member lisen is unknown; did you mean listen?",
		"line 3: cannot unmarshal",
		"line 4: log_format is json or text",
		`line 5: "often" is no span of time`,
		"line 6: clock_skew is not from 1s to 10m",
		"line 7: database_connections is at least 2",
		`line 8: environments has the name "Live"`,
		"line 10: the member environments.demo.token_lifetim is unknown; did you mean token_lifetime?",
		"line 11: environments.demo.algorithm is ES256",
		`line 16: webhooks.audit.events: there is no event "nothing.happens"`,
		"line 18: webhooks.other.url is missing",
		"line 18: webhooks.other.events is missing",
		"line 19: the member webhooks.other.uri is unknown; did you mean url?",
		"line 22: merchant is empty",
		"line 23: forward_auth.policies.more.env is staging",
		"line 24: tls_cert_file and tls_key_file go together",
		"TOKENWRIGHT_TOKEN_LIMIT: token_limit is 0 to 1000000000",
		"TOKENWRIGHT_LOG_LEVEL: log_level is debug",
		"--usage-retention: usage_retention is a number of days",
	)
	// The URL, which others follow from, hides none of them, and is made no other's fault.
	toldAtOnce(t, `url: https://auth.example.com/x
environments:
  Demo: {algorithm: HS256, rsa_bits: 1024, token_lifetime: 25h}
  live: {issuer: https://auth.example.com/x/live, audience: 'a"b', max_secret_age: 1m}
webhooks:
  audit: {url: http://hooks.example.com, events: [a, b], merchants: [x, y], envs: [nowhere]}
single_sign_on:
  corp: {label: " "}
  other: {issuer: auth}
forward_auth: {policies: {orders: {env: Demo, scope: ""}}}
smtp: x
`, nil, []string{"--clock-skew", "soon", "--token-limit", "many", "--listen", "x", "--tls-cert-file", "x"},
		"line 1: url is an origin",
		`line 2: environments has the name "Demo"`,
		"line 3: environments.Demo.rsa_bits is",
		"line 3: environments.Demo.algorithm is",
		"line 3: environments.Demo.token_lifetime is",
		"line 4: environments.live.audience is",
		"line 4: environments.live.max_secret_age is",
		"line 6: webhooks.audit.url is not https",
		`line 6: webhooks.audit.events: there is no event "a"`,
		`line 6: webhooks.audit.events: there is no event "b"`,
		"line 6: webhooks.audit.merchants: x is",
		"line 6: webhooks.audit.merchants: y is",
		"line 6: webhooks.audit.envs names nowhere",
		"line 8: single_sign_on.corp.issuer is missing",
		"line 8: single_sign_on.corp.client_id is missing",
		"line 8: single_sign_on.corp.label is empty",
		"line 9: single_sign_on.other.issuer is not absolute",
		"line 9: single_sign_on.other.client_id is missing",
		"line 10: forward_auth.policies.orders.env is missing",
		"line 10: forward_auth.policies.orders.scope is not",
		"line 11: smtp is no URL",
		"--clock-skew is no span of time",
		"--token-limit is no number",
		"--listen: listen is host and port",
		"mail_from is missing",
		"--tls-cert-file: tls_cert_file and tls_key_file go together",
	)
}

// toldAtOnce checks a configuration, which must have these faults.
func toldAtOnce(t *testing.T, text string, environ, flags []string, want ...string) {
	t.Helper()
	file := writeFile(t, text)
	code, stdout, stderr := command(t, environ, append([]string{"config", "check", "--config", file}, flags...)...)
	want = append([]string{fmt.Sprintf("the configuration %s has %d faults:", file, len(want))}, want...)
	lines := strings.Split(stderr, "\n")
	if code != exitUsage || stdout != "" {
		t.Errorf("exit code %d, %s", code, stdout)
	}
	for i, text := range want {
		if i >= len(lines) || !strings.Contains(lines[i], text) {
			t.Fatalf("fault %d is not %q:\n%s", i, text, stderr)
		}
	}
}

// withFormer runs a command in a release that has these settings of before.
func withFormer(table map[string]former, environ map[string]string, args ...string) (stdout, stderr string, err error) {
	var out, errs bytes.Buffer
	a := &app{environ: maps.Clone(environ), stdin: strings.NewReader(""), stdout: &out, stderr: &errs, former: table}
	if a.environ == nil {
		a.environ = map[string]string{}
	}
	root := a.rootCommand()
	root.SetArgs(args)
	err = root.Execute()
	return out.String(), errs.String(), err
}

var formerOfTests = map[string]former{
	"staleness":                  {now: "max_staleness"},
	"environments.*.token_ttl":   {now: "token_lifetime"},
	"forward_auth.header":        {gone: "leave it out; the answer always has Tokenwright-Merchant"},
	"token_window":               {gone: "leave it out; windows are of 5 minutes"},
	"webhooks.*.signing_version": {gone: "leave it out"},
}

// C-533: a setting that was renamed works for one release, with a warning that says what
// it is called; one that is gone is an error that says what to do.
func TestFormerSettingsAreTold(t *testing.T) {
	t.Parallel()
	file := writeFile(t, "staleness: 90s\nenvironments: {demo: {token_ttl: 15m}}\n")
	stdout, stderr, err := withFormer(formerOfTests, nil, "config", "check", "--config", file)
	if err != nil || !strings.Contains(stdout, "max_staleness: 1m30s\n") || !strings.Contains(stdout, "token_lifetime: 15m0s\n") {
		t.Errorf("got %v and %s", err, stdout)
	}
	for _, want := range []string{
		"warning: line 1 of " + file + ": the member staleness is called max_staleness now",
		"warning: line 2 of " + file + ": the member environments.demo.token_ttl is called token_lifetime now",
	} {
		if !strings.Contains(stderr, want) {
			t.Errorf("no %q in %s", want, stderr)
		}
	}
	stdout, stderr, err = withFormer(formerOfTests, map[string]string{"TOKENWRIGHT_STALENESS": "90s"}, "config", "check")
	if err != nil || !strings.Contains(stdout, "max_staleness: 1m30s\n") || stderr != "tokenwright: warning: the variable TOKENWRIGHT_STALENESS is called "+
		"TOKENWRIGHT_MAX_STALENESS now; in the next release its old name is unknown\n" {
		t.Errorf("got %v, %s and %s", err, stdout, stderr)
	}

	file = writeFile(t, "token_window: 5m\nstaleness: 90s\nmax_staleness: 2m\nforward_auth: {header: x}\n")
	_, _, err = withFormer(formerOfTests, map[string]string{"TOKENWRIGHT_TOKEN_WINDOW": "5m", "TOKENWRIGHT_STALENESS": "1m", "TOKENWRIGHT_MAX_STALENESS": "1m"},
		"config", "check", "--config", file)
	want := "the configuration " + file + " has 5 faults:" +
		"\n  line 1: the member token_window is gone: leave it out; windows are of 5 minutes" +
		"\n  line 2: the member staleness is called max_staleness now, which is there too; leave the old one out" +
		"\n  line 4: the member forward_auth.header is gone: leave it out; the answer always has Tokenwright-Merchant" +
		"\n  TOKENWRIGHT_STALENESS is called TOKENWRIGHT_MAX_STALENESS now, which is set too; leave the old one out" +
		"\n  TOKENWRIGHT_TOKEN_WINDOW is gone: leave it out; windows are of 5 minutes"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, not %s", err, want)
	}
	// The same file in a release that never had them.
	if _, _, err := withFormer(nil, nil, "config", "check", "--config", file); err == nil || !strings.Contains(err.Error(), "token_window is unknown") {
		t.Errorf("got %v", err)
	}
}

// wrongFormer says what is wrong with a table of former settings.
func wrongFormer(table map[string]former) []string {
	var wrong []string
	for _, path := range slices.Sorted(maps.Keys(table)) {
		f, in := table[path], reflect.TypeFor[Config]()
		steps := strings.Split(path, ".")
		for _, step := range steps[:len(steps)-1] {
			if in.Kind() == reflect.Map && step == "*" {
				in = in.Elem()
			} else if _, types := fields(in); types[step] != nil {
				in = types[step]
			} else {
				wrong = append(wrong, path+" is in no place that there is")
			}
		}
		names, _ := fields(in)
		switch last := steps[len(steps)-1]; {
		case (f.now == "") == (f.gone == ""):
			wrong = append(wrong, path+" is neither renamed nor gone, or both")
		case slices.Contains(names, last):
			wrong = append(wrong, path+" is a setting")
		case f.now != "" && !slices.Contains(names, f.now):
			wrong = append(wrong, fmt.Sprintf("%s is called %s, which is no setting beside it", path, f.now))
		}
	}
	return wrong
}

// C-533
func TestFormerSettingsAreNoneOfThisRelease(t *testing.T) {
	t.Parallel()
	if wrong := wrongFormer(formerSettings); wrong != nil {
		t.Errorf("formerSettings: %q", wrong)
	}
	if wrong := wrongFormer(formerOfTests); wrong != nil {
		t.Errorf("those of the tests: %q", wrong)
	}
	for path, f := range map[string]former{
		"url": {gone: "x"}, "old": {}, "other": {now: "url", gone: "x"}, "environments.*.old": {now: "url"}, "environment.*.old": {gone: "x"},
	} {
		if wrong := wrongFormer(map[string]former{path: f}); wrong == nil {
			t.Errorf("%s: %+v is taken", path, f)
		}
	}
}
