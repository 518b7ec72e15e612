package adminapi_test

import (
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/tokenwright/tokenwright/admin"
	"github.com/tokenwright/tokenwright/internal/authority"
)

// C-190: a secret is shown when it is made, and never again: not in lists, not in
// what an API key is shown as, not in events. Every request of these tests is
// held to the same by installation.do.
func TestASecretIsShownOnce(t *testing.T) {
	in := install(t)
	token := in.token(in.operator("merchants:read", "scopes:read", "api-keys:read", "api-keys:write", "api-keys:delete", "events:read", "usage:read", "signing-keys:read"))
	created := into[admin.CreatedAPIKey](in.send(token, "POST", "/api-keys", newKey).want(201, ""))
	path := "/api-keys/" + created.ID
	rotated := into[admin.CreatedAPIKey](in.send(token, "POST", path+"/rotate", "").want(201, ""))
	secrets := []string{created.ClientSecret, rotated.ClientSecret}
	if created.ClientSecret == rotated.ClientSecret || len(created.ClientSecret) < 50 {
		t.Errorf("secrets %q", secrets)
	}
	for _, r := range [][3]string{
		{"GET", path, ""}, {"GET", path + "/secrets", ""}, {"GET", "/api-keys", ""}, {"GET", "/api-keys/report", ""}, {"GET", "/events", ""},
		{"GET", "/events?subject=" + created.ID, ""}, {"GET", "/usage?clientId=" + created.ID, ""}, {"GET", "/signing-keys", ""}, {"GET", "/merchants", ""},
		{"PATCH", path, `{"name":"x","scopes":[]}`}, {"POST", path + "/disable", ""}, {"POST", path + "/enable", ""},
		{"POST", path + "/rotate", `{"clientSecret":"` + created.ClientSecret + `"}`}, {"GET", "/api-keys/" + created.ClientSecret, ""},
		{"GET", "/api-keys?cursor=" + created.ClientSecret, ""}, {"POST", "/api-keys", `{"name":1,"env":"` + created.ClientSecret + `"}`},
		{"DELETE", path + "/secrets/1", ""}, {"DELETE", path, ""},
	} {
		a := in.send(token, r[0], r[1], r[2])
		for _, secret := range secrets {
			if strings.Contains(a.body, secret[10:40]) || strings.Contains(a.logged, secret[10:40]) {
				t.Errorf("%s %.60s shows a secret: %s; log %s", r[0], r[1], a.body, a.logged)
			}
		}
	}
	if a := in.send(token, "GET", "/api-keys", ""); strings.Contains(a.body, `"secrets"`) || strings.Contains(a.body, `"hash"`) {
		t.Errorf("a list shows secrets: %s", a.body)
	}
}

// C-191: at most three API keys are active, however many are made at once and
// through however many nodes.
func TestParallelCreatesStopAtTheLimit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokenwright.db")
	in := installAt(t, path)
	token := in.token(in.operator("merchants:write", "api-keys:write"))
	in.send(token, "POST", "/merchants", `{"id":5,"name":"x"}`).want(201, "")
	nodes := []*installation{in.node(openSQLite(t, path)), in}
	var wg sync.WaitGroup
	answers := make([]*answer, 50)
	for i := range answers {
		wg.Go(func() {
			answers[i] = nodes[i%2].send(token, "POST", "/api-keys", strings.Replace(newKey, "4259", "5", 1))
		})
	}
	wg.Wait()
	made := 0
	for _, a := range answers {
		if a.status == 201 {
			made++
		} else {
			a.want(409, "active_key_limit")
		}
	}
	stored, err := in.APIKeys(t.Context(), root, authority.APIKeyFilter{MerchantID: "5"}, "", 100)
	in.must(err)
	if made != 3 || len(stored) != 3 {
		t.Errorf("%d were answered with 201, %d are stored, want 3", made, len(stored))
	}
}
