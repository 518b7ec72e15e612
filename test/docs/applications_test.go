package docs

import (
	"fmt"
	"net/http"
	"os/exec"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/harness"
)

// giveAdminToken is an access token that manages API keys.
func giveAdminToken(t *testing.T, r *reader) {
	t.Helper()
	key := harness.ReadKey(t, r.CLI(t, "key", "create", "--operator", "--name", "Provisioning", "--scope", "api-keys:write", "-o", "json"))
	harness.Eventually(t, harness.ASecond, "the operator key works", func() bool { return r.Works(t, key) })
	r.set("ADMIN_TOKEN", r.Token(t, key))
}

// giveAPI is an API that takes access tokens.
func giveAPI(t *testing.T, r *reader) {
	t.Helper()
	port := harness.FreePort(t)
	c := exec.Command("/usr/bin/python3", harness.Example("verify", "python-pyjwt.py"))
	c.Env = append(r.environ, "TOKENWRIGHT_ISSUER="+r.URL+"/demo", fmt.Sprintf("PORT=%d", port))
	r.Background(t, "api", c)
	address := fmt.Sprintf("http://localhost:%d", port)
	harness.Eventually(t, 20*time.Second, "the API answers", func() bool {
		resp, err := http.Get(address)
		if err == nil {
			_ = resp.Body.Close()
		}
		return err == nil
	})
	r.set("API_URL", address)
}
