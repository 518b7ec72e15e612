package oauthapi

import (
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/internal/authority"
)

func TestWithoutScopeAllScopesOfTheEnvironmentsAPIAreGiven(t *testing.T) { // C-065
	in := install(t, nil)
	k := in.key("demo", "reports:read", "customers:write", "api-keys:read", "customers:read")
	for _, e := range encodings {
		i := in.ask(e, k.request()).issued("demo")
		i.wantScope("customers:read customers:write")
		if i.Audience != base+"/demo/api" {
			t.Errorf("got audience %s", i.Audience)
		}
	}
	for _, none := range []apiKey{in.key("demo"), in.key("demo", "reports:read"), in.key("demo", "api-keys:read")} {
		in.ask(asJSON, none.request()).refused(string(authority.ScopeNone))
	}
}

func TestAskedScopesAreGivenOnceAndInOneOrder(t *testing.T) { // C-066, C-068, C-071
	in := install(t, nil)
	k := in.key("demo", "customers:read", "customers:write", "coupons:read")
	for asked, want := range map[string]string{
		"customers:read":                                              "customers:read",
		"customers:read coupons:read":                                 "coupons:read customers:read",
		"coupons:read customers:read":                                 "coupons:read customers:read",
		"customers:read customers:read":                               "customers:read",
		"customers:write coupons:read customers:write customers:read": "coupons:read customers:read customers:write",
	} {
		for _, e := range encodings {
			in.ask(e, k.request("scope", asked)).issued("demo").wantScope(want)
		}
	}
}

func TestScopesThatAreNotHeldAreRefused(t *testing.T) { // C-067, C-068, C-070
	in := install(t, nil)
	k := in.key("demo", "payments:read", "customers:read")
	for _, asked := range []string{
		"coupons:read", "payments:read coupons:read", "coupons:read payments:read", "PAYMENTS:READ", "Payments:read", "payments:reaD",
		"payments", "payments:", ":read", "payments:*", "*", "payments:readwrite", "payments:rea", "payments:read:", "payments%3Aread", "payments:read,customers:read",
		"payments:read+customers:read", "/admin", "api-keys:read", "merchants:write", "openid", "offline_access", "no:such",
	} {
		for _, e := range encodings {
			in.ask(e, k.request("scope", asked)).refused(string(authority.ScopeNotHeld))
		}
	}
}

func TestScopeGrammar(t *testing.T) { // C-069
	in := install(t, nil)
	k := in.key("demo", "customers:read", "coupons:read")
	const a, b = "customers:read", "coupons:read"
	for _, asked := range []string{
		" ", "  ", a + "  " + b, " " + a, a + " ", a + "\t" + b, a + "\n" + b, a + "\r\n", "\t" + a, a + "\x00", "\x00", a + "\x7f",
		`"` + a + `"`, a + `\`, a + "\u00a0" + b, a + "\u2003" + b, "\uff43ustomers:read", "custo\u200dmers:read", "\u202e" + a, a + "\u2028" + b, "\ufeff" + a,
		strings.Repeat(a+" ", 9_999) + a, strings.Repeat("x", 60_000), strings.Repeat("a ", 100) + "a",
	} {
		for _, e := range encodings {
			if len(e.encode(k.request("scope", asked)...)) <= maxBody {
				in.ask(e, k.request("scope", asked)).refused(string(authority.ScopeForm))
			}
		}
	}
}

func TestResourceOrScopesChooseTheAudience(t *testing.T) { // C-065, RFC 8707
	in := install(t, nil)
	k := in.key("demo", "customers:read", "reports:read", "api-keys:read")
	for _, row := range []struct{ scope, resource, audience, granted string }{
		{"", base + "/demo/api", base + "/demo/api", "customers:read"},
		{"", reports, reports, "reports:read"},
		{"reports:read", "", reports, "reports:read"},
		{"reports:read", reports, reports, "reports:read"},
		{"api-keys:read", "", base + "/admin", "api-keys:read"},
		{"", base + "/admin", base + "/admin", "api-keys:read"},
	} {
		for _, e := range encodings {
			i := in.ask(e, k.request("scope", row.scope, "resource", row.resource)).issued("demo")
			i.wantScope(row.granted)
			if i.Audience != row.audience {
				t.Errorf("%+v: got audience %s", row, i.Audience)
			}
		}
	}
	for _, row := range []struct {
		scope, resource string
		reason          authority.Reason
	}{
		{"reports:read customers:read", "", authority.ScopeTwoResource},
		{"customers:read api-keys:read", "", authority.ScopeTwoResource},
		{"customers:read", reports, authority.ScopeOther},
		{"reports:read", base + "/demo/api", authority.ScopeOther},
		{"", base + "/production/api", authority.ResourceUnknown},
		{"", base + "/demo", authority.ResourceUnknown},
		{"", base + "/demo/api/", authority.ResourceUnknown},
		{"", strings.ToUpper(reports), authority.ResourceUnknown},
		{"", reports + "#", authority.ResourceUnknown},
		{"", "/admin", authority.ResourceUnknown},
		{"", "x", authority.ResourceUnknown},
		{"customers:read", " ", authority.ResourceUnknown},
	} {
		for _, e := range encodings {
			in.ask(e, k.request("scope", row.scope, "resource", row.resource)).refused(string(row.reason))
		}
	}
}
