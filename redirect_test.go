package tokenwright

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
)

// C-255: where a redirect points, nobody chose to send a token to.
func TestARedirectToAnotherOriginGetsNoToken(t *testing.T) {
	for name, tc := range map[string]struct {
		path []string // of redirects, from https://api.example.com/x
		want []string // tokens that arrive, one a request
	}{
		"the same origin":          {[]string{"/y", "https://api.example.com:443/z", "https://API.example.com/w"}, []string{"token-1", "token-1", "token-1", "token-1"}},
		"another host":             {[]string{"https://evil.example/y"}, []string{"token-1", ""}},
		"a host below":             {[]string{"https://x.api.example.com/y"}, []string{"token-1", ""}},
		"another port":             {[]string{"https://api.example.com:8443/y"}, []string{"token-1", ""}},
		"another scheme, not port": {[]string{"http://api.example.com:443/y"}, []string{"token-1", ""}},
		"another scheme":           {[]string{"http://api.example.com/y"}, []string{"token-1", ""}},
		"there and on":             {[]string{"https://evil.example/y", "/z", "/w"}, []string{"token-1", "", "", ""}},
		"there and back":           {[]string{"https://evil.example/y", "https://api.example.com/admin"}, []string{"token-1", "", ""}},
		"late":                     {[]string{"/y", "https://evil.example/"}, []string{"token-1", "token-1", ""}},
		"a user in the address":    {[]string{"https://u:p@evil.example/y"}, []string{"token-1", "Basic dTpw"}},
		"10 redirects at the API":  {strings.Split("/a /b /c /d /e /f /g /h /i", " "), strings.Fields(strings.Repeat("token-1 ", 10))},
	} {
		synctest.Test(t, func(t *testing.T) {
			s, a := &server{}, &api{}
			redirector := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				n := len(a.requests())
				a.ServeHTTP(httptest.NewRecorder(), r)
				if n < len(tc.path) {
					http.Redirect(w, r, tc.path[n], http.StatusFound)
				}
			})
			c := testConfig(s)
			c.AllowHTTP = true
			c.HTTPClient.Transport = hosts{"auth.example.com": s}.orElse(redirector)
			call(t, c.Client(t.Context()), request(t, nil), http.StatusOK)
			a.expect(t, tc.want...)
			if t.Failed() {
				t.Fatal(name)
			}
		})
	}
}

// forgetful is what some put around a transport: its answers do not say which
// request they are to.
type forgetful struct{ http.RoundTripper }

func (f forgetful) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := f.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: resp.StatusCode, Header: resp.Header, Body: resp.Body}, nil
}

// C-255: where it is not known where a redirect comes from, it may be from anywhere.
func TestARedirectFromNobodyKnowsWhereGetsNoToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, a := &server{}, &api{}
		redirector := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			a.ServeHTTP(httptest.NewRecorder(), r)
			if r.URL.Host == "api.example.com" {
				http.Redirect(w, r, "https://evil.example/y", http.StatusFound)
			}
		})
		c := testConfig(s)
		c.HTTPClient.Transport = hosts{"auth.example.com": s}.orElse(redirector)
		client := c.Client(t.Context())
		client.Transport = forgetful{client.Transport}
		call(t, client, request(t, nil), http.StatusOK)
		a.expect(t, "token-1", "")
	})
}

// orElse asks the handlers by host, and another one for the other hosts.
func (h hosts) orElse(other http.Handler) http.RoundTripper {
	return inProcess{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler, ok := h[r.URL.Host]
		if !ok {
			handler = other
		}
		handler.ServeHTTP(w, r)
	})}
}

// C-255: http.Client's limit holds.
func TestTheClientFollowsTenRedirectsAtMost(t *testing.T) {
	n := 0
	loop := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n++
		http.Redirect(w, r, "/again", http.StatusFound)
	})
	_, err := apiClient(t, &server{}, loop).Get("https://api.example.com/")
	if err == nil || !strings.Contains(err.Error(), "10 redirects") || n != 10 {
		t.Errorf("%d requests: %v", n, err)
	}
}
