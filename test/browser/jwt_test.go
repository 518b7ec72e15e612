package browser

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/harness"
	"github.com/tokenwright/tokenwright/tokenwrighttest"
	"github.com/tokenwright/tokenwright/verify"
)

// C-500, C-501, C-502, C-503, C-504: real tokens of an installation that signs with
// every algorithm, one of whose environments has a host of its own. What leaves the
// browser would stand in the server's log, where the harness looks for tokens.
func TestTheDebuggerSaysWhatATokenIs(t *testing.T) {
	t.Parallel()
	harness.Need(t, "chromium-headless-shell")
	in := harness.New(t)
	in.Configure(t, fmt.Sprintf(`environments:
  demo: {}
  production: {algorithm: RS256}
  staging: {algorithm: PS256}
  sandbox: {algorithm: EdDSA, issuer: "http://sandbox.localhost:%d"}
`, in.Port))
	s := in.Start(t)
	s.Seed(t)
	tokens, secret := map[string]string{}, ""
	for _, env := range []string{"demo", "production", "staging", "sandbox"} {
		key := s.CreateKey(t, env)
		tokens[env], secret = tokenOf(t, s, key), key.ClientSecret
	}
	operator := s.CreateOperatorKey(t, "merchants:read")
	tokens["platform"] = tokenOf(t, s, operator)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<!DOCTYPE html><html lang=en><title>Elsewhere</title><link rel=icon href=data:,>"))
	}))
	defer elsewhere.Close()
	Run(t, "jwt.mjs", map[string]string{"BASE_URL": s.URL, "TOKENS": asJSON(t, tokens), "SECRET": secret, "ELSEWHERE": elsewhere.URL})
}

// tokenOf is a token of an API key that was made just now.
func tokenOf(t *testing.T, s *harness.Server, key harness.APIKey) string {
	t.Helper()
	s.AwaitKeys(t, key)
	return s.Token(t, key)
}

// judged is a token, and what a verifier of ours thinks of it.
type judged struct {
	Name     string
	Token    string
	Accepted bool
	Because  string
}

// C-501: the debugger reads with another program than verifiers do, and comes to the
// same end. That the audience is another one it only says.
func TestTheDebuggerAgreesWithVerifiers(t *testing.T) {
	t.Parallel()
	iss := tokenwrighttest.New(t)
	v, err := verify.New(t.Context(), verify.Config{Issuer: iss.URL, Audience: iss.Audience, Environment: iss.Environment})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	var all []judged
	accepted := 0
	for name, token := range tokensOfAllKinds(t, iss) {
		_, err := v.Verify(t.Context(), token)
		if err != nil && !errors.Is(err, verify.ErrInvalid) {
			t.Fatal(err)
		}
		j := judged{Name: name, Token: token, Accepted: err == nil || errors.Is(err, verify.ErrAudience)}
		if err != nil {
			j.Because = err.Error()
		}
		if j.Accepted {
			accepted++
		}
		all = append(all, j)
	}
	if accepted < 5 || len(all)-accepted < 50 {
		t.Errorf("of %d tokens %d are good", len(all), accepted)
	}
	response, err := http.Get(iss.URL + "/oauth/jwks")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var jwks struct{ Keys json.RawMessage }
	if err := json.NewDecoder(response.Body).Decode(&jwks); err != nil {
		t.Fatal(err)
	}
	issuer := asJSON(t, map[string]any{"env": iss.Environment, "issuer": iss.URL, "audience": iss.Audience, "keys": jwks.Keys})
	Run(t, "jwtparts.mjs", map[string]string{"PARTS": harness.File("internal", "web", "static", "jwt"), "JUDGED": asJSON(t, all), "ISSUER": issuer})
}

// tokensOfAllKinds are good tokens, and such as have one thing wrong, by what it is.
func tokensOfAllKinds(t *testing.T, iss *tokenwrighttest.Issuer) map[string]string {
	t.Helper()
	all := iss.BadTokens()
	good := iss.Token()
	parts := strings.Split(good, ".")
	decoded := func(n int) string {
		text, err := base64.RawURLEncoding.DecodeString(parts[n])
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	header, payload := decoded(0), decoded(1)
	all["good"] = good
	all["of a merchant with a name"] = iss.Token(tokenwrighttest.MerchantText("acme"))
	all["with a claim that nobody knows"] = iss.Token(tokenwrighttest.Set("other", []any{1, map[string]any{}}))
	all["of the media type"] = iss.Token(tokenwrighttest.SetHeader("typ", "application/AT+JWT"))
	all["valid since now"] = iss.Token(tokenwrighttest.StartsIn(0))
	all["of another environment in claims"] = iss.Token(tokenwrighttest.Env("production"))
	all["issued in the future"] = iss.Token(tokenwrighttest.Set("iat", time.Now().Unix()+600))
	for _, claim := range []string{"iss", "aud", "sub", "client_id", "iat", "exp", "jti", "gen", "scope", "claims"} {
		all["without "+claim] = iss.Token(tokenwrighttest.Without(claim))
		for _, value := range []any{nil, true, []string{iss.Audience}, "", -1, 1.5} {
			all[fmt.Sprintf("%s: %v", claim, value)] = iss.Token(tokenwrighttest.Set(claim, value))
		}
	}
	for name, value := range map[string]any{"jku": "https://example.com", "crit": []string{"x"}, "zip": "DEF", "cty": "JWT", "kid": "", "alg": "ES384", "typ": 1, "x": strings.Repeat("x", 500)} {
		all["with the header "+name] = iss.Token(tokenwrighttest.SetHeader(name, value))
	}
	for _, merchant := range []string{"0", "-1", "1.0", "9007199254740992", `""`, "null", "[1]", "{}"} {
		all["merchantId "+merchant] = iss.Sign(header, strings.Replace(payload, `"merchantId":4259`, `"merchantId":`+merchant, 1))
	}
	for what, members := range map[string]string{
		"twice": `"sub":"a",`, "twice in another case": `"Exp":9,`, "twice with a long s": `"\u017fub":"a",`, "half a surrogate": `"x":"\ud800",`, "a number too large": `"x":1e999,`,
		"nested deeply": `"x":` + strings.Repeat("[", 20) + strings.Repeat("]", 20) + ",", "not UTF-8": "\"x\":\"\xff\",", "a control character": "\"x\":\"\t\",", "a zero before a number": `"x":01,`,
		"twice deep inside": `"x":{"y":[{"z":1,"z":2}]},`,
	} {
		all["payload with "+what] = iss.Sign(header, "{"+members+payload[1:])
		all["header with "+what] = iss.Sign("{"+members+header[1:], payload)
	}
	all["payload with something behind it"] = iss.Sign(header, payload+"{}")
	all["payload in white space"] = iss.Sign(header, " \n"+payload+"\t\r")
	all["payload with a mark before it"] = iss.Sign(header, "\ufeff"+payload)
	all["payload that is no object"] = iss.Sign(header, `["x"]`)
	all["too long"] = iss.Token(tokenwrighttest.Set("x", strings.Repeat("x", 8<<10)))
	all["padded"] = good + "=="
	all["in the other alphabet"] = strings.NewReplacer("-", "+", "_", "/").Replace(good) + "+"
	all["with bits left over"] = leftOver(good)
	all["of four parts"] = good + "."
	all["of two parts"] = parts[0] + "." + parts[1]
	all["without a header"] = "." + parts[1] + "." + parts[2]
	all["without a signature"] = parts[0] + "." + parts[1] + "."
	return all
}

// leftOver is the token in another spelling of the same bytes: the last character of
// a signature of 64 bytes has four bits that say nothing.
func leftOver(token string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, token[len(token)-1])
	return token[:len(token)-1] + string(alphabet[last+1])
}
