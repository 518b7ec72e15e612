package admin

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/admin"
	"github.com/tokenwright/tokenwright/test/harness"
)

// seat is where commands are typed: beside a database, or far from it.
type seat struct {
	*harness.Installation
	command func(args ...string) *exec.Cmd
	keys    map[string]string // what a placeholder stands for
}

// far is a seat in an empty directory, with nothing but the address of the server
// and an API key in the environment.
func far(t *testing.T, s *harness.Server, key harness.APIKey) *seat {
	t.Helper()
	dir := t.TempDir()
	return &seat{Installation: s.Installation, keys: map[string]string{}, command: func(args ...string) *exec.Cmd {
		c := exec.CommandContext(t.Context(), s.Binary, append([]string{"--server", s.URL}, args...)...)
		c.Dir = dir
		c.Env = []string{"TOKENWRIGHT_CLIENT_ID=" + key.ClientID, "TOKENWRIGHT_CLIENT_SECRET=" + key.ClientSecret, "NO_PROXY=*"}
		t.Cleanup(func() {
			if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
				t.Errorf("the command leaves %v, %v", left, err)
			}
		})
		return c
	}}
}

func near(t *testing.T, in *harness.Installation) *seat {
	t.Helper()
	return &seat{Installation: in, keys: map[string]string{}, command: func(args ...string) *exec.Cmd { return in.Command(context.Background(), args...) }}
}

var (
	clientSecret = regexp.MustCompile(`tws_[a-z]+_[0-9A-Za-z]{49}`)
	userID       = regexp.MustCompile(`usr_[0-9A-Za-z]{22}`)
)

// run types one command, with what placeholders stand for here.
func (s *seat) run(t *testing.T, line ...string) harness.Result {
	t.Helper()
	args := slices.Clone(line)
	for i := range args {
		if id := s.keys[args[i]]; id != "" {
			args[i] = id
		}
	}
	r := s.Finish(t, s.command(args...))
	for _, secret := range clientSecret.FindAllString(r.Stdout, -1) {
		harness.NoteSecret(secret)
	}
	harness.NoteLinks(r.Stdout)
	return r
}

// normal is an output without what differs between two installations, as lines in
// the order of their text: lists are in the order of IDs, which are random.
func normal(text string) string {
	for _, r := range []struct{ pattern, by string }{
		{`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z`, "TIME"},
		{`tws_[a-z]+_[0-9A-Za-z]{49}`, "SECRET"},
		{`http://localhost:\d+/console/link\?token=[0-9A-Za-z]{43}`, "LINK"}, // each of its own server
		{`lnk_[0-9A-Za-z]{22}`, "LINK_ID"},
		{`(cli:\S+?@|api_key:twc_platform_)[0-9A-Za-z-]+`, "ACTOR"},
		{`(api_key:|cli:\S*)…\S{7}`, "ACTOR"},             // in the report
		{`\bsystem( +signing_key\.announced)`, "ACTOR$1"}, // a server that looks in the same moment was first
		{`twc_[a-z]+_[0-9A-Za-z]{22}`, "CLIENT_ID"},
		{userID.String(), "USER_ID"},
		{`\b[0-9a-f]{64}\b`, "HASH"},
		{`(^|[^0-9A-Za-z_-])[0-9A-Za-z_-]{43}($|[^0-9A-Za-z_-])`, "${1}KID$2"},
		{`("hint": "|…)[0-9A-Za-z]{4}`, "${1}HINT"},
		{`(?m)^ *"(address|requestId)": .*\n`, ""}, // events of the command line have none
		{`(?m),[0-9A-Za-z]{4},TIME,`, ",HINT,TIME,"},
		{` +`, " "},
		// The API key that asks is in use, which is noted within seconds.
		{`(?m)^(Operations .* ACTOR \S+) (never 0 never used|\S+ ago \d+ -)$`, "$1 USE"},
		{`(?m)^(CLIENT_ID,Operations,.*,ACTOR,,)(,,0,0,never_used|TIME,127\.0\.0\.1,\d+,0,)(,1,,HINT,TIME,ACTOR,,,)(TIME)?\r$`, "${1}USE$3"},
	} {
		text = regexp.MustCompile(r.pattern).ReplaceAllString(text, r.by)
	}
	lines := strings.Split(text, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// C-403: every management command says the same on a server far away as on the
// database, be it good or bad.
func TestCommandsSayTheSameThroughAServer(t *testing.T) {
	t.Parallel()
	database := harness.Start(t)
	database.CreateOperatorKey(t, strings.Fields(managementScopes)...)
	server := harness.Start(t)
	key := server.CreateOperatorKey(t, strings.Fields(managementScopes)...)
	server.AwaitKeys(t, key)
	seats := []*seat{near(t, database.Installation), far(t, server, key)}

	const years = "2099-01-01T00:00:00Z"
	for _, line := range [][]string{
		{"merchant", "create", "--id", "7", "--name", "Seven"},
		{"merchant", "create", "--id", "7", "--name", "Again"},
		{"merchant", "create", "--id", "x", "--name", " "},
		{"merchant", "create", "--id", "8", "--name", "Eight\t\x1b[31m=1+1", "--key-limit", "9", "-o", "json"},
		{"merchant", "list"},
		{"merchant", "list", "-o", "json"},
		{"merchant", "show", "7"},
		{"merchant", "show", "9"},
		{"merchant", "update", "7", "--key-limit", "1"},
		{"merchant", "suspend", "7"},
		{"merchant", "resume", "7", "-o", "json"},
		{"merchant", "delete", "8"},
		{"merchant", "delete", "8", "--yes"},
		{"scope", "create", "a:read", "--description", "Read"},
		{"scope", "create", "A:READ"},
		{"scope", "list"},
		{"key", "create", "--merchant", "7", "--env", "demo", "--name", "K", "--scope", "a:read", "-o", "json"},
		{"key", "create", "--merchant", "7", "--env", "demo", "--name", "K"},
		{"key", "create", "--merchant", "7", "--env", "production", "--name", "P", "--allow-cidr", "10.0.0.0/8", "--expires", years},
		{"key", "create", "--merchant", "7", "--env", "nowhere", "--name", "K", "--scope", "b:read"},
		{"key", "list"},
		{"key", "list", "--merchant", "7", "--env", "demo", "-o", "json"},
		{"key", "show", "KEY"},
		{"key", "show", "twc_demo_0000000000000000000000"},
		{"key", "update", "KEY", "--name", "L", "--if-version", "9"},
		{"key", "update", "KEY", "--name", "L", "--allow-cidr", "::1/128", "--expires", years, "-o", "json"},
		{"key", "update", "KEY", "--no-scopes", "--allow-anywhere", "--expires", "never", "--revoke-tokens"},
		{"key", "update", "KEY", "--scope", "a:read"},
		{"key", "rotate", "KEY", "--overlap", "1h", "--name", "second"},
		{"key", "rotate", "KEY", "--overlap", "0", "-o", "json"},
		{"key", "secret", "list", "KEY"},
		{"key", "secret", "list", "KEY", "-o", "json"},
		{"key", "secret", "delete", "KEY", "1", "--yes"},
		{"key", "secret", "delete", "KEY", "3", "--yes"},
		{"key", "disable", "KEY"},
		{"key", "enable", "KEY", "-o", "json"},
		{"key", "report"},
		{"key", "report", "-o", "csv"},
		{"key", "report", "--merchant", "7", "-o", "json", "--unused-for", "1d"}, // without the API key that asks: it is in use
		{"scope", "delete", "a:read", "--yes"},
		{"merchant", "delete", "7", "--yes"},
		{"key", "delete", "KEY", "--yes", "-o", "json"},
		{"scope", "delete", "a:read", "--yes"},
		{"user", "create", "--email", "ann@example.com", "--name", "Ann", "--role", "7=viewer", "-o", "json"},
		{"user", "create", "--email", "ann@example.com", "--name", "Again", "--role", "9=viewer"},
		{"user", "list"},
		{"user", "create", "--email", "bob@example.com", "--name", "Bob"},
		{"user", "reset", "USER"},
		{"user", "reset", "USER", "-o", "json"},
		{"user", "reset", "usr_0000000000000000000000"},
		{"portal-link", "--merchant", "7"},
		{"portal-link", "--merchant", "7", "-o", "json"},
		{"portal-link", "--merchant", "9"},
		{"user", "update", "USER", "--role", "7=administrator"},
		{"user", "disable", "USER"},
		{"user", "enable", "USER", "-o", "json"},
		{"user", "show", "USER"},
		{"user", "delete", "USER", "--yes"},
		{"user", "show", "USER"},
		{"signing-key", "list"},
		{"signing-key", "rotate", "--env", "demo"},
		{"signing-key", "rotate", "--env", "nowhere"},
		{"signing-key", "revoke", "--yes", "-o", "json", "--", "ACTIVE"},
		{"signing-key", "revoke", "--yes", "-o", "json", "--", "ANNOUNCED"},
		{"webhook", "list"},
		{"webhook", "deliveries", "nobody"},
		{"event", "list"},
		{"event", "list", "--kind", "merchant.created", "--limit", "1", "-o", "json"},
		{"event", "list", "--kind", "nothing.happened"},
	} {
		var results []harness.Result
		for _, s := range seats {
			if line[0] == "signing-key" && s.keys["ACTIVE"] == "" {
				s.noteSigningKeys(t)
			}
			r := s.run(t, line...)
			results = append(results, r)
			if slices.Equal(line[:2], []string{"key", "create"}) && s.keys["KEY"] == "" {
				s.keys["KEY"] = harness.ReadKey(t, r.Stdout).ID
			}
			if id := userID.FindString(r.Stdout); id != "" {
				s.keys["USER"] = id
			}
		}
		a, b := results[0], results[1]
		if a.Code != b.Code || normal(a.Stdout) != normal(b.Stdout) || normal(a.Stderr) != normal(b.Stderr) {
			t.Errorf("%s: on the database, exit code %d\n%s%s\nthrough the server, exit code %d\n%s%s", strings.Join(line, " "),
				a.Code, normal(a.Stdout), normal(a.Stderr), b.Code, normal(b.Stdout), normal(b.Stderr))
		}
		if a.Stdout == "" && a.Stderr == "" {
			t.Errorf("%s says nothing", strings.Join(line, " "))
		}
	}
}

// noteSigningKeys lets ACTIVE and ANNOUNCED stand for two of production.
func (s *seat) noteSigningKeys(t *testing.T) {
	t.Helper()
	var keys []admin.SigningKey
	if err := json.Unmarshal([]byte(s.run(t, "signing-key", "list", "--env", "production", "-o", "json").Stdout), &keys); err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		s.keys[strings.ToUpper(k.Status)] = k.KeyID
	}
}

// C-403: a merchant's own API key manages its merchant, in its environment, and
// knows of nothing else.
func TestAMerchantsAPIKeyManagesItsMerchantFromAfar(t *testing.T) {
	t.Parallel()
	s, _, _ := start(t)
	s.CLI(t, "merchant", "create", "--id", "1", "--name", "Other")
	s.CLI(t, "merchant", "update", "4259", "--key-limit", "9")
	other := s.CreateKeyOf(t, "1", "demo")
	production := s.CreateKey(t, "production")
	own := harness.ReadKey(t, s.CLI(t, "key", "create", "--merchant", "4259", "--env", "demo", "--name", "Provisioning", "-o", "json",
		"--scope", "api-keys:read", "--scope", "api-keys:write", "--scope", "api-keys:delete", "--scope", "customers:read"))
	s.AwaitKeys(t, own)
	seat := far(t, s, own)

	made := harness.ReadKey(t, seat.run(t, "key", "create", "--merchant", "4259", "--env", "demo", "--name", "Made", "--scope", "customers:read", "-o", "json").Stdout)
	if !s.Works(t, made) {
		t.Error("what it has made does not work")
	}
	list := seat.run(t, "key", "list")
	for _, k := range []harness.APIKey{made, own} {
		if !strings.Contains(list.Stdout, k.ClientID) {
			t.Errorf("its list lacks %s", k.ClientID)
		}
	}
	const unknown = "tokenwright: not found: it never was, was deleted, or is not yours\n  tokenwright key list shows what there is\n"
	for _, k := range []harness.APIKey{other, production} {
		if strings.Contains(list.Stdout, k.ClientID) {
			t.Errorf("its list has %s", k.ClientID)
		}
		for _, line := range [][]string{{"show"}, {"disable"}, {"rotate"}, {"delete", "--yes"}, {"update", "--name", "Mine"}} {
			if r := seat.run(t, slices.Concat([]string{"key", line[0], k.ClientID}, line[1:])...); r.Code != 1 || r.Stderr != unknown {
				t.Errorf("%s: exit code %d, %s%s", line[0], r.Code, r.Stdout, r.Stderr)
			}
		}
		if !s.Works(t, k) {
			t.Errorf("%s was changed", k.ClientID)
		}
	}
	if r := seat.run(t, "key", "create", "--merchant", "4259", "--env", "demo", "--name", "More", "--scope", "customers:write"); r.Code != 1 || !strings.Contains(r.Stderr, "customers:write") {
		t.Errorf("it grants what it does not hold: exit code %d, %s", r.Code, r.Stderr)
	}
	if r := seat.run(t, "merchant", "list"); r.Code != 1 || !strings.Contains(r.Stderr, "lacks a scope that is needed here: merchants:read") {
		t.Errorf("exit code %d, %s", r.Code, r.Stderr)
	}
}
