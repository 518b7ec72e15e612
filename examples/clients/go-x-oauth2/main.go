// Command go-x-oauth2 calls an API with access tokens of Tokenwright, by
// golang.org/x/oauth2, for who has that already; the client SDK of this module
// does the same in three lines (../go-tokenwright). Each line of standard input
// is a path to call; all calls run at once and share one token:
//
//	echo /customers | go run ./examples/clients/go-x-oauth2
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// exchange gets a token. The secret is read each time, so that it can be changed
// while this runs.
func exchange() (*oauth2.Token, error) {
	secret := os.Getenv("TOKENWRIGHT_CLIENT_SECRET")
	if file := os.Getenv("TOKENWRIGHT_CLIENT_SECRET_FILE"); file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		secret = strings.TrimSpace(string(text))
	}
	config := clientcredentials.Config{
		ClientID: os.Getenv("TOKENWRIGHT_CLIENT_ID"), ClientSecret: secret, TokenURL: os.Getenv("TOKENWRIGHT_URL") + "/oauth/token",
		AuthStyle: oauth2.AuthStyleInHeader, // the default would send each refused request twice
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return config.Token(ctx)
}

// freshToken is one access token for all, always fresh.
type freshToken struct {
	mu       sync.Mutex
	coming   *coming // the exchange that is on its way
	token    string
	due, end time.Time
	err      error     // why the last exchange failed,
	quiet    time.Time // and until when there is no other
}

type coming struct {
	done  chan struct{}
	token string
	err   error
}

// get returns a token, but not the refused one. One caller has it renewed; the
// old one is used while it lives.
func (f *freshToken) get(ctx context.Context, refused string) (string, error) {
	f.mu.Lock()
	now := time.Now()
	if f.token == refused || !now.Before(f.end) {
		f.token = ""
	}
	if f.coming == nil && !now.Before(f.quiet) && (f.token == "" || !now.Before(f.due)) {
		f.coming = &coming{done: make(chan struct{})}
		go f.renew(f.coming)
	}
	token, err, coming := f.token, f.err, f.coming
	f.mu.Unlock()
	switch {
	case token != "":
		return token, nil
	case coming == nil:
		return "", err
	}
	select {
	case <-coming.done:
		return coming.token, coming.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

func (f *freshToken) renew(c *coming) {
	began := time.Now()
	answer, err := exchange()
	f.mu.Lock()
	defer f.mu.Unlock()
	defer close(c.done)
	f.coming, f.err, c.err = nil, err, err
	if err != nil {
		pause := 2*time.Second + rand.N(4*time.Second)
		if refusal := (*oauth2.RetrieveError)(nil); errors.As(err, &refusal) && refusal.ErrorCode != "temporarily_unavailable" && refusal.ErrorCode != "" {
			pause = time.Minute // what is refused is refused again
		}
		f.quiet = time.Now().Add(pause)
		return
	}
	life := answer.Expiry.Sub(began)
	f.token, f.end = answer.AccessToken, answer.Expiry
	f.due = began.Add(time.Duration((0.75 + rand.Float64()/10) * float64(life))) // not all processes at once
	c.token = answer.AccessToken
}

// transport sends requests with a token, and once more what is answered 401
// invalid_token: tokens can be revoked. It is for one API: what redirects to
// another host would get the token too, so the client below follows none.
type transport struct{ token freshToken }

func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	token, err := t.token.get(r.Context(), "")
	if err != nil {
		return nil, err
	}
	response, err := t.send(r, token)
	if err != nil || response.StatusCode != http.StatusUnauthorized || r.Body != nil ||
		!strings.Contains(response.Header.Get("WWW-Authenticate"), `error="invalid_token"`) {
		return response, err
	}
	response.Body.Close()
	if token, err = t.token.get(r.Context(), token); err != nil {
		return nil, err
	}
	return t.send(r, token)
}

func (t *transport) send(r *http.Request, token string) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+token)
	return http.DefaultTransport.RoundTrip(r)
}

func main() {
	client := &http.Client{
		Transport: &transport{}, Timeout: 20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	var calls sync.WaitGroup
	var failed atomic.Bool
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		path := lines.Text()
		calls.Go(func() {
			if err := call(client, path); err != nil {
				fmt.Fprintf(os.Stderr, "%s: %v\n", path, err)
				failed.Store(true)
			}
		})
	}
	calls.Wait()
	if failed.Load() {
		os.Exit(1)
	}
}

func call(client *http.Client, path string) error {
	response, err := client.Get(os.Getenv("API_URL") + path)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil { // yours to use
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", response.StatusCode)
	}
	fmt.Printf("%d %s\n", response.StatusCode, path)
	return nil
}
