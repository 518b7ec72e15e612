package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/tokenwright/tokenwright/internal/accesstoken"
	"github.com/tokenwright/tokenwright/internal/credential"
	"github.com/tokenwright/tokenwright/internal/jose"
	"github.com/tokenwright/tokenwright/internal/strictjson"
)

func (a *app) tokenCommand() *cobra.Command {
	var scope []string
	var resource string
	get := a.command("get", "Exchange client ID and secret for an access token", func(ctx context.Context, _ []string) error {
		return a.getToken(ctx, strings.Join(scope, " "), resource)
	})
	explained(get, `Exchange client ID and secret for an access token, and print the token alone, or
with -o json the whole answer.

TOKENWRIGHT_CLIENT_ID and TOKENWRIGHT_CLIENT_SECRET (or …_SECRET_FILE) hold the API
key; TOKENWRIGHT_URL or --url the server, http://localhost:8080 by default.`,
		`tokenwright token get
tokenwright token get --url https://auth.example.com --scope customers:read
# Call an API with it.
tokenwright token get | sed 's/^/Authorization: Bearer /' | curl --header @- https://api.example.com/v2/orders`)
	get.Flags().StringArrayVar(&scope, "scope", nil, "a `scope` to ask for (default: all)")
	get.Flags().StringVar(&resource, "resource", "", "`URL` of the resource server it is for")
	a.configFlags(get.Flags(), "url")

	inspect := a.command("inspect", "Take an access token apart, offline; reads it from standard input", a.inspectToken)
	explained(inspect, `Take an access token apart and show header and claims, times in words. Nothing is
verified and nothing is sent anywhere. The token is read from standard input.`, "tokenwright token get | tokenwright token inspect")
	revoke := a.command("revoke", "Kill one access token; reads it from standard input", a.revokeToken)
	explained(revoke, `Kill one access token of your API key before it expires (RFC 7009). The token is
read from standard input, the API key from the environment as for token get. Exit
code 0 means that the token is dead, also where it was before.

To kill all tokens of an API key, use key update with --revoke-tokens.`, "echo $TOKEN | tokenwright token revoke")
	a.configFlags(revoke.Flags(), "url")
	return group("token", "Access tokens", get, inspect, a.verifyTokenCommand(), revoke)
}

// serverURL is where commands find the server.
func (a *app) serverURL() string {
	if a.config.URL != "" {
		return a.config.URL
	}
	return a.config.urlOf(a.config.Listen)
}

// httpClient trusts what the system trusts, and the server's own certificate
// where it is configured here. It never follows redirects: a secret is for one
// address (C-255).
func (a *app) httpClient() (*http.Client, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if a.config.TLSCertFile != "" {
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		pem, err := os.ReadFile(a.config.TLSCertFile)
		if err != nil {
			return nil, fmt.Errorf("reading the certificate: %w", err)
		}
		pool.AppendCertsFromPEM(pem)
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	return &http.Client{Transport: askingServer{transport}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, nil
}

// askingServer tells of a connection that was refused apart from others that are: of the
// database, or of a mail server.
type askingServer struct{ *http.Transport }

// RoundTrip implements http.RoundTripper.
func (t askingServer) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.Transport.RoundTrip(r)
	if errors.Is(err, syscall.ECONNREFUSED) {
		err = noServerThere{err}
	}
	return resp, err
}

// noServerThere says that nobody listens where a server should be.
type noServerThere struct{ error }

// Unwrap returns what the system says of it.
func (e noServerThere) Unwrap() error { return e.error }

// anotherServer says how the running command is told of another server.
func (a *app) anotherServer() string {
	flags := a.running.Flags()
	switch {
	case flags.Changed("issuer"):
		return "--issuer"
	case flags.Lookup("url") != nil:
		return "--url or TOKENWRIGHT_URL"
	}
	return "--server or TOKENWRIGHT_SERVER"
}

func (a *app) do(r *http.Request) (*http.Response, error) {
	client, err := a.httpClient()
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(r)
	var inner *url.Error
	if errors.As(err, &inner) {
		return nil, fmt.Errorf("%s: %w", r.URL, inner.Err)
	}
	return resp, err
}

func (a *app) get(ctx context.Context, address string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	return a.do(r)
}

func (a *app) getToken(ctx context.Context, scope, resource string) error {
	id, secret, err := a.clientCredentials()
	if err != nil {
		return err
	}
	answer, err := a.requestToken(ctx, tokenRequest{
		ClientID: id, ClientSecret: secret, GrantType: "client_credentials", Scope: scope, Resource: resource,
	})
	if err != nil {
		return err
	}
	return a.print(json.RawMessage(answer.raw), func(w io.Writer) { fmt.Fprintln(w, answer.accessToken) })
}

// clientCredentials are those of the API key that asks.
func (a *app) clientCredentials() (id, secret string, err error) {
	id, secret = a.environ["TOKENWRIGHT_CLIENT_ID"], a.environ["TOKENWRIGHT_CLIENT_SECRET"]
	if path := a.environ["TOKENWRIGHT_CLIENT_SECRET_FILE"]; secret == "" && path != "" {
		text, err := os.ReadFile(path)
		if err != nil {
			return "", "", fmt.Errorf("reading the client secret: %w", err)
		}
		secret = strings.TrimRight(string(text), "\r\n")
	}
	if id == "" || secret == "" {
		return "", "", usageError{"set TOKENWRIGHT_CLIENT_ID and TOKENWRIGHT_CLIENT_SECRET (or TOKENWRIGHT_CLIENT_SECRET_FILE)"}
	}
	return id, secret, nil
}

// revokeToken asks the environment of the API key, at the configured server:
// where a token says that it comes from, nobody sends a secret.
func (a *app) revokeToken(ctx context.Context, _ []string) error {
	id, secret, err := a.clientCredentials()
	if err != nil {
		return err
	}
	token, err := a.readToken()
	if err != nil {
		return err
	}
	prefix, _, _ := strings.Cut(id, "c_")
	format := credential.Format{Prefix: prefix}
	own, err := format.ParseID(id)
	if err != nil {
		return errors.New("TOKENWRIGHT_CLIENT_ID is no client ID")
	}
	// An endpoint answers as if it had revoked what it does not know, or must not (RFC
	// 7009 2.2).
	_, claims, err := parseToken(token)
	if err == nil {
		if _, bad := format.ParseID(claims.ClientID); bad != nil { // it shall stand in a command to be typed
			err = errors.New("its client_id is none of this installation")
		}
	}
	if err != nil {
		return fmt.Errorf("%w; nothing was revoked", notAToken(err))
	}
	if claims.ClientID != id {
		return fmt.Errorf("the access token is of another API key, %s: revoke it with that one, or end all of its tokens: tokenwright key update %[1]s --revoke-tokens",
			claims.ClientID)
	}
	form := url.Values{"token": {token}, "client_id": {id}, "client_secret": {secret}}.Encode()
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	var answer *oauthAnswer
	for _, path := range []string{"/" + own.Env + "/oauth/revoke", "/oauth/revoke"} { // the second at a host of the environment's own
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, a.serverURL()+path, strings.NewReader(form))
		if err != nil {
			return err
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if answer, err = a.exchange(r); err != nil {
			return fmt.Errorf("revoking the token: %w", err)
		}
		if answer.status != http.StatusNotFound {
			break
		}
	}
	if err := answer.refusal(); err != nil {
		return err
	}
	return a.print(map[string]any{"revoked": true}, func(w io.Writer) { fmt.Fprintln(w, "Revoked.") })
}

// tokenRequest is the JSON body of the guide.
type tokenRequest struct {
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
	GrantType    string `json:"grant_type"`
	Scope        string `json:"scope,omitempty"`
	Resource     string `json:"resource,omitempty"`
}

type tokenAnswer struct {
	raw         []byte
	accessToken string
}

// requestToken asks the common token endpoint of the server.
func (a *app) requestToken(ctx context.Context, body tokenRequest) (*tokenAnswer, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	data, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, a.serverURL()+"/api/oauth/token", bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := a.exchange(r)
	if err != nil {
		return nil, fmt.Errorf("asking for a token: %w", err)
	}
	if err := answer.refusal(); err != nil {
		return nil, err
	}
	if answer.text("access_token") == "" {
		return nil, fmt.Errorf("the answer of %s has no access_token", r.URL)
	}
	return &tokenAnswer{raw: answer.raw, accessToken: answer.text("access_token")}, nil
}

// oauthAnswer is what an OAuth endpoint, or something in front of it, has answered: a
// JSON object.
type oauthAnswer struct {
	from   string // URL
	status int
	raw    []byte
	object strictjson.Object
}

func (a *app) exchange(r *http.Request) (*oauthAnswer, error) {
	resp, err := a.do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	answer := &oauthAnswer{from: r.URL.String(), status: resp.StatusCode}
	if answer.raw, err = io.ReadAll(io.LimitReader(resp.Body, 1<<20)); err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	if answer.object, err = strictjson.ParseObject(string(answer.raw)); err != nil {
		return nil, fmt.Errorf("the answer of %s (status %d) is no token answer", r.URL, resp.StatusCode)
	}
	return answer, nil
}

func (o *oauthAnswer) text(name string) string {
	v, _ := o.object.Get(name)
	s, _ := v.Text()
	return s
}

// refusal is the error that was answered, if one was: of an OAuth endpoint (RFC 6749
// 5.2), of a server that waits for its database, or of a proxy.
func (o *oauthAnswer) refusal() error {
	switch code, message := o.text("error"), o.text("message"); {
	case o.status == http.StatusOK:
		return nil
	case code != "":
		return errors.New(refusalText(code, o.text("error_description"), o.text("error_uri")))
	case message != "":
		return fmt.Errorf("the answer of %s is %d: %s", o.from, o.status, message)
	default:
		return fmt.Errorf("the answer of %s is %d, and does not say why", o.from, o.status)
	}
}

// refusalText is how an error of an OAuth endpoint is shown, of which only the code is
// always there.
func refusalText(code, description, uri string) string {
	text := code
	if description != "" {
		text += ": " + description
	}
	if uri != "" {
		text += "\n  " + uri
	}
	return text
}

// readToken reads an access token from standard input.
func (a *app) readToken() (string, error) {
	if bool(styleOf(a.stdout, a.environ)) && isTerminal(a.stdin) {
		fmt.Fprintln(a.stderr, "Paste the token, then end with Enter and Ctrl-D.")
	}
	text, err := io.ReadAll(io.LimitReader(a.stdin, jose.MaxTokenSize+1024))
	if err != nil {
		return "", fmt.Errorf("reading the token: %w", err)
	}
	token := strings.TrimSpace(string(text))
	if token == "" {
		return "", errors.New("there is no token on standard input; if another command was to send one, it says why it has not")
	}
	return token, nil
}

// parseToken takes an access token apart; message is there without claims where its
// payload is that of another kind of token.
func parseToken(token string) (message *jose.Message, claims *accesstoken.Claims, err error) {
	if message, err = jose.Parse(token); err == nil {
		claims, err = accesstoken.Parse(string(message.Payload))
	}
	return message, claims, err
}

func notAToken(err error) error { return fmt.Errorf("that is no access token: %w", err) }

func (a *app) inspectToken(_ context.Context, _ []string) error {
	token, err := a.readToken()
	if err != nil {
		return err
	}
	message, claims, claimsErr := parseToken(token)
	if message == nil {
		return notAToken(claimsErr)
	}
	header, _, _ := strings.Cut(token, ".")
	rawHeader, err := jose.DecodeBase64(header)
	if err != nil {
		return err
	}
	out := map[string]json.RawMessage{"header": rawHeader, "payload": message.Payload}
	if !json.Valid(message.Payload) {
		return notAToken(errors.New("its payload is not JSON"))
	}
	return a.print(out, func(w io.Writer) {
		describeToken(w, styleOf(a.stdout, a.environ), rawHeader, message, claims, claimsErr, time.Now())
	})
}

func isTerminal(r io.Reader) bool {
	f, ok := r.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// describeToken prints header and claims, times in words.
func describeToken(w io.Writer, s style, header []byte, m *jose.Message, c *accesstoken.Claims, problem error, now time.Time) {
	fmt.Fprintln(w, s.bold("Header"))
	fmt.Fprintln(w, indented(header))
	fmt.Fprintln(w, s.bold("Payload"))
	fmt.Fprintln(w, indented(m.Payload))
	if problem != nil {
		fmt.Fprintf(w, "It is not shaped like an access token of Tokenwright: %s\n", problem)
		return
	}
	fmt.Fprintln(w, s.bold("In words"))
	row(w, "  signed by", c.Issuer+" with "+string(m.Algorithm)+" (not verified here)")
	row(w, "  for", c.Audience)
	row(w, "  API key", c.ClientID)
	if c.MerchantID.Text != "" {
		row(w, "  merchant", c.MerchantID.Text+" in "+c.Env)
	} else {
		row(w, "  merchant", "none: an operator key")
	}
	row(w, "  may", strings.ReplaceAll(c.Scope, " ", ", "))
	row(w, "  issued", inWords(c.IssuedAt, now))
	row(w, "  expires", inWords(c.Expiry, now))
}

// indented shows JSON that anybody may have written: without what a terminal
// obeys (C-226).
func indented(data []byte) string {
	var b bytes.Buffer
	if err := json.Indent(&b, data, "  ", "  "); err != nil {
		b.Reset()
		b.Write(data)
	}
	return "  " + printableLines(b.String())
}

// inWords says a Unix time, and how far it is from now.
func inWords(unix int64, now time.Time) string {
	t := time.Unix(unix, 0)
	d := t.Sub(now).Round(time.Second)
	switch {
	case d == 0:
		return when(t) + ", just now"
	case d < 0:
		return when(t) + ", " + (-d).String() + " ago"
	}
	return when(t) + ", in " + d.String()
}
