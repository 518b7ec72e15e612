package oauthapi

import (
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/internal/accesstoken"
	"github.com/tokenwright/tokenwright/internal/authority"
)

// facts has the request answered, and returns what its log record is told.
func (in *installation) facts(r *http.Request) map[string]string {
	w := &recorder{ResponseRecorder: httptest.NewRecorder()}
	in.handler.ServeHTTP(w, r)
	got := map[string]string{}
	for _, a := range w.logged {
		got[a.Key] = a.Value.String()
	}
	return got
}

// C-355: the log tells who asks, for which environment, what comes of it, and
// nothing that is empty.
func TestTheLogTellsWhoAsksAndWhatComesOfIt(t *testing.T) {
	in := limited(t, Config{FailureLimit: 1})
	k := in.key("demo", "customers:read")
	wrong := apiKey{k.id, in.key("demo").secret}
	token := in.token(k)
	jti := claimsOf(in, token).ID
	form := func(path string, pairs ...string) *http.Request {
		return newRequest("POST", path, strings.NewReader(formBody(pairs...)), "Content-Type", asForm.contentType)
	}
	about := func(endpoint, token string) *http.Request {
		return form("/demo/oauth/"+endpoint, "token", token, "client_id", k.id, "client_secret", k.secret)
	}
	for _, tc := range []struct {
		name    string
		request *http.Request
		want    map[string]string
	}{
		{"a token", form("/oauth/token", k.request()...), map[string]string{"client_id": k.id, "env": "demo"}},
		{"a wrong secret", form("/oauth/token", wrong.request()...), map[string]string{"client_id": k.id, "env": "demo", "refused": "wrong_secret"}},
		{"another", form("/oauth/token", wrong.request()...), map[string]string{"client_id": k.id, "env": "demo", "refused": reasonFailuresOfID, "cause": "wrong_secret"}},
		{"another method", newRequest("GET", "/oauth/token", nil), map[string]string{"refused": reasonMethod}},
		{"an active token", about("introspect", token), map[string]string{"client_id": k.id, "env": "demo", "active": "true", "jti": jti}},
		{"an inactive one", about("introspect", "x"), map[string]string{"client_id": k.id, "env": "demo", "active": "false"}},
		{"one to revoke", about("revoke", token), map[string]string{"client_id": k.id, "env": "demo", "revoked": jti}},
		{"one to revoke again", about("revoke", token), map[string]string{"client_id": k.id, "env": "demo"}},
	} {
		got := in.facts(tc.request)
		for _, name := range []string{"secret_id", "jti", "scope", "kid"} {
			if tc.want[name] == "" && got[name] != "" {
				delete(got, name) // of the flow; other tests look at them
			}
		}
		if !maps.Equal(got, tc.want) {
			t.Errorf("%s: logged %v, want %v", tc.name, got, tc.want)
		}
	}
	alive := in.token(k)
	in.must(in.store.Close())
	if got := in.facts(about("revoke", alive)); got["error"] == "" || got["refused"] != reasonStore {
		t.Errorf("without a database: logged %v", got)
	}
	w := &recorder{ResponseRecorder: httptest.NewRecorder()}
	if reason, _ := reasonOf(w, errors.New("what nobody expects")); reason != reasonInternal || len(w.logged) != 1 || w.logged[0].Value.String() != "what nobody expects" {
		t.Errorf("what nobody expects is %s, logged %v", reason, w.logged)
	}
	w.logged = nil
	note(w, slog.String("empty", ""), slog.Int("zero", 0), slog.String("full", "x"))
	if len(w.logged) != 2 {
		t.Errorf("logged %v", w.logged)
	}
}

// C-156: merchants' IDs are told as the token has them.
func TestIntrospectionTellsTheMerchantAsTheTokenDoes(t *testing.T) {
	for _, tc := range []struct {
		id   accesstoken.MerchantID
		want string
	}{{accesstoken.MerchantID{}, "{demo <nil>}"}, {accesstoken.MerchantID{Text: "42", Number: true}, "{demo 42}"}, {accesstoken.MerchantID{Text: "ac-me"}, "{demo ac-me}"}} {
		out := introspectionOf(&accesstoken.Claims{Env: "demo", MerchantID: tc.id})
		if got := slog.AnyValue(out.Claims).String(); got != tc.want {
			t.Errorf("got %s, want %s", got, tc.want)
		}
	}
}

// C-042: an address is one however it is written.
func TestASubscriberIsANetwork(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "::ffff:192.0.2.1": "192.0.2.1", "2001:db8::1": "2001:db8::", "2001:db8:0:1::1": "2001:db8:0:1::", "fe80::1%eth0": "fe80::",
	} {
		if got := subscriber(netip.MustParseAddr(text)); got.String() != want {
			t.Errorf("%s: got %s", text, got)
		}
	}
}

// What net/http would send in chunks has its length told.
func TestLongAnswersTellTheirLength(t *testing.T) {
	for size, want := range map[int]string{selfCounted - 1: "", selfCounted: "2048"} {
		w := httptest.NewRecorder()
		writeJSON(w, http.StatusOK, make([]byte, size))
		if got := w.Header().Get("Content-Length"); got != want {
			t.Errorf("%d bytes: got %q", size, got)
		}
	}
}

// C-178: on a host of its own an environment's surface is all there is.
func TestWhatIsNotThereOnAHostOfItsOwnIsAnsweredAsElsewhere(t *testing.T) {
	in := install(t, func(demo, _ *authority.Environment) { demo.Issuer = "https://demo.example.com" })
	in.handler = in.api.OwnHosts(http.NotFoundHandler(), func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	if a := in.at("demo.example.com", "GET", "/x", ""); a.status != http.StatusTeapot {
		t.Errorf("got %d", a.status)
	}
}
