package tokenwright

import (
	"net/http"
	"testing"
	"testing/synctest"
)

// C-252: only what says that the token is the fault (RFC 6750 3.1).
func TestOtherRefusalsAreTheCallers(t *testing.T) {
	for name, tc := range map[string]struct {
		says []string
		want bool
	}{
		"plain":                    {[]string{`Bearer error=invalid_token`}, true},
		"quoted":                   {[]string{`Bearer error="invalid_token"`}, true},
		"escaped":                  {[]string{`Bearer error="invalid\_token"`}, true},
		"other cases":              {[]string{`bEARER ERROR="invalid_token"`}, true},
		"blanks":                   {[]string{"Bearer \t realm = \"a\" ,,\terror\t=  \"invalid_token\" "}, true},
		"behind other parameters":  {[]string{`Bearer realm="a, b=\"c\"", scope="x", error="invalid_token", error_description="The token, expired"`}, true},
		"behind another challenge": {[]string{`Basic realm="a", Bearer realm="b", error="invalid_token"`}, true},
		"behind one without any":   {[]string{`Negotiate, Bearer error="invalid_token"`}, true},
		"behind a token68":         {[]string{`Negotiate YWJj/+==, Bearer error="invalid_token"`}, true},
		"before another challenge": {[]string{`Bearer error="invalid_token", Basic realm="x"`}, true},
		"in the second line":       {[]string{`DPoP algs="ES256"`, `Bearer error="invalid_token"`}, true},
		"behind a broken line":     {[]string{`Bearer error="invalid_tok`, `Bearer error="invalid_token"`}, true},

		"none":                  {[]string{}, false},
		"empty":                 {[]string{""}, false},
		"no error":              {[]string{`Bearer`}, false},
		"only a realm":          {[]string{`Bearer realm="invalid_token"`}, false},
		"another error":         {[]string{`Bearer error="insufficient_scope"`}, false},
		"another case of it":    {[]string{`Bearer error="Invalid_Token"`}, false},
		"another scheme":        {[]string{`DPoP error="invalid_token"`}, false},
		"a scheme that is near": {[]string{`Bearers error="invalid_token"`}, false},
		"of the next challenge": {[]string{`Bearer realm="a", DPoP error="invalid_token"`}, false},
		"in a description":      {[]string{`Bearer error="x", error_description="error=\"invalid_token\""`}, false},
		"in a quoted realm":     {[]string{`Basic realm="x, Bearer error=invalid_token"`}, false},
		"never closed":          {[]string{`Bearer error="invalid_token`}, false},
		"without a scheme":      {[]string{`error="invalid_token"`}, false},
		"a token68":             {[]string{`Bearer error=`}, false},
		"garbage":               {[]string{"\x00\xff;;;=\"", `=`, `Bearer =x`, `Bearer "invalid_token"`}, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			s, a := &server{}, &api{refuses: only("token-1"), says: tc.says}
			want := http.StatusUnauthorized
			if tc.want {
				want = http.StatusOK
			}
			resp, err := apiClient(t, s, a).Do(request(t, nil))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = resp.Body.Close() }()
			if resp.StatusCode != want {
				t.Errorf("%s: %q: status %d", name, tc.says, resp.StatusCode)
			}
		})
	}
	// RFC 6750 3.1: with another status it means something else.
	resp := &http.Response{StatusCode: http.StatusForbidden, Header: http.Header{"Www-Authenticate": {`Bearer error="invalid_token"`}}}
	if isInvalidToken(resp) {
		t.Error("403 counts as a refused token")
	}
}
