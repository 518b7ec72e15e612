package e2e

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/test/harness"
	"github.com/tokenwright/tokenwright/tokenwrighttest"
)

// kit is the issuer that tests of users run, beside the real server.
type kit struct {
	real    *harness.Server
	realKey harness.APIKey
	iss     *tokenwrighttest.Issuer
	key     tokenwrighttest.Key
}

func startKit(t *testing.T) *kit {
	t.Helper()
	s, realKey := harness.StartWithKey(t, "demo", "--token-limit", "0") // the kit has none
	iss := tokenwrighttest.New(t)
	key := iss.AddKey(tokenwrighttest.Key{Scopes: []string{"customers:read", "customers:write"}})
	return &kit{s, realKey, iss, key}
}

// exchanged is a request to both. In its texts BASE, ID and SECRET stand for
// what each of the two has there.
type exchanged struct {
	method, path, body string
	header             []string // names and values
}

// both sends a request to the real server and to the kit.
func (k *kit) both(t *testing.T, e exchanged) (real, kit *harness.Answer) {
	t.Helper()
	send := func(base, id, secret string) *harness.Answer {
		fill := strings.NewReplacer("BASE", base, "SECRET", secret, "ID", id).Replace
		r := harness.NewRequest(t, e.method, base+e.path, fill(e.body))
		for i := 0; i < len(e.header); i += 2 {
			if e.header[i] == "Basic" {
				r.SetBasicAuth(fill(e.header[i+1]), secret)
				continue
			}
			r.Header.Add(e.header[i], fill(e.header[i+1]))
		}
		a := k.real.Do(t, r)
		a.Body = []byte(strings.NewReplacer(base, "BASE", id, "ID").Replace(string(a.Body)))
		return a
	}
	return send(k.real.URL, k.realKey.ClientID, k.realKey.ClientSecret), send(k.iss.BaseURL, k.key.ClientID, k.key.ClientSecret)
}

// sameForm compares status and header fields; what cannot be equal is compared
// by its form.
func sameForm(t *testing.T, what string, real, kit *harness.Answer) {
	t.Helper()
	if real.Status != kit.Status {
		t.Errorf("%s: the server answers %d %s\nthe kit %d %s", what, real.Status, shown(real), kit.Status, shown(kit))
	}
	form := func(h http.Header) map[string]string {
		m := map[string]string{}
		for name, values := range h {
			switch m[name] = strings.Join(values, ", "); name {
			case "Date", "Etag", "X-Request-Id":
				m[name] = regexp.MustCompile(`[A-Za-z0-9_-]`).ReplaceAllString(m[name], "x")
			case "Content-Length", "Connection":
				delete(m, name)
			}
		}
		return m
	}
	if a, b := form(real.Header), form(kit.Header); !maps.Equal(a, b) {
		t.Errorf("%s: the header fields are\n%v\nin the kit\n%v", what, a, b)
	}
}

// shown is a body without its token.
func shown(a *harness.Answer) string {
	return regexp.MustCompile(`eyJ[A-Za-z0-9._-]*`).ReplaceAllString(string(a.Body), "…")
}

// shape is JSON without its values: members, their order, and types.
func shape(t *testing.T, text string) string {
	t.Helper()
	text = regexp.MustCompile(`"[^"]*"([,}\]])`).ReplaceAllString(text, `"…"$1`)
	return regexp.MustCompile(`:-?\d+`).ReplaceAllString(text, ":0")
}

// parts decodes header and payload of a token, as they are written.
func parts(t *testing.T, token string) string {
	t.Helper()
	text := strings.Split(token, ".")
	if len(text) != 3 {
		t.Fatalf("a token of %d parts", len(text))
	}
	return decode(t, text[0]) + "\n" + decode(t, text[1])
}

// C-305: errors are the product's, to the letter.
func TestKitRefusesAsTheServerDoes(t *testing.T) {
	t.Parallel()
	k := startKit(t)
	const good = "grant_type=client_credentials&client_id=ID&client_secret=SECRET"
	asForm, asJSON := []string{"Content-Type", "application/x-www-form-urlencoded"}, []string{"Content-Type", "application/json"}
	with := func(header []string, more ...string) []string { return append(slices.Clone(header), more...) }
	var many strings.Builder
	for i := range 70 {
		fmt.Fprintf(&many, "&x%d=1", i)
	}
	otherSecret, swapped := "tws_demo_"+strings.Repeat("0", 49), "grant_type=client_credentials&client_id=SECRET&client_secret=ID"
	for name, e := range map[string]exchanged{
		"method":             {method: "GET", path: "/demo/oauth/token"},
		"method of keys":     {method: "POST", path: "/demo/oauth/jwks", header: asForm},
		"method of metadata": {method: "DELETE", path: "/.well-known/oauth-authorization-server/demo"},
		"method of the feed": {method: "PUT", path: "/demo/oauth/revocations"},
		"query":              {"POST", "/demo/oauth/token?scope=a", good, asForm},
		"no content type":    {"POST", "/demo/oauth/token", good, nil},
		"other content type": {"POST", "/demo/oauth/token", good, []string{"Content-Type", "text/plain"}},
		"charset":            {"POST", "/demo/oauth/token", good, []string{"Content-Type", "application/x-www-form-urlencoded; charset=latin1"}},
		"two content types":  {"POST", "/demo/oauth/token", good, with(asForm, "Content-Type", "application/json")},
		"compressed":         {"POST", "/demo/oauth/token", good, with(asForm, "Content-Encoding", "gzip")},
		"too large":          {"POST", "/demo/oauth/token", good + "&x=" + strings.Repeat("x", 64<<10), asForm},
		"no JSON":            {"POST", "/demo/oauth/token", "{", asJSON},
		"JSON twice":         {"POST", "/demo/oauth/token", `{"scope":"a","scope":"a"}`, asJSON},
		"no string":          {"POST", "/demo/oauth/token", `{"scope":1}`, asJSON},
		"JSON as form":       {"POST", "/demo/oauth/token", `{"scope":"a"}`, asForm},
		"form as JSON":       {"POST", "/demo/oauth/token", good, asJSON},
		"escape":             {"POST", "/demo/oauth/token", good + "&scope=%zz", asForm},
		"no UTF-8":           {"POST", "/demo/oauth/token", good + "&scope=%ff", asForm},
		"many parameters":    {"POST", "/demo/oauth/token", good + many.String(), asForm},
		"repeated":           {"POST", "/demo/oauth/token", good + "&client_id=ID", asForm},
		"repeated, unknown":  {"POST", "/demo/oauth/token", good + "&x=1&X=2", asForm},
		"other case":         {"POST", "/demo/oauth/token", good + "&Scope=a", asForm},
		"other case, JSON":   {"POST", "/demo/oauth/token", `{"Scope":"a"}`, asJSON},
		"no grant type":      {"POST", "/demo/oauth/token", "grant_type=&client_id=ID&client_secret=SECRET", asForm},
		"other grant type":   {"POST", "/demo/oauth/token", "grant_type=password&client_id=ID&client_secret=SECRET", asForm},
		"no credentials":     {"POST", "/demo/oauth/token", "grant_type=client_credentials", asForm},
		"no secret":          {"POST", "/demo/oauth/token", "grant_type=client_credentials&client_id=ID", asForm},
		"assertion":          {"POST", "/demo/oauth/token", good + "&client_assertion=x", asForm},
		"two methods":        {"POST", "/demo/oauth/token", good, with(asForm, "Basic", "ID")},
		"two IDs":            {"POST", "/demo/oauth/token", "grant_type=client_credentials&client_id=other", with(asForm, "Basic", "ID")},
		"two headers":        {"POST", "/demo/oauth/token", good, with(asForm, "Authorization", "Basic eDp5", "Authorization", "Basic eDp5")},
		"no Basic":           {"POST", "/demo/oauth/token", good, with(asForm, "Authorization", "Bearer x")},
		"bad Basic":          {"POST", "/demo/oauth/token", "grant_type=client_credentials", with(asForm, "Authorization", "Basic ???")},
		"bad Basic escape":   {"POST", "/demo/oauth/token", "grant_type=client_credentials", with(asForm, "Basic", "%zz")},
		"stray bits":         {"POST", "/demo/oauth/token", "grant_type=client_credentials", with(asForm, "Authorization", "Basic YTpiYx==")},
		"Basic no UTF-8":     {"POST", "/demo/oauth/token", "grant_type=client_credentials", with(asForm, "Authorization", "Basic YTr/")},
		"two spaces":         {"POST", "/demo/oauth/token", "grant_type=client_credentials&client_id=other", with(asForm, "Authorization", "Basic  YTpi")},
		"repeated, folded":   {"POST", "/demo/oauth/token", good + "&scope=a&%C5%BFcope=b", asForm},
		"other case, unused": {"POST", "/demo/oauth/token", good + "&Token=x", asForm},
		"unknown ID":         {"POST", "/demo/oauth/token", "grant_type=client_credentials&client_id=twc_demo_0123456789abcdefghijkl&client_secret=SECRET", asForm},
		"other environment":  {"POST", "/demo/oauth/token", "grant_type=client_credentials&client_id=twc_production_0123456789abcdefghijkl&client_secret=SECRET", asForm},
		"ID's form":          {"POST", "/demo/oauth/token", "grant_type=client_credentials&client_id=x&client_secret=SECRET", asForm},
		"placeholder":        {"POST", "/demo/oauth/token", "grant_type=client_credentials&client_id=<client-id>&client_secret=SECRET", asForm},
		"quotes":             {"POST", "/demo/oauth/token", "grant_type=client_credentials&client_id='ID'&client_secret=SECRET", asForm},
		"blanks":             {"POST", "/demo/oauth/token", good + "%0A", asForm},
		"swapped":            {"POST", "/demo/oauth/token", swapped, asForm},
		"secret's form":      {"POST", "/demo/oauth/token", good + "x", asForm},
		"mistyped":           {"POST", "/demo/oauth/token", "grant_type=client_credentials&client_id=ID&client_secret=" + otherSecret, asForm},
		"scope's form":       {"POST", "/demo/oauth/token", good + "&scope=a++b", asForm},
		"scope not held":     {"POST", "/demo/oauth/token", good + "&scope=customers:read+orders:read", asForm},
		"resource":           {"POST", "/demo/oauth/token", good + "&resource=https://api.example.com", asForm},
		"after":              {method: "GET", path: "/demo/oauth/revocations?after=x"},
		"wait":               {method: "GET", path: "/demo/oauth/revocations?after=0&wait=31s"},
		"wait without after": {method: "GET", path: "/demo/oauth/revocations?wait=1s"},
	} {
		real, kit := k.both(t, e)
		sameForm(t, name, real, kit)
		if real.Status < 400 || string(real.Body) != string(kit.Body) {
			t.Errorf("%s: the server answers\n%s\nthe kit\n%s", name, shown(real), shown(kit))
		}
	}
}

// C-305: so are good answers, in each form of the request.
func TestKitGivesTokensAsTheServerDoes(t *testing.T) {
	t.Parallel()
	k := startKit(t)
	asForm, asJSON := []string{"Content-Type", "application/x-www-form-urlencoded"}, []string{"Content-Type", "application/json; charset=UTF-8"}
	const good = "grant_type=client_credentials&client_id=ID&client_secret=SECRET"
	for name, e := range map[string]exchanged{
		"form":            {"POST", "/demo/oauth/token", good, asForm},
		"one scope":       {"POST", "/oauth/token", good + "&scope=customers:write&resource=BASE/demo/api&unknown=1", asForm},
		"scopes, doubled": {"POST", "/api/oauth/token", good + "&scope=customers:write+customers:read+customers:write", asForm},
		"JSON":            {"POST", "/demo/api/oauth/token", `{"grant_type":"client_credentials","client_id":"ID","client_secret":"SECRET","scope":""}`, asJSON},
		"Basic":           {"POST", "/demo/oauth/token", "grant_type=client_credentials&client_id=ID", append(slices.Clone(asForm), "Basic", "ID")},
	} {
		real, kit := k.both(t, e)
		sameForm(t, name, real, kit)
		a, b := real.Token(t), kit.Token(t)
		if server, kit := shape(t, parts(t, a.AccessToken)), shape(t, parts(t, b.AccessToken)); server != kit {
			t.Errorf("%s: a token is\n%s\nof the kit\n%s", name, server, kit)
		}
		if shape(t, string(real.Body)) != shape(t, string(kit.Body)) {
			t.Errorf("%s: the server answers\n%s\nthe kit\n%s", name, shape(t, string(real.Body)), shape(t, string(kit.Body)))
		}
		a.AccessToken, b.AccessToken = "", ""
		if a != b {
			t.Errorf("%s: the server answers %+v, the kit %+v", name, a, b)
		}
	}
	harness.CheckShape(t, k.iss.Token(tokenwrighttest.Scopes("customers:write")), k.iss.URL, "demo", "customers:write")
}

// C-305: metadata are the product's, but for what the kit does not have.
func TestKitDescribesItselfAsTheServerDoes(t *testing.T) {
	t.Parallel()
	k := startKit(t)
	for _, path := range []string{"/.well-known/oauth-authorization-server/demo", "/demo/.well-known/openid-configuration"} {
		real, kit := k.both(t, exchanged{method: "GET", path: path})
		sameForm(t, path, real, kit)
		have := members(t, real.Body)
		for name, value := range members(t, kit.Body) {
			if have[name] != value {
				t.Errorf("%s is %s, in the kit %s", name, have[name], value)
			}
			delete(have, name)
		}
		lack := slices.Sorted(maps.Keys(have))
		want := []string{
			"introspection_endpoint", "introspection_endpoint_auth_methods_supported", "revocation_endpoint",
			"revocation_endpoint_auth_methods_supported", "service_documentation",
		}
		if !slices.Equal(lack, want) {
			t.Errorf("the kit lacks %v, not %v", lack, want)
		}
	}
}

// C-305
func TestKitPublishesKeysAsTheServerDoes(t *testing.T) {
	t.Parallel()
	k := startKit(t)
	get := exchanged{method: "GET", path: "/demo/oauth/jwks"}
	real, kit := k.both(t, get)
	sameForm(t, "JWKS", real, kit)
	if a, b := shape(t, string(real.Body)), shape(t, string(kit.Body)); a != b {
		t.Errorf("the JWKS is\n%s\nin the kit\n%s", a, b)
	}
	real, kit = k.both(t, exchanged{method: "HEAD", path: get.path})
	sameForm(t, "HEAD", real, kit)
	for name, header := range map[string]http.Header{"server": real.Header, "kit": kit.Header} {
		base := map[string]string{"server": k.real.URL, "kit": k.iss.BaseURL}[name]
		for _, tag := range []string{header.Get("ETag"), `"x", W/` + header.Get("ETag")} {
			r := harness.NewRequest(t, "GET", base+get.path, "")
			r.Header.Set("If-None-Match", tag)
			if a := k.real.Do(t, r); a.Status != http.StatusNotModified || len(a.Body) != 0 {
				t.Errorf("If-None-Match %s: the %s answers %d", tag, name, a.Status)
			}
		}
	}
}

// C-305: the feed is the product's: empty, whole, and what is newer.
func TestKitTellsOfRevocationsAsTheServerDoes(t *testing.T) {
	t.Parallel()
	k := startKit(t)
	same := func(query string) {
		t.Helper()
		real, kit := k.both(t, exchanged{method: "GET", path: "/demo/oauth/revocations" + query})
		sameForm(t, "feed "+query, real, kit)
		if a, b := shape(t, parts(t, string(real.Body))), shape(t, parts(t, string(kit.Body))); a != b {
			t.Errorf("%s: the feed is\n%s\nof the kit\n%s", query, a, b)
		}
		server, ours := harness.Part(t, string(real.Body), 1), harness.Part(t, string(kit.Body), 1)
		for _, name := range []string{"lineage", "after", "min_gen"} {
			if server[name] != ours[name] {
				t.Errorf("%s: %s is %v, in the kit %v", query, name, server[name], ours[name])
			}
		}
		if a, b := life(t, server), life(t, ours); a != b {
			t.Errorf("%s: a feed is good for %d s, of the kit for %d s", query, a, b)
		}
	}
	same("")
	same("?after=0")
	same("?after=0&wait=1s")
	token := k.real.Token(t, k.realKey)
	r := harness.NewRequest(t, "POST", k.real.URL+"/demo/oauth/revoke", "token="+token)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(k.realKey.ClientID, k.realKey.ClientSecret)
	if a := k.real.Do(t, r); a.Status != http.StatusOK {
		t.Fatalf("revoking a token: %d %s", a.Status, a.Body)
	}
	kid, _ := harness.Part(t, token, 0)["kid"].(string)
	k.real.CLI(t, "key", "update", k.realKey.ClientID, "--revoke-tokens")
	k.real.CLI(t, "signing-key", "revoke", "--force", "--yes", "--", kid) // which may begin with a hyphen
	harness.Eventually(t, harness.Soon, "the server has heard of all", func() bool {
		f := harness.Part(t, feed(t, k.real, ""), 1)
		return len(f["tokens"].([]any))*len(f["cutoffs"].([]any))*len(f["signing_keys"].([]any)) == 1
	})
	k.iss.RevokeToken(k.iss.Token())
	k.iss.RevokeClient(k.key.ClientID)
	k.iss.RevokeSigningKey()
	same("")
	same("?after=0&wait=30s") // at once
	same("?after=999999")     // whole
}

func decode(t *testing.T, part string) string {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// members are those of a JSON object, each as it is written.
func members(t *testing.T, object []byte) map[string]string {
	t.Helper()
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(object, &raw); err != nil {
		t.Fatal(err)
	}
	m := map[string]string{}
	for name, value := range raw {
		m[name] = string(value)
	}
	return m
}

// life is how many seconds a feed is good for.
func life(t *testing.T, feed map[string]any) int64 {
	t.Helper()
	seconds := func(name string) int64 {
		number, _ := feed[name].(json.Number)
		n, err := number.Int64()
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	return seconds("exp") - seconds("iat")
}
