package tokenwright

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A client is HTTPClient with another transport; its own is never http.DefaultTransport,
// which others may close or replace.
func TestAClientKeepsWhatItsHTTPClientHas(t *testing.T) {
	stop := errors.New("stop")
	s, a := &server{}, &api{}
	c := testConfig(s)
	c.URL = "http://localhost"
	c.HTTPClient = &http.Client{
		Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return stop },
		Transport: hosts{"localhost": s, "api.example.com": a},
	}
	client := c.Client(t.Context())
	if client == c.HTTPClient || client.Timeout != time.Minute || client.CheckRedirect == nil || client.CheckRedirect(nil, nil) != stop {
		t.Errorf("got %+v", client)
	}
	if _, err := client.Get("http://api.example.com/"); err == nil || len(a.requests()) != 0 {
		t.Errorf("a token was sent over http: %v", err)
	}
	c.AllowHTTP = true
	r, err := http.NewRequest(http.MethodGet, "http://api.example.com/", nil)
	if err != nil {
		t.Fatal(err)
	}
	call(t, c.Client(t.Context()), r, http.StatusOK)
	a.expect(t, "token-1")
}

func TestTheTransportIsOnesOwnWhereItCanBe(t *testing.T) {
	c := Config{HTTPClient: &http.Client{}}
	if base, ok := c.base().(*http.Transport); !ok || base == http.DefaultTransport || base.Proxy == nil {
		t.Error("it is not a copy of http.DefaultTransport")
	}
	usual := http.DefaultTransport
	defer func() { http.DefaultTransport = usual }()
	http.DefaultTransport = inProcess{&api{}} // as those do who trace requests
	if base := c.base(); base != http.DefaultTransport {
		t.Errorf("got %T", base)
	}
}

// The shorter of 10 s and HTTPClient's own limit is that of an exchange.
func TestTheTimeoutOfTheHTTPClientBoundsAnExchange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := testConfig(&server{answer: slow(time.Hour, issue)})
		c.RetryFor, c.HTTPClient.Timeout = -1, 2*time.Second
		began := time.Now()
		if err := getError(t, newSource(t, c)); !errors.Is(err, ErrUnavailable) || time.Since(began) != 2*time.Second {
			t.Errorf("got %v after %s", err, time.Since(began))
		}
	})
}

// with returns a configuration that is good but for the change.
func with(change func(*Config)) Config {
	c := Config{URL: "https://auth.example.com", ClientID: "twc_demo_0123456789012345678901", ClientSecret: testSecret}
	change(&c)
	return c
}

// C-255: https only, save on the machine itself.
func TestSecretsAreSentOverHTTPSOrToLoopbackOnly(t *testing.T) {
	for address, good := range map[string]bool{
		"https://auth.example.com": true, "https://auth.example.com:8443/demo/": true, "http://localhost:8080": true, "http://127.0.0.1": true,
		"http://127.9.9.9:1": true, "http://[::1]:8080/demo": true, "http://demo.localhost": true,
		"http://auth.example.com": false, "http://10.0.0.1": false, "http://localhost.example.com": false, "http://127.0.0.1.example.com": false,
		"http://0.0.0.0": false, "http://[::]": false, "ftp://localhost": false, "//auth.example.com": false, "auth.example.com": false,
		"https://": false, "https://:8443": false, "https://u:p@auth.example.com": false, "https://auth.example.com?x=1": false,
		"https://auth.example.com#x": false, "https://%zz": false, "https://auth.example.com?": false, "https://auth.example.com/#": false,
	} {
		for name, c := range map[string]Config{
			"URL":    with(func(c *Config) { c.URL = address }),
			"Issuer": with(func(c *Config) { c.URL, c.Issuer = "", address }),
		} {
			c.AllowHTTP = true // is for access tokens alone
			if _, err := c.TokenSource(t.Context()); (err == nil) != good || err != nil && !strings.Contains(err.Error(), name+" is not") {
				t.Errorf("%s %s: %v", name, address, err)
			}
		}
	}
}

func TestAConfigurationThatCannotWorkSaysWhy(t *testing.T) {
	function := func(context.Context) (string, error) { return testSecret, nil }
	for want, change := range map[string]func(*Config){
		"neither URL nor Issuer":              func(c *Config) { c.URL = "" },
		"both URL and Issuer":                 func(c *Config) { c.Issuer = "https://auth.example.com/demo" },
		"ClientID is not given":               func(c *Config) { c.ClientID = "" },
		"none of ClientSecret":                func(c *Config) { c.ClientSecret = "" },
		"more than one of ClientSecret":       func(c *Config) { c.ClientSecretFile = "/a" },
		"more than one of ClientSecret, ":     func(c *Config) { c.ClientSecretFunc = function },
		"more than one of ClientSecret, C":    func(c *Config) { c.ClientSecret, c.ClientSecretFile, c.ClientSecretFunc = "", "/a", function },
		"item 1 of Scopes is not one":         func(c *Config) { c.Scopes = []string{"a", "b c"} },
		"item 0 of Scopes is not one":         func(c *Config) { c.Scopes = []string{""} },
		"item 0 of Scopes is not one scope":   func(c *Config) { c.Scopes = []string{`a"`} },
		"the Resource is not an absolute":     func(c *Config) { c.Resource = "/api" },
		"the Resource is not an absolute URL": func(c *Config) { c.Resource = "https://a#" },
	} {
		c := with(change)
		_, err := c.TokenSource(t.Context())
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), testSecret) {
			t.Errorf("%s: got %v", want, err)
			continue
		}
		if _, got := c.Client(t.Context()).Get("https://api.example.com/"); got == nil || !strings.Contains(got.Error(), err.Error()) {
			t.Errorf("%s: a request of the client got %v", want, got)
		}
	}
}

// The address is URL or Issuer, a slash at the end or not, and /oauth/token; the
// request is that of RFC 6749 4.4.2.
func TestTheTokenEndpointIsAskedAsTheStandardSays(t *testing.T) {
	for address, want := range map[string]string{
		"https://auth.example.com": "https://auth.example.com/oauth/token", "https://auth.example.com/demo/": "https://auth.example.com/demo/oauth/token",
	} {
		s := &server{}
		c := testConfig(s)
		c.URL, c.Scopes, c.Resource = address, []string{"customers:read", "customers:write"}, "https://api.example.com"
		get(t, newSource(t, c), "token-1")
		a := s.requests()[0]
		if a.method != http.MethodPost || a.url != want || a.header.Get("Content-Type") != "application/x-www-form-urlencoded" ||
			a.header.Get("Authorization") != "" || a.header.Get("Accept") != "application/json" {
			t.Errorf("%s %s %v", a.method, a.url, a.header)
		}
		if !strings.HasPrefix(a.header.Get("User-Agent"), "tokenwright-go/") {
			t.Errorf("User-Agent is %q", a.header.Get("User-Agent"))
		}
		const form = "client_id=twc_demo_0123456789012345678901&client_secret=" + testSecret +
			"&grant_type=client_credentials&resource=https%3A%2F%2Fapi.example.com&scope=customers%3Aread+customers%3Awrite"
		if got := a.form.Encode(); got != form {
			t.Errorf("the form is %s", got)
		}
	}
}

// accept is a server that takes one secret only.
func accept(secret *string) func(int, http.ResponseWriter, *http.Request) {
	return func(n int, w http.ResponseWriter, r *http.Request) {
		if r.PostForm.Get("client_secret") != *secret {
			refuse(http.StatusUnauthorized, "invalid_client")(n, w, r)
			return
		}
		issue(n, w, r)
	}
}

func writeSecret(t *testing.T, path, secret string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Of the file a line break at the end is no part of the secret; all else is.
func TestASecretFileIsReadBeforeEveryExchange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		path := filepath.Join(t.TempDir(), "secret")
		c := testConfig(s)
		c.ClientSecret, c.ClientSecretFile = "", path
		source := newSource(t, c)
		for i, content := range []string{"one", "two\n", "three\r\n", " four \n\n"} {
			writeSecret(t, path, content)
			if _, err := source.Token(t.Context()); err != nil {
				t.Fatal(err)
			}
			want := []string{"one", "two", "three", " four \n"}[i]
			if got := s.requests()[i].form.Get("client_secret"); got != want {
				t.Errorf("%q was sent as %q", content, got)
			}
			time.Sleep(time.Hour)
		}
	})
}

// C-253: the one exception.
func TestARefusedSecretIsTriedAgainOnceWhereItHasChangedMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		right := "new"
		s := &server{answer: accept(&right)}
		c := testConfig(s)
		reads := []string{"old", "new"}
		c.ClientSecret, c.ClientSecretFunc = "", func(context.Context) (string, error) {
			secret := reads[0]
			reads = reads[1:]
			return secret, nil
		}
		get(t, newSource(t, c), "token-2")
		s.expect(t, 2)

		reads = []string{"old", "older", "oldest"}
		getError(t, newSource(t, c))
		s.expect(t, 4)

		reads = []string{"old", "old"}
		getError(t, newSource(t, c))
		s.expect(t, 5)
	})
}

// C-253: nothing hammers, nor waits where there is hope.
func TestAnotherSecretEndsARefusalWithinASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		right := "new"
		s := &server{answer: accept(&right)}
		path := filepath.Join(t.TempDir(), "secret")
		writeSecret(t, path, "old")
		c := testConfig(s)
		c.ClientSecret, c.ClientSecretFile = "", path
		source := newSource(t, c)
		for range 1000 { // 100 s: the refusal is remembered for up to a minute by then
			getError(t, source)
			time.Sleep(100 * time.Millisecond)
		}
		if n := len(s.requests()); n < 6 || n > 8 { // after 0, 1, 3, 7, 15, 31, 63 s
			t.Errorf("%d exchanges in 100 s", n)
		}
		writeSecret(t, path, "new")
		time.Sleep(lookPause)
		if _, err := source.Token(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// What cannot be read is told at once, and may come later.
func TestASecretThatCannotBeReadIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		broken, secret := errors.New("the vault is sealed"), ""
		c := testConfig(s)
		c.ClientSecret, c.ClientSecretFunc = "", func(context.Context) (string, error) { return secret, broken }
		source := newSource(t, c)
		if err := getError(t, source); !errors.Is(err, broken) {
			t.Errorf("got %v", err)
		}
		broken = nil
		time.Sleep(lookPause)
		if err := getError(t, source); !strings.Contains(err.Error(), "it is empty") {
			t.Errorf("got %v", err)
		}
		s.expect(t, 0)
		secret = testSecret
		time.Sleep(2 * lookPause)
		get(t, source, "token-1")

		for name, content := range map[string]string{"missing": "", "large": strings.Repeat("x", maxSecretSize+1)} {
			c := testConfig(s)
			c.ClientSecret, c.ClientSecretFile = "", filepath.Join(t.TempDir(), name)
			if content != "" {
				writeSecret(t, c.ClientSecretFile, content)
			}
			if err := getError(t, newSource(t, c)); !strings.Contains(err.Error(), "reading the client secret") {
				t.Errorf("%s: got %v", name, err)
			}
		}
	})
}

func TestAFunctionIsGivenAContextThatEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := testConfig(&server{})
		c.ClientSecret, c.ClientSecretFunc = "", func(ctx context.Context) (string, error) {
			<-ctx.Done()
			return "", ctx.Err()
		}
		began := time.Now()
		getError(t, newSource(t, c))
		if took := time.Since(began); took != tryLimit {
			t.Errorf("it took %s", took)
		}
	})
}
