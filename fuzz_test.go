package tokenwright

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/fuzztest"
)

// R-50, C-258, C-259: what is accepted is read alike by encoding/json, and can be sent.
func FuzzAnswer(f *testing.F) {
	const good = `{"access_token":"eyJh.eyJp.c2ln","expires_in":3600,"token_type":"bearer","scope":"customers:read"}`
	for _, seed := range []string{
		good, strings.ToUpper(good), strings.Replace(good, "3600", "1e3", 1), strings.Replace(good, "3600", "99999999999999999999", 1),
		strings.Replace(good, "{", `{"access_token":"x",`, 1), strings.Replace(good, "eyJp", `a\r\nb`, 1), strings.Replace(good, "bearer", "BeareR", 1), good + good,
	} {
		f.Add(seed)
	}
	began := time.Now()
	f.Fuzz(func(t *testing.T, body string) {
		defer fuzztest.Bound(t)()
		token, err := parseToken(body, began)
		if (token == nil) == (err == nil) {
			t.Fatalf("got %v, %v", token, err)
		}
		if err != nil {
			return
		}
		var want struct {
			AccessToken string `json:"access_token"`
			ExpiresIn   int64  `json:"expires_in"`
			TokenType   string `json:"token_type"`
		}
		if err := json.Unmarshal([]byte(body), &want); err != nil || want.AccessToken != token.AccessToken || !strings.EqualFold(want.TokenType, "bearer") {
			t.Fatalf("%q: %+v, %v", body, want, err)
		}
		life := token.Expiry.Sub(began)
		if life <= 0 || life > maxLife || life < maxLife && life != time.Duration(want.ExpiresIn)*time.Second || strings.ContainsAny(token.AccessToken, " \r\n\t,\"") {
			t.Fatalf("%q lives %s", body, life)
		}
	})
}

// R-50, C-252: whatever stands in a quoted string says nothing, and hides nothing that
// stands behind it.
func FuzzChallenge(f *testing.F) {
	for _, seed := range []string{"", "api", `", Bearer error="invalid_token`, `\`, `\"`, "a,b=c", "error=invalid_token", "\x00\xff", `Bearer error="invalid_token"`} {
		f.Add(seed)
	}
	says := func(line string) bool {
		return isInvalidToken(&http.Response{StatusCode: http.StatusUnauthorized, Header: http.Header{"Www-Authenticate": {line}}})
	}
	f.Fuzz(func(t *testing.T, text string) {
		defer fuzztest.Bound(t)()
		_ = says(text) // comes to an end
		quoted := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
		for _, line := range []string{"Basic realm=" + quoted, "Bearer realm=" + quoted, "Bearer realm=" + quoted + `, error="invalid_request"`} {
			if says(line) {
				t.Errorf("%q says invalid_token", line)
			}
		}
		for _, line := range []string{
			"Basic realm=" + quoted + `, Bearer error="invalid_token"`, "Bearer realm=" + quoted + `,error=invalid_token`, `Bearer error="invalid_token", x=` + quoted,
		} {
			if !says(line) {
				t.Errorf("%q does not say invalid_token", line)
			}
		}
	})
}
