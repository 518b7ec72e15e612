package adminapi_test

import (
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/admin"
	"github.com/tokenwright/tokenwright/internal/adminapi"
	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/linetest"
)

// manager is an API key of merchant 4259 in demo that manages others; it has
// customers:read, is bound to a network, and ends.
func (in *installation) manager() (apiKey, string) {
	in.Helper()
	k := in.create(authority.NewAPIKey{
		MerchantID: ours, Env: "demo", Scopes: []string{"customers:read", "api-keys:read", "api-keys:write", "api-keys:delete"},
		AllowedCIDRs: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, ExpiresAt: in.time().Add(24 * time.Hour),
	})
	return k, in.token(k)
}

// C-194: an API key makes none that could do more than itself.
func TestAnAPIKeyMakesNoStrongerOne(t *testing.T) {
	in := install(t)
	_, token := in.manager()
	const within = `"allowedCidrs":["192.0.2.7"],"expiresAt":"2025-11-24T20:00:00Z"`
	for body, want := range map[string]string{
		`{"name":"a","scopes":["customers:read"],` + within + `}`:                                    "",
		`{"name":"a","scopes":[],` + within + `}`:                                                    "",
		`{"name":"a","merchantId":"4259","env":"demo",` + within + `}`:                               "",
		`{"name":"a","scopes":["customers:read","customers:write"],` + within + `}`:                  "403 forbidden",
		`{"name":"a","scopes":["coupons:read"],` + within + `}`:                                      "403 forbidden",
		`{"name":"a","scopes":["api-keys:read"],` + within + `}`:                                     "403 forbidden",
		`{"name":"a","scopes":["customers:read","api-keys:write"],` + within + `}`:                   "403 forbidden",
		`{"name":"a","scopes":["merchants:read"],` + within + `}`:                                    "400 invalid",
		`{"name":"a","scopes":["tokens:introspect"],` + within + `}`:                                 "400 invalid",
		`{"name":"a","scopes":["customers:read customers:write"],` + within + `}`:                    "403 forbidden",
		`{"name":"a","scopes":["Customers:read"],` + within + `}`:                                    "403 forbidden",
		`{"name":"a","scopes":["customers:read\u0000"],` + within + `}`:                              "400 invalid",
		`{"name":"a","scopes":["customers:read"]}`:                                                   "403 forbidden",
		`{"name":"a","allowedCidrs":["192.0.2.7"]}`:                                                  "403 forbidden",
		`{"name":"a","allowedCidrs":["192.0.2.7"],"expiresAt":null}`:                                 "403 forbidden",
		`{"name":"a","allowedCidrs":["192.0.2.7"],"expiresAt":"2025-11-25T16:00:00.124Z"}`:           "403 forbidden",
		`{"name":"a","allowedCidrs":["192.0.2.7"],"expiresAt":"2025-11-25T16:00:00.123Z"}`:           "",
		`{"name":"a","allowedCidrs":[],"expiresAt":"2025-11-24T20:00:00Z"}`:                          "403 forbidden",
		`{"name":"a","allowedCidrs":["192.0.2.0/23"],"expiresAt":"2025-11-24T20:00:00Z"}`:            "403 forbidden",
		`{"name":"a","allowedCidrs":["192.0.2.1","192.0.3.1"],"expiresAt":"2025-11-24T20:00:00Z"}`:   "403 forbidden",
		`{"name":"a","allowedCidrs":["::ffff:192.0.2.0/119"],"expiresAt":"2025-11-24T20:00:00Z"}`:    "400 invalid",
		`{"name":"a","allowedCidrs":["::/0"],"expiresAt":"2025-11-24T20:00:00Z"}`:                    "403 forbidden",
		`{"name":"a","merchantId":77,` + within + `}`:                                                "404 not_found",
		`{"name":"a","env":"production",` + within + `}`:                                             "404 not_found",
		`{"name":"a","env":"DEMO",` + within + `}`:                                                   "400 invalid",
		`{"name":"a","env":"platform",` + within + `}`:                                               "400 invalid",
		`{"name":"a","env":"platform","scopes":["merchants:read"],"merchantId":null,` + within + `}`: "400 invalid",
	} {
		if want == "" {
			in.send(token, "POST", "/api-keys", body).want(201, "")
			continue
		}
		in.unchanged(body, func() {
			a := in.send(token, "POST", "/api-keys", body)
			if got := into[admin.Error](a).Code + " " + a.reason(); got != want {
				t.Errorf("%s: got %s, want %s", body, a.body, want)
			}
		})
	}
}

// C-194: nor does it touch one that can, whatever it would change of it; and it
// makes none of those it may touch stronger.
func TestAnAPIKeyTouchesNoStrongerOne(t *testing.T) {
	in := install(t)
	manager, token := in.manager()
	weak := authority.NewAPIKey{
		MerchantID: ours, Env: "demo", Scopes: []string{"customers:read"},
		AllowedCIDRs: []netip.Prefix{netip.MustParsePrefix("192.0.2.7/32")}, ExpiresAt: in.time().Add(time.Hour),
	}
	stronger := map[string]func(*authority.NewAPIKey){
		"a scope of an API":                func(n *authority.NewAPIKey) { n.Scopes = append(n.Scopes, "customers:write") },
		"networks":                         func(n *authority.NewAPIKey) { n.AllowedCIDRs = nil },
		"a wider network":                  func(n *authority.NewAPIKey) { n.AllowedCIDRs[0] = netip.MustParsePrefix("192.0.0.0/16") },
		"no end":                           func(n *authority.NewAPIKey) { n.ExpiresAt = time.Time{} },
		"a later end":                      func(n *authority.NewAPIKey) { n.ExpiresAt = in.time().Add(48 * time.Hour) },
		"a scope it lacks, and one it has": func(n *authority.NewAPIKey) { n.Scopes = []string{"api-keys:read", "coupons:read"} },
	}
	for what, change := range stronger {
		n := weak
		n.Scopes, n.AllowedCIDRs = append([]string{}, weak.Scopes...), append([]netip.Prefix{}, weak.AllowedCIDRs...)
		change(&n)
		path := "/api-keys/" + string(in.create(n).id)
		in.unchanged(what, func() {
			for _, body := range []string{`{"name":"x"}`, `{"scopes":[]}`, `{"scopes":["customers:read"],"allowedCidrs":["192.0.2.7"],"expiresAt":"2025-11-24T17:00:00Z"}`, `{}`} {
				in.send(token, "PATCH", path, body).want(403, "forbidden")
				in.send(token, "PATCH", path, body, "If-Match", `"1"`).want(403, "forbidden")
			}
			in.send(token, "POST", path+"/rotate", "").want(403, "forbidden")
			in.send(token, "POST", path+"/enable", "").want(403, "forbidden")
		})
		// What takes from its strength is allowed: it is the merchant's own.
		in.send(token, "POST", path+"/disable", "").want(200, "")
		in.unchanged(what, func() { in.send(token, "POST", path+"/enable", "").want(403, "forbidden") })
		in.send(token, "DELETE", path, "").want(204, "")
	}
	path := "/api-keys/" + string(in.create(weak).id)
	in.unchanged("stronger", func() {
		for _, body := range []string{
			`{"scopes":["customers:write"]}`, `{"scopes":["customers:read","api-keys:read"]}`, `{"scopes":["api-keys:write"]}`, `{"allowedCidrs":[]}`,
			`{"allowedCidrs":["192.0.2.7","198.51.100.0/24"]}`, `{"expiresAt":null}`, `{"expiresAt":"2030-01-01T00:00:00Z"}`,
		} {
			in.send(token, "PATCH", path, body).want(403, "forbidden")
		}
	})
	in.send(token, "PATCH", path, `{"name":"x","scopes":[],"allowedCidrs":["192.0.2.128/25"],"expiresAt":"2025-11-24T18:00:00Z"}`).want(200, "")
	in.send(token, "POST", path+"/rotate", "").want(201, "")

	// Itself it may change but for its bounds, and rotate.
	own := "/api-keys/" + string(manager.id)
	in.unchanged("itself", func() {
		for _, body := range []string{`{"allowedCidrs":[]}`, `{"expiresAt":null}`, `{"scopes":["customers:read","customers:write","api-keys:write"]}`} {
			in.send(token, "PATCH", own, body).want(403, "forbidden")
		}
	})
	in.send(token, "PATCH", own, `{"description":"mine"}`).want(200, "")
	in.send(token, "POST", own+"/rotate", "").want(201, "")
}

// C-194: a scope that was given away does not come back: bounds are those of the
// API key now, not of when the token was issued.
func TestATokenGrantsNoMoreThanItsAPIKeyHasNow(t *testing.T) {
	in := install(t)
	key := in.key("demo", "customers:read", "customers:write", "api-keys:write")
	token := in.token(key)
	in.send(token, "POST", "/api-keys", `{"name":"a","scopes":["customers:write"]}`).want(201, "")
	fewer := []string{"customers:read", "api-keys:write"}
	_, err := in.UpdateAPIKey(t.Context(), root, key.id, authority.APIKeyUpdate{Scopes: &fewer})
	in.must(err)
	in.unchanged("a scope it had", func() {
		in.send(token, "POST", "/api-keys", `{"name":"b","scopes":["customers:write"]}`).want(403, "forbidden")
		in.send(token, "PATCH", "/api-keys/"+string(key.id), `{"scopes":["customers:read","customers:write","api-keys:write"]}`).want(403, "forbidden")
	})
}

// C-194: whoever may write API keys of the platform gives no management scope
// that its token has not got; scopes of APIs are the platform's to give.
func TestAnOperatorKeyGivesNoManagementScopeThatItLacks(t *testing.T) {
	in := install(t)
	operator := in.operator("api-keys:write", "merchants:read")
	token := in.token(operator)
	in.send(token, "POST", "/api-keys", `{"name":"a","env":"platform","scopes":["merchants:read","api-keys:write"]}`).want(201, "")
	in.send(token, "POST", "/api-keys", `{"name":"a","env":"demo","merchantId":4259,"scopes":["customers:write","api-keys:write"]}`).want(201, "")
	strong := in.operator("api-keys:write", "merchants:delete")
	managing := in.key("demo", "api-keys:delete")
	in.unchanged("stronger", func() {
		for _, body := range []string{
			`{"name":"a","env":"platform","scopes":["merchants:write"]}`, `{"name":"a","env":"platform","scopes":["api-keys:read"]}`,
			`{"name":"a","env":"platform","scopes":["tokens:introspect"]}`, `{"name":"a","env":"demo","merchantId":4259,"scopes":["api-keys:delete"]}`,
		} {
			in.send(token, "POST", "/api-keys", body).want(403, "forbidden")
		}
		for _, k := range []apiKey{strong, managing} {
			path := "/api-keys/" + string(k.id)
			in.send(token, "PATCH", path, `{"name":"x"}`).want(403, "forbidden")
			in.send(token, "POST", path+"/rotate", "").want(403, "forbidden")
			in.send(token, "POST", path+"/enable", "").want(403, "forbidden")
		}
		in.send(token, "PATCH", "/api-keys/"+string(operator.id), `{"scopes":["api-keys:write","merchants:read","merchants:write"]}`).want(403, "forbidden")
	})
	// A token that asked for less than its API key has is worth no more than that.
	narrow := in.token(operator, "api-keys:write")
	in.unchanged("a narrow token", func() {
		in.send(narrow, "POST", "/api-keys", `{"name":"a","env":"platform","scopes":["merchants:read"]}`).want(403, "forbidden")
		in.send(narrow, "POST", "/api-keys/"+string(operator.id)+"/rotate", "").want(403, "forbidden")
	})
}

// C-194, C-045: a disabled API key enables neither itself nor others: its tokens
// are dead (Keycloak's CVE-2026-9705).
func TestADisabledAPIKeyDoesNotEnableItself(t *testing.T) {
	in := install(t)
	manager, token := in.manager()
	path := "/api-keys/" + string(manager.id)
	in.send(token, "POST", path+"/disable", "").want(200, "")
	in.unchanged("enable", func() {
		in.send(token, "POST", path+"/enable", "").want(401, "")
		in.send(token, "PATCH", path, `{"status":"active"}`).want(401, "")
		in.send(token, "POST", path+"/rotate", "").want(401, "")
		if _, err := in.IssueToken(&authority.TokenRequest{
			ClientID: string(manager.id), ClientSecret: manager.secret, Scope: "api-keys:write", Address: netip.MustParseAddr("192.0.2.1"),
		}); err == nil {
			t.Error("a disabled API key gets a token")
		}
	})
	// Enabled again by somebody else, its tokens from before stay dead.
	_, err := in.EnableAPIKey(t.Context(), root, manager.id, 0)
	in.must(err)
	in.send(token, "GET", path, "").want(401, "")
}

// C-194: what is decided is decided about what is written: one that was weak when
// it was read, and is strong by now, is not changed.
func TestAnAPIKeyThatBecameStrongerMeanwhileIsNotTouched(t *testing.T) {
	in := install(t)
	_, token := in.manager()
	weak := in.create(authority.NewAPIKey{
		MerchantID: ours, Env: "demo", AllowedCIDRs: []netip.Prefix{netip.MustParsePrefix("192.0.2.7/32")}, ExpiresAt: in.time().Add(time.Hour),
	})
	path := "/api-keys/" + string(weak.id)
	seen := in.send(token, "GET", path, "").want(200, "").header.Get("ETag")
	scopes := []string{"customers:write"}
	_, err := in.UpdateAPIKey(t.Context(), root, weak.id, authority.APIKeyUpdate{Scopes: &scopes})
	in.must(err)
	in.unchanged("stronger by now", func() {
		in.send(token, "POST", path+"/rotate", "", "If-Match", seen).want(412, "version")
		in.send(token, "POST", path+"/rotate", "", "If-Match", `"2"`).want(403, "forbidden")
		in.send(token, "POST", path+"/rotate", "", "If-Match", "*").want(403, "forbidden")
		in.send(token, "POST", path+"/rotate", "").want(403, "forbidden")
	})
}

// C-194, C-197: an answer that is kept is its actor's alone, also where the key is
// known to others.
func TestAKeptAnswerIsNotGivenToAnotherActor(t *testing.T) {
	in := install(t)
	_, token := in.manager()
	other := in.token(in.key("demo", "customers:read", "api-keys:write"))
	strong := in.key("demo", "customers:read", "customers:write")
	operator := in.token(in.operator("api-keys:write"))
	path := "/api-keys/" + string(strong.id) + "/rotate"
	in.send(operator, "POST", path, "", "Idempotency-Key", once).want(201, "")
	in.unchanged("a replay by others", func() {
		in.send(token, "POST", path, "", "Idempotency-Key", once).want(403, "forbidden")
		in.send(other, "POST", path, "", "Idempotency-Key", once).want(403, "forbidden")
		in.send("", "POST", path, "", "Idempotency-Key", once).want(401, "")
	})
}

// C-192: a change is made by who may make it then: the API key that asks is looked at once
// more, however long its request took to come.
func TestAnAPIKeyThatEndedChangesNothing(t *testing.T) {
	in := install(t)
	actor := authority.Actor{ID: "cli:root@host", Permissions: authority.Everything()}
	for what, end := range map[string]func(id authority.ClientID) error{
		"deleted": func(id authority.ClientID) error { return in.DeleteAPIKey(in.Context(), actor, id, 0) },
		"disabled": func(id authority.ClientID) error {
			_, err := in.DisableAPIKey(in.Context(), actor, id, 0)
			return err
		},
		"without its tokens": func(id authority.ClientID) error {
			_, err := in.UpdateAPIKey(in.Context(), actor, id, authority.APIKeyUpdate{RevokeTokens: true})
			return err
		},
	} {
		operator := in.operator(operatorScopes()...)
		token := in.token(operator)
		r := httptest.NewRequest("POST", adminapi.Root+"/merchants", linetest.Slowly(strings.NewReader(`{"id":77,"name":"Theirs"}`), func() { in.must(end(authority.ClientID(operator.id))) }))
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Content-Type", "application/json")
		before := in.head()
		if a := in.do(r); a.status != 401 || !strings.Contains(a.header.Get("WWW-Authenticate"), "invalid_token") {
			t.Errorf("%s: %d %s", what, a.status, a.body)
		}
		if in.head() != before+1 {
			t.Errorf("%s: something was changed", what)
		}
	}
}
