package tokenwright

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// answered returns what a source makes of one answer.
func answered(t *testing.T, answer func(int, http.ResponseWriter, *http.Request)) (*Token, error) {
	t.Helper()
	c := testConfig(&server{answer: answer})
	c.RetryFor = -1
	return newSource(t, c).Token(t.Context())
}

// C-258.
func TestALifetimeThatCannotBeIsAnError(t *testing.T) {
	for member, want := range map[string]string{
		`"x":1`: "missing", `"Expires_in":3600`: "missing",
		`"expires_in":0`: "not above 0", `"expires_in":-1`: "not above 0", `"expires_in":-9223372036854775808`: "not above 0",
		`"expires_in":"3600"`: "whole number", `"expires_in":3600.5`: "whole number", `"expires_in":3600.0`: "whole number",
		`"expires_in":1e18`: "whole number", `"expires_in":null`: "whole number", `"expires_in":[3600]`: "whole number",
		`"expires_in":true`: "whole number", `"expires_in":9223372036854775808`: "whole number",
	} {
		if token, err := answered(t, answerWith(member)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, %v", member, token, err)
		}
	}
}

// C-258.
func TestALifetimeIsADayAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for seconds, want := range map[string]time.Duration{
			"1": time.Second, "3600": time.Hour, "86400": maxLife, "86401": maxLife, "1000000000000000000": maxLife, "9223372036854775807": maxLife,
		} {
			began := time.Now()
			token, err := answered(t, slow(time.Millisecond, answerWith(`"expires_in":`+seconds)))
			if err != nil || token.Expiry.Sub(began) != want {
				t.Errorf("%s: got %v, %v", seconds, token, err)
			}
		}
	})
}

// C-259.
func TestAnAnswerThatIsNotAStrictTokenIsAnError(t *testing.T) {
	const good = `{"access_token":"token","token_type":"bearer","expires_in":3600}`
	answer := func(contentType, body string) func(int, http.ResponseWriter, *http.Request) {
		return func(_ int, w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = []string{contentType}
			_, _ = w.Write([]byte(body))
		}
	}
	const json = "application/json"
	for _, tc := range []struct{ name, contentType, body, want string }{
		{"good", json, good, ""},
		{"with a charset", "Application/JSON; charset=utf-8", good, ""},
		{"another case", json, strings.Replace(good, "bearer", "BEARER", 1), ""},
		{"of a MiB", json, good + strings.Repeat(" ", 1<<20-len(good)), ""},
		{"of a byte more", json, good + strings.Repeat(" ", 1<<20-len(good)+1), "larger"},
		{"HTML", "text/html", good, "Content-Type"},
		{"nothing said", "", good, "Content-Type"},
		{"nearly JSON", "application/jsonp", good, "Content-Type"},
		{"empty", json, "", "strictjson"},
		{"no object", json, `["token"]`, "strictjson"},
		{"two", json, good + good, "strictjson"},
		{"a member twice", json, strings.Replace(good, "{", `{"access_token":"other",`, 1), "twice"},
		{"a member in two cases", json, strings.Replace(good, "{", `{"Access_Token":"other",`, 1), "twice"},
		{"no UTF-8", json, strings.Replace(good, "{", "{\"x\":\"\xff\",", 1), "strictjson"},
		{"no token", json, strings.Replace(good, "access_token", "token", 1), "access_token"},
		{"an empty token", json, strings.Replace(good, `"token"`, `""`, 1), "access_token"},
		{"a token that is no string", json, strings.Replace(good, `"token"`, `1`, 1), "access_token"},
		{"a token with a line break", json, strings.Replace(good, `"token"`, `"a\r\nX: y"`, 1), "access_token"},
		{"a token with a blank", json, strings.Replace(good, `"token"`, `"a b"`, 1), "access_token"},
		{"no type", json, strings.Replace(good, "token_type", "type", 1), "token_type"},
		{"another type", json, strings.Replace(good, "bearer", "mac", 1), "token_type"},
		{"DPoP", json, strings.Replace(good, "bearer", "DPoP", 1), "token_type"},
		{"a scope that is no string", json, strings.Replace(good, "{", `{"scope":["a"],`, 1), "scope"},
	} {
		token, err := answered(t, answer(tc.contentType, tc.body))
		switch {
		case tc.want == "" && (err != nil || token.AccessToken != "token"):
			t.Errorf("%s: got %v, %v", tc.name, token, err)
		case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want) || errors.Is(err, ErrUnavailable)):
			t.Errorf("%s: got %v, %v", tc.name, token, err)
		}
	}
}

// RFC 6749 5.1: no scope in the answer stands for what was asked for.
func TestATokenHasTheScopesThatTheServerSays(t *testing.T) {
	for member, want := range map[string][]string{
		`"expires_in":1`: {"asked:for"}, `"expires_in":1,"scope":"a b"`: {"a", "b"}, `"expires_in":1,"scope":""`: {},
	} {
		c := testConfig(&server{answer: answerWith(member)})
		c.Scopes = []string{"asked:for"}
		if got := get(t, newSource(t, c), "token").Scopes; !slices.Equal(got, want) {
			t.Errorf("%s: got %v", member, got)
		}
	}
}

// C-255: a secret is for one address; C-253: nor is it tried again there.
func TestARedirectIsNotFollowedWithASecret(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		elsewhere := 0
		other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere++ }))
		defer other.Close()
		asked := 0
		here := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked++
			to := other.URL + "/oauth/token"
			if asked > 1 {
				to = "/oauth/token"
			}
			http.Redirect(w, r, to, status)
		}))
		defer here.Close()
		for range 2 {
			c := with(func(c *Config) { c.URL, c.HTTPClient = here.URL, &http.Client{} })
			_, err := newSource(t, c).Token(t.Context())
			var e *Error
			if !errors.As(err, &e) || e.Status != status || errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "redirect") {
				t.Errorf("%d: got %v", status, err)
			}
		}
		if asked != 2 || elsewhere != 0 {
			t.Errorf("%d: asked %d times, and %d times elsewhere", status, asked, elsewhere)
		}
	}
}

// RFC 6749 5.2, with what finds it again.
func TestARefusalTellsWhatTheServerSaid(t *testing.T) {
	_, err := answered(t, func(_ int, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Request-Id", "r-1")
		reply(w, http.StatusBadRequest,
			`{"error":"invalid_scope","error_description":"No such scope.","error_uri":"https://auth.example.com/docs/errors#invalid_scope","code":"400"}`)
	})
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v", err)
	}
	want := Error{Code: "invalid_scope", Description: "No such scope.", URI: "https://auth.example.com/docs/errors#invalid_scope", Status: 400, RequestID: "r-1"}
	if *e != want {
		t.Errorf("got %+v", *e)
	}
	const text = "tokenwright: getting an access token: the token endpoint answered 400: invalid_scope: No such scope. " +
		"See https://auth.example.com/docs/errors#invalid_scope Request r-1"
	if err.Error() != text {
		t.Errorf("it says %q", err)
	}
}

// C-256: not even if the server repeats them; nor what a terminal obeys.
func TestTextsOfTheServerAreCleaned(t *testing.T) {
	secret := "a+secret/with=signs" // which a form writes in another way
	s := &server{answer: func(_ int, w http.ResponseWriter, r *http.Request) {
		body := fmt.Sprintf(`{"error":"%[1]s","error_description":"\u001b[31m%[1]s and client_secret=%[2]s\r\nñ%[3]s","error_uri":"%[1]s"}`,
			secret, "a%2Bsecret%2Fwith%3Dsigns", strings.Repeat("x", 3000))
		w.Header().Set("X-Request-Id", secret)
		reply(w, http.StatusBadRequest, body)
	}}
	c := testConfig(s)
	c.ClientSecret = secret
	err := getError(t, newSource(t, c))
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v", err)
	}
	for _, text := range []string{err.Error(), fmt.Sprintf("%+v %#v", *e, *e)} {
		if strings.Contains(text, "secret/with") || strings.Contains(text, "secret%2F") || strings.ContainsAny(text, "\x1b\r\nñ") {
			t.Errorf("it says %q", text)
		}
	}
	if len(e.Description) != 500 || !strings.HasPrefix(e.Description, "?[31m[secret] and client_secret=[secret]???") {
		t.Errorf("%d bytes: %s", len(e.Description), e.Description)
	}
}

// What no token endpoint has written says no more than its status.
func TestAnErrorThatIsNoJSONHasAStatusAlone(t *testing.T) {
	for name, answer := range map[string]func(int, http.ResponseWriter, *http.Request){
		"HTML": func(_ int, w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>", http.StatusForbidden) },
		"twice": func(_ int, w http.ResponseWriter, _ *http.Request) {
			reply(w, http.StatusForbidden, `{"error":"a","error":"b"}`)
		},
		"too long": func(_ int, w http.ResponseWriter, _ *http.Request) {
			reply(w, http.StatusForbidden, `{"error":"a"}`+strings.Repeat(" ", 1<<20))
		},
	} {
		_, err := answered(t, answer)
		var e *Error
		if !errors.As(err, &e) || *e != (Error{Status: http.StatusForbidden}) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// The header that says when a rotated secret ends; a warning once for each time.
func TestASecretThatExpiresIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		expires := time.Date(2026, 12, 24, 18, 0, 0, 0, time.UTC)
		s := &server{answer: func(n int, w http.ResponseWriter, r *http.Request) {
			if n > 1 {
				w.Header().Set("Tokenwright-Secret-Expires", expires.Format(time.RFC3339))
			}
			issue(n, w, r)
		}}
		var log strings.Builder
		c := testConfig(s)
		c.Logger = slog.New(slog.NewTextHandler(&log, nil))
		source := newSource(t, c)
		warnings := func(want int) {
			t.Helper()
			if got := strings.Count(log.String(), "level=WARN msg=\"the client secret is about to expire\" client_id="+c.ClientID+" expires="); got != want {
				t.Fatalf("%d warnings, not %d:\n%s", got, want, log.String())
			}
		}
		if got := get(t, source, "token-1").SecretExpires; !got.IsZero() {
			t.Errorf("SecretExpires is %s", got)
		}
		warnings(0)
		for _, want := range []int{1, 1, 2} {
			time.Sleep(time.Hour)
			if want == 2 {
				expires = expires.Add(time.Hour)
			}
			token, err := source.Token(t.Context())
			if err != nil || !token.SecretExpires.Equal(expires) {
				t.Errorf("got %v, %v", token, err)
			}
			synctest.Wait() // what is logged is so after the answer
			warnings(want)
		}
	})
}
