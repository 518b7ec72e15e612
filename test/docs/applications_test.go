package docs

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/test/harness"
)

// giveAdminToken is an access token that manages API keys.
func giveAdminToken(t *testing.T, r *reader) {
	t.Helper()
	_, token := operatorKey(t, r.Server, "api-keys:write")
	r.set("ADMIN_TOKEN", token)
}

// giveAPI is an API that takes access tokens.
func giveAPI(t *testing.T, r *reader) {
	t.Helper()
	port := harness.FreePort(t)
	c := exec.Command("/usr/bin/python3", harness.Example("verify", "python-pyjwt.py"))
	c.Env = append(r.environ, "TOKENWRIGHT_ISSUER="+r.URL+"/demo", fmt.Sprintf("PORT=%d", port))
	r.Background(t, "api", c)
	address := fmt.Sprintf("http://localhost:%d", port)
	harness.Eventually(t, harness.Soon, "the API answers", func() bool {
		resp, err := http.Get(address)
		if err == nil {
			_ = resp.Body.Close()
		}
		return err == nil
	})
	r.set("API_URL", address)
}

// C-510: what pages for applications say of the wire is what is on it.
func TestTablesOfThePagesAreWhatIsSent(t *testing.T) {
	s, key := harness.StartWithKey(t, "demo")
	whole := func(a *harness.Answer) (object map[string]any) {
		t.Helper()
		if err := json.Unmarshal(a.Body, &object); err != nil {
			t.Fatal(err)
		}
		return object
	}
	request := harness.NewRequest(t, "POST", s.URL+"/oauth/token", harness.TokenRequest(t, key.ClientID, key.ClientSecret))
	request.Header.Set("Content-Type", "application/json")
	answer := s.Do(t, request)
	token := answer.Token(t).AccessToken
	var document struct {
		Components struct {
			Schemas map[string]struct{ Properties map[string]any }
		}
	}
	if err := json.Unmarshal(s.Get(t, s.URL+"/openapi.json").Body, &document); err != nil {
		t.Fatal(err)
	}
	metadata := whole(s.Get(t, s.URL+"/demo/.well-known/openid-configuration"))
	for _, unused := range []string{"response_types_supported", "subject_types_supported", "id_token_signing_alg_values_supported"} {
		delete(metadata, unused) // of OpenID Connect
	}
	for member := range metadata { // how the same client authenticates
		if strings.HasSuffix(member, "_endpoint_auth_methods_supported") && member != "token_endpoint_auth_methods_supported" {
			delete(metadata, member)
		}
	}
	for _, table := range []struct {
		page, column string
		sent         map[string]any
	}{
		{"get-a-token", "Parameter", document.Components.Schemas["TokenRequest"].Properties},
		{"get-a-token", "Member", whole(answer)},
		{"access-token", "Header", harness.Part(t, token, 0)},
		{"access-token", "Claim", flat(harness.Part(t, token, 1))},
		{"environments", "Member", metadata},
	} {
		said := firstColumn(t, string(s.Get(t, s.URL+"/docs/"+table.page+".md").Body), table.column)
		if sent := slices.Sorted(maps.Keys(table.sent)); !slices.Equal(said, sent) {
			t.Errorf("%s.md says\n%v\nsent are\n%v", table.page, said, sent)
		}
	}
}

// flat names the members of members by both names.
func flat(object map[string]any) map[string]any {
	all := map[string]any{}
	for name, value := range object {
		if inner, ok := value.(map[string]any); ok {
			for member := range inner {
				all[name+"."+member] = nil
			}
			continue
		}
		all[name] = value
	}
	return all
}

// firstColumn reads the code of the first column of the table whose head begins so,
// in order.
func firstColumn(t *testing.T, markdown, head string) []string {
	t.Helper()
	_, table, ok := strings.Cut(markdown, "\n| "+head+" |")
	if !ok {
		t.Fatalf("there is no table of each %s", head)
	}
	table, _, _ = strings.Cut(table, "\n\n")
	var column []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(table, -1) {
		column = append(column, row[1])
	}
	slices.Sort(column)
	return column
}

var (
	refusal = regexp.MustCompile(`"(?:message|error_description)": ?"([^"]+)"`)
	status  = regexp.MustCompile(`(?m)^HTTP/1\.1 \d+ [A-Z].*$`)
)

// checkRefusals holds that the refusals that a page shows are those that its reader
// has seen.
func checkRefusals(t *testing.T, page string, blocks []block, seen string) {
	t.Helper()
	shown := 0
	for _, b := range blocks {
		if !slices.Contains([]string{"json", "http", "text"}, b.language) {
			continue
		}
		for _, text := range refusal.FindAllStringSubmatch(b.text, -1) {
			if shown++; !strings.Contains(seen, text[1]) {
				t.Errorf("%s shows %q, which its samples do not", b.where(page), text[1])
			}
		}
		for _, line := range status.FindAllString(b.text, -1) {
			if shown++; !strings.Contains(seen, line) {
				t.Errorf("%s shows %q, which its samples do not", b.where(page), line)
			}
		}
	}
	if shown == 0 {
		t.Errorf("%s shows no refusal", page)
	}
}
