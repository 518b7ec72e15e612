package contract

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	v3 "github.com/pb33f/libopenapi/datamodel/high/v3"

	"github.com/tokenwright/tokenwright/test/harness"
)

// managed is a walk through the admin API, and what its paths name.
type managed struct {
	*walk
	operator []string // header with the token of an operator key that may do everything
	merchant []string // of merchant 4259, for API keys
	there    map[string]string
}

// nowhere are parameters of paths that name nothing.
var nowhere = map[string]string{
	"merchantId": "999999", "clientId": "twc_demo_" + strings.Repeat("0", 22), "secretId": "99", "kid": strings.Repeat("A", 43),
	"userId": "usr_" + strings.Repeat("0", 22), "name": "nothing:read",
}

var operatorScopes = []string{
	"merchants:read", "merchants:write", "merchants:delete", "scopes:read", "scopes:write", "scopes:delete", "api-keys:read", "api-keys:write",
	"api-keys:delete", "signing-keys:read", "signing-keys:write", "signing-keys:delete", "users:read", "users:write", "users:delete", "events:read", "usage:read", "tokens:introspect",
}

// operatorKey makes an operator key and returns the header with a token of it.
func (w *walk) operatorKey(t *testing.T, scopes ...string) []string {
	t.Helper()
	key := w.CreateOperatorKey(t, scopes...)
	var header []string
	harness.Eventually(t, harness.Soon, "the operator key works", func() bool {
		a := w.Ask(t, w.URL+"/platform/oauth/token", key.ClientID, key.ClientSecret)
		header = bearer(a.AccessToken)
		return a.AccessToken != ""
	})
	return header
}

// adminOperations calls f for each operation of the admin API.
func (m *managed) adminOperations(f func(method, path string, o *v3.Operation)) {
	operations(m.checker.Model, func(method, path string, _ *v3.PathItem, o *v3.Operation) {
		if strings.HasPrefix(path, "/admin/") {
			f(method, path, o)
		}
	})
}

// filled is a path with its parameters.
func filled(path string, values map[string]string) string {
	for name, value := range values {
		path = strings.ReplaceAll(path, "{"+name+"}", value)
	}
	return path
}

// has tells whether the document has a status for an operation.
func has(o *v3.Operation, status int) bool {
	return o.Responses.Codes.GetOrZero(strconv.Itoa(status)) != nil
}

// refusals brings about what every operation refuses alike.
func (m *managed) refusals(t *testing.T) {
	readers := m.operatorKey(t, "merchants:read")
	others := m.operatorKey(t, "events:read")
	m.adminOperations(func(method, path string, o *v3.Operation) {
		here, gone := filled(path, m.there), filled(path, nowhere)
		weak := readers
		if slices.Contains(scopesOf(o), "merchants:read") {
			weak = others
		}
		body, asBody := "", m.operator
		if o.RequestBody != nil {
			body, asBody = "{}", append(slices.Clone(m.operator), "Content-Type", asJSON)
		}
		m.do(t, request{method, here, nil, body, 401})
		m.do(t, request{method, here, weak, body, 403})
		m.do(t, request{method, here + "?nonsense=1", asBody, body, 400})
		if gone != path && has(o, 404) {
			m.do(t, request{method, gone, asBody, body, 404})
		}
		if has(o, 412) {
			m.do(t, request{method, here, append(slices.Clone(asBody), "If-Match", `"999"`), body, 412})
		}
		if has(o, 413) {
			m.do(t, request{method, here, asBody, strings.Repeat(" ", tooLong), 413})
			m.do(t, request{method, here, append(slices.Clone(m.operator), "Content-Type", "text/plain"), "{}", 415})
		}
	})
}

func scopesOf(o *v3.Operation) (all []string) {
	for _, requirement := range o.Security {
		for _, scopes := range requirement.Requirements.FromOldest() {
			all = append(all, scopes...)
		}
	}
	return all
}

// ask sends a body, where there is one as JSON, with the token in as.
func (m *managed) ask(t *testing.T, as []string, method, path string, body string, status int, header ...string) *harness.Answer {
	t.Helper()
	header = append(slices.Clone(as), header...)
	if body != "" {
		header = append(header, "Content-Type", asJSON)
	}
	return m.do(t, request{method, "/admin/v1" + path, header, body, status})
}

// versioned reads a resource, and returns its ETag.
func (m *managed) versioned(t *testing.T, path string) string {
	t.Helper()
	return m.ask(t, m.operator, "GET", path, "", 200).Header.Get("ETag")
}

// once sends a POST twice with one Idempotency-Key, and then another one with it.
func (m *managed) once(t *testing.T, as []string, path, body, other string, status int) *harness.Answer {
	t.Helper()
	key := fmt.Sprintf("%032d", len(path+body))
	first := m.ask(t, as, "POST", path, body, status, "Idempotency-Key", key)
	again := m.ask(t, as, "POST", path, body, status, "Idempotency-Key", key)
	if again.Header.Get("Idempotency-Replayed") != "true" || string(again.Body) != string(first.Body) {
		t.Errorf("POST %s is answered otherwise the second time", path)
	}
	m.ask(t, as, "POST", path, other, http.StatusConflict, "Idempotency-Key", key)
	return first
}

func member(t *testing.T, a *harness.Answer, name string) string {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal(a.Body, &object); err != nil {
		t.Fatalf("%v: %s", err, a.Body)
	}
	return fmt.Sprint(object[name])
}

// pages reads a list page by page, one item at a time, as far as the third.
func (m *managed) pages(t *testing.T, as []string, path string) {
	t.Helper()
	m.ask(t, as, "GET", path, "", 200)
	separator := "?"
	if strings.Contains(path, "?") {
		separator = "&"
	}
	next := ""
	for range 3 {
		a := m.ask(t, as, "GET", path+separator+"limit=1"+next, "", 200)
		var page struct {
			Items []any
			Next  string
		}
		if err := json.Unmarshal(a.Body, &page); err != nil || len(page.Items) > 1 {
			t.Fatalf("%v: %s", err, a.Body)
		}
		if page.Next == "" {
			return
		}
		next = "&cursor=" + page.Next
	}
}
