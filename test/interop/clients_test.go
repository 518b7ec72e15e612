package interop

import (
	"slices"
	"testing"

	"github.com/tokenwright/tokenwright/test/harness"
)

// job is what a client is told. It finds the token endpoint itself if it is
// told none.
type job struct {
	Issuer        string `json:"issuer"`
	TokenEndpoint string `json:"tokenEndpoint,omitempty"`
	ClientID      string `json:"clientId"`
	ClientSecret  string `json:"clientSecret"`
	Auth          string `json:"auth"`                // basic or body, of which programs know more
	Discovery     string `json:"discovery,omitempty"` // oauth2 or oidc
}

// result is what became of a job: Token, or Error, the OAuth error that the
// library reports.
type result struct {
	Version string `json:"version"`
	Token   string `json:"token"`
	Error   string `json:"error"`
}

// client is a library that gets tokens.
type client struct {
	library
	ways []way
	get  func(*testing.T, job) result // nil for a script
}

// way is one way to get a token; it is shown to people.
type way struct {
	name      string
	discovery string // "" where the client is told the token endpoint
	auth      string
	sends     string // what the server must see: Basic, form or JSON
}

var (
	basicAndForm = []way{{"Basic", "", "basic", "Basic"}, {"form", "", "body", "form"}}
	asJSON       = []way{{"JSON", "", "json", "JSON"}}
	byMetadata   = []way{{"Basic", "oauth2", "basic", "Basic"}, {"form", "oauth2", "body", "form"}}
	byOpenID     = []way{{"Basic", "oidc", "basic", "Basic"}, {"form", "oidc", "body", "form"}}
)

var clients = []client{
	{library: goModule("golang.org/x/oauth2"), get: getByXOAuth2, ways: slices.Concat(basicAndForm, []way{{"auto-detect", "", "auto", "Basic"}})},
	{library: npm("openid-client"), ways: slices.Concat(byMetadata, byOpenID)},
	{library: npm("oauth4webapi"), ways: slices.Concat(byMetadata, byOpenID)},
	{library: npm("@badgateway/oauth2-client"), ways: slices.Concat(basicAndForm, byMetadata)},
	{library: npm("simple-oauth2"), ways: basicAndForm},
	{library: npm("axios-oauth-client"), ways: basicAndForm[1:]},
	{library: python("python3-authlib", "authlib"), ways: basicAndForm},
	{library: python("python3-requests-oauthlib", "requests_oauthlib"), ways: basicAndForm},
	{library: ruby("ruby-oauth2", "oauth2"), ways: basicAndForm},
	{library: command("curl", "curl"), get: getByCurl, ways: slices.Concat(basicAndForm, asJSON)},
	{library: command("httpie", "http"), get: getByHTTPie, ways: slices.Concat(basicAndForm[:1], asJSON)},
}

// C-030, C-031, C-032, C-175
func testClients(t *testing.T, w *world, m *matrix) {
	for _, c := range clients {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m.watch(t)
			c.need(t)
			row := clientRow{client: c}
			for _, way := range c.ways {
				if got, ok := c.token(t, w, way); ok {
					row.version, row.works = got.Version, append(row.works, way)
				}
			}
			c.refusal(t, w)
			m.addClient(row)
		})
	}
}

// token gets a token in one way, and holds it against the contract.
func (c *client) token(t *testing.T, w *world, how way) (got result, ok bool) {
	name := how.name
	if how.discovery != "" {
		name = how.discovery + " " + name
	}
	ok = t.Run(name, func(t *testing.T) {
		got = c.do(t, w, c.job(w, how, w.keys["demo"].ClientSecret))
		if got.Token == "" {
			t.Fatalf("no token: %s", got.Error)
		}
		harness.NoteToken(got.Token)
		harness.CheckShape(t, got.Token, w.URL+"/demo", "demo", "customers:read customers:write")
		if sent := w.front.wayFor(got.Token); sent != how.sends {
			t.Errorf("client ID and secret were sent as %q, not %q", sent, how.sends)
		}
	})
	return got, ok
}

// refusal is what the library reports where the secret is that of another API key.
func (c *client) refusal(t *testing.T, w *world) {
	t.Run("wrong secret", func(t *testing.T) {
		got := c.do(t, w, c.job(w, c.ways[0], w.other["demo"].ClientSecret))
		if got.Token != "" || got.Error != "invalid_client" {
			t.Errorf("reports %q, not invalid_client", got.Error)
		}
	})
}

func (c *client) job(w *world, how way, secret string) job {
	j := job{Issuer: w.URL + "/demo", ClientID: w.keys["demo"].ClientID, ClientSecret: secret, Auth: how.auth, Discovery: how.discovery}
	if j.Discovery == "" {
		j.TokenEndpoint = w.URL + "/api/oauth/token" // the one of the guide
	}
	return j
}

func (c *client) do(t *testing.T, w *world, j job) result {
	if c.get != nil {
		return c.get(t, j)
	}
	var got result
	c.script(t, w, "clients", j, &got)
	return got
}
