package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// quickstart runs quickstart --once on an installation, and returns what it printed.
func quickstart(t *testing.T, in *installation, output string) string {
	t.Helper()
	out := in.cli(t, "quickstart", "--once", "-o", output,
		"--url", in.url, "--listen", fmt.Sprintf("127.0.0.1:%d", in.port), "--metrics-listen", "off")
	text, err := os.ReadFile(filepath.Join(in.data, "quickstart.json"))
	if err != nil {
		t.Fatal(err)
	}
	readKey(t, string(text))
	in.noteMasterKeys(t)
	return out
}

func TestQuickstartOncePrintsATokenThatJoseVerifies(t *testing.T) {
	t.Parallel()
	in := newInstallation(t)
	var shown struct {
		URL           string          `json:"url"`
		TokenEndpoint string          `json:"tokenEndpoint"`
		Answer        json.RawMessage `json:"answer"`
		Claims        map[string]any  `json:"claims"`
	}
	if err := json.Unmarshal([]byte(quickstart(t, in, "json")), &shown); err != nil {
		t.Fatal(err)
	}
	if shown.URL != in.url || shown.TokenEndpoint != in.url+"/api/oauth/token" {
		t.Errorf("url %q, tokenEndpoint %q", shown.URL, shown.TokenEndpoint)
	}
	token := (&answer{body: shown.Answer}).token(t).AccessToken
	in.start(t)
	found := jose(t, verification{
		Token: token, JWKSURI: in.url + "/demo/oauth/jwks", Issuer: in.url + "/demo", Audience: in.url + "/demo/api",
		Type: "at+jwt", Algorithms: []string{"ES256"},
	})[0]
	if found.Error != "" {
		t.Fatalf("jose: %s", found.Error)
	}
	if found.Payload["jti"] != shown.Claims["jti"] {
		t.Error("the claims shown are not those of the token")
	}
	checkShape(t, token, in.url+"/demo", "demo", "customers:read customers:write")
}

// checkShape holds a token against the contract: these members and no others,
// of these types, in header and payload (RFC 9068 2).
func checkShape(t *testing.T, token, issuer, env, scope string) {
	t.Helper()
	header, payload := part(t, token, 0), part(t, token, 1)
	checkMembers(t, "header", header, "alg", "kid", "typ")
	checkMembers(t, "payload", payload, "iss", "aud", "sub", "client_id", "iat", "exp", "jti", "gen", "scope", "claims")
	id, _ := payload["client_id"].(string)
	if !regexp.MustCompile(`^twc_` + env + `_[0-9A-Za-z]{22}$`).MatchString(id) {
		t.Errorf("client_id is %q", id)
	}
	for name, want := range map[string]any{"iss": issuer, "aud": issuer + "/api", "sub": id, "scope": scope} {
		if payload[name] != want {
			t.Errorf("%s is %v, not %v", name, payload[name], want)
		}
	}
	if jti, _ := payload["jti"].(string); len(jti) < 22 { // 128 bits
		t.Errorf("jti is %v", payload["jti"])
	}
	seconds := map[string]int64{}
	for _, name := range []string{"iat", "exp", "gen"} {
		number, _ := payload[name].(json.Number)
		n, err := number.Int64()
		if err != nil {
			t.Errorf("%s is %v, no whole number", name, payload[name])
		}
		seconds[name] = n
	}
	if life := seconds["exp"] - seconds["iat"]; life != 3600 || seconds["gen"] > seconds["iat"] {
		t.Errorf("the token lives %d s; gen %d, iat %d", life, seconds["gen"], seconds["iat"])
	}
	claims, _ := payload["claims"].(map[string]any)
	checkMembers(t, "claims", claims, "env", "merchantId")
	if claims["env"] != env || claims["merchantId"] != json.Number("4259") {
		t.Errorf("claims are %v", claims)
	}
}

func checkMembers(t *testing.T, of string, object map[string]any, names ...string) {
	t.Helper()
	for _, name := range names {
		if _, ok := object[name]; !ok {
			t.Errorf("the %s has no %s", of, name)
		}
	}
	if len(object) != len(names) {
		t.Errorf("the %s has other members than %v: %v", of, names, object)
	}
}

// The table is for people: the command that it shows must do what it says.
func TestQuickstartShowsACommandThatWorks(t *testing.T) {
	t.Parallel()
	need(t, "curl")
	in := newInstallation(t)
	out := quickstart(t, in, "table")
	shown := regexp.MustCompile(`"access_token": "([^"]+)"`).FindStringSubmatch(out)
	command := regexp.MustCompile(`(?s)  (curl -X POST .*?'\{.*?\}')`).FindStringSubmatch(out)
	if shown == nil || command == nil {
		t.Fatalf("no token, or no command:\n%s", out)
	}
	noteToken(shown[1])
	checkShape(t, shown[1], in.url+"/demo", "demo", "customers:read customers:write")

	in.start(t)
	again := (&answer{body: []byte(tool(t, "", "sh", "-c", command[1]+" -sS --noproxy '*'"))}).token(t)
	if again.AccessToken == "" || again.AccessToken == shown[1] {
		t.Errorf("the command gets %q: %s", again.Error, again.Description)
	}
}

// The API key of the example stays the same from start to start, so that what
// people have tried goes on to work.
func TestQuickstartKeepsItsKey(t *testing.T) {
	t.Parallel()
	in := newInstallation(t)
	quickstart(t, in, "json")
	quickstart(t, in, "json")
	var keys []apiKey
	if err := json.Unmarshal([]byte(in.cli(t, "key", "list", "--merchant", "4259", "-o", "json")), &keys); err != nil {
		t.Fatal(err)
	}
	if len(keys) != 1 {
		t.Errorf("there are %d API keys", len(keys))
	}
}
