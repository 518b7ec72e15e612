package tokenwright_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"time"

	"github.com/tokenwright/tokenwright"
)

// newServer stands for Tokenwright and for an API, which says which token it got.
func newServer() *httptest.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /oauth/token", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.FormValue("client_id") != "twc_demo_x" {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"error":"invalid_client","error_description":"Client authentication failed."}`)
			return
		}
		_, _ = io.WriteString(w, `{"access_token":"eyJh.eyJp.c2ln","expires_in":3600,"token_type":"bearer","scope":"customers:read"}`)
	})
	mux.HandleFunc("GET /customers", func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Header.Get("Authorization")) })
	return httptest.NewServer(mux)
}

func ExampleConfig_Client() {
	server := newServer() // yours is https://auth.example.com
	defer server.Close()

	client := tokenwright.Config{
		URL:          server.URL,
		ClientID:     "twc_demo_x",
		ClientSecret: "tws_demo_x", // os.Getenv("TOKENWRIGHT_CLIENT_SECRET")
	}.Client(context.Background())

	resp, err := client.Get(server.URL + "/customers")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = resp.Body.Close() }()
	body, _ := io.ReadAll(resp.Body)
	fmt.Println(string(body))
	// Output: Bearer eyJh.eyJp.c2ln
}

// For what attaches tokens otherwise than in a header: gRPC, a queue, a form.
func ExampleConfig_TokenSource() {
	server := newServer()
	defer server.Close()

	source, err := tokenwright.Config{
		URL:          server.URL,
		ClientID:     "twc_demo_x",
		ClientSecret: "tws_demo_x",
		Scopes:       []string{"customers:read"},
	}.TokenSource(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	token, err := source.Token(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(token.AccessToken, token.Scopes, time.Until(token.Expiry).Round(time.Minute))
	// Output: eyJh.eyJp.c2ln [customers:read] 1h0m0s
}

// A secret in a file may be rotated while the program runs.
func ExampleConfig_secretFile() {
	server := newServer()
	defer server.Close()
	dir, _ := os.MkdirTemp("", "")
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "secret") // /run/secrets/tokenwright
	_ = os.WriteFile(path, []byte("tws_demo_x\n"), 0o600)

	config := tokenwright.Config{URL: server.URL, ClientID: "twc_demo_x", ClientSecretFile: path}
	resp, err := config.Client(context.Background()).Get(server.URL + "/customers")
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = resp.Body.Close()
	fmt.Println(resp.StatusCode)
	// Output: 200
}

// Errors tell what the server has refused, and what may pass by itself.
func ExampleError() {
	server := newServer()
	defer server.Close()
	source, err := tokenwright.Config{URL: server.URL, ClientID: "twc_demo_y", ClientSecret: "tws_demo_y"}.TokenSource(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = source.Token(context.Background())
	if errors.Is(err, tokenwright.ErrUnavailable) {
		fmt.Println("try again later")
	}
	if refusal, ok := errors.AsType[*tokenwright.Error](err); ok {
		fmt.Println(refusal.Status, refusal.Code, refusal.Description)
	}
	// Output: 401 invalid_client Client authentication failed.
}

// A client of your own, with several tokens for several APIs.
func ExampleTransport() {
	server := newServer()
	defer server.Close()
	source, err := tokenwright.Config{URL: server.URL, ClientID: "twc_demo_x", ClientSecret: "tws_demo_x"}.TokenSource(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	client := &http.Client{Transport: &tokenwright.Transport{Source: source}, Timeout: 10 * time.Second}
	resp, err := client.Get(server.URL + "/customers")
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = resp.Body.Close()
	fmt.Println(resp.StatusCode)
	// Output: 200
}
