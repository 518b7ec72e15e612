package main

import (
	"bytes"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// An endpoint answers 200 for what it does not revoke (RFC 7009 2.2), so nothing is asked
// that would not be.
func TestOnlyATokenOfItsOwnIsRevoked(t *testing.T) {
	t.Parallel()
	const own, other = "twc_demo_0000000000000000000000", "twc_demo_1111111111111111111111"
	tokenOf := func(clientID string) string {
		encode := base64.RawURLEncoding.EncodeToString
		return encode([]byte(`{"alg":"ES256","typ":"at+jwt","kid":"k"}`)) + "." + encode([]byte(`{"iss":"https://a.example/demo","aud":"b","sub":"`+clientID+
			`","client_id":"`+clientID+`","iat":1,"exp":2,"jti":"x","gen":1,"scope":"a","claims":{"env":"demo"}}`)) + "." + encode(make([]byte, 64))
	}
	for _, test := range []struct{ token, clientID, want string }{
		{tokenOf(own), own, ""},
		{"not a token", own, "that is no access token: "},
		{"e30.e30.e30", own, "that is no access token: "},
		{tokenOf("x; reboot"), own, "that is no access token: its client_id is none of this installation; nothing was revoked\n"},
		{tokenOf(other), own, "the access token is of another API key, " + other + ": revoke it with that one, or end all of its tokens: tokenwright key update " + other + " --revoke-tokens\n"},
		{tokenOf(own), "demo", "TOKENWRIGHT_CLIENT_ID is no client ID\n"},
	} {
		asked := 0
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if asked++; r.URL.Path != "/demo/oauth/revoke" {
				w.WriteHeader(http.StatusNotFound)
			}
			_, _ = io.WriteString(w, "{}")
		}))
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), []string{"token", "revoke", "--url", server.URL}, []string{"TOKENWRIGHT_CLIENT_ID=" + test.clientID, "TOKENWRIGHT_CLIENT_SECRET=x", "NO_PROXY=*"},
			strings.NewReader(test.token), &stdout, &stderr)
		server.Close()
		if test.want == "" && (code != exitOK || stdout.String() != "Revoked.\n" || asked != 1) ||
			test.want != "" && (code != exitFailed || stdout.Len() > 0 || asked > 0 || !strings.HasPrefix(stderr.String(), "tokenwright: "+test.want)) {
			t.Errorf("%.20s: exit code %d, asked %d times, %s%s", test.token, code, asked, &stdout, &stderr)
		}
	}
}
