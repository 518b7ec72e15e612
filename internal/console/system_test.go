package console_test

import (
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/console"
	"github.com/tokenwright/tokenwright/internal/sso"
)

// C-470
func TestSystemPageSaysWhatToLookAt(t *testing.T) {
	h := newHarness(t)
	h.must(h.auth.LoadDirectory(h.ctx))
	h.configure(func(c *console.Config) {
		c.Version, c.Database = "v1.2.3", "PostgreSQL"
		c.SingleSignOn = []*sso.Provider{sso.New(sso.Config{Name: "corp", Label: "Example Corp", Issuer: "https://idp.example.com"})}
	})
	b := h.signedIn(h.operator("Olga"))
	b.get("/console/system").want(t, http.StatusOK, "v1.2.3", "PostgreSQL", "https://tokens.example.com/production", "https://tokens.example.com/admin", "ES256",
		"E-mail is not set up", "No server has told of itself yet", "numbers", "Example Corp, https://idp.example.com")
	now := *h.at
	for _, n := range []authority.Node{
		{ID: "a", NodeInfo: authority.NodeInfo{Version: "v1.2.3", Host: "one<b>"}, StartedAt: now, SeenAt: now, CurrentAt: now},
		{ID: "b", NodeInfo: authority.NodeInfo{Version: "v1.2.4", Host: "two"}, StartedAt: now, SeenAt: now, CurrentAt: now.Add(-30 * time.Second)},
		{ID: "c", NodeInfo: authority.NodeInfo{Version: "v1.2.2", Host: "three"}, StartedAt: now, SeenAt: now.Add(-90 * time.Second), CurrentAt: now.Add(-90 * time.Second)},
	} {
		h.must(h.open.Store.KeepNode(h.ctx, &n, now.Add(-24*time.Hour)))
	}
	page := b.get("/console/system").want(t, http.StatusOK, "one<b>", "Node on two is behind", "Node on three is silent",
		"Nodes run different versions", "v1.2.3, v1.2.4.").wantNot(t, "one<b>", "No server has told of itself yet")
	runbooks, err := os.ReadFile("../docs/content/runbooks.md")
	if err != nil {
		t.Fatal(err)
	}
	links := regexp.MustCompile(`href="/docs/runbooks#(\w+)"`).FindAllStringSubmatch(page.body, -1)
	if len(links) != 2 {
		t.Errorf("%d problems lead to a runbook", len(links))
	}
	for _, link := range links {
		if !strings.Contains(strings.ToLower(string(runbooks)), "\n## "+link[1]+"\n") {
			t.Errorf("there is no runbook %s", link[1])
		}
	}
}
