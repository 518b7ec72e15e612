package adminapi_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/admin"
)

// jsonNames are the members of a wire type.
func jsonNames(t reflect.Type) (names []string) {
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			names = append(names, jsonNames(f.Type)...)
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}

// C-193: what is shown of a thing is not what may be set: each other member is
// refused by name, and nothing changes.
func TestMembersThatAreNotToBeSetAreRefused(t *testing.T) {
	in := install(t)
	token := in.token(in.operator(operatorScopes()...))
	key, n := "/api-keys/"+string(in.key("demo", "customers:read").id), 0
	user := "/users/" + in.things(ours, "demo", &n)["userId"]
	never := []string{"generation", "gen", "hash", "secretHash", "secret_hash", "role", "merchant_id", "environment", "password", "__proto__", "issuedTokens", "deleted"}
	for _, r := range []struct {
		method, path, body string // without its end
		of                 any
		set                []string
	}{
		{"POST", "/merchants", `{"id":1,"name":"x"`, admin.Merchant{}, []string{"id", "name", "keyLimit"}},
		{"PATCH", "/merchants/4259", `{"name":"x"`, admin.Merchant{}, []string{"name", "keyLimit"}},
		{"POST", "/merchants/4259/suspend", `{"":""`, admin.Merchant{}, nil},
		{"POST", "/scopes", `{"name":"a:b"`, admin.Scope{}, []string{"name", "description", "resource"}},
		{"POST", "/api-keys", `{"name":"x","merchantId":4259,"env":"demo"`, admin.CreatedAPIKey{},
			[]string{"merchantId", "env", "name", "description", "scopes", "allowedCidrs", "expiresAt"}},
		{"PATCH", key, `{"name":"x"`, admin.APIKeyDetails{}, []string{"name", "description", "scopes", "allowedCidrs", "expiresAt"}},
		{"POST", key + "/rotate", `{"name":"x"`, admin.CreatedAPIKey{}, []string{"name", "expiresAt"}},
		{"POST", key + "/rotate", `{"name":"x"`, admin.Secret{}, []string{"name", "expiresAt"}},
		{"POST", key + "/disable", `{"":""`, admin.APIKey{}, nil},
		{"POST", key + "/enable", `{"":""`, admin.APIKey{}, nil},
		{"POST", "/users", `{"email":"a@example.com","name":"x"`, admin.User{}, []string{"email", "name", "operator", "memberships"}},
		{"PATCH", user, `{"name":"x"`, admin.User{}, []string{"name", "operator", "memberships"}},
		{"POST", user + "/enable", `{"":""`, admin.User{}, nil},
		{"POST", "/signing-keys/rotate", `{"env":"demo"`, admin.SigningKey{}, []string{"env"}},
		{"POST", "/signing-keys/x/revoke", `{"force":true`, admin.SigningKey{}, []string{"force"}},
	} {
		start := strings.Replace(r.body, `"":""`, "", 1)
		in.unchanged(r.method+" "+r.path, func() {
			for _, name := range append(jsonNames(reflect.TypeOf(r.of)), never...) {
				if slices.Contains(r.set, name) {
					continue
				}
				body := start + `,"` + name + `":"active"}`
				if start == "{" {
					body = `{"` + name + `":"active"}`
				}
				a := in.send(token, r.method, r.path, body).want(400, "invalid")
				if e := into[admin.Error](a).Errors; len(e) != 1 || e[0].Field != name {
					t.Errorf("%s %s %s: %s", r.method, r.path, body, a.body)
				}
			}
		})
	}
}

// C-194: no API key has a scope that is not in the catalogue.
func TestScopesMustBeInTheCatalogue(t *testing.T) {
	in := install(t)
	token := in.token(in.operator("api-keys:write"))
	key := "/api-keys/" + string(in.key("demo", "customers:read").id)
	for _, scope := range []string{"unknown:read", "customers:READ", "customers:*", "*", "customers", "customers:read ", "customers:", "users:admin", "merchants:read", "tokens:introspect"} {
		in.unchanged(scope, func() {
			in.send(token, "POST", "/api-keys", `{"merchantId":4259,"env":"demo","name":"x","scopes":["`+scope+`"]}`).want(400, "invalid")
			in.send(token, "PATCH", key, `{"scopes":["customers:read","`+scope+`"]}`).want(400, "invalid")
		})
	}
}
