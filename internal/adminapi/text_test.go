package adminapi_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/admin"
	"github.com/tokenwright/tokenwright/internal/authority"
)

// naughty are names that must survive as they are.
var naughty = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `javascript:alert(1)`, `=1+1`, `+1`, `-1`, `@SUM(A1)`, `'; DROP TABLE api_keys; --`,
	`{{7*7}}`, `${jndi:ldap://x/a}`, `%s%n%x`, `..\..\etc`, `../../etc/passwd`, `null`, `true`, `0`, `1e309`, `\u0000`, `\n`, `a"b'c` + "`d", `&lt;b&gt;`,
	`日本語`, `Ω≈ç√∫`, `مرحبا`, `👩‍👩‍👧‍👦`, "e\u0301", "\u00e9", "ﬀ", "\u00a0x", "\ufffd", "\U0010ffff", strings.Repeat("ä", 100),
}

// C-198: names and descriptions are text, and come back as they were given: in
// answers, lists, the kept answer and events.
func TestTextComesBackAsItWasGiven(t *testing.T) {
	t.Parallel()
	in := install(t)
	token := in.token(in.operator("merchants:read", "merchants:write", "scopes:write", "scopes:read", "api-keys:read", "api-keys:write", "events:read"))
	key := "/api-keys/" + string(in.key("demo", "customers:read").id)
	for i, text := range naughty {
		quoted, err := json.Marshal(text)
		in.must(err)
		body := `{"name":` + string(quoted) + `,"description":` + string(quoted) + `}`
		changed := into[admin.APIKey](in.send(token, "PATCH", key, body).want(200, ""))
		shown := into[admin.APIKeyDetails](in.send(token, "GET", key, ""))
		for _, k := range []admin.APIKey{changed, shown.APIKey} {
			if k.Name != text || k.Description != text {
				t.Errorf("%q came back as %q, %q", text, k.Name, k.Description)
			}
		}
		if i > 3 { // the rules are one for all texts: changes take time
			continue
		}
		m := into[admin.Merchant](in.send(token, "PATCH", "/merchants/4259", `{"name":`+string(quoted)+`}`))
		rotated := into[admin.CreatedAPIKey](in.send(token, "POST", key+"/rotate", `{"overlap":0,"name":`+string(quoted)+`}`).want(201, ""))
		if m.Name != text || rotated.Secrets[len(rotated.Secrets)-1].Name != text {
			t.Errorf("%q came back as %q and %q", text, m.Name, rotated.Secrets[len(rotated.Secrets)-1].Name)
		}
		events := into[page[admin.Event]](in.send(token, "GET", "/events?order=desc&limit=1&kind=api_key.updated", ""))
		var details struct{ Name, Description string }
		in.must(json.Unmarshal(events.Items[0].Details, &details))
		if details.Name != text || details.Description != text {
			t.Errorf("%q stands in the event as %s", text, events.Items[0].Details)
		}
	}
	if _, err := in.VerifyEvents(t.Context(), nil, nil); err != nil {
		t.Error(err)
	}
}

// C-198, C-226: what breaks lines, or makes what is beside it look otherwise, is
// in no name, and so in no list, log or event.
func TestControlCharactersAreRefused(t *testing.T) {
	in := install(t)
	token := in.token(in.operator("merchants:write", "scopes:write", "api-keys:write"))
	key := "/api-keys/" + string(in.key("demo", "customers:read").id)
	for _, c := range []string{`\u0000`, `\u0007`, `\n`, `\r`, `\t`, `\u001b[31m`, `\u007f`, `\u0085`, `\u009b`, `\u2028`, `\u2029`, `\u202e`, `\u2066`, `\u200f`} {
		in.unchanged(c, func() {
			for _, r := range [][3]string{
				{"POST", "/merchants", `{"id":1,"name":"a` + c + `b"}`}, {"PATCH", "/merchants/4259", `{"name":"a` + c + `b"}`},
				{"POST", "/scopes", `{"name":"a:b","description":"a` + c + `b"}`}, {"POST", "/scopes", `{"name":"a:b` + c + `"}`},
				{"POST", "/scopes", `{"name":"a:b","resource":"https://a.example.com/` + c + `"}`},
				{"POST", "/api-keys", `{"merchantId":4259,"env":"demo","name":"a` + c + `b"}`}, {"PATCH", key, `{"description":"` + c + `"}`},
				{"PATCH", key, `{"name":"` + c + `"}`}, {"POST", key + "/rotate", `{"name":"a` + c + `"}`},
			} {
				in.send(token, r[0], r[1], r[2]).want(400, "invalid")
			}
		})
	}
	in.unchanged("empty and long", func() {
		for _, name := range []string{"", " ", "\u00a0", strings.Repeat("ä", 101)} {
			in.send(token, "PATCH", key, `{"name":"`+name+`"}`).want(400, "invalid")
		}
		in.send(token, "PATCH", key, `{"description":"`+strings.Repeat("ä", 1001)+`"}`).want(400, "invalid")
	})
}

// C-075: what had an identifier has it for ever: nothing of a deleted merchant
// comes back with one that is made after it, and no ID is given twice.
func TestIdentifiersDoNotReturn(t *testing.T) {
	in := install(t)
	token := in.token(in.operator("merchants:write", "merchants:delete", "api-keys:write", "api-keys:delete", "api-keys:read"))
	in.send(token, "POST", "/merchants", `{"id":5,"name":"x"}`).want(201, "")
	k := into[admin.CreatedAPIKey](in.send(token, "POST", "/api-keys", `{"merchantId":5,"env":"demo","name":"x","scopes":["customers:read"]}`))
	managing := in.create(authority.NewAPIKey{MerchantID: "5", Env: "demo", Scopes: []string{"api-keys:read"}})
	old := in.token(managing)
	for _, id := range []string{k.ID, string(managing.id)} {
		in.send(token, "DELETE", "/merchants/5", "").want(409, "merchant_in_use")
		in.send(token, "DELETE", "/api-keys/"+id, "").want(204, "")
	}
	in.send(token, "DELETE", "/merchants/5", "").want(204, "")
	in.unchanged("its ID", func() {
		in.send(token, "POST", "/merchants", `{"id":5,"name":"y"}`).want(409, "exists")
		in.send(token, "POST", "/merchants", `{"id":"5","name":"y"}`).want(409, "exists")
		in.send(token, "POST", "/merchants/5/resume", "").want(404, "not_found")
		in.send(token, "POST", "/api-keys", `{"merchantId":5,"env":"demo","name":"x"}`).want(404, "not_found")
		in.send(token, "GET", "/api-keys/"+k.ID, "").want(404, "not_found")
		in.send(token, "POST", "/api-keys/"+k.ID+"/enable", "").want(404, "not_found")
		in.send(old, "GET", "/api-keys", "").want(401, "")
	})
}
