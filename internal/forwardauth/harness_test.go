package forwardauth

import (
	"bufio"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tokenwright/tokenwright/tokenwrighttest"
	"github.com/tokenwright/tokenwright/verify"
)

// installation is the check over real verifiers of two environments, which follow
// real issuers.
type installation struct {
	testing.TB
	demo, production *tokenwrighttest.Issuer
	handler          *Handler
	registry         *prometheus.Registry
}

var policies = map[string]Policy{
	"orders":  {Env: "demo", Scopes: []string{"customers:read"}, Merchant: "4259"},
	"both":    {Env: "demo", Scopes: []string{"customers:read", "customers:write"}},
	"live":    {Env: "production", Scopes: []string{"customers:read"}},
	"nowhere": {Env: "staging", Scopes: []string{"customers:read"}},
	"nothing": {Env: "demo"},
	"ops":     {Env: "platform", Scopes: []string{"customers:read"}},
}

func install(t testing.TB) *installation {
	t.Helper()
	in := &installation{
		TB: t, demo: tokenwrighttest.New(t), production: tokenwrighttest.New(t, tokenwrighttest.WithEnvironment("production")),
		registry: prometheus.NewRegistry(),
	}
	verifiers := map[string]*verify.Verifier{"demo": verifierOf(t, in.demo, nil), "production": verifierOf(t, in.production, nil)}
	in.handler = New(Config{
		Verifier: func(env string) *verify.Verifier { return verifiers[env] }, Policies: policies, Registry: in.registry,
	})
	return in
}

func verifierOf(t testing.TB, iss *tokenwrighttest.Issuer, change func(*verify.Config)) *verify.Verifier {
	t.Helper()
	c := verify.Config{Issuer: iss.URL, Audience: iss.Audience, HTTPClient: iss.Client(), Logger: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&c)
	}
	v, err := verify.New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	return v
}

// answer is what a gateway gets, and what the server around the check logs.
type answer struct {
	*httptest.ResponseRecorder
	route string
	facts map[string]string
}

// LogAttr is how the server's writer takes facts for the log.
func (a *answer) LogAttr(attr slog.Attr) { a.facts[attr.Key] += attr.Value.String() }

// ask sends a request as it stands on the wire: line is method and target.
func ask(t testing.TB, h http.Handler, line string, headers ...string) *answer {
	t.Helper()
	text := line + " HTTP/1.1\r\nHost: api.example.com\r\n" + strings.Join(headers, "\r\n")
	if len(headers) > 0 {
		text += "\r\n"
	}
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text + "\r\n")))
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return serve(t, h, r)
}

// serve sees to it that every answer is one that gateways understand, and that no
// token is logged (C-225).
func serve(t testing.TB, h http.Handler, r *http.Request) *answer {
	t.Helper()
	a := &answer{ResponseRecorder: httptest.NewRecorder(), facts: map[string]string{}}
	h.ServeHTTP(a, r)
	a.route = r.Pattern
	for key, value := range a.facts {
		if strings.Contains(value, "eyJ") || len(value) > 100 {
			t.Errorf("%s: the log has %s=%q", r.RequestURI, key, value)
		}
	}
	if cached := a.Header().Get("Cache-Control"); cached != "no-store" {
		t.Errorf("%s: Cache-Control is %q", r.RequestURI, cached)
	}
	switch a.Code {
	case http.StatusOK:
		a.checkPass(t, r.RequestURI)
	case http.StatusUnauthorized, http.StatusForbidden:
		a.checkRefusal(t, r.RequestURI)
	default:
		t.Errorf("%s: status %d", r.RequestURI, a.Code)
	}
	return a
}

func (a *answer) checkPass(t testing.TB, target string) {
	t.Helper()
	if a.Body.Len() > 0 {
		t.Errorf("%s: the body is %q", target, a.Body)
	}
	for _, name := range []string{"X-Tokenwright-Merchant-Id", "X-Tokenwright-Env", "X-Tokenwright-Client-Id", "X-Tokenwright-Scope"} {
		if values := a.Header()[name]; len(values) != 1 || values[0] == "" {
			t.Errorf("%s: %s is %q", target, name, values)
		}
	}
	if a.facts["refused"] != "" {
		t.Errorf("%s: let pass, but logged as refused: %v", target, a.facts)
	}
}

func (a *answer) checkRefusal(t testing.TB, target string) {
	t.Helper()
	var body map[string]string
	if err := json.Unmarshal(a.Body.Bytes(), &body); err != nil || len(body) != 2 || body["code"] != strconv.Itoa(a.Code) || body["message"] == "" {
		t.Errorf("%s: the body is %s", target, a.Body)
	}
	if !strings.HasPrefix(a.Header().Get("WWW-Authenticate"), "Bearer") || a.Header().Get("Content-Type") != "application/json" {
		t.Errorf("%s: headers %v", target, a.Header())
	}
	if a.facts["refused"] == "" {
		t.Errorf("%s: refused, and not logged so: %v", target, a.facts)
	}
	for name := range a.Header() {
		if strings.HasPrefix(name, "X-Tokenwright") {
			t.Errorf("%s: refused, and yet says who it is: %v", target, a.Header())
		}
	}
}

func (a *answer) message(t testing.TB) string {
	t.Helper()
	var body struct{ Message string }
	if err := json.Unmarshal(a.Body.Bytes(), &body); err != nil {
		t.Fatal(err)
	}
	return body.Message
}
