package adminapi_test

import (
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/tokenwright/tokenwright/internal/adminapi"
)

// C-196: of two who have seen the same version one changes it, and the other one
// hears of that.
func TestOfTwoEditsOfAVersionOneIsRefused(t *testing.T) {
	in := install(t)
	token := in.token(in.operator(operatorScopes()...))
	key, n := "/api-keys/"+string(in.key("demo", "customers:read").id), 0
	for _, path := range []string{"/merchants/4259", key, "/users/" + in.things(ours, "demo", &n)["userId"]} {
		seen := in.send(token, "GET", path, "").want(200, "").header.Get("ETag")
		before := in.head()
		answers := make([]*answer, 8)
		var wg sync.WaitGroup
		for i := range answers {
			wg.Go(func() {
				answers[i] = in.send(token, "PATCH", path, `{"name":"`+strings.Repeat("x", i+1)+`"}`, "If-Match", seen)
			})
		}
		wg.Wait()
		done := 0
		for _, a := range answers {
			if a.status == 200 {
				done++
				if a.header.Get("ETag") == seen {
					t.Errorf("%s was changed and keeps its ETag", path)
				}
			} else {
				a.want(412, "version")
			}
		}
		if after := in.head(); done != 1 || after != before+1 {
			t.Errorf("%s: %d were done, with %d events", path, done, after-before)
		}
		// Without If-Match the last one wins, and none is lost on the way.
		for i := range answers {
			wg.Go(func() { answers[i] = in.send(token, "PATCH", path, `{"name":"y"}`) })
		}
		wg.Wait()
		for _, a := range answers {
			a.want(200, "")
		}
	}
}

// C-196: only a version that was given is one (RFC 9110 13.1.1).
func TestIfMatchIsOneETagOrAny(t *testing.T) {
	in := install(t)
	token := in.token(in.operator(operatorScopes()...))
	key, n := "/api-keys/"+string(in.key("demo", "customers:read").id), 0
	user := "/users/" + in.things(ours, "demo", &n)["userId"]
	versioned := [][3]string{
		{"PATCH", "/merchants/4259", `{"name":"x"}`}, {"POST", "/merchants/4259/suspend", ""}, {"POST", "/merchants/4259/resume", ""}, {"DELETE", "/merchants/4259", ""},
		{"PATCH", key, `{"name":"x"}`}, {"POST", key + "/rotate", ""}, {"POST", key + "/disable", ""}, {"POST", key + "/enable", ""},
		{"DELETE", key + "/secrets/1", ""}, {"DELETE", key, ""},
		{"PATCH", user, `{"name":"x"}`}, {"POST", user + "/disable", ""}, {"POST", user + "/enable", ""}, {"DELETE", user, ""},
	}
	for _, r := range versioned {
		in.unchanged(r[0]+" "+r[1], func() {
			for _, tag := range []string{`"9"`, `W/"1"`, `"01"`, `"+1"`, `"-1"`, `"0"`, `"1`, `1`, `'1'`, `""`, `"*"`, `junk`, ``, `"9223372036854775808"`} {
				in.send(token, r[0], r[1], r[2], "If-Match", tag).want(412, "version")
			}
			for _, list := range []string{`"1", "2"`, `"1","1"`, `*, "1"`} {
				in.send(token, r[0], r[1], r[2], "If-Match", list).want(400, "invalid_request")
			}
			two := httptest.NewRequest(r[0], adminapi.Root+r[1], strings.NewReader(r[2]))
			two.Header = map[string][]string{"Authorization": {"Bearer " + token}, "Content-Type": {"application/json"}, "If-Match": {`"1"`, `"1"`}}
			in.do(two).want(400, "invalid_request")
		})
	}
	for _, r := range [][3]string{
		{"GET", "/merchants/4259", ""}, {"GET", "/api-keys", ""}, {"POST", "/merchants", `{"id":1,"name":"x"}`}, {"POST", "/scopes", `{"name":"a:b"}`},
		{"POST", "/api-keys", newKey}, {"POST", "/signing-keys/rotate", `{"env":"demo"}`},
	} {
		in.unchanged(r[0]+" "+r[1], func() { in.send(token, r[0], r[1], r[2], "If-Match", `"1"`).want(400, "invalid_request") })
	}
	in.send(token, "PATCH", key, `{"name":"x"}`, "If-Match", "*").want(200, "")
	in.send(token, "PATCH", key, `{"name":"y"}`, "If-Match", `"2"`).want(200, "")
	in.send(token, "DELETE", key, "", "If-Match", `"2"`).want(412, "version")
	in.send(token, "DELETE", key, "", "If-Match", `"3"`).want(204, "")
	in.send(token, "DELETE", key, "", "If-Match", `"3"`).want(404, "not_found")
}
