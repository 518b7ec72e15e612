package contract

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// exchange is a request to the token endpoint, and its answer.
type exchange struct {
	request string // body, a form
	status  int
	header  map[string]string // beside those of a good answer
	without string            // of those
	answer  string
}

const (
	goodForm   = "grant_type=client_credentials&unknown=1&client_id=twc_demo_2ghWZyH4hVaV9dLq0cTJkN&scope=customers:read"
	goodAnswer = `{"access_token":"a.b.c","expires_in":3600,"token_type":"bearer","scope":"customers:read"}`
)

func check(t *testing.T, path string, e exchange) (known bool, wrong []string) {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, "https://auth.example.com"+path, strings.NewReader(e.request))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", asForm)
	resp := &http.Response{StatusCode: e.status, Body: io.NopCloser(strings.NewReader(e.answer)), Header: http.Header{
		"Content-Type": {"application/json"}, "Cache-Control": {"no-store"}, "Pragma": {"no-cache"}, "X-Request-Id": {"Zm9vYmFyYmF6cXV4cXV1eA"},
	}}
	for name, value := range e.header {
		resp.Header.Set(name, value)
	}
	resp.Header.Del(e.without)
	return in().checker.Check(r, resp)
}

// C-383: the test of the test.
func TestTheCheckerFindsWhatIsNotAsTheDocumentSays(t *testing.T) {
	good := exchange{request: goodForm, status: 200, answer: goodAnswer}
	if known, wrong := check(t, "/oauth/token", good); !known || len(wrong) > 0 {
		t.Errorf("what is right is called wrong: %v", wrong)
	}
	refused := `{"error":"invalid_scope","error_description":"No.","error_uri":"https://auth.example.com/docs/errors#invalid_scope","code":"400","message":"No."}`
	if known, wrong := check(t, "/demo/oauth/token", exchange{request: "scope=1", status: 400, answer: refused}); !known || len(wrong) > 0 {
		t.Errorf("a wrong request that is refused is called wrong: %v", wrong)
	}
	for name, e := range map[string]exchange{
		"a member more":         {goodForm, 200, nil, "", strings.Replace(goodAnswer, "{", `{"x":1,`, 1)},
		"a member less":         {goodForm, 200, nil, "", strings.Replace(goodAnswer, `"expires_in":3600,`, "", 1)},
		"another type":          {goodForm, 200, nil, "", strings.Replace(goodAnswer, "3600", `"3600"`, 1)},
		"another value":         {goodForm, 200, nil, "", strings.Replace(goodAnswer, "bearer", "Bearer", 1)},
		"no JSON":               {goodForm, 200, nil, "", "x"},
		"another media type":    {goodForm, 200, map[string]string{"Content-Type": "text/plain"}, "", goodAnswer},
		"a header more":         {goodForm, 200, map[string]string{"Access-Control-Allow-Origin": "*"}, "", goodAnswer},
		"a header less":         {goodForm, 200, nil, "Cache-Control", goodAnswer},
		"another header":        {goodForm, 200, map[string]string{"Cache-Control": "public"}, "", goodAnswer},
		"a form that is wrong":  {strings.Replace(goodForm, "client_credentials", "password", 1), 200, nil, "", goodAnswer},
		"an ID that is wrong":   {strings.Replace(goodForm, "twc_demo", "demo", 1), 200, nil, "", goodAnswer},
		"another status":        {goodForm, 418, nil, "", refused},
		"an error of no kind":   {goodForm, 400, nil, "", strings.Replace(refused, "invalid_scope", "other", 1)},
		"an error's challenge":  {goodForm, 401, nil, "", strings.Replace(refused, "invalid_scope", "invalid_client", 1)},
		"an error without time": {goodForm, 503, nil, "", strings.Replace(refused, "invalid_scope", "temporarily_unavailable", 1)},
	} {
		if known, wrong := check(t, "/oauth/token", e); !known || len(wrong) == 0 {
			t.Errorf("%s is not noticed", name)
		}
	}
	for _, path := range []string{"/oauth/nothing", "/staging/oauth/token"} {
		if known, _ := check(t, path, good); known {
			t.Errorf("%s is no operation of the document", path)
		}
	}
}
