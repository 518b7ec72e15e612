package tokenwright

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"
)

// C-256: nothing of ours prints a secret or a token, however it is printed.
func TestSecretsAreNotPrinted(t *testing.T) {
	const token = "an-access-token"
	s := &server{answer: func(_ int, w http.ResponseWriter, _ *http.Request) {
		reply(w, http.StatusOK, `{"access_token":"`+token+`","expires_in":3600,"token_type":"bearer"}`)
	}}
	config := testConfig(s)
	config.HTTPClient.Transport = roundTrip(inProcess{s}.RoundTrip) // which does not print what s has been asked
	source := newSource(t, config)
	access, err := source.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	broken := config
	broken.ClientSecretFile = "/x"
	_, configError := broken.TokenSource(t.Context())
	client := config.Client(t.Context())
	values := map[string]any{
		"Config": config, "*Config": &config, "Token": *access, "*Token": access, "source": source, "client": client, "transport": client.Transport,
		"in a struct": struct {
			C Config
			T Token
			S TokenSource
		}{config, *access, source},
		"in slices":         []any{[]Config{config}, []*Config{&config}, []Token{*access}, map[string]Token{"": *access}, []TokenSource{source}},
		"error of a config": configError, "error of the server": &Error{Code: "invalid_client", Status: 401},
		"wrapped": errors.Join(configError),
	}
	for name, value := range values {
		for how, text := range printed(t, value) {
			if strings.Contains(text, testSecret) || strings.Contains(text, testSecret[20:]) || strings.Contains(text, token) ||
				strings.Contains(text, fmt.Sprintf("%x", testSecret[20:])) || strings.Contains(text, fmt.Sprintf("%x", token)) {
				t.Errorf("%s printed by %s: %s", name, how, text)
			}
		}
	}
	// What helps to find a mistake is shown.
	for want, value := range map[string]any{"ClientSecret:[secret]": config, "ClientSecret: ": Config{}, config.ClientID: source, "AccessToken:[secret]": access} {
		if text := fmt.Sprint(value); !strings.Contains(text, want) {
			t.Errorf("%s lacks %q", text, want)
		}
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// printed is a value in every form in which a program may print it.
func printed(t *testing.T, value any) map[string]string {
	t.Helper()
	forms := map[string]string{"Sprint": fmt.Sprint(value)}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o", "%T", "%10.3v", "%t"} {
		forms[verb] = fmt.Sprintf(verb, value)
	}
	if text, err := json.Marshal(value); err == nil { // functions have no JSON
		forms["JSON"] = string(text)
	}
	for name, handler := range map[string]func(*bytes.Buffer) slog.Handler{
		"slog text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		"slog JSON": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
	} {
		var b bytes.Buffer
		slog.New(handler(&b)).Info("a value", "value", value, slog.Group("group", "value", value))
		if !strings.Contains(b.String(), "a value") {
			t.Fatalf("%s writes %q", name, b.String())
		}
		forms[name] = b.String()
	}
	if s, ok := value.(fmt.Stringer); ok {
		forms["String"] = s.String()
	}
	if s, ok := value.(fmt.GoStringer); ok {
		forms["GoString"] = s.GoString()
	}
	return forms
}

// C-256: neither in what a request that was answered shows, nor in one that was
// not.
func TestTheTokenIsNotInTheRequestThatAnAnswerNames(t *testing.T) {
	api := &api{}
	client := apiClient(t, &server{}, api)
	resp, err := client.Get("https://api.example.com/")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if api.requests()[0].header.Get("Authorization") != "Bearer token-1" || len(resp.Request.Header["Authorization"]) != 0 {
		t.Errorf("the answer's request has %v", resp.Request.Header)
	}
}

// A nil token in a record is a mistake, but no reason to end a program.
func TestNilPrintsAsNil(t *testing.T) {
	var buffer bytes.Buffer
	slog.New(slog.NewTextHandler(&buffer, nil)).Info("none", "token", (*Token)(nil))
	if got := fmt.Sprintf("%v", (*Token)(nil)); got != "<nil>" || buffer.Len() == 0 {
		t.Errorf("got %s, %s", got, buffer.String())
	}
}

// Times in JSON are those of the token, for whoever writes a status page.
func TestATokenInJSONHasItsTimes(t *testing.T) {
	at := time.Date(2026, 12, 24, 18, 0, 0, 0, time.UTC)
	text, err := json.Marshal(Token{AccessToken: "x", Expiry: at, Scopes: []string{"a"}, SecretExpires: at})
	const want = `{"AccessToken":"[secret]","Expiry":"2026-12-24T18:00:00Z","Scopes":["a"],"SecretExpires":"2026-12-24T18:00:00Z"}`
	if err != nil || string(text) != want {
		t.Errorf("got %s, %v", text, err)
	}
}
