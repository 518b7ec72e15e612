package examples

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/harness"
)

// C-480: whoever presses the button of a product is led into the console, by a link
// of its own each time; where none can be made, the product says so, and shows
// nothing of why.
func TestTheButtonOfAProductLeadsIntoTheConsole(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	s.Seed(t)
	key := s.CreateOperatorKey(t, strings.Fields("users:read users:write users:delete api-keys:read api-keys:write api-keys:delete merchants:read scopes:read events:read usage:read")...)
	s.AwaitKeys(t, key)
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(key.ClientSecret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	address := fmt.Sprintf("localhost:%d", harness.FreePort(t))
	c := (&clientWorld{program: program{file: "portal-link", needs: needNothing}}).command(t, "TOKENWRIGHT_URL="+s.URL, "TOKENWRIGHT_CLIENT_ID="+key.ClientID,
		"TOKENWRIGHT_CLIENT_SECRET_FILE="+secret, "PORTAL_LISTEN="+address, "NO_PROXY=*")
	c.Args = append(c.Args, "4259")
	product := s.Background(t, "portal-link", c)

	client := *s.Client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	in := *s.Installation
	in.Client = &client
	press := func() *harness.Answer {
		t.Helper()
		return in.Do(t, harness.NewRequest(t, "POST", "http://"+address+"/api-keys", ""))
	}
	harness.Eventually(t, 10*time.Second, "the product answers", func() bool {
		_, err := in.Attempt(harness.NewRequest(t, "GET", "http://"+address+"/", ""))
		return err == nil && product.Running()
	})
	links := map[string]bool{}
	for range 2 {
		a := press()
		link := a.Header.Get("Location")
		if a.Status != http.StatusSeeOther || harness.NoteLinks(link) != 1 || a.Header.Get("Cache-Control") != "no-store" {
			t.Fatalf("the button is answered %d, to %q: %s", a.Status, link, a.Body)
		}
		if page := in.Do(t, harness.NewRequest(t, "GET", link, "")); page.Status != http.StatusOK || !strings.Contains(string(page.Body), "Open the console") {
			t.Errorf("the link leads to %d: %s", page.Status, page.Body)
		}
		links[link] = true
	}
	if len(links) != 2 {
		t.Error("two who press the button get one link")
	}
	s.CLI(t, "key", "disable", key.ClientID)
	harness.Eventually(t, harness.Soon, "no more links are made", func() bool { return press().Status == http.StatusBadGateway })
	if a := press(); string(a.Body) != "The API keys cannot be shown just now. Try again in a moment.\n" {
		t.Errorf("without a link it says %s", a.Body)
	}
}
