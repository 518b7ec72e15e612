package accesstoken

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/internal/fuzztest"
)

var sample = Claims{
	Issuer: "http://localhost:8080/demo", Audience: "http://localhost:8080/demo/api",
	Subject: "twc_demo_0123456789abcdefghijkl", ClientID: "twc_demo_0123456789abcdefghijkl",
	IssuedAt: 1764000000, Expiry: 1764003600, ID: "AAAAAAAAAAAAAAAAAAAAAA", Generation: 1763990000,
	Scope: "customers:read customers:write", Env: "demo", MerchantID: MerchantID{Text: "4259", Number: true},
}

// C-081, C-083: the payload is exactly the published one.
func TestAppendJSONWritesThePublishedPayload(t *testing.T) {
	const want = `{"iss":"http://localhost:8080/demo","aud":"http://localhost:8080/demo/api",` +
		`"sub":"twc_demo_0123456789abcdefghijkl","client_id":"twc_demo_0123456789abcdefghijkl",` +
		`"iat":1764000000,"exp":1764003600,"jti":"AAAAAAAAAAAAAAAAAAAAAA","gen":1763990000,` +
		`"scope":"customers:read customers:write","claims":{"env":"demo","merchantId":4259}}`
	if got := string(sample.AppendJSON(nil)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for want, id := range map[string]MerchantID{
		`"claims":{"env":"demo"}}`:                      {},
		`"claims":{"env":"demo","merchantId":"4259"}}`:  {Text: "4259"},
		`"claims":{"env":"demo","merchantId":"ac-me"}}`: {Text: "ac-me"},
	} {
		c := sample
		c.MerchantID = id
		if got := string(c.AppendJSON(nil)); !strings.HasSuffix(got, want) {
			t.Errorf("got %s, want it to end in %s", got, want)
		}
	}
}

func TestParseReadsWhatAppendJSONWrites(t *testing.T) {
	for _, id := range []MerchantID{{}, {Text: "4259", Number: true}, {Text: "4259"}, {Text: "1", Number: true}, {Text: "9007199254740991", Number: true}} {
		want := sample
		want.MerchantID = id
		got, err := Parse(string(want.AppendJSON(nil)))
		if err != nil || !reflect.DeepEqual(*got, want) {
			t.Errorf("got %+v, %v\nwant %+v", got, err, want)
		}
	}
	with := strings.Replace(string(sample.AppendJSON(nil)), `"jti"`, `"nbf":1764000001,"other":[{}],"jti"`, 1)
	if got, err := Parse(with); err != nil || got.NotBefore != 1764000001 {
		t.Errorf("with nbf and an unknown claim: %+v, %v", got, err)
	}
}

// C-081, C-104, C-106, C-107, C-108: a claim that is missing, doubled, of
// another case or of another type is no claim.
func TestParseRefusesClaimsThatAreNotAsWritten(t *testing.T) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(sample.AppendJSON(nil), &members); err != nil {
		t.Fatal(err)
	}
	refused := func(what string, m map[string]json.RawMessage) {
		t.Helper()
		data, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if c, err := Parse(string(data)); c != nil || !errors.Is(err, ErrClaims) {
			t.Errorf("%s: got %v, %v", what, c, err)
		}
	}
	with := func(name, value string) map[string]json.RawMessage {
		m := map[string]json.RawMessage{}
		for k, v := range members {
			m[k] = v
		}
		delete(m, name)
		if value != "" {
			m[name] = json.RawMessage(value)
		}
		return m
	}
	for name := range members {
		for _, value := range []string{"", "null", "true", "[]", `["http://localhost:8080/demo/api"]`, `""`, "-1", "1.5", "1e3", "9223372036854775808"} {
			refused(name+"="+value, with(name, value))
		}
		upper := with(name, "")
		upper[strings.ToUpper(name)] = members[name]
		refused("upper-case "+name, upper)
	}
	for _, value := range []string{`"1764003600"`, `{"env":"demo"}`} {
		refused("exp="+value, with("exp", value))
		refused("nbf="+value, with("nbf", value))
	}
	for _, value := range []string{`{}`, `{"env":1}`, `{"env":""}`, `{"env":"demo","merchantId":0}`, `{"env":"demo","merchantId":-1}`,
		`{"env":"demo","merchantId":1.0}`, `{"env":"demo","merchantId":9007199254740992}`, `{"env":"demo","merchantId":""}`,
		`{"env":"demo","merchantId":null}`, `{"env":"demo","merchantId":[4259]}`, `{"Env":"demo"}`} {
		refused("claims="+value, with("claims", value))
	}
	text := string(sample.AppendJSON(nil))
	for _, twice := range []string{`"sub":"a",`, `"aud":"b",`, `"Exp":9,`} {
		if c, err := Parse("{" + twice + text[1:]); c != nil || !errors.Is(err, ErrClaims) {
			t.Errorf("with %s added: got %v, %v", twice, c, err)
		}
	}
}

// C-091: text that would have to be escaped is refused before it can be written.
func TestCheckTextFindsWhatWouldBreakTheJSON(t *testing.T) {
	for _, s := range []string{`"`, `\`, "\n", "\x00", "\x7f", "é", "\u2028"} {
		if CheckText("a"+s+"b") == nil {
			t.Errorf("%q passes", s)
		}
	}
	if err := CheckText(" https://example.com/~api?a=b c:d"); err != nil {
		t.Error(err)
	}
}

// C-081, C-104, C-108, R-50: encoding/json reads the same claims, and what can
// be written as it is reads as it was.
func FuzzParse(f *testing.F) {
	written := string(sample.AppendJSON(nil))
	f.Add(written)
	f.Add(`{"claims":{"env":"demo","merchantId":"x"}}`)
	f.Add(strings.Replace(written, `"iat":`, `"nbf":1,"iat":`, 1))
	f.Add(strings.Replace(written, `"merchantId":4259`, `"merchantId":"k\u00e4se"`, 1))
	f.Add(strings.Replace(written, `,"merchantId":4259`, "", 1))
	f.Add(strings.Replace(written, `"exp":`, `"exp":1e3,"EXP":`, 1))
	f.Add(strings.Replace(written, `"iat":`, `"iat":-`, 1))
	f.Fuzz(func(t *testing.T, payload string) {
		defer fuzztest.Bound(t)()
		c, err := Parse(payload)
		if (c == nil) == (err == nil) {
			t.Fatalf("got %v and %v", c, err)
		}
		if err != nil {
			return
		}
		var lax struct {
			Issuer     string `json:"iss"`
			Audience   string `json:"aud"`
			Subject    string `json:"sub"`
			ClientID   string `json:"client_id"`
			IssuedAt   int64  `json:"iat"`
			Expiry     int64  `json:"exp"`
			NotBefore  int64  `json:"nbf"`
			ID         string `json:"jti"`
			Generation int64  `json:"gen"`
			Scope      string `json:"scope"`
			Claims     struct {
				Env        string          `json:"env"`
				MerchantID json.RawMessage `json:"merchantId"`
			} `json:"claims"`
		}
		if err := json.Unmarshal([]byte(payload), &lax); err != nil {
			t.Fatalf("accepted %q, which encoding/json does not: %v", payload, err)
		}
		var exact struct{ Claims map[string]json.RawMessage }
		var names map[string]json.RawMessage
		if err := errors.Join(json.Unmarshal([]byte(payload), &exact), json.Unmarshal([]byte(payload), &names)); err != nil {
			t.Fatal(err)
		}
		if _, found := names["nbf"]; !found {
			lax.NotBefore = 0 // from a name in another case
		}
		lax.Claims.MerchantID = exact.Claims["merchantId"]
		want := Claims{
			lax.Issuer, lax.Audience, lax.Subject, lax.ClientID, lax.IssuedAt, lax.Expiry, lax.NotBefore, lax.ID, lax.Generation, lax.Scope,
			lax.Claims.Env, MerchantID{Text: string(lax.Claims.MerchantID), Number: lax.Claims.MerchantID != nil},
		}
		if text := new(string); json.Unmarshal(lax.Claims.MerchantID, text) == nil {
			want.MerchantID = MerchantID{Text: *text}
		}
		if *c != want {
			t.Fatalf("%q is read as %+v, by encoding/json as %+v", payload, *c, want)
		}
		texts := []string{c.Issuer, c.Audience, c.Subject, c.ClientID, c.ID, c.Scope, c.Env}
		if slices.Contains(texts, "") || min(c.IssuedAt, c.Expiry, c.NotBefore, c.Generation) < 0 {
			t.Fatalf("accepted %+v", c)
		}
		if c.NotBefore != 0 || CheckText(strings.Join(texts, "")+c.MerchantID.Text) != nil {
			return // nothing that we write
		}
		if again, err := Parse(string(c.AppendJSON(nil))); err != nil || *again != *c {
			t.Fatalf("%+v is read again as %+v, %v", c, again, err)
		}
	})
}

// A scope is held whole, letter by letter.
func TestScopesAreHeldWhole(t *testing.T) {
	for scope, held := range map[string]bool{
		"customers:read": true, "customers:write": true, "customers": false, "read": false, "Customers:read": false, "": false, "customers:read customers:write": false,
	} {
		if sample.HasScope(scope) != held {
			t.Errorf("%q: got %v", scope, !held)
		}
	}
	if two := (&Claims{Scope: "a  b"}); two.HasScope("") {
		t.Error("between two spaces there is a scope without a name")
	}
}
