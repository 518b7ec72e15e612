package adminapi_test

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/admin"
	"github.com/tokenwright/tokenwright/internal/adminapi"
)

// C-396: a body has one meaning, or is refused, with nothing changed.
func TestBodiesAreReadStrictly(t *testing.T) {
	in := install(t)
	token := in.token(in.operator("merchants:write", "api-keys:write", "scopes:write"))
	key := in.key("demo", "customers:read")
	for what, body := range map[string]string{
		"a member twice":          `{"id":1,"name":"a","name":"a"}`,
		"a member twice, escaped": `{"id":1,"name":"a","\u006eame":"b"}`,
		"a case variant":          `{"id":1,"name":"a","Name":"b"}`,
		"a case variant alone":    `{"id":1,"NAME":"a"}`,
		"a folded variant":        `{"id":1,"name":"a","ſcopes":[]}`,
		"trailing data":           `{"id":1,"name":"a"} {}`,
		"a trailing comma":        `{"id":1,"name":"a",}`,
		"a comment":               `{"id":1,/**/"name":"a"}`,
		"a byte order mark":       "\ufeff" + `{"id":1,"name":"a"}`,
		"bad UTF-8":               "{\"id\":1,\"name\":\"\xff\"}",
		"a lone surrogate":        `{"id":1,"name":"\ud800"}`,
		"a raw control character": "{\"id\":1,\"name\":\"a\nb\"}",
		"an array":                `[{"id":1,"name":"a"}]`,
		"null":                    `null`,
		"a text":                  `"x"`,
		"not JSON":                `id=1&name=a`,
		"only a space":            ` `,
		"deep":                    `{"id":1,"name":` + strings.Repeat(`[`, 10_000) + strings.Repeat(`]`, 10_000) + `}`,
		"cut":                     `{"id":1,"name":"a"`,
	} {
		in.unchanged(what, func() {
			if a := in.send(token, "POST", "/merchants", body); a.status != 400 {
				t.Errorf("%s: %d %s", what, a.status, a.body)
			}
		})
	}
	for _, wrong := range []struct{ method, path, body, field string }{
		{"POST", "/merchants", `{"id":1,"name":1}`, "name"},
		{"POST", "/merchants", `{"id":1,"name":null}`, "name"},
		{"POST", "/merchants", `{"id":1.5,"name":"a"}`, "id"},
		{"POST", "/merchants", `{"id":9007199254740992,"name":"a"}`, "id"},
		{"POST", "/merchants", `{"id":"01","name":"a"}`, "id"},
		{"POST", "/merchants", `{"id":true,"name":"a"}`, "id"},
		{"POST", "/merchants", `{"name":"a"}`, "id"},
		{"POST", "/merchants", `{"id":1,"name":"a","keyLimit":"3"}`, "keyLimit"},
		{"POST", "/merchants", `{"id":1,"name":"a","keyLimit":4294967299}`, "keyLimit"},
		{"POST", "/merchants", `{"id":1,"name":"a","keyLimit":1e2}`, "keyLimit"},
		{"POST", "/scopes", `{"name":"a:b","description":["x"]}`, "description"},
		{"PATCH", "/api-keys/" + string(key.id), `{"scopes":"customers:read"}`, "scopes"},
		{"PATCH", "/api-keys/" + string(key.id), `{"scopes":null}`, "scopes"},
		{"PATCH", "/api-keys/" + string(key.id), `{"scopes":["customers:read",1]}`, "scopes"},
		{"PATCH", "/api-keys/" + string(key.id), `{"allowedCidrs":["192.0.2.0/33"]}`, "allowedCidrs"},
		{"PATCH", "/api-keys/" + string(key.id), `{"expiresAt":1764000000}`, "expiresAt"},
		{"PATCH", "/api-keys/" + string(key.id), `{"expiresAt":"2035-01-01"}`, "expiresAt"},
		{"PATCH", "/api-keys/" + string(key.id), `{"expiresAt":"0001-01-01T00:00:00.0001Z"}`, "expiresAt"},
		{"PATCH", "/api-keys/" + string(key.id), `{"expiresAt":"9999-12-31T23:59:59-23:59"}`, "expiresAt"},
		{"PATCH", "/api-keys/" + string(key.id), `{"revokeTokens":"true"}`, "revokeTokens"},
		{"PATCH", "/api-keys/" + string(key.id), `{"revokeTokens":1}`, "revokeTokens"},
		{"POST", "/api-keys/" + string(key.id) + "/rotate", `{"overlap":"1h"}`, "overlap"},
		{"POST", "/api-keys/" + string(key.id) + "/rotate", `{"overlap":-1}`, "overlap"},
		{"POST", "/api-keys/" + string(key.id) + "/rotate", `{"overlap":9223372036854775807}`, "overlap"},
		{"POST", "/api-keys/" + string(key.id) + "/disable", `{"status":"active"}`, "status"},
	} {
		in.unchanged(wrong.body, func() {
			a := in.send(token, wrong.method, wrong.path, wrong.body).want(400, "invalid")
			if got := into[admin.Error](a); len(got.Errors) != 1 || got.Errors[0].Field != wrong.field {
				t.Errorf("%s: %s, want the field %s", wrong.body, a.body, wrong.field)
			}
		})
	}
	in.send(token, "POST", "/merchants", ` { "id" : "1" , "name" : "a" } `).want(201, "")
}

// C-396: all that is wrong is told at once, in one order.
func TestEveryWrongMemberIsNamed(t *testing.T) {
	in := install(t)
	token := in.token(in.operator("merchants:read", "merchants:write"))
	for range 20 {
		a := in.send(token, "POST", "/merchants?z=1&y=1&x=1&w=1&z=2", `{"id":{},"name":1,"b":1,"a":1}`).want(400, "invalid")
		fields := []string{}
		for _, e := range into[admin.Error](a).Errors {
			fields = append(fields, e.Field)
		}
		if got := strings.Join(fields, " "); got != "z w x y z id name b a" {
			t.Fatalf("fields %s", got)
		}
	}
	// Whoever makes up a name gets it back cut, and in JSON.
	long := in.send(token, "POST", "/merchants", `{"id":1,"name":"a","<script>`+strings.Repeat("ä", 5000)+`":1}`).want(400, "")
	if len(long.body) > 500 || strings.Contains(long.body, "<script>") || !json.Valid([]byte(long.body)) {
		t.Errorf("%s", long.body)
	}
}

// C-396: 64 KiB are read, not a byte more.
func TestBodiesOfMoreThan64KiBAreRefused(t *testing.T) {
	in := install(t)
	token := in.token(in.operator("merchants:write"))
	pad := func(n int) string {
		return `{"id":1,"name":"a"` + strings.Repeat(" ", n-len(`{"id":1,"name":"a"`)-1) + "}"
	}
	in.unchanged("too large", func() { in.send(token, "POST", "/merchants", pad(64<<10+1)).want(413, "too_large") })
	in.send(token, "POST", "/merchants", pad(64<<10)).want(201, "")
}

// C-396: a body where none belongs is not looked at.
func TestBodiesOfGETAndDELETEMeanNothing(t *testing.T) {
	in := install(t)
	token := in.token(in.operator("merchants:read", "merchants:delete", "api-keys:read", "api-keys:delete"))
	key := in.key("demo", "customers:read")
	in.merchant("5")
	body := `{"merchantId":5,"limit":1,"force":true}`
	if got := into[page[any]](in.send(token, "GET", "/api-keys?merchantId=5", body)); len(got.Items) != 0 {
		t.Error("the body of a GET was read")
	}
	in.send(token, "DELETE", "/merchants/5", `{"merchantId":4259}`).want(204, "")
	in.send(token, "GET", "/merchants/4259", "").want(200, "")
	in.send(token, "DELETE", "/api-keys/"+string(key.id), "not JSON").want(204, "")
}

// C-396: a query has known parameters, each once.
func TestQueriesAreReadStrictly(t *testing.T) {
	in := install(t)
	token := in.token(in.operator("merchants:read", "api-keys:read", "api-keys:write", "api-keys:delete", "events:read", "usage:read", "signing-keys:read"))
	key := in.key("demo", "customers:read")
	id := string(key.id)
	for _, query := range []string{
		"/merchants?limit=0", "/merchants?limit=501", "/merchants?limit=-1", "/merchants?limit=1.0", "/merchants?limit=", "/merchants?limit=%2B5",
		"/merchants?limit=1&limit=1", "/merchants?Limit=1", "/merchants?cursor=", "/merchants?offset=1", "/merchants?a", "/merchants?limit=1;cursor=a",
		"/merchants?limit=%zz", "/merchants?limit=9223372036854775808", "/merchants/4259?limit=1",
		"/api-keys?merchantId=x", "/api-keys?merchantId=", "/api-keys?status=deleted", "/api-keys?env=a&env=b", "/api-keys?env=%00", "/api-keys?env=%ff",
		"/api-keys/report?unusedFor=90", "/api-keys/report?unusedFor=-1d", "/api-keys/report?unusedFor=99999d", "/api-keys/report?unusedOnly=yes",
		"/api-keys/" + id + "?secrets=true", "/signing-keys?kid=x", "/signing-keys?env=%0a",
		"/events?order=up", "/events?after=-1", "/events?after=x", "/events?after=9223372036854775808", "/events?since=yesterday", "/events?subject=%00",
		"/events?actor=%ff", "/events?kind=%1b",
		"/usage", "/usage?clientId=" + id + "&merchantId=4259", "/usage?clientId=" + id + "&interval=minute", "/usage?clientId=" + id + "&from=2030-01-01T00:00:00Z",
		"/usage?env=demo", "/usage?clientId=%00",
		"/usage?clientId=" + id + "&from=9999-12-31T22:00:00-23:00&to=9999-12-31T23:59:59-23:59",
	} {
		if a := in.send(token, "GET", query, ""); a.status != 400 || a.reason() == "" {
			t.Errorf("%s: %d %s", query, a.status, a.body)
		}
	}
	in.unchanged("DELETE", func() {
		in.send(token, "DELETE", "/api-keys/"+id+"?force=true", "").want(400, "invalid")
		in.send(token, "DELETE", "/api-keys/"+id+"/secrets/1?revokeTokens=1", "").want(400, "invalid")
		in.send(token, "POST", "/api-keys/"+id+"/disable?x=y", "").want(400, "invalid")
	})
	for _, query := range []string{"/merchants?limit=1", "/merchants?limit=500", "/api-keys?status=active&env=demo&merchantId=4259", "/events?order=desc&after=3"} {
		in.send(token, "GET", query, "").want(200, "")
	}
}

// C-396: an ID that cannot be one is nobody's; it never reaches the database
// as something that this one cannot read.
func TestIDsThatCannotBeAreNotFound(t *testing.T) {
	in := install(t)
	token := in.token(in.operator("merchants:read", "merchants:delete", "api-keys:read", "api-keys:delete", "scopes:delete", "signing-keys:delete"))
	key := in.key("demo", "customers:read")
	id := string(key.id)
	in.unchanged("IDs", func() {
		for _, path := range []string{
			"/api-keys/%00", "/api-keys/%ff", "/api-keys/" + id + "%00", "/api-keys/" + strings.ToUpper(id), "/api-keys/" + id[:len(id)-1],
			"/api-keys/" + id + "%20", "/api-keys/%20" + id, "/api-keys/" + id + "%0a", "/api-keys/*", "/api-keys/%25", "/api-keys/'%20OR%20'1'='1",
			"/api-keys/" + strings.Repeat("a", 5000), "/api-keys/" + id + "/secrets/0", "/api-keys/" + id + "/secrets/+1", "/api-keys/" + id + "/secrets/01",
			"/api-keys/" + id + "/secrets/1%00", "/api-keys/" + id + "/secrets/99999999999999999999", "/api-keys/" + id + "/secrets/x",
			"/merchants/0", "/merchants/04259", "/merchants/4259.0", "/merchants/%34259%00", "/merchants/-1", "/merchants/9007199254740992",
			"/scopes/%00", "/scopes/%ff", "/scopes/Customers:read",
		} {
			in.send(token, "DELETE", path, "").want(404, "not_found")
		}
		in.send(token, "POST", "/signing-keys/%00/revoke", "").want(404, "not_found")
	})
}

// C-396: no query and no body is our fault, and none but a success changes
// anything, whatever endpoint they are sent to.
func TestOddRequestsAreNoFaults(t *testing.T) {
	in := install(t)
	token := in.token(in.operator(operatorScopes()...))
	n := 0
	th := in.things(ours, "demo", &n)
	odd := []string{
		"", "{}", "=", "&&", "limit=1&cursor=abc", "merchantId=4259&env=demo&status=active", "clientId=x&from=2025-01-01T00:00:00Z&interval=day",
		"unusedFor=90d&unusedOnly=true", "order=desc&after=2&since=2025-01-01T00:00:00Z&kind=x", `{"id":1e400,"name":"a"}`, `{"overlap":-9223372036854775808}`,
		`{"memberships":[{}]}`, `{"memberships":[[]]}`, `{"scopes":[{}],"allowedCidrs":[""],"expiresAt":"9999-12-31T23:59:59Z"}`, `{"env":"","kid":""}`,
	}
	for _, route := range adminapi.Routes() {
		for _, text := range odd {
			path, _ := matrix[route.Method+" "+route.Path].request(route, th)
			path, _, _ = strings.Cut(path, "?")
			r := httptest.NewRequest(route.Method, adminapi.Root+path, strings.NewReader(text))
			r.URL.RawQuery = text
			r.Header = map[string][]string{"Authorization": {"Bearer " + token}, "Content-Type": {"application/json"}}
			before := in.head()
			a := in.do(r)
			if a.status >= 500 || a.status != 204 && !json.Valid([]byte(a.body)) || a.status >= 400 && in.head() != before {
				t.Errorf("%s %s?%s with it as body: %d %s", route.Method, path, text, a.status, a.body)
			}
		}
	}
}
