package upgrade

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/harness"
)

// seed is what is known of a kept database beside the dump of it.
type seed struct {
	MasterKey string    `json:"masterKey"`
	APIKeys   []keptKey `json:"apiKeys"`
	Users     []string  `json:"users"`
	Merchants []string  `json:"merchants"`
	Head      string    `json:"head"` // of the events, as event verify shows it
}

// keptKey is one secret of an API key, and what the release answers to it.
type keptKey struct {
	What     string    `json:"what"` // became of it
	ClientID string    `json:"clientId"`
	Secret   string    `json:"secretEnd"`       // behind tws_<env>_, by which scanners know a secret
	Until    time.Time `json:"until,omitzero"`  // when it ends by itself; zero: never
	Error    string    `json:"error,omitempty"` // "" for a token
}

func (k keptKey) secret() string {
	return "tws_" + strings.Split(k.ClientID, "_")[1] + "_" + k.Secret
}

// quick lets signing keys rotate within seconds.
var quick = []string{"--max-staleness", "1s", "--jwks-max-age", "1s", "--clock-skew", "1s"}

// filling is the work of filling a database by commands, and a server, of the kept
// release.
type filling struct {
	*harness.Server
	t    *testing.T
	seed *seed
}

// fill fills the empty database of an installation with what a release can leave
// behind, and ends all processes.
func fill(t *testing.T, in *harness.Installation) *seed {
	t.Helper()
	f := &filling{t: t, seed: &seed{MasterKey: "dGhlIG1hc3RlciBrZXkgb2Yga2VwdCBkYXRhYmFzZXM="}}
	in.Public = public
	in.Environ = append(in.Environ, "TOKENWRIGHT_MASTER_KEY="+f.seed.MasterKey)
	secretFile := filepath.Join(t.TempDir(), "webhook")
	writeText(t, secretFile, "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=\n")
	in.Configure(t, fmt.Sprintf("webhooks: {audit: {url: 'http://127.0.0.1:9', events: ['*'], allow_private: true, secret_file: %s}}\n", secretFile))
	f.Server = in.Start(t, quick...)
	f.people()
	f.apiKeys()
	f.signingKeys()
	f.settle()
	f.Stop(t)
	// A server that was killed leaves its row behind.
	f.Server = in.Start(t, quick...)
	harness.Eventually(t, 10*time.Second, "the server has a row", func() bool {
		return f.Lines(t, "SELECT CAST(count(*) AS TEXT) FROM nodes")[0] != "0"
	})
	f.Kill(t)
	f.lists()
	return f.seed
}

// people are users in every state, one of whom has signed in.
func (f *filling) people() {
	f.Seed(f.t)
	_, token := f.SetUpLink(f.t)
	r := harness.FormOf(f.t, f.URL, "/console/link", url.Values{
		"token": {token}, "email": {"ada@example.com"}, "name": {"Ada"}, "password": {"kept with the release"},
	})
	r.Host = strings.TrimPrefix(public, "https://")
	r.Header.Set("Origin", public)
	resp, err := f.Client.Transport.RoundTrip(r)
	if err != nil {
		f.t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusSeeOther {
		f.t.Fatalf("the set-up link is answered %d", resp.StatusCode)
	}
	var disabled, deleted struct{ ID string }
	f.made(nil, "user", "create", "--email", "ann@example.com", "--name", "Ann", "--role", "4259=administrator", "-o", "json")
	f.made(nil, "user", "create", "--email", "vic@example.com", "--name", "Vic", "--role", "4259=viewer", "-o", "json")
	f.made(&disabled, "user", "create", "--email", "dora@example.com", "--name", "Dora", "--operator", "-o", "json")
	f.CLI(f.t, "user", "disable", disabled.ID)
	f.made(&deleted, "user", "create", "--email", "dan@example.com", "--name", "Dan", "--operator", "-o", "json")
	f.CLI(f.t, "user", "delete", deleted.ID, "--yes")
	f.CLI(f.t, "portal-link", "--merchant", "4259")
}

// made runs a command that shows JSON, and reads it.
func (f *filling) made(into any, args ...string) {
	f.t.Helper()
	text := f.CLI(f.t, args...)
	harness.NoteLinks(text)
	if into == nil {
		return
	}
	if err := json.Unmarshal([]byte(text), into); err != nil {
		f.t.Fatal(err)
	}
}

// key makes an API key.
func (f *filling) key(what, merchant, env string, more ...string) keptKey {
	f.t.Helper()
	args := []string{"key", "create", "--merchant", merchant, "--env", env, "--name", what, "--scope", "customers:read", "-o", "json"}
	return f.keep(what, harness.ReadKey(f.t, f.CLI(f.t, append(args, more...)...)))
}

func (f *filling) keep(what string, key harness.APIKey) keptKey {
	end := key.ClientSecret[strings.LastIndexByte(key.ClientSecret, '_')+1:]
	k := keptKey{What: what, ClientID: key.ClientID, Secret: end}
	f.seed.APIKeys = append(f.seed.APIKeys, k)
	return k
}

// rotate gives an API key another secret.
func (f *filling) rotate(what string, k keptKey, overlap string) {
	f.t.Helper()
	f.keep(what, harness.ReadKey(f.t, f.CLI(f.t, "key", "rotate", k.ClientID, "--overlap", overlap, "-o", "json")))
}

// until says when the secret made last ends by itself.
func (f *filling) until(end time.Time) {
	f.seed.APIKeys[len(f.seed.APIKeys)-1].Until = end.UTC().Truncate(time.Second)
}

// apiKeys are API keys in every state.
func (f *filling) apiKeys() {
	f.CLI(f.t, "merchant", "update", "4259", "--key-limit", "100")
	f.CLI(f.t, "merchant", "create", "--id", "4260", "--name", "Bolt, suspended")
	f.CLI(f.t, "merchant", "create", "--id", "4261", "--name", "Cork, deleted")
	f.CLI(f.t, "scope", "create", "orders:read", "--description", "Look up orders")
	f.key("at work", "4259", "demo")
	f.key("at work in production", "4259", "production", "--description", "As it was: ä, €, 'quoted' and \"quoted\"", "--expires", "90d")
	f.until(time.Now().Add(90 * 24 * time.Hour))
	retired := f.key("retired, with an overlap", "4259", "demo")
	f.until(time.Now().Add(20 * 24 * time.Hour))
	f.rotate("behind one that is retired", retired, "20d")
	f.rotate("behind one that has ended", f.key("retired without an overlap", "4259", "production"), "0")
	f.CLI(f.t, "key", "disable", f.key("disabled", "4259", "demo").ClientID)
	again := f.key("enabled again", "4259", "demo").ClientID
	f.CLI(f.t, "key", "disable", again)
	f.CLI(f.t, "key", "enable", again)
	f.CLI(f.t, "key", "delete", f.key("deleted", "4259", "demo").ClientID, "--yes")
	f.key("from a network that is elsewhere", "4259", "demo", "--allow-cidr", "192.0.2.0/24")
	f.CLI(f.t, "key", "update", f.key("without scopes", "4259", "demo").ClientID, "--no-scopes")
	f.CLI(f.t, "key", "update", f.key("whose tokens were revoked", "4259", "demo").ClientID, "--revoke-tokens")
	f.CLI(f.t, "key", "update", f.key("of a scope that is gone", "4259", "demo", "--scope", "orders:read").ClientID, "--scope", "customers:read")
	f.CLI(f.t, "scope", "delete", "orders:read", "--yes")
	f.key("of a suspended merchant", "4260", "demo")
	f.CLI(f.t, "merchant", "suspend", "4260")
	f.CLI(f.t, "key", "delete", f.key("of a deleted merchant", "4261", "demo").ClientID, "--yes")
	f.CLI(f.t, "merchant", "delete", "4261", "--yes")
	f.key("expired", "4259", "demo", "--expires", time.Now().Add(2*time.Second).UTC().Format(time.RFC3339))
	leaked := f.key("leaked", "4259", "demo")
	f.keep("of an operator", f.CreateOperatorKey(f.t, "merchants:read", "tokens:introspect"))
	harness.Eventually(f.t, harness.Propagation, "the last API key works", func() bool { return f.Works(f.t, f.last()) })
	r := harness.NewRequest(f.t, http.MethodPost, f.URL+"/leaks", `{"credential":"`+leaked.secret()+`","url":"https://paste.example"}`)
	r.Header.Set("Content-Type", "application/json")
	if a := f.Do(f.t, r); a.Status != http.StatusAccepted {
		f.t.Fatalf("the leak is answered %d", a.Status)
	}
	f.revokeToken()
}

func (f *filling) last() harness.APIKey {
	k := f.seed.APIKeys[len(f.seed.APIKeys)-1]
	return harness.APIKey{ClientID: k.ClientID, ClientSecret: k.secret()}
}

// revokeToken ends one token of the first API key, which works on.
func (f *filling) revokeToken() {
	k := f.seed.APIKeys[0]
	key := harness.APIKey{ClientID: k.ClientID, ClientSecret: k.secret()}
	if a := f.PostToken(f.t, "/demo/oauth/revoke", key, f.Token(f.t, key)); a.Status != http.StatusOK {
		f.t.Fatalf("the revocation is answered %d", a.Status)
	}
}

// signingKeys rotates those of one environment, and revokes one of another.
func (f *filling) signingKeys() {
	active := func(env string) string {
		var list []struct{ KID, Status string }
		f.made(&list, "signing-key", "list", "--env", env, "-o", "json")
		for _, k := range list {
			if k.Status == "active" {
				return k.KID
			}
		}
		f.t.Fatalf("%s has no active signing key: %v", env, list)
		return ""
	}
	before := active("demo")
	f.CLI(f.t, append([]string{"signing-key", "rotate", "--env", "demo"}, quick...)...)
	harness.Eventually(f.t, 30*time.Second, "another key signs", func() bool { return active("demo") != before })
	revoke := append([]string{"signing-key", "revoke", "--yes", "--force"}, quick...)
	f.CLI(f.t, append(revoke, "--", active("production"))...)
}

// settle asks every secret once its end has acted, and notes the answers.
func (f *filling) settle() {
	refused := map[string]bool{"retired without an overlap": true, "disabled": true, "deleted": true, "expired": true, "leaked": true,
		"of a suspended merchant": true, "of a deleted merchant": true, "from a network that is elsewhere": true, "without scopes": true}
	for i := range f.seed.APIKeys {
		k := &f.seed.APIKeys[i]
		harness.Eventually(f.t, 10*time.Second, k.What+" gets the answer that it should", func() bool {
			a := f.Ask(f.t, f.URL+"/oauth/token", k.ClientID, k.secret())
			k.Error = a.Error
			return (a.AccessToken == "") == refused[k.What]
		})
		delete(refused, k.What)
	}
	if len(refused) != 0 {
		f.t.Errorf("nobody was asked for %v", slices.Collect(maps.Keys(refused)))
	}
	harness.Eventually(f.t, 30*time.Second, "the webhook has deliveries", func() bool {
		return f.Lines(f.t, "SELECT CAST(count(*) AS TEXT) FROM webhook_deliveries")[0] != "0"
	})
}

// lists notes what lists show, of what stays as it is whatever the time.
func (f *filling) lists() {
	f.seed.Users, f.seed.Merchants = users(f.t, f.Installation), merchants(f.t, f.Installation)
	v := f.VerifyEvents(f.t)
	if !v.OK {
		f.t.Fatalf("the events: %+v", v)
	}
	f.seed.Head = v.Head
}

func users(t testing.TB, in *harness.Installation) []string {
	t.Helper()
	return listed(t, in, "user", "id", "email", "name", "status", "operator", "memberships", "createdAt")
}

func merchants(t testing.TB, in *harness.Installation) []string {
	t.Helper()
	return listed(t, in, "merchant", "id", "name", "status", "keyLimit", "version", "createdAt")
}

// listed is what the list of a noun shows, in some of its members.
func listed(t testing.TB, in *harness.Installation, noun string, members ...string) []string {
	t.Helper()
	var all []map[string]any
	if err := json.Unmarshal([]byte(in.CLI(t, noun, "list", "-o", "json")), &all); err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, item := range all {
		line := ""
		for _, m := range members {
			line += fmt.Sprintf("%s=%v ", m, item[m])
		}
		list = append(list, strings.TrimSpace(line))
	}
	slices.Sort(list)
	return list
}
