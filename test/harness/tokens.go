package harness

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// Part decodes header (0) or payload (1) of a token, without verifying it;
// numbers stay as they are written.
func Part(t testing.TB, token string, n int) map[string]any {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("a token of %d parts", len(parts))
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[n])
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var out map[string]any
	if err := decoder.Decode(&out); err != nil {
		t.Fatal(err)
	}
	return out
}

// CheckShape holds a token against the contract: these members and no others,
// of these types, in header and payload (RFC 9068 2).
func CheckShape(t testing.TB, token, issuer, env, scope string) {
	t.Helper()
	header, payload := Part(t, token, 0), Part(t, token, 1)
	CheckMembers(t, "header", header, "alg", "kid", "typ")
	CheckMembers(t, "payload", payload, "iss", "aud", "sub", "client_id", "iat", "exp", "jti", "gen", "scope", "claims")
	id, _ := payload["client_id"].(string)
	if !regexp.MustCompile(`^twc_` + env + `_[0-9A-Za-z]{22}$`).MatchString(id) {
		t.Errorf("client_id is %q", id)
	}
	for name, want := range map[string]any{"iss": issuer, "aud": issuer + "/api", "sub": id, "scope": scope} {
		if payload[name] != want {
			t.Errorf("%s is %v, not %v", name, payload[name], want)
		}
	}
	if jti, _ := payload["jti"].(string); len(jti) < 22 { // 128 bits
		t.Errorf("jti is %v", payload["jti"])
	}
	seconds := map[string]int64{}
	for _, name := range []string{"iat", "exp", "gen"} {
		number, _ := payload[name].(json.Number)
		n, err := number.Int64()
		if err != nil {
			t.Errorf("%s is %v, no whole number", name, payload[name])
		}
		seconds[name] = n
	}
	if life := seconds["exp"] - seconds["iat"]; life != 3600 || seconds["gen"] > seconds["iat"] {
		t.Errorf("the token lives %d s; gen %d, iat %d", life, seconds["gen"], seconds["iat"])
	}
	claims, _ := payload["claims"].(map[string]any)
	CheckMembers(t, "claims", claims, "env", "merchantId")
	if claims["env"] != env || claims["merchantId"] != json.Number("4259") {
		t.Errorf("claims are %v", claims)
	}
}

// CheckMembers checks that a JSON object has these members and no others.
func CheckMembers(t testing.TB, of string, object map[string]any, names ...string) {
	t.Helper()
	for _, name := range names {
		if _, ok := object[name]; !ok {
			t.Errorf("the %s has no %s", of, name)
		}
	}
	if len(object) != len(names) {
		t.Errorf("the %s has other members than %v: %v", of, names, object)
	}
}

// PassingToken returns the access token in an answer of the token endpoint that
// passes through a proxy of a test, and leaves the answer as it was; "" where it
// is another answer.
func PassingToken(resp *http.Response) (string, error) {
	if resp.StatusCode != http.StatusOK || !strings.HasSuffix(resp.Request.URL.Path, "/oauth/token") {
		return "", nil
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	err = json.Unmarshal(body, &answer)
	return answer.AccessToken, err
}
