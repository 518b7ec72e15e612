package main

import (
	"bytes"
	"encoding/base64"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// command runs the command in the test's own process, where a process of its
// own would show no more, and returns exit code and output.
func command(t *testing.T, environ []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code = run(t.Context(), args, environ, strings.NewReader(""), &out, &err)
	return code, out.String(), err.String()
}

func writeFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// sealing is a master key.
var sealing = base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", 32)))

// Every field that a flag can set is set by the file, by the variable over the
// file, and by the flag over both.
func TestLaterSourcesWin(t *testing.T) {
	t.Parallel()
	pemFile := func(name string) [3]string { return [3]string{name + "1.pem", name + "2.pem", name + "3.pem"} }
	dir := t.TempDir()
	cert, key := pemFile(filepath.Join(dir, "cert")), pemFile(filepath.Join(dir, "key"))
	if err := writeCertificate(cert[0], key[0]); err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		if err := errors.Join(os.Link(cert[0], cert[i+1]), os.Link(key[0], key[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	values := map[string][3]string{ // in the file, in the variable, in the flag
		"url":                  {"https://a.example", "https://b.example", "https://c.example"},
		"listen":               {"127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"},
		"metrics_listen":       {"127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"},
		"tls_cert_file":        cert,
		"tls_key_file":         key,
		"data":                 {"a", "b", "c"},
		"database":             {"sqlite:a/x.db", "sqlite:b/x.db", "sqlite:c/x.db"},
		"database_connections": {"2", "3", "4"},
		"master_key_file":      {writeFile(t, sealing), writeFile(t, sealing), writeFile(t, sealing)},
		"max_staleness":        {"1m0s", "2m0s", "3m0s"},
		"jwks_max_age":         {"1m0s", "2m0s", "3m0s"},
		"clock_skew":           {"1s", "2s", "3s"},
		"signing_key_rotation": {"30d", "36h0m0s", "never"},
		"usage_retention":      {"30d", "60d", "90d"},
		"leak_grace":           {"1m0s", "2m0s", "3m0s"},
		"token_limit":          {"0", "1", "1000000000"},
		"token_limit_dry_run":  {"true", "false", "true"},
		"failure_limit":        {"0", "1", "1000000000"},
		"log_format":           {"text", "json", "text"},
		"log_level":            {"debug", "warn", "error"},
		"shutdown_delay":       {"1s", "2s", "3s"},
		"admin_limit":          {"1", "2", "3"},
		"server":               {"https://a.example", "https://b.example", "http://localhost:1"},
		"prefix":               {"aa", "bb", "cc"},
		"merchant_ids":         {"number", "text", "number"},
		"trusted_proxies":      {"10.0.0.0/8", "192.0.2.1", "10.0.0.0/8, 2001:db8::/32"},
		"issuer":               {"https://a.example/demo", "https://b.example", "http://localhost:1/demo"},
		"audience":             {"https://a.example/api", "urn:b", "c"},
		"max_stale":            {"1m0s", "2m0s", "3m0s"},
		"fail_closed_after":    {"5s", "6s", "7s"},
		"smtp":                 {"smtp://a.example", "smtps://b.example:1", "smtp://localhost"},
		"smtp_password_file":   {writeFile(t, "a"), writeFile(t, "b"), writeFile(t, "c")},
		"mail_from":            {"a@example.com", "b@example.com", "C <c@example.com>"},
	}
	beside := map[string]string{ // what goes with it
		"tls_cert_file": "tls_key_file: " + key[0], "tls_key_file": "tls_cert_file: " + cert[0],
		"smtp": "mail_from: x@example.com", "mail_from": "smtp: smtp://localhost", "smtp_password_file": "smtp: smtp://x@a.example\nmail_from: x@example.com",
	}
	all := scalars()
	if len(all) != len(values) {
		t.Errorf("there are %d fields with a flag, %d are tried", len(all), len(values))
	}
	for _, s := range all {
		v := values[s.name]
		file := writeFile(t, beside[s.name]+"\n"+s.name+": "+v[0]+"\n")
		variable := s.variable() + "=" + v[1]
		for want, got := range map[string]func() (int, string, string){
			v[0]: func() (int, string, string) { return command(t, nil, "config", "check", "--config", file) },
			v[1]: func() (int, string, string) {
				return command(t, []string{variable, "TOKENWRIGHT_CONFIG=" + file}, "config", "check")
			},
			v[2]: func() (int, string, string) {
				return command(t, []string{variable}, "config", "check", "--config", file, "--"+s.flag()+"="+v[2])
			},
		} {
			if v[0] == v[2] && want == v[0] {
				continue // one value cannot show two sources
			}
			code, stdout, stderr := got()
			if code != exitOK || stderr != "" || !strings.Contains("\n"+stdout, "\n"+s.name+": "+want+"\n") {
				t.Errorf("%s: got exit code %d, %s%s, want %s", s.name, code, stdout, stderr, want)
			}
		}
		if code, stdout, _ := command(t, []string{s.variable() + "=", "TOKENWRIGHT_CONFIG=" + file}, "config", "check"); code != exitOK || !strings.Contains(stdout, v[0]) {
			t.Errorf("%s: an empty variable counts: exit code %d, %s", s.name, code, stdout)
		}
	}
}

func policy(name, members string) string {
	return "forward_auth: {policies: {" + name + ": {" + members + "}}}"
}

// C-561
func TestBadConfigurationsAreRefused(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"url: localhost":                                       "url is an origin, such as https://auth.example.com or http://localhost:8080",
		"url: http://auth.example.com":                         "url is neither https nor http on a loopback host",
		"url: https://auth.example.com/":                       "url is an origin",
		"url: https://auth.example.com/x":                      "url is an origin",
		"url: https://u@auth.example.com":                      "url has a user",
		"listen: nonsense":                                     "listen is host and port, such as 127.0.0.1:8080 or :8080",
		"listen: 127.0.0.1:80800":                              "listen is host and port",
		"metrics_listen: 9464":                                 "metrics_listen is host and port, such as 127.0.0.1:9464, or off",
		"metrics_listen: 127.0.0.1:8080":                       "line 1: metrics_listen is the address of listen",
		"listen: :8080":                                        "line 1: listen: refusing to listen on :8080 without TLS: client secrets would cross",
		"listen: 192.0.2.1:8080":                               "refusing to listen on 192.0.2.1:8080 without TLS",
		"listen: '[fe80::1%eth0]:8080'":                        "refusing to listen on",
		"tls_cert_file: a.pem\ntls_key_file: b.pem":            "line 1: tls_cert_file and tls_key_file: loading the TLS certificate: stat a.pem",
		"database: 'sqlite:'":                                  "database is sqlite:<path> or postgres://user@host/database",
		"listen: [a]":                                          "cannot unmarshal",
		"max_staleness: 300":                                   "cannot unmarshal",
		"max_staleness: soon":                                  "cannot unmarshal",
		"max_staleness: 10ms":                                  "max_staleness is at least 1s",
		"jwks_max_age: 0s":                                     "line 1: jwks_max_age is at least 1s",
		"jwks_max_age: 1500ms":                                 "jwks_max_age is not a number of whole seconds",
		"jwks_max_age: 25h":                                    "jwks_max_age is not a number of whole seconds",
		"clock_skew: 11m":                                      "clock_skew is not from 1s to 10m",
		"signing_key_rotation: 11m":                            "signing_key_rotation is never, or longer than 11m0s",
		"signing_key_rotation: -1d":                            "is no span of time, such as 90d, 12h or never",
		"signing_key_rotation: -1h":                            "is no span of time, such as 90d",
		"signing_key_rotation: often":                          "is no span of time, such as 90d",
		"shutdown_delay: 1h":                                   "shutdown_delay is 0 to 5m",
		"shutdown_delay: -1s":                                  "shutdown_delay is 0 to 5m",
		"usage_retention: 36h":                                 "usage_retention is a number of days",
		"usage_retention: 0d":                                  "usage_retention is a number of days",
		"leak_grace: -1s":                                      "leak_grace is 0 to 24h",
		"leak_grace: 25h":                                      "leak_grace is 0 to 24h",
		"token_limit: -1":                                      "line 1: token_limit is 0 to 1000000000",
		"failure_limit: 1000000001":                            "line 1: failure_limit is 0 to 1000000000",
		"token_limit_dry_run: 1":                               "cannot unmarshal",
		"log_format: xml":                                      "log_format is json or text",
		"log_level: loud":                                      "log_level is debug, info, warn or error",
		"prefix: TW":                                           "prefix is a lower-case letter",
		"merchant_ids: uuid":                                   "merchant_ids is number or text",
		"tls_cert_file: a.pem":                                 "tls_cert_file and tls_key_file go together",
		"tls_key_file: a.pem":                                  "tls_cert_file and tls_key_file go together",
		"database: mysql://localhost/x":                        "database is sqlite:<path> or postgres://user@host/database",
		"database_connections: 1":                              "database_connections is at least 2",
		"environments: {}":                                     "there must be at least one",
		"environments:":                                        "there must be at least one",
		"environments: [demo]":                                 "cannot unmarshal",
		"environments: {Demo: {}}":                             `has the name "Demo"`,
		"environments: {docs: {}}":                             "which is reserved",
		"environments: {platform: {}}":                         "which is reserved",
		"environments: {a: {algorithm: HS256}}":                "environments.a.algorithm is ES256, RS256, PS256 or EdDSA",
		"environments: {a: {rsa_bits: 1024}}":                  "environments.a.rsa_bits is 2048 or 3072",
		"environments: {a: {token_lifetime: 25h}}":             "environments.a.token_lifetime is not a number of whole seconds from 1s to 24h",
		"environments: {a: {max_secret_age: 59m}}":             "environments.a.max_secret_age is less than 1h",
		"environments: {a: {max_secret_age: old}}":             "is no span of time, such as 90d",
		"environments: {a: {token_lifetime: 1ms}}":             "environments.a.token_lifetime is not",
		"environments: {a: {issuer: 'http://x.y'}}":            "environments.a.issuer URL is neither https",
		"environments: {a: {audience: 'x\"y'}}":                "environments.a.audience is empty or has a character",
		"environments: {a: {issuer: 'https://x.example/a'}}":   "environments.a.issuer is an origin of its own",
		"environments: {a: {issuer: 'http://localhost:8080'}}": "environments.a.issuer has the host of url",
		"url: https://x.example\nenvironments: {a: {issuer: 'https://X.example:443'}}":           "environments.a.issuer has the host of url",
		"environments: {a: {issuer: 'https://x.example'}, b: {issuer: 'https://x.example'}}":     "environments.b.issuer has the host of environments.a.issuer",
		"environments: {a: {issuer: 'https://x.example'}, b: {issuer: 'https://X.example:443'}}": "environments.b.issuer has the host of environments.a.issuer",
		"url: https://a.example\nurl: https://b.example":                                         "already defined",
		"issuer: http://auth.example.com/demo":                                                   "issuer is neither https nor http on a loopback host",
		"max_stale: 4s":                                                                          "line 1: max_stale is at least 5s",
		"fail_closed_after: -1h":                                                                 "line 1: fail_closed_after is at least 5s",
		"forward_auth: {policy: {}}":                                                             "the member forward_auth.policy is unknown; did you mean policies?",
		"forward_auth: [x]":                                                                      "cannot unmarshal",
		"forward_auth: {policies: [x]}":                                                          "cannot unmarshal",
		policy("orders", ""):                                                                     "forward_auth.policies.orders.env is missing or names no environment",
		policy("orders", "env: staging"):                                                         "forward_auth.policies.orders.scope is not names parted by single spaces",
		policy("orders", "env: platform, scope: a"):                                              "forward_auth.policies.orders.env is missing or names no environment",
		policy("orders", "env: Demo, scope: a"):                                                  "forward_auth.policies.orders.env is missing or names no environment",
		policy("orders", "env: staging, scope: a"):                                               "forward_auth.policies.orders.env is staging, which is none of the environments",
		policy("orders", "scope: a"):                                                             "forward_auth.policies.orders.env is missing",
		policy("orders", "env: demo, scope: ''"):                                                 "forward_auth.policies.orders.scope is not names parted by single spaces",
		policy("orders", "env: demo, scope: a  b"):                                               "forward_auth.policies.orders.scope is not names parted by single spaces",
		policy("orders", "env: demo, scope: [a, b]"):                                             "cannot unmarshal",
		policy("orders", "env: demo, scopes: a"):                                                 "the member forward_auth.policies.orders.scopes is unknown; did you mean scope?",
		policy("orders", "env: demo, scope: a, merchant: acme"):                                  "forward_auth.policies.orders.merchant is not a whole number from 1 to 9007199254740991 (merchant_ids is number)",
		policy("orders", "env: demo, scope: a, merchant: 0"):                                     "forward_auth.policies.orders.merchant is not a whole number",
		policy("orders", "env: demo, scope: a, merchant: 4_259"):                                 "forward_auth.policies.orders.merchant is not a whole number",
		policy("orders", "env: demo, scope: a, merchant: ''"):                                    "merchant is empty; leave it out where any merchant may pass",
		policy("orders", "env: demo, scope: a, merchant: "):                                      "merchant is empty; leave it out where any merchant may pass",
		policy("orders", "env: demo, scope: a, merchant: {id: 1}"):                               "cannot unmarshal",
		policy("Orders", "env: demo, scope: a"):                                                  `"Orders" is not 1 to 64 characters of a-z, 0-9, _ and -, the first a letter or digit`,
		policy("-x", "env: demo, scope: a"):                                                      `"-x" is not 1 to 64 characters`,
		policy("'a/b'", "env: demo, scope: a"):                                                   `"a/b" is not 1 to 64 characters`,
		"merchant_ids: text\n" + policy("orders", "env: demo, scope: a, merchant: a b"):          "forward_auth.policies.orders.merchant is not 1 to 64 characters",
		"url: [":    "reading the configuration",
		"- url":     "cannot unmarshal",
		"\tlisten:": "reading the configuration",
	} {
		code, stdout, stderr := command(t, nil, "config", "check", "--config", writeFile(t, text))
		if code == exitOK || stdout != "" || !strings.Contains(stderr, want) {
			t.Errorf("%s: got exit code %d and %s, want %s", text, code, stderr, want)
		}
	}
	for _, text := range []string{"", "# nothing", "signing_key_rotation: 0", "signing_key_rotation: 11m1s", "metrics_listen: off", "listen: '[::1]:0'\nmetrics_listen: '[::1]:0'", "listen: localhost:http", "url: https://auth.example.com\nlisten: :8080", "environments: {a: , b: {issuer: 'https://b.example'}, c: {algorithm: EdDSA}}",
		"environments: {a: {issuer: 'http://localhost:8080/a'}}", "forward_auth:", "forward_auth: {policies: }", "max_stale: 0s\nfail_closed_after: 5s",
		policy("orders", "env: demo, scope: 'orders:read orders:write', merchant: 4259"), policy("0-_", "env: production, scope: x"),
		"merchant_ids: text\n" + policy("orders", "env: demo, scope: a, merchant: 007")} {
		if code, _, stderr := command(t, nil, "config", "check", "--config", writeFile(t, text)); code != exitOK {
			t.Errorf("%s: got exit code %d and %s", text, code, stderr)
		}
	}
	if code, _, stderr := command(t, nil, "config", "check", "--config", "no-such.yaml"); code != exitUsage || !strings.Contains(stderr, "no-such.yaml") {
		t.Errorf("missing file: got exit code %d and %s", code, stderr)
	}
	for _, source := range [][]string{{"config", "check", "--max-staleness", "soon"}, {"config", "check"}} {
		code, _, stderr := command(t, []string{"TOKENWRIGHT_MAX_STALENESS=soon"}, source...)
		if code != exitUsage || !strings.Contains(stderr, "is no span of time, such as 90s or 5m") {
			t.Errorf("%v: got exit code %d and %s", source, code, stderr)
		}
	}
}

// A server would end for it, so the check does, and shows nothing of it.
func TestConfigCheckReadsTheMasterKey(t *testing.T) {
	t.Parallel()
	const onPostgres = "database: postgres://tokenwright@localhost/tokenwright\n"
	good, bad, missing := writeFile(t, sealing+"\n"), writeFile(t, "c2VjcmV0"), filepath.Join(t.TempDir(), "none.key")
	for _, test := range []struct{ text, variable, want string }{
		{"master_key_file: " + good, "", ""},
		{onPostgres + "master_key_file: " + good, "", ""},
		{onPostgres, sealing, ""},
		{"master_key_file: " + bad, sealing, ""}, // the variable goes before
		{"data: " + filepath.Dir(missing), "", ""},
		{"# a comment\nmaster_key_file: " + bad, "", "line 2: master_key_file: the master key of " + bad},
		{"master_key_file: " + missing, "", "line 1: master_key_file: the master key file " + missing + " does not exist"},
		{"master_key_file: " + good, "c2VjcmV0", "the master key of TOKENWRIGHT_MASTER_KEY: "},
		{onPostgres, "", "with PostgreSQL every node needs the master key"},
	} {
		code, stdout, stderr := command(t, []string{"TOKENWRIGHT_MASTER_KEY=" + test.variable}, "config", "check", "--config", writeFile(t, test.text))
		if (code == exitOK) != (test.want == "") || !strings.Contains(stderr, test.want) || strings.Contains(stdout+stderr, "c2VjcmV0") || strings.Contains(stdout+stderr, sealing) {
			t.Errorf("%s: got exit code %d and %s%s", test.text, code, stdout, stderr)
		}
	}
}

func TestConfigCheckShowsWhatIsInForce(t *testing.T) {
	t.Parallel()
	code, stdout, stderr := command(t, nil, "config", "check", "--listen", "127.0.0.1:9000", "--config",
		writeFile(t, "environments: {demo: , live: {issuer: 'https://live.example.com', algorithm: PS256, rsa_bits: 3072, token_lifetime: 5m}}"))
	if code != exitOK {
		t.Fatalf("got exit code %d and %s", code, stderr)
	}
	var shown Config
	if err := yaml.Unmarshal([]byte(stdout), &shown); err != nil {
		t.Fatal(err)
	}
	want := map[string]EnvironmentConfig{
		"demo": {Issuer: "http://localhost:9000/demo", Audience: "http://localhost:9000/demo/api", Algorithm: "ES256", RSABits: 2048, TokenLifetime: time.Hour},
		"live": {Issuer: "https://live.example.com", Audience: "https://live.example.com/api", Algorithm: "PS256", RSABits: 3072, TokenLifetime: 5 * time.Minute},
	}
	if !maps.Equal(shown.Environments, want) || shown.URL != "http://localhost:9000" {
		t.Errorf("got %s", stdout)
	}
	// What is shown is a configuration with the same meaning.
	if code, again, stderr := command(t, nil, "config", "check", "--config", writeFile(t, stdout)); code != exitOK || again != stdout {
		t.Errorf("what was shown: got exit code %d and %s%s", code, again, stderr)
	}
}

func TestDatabaseAndDataDirectoryFollowEachOther(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ data, database, wantData, wantDatabase string }{
		{"", "", "tokenwright-data", "sqlite:tokenwright-data/tokenwright.db"},
		{"/var/lib/x", "", "/var/lib/x", "sqlite:/var/lib/x/tokenwright.db"},
		{"", "sqlite:/srv/y.db", "/srv", "sqlite:/srv/y.db"},
		{"/keys", "sqlite:/srv/y.db", "/keys", "sqlite:/srv/y.db"},
	} {
		c := defaultConfig()
		c.Data, c.Database = row.data, row.database
		if err := c.complete(); err != nil || c.Data != row.wantData || c.Database != row.wantDatabase {
			t.Errorf("%+v: got %s and %s (%v)", row, c.Data, c.Database, err)
		}
	}
}

func TestTheURLFollowsTheAddress(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"127.0.0.1:8080": "http://localhost:8080", "[::1]:8080": "http://localhost:8080", ":8080": "http://localhost:8080",
		"0.0.0.0:1": "http://localhost:1", "[::]:1": "http://localhost:1", "localhost:1": "http://localhost:1",
		"127.0.0.2:1": "http://127.0.0.2:1", "192.0.2.1:443": "http://192.0.2.1:443", "[2001:db8::1]:1": "http://[2001:db8::1]:1", "nonsense": "",
	} {
		c := Config{Listen: address}
		if got := c.urlOf(address); got != want {
			t.Errorf("urlOf(%s) = %s, want %s", address, got, want)
		}
		if got := (&app{config: c}).serverURL(); got != want {
			t.Errorf("serverURL with %s = %s, want %s", address, got, want)
		}
		c.TLSCertFile = "x"
		if got := c.urlOf(address); got != strings.Replace(want, "http:", "https:", 1) {
			t.Errorf("urlOf(%s) with TLS = %s", address, got)
		}
	}
}

func TestEditDistance(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"a", "", 1}, {"", "abc", 3}, {"listen", "listen", 0}, {"lisen", "listen", 1}, {"litsen", "listen", 2}, {"kitten", "sitting", 3},
		{"url", "foo", 3}, {"ab", "ba", 2},
	} {
		if got := editDistance(row.a, row.b); got != row.want || editDistance(row.b, row.a) != got {
			t.Errorf("editDistance(%q, %q) = %d, want %d", row.a, row.b, got, row.want)
		}
	}
	known := []string{"url", "listen", "log_level"}
	for word, want := range map[string]string{"lisen": "; did you mean listen?", "LOGLEVEL": "; did you mean log_level?", "ur": "; did you mean url?",
		"foo": "", "x": "", "": "", "environments": ""} {
		if got := didYouMean(word, known); got != want {
			t.Errorf("didYouMean(%s) = %q, want %q", word, got, want)
		}
	}
}

func TestEnvironmentsAreSortedAndFollowTheURL(t *testing.T) {
	t.Parallel()
	c := defaultConfig()
	c.URL = "https://auth.example.com"
	c.Environments["aa"] = EnvironmentConfig{Issuer: "https://aa.example.com", Audience: "urn:x", Algorithm: "EdDSA", TokenLifetime: time.Minute}
	list, err := c.environments()
	if err != nil {
		t.Fatal(err)
	}
	want := []authority.Environment{
		{Name: "aa", Issuer: "https://aa.example.com", Audience: "urn:x", Algorithm: "EdDSA", TokenLifetime: time.Minute},
		{Name: "demo", Issuer: c.URL + "/demo", Audience: c.URL + "/demo/api", Algorithm: "ES256", TokenLifetime: time.Hour},
		{Name: "production", Issuer: c.URL + "/production", Audience: c.URL + "/production/api", Algorithm: "ES256", TokenLifetime: time.Hour},
		{Name: "platform", Issuer: c.URL + "/platform", Audience: c.URL + "/platform/api", Algorithm: "ES256", TokenLifetime: time.Hour},
	}
	for i := range want {
		if i >= len(list) || list[i] != want[i] {
			t.Fatalf("got %+v, want %+v", list, want)
		}
	}
}
