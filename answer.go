package tokenwright

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tokenwright/tokenwright/internal/strictjson"
)

// parseToken reads the JSON of a token that was asked for at began (RFC 6749
// 5.1).
func parseToken(body string, began time.Time) (*Token, error) {
	o, err := strictjson.ParseObject(body)
	if err != nil {
		return nil, err
	}
	access, _ := text(o, "access_token")
	kind, _ := text(o, "token_type")
	life, err := lifetime(o)
	switch {
	case !isBearerToken(access):
		return nil, errors.New("access_token is missing, or not one that a header can hold")
	case !strings.EqualFold(kind, "bearer"):
		return nil, errors.New("token_type is not bearer")
	case err != nil:
		return nil, err
	}
	token := &Token{AccessToken: access, Expiry: began.Add(life)}
	if _, given := o.Get("scope"); given {
		scope, ok := text(o, "scope")
		if !ok {
			return nil, errors.New("scope is not a string")
		}
		token.Scopes = strings.Fields(scope)
	}
	return token, nil
}

// lifetime reads expires_in, which RFC 6749 only recommends. Without it nobody
// can tell when to renew.
func lifetime(o strictjson.Object) (time.Duration, error) {
	v, given := o.Get("expires_in")
	seconds, whole := v.Int64()
	switch {
	case !given:
		return 0, errors.New("expires_in is missing")
	case !whole:
		return 0, errors.New("expires_in is not a whole number of seconds")
	case seconds <= 0:
		return 0, errors.New("expires_in is not above 0")
	}
	return time.Duration(min(seconds, int64(maxLife/time.Second))) * time.Second, nil
}

// text returns the member of that name, or "" where it is no string.
func text(o strictjson.Object, name string) (string, bool) {
	v, _ := o.Get(name)
	return v.Text()
}

// isBearerToken tells whether text is a b64token (RFC 6750 2.1).
func isBearerToken(text string) bool {
	body := strings.TrimRight(text, "=")
	for i := range len(body) {
		switch b := body[i]; {
		case b >= 'a' && b <= 'z', b >= 'A' && b <= 'Z', b >= '0' && b <= '9', strings.IndexByte("-._~+/", b) >= 0:
		default:
			return false
		}
	}
	return body != ""
}

// refusal reads an answer that is no token. What is no JSON comes from a proxy,
// and only its status is of use.
func refusal(resp *http.Response, body []byte, secret string) error {
	clean := func(text string) string {
		for _, form := range []string{secret, url.QueryEscape(secret)} { // as an echo would have it
			text = strings.ReplaceAll(text, form, redacted)
		}
		return printable(text)
	}
	e := &Error{Status: resp.StatusCode, RetryAfter: retryAfter(resp.Header), RequestID: clean(resp.Header.Get("X-Request-Id"))}
	if o, err := strictjson.ParseObject(string(body)); err == nil && isJSON(resp.Header) && len(body) <= maxAnswerSize {
		code, _ := text(o, "error")
		description, _ := text(o, "error_description")
		uri, _ := text(o, "error_uri")
		e.Code, e.Description, e.URI = clean(code), clean(description), clean(uri)
	}
	if e.Temporary() {
		return unavailable(e)
	}
	return e
}
