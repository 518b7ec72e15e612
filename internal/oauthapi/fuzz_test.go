package oauthapi

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/fuzztest"
)

var parameterNames = []string{"grant_type", "client_id", "client_secret", "scope", "resource"}

// FuzzFormAndJSONReadTheSame writes one request in both ways: what one parser
// reads out of it, or refuses, the other does too.
func FuzzFormAndJSONReadTheSame(f *testing.F) {
	f.Add("grant_type", "client_credentials", "client_id", "twc_demo_x", "client_secret", "tws_demo_x")
	f.Add("scope", "a b", "SCOPE", "c", "", "")
	f.Add("\u017fcope", "a", "foo", "", "foo", "")
	f.Add("client_assertion", "x", "client_assertion_type", "", "resource", "https://a?b=c&d")
	f.Add("{", "}", "a=b&c", "%41+%zz", "\"\\\x00\n", "\u2028\U0001f600")
	f.Add("\xff", "a", "b", "\xed\xa0\x80", "k", "\u212a")
	f.Fuzz(func(t *testing.T, n1, v1, n2, v2, n3, v3 string) {
		defer fuzztest.Bound(t)()
		pairs := []string{n1, v1, n2, v2, n3, v3}
		var form, object parameters
		formErr, jsonErr := form.readForm(formBody(pairs...)), object.readJSON(jsonBody(pairs...))
		if (formErr == nil) != (jsonErr == nil) || formErr == nil && form != object {
			t.Errorf("form %v %+v, JSON %v %+v", formErr, form, jsonErr, object)
		}
		if formErr != nil {
			return
		}
		for i := 0; i < len(pairs); i += 2 {
			if field := form.field(pairs[i]); field != &form.assertion && field != nil && *field != pairs[i+1] {
				t.Errorf("%q is read as %q, sent was %q", pairs[i], *field, pairs[i+1])
			}
		}
	})
}

// FuzzForm compares with net/url, which is not strict: what is accepted here
// means there the same, and what is refused is refused there too, or repeats a
// name, or is no UTF-8, or JSON (C-009, C-011, C-017).
func FuzzForm(f *testing.F) {
	for _, seed := range []string{"", "a=b", "grant_type=client_credentials&client_id=a&client_secret=b&scope=c+d&resource=e%2Ff", "a=b&a=c", "foo=a&FOO=b", "%", "a=%zz",
		"a;b=c", "&&=&=a", "SCOPE=a", "scope=%ff", " {", "scope=a=b&", "client_assertion=x&client_assertion_type="} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		defer fuzztest.Bound(t)()
		if strings.Contains(body, ";") { // net/url refuses it; it is no separator (WHATWG URL 5.1)
			return
		}
		var p parameters
		values, err := url.ParseQuery(body)
		if problem := p.readForm(body); problem != nil {
			if err == nil && !twoMeanings(values) && !strings.HasPrefix(strings.TrimLeft(body, " \t\r\n"), "{") {
				t.Fatalf("%q: %v", body, problem)
			}
			return
		}
		if err != nil {
			t.Fatalf("accepted %q, which net/url does not: %v", body, err)
		}
		if twoMeanings(values) {
			t.Fatalf("accepted %q", body)
		}
		for _, name := range parameterNames {
			if len(values[name]) > 1 || *p.field(name) != values.Get(name) {
				t.Errorf("%q: %s is read as %q, by net/url as %q", body, name, *p.field(name), values[name])
			}
		}
	})
}

// twoMeanings tells whether a form is refused for its names and values.
func twoMeanings(values url.Values) bool {
	known := append([]string{"client_assertion", "client_assertion_type"}, parameterNames...)
	var seen []string
	for name, list := range values {
		folds := func(other string) bool { return strings.EqualFold(name, other) }
		otherCase := slices.ContainsFunc(known, folds) && !slices.Contains(known, name)
		if len(list) > 1 || otherCase || slices.ContainsFunc(seen, folds) || !utf8.ValidString(name) || !utf8.ValidString(list[0]) {
			return true
		}
		seen = append(seen, name)
	}
	return len(values) > maxParameters
}

// FuzzJSON compares with encoding/json, which is not strict either.
func FuzzJSON(f *testing.F) {
	for _, seed := range append(slices.Clone(mustReject), "{}", `{"scope":"a"}`, `{"\u0073cope":"\ud83d\ude00"}`, `{"scope":["a"]}`, `{"Scope":"a"}`) {
		f.Add(strings.ReplaceAll(seed, "M", `"grant_type":"client_credentials"`))
	}
	f.Fuzz(func(t *testing.T, body string) {
		defer fuzztest.Bound(t)()
		var p parameters
		if p.readJSON(body) != nil {
			return
		}
		var lax struct {
			GrantType    string `json:"grant_type"`
			ClientID     string `json:"client_id"`
			ClientSecret string `json:"client_secret"`
			Scope        string `json:"scope"`
			Resource     string `json:"resource"`
		}
		if err := json.Unmarshal([]byte(body), &lax); err != nil {
			t.Fatalf("accepted %q, which encoding/json does not: %v", body, err)
		}
		p.assertion, p.token = "", ""
		if want := (parameters{lax.GrantType, lax.ClientID, lax.ClientSecret, lax.Scope, lax.Resource, "", ""}); p != want {
			t.Errorf("%q is read as %+v, by encoding/json as %+v", body, p, want)
		}
	})
}

// FuzzBasic compares with net/http, which does not decode what is inside: what
// it refuses is refused, and nothing else but what has another spelling.
func FuzzBasic(f *testing.F) {
	for _, userinfo := range []string{"a:b", ":", "", "a", "a%3Ab:c+d", "%:", "a:b:c", "\xff:", "ä:ö"} {
		f.Add("Basic " + base64.StdEncoding.EncodeToString([]byte(userinfo)))
	}
	for _, header := range []string{"", "Basic", "Basic ", "basic  YTpi", "Bearer x", "Basic YTpi=", "Basic YTp", "Basic YT\npi", "Basic YTpj\x00", " Basic YTpi"} {
		f.Add(header)
	}
	f.Fuzz(func(t *testing.T, header string) {
		defer fuzztest.Bound(t)()
		var p parameters
		problem := p.authorize([]string{header})
		// net/http takes one space only, and skips line breaks inside.
		scheme, credentials, _ := strings.Cut(header, " ")
		r := &http.Request{Header: http.Header{"Authorization": {scheme + " " + strings.TrimLeft(credentials, " ")}}}
		id, secret, ok := r.BasicAuth()
		decodedID, err := url.QueryUnescape(id)
		decodedSecret, err2 := url.QueryUnescape(secret)
		if problem != nil {
			encoded := base64.StdEncoding.EncodeToString([]byte(id + ":" + secret))
			if ok && err == nil && err2 == nil && encoded == strings.TrimLeft(credentials, " ") && utf8.ValidString(decodedID) && utf8.ValidString(decodedSecret) {
				t.Errorf("%q is refused: %v", header, problem)
			}
			return
		}
		if !ok || err != nil || err2 != nil || p.clientID != decodedID || p.clientSecret != decodedSecret {
			t.Errorf("%q is read as %q and %q, by net/http as %q and %q (%v)", header, p.clientID, p.clientSecret, id, secret, ok)
		}
	})
}

// FuzzPoll holds what is asked of a feed: it is refused, or within its bounds, and
// what Go writes of it is read as the same.
func FuzzPoll(f *testing.F) {
	for _, seed := range []string{"", "after=0", "after=7&wait=30s", "wait=1s", "after=-1", "after=+1", "after=9223372036854775808", "after=1&after=2", "after=1&wait=1h", "after=1&wait=-1s", "after=1&wait=1e9h", "after=%zz", "x=1;y"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		defer fuzztest.Bound(t)()
		after, wait, err := readPoll(query)
		if err != nil {
			var refused refuse
			if !errors.As(err, &refused) {
				t.Errorf("%q: %v", query, err)
			}
			return
		}
		if after < 0 && after != authority.WholeFeed || wait < 0 || wait > maxWait || wait > 0 && after == authority.WholeFeed {
			t.Fatalf("%q: after %d, wait %v", query, after, wait)
		}
		if after == authority.WholeFeed {
			return
		}
		again := fmt.Sprintf("after=%d&wait=%s", after, wait)
		if a, w, err := readPoll(again); err != nil || a != after || w != wait {
			t.Errorf("%q is read as %d, %v, and %q as %d, %v: %v", query, after, wait, again, a, w, err)
		}
	})
}
