package docs

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/test/harness"
)

// inReference are the pages of the reference that have operations. Their samples
// name things that are examples, so they are run by a test of their own.
const inReference = "reference/"

// everything are the scopes of an operator key that may do all there is.
func everything() []string {
	scopes := []string{"events:read", "usage:read"}
	for _, what := range []string{"merchants", "scopes", "api-keys", "signing-keys", "users"} {
		for _, level := range []string{":read", ":write", ":delete"} {
			scopes = append(scopes, what+level)
		}
	}
	return scopes
}

// operatorKey makes an operator key, and a token of it.
func operatorKey(t *testing.T, s *harness.Server, scopes ...string) (key harness.APIKey, token string) {
	t.Helper()
	key = s.CreateOperatorKey(t, scopes...)
	harness.Eventually(t, harness.Soon, "the operator key works", func() bool {
		token = s.Ask(t, s.URL+"/oauth/token", key.ClientID, key.ClientSecret, "resource", s.URL+"/admin").AccessToken
		return token != ""
	})
	return key, token
}

// withOperator is for pages whose reader is an operator.
func withOperator(t *testing.T, r *reader) {
	key, _ := operatorKey(t, r.Server, everything()...)
	r.set("TOKENWRIGHT_CLIENT_ID", key.ClientID)
	r.set("TOKENWRIGHT_CLIENT_SECRET", key.ClientSecret)
}

// request is a sample of the reference.
type request struct{ page, operation, text string }

var operationPattern = regexp.MustCompile("(?s)\n`([A-Z]+ /[^`\n]*)`\n.*?\n```sh\n(.*?)\n```\n")

// requestsOf are the samples of the reference, those last that delete something.
func requestsOf(t *testing.T, s *harness.Server) (all []request) {
	t.Helper()
	for _, link := range regexp.MustCompile(`/docs/(reference/\S+)\.md\)`).FindAllStringSubmatch(string(s.Get(t, s.URL+"/llms.txt").Body), -1) {
		markdown := string(s.Get(t, s.URL+"/docs/"+link[1]+".md").Body)
		for _, m := range operationPattern.FindAllStringSubmatch(markdown, -1) {
			all = append(all, request{link[1], m[1], m[2]})
		}
	}
	sort.SliceStable(all, func(i, j int) bool {
		return !strings.HasPrefix(all[i].operation, "DELETE") && strings.HasPrefix(all[j].operation, "DELETE")
	})
	return all
}

// C-506: curl sends each request as it stands; what it names exists where that can be.
func TestEveryRequestOfTheReferenceIsUnderstood(t *testing.T) {
	t.Parallel()
	harness.Need(t, "bash", "curl")
	s, key := harness.StartWithKey(t, "demo")
	other := s.CreateKey(t, "demo") // it is changed, rotated and deleted
	_, operator := operatorKey(t, s, everything()...)
	there := strings.NewReplacer(
		"twc_demo_2ghWZyH4hVaV9dLq0cTJkN", other.ClientID,
		"usr_3nQ0cVb7Xa5dKe2LpRz9Tu", between(t, s.CLI(t, "user", "create", "--email", "bob@example.com", "--name", "Bob", "-o", "json"), `"id": "`, `"`),
		"NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs", between(t, string(s.Get(t, s.URL+"/demo/oauth/jwks").Body), `"kid":"`, `"`),
	)
	requests := requestsOf(t, s)
	if len(requests) < 50 {
		t.Fatalf("the reference has %d requests", len(requests))
	}
	// What curl sends stays as it is; of what comes back the status is enough.
	script := "set -u\ncurl() { command curl --max-time 60 --output /dev/null --write-out '%{http_code}' \"$@\"; }\n"
	for i, r := range requests {
		if r.page == "reference/gateways" {
			script += "ACCESS_TOKEN=$ANOTHER_TOKEN\n"
		}
		script += fmt.Sprintf("printf '\\n%d '\n%s\n", i, there.Replace(r.text))
	}
	c := exec.Command("bash", "-s")
	c.Dir, c.Stdin = t.TempDir(), strings.NewReader("main() {\n"+script+"\n}\nmain </dev/null\n")
	c.Env = append(os.Environ(), "NO_PROXY=*", "ADMIN_TOKEN="+operator, "ACCESS_TOKEN="+s.Token(t, key), "ANOTHER_TOKEN="+s.Token(t, key), // the first is revoked
		"TOKENWRIGHT_CLIENT_ID="+key.ClientID, "TOKENWRIGHT_CLIENT_SECRET="+key.ClientSecret)
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	if err := c.Run(); stdout.Len() == 0 {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	answered, done := 0, 0
	for _, line := range strings.Split(strings.TrimSpace(stdout.String()), "\n") {
		var i int
		var status string
		if n, _ := fmt.Sscan(line, &i, &status); n != 2 {
			t.Fatalf("%q\n%s", line, &stderr)
		}
		answered++
		switch {
		case status[0] == '2':
			done++
		// There is no such policy or webhook, and what is in use is not deleted.
		case !slices.Contains([]string{"403", "404", "409"}, status):
			t.Errorf("%s, status %s:\n%s", requests[i].operation, status, requests[i].text)
		default:
			t.Logf("%s: %s", requests[i].operation, status)
		}
	}
	if answered != len(requests) || done < 45 {
		t.Errorf("of %d requests %d were answered, %d with what they asked for\n%s", len(requests), answered, done, &stderr)
	}
}

// between is what stands after a mark, up to another.
func between(t *testing.T, text, from, to string) string {
	t.Helper()
	_, rest, found := strings.Cut(text, from)
	if !found {
		t.Fatalf("%q is not in %s", from, text)
	}
	value, _, _ := strings.Cut(rest, to)
	return value
}
