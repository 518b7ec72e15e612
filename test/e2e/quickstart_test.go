package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/tokenwright/tokenwright/test/harness"
)

// quickstart runs quickstart --once on an installation, and returns what it printed.
func quickstart(t *testing.T, in *harness.Installation, output string) string {
	t.Helper()
	out := in.CLI(t, "quickstart", "--once", "-o", output,
		"--url", in.URL, "--listen", fmt.Sprintf("127.0.0.1:%d", in.Port), "--metrics-listen", "off")
	text, err := os.ReadFile(filepath.Join(in.Data, "quickstart.json"))
	if err != nil {
		t.Fatal(err)
	}
	harness.ReadKey(t, string(text))
	in.NoteMasterKeys(t)
	return out
}

func TestQuickstartOncePrintsATokenThatJoseVerifies(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	var shown struct {
		URL           string          `json:"url"`
		TokenEndpoint string          `json:"tokenEndpoint"`
		Answer        json.RawMessage `json:"answer"`
		Claims        map[string]any  `json:"claims"`
	}
	if err := json.Unmarshal([]byte(quickstart(t, in, "json")), &shown); err != nil {
		t.Fatal(err)
	}
	if shown.URL != in.URL || shown.TokenEndpoint != in.URL+"/api/oauth/token" {
		t.Errorf("url %q, tokenEndpoint %q", shown.URL, shown.TokenEndpoint)
	}
	token := (&harness.Answer{Body: shown.Answer}).Token(t).AccessToken
	in.Start(t)
	found := harness.Jose(t, harness.Verification{
		Token: token, JWKSURI: in.URL + "/demo/oauth/jwks", Issuer: in.URL + "/demo", Audience: in.URL + "/demo/api",
		Type: "at+jwt", Algorithms: []string{"ES256"},
	})[0]
	if found.Error != "" {
		t.Fatalf("jose: %s", found.Error)
	}
	if found.Payload["jti"] != shown.Claims["jti"] {
		t.Error("the claims shown are not those of the token")
	}
	harness.CheckShape(t, token, in.URL+"/demo", "demo", "customers:read customers:write")
}

// The table is for people: the command that it shows must do what it says.
func TestQuickstartShowsACommandThatWorks(t *testing.T) {
	t.Parallel()
	harness.Need(t, "curl")
	in := harness.New(t)
	out := quickstart(t, in, "table")
	shown := regexp.MustCompile(`"access_token": "([^"]+)"`).FindStringSubmatch(out)
	command := regexp.MustCompile(`(?s)  (curl -X POST .*?'\{.*?\}')`).FindStringSubmatch(out)
	if shown == nil || command == nil {
		t.Fatalf("no token, or no command:\n%s", out)
	}
	harness.NoteToken(shown[1])
	harness.CheckShape(t, shown[1], in.URL+"/demo", "demo", "customers:read customers:write")

	in.Start(t)
	again := (&harness.Answer{Body: []byte(harness.Tool(t, "", "sh", "-c", command[1]+" -sS --noproxy '*'"))}).Token(t)
	if again.AccessToken == "" || again.AccessToken == shown[1] {
		t.Errorf("the command gets %q: %s", again.Error, again.Description)
	}
}

// The API key of the example stays the same from start to start, so that what
// people have tried goes on to work.
func TestQuickstartKeepsItsKey(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	quickstart(t, in, "json")
	quickstart(t, in, "json")
	var keys []harness.APIKey
	if err := json.Unmarshal([]byte(in.CLI(t, "key", "list", "--merchant", "4259", "-o", "json")), &keys); err != nil {
		t.Fatal(err)
	}
	if len(keys) != 1 {
		t.Errorf("there are %d API keys", len(keys))
	}
}
