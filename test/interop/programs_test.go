package interop

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/tokenwright/tokenwright/test/harness"
)

func getByXOAuth2(t *testing.T, j job) result {
	config := clientcredentials.Config{
		ClientID: j.ClientID, ClientSecret: j.ClientSecret, TokenURL: j.TokenEndpoint,
		AuthStyle: map[string]oauth2.AuthStyle{
			"basic": oauth2.AuthStyleInHeader, "body": oauth2.AuthStyleInParams, "auto": oauth2.AuthStyleAutoDetect,
		}[j.Auth],
	}
	got := result{Version: moduleVersion(t, "golang.org/x/oauth2")}
	token, err := config.Token(t.Context())
	var refused *oauth2.RetrieveError
	switch {
	case errors.As(err, &refused):
		got.Error = refused.ErrorCode
	case err != nil:
		got.Error = err.Error()
	default:
		got.Token = token.AccessToken
	}
	return got
}

// testAutoDetect shows what the page works-with warns of: where it does not know yet how
// to send the secret, x/oauth2 sends a request that was refused once more.
func testAutoDetect(t *testing.T, w *world) {
	requests := 0
	counting := roundTripper(func(r *http.Request) (*http.Response, error) {
		requests++
		return http.DefaultTransport.RoundTrip(r)
	})
	config := clientcredentials.Config{
		ClientID: w.keys["demo"].ClientID, ClientSecret: w.other["demo"].ClientSecret, TokenURL: w.URL + "/demo/oauth/token",
	}
	_, err := config.Token(context.WithValue(t.Context(), oauth2.HTTPClient, &http.Client{Transport: counting}))
	if err == nil || requests != 2 {
		t.Errorf("%d requests, error %v", requests, err)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// moduleVersion is that of a module which this package is built with.
func moduleVersion(t *testing.T, path string) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Version}}", path).Output()
	if err != nil {
		t.Fatalf("go list -m %s: %v", path, err)
	}
	return strings.TrimPrefix(strings.TrimSpace(string(out)), "v")
}

// getByCurl keeps the secret out of the arguments, which everybody on the
// machine can read: it stands in the body or in a configuration file, and
// either comes by standard input.
func getByCurl(t *testing.T, j job) result {
	got := result{Version: strings.Fields(harness.Tool(t, "", "curl", "--version"))[1]}
	curl := []string{"-sS", "-X", "POST", j.TokenEndpoint}
	switch j.Auth {
	case "json": // as the guide does
		got.read(t, harness.Tool(t, jsonBody(t, j), "curl", append(curl, "-H", "Content-Type: application/json", "-d", "@-")...))
	case "body":
		form := url.Values{"grant_type": {"client_credentials"}, "client_id": {j.ClientID}, "client_secret": {j.ClientSecret}}
		got.read(t, harness.Tool(t, form.Encode(), "curl", append(curl, "-d", "@-")...))
	case "basic":
		config := fmt.Sprintf("user = \"%s:%s\"\n", j.ClientID, j.ClientSecret)
		got.read(t, harness.Tool(t, config, "curl", append(curl, "-K", "-", "-d", "grant_type=client_credentials")...))
	}
	return got
}

// getByHTTPie gives HTTPie the secret in the body, by standard input, or in
// ~/.netrc.
func getByHTTPie(t *testing.T, j job) result {
	got := result{Version: strings.TrimSpace(harness.Tool(t, "", "http", "--version"))}
	if j.Auth == "json" {
		got.read(t, harness.Tool(t, jsonBody(t, j), "http", "--body", "POST", j.TokenEndpoint))
		return got
	}
	home := t.TempDir()
	netrc := fmt.Sprintf("machine localhost login %s password %s\n", j.ClientID, j.ClientSecret)
	if err := os.WriteFile(filepath.Join(home, ".netrc"), []byte(netrc), 0o600); err != nil {
		t.Fatal(err)
	}
	got.read(t, harness.Tool(t, "", "env", "HOME="+home,
		"http", "--ignore-stdin", "--body", "--form", "POST", j.TokenEndpoint, "grant_type=client_credentials"))
	return got
}

func jsonBody(t *testing.T, j job) string {
	t.Helper()
	body, err := json.Marshal(map[string]string{
		"grant_type": "client_credentials", "client_id": j.ClientID, "client_secret": j.ClientSecret,
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// read takes the answer as the program prints it.
func (r *result) read(t *testing.T, out string) {
	t.Helper()
	var answer harness.TokenAnswer
	if err := json.Unmarshal([]byte(out), &answer); err != nil {
		t.Fatalf("the answer is not JSON: %v\n%s", err, out)
	}
	r.Token, r.Error = answer.AccessToken, answer.Error
}
