package contract

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/test/harness"
)

// newManaged makes what the paths of the admin API name.
func newManaged(t *testing.T, w *walk) *managed {
	t.Helper()
	m := &managed{walk: w, there: map[string]string{"merchantId": "4300", "name": "orders:read"}}
	m.operator = w.operatorKey(t, operatorScopes...)
	key := harness.ReadKey(t, w.CLI(t, "key", "create", "--merchant", "4259", "--env", "production", "--name", "Key manager", "--scope", "customers:read",
		"--scope", "api-keys:read", "--scope", "api-keys:write", "--scope", "api-keys:delete", "-o", "json"))
	harness.Eventually(t, harness.Soon, "the merchant's key works", func() bool {
		a := w.Ask(t, w.URL+"/oauth/token", key.ClientID, key.ClientSecret, "scope", "api-keys:read api-keys:write api-keys:delete")
		m.merchant = bearer(a.AccessToken)
		return a.AccessToken != ""
	})
	return m
}

func (m *managed) merchants(t *testing.T) {
	m.once(t, m.operator, "/merchants", `{"id":4300,"name":"Beta"}`, `{"id":4301,"name":"Gamma"}`, 201)
	m.ask(t, m.operator, "POST", "/merchants", `{"id":4300,"name":"Beta"}`, 409)
	m.ask(t, m.operator, "POST", "/merchants", `{"id":4302,"name":"","keyLimit":-1}`, 400)
	m.pages(t, m.operator, "/merchants")
	tag := m.versioned(t, "/merchants/4300")
	m.ask(t, m.operator, "PATCH", "/merchants/4300", `{"name":"Beta Ltd","keyLimit":5}`, 200, "If-Match", tag)
	m.ask(t, m.operator, "PATCH", "/merchants/4300", `{"keyLimit":3}`, 200)
	m.ask(t, m.operator, "POST", "/merchants/4300/suspend", "", 200)
	m.once(t, m.operator, "/merchants/4300/resume", "{}", `{"x":1}`, 200)
	m.once(t, m.operator, "/merchants/4300/suspend", "{}", `{"x":1}`, 200)
	m.ask(t, m.operator, "POST", "/merchants/4300/resume", "", 200)
	m.portalLinks(t)
	m.ask(t, m.operator, "DELETE", "/merchants/4259", "", 409)
	m.ask(t, m.operator, "POST", "/merchants", `{"id":4303,"name":"Delta","keyLimit":1}`, 201)
	m.ask(t, m.operator, "DELETE", "/merchants/4303", "", 204)
}

func (m *managed) portalLinks(t *testing.T) {
	harness.NoteLinks(string(m.once(t, m.operator, "/merchants/4300/portal-links", "{}", `{"x":1}`, 201).Body))
	harness.NoteLinks(string(m.ask(t, m.operator, "POST", "/merchants/4300/portal-links", "", 201).Body))
}

func (m *managed) scopes(t *testing.T) {
	m.once(t, m.operator, "/scopes", `{"name":"orders:read"}`, `{"name":"orders:write"}`, 201)
	m.ask(t, m.operator, "POST", "/scopes", `{"name":"rewards:read","description":"Look up rewards","resource":"https://rewards.example.com"}`, 201)
	m.ask(t, m.operator, "POST", "/scopes", `{"name":"orders:read"}`, 409)
	m.pages(t, m.operator, "/scopes")
	m.ask(t, m.operator, "DELETE", "/scopes/customers:read", "", 409)
	m.ask(t, m.operator, "DELETE", "/scopes/rewards:read", "", 204)
}

func (m *managed) apiKeys(t *testing.T) {
	const other = `{"name":"Another"}`
	// An operator's, for a merchant that has no other API keys.
	a := m.once(t, m.operator, "/api-keys", `{"merchantId":4300,"env":"demo","name":"Orders sync","description":"Nightly","scopes":["orders:read"],`+
		`"allowedCidrs":["127.0.0.0/8","::1/128"],"expiresAt":"2999-01-31T00:00:00Z"}`, other, 201)
	id := harness.ReadKey(t, string(a.Body)).ClientID
	m.there["clientId"], m.there["secretId"] = id, "1"
	harness.ReadKey(t, string(m.ask(t, m.operator, "POST", "/api-keys", `{"env":"platform","name":"Watcher","scopes":["usage:read"]}`, 201).Body))
	m.ask(t, m.operator, "POST", "/api-keys", `{"merchantId":999999,"env":"demo","name":"Nobody's"}`, 404)
	// A merchant's own.
	own := harness.ReadKey(t, string(m.ask(t, m.merchant, "POST", "/api-keys", `{"name":"Own"}`, 201).Body)).ClientID
	m.ask(t, m.merchant, "POST", "/api-keys", `{"name":"More than I have","scopes":["customers:write"]}`, 403)
	harness.ReadKey(t, string(m.ask(t, m.merchant, "POST", "/api-keys", `{"name":"Third","scopes":["customers:read"]}`, 201).Body))
	m.ask(t, m.merchant, "POST", "/api-keys", `{"name":"One too many"}`, 409)
	m.ask(t, m.merchant, "GET", "/api-keys/"+id, "", 404)
	for _, path := range []string{"/api-keys", "/api-keys/report"} {
		m.pages(t, m.operator, path)
		m.pages(t, m.merchant, path)
		m.pages(t, m.operator, path+"?merchantId=4300&env=demo")
	}
	m.ask(t, m.operator, "GET", "/api-keys?status=disabled", "", 200)
	m.ask(t, m.operator, "GET", "/api-keys/report?unusedFor=1h&secretAge=365d&unusedOnly=true", "", 200)
	tag := m.versioned(t, "/api-keys/"+id)
	m.ask(t, m.operator, "PATCH", "/api-keys/"+id, `{"name":"Orders","expiresAt":null,"scopes":[],"allowedCidrs":[],"revokeTokens":true}`, 200, "If-Match", tag)
	m.ask(t, m.operator, "PATCH", "/api-keys/"+id, `{"scopes":["nothing:read"]}`, 400)
	m.ask(t, m.operator, "POST", "/api-keys/"+id+"/disable", "", 200)
	m.once(t, m.operator, "/api-keys/"+id+"/enable", "{}", `{"x":1}`, 200)
	m.once(t, m.operator, "/api-keys/"+id+"/disable", "{}", `{"x":1}`, 200)
	m.ask(t, m.operator, "POST", "/api-keys/"+id+"/enable", "", 200, "If-Match", "*")
	m.secrets(t, id)
	m.ask(t, m.merchant, "DELETE", "/api-keys/"+own, "", 204)
}

func (m *managed) secrets(t *testing.T, id string) {
	m.ask(t, m.operator, "DELETE", "/api-keys/"+id+"/secrets/1", "", 409)
	a := m.once(t, m.operator, "/api-keys/"+id+"/rotate", `{"name":"spring","expiresAt":"2999-01-31T00:00:00Z","overlap":3600}`, `{}`, 201)
	harness.ReadKey(t, string(a.Body))
	for range 3 {
		harness.ReadKey(t, string(m.ask(t, m.operator, "POST", "/api-keys/"+id+"/rotate", "", 201).Body))
	}
	m.ask(t, m.operator, "POST", "/api-keys/"+id+"/rotate", `{"revokeTokens":true}`, 409)
	m.pages(t, m.operator, "/api-keys/"+id+"/secrets")
	m.ask(t, m.operator, "DELETE", "/api-keys/"+id+"/secrets/2?revokeTokens=true", "", 204)
	m.ask(t, m.operator, "GET", "/api-keys/"+id, "", 200)
}

func (m *managed) signingKeys(t *testing.T) {
	m.pages(t, m.operator, "/signing-keys")
	m.pages(t, m.operator, "/signing-keys?env=demo")
	m.once(t, m.operator, "/signing-keys/rotate", `{"env":"demo"}`, `{"env":"production"}`, 200)
	var list struct {
		Items []struct{ Kid, Env, Status string }
	}
	if err := json.Unmarshal(m.ask(t, m.operator, "GET", "/signing-keys", "", 200).Body, &list); err != nil {
		t.Fatal(err)
	}
	for _, key := range list.Items {
		if key.Env == "production" && key.Status == "active" {
			m.there["kid"] = key.Kid
		}
	}
}

// revokeSigningKey comes last: it ends what others hold.
func (m *managed) revokeSigningKey(t *testing.T) {
	path := "/signing-keys/" + m.there["kid"] + "/revoke"
	m.ask(t, m.operator, "POST", path, "", 409)
	m.once(t, m.operator, path, `{"force":true}`, `{}`, 200)
}

func (m *managed) logs(t *testing.T, id string) {
	m.pages(t, m.operator, "/events")
	m.pages(t, m.operator, "/events?order=desc&merchantId=4300&env=demo")
	m.ask(t, m.operator, "GET", "/events?kind=api_key.created&subject="+id+"&since=2020-01-01T00:00:00Z&until=2999-01-01T00:00:00Z&after=3&limit=500", "", 200)
	m.ask(t, m.operator, "GET", "/events?order=sideways", "", 400)
	m.ask(t, m.operator, "GET", "/events?cursor=x", "", 400)
	for _, query := range []string{"clientId=" + id, "merchantId=4259&env=demo&interval=day", "merchantId=4259&env=demo&interval=hour&from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z"} {
		m.ask(t, m.operator, "GET", "/usage?"+query, "", 200)
	}
	m.ask(t, m.operator, "GET", "/usage?clientId="+nowhere["clientId"], "", 404)
}

func (m *managed) users(t *testing.T) {
	a := m.once(t, m.operator, "/users", `{"email":"ann@example.com","name":"Ann","memberships":[{"merchantId":4259,"role":"administrator"}]}`,
		`{"email":"bob@example.com","name":"Bob"}`, 201)
	id := member(t, a, "id")
	m.there["userId"] = id
	m.ask(t, m.operator, "POST", "/users", `{"email":"ANN@example.com","name":"Ann"}`, 409)
	last := member(t, m.ask(t, m.operator, "POST", "/users", `{"email":"olga@example.com","name":"Olga","operator":true}`, 201), "id")
	m.pages(t, m.operator, "/users")
	m.ask(t, m.operator, "GET", "/users?merchantId=4259&status=active", "", 200)
	tag := m.versioned(t, "/users/"+id)
	m.ask(t, m.operator, "PATCH", "/users/"+id, `{"name":"Ann Example","operator":false,"memberships":[{"merchantId":4300,"role":"viewer"}]}`, 200, "If-Match", tag)
	m.ask(t, m.operator, "PATCH", "/users/"+last, `{"operator":false}`, 409)
	m.ask(t, m.operator, "POST", "/users/"+last+"/disable", "", 409)
	m.ask(t, m.operator, "DELETE", "/users/"+last, "", 409)
	m.ask(t, m.operator, "POST", "/users/"+id+"/disable", "", 200)
	m.once(t, m.operator, "/users/"+id+"/enable", "{}", `{"x":1}`, 200)
	harness.NoteLinks(string(m.once(t, m.operator, "/users/"+id+"/reset", "{}", `{"x":1}`, 200).Body))
	tag = m.versioned(t, "/users/"+id)
	harness.NoteLinks(string(m.ask(t, m.operator, "POST", "/users/"+id+"/reset", "", 200, "If-Match", tag).Body))
	gone := member(t, m.ask(t, m.operator, "POST", "/users", `{"email":"carl@example.com","name":"Carl"}`, 201), "id")
	m.ask(t, m.operator, "DELETE", "/users/"+gone, "", 204)
}

func (m *managed) webhooks(t *testing.T) {
	m.pages(t, m.operator, "/webhooks")
	m.pages(t, m.operator, "/webhooks/hook/deliveries")
	m.ask(t, m.operator, "GET", "/webhooks/hook/deliveries?status=pending", "", 200)
}

// limited asks a server whose limits are one request for everything.
func (m *managed) limited(t *testing.T) {
	s := harness.New(t).Start(t, "--admin-limit", "1", "--token-limit", "1", "--failure-limit", "1")
	s.Seed(t)
	key := s.CreateKey(t, "demo")
	m.checker.check(t, s)
	w := &walk{s, m.checker}
	operator := w.operatorKey(t, operatorScopes...)
	w.do(t, request{"GET", "/admin/v1/merchants", operator, "", 200})
	for method, paths := range w.everything() {
		for _, path := range paths {
			if strings.HasPrefix(path, "/admin/") {
				w.do(t, request{method, path, operator, "", 429})
			}
		}
	}
	asked := request{"POST", "/oauth/token", []string{"Content-Type", asForm}, formOf(key, "&grant_type=client_credentials"), 200}
	w.do(t, asked).Token(t)
	for _, asked.path = range []string{"/oauth/token", "/api/oauth/token", "/demo/oauth/token", "/demo/api/oauth/token"} {
		asked.status = 429
		w.do(t, asked)
	}
	wrong := strings.Repeat("x", 49)
	for _, path := range []string{"/demo/oauth/introspect", "/demo/oauth/revoke"} {
		harness.Eventually(t, harness.Soon, "failures are limited", func() bool {
			form := "token=x&client_id=" + key.ClientID + "&client_secret=tws_demo_" + wrong
			return w.do(t, request{"POST", path, []string{"Content-Type", asForm}, form, 0}).Status == 429
		})
	}
}
