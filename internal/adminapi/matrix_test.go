package adminapi_test

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/adminapi"
	"github.com/tokenwright/tokenwright/internal/authority"
)

// row is what is expected of one endpoint.
type row struct {
	scope string // the one that lets a caller in, and behind it those that it needs besides
	body  string // {name} stands for what the test has made
	// operator and merchant are the status of callers who have the scope and
	// may; merchant is 403 where no API key of a merchant can have it.
	operator, merchant int
	// foreign is the status where a merchant's caller names what belongs to
	// another merchant, or to its own in another environment.
	foreign int
}

// forbidden: an endpoint for operators alone.
const forbidden = http.StatusForbidden

// matrix has a row for each endpoint there is. Whoever adds an endpoint says
// here who may use it.
var matrix = map[string]row{
	"GET /merchants":                       {"merchants:read", "", 200, forbidden, forbidden},
	"POST /merchants":                      {"merchants:write", `{"id":{free},"name":"New"}`, 201, forbidden, forbidden},
	"GET /merchants/{merchantId}":          {"merchants:read", "", 200, forbidden, forbidden},
	"PATCH /merchants/{merchantId}":        {"merchants:write", `{"name":"Other"}`, 200, forbidden, forbidden},
	"POST /merchants/{merchantId}/suspend": {"merchants:write", "", 200, forbidden, forbidden},
	"POST /merchants/{merchantId}/resume":  {"merchants:write", "", 200, forbidden, forbidden},
	"DELETE /merchants/{merchantId}":       {"merchants:delete", "", 204, forbidden, forbidden},

	// Whoever opens the link is an administrator: nobody gives what it has not.
	"POST /merchants/{merchantId}/portal-links": {
		"users:write api-keys:read api-keys:write api-keys:delete users:read users:delete events:read usage:read merchants:read scopes:read", "", 201, forbidden, forbidden,
	},

	"GET /scopes":           {"scopes:read", "", 200, forbidden, forbidden},
	"POST /scopes":          {"scopes:write", `{"name":"c{free}:read"}`, 201, forbidden, forbidden},
	"DELETE /scopes/{name}": {"scopes:delete", "", 204, forbidden, forbidden},

	// Lists show a merchant's caller what is its own, whatever it asks for.
	"GET /api-keys":                                  {"api-keys:read", "", 200, 200, 200},
	"POST /api-keys":                                 {"api-keys:write", `{"merchantId":{merchant},"env":"{env}","name":"New"}`, 201, 201, 404},
	"GET /api-keys/report":                           {"api-keys:read", "", 200, 200, 200},
	"GET /api-keys/{clientId}":                       {"api-keys:read", "", 200, 200, 404},
	"PATCH /api-keys/{clientId}":                     {"api-keys:write", `{"name":"Other"}`, 200, 200, 404},
	"POST /api-keys/{clientId}/rotate":               {"api-keys:write", "", 201, 201, 404},
	"POST /api-keys/{clientId}/disable":              {"api-keys:write", "", 200, 200, 404},
	"POST /api-keys/{clientId}/enable":               {"api-keys:write", "", 200, 200, 404},
	"DELETE /api-keys/{clientId}":                    {"api-keys:delete", "", 204, 204, 404},
	"GET /api-keys/{clientId}/secrets":               {"api-keys:read", "", 200, 200, 404},
	"DELETE /api-keys/{clientId}/secrets/{secretId}": {"api-keys:delete", "", 204, 204, 404},

	"GET /signing-keys":               {"signing-keys:read", "", 200, forbidden, forbidden},
	"POST /signing-keys/rotate":       {"signing-keys:write", `{"env":"production"}`, 200, forbidden, forbidden},
	"POST /signing-keys/{kid}/revoke": {"signing-keys:delete", `{"force":true}`, 404, forbidden, forbidden},

	"GET /users":                   {"users:read", "", 200, forbidden, forbidden},
	"POST /users":                  {"users:write", `{"email":"u{free}@example.com","name":"New"}`, 201, forbidden, forbidden},
	"GET /users/{userId}":          {"users:read", "", 200, forbidden, forbidden},
	"PATCH /users/{userId}":        {"users:write", `{"name":"Other"}`, 200, forbidden, forbidden},
	"POST /users/{userId}/disable": {"users:write", "", 200, forbidden, forbidden},
	"POST /users/{userId}/enable":  {"users:write", "", 200, forbidden, forbidden},
	"POST /users/{userId}/reset":   {"users:write", "", 200, forbidden, forbidden},
	"DELETE /users/{userId}":       {"users:delete", "", 204, forbidden, forbidden},

	"GET /webhooks":                   {"events:read", "", 200, forbidden, forbidden},
	"GET /webhooks/{name}/deliveries": {"events:read", "", 200, forbidden, forbidden},

	"GET /events": {"events:read", "", 200, forbidden, forbidden},
	"GET /usage":  {"usage:read", "?clientId={clientId}", 200, forbidden, forbidden},
}

// things are what requests name, by the placeholders of paths and bodies.
type things map[string]string

// fill puts things in the place of placeholders.
func (th things) fill(text string) string {
	for name, value := range th {
		text = strings.ReplaceAll(text, "{"+name+"}", value)
	}
	return text
}

// things makes what a request may change: an API key with two secrets of a
// merchant in an environment, and, for operators, a merchant without any, a scope
// and a user.
func (in *installation) things(m authority.MerchantID, env string, n *int) things {
	in.Helper()
	*n++
	th := things{"merchant": string(m), "env": env, "kid": "nobodys", "free": strconv.Itoa(200_000 + *n)}
	for _, name := range []string{"{clientId}", "{merchantId}", "{name}", "{userId}"} {
		in.renew(th, name, n)
	}
	return th
}

// renew makes anew what a path names.
func (in *installation) renew(th things, path string, n *int) {
	in.Helper()
	*n++
	number := strconv.Itoa(100_000 + *n)
	th["free"] = strconv.Itoa(200_000 + *n)
	if strings.Contains(path, "{clientId}") {
		k := in.create(authority.NewAPIKey{MerchantID: authority.MerchantID(th["merchant"]), Env: th["env"], Scopes: []string{"customers:read"}})
		_, _, err := in.RotateSecret(in.Context(), root, k.id, authority.Rotation{Overlap: time.Hour})
		in.must(err)
		th["clientId"], th["secretId"] = string(k.id), "1"
	}
	if strings.Contains(path, "{merchantId}") {
		in.merchant(authority.MerchantID(number))
		th["merchantId"] = number
	}
	if strings.Contains(path, "{name}") {
		_, err := in.CreateScope(in.Context(), root, authority.Scope{Name: "t" + number + ":read"})
		in.must(err)
		th["name"] = "t" + number + ":read"
	}
	if strings.Contains(path, "{userId}") {
		u, err := in.accounts.CreateUser(in.Context(), root, account.NewUser{Email: "t" + number + "@example.com", Name: "User"})
		in.must(err)
		th["userId"] = string(u.ID)
	}
}

// request is the request of an endpoint about th.
func (r row) request(route adminapi.Route, th things) (path, body string) {
	path, body = th.fill(strings.Replace(route.Path, "/webhooks/{name}", "/webhooks/orders", 1)), th.fill(r.body)
	if strings.HasPrefix(body, "?") {
		return path + body, ""
	}
	return path, body
}

// caller is somebody with a token, or none.
type caller struct {
	name, token string
	env         string   // "" for one without a good token
	scopes      []string // management scopes of the token
}

// every endpoint has a row, and every row an endpoint.
func TestTheMatrixHasEveryEndpoint(t *testing.T) {
	known := map[string]bool{}
	for _, route := range adminapi.Routes() {
		name := route.Method + " " + route.Path
		known[name] = true
		if row, ok := matrix[name]; !ok {
			t.Errorf("%s has no row in matrix: say who may use it", name)
		} else if strings.Fields(row.scope)[0] != route.Scope || (row.merchant == forbidden) != route.Operators {
			t.Errorf("%s is for the scope %s, operators alone: %v; its row says otherwise", name, route.Scope, route.Operators)
		}
	}
	for name := range matrix {
		if !known[name] {
			t.Errorf("%s stands in matrix, but is no endpoint", name)
		}
	}
}

// R-55, C-192: every endpoint by every caller. Whoever may not changes nothing.
func TestEveryEndpointLetsInWhomItShould(t *testing.T) {
	t.Parallel()
	in := install(t)
	callers := append(in.dead(), in.living()...)
	n := 0
	th := in.things(ours, "demo", &n)
	for _, route := range adminapi.Routes() {
		row := matrix[route.Method+" "+route.Path]
		ask := func(c caller) {
			path, body := row.request(route, th)
			a := in.send(c.token, route.Method, path, body)
			if want := row.status(c); a.status != want {
				t.Errorf("%s %s by %s: got %d %s, want %d", route.Method, path, c.name, a.status, a.body, want)
			}
			a.challenged()
		}
		in.unchanged(route.Method+" "+route.Path+" by those who may not", func() {
			for _, c := range callers {
				if row.status(c) >= 400 {
					ask(c)
				}
			}
		})
		for _, c := range callers {
			if row.status(c) < 400 {
				ask(c)
				if route.Method != http.MethodGet {
					in.renew(th, route.Path, &n) // not changed yet
				}
			}
		}
	}
}

// status is what the caller is to get.
func (r row) status(c caller) int {
	switch {
	case c.env == "":
		return http.StatusUnauthorized
	case slices.ContainsFunc(strings.Fields(r.scope), func(scope string) bool { return !slices.Contains(c.scopes, scope) }):
		return http.StatusForbidden
	case c.env == authority.Platform:
		return r.operator
	}
	return r.merchant
}

// challenged holds that 401 and 403 say what is needed (RFC 6750 3.1).
func (a *answer) challenged() {
	a.Helper()
	if got := a.header.Get("WWW-Authenticate"); (a.status == 401 || a.status == 403) != strings.HasPrefix(got, "Bearer") {
		a.Errorf("%d with WWW-Authenticate %q", a.status, got)
	}
}

// dead are callers whose token is none, or no longer.
func (in *installation) dead() []caller {
	all := []string{"customers:read", "api-keys:read", "api-keys:write", "api-keys:delete"}
	old := in.token(in.operator("api-keys:write", "merchants:write"))
	in.advance(time.Hour + 2*time.Minute)

	deleted, disabled, raised := in.key("demo", all...), in.key("demo", all...), in.key("demo", all...)
	in.merchant("666")
	suspended := in.create(authority.NewAPIKey{MerchantID: "666", Env: "demo", Scopes: all})
	tokens := map[string]string{
		"nobody": "", "garbage": "garbage", "an expired token": old,
		"a deleted key": in.token(deleted), "a disabled key": in.token(disabled), "a raised generation": in.token(raised),
		"a suspended merchant": in.token(suspended), "the environment's API": in.issue(in.key("demo", all...), "customers:read"),
		"another installation": installIn(in, openSQLite(in, filepath.Join(in.TempDir(), "other.db"))).foreignToken(),
	}
	altered := []byte(in.token(in.key("demo", all...)))
	altered[len(altered)-5] ^= 1
	tokens["an altered signature"] = string(altered)
	in.must(in.DeleteAPIKey(in.Context(), root, deleted.id, 0))
	_, err := in.DisableAPIKey(in.Context(), root, disabled.id, 0)
	in.must(err)
	_, err = in.UpdateAPIKey(in.Context(), root, raised.id, authority.APIKeyUpdate{RevokeTokens: true})
	in.must(err)
	_, err = in.SuspendMerchant(in.Context(), root, "666", 0)
	in.must(err)

	var list []caller
	for name, token := range tokens {
		list = append(list, caller{name: name, token: token})
	}
	return list
}

// foreignToken is an operator's of this installation, at the time of others.
func (in *installation) foreignToken() string {
	in.advance(time.Hour + 2*time.Minute)
	return in.token(in.operator("merchants:read", "merchants:write", "api-keys:read", "api-keys:write"))
}

// operatorScopes are all that operator keys can hold.
func operatorScopes() []string {
	scopes := []string{"tokens:introspect"}
	for _, r := range matrix {
		scopes = append(scopes, strings.Fields(r.scope)...)
	}
	slices.Sort(scopes)
	return slices.Compact(scopes)
}

// living are callers with each management scope alone, and with all.
func (in *installation) living() (list []caller) {
	operators := operatorScopes()
	for _, scope := range operators {
		list = append(list, caller{"an operator key with " + scope, in.token(in.operator(scope)), authority.Platform, []string{scope}})
	}
	list = append(list, caller{"an operator key with all", in.token(in.operator(operators...)), authority.Platform, operators})
	merchants := []string{"api-keys:read", "api-keys:write", "api-keys:delete"}
	for _, scope := range merchants {
		list = append(list, caller{"a key with " + scope, in.token(in.key("demo", "customers:read", scope)), "demo", []string{scope}})
	}
	key := in.key("demo", append(merchants, "customers:read")...)
	list = append(list, caller{"a key with all", in.token(key), "demo", merchants})
	// A token has no more than was asked for, whatever its API key has.
	return append(list, caller{"a narrow token", in.token(key, "api-keys:read"), "demo", []string{"api-keys:read"}})
}

// C-074, R-55: what belongs to another merchant, or to the same one in another
// environment, is as if it had never been.
func TestForeignAPIKeysAreAsUnknownOnes(t *testing.T) {
	in := install(t)
	in.merchant("77")
	token := in.token(in.key("demo", "customers:read", "api-keys:read", "api-keys:write", "api-keys:delete"))
	n := 0
	others := []things{in.things("77", "demo", &n), in.things(ours, "production", &n)}
	operator := in.operator("api-keys:read")
	others = append(others, things{"clientId": string(operator.id), "secretId": "1", "merchant": "77", "env": "demo"})
	unknown := things{"clientId": "twc_demo_0000000000000000000000", "secretId": "1", "merchant": "99999", "env": "demo"}
	for _, route := range adminapi.Routes() {
		row := matrix[route.Method+" "+route.Path]
		if route.Operators {
			continue
		}
		path, body := row.request(route, unknown)
		nobodys := in.send(token, route.Method, path, body)
		for _, th := range others {
			path, body := row.request(route, th)
			in.unchanged(route.Method+" "+path, func() {
				a := in.send(token, route.Method, path, body).want(row.foreign, "")
				if row.foreign == http.StatusNotFound && (a.body != nobodys.body || a.status != nobodys.status) {
					t.Errorf("%s %s: %d %s, where nobody's is %d %s", route.Method, path, a.status, a.body, nobodys.status, nobodys.body)
				}
				if strings.Contains(a.body, th["clientId"]) {
					t.Errorf("%s %s shows what is another's: %s", route.Method, path, a.body)
				}
			})
		}
	}
}

// C-074: a list that is asked for another's is as the list of nobody's.
func TestForeignFiltersListNothing(t *testing.T) {
	in := install(t)
	in.merchant("77")
	n := 0
	in.things("77", "demo", &n)
	in.things(ours, "production", &n)
	token := in.token(in.key("demo", "api-keys:read"))
	for _, list := range []string{"/api-keys", "/api-keys/report"} {
		for _, query := range []string{"?merchantId=77", "?merchantId=99999", "?env=production", "?merchantId=77&env=demo", "?env=platform"} {
			if a := in.send(token, "GET", list+query, "").want(200, ""); a.body != `{"items":[]}` {
				t.Errorf("%s%s: %s", list, query, a.body)
			}
		}
		if got := into[page[any]](in.send(token, "GET", list+"?merchantId=4259&env=demo", "")); len(got.Items) != 1 {
			t.Errorf("%s of its own has %d", list, len(got.Items))
		}
	}
}

// C-192: a method that an endpoint does not have changes nothing, whoever asks,
// and whatever the body says it is.
func TestOtherMethodsAreRefused(t *testing.T) {
	in := install(t)
	n := 0
	th := in.things(ours, "demo", &n)
	token := in.token(in.operator(operatorScopes()...))
	allowed := map[string][]string{}
	for _, route := range adminapi.Routes() {
		allowed[route.Path] = append(allowed[route.Path], route.Method)
	}
	for path, methods := range allowed {
		slices.Sort(methods)
		in.unchanged(path, func() {
			for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "QUERY", "get"} {
				if slices.Contains(methods, method) {
					continue
				}
				a := in.send(token, method, th.fill(path), `{"name":"x"}`, "X-HTTP-Method-Override", methods[0]).want(405, "")
				if got := a.header.Get("Allow"); got != strings.Join(methods, ", ") {
					t.Errorf("%s %s: Allow: %s", method, path, got)
				}
			}
		})
	}
}

// C-192: only JSON is read as JSON.
func TestOnlyJSONIsTaken(t *testing.T) {
	in := install(t)
	n := 0
	th := in.things(ours, "demo", &n)
	token := in.token(in.operator(operatorScopes()...))
	for _, route := range adminapi.Routes() {
		if route.Method != "POST" && route.Method != "PATCH" {
			continue
		}
		path, body := matrix[route.Method+" "+route.Path].request(route, th)
		if body == "" {
			body = "{}"
		}
		types := []string{
			"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml", "application/jsonx",
			"application/json; charset=utf-16", "application/json, text/plain", "*/*", "application/json-patch+json",
		}
		if route.Method == "POST" {
			types = append(types, "application/merge-patch+json")
		}
		in.unchanged(route.Method+" "+path, func() {
			for _, kind := range types {
				in.send(token, route.Method, path, body, "Content-Type", kind).want(415, "content_type")
			}
			in.send(token, route.Method, path, body, "Content-Encoding", "gzip").want(415, "content_encoding")
		})
	}
}

// An address below the admin API that is none is 404, to whoever asks.
func TestUnknownEndpointsAreNotFound(t *testing.T) {
	in := install(t)
	for _, path := range []string{"", "/", "/merchant", "/merchants/", "/merchants/1/suspend/", "/api-keys/x/y/z", "/API-KEYS"} {
		in.send("", "GET", path, "").want(404, "not_found")
	}
	r := httptest.NewRequest("POST", adminapi.Root+"/merchants/..%2fapi-keys", nil)
	in.do(r).want(405, "") // an ID with a slash in it, not another endpoint
}
