package oauthapi

import (
	"fmt"
	"strings"
	"testing"
)

// mustReject is what no reader may take for a token request. M stands for the
// members of a request that would be granted, so that nothing else is wrong.
var mustReject = []string{
	"", " ", "\n", "{", "}", "{M", "M}", "M", "\x00", "{", "{}}", "{{M}}", "(M)", "<M>",
	// The outermost value is an object, once, and nothing stands around it.
	"[{M}]", "null", "true", "1", `"text"`, "[]", "{M}{M}", "{M} {M}", "{M}\n{M}", "{M},", "{M};", "{M}]", "{M}}", "{M}null", "{M}x", "{M}\x00",
	"{M}/**/", "{M}//", "/**/{M}", "{M}#", "\ufeff{M}", "\u00a0{M}", "\u2028{M}", "\f{M}", "{M}\v", "\x1e{M}", "--{M}", "data: {M}",
	// Commas and colons.
	"{M,}", "{,M}", "{M,,}", `{M,,"a":"b"}`, `{M "a":"b"}`, `{M;"a":"b"}`, `{M,"a"}`, `{M,"a":}`, `{M,:"b"}`, `{M,"a" "b"}`, `{M,"a"="b"}`,
	`{M,"a"::"b"}`, `{M,"a":"b":"c"}`, `{M,"a","b"}`, `{M,"a":"b"`, `{M,"a":"b",`, `{M,"a":"b"]`, "{M,...}", "{M,/**/}",
	// Names and strings.
	`{M,a:"b"}`, `{M,'a':"b"}`, `{M,"a":'b'}`, `{M,"a":b}`, `{M,1:"b"}`, `{M,null:"b"}`, `{M,"a":"b}`, `{M,"a:"b"}`, `{M,"a":"b""c"}`, `{M,"a":“b”}`,
	"{M,\"a\":\"\n\"}", "{M,\"a\":\"\t\"}", "{M,\"a\":\"\r\"}", "{M,\"a\":\"\x00\"}", "{M,\"a\":\"\x1f\"}", "{M,\"\n\":\"b\"}",
	`{M,"a":"\x"}`, `{M,"a":"\'"}`, `{M,"a":"\a"}`, `{M,"a":"\U0041"}`, `{M,"a":"\u"}`, `{M,"a":"\u004"}`, `{M,"a":"\u00g0"}`, `{M,"a":"\`, `{M,"a":"\"}`,
	`{M,"a":"\u+041"}`, `{M,"a":"\u{41}"}`, "{M,\"a\":\"\\\n\"}", "{M,\"a\":\"\\\u00e4\"}",
	// Surrogates stand in pairs, in their order.
	`{M,"a":"\ud800"}`, `{M,"a":"\udc00"}`, `{M,"a":"\udc00\ud800"}`, `{M,"a":"\ud800\u0041"}`, `{M,"a":"\ud800\ud800"}`, `{M,"a":"\ud800x"}`,
	`{M,"a":"\ud800\n"}`, `{M,"a":"\ud800\u"}`, `{M,"\ud800":"b"}`,
	// UTF-8.
	"{M,\"a\":\"\xff\"}", "{M,\"\xff\":\"b\"}", "{M,\"a\":\"\xc0\xaf\"}", "{M,\"a\":\"\xed\xa0\x80\"}", "{M,\"a\":\"\xf4\x90\x80\x80\"}",
	"{M,\"a\":\"\xe2\x82\"}", "{M}\xff", "\xff\xfe{\x00M", "{M,\"a\":\"\x80\"}",
	// What is no value.
	`{M,"a":tru}`, `{M,"a":TRUE}`, `{M,"a":True}`, `{M,"a":nul}`, `{M,"a":undefined}`, `{M,"a":NaN}`, `{M,"a":Infinity}`, `{M,"a":-}`, `{M,"a":+1}`,
	`{M,"a":01}`, `{M,"a":-01}`, `{M,"a":1.}`, `{M,"a":.5}`, `{M,"a":1e}`, `{M,"a":1e+}`, `{M,"a":0x1}`, `{M,"a":1_0}`, `{M,"a":1,5}`, `{M,"a":１}`,
	`{M,"a":[}`, `{M,"a":]}`, `{M,"a":[1,]}`, `{M,"a":[,1]}`, `{M,"a":[1 2]}`, `{M,"a":["b"}`, `{M,"a":{"b"}}`, `{M,"a":{,}}`, `{M,"a":(1)}`,
	// Names that stand twice, in any case and at any depth.
	`{M,"a":"b","a":"b"}`, `{M,"a":"b","A":"b"}`, `{M,"\u0061":"b","a":"c"}`, `{M,"k":"b","\u212a":"c"}`, `{M,"a":{"b":"c","b":"d"}}`,
	`{M,"grant_type":"client_credentials"}`, `{M,"client_i\u0064":"x"}`,
}

func TestJSONThatNobodyMayAcceptIsRefused(t *testing.T) { // C-012
	in := install(t, nil)
	members := jsonMembers(in.key("demo", "customers:read").request()...)
	deep := `{M,"a":` + strings.Repeat("[", 16) + strings.Repeat("]", 16) + "}"
	many := "{M"
	for i := range 126 {
		many += fmt.Sprintf(`,"a%d":""`, i)
	}
	list := append([]string{deep, many + "}", strings.Repeat("[", maxBody), strings.Repeat(`{"a":`, maxBody/5), `{"` + strings.Repeat("a", maxBody-2)}, mustReject...)
	for _, body := range list {
		in.post("/oauth/token", asJSON.contentType, strings.Replace(body, "M", members, 1)).refused(reasonJSON)
	}
}

func TestEveryMemberOfTheJSONIsAString(t *testing.T) { // C-012
	in := install(t, nil)
	k := in.key("demo", "customers:read")
	for _, value := range []string{"1", "-1.5e3", "true", "false", "null", "[]", "{}", `["customers:read"]`, `{"a":"b"}`, `[[[[[[]]]]]]`} {
		for _, name := range []string{"grant_type", "client_id", "client_secret", "scope", "resource", "foo", "merchantId"} {
			pairs := k.request()
			for i := 0; i < len(pairs); i += 2 {
				if pairs[i] == name {
					pairs = append(pairs[:i:i], pairs[i+2:]...)
					break
				}
			}
			in.post("/oauth/token", asJSON.contentType, "{"+jsonMembers(pairs...)+`,"`+name+`":`+value+"}").refused(reasonJSONType)
		}
	}
}

func TestJSONThatEverybodyMustAcceptIsAccepted(t *testing.T) { // C-012, C-013
	in := install(t, nil)
	members := jsonMembers(in.key("demo", "customers:read").request()...)
	for _, body := range []string{
		"{M}", " \t\r\n{ M } \t\r\n", `{M,"":""}`, `{M,"a":"\"\\\/\b\f\n\r\t"}`, `{M,"a":"\u0000"}`, `{M,"a":"\ud83d\ude00"}`, "{M,\"a\":\"\x7f\u2028\U0001f600\"}",
		`{M , "a" : "b"}`, `{M,"\u0073cope":"customers\u003aread"}`, `{"a":"b",M}`, "{M,\"a\":\"\ufeff\ufffd\uffff\"}",
	} {
		in.post("/oauth/token", asJSON.contentType, strings.Replace(body, "M", members, 1)).issued("demo").wantScope("customers:read")
	}
}
