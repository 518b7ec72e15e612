package tokenwright

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tokenwright/tokenwright/internal/line"
)

const (
	// defaultRetryFor is how long a caller waits for a server that is away.
	defaultRetryFor = 30 * time.Second
	tokenPath       = "/oauth/token"
)

// Config says which API key gets tokens from which server. Needed are one of
// URL and Issuer, ClientID, and one of the three ClientSecret fields.
//
// Each source made of it has a token of its own; nothing is shared by address,
// API key or scopes. Changing a Config does not change what was made of it.
type Config struct {
	// URL is the address of the server, such as https://auth.example.com, which
	// is asked at /oauth/token. https, or http on a loopback host. Either this or
	// Issuer.
	URL string
	// Issuer is the address of one environment, such as
	// https://auth.example.com/demo. An API key of another environment is refused
	// there.
	Issuer string

	// ClientID is the API key.
	ClientID string
	// ClientSecret is the secret of the API key. Where it is rotated, one of the
	// next two is the better choice.
	ClientSecret string
	// ClientSecretFile is the path of a file with the secret, of which a line
	// break at the end is no part. It is read before every exchange, and once
	// more where the server refuses the secret.
	ClientSecretFile string
	// ClientSecretFunc returns the secret. It is called as the file is read, by
	// one goroutine at a time, and must return when its context is done, in at
	// most 10 s. Its errors end up in those of Token: they must not hold the
	// secret.
	ClientSecretFunc func(context.Context) (string, error)

	// Scopes are what is asked for; none asks for all that the API key has.
	Scopes []string
	// Resource is the resource server that the token is for (RFC 8707 section 2);
	// "" leaves it to Scopes, or else to the environment's default.
	Resource string

	// HTTPClient sends requests; nil stands for one with a copy of
	// http.DefaultTransport, which by pings finds out within 8 s that a connection
	// of HTTP/2 is dead. Exchanges take its Transport and Timeout, but neither
	// cookies nor redirects, and end after 10 s; behind one that had no answer in
	// time the Transport's idle connections are closed, so that the next has
	// another.
	HTTPClient *http.Client
	// Logger gets a warning when the secret is about to expire, and when a renewal
	// fails that nobody waits for; nil stands for slog.Default().
	Logger *slog.Logger
	// RetryFor is how long Token waits for a server that is overloaded or away
	// (network errors, 429, 500, 502, 503, 504) when there is no token to go on
	// with. 0 stands for 30 s; a negative one allows one try.
	RetryFor time.Duration
	// AllowHTTP lets Client send access tokens over http to hosts that are not
	// loopback, where everybody on the way can read them: only inside a network
	// that you trust. Secrets are never sent like that.
	AllowHTTP bool
}

// TokenSource hands out access tokens. It is safe for concurrent use.
type TokenSource interface {
	// Token returns a token that is good for some time yet. ctx bounds the
	// waiting of this call alone. What is returned is shared, and must not be
	// changed.
	Token(ctx context.Context) (*Token, error)
}

// TokenSource returns a source of tokens, or says what is wrong with c; nothing
// is sent yet. ctx bounds what happens in the background for as long as the
// source is used: exchanges, which all callers share, and early renewal. Once it
// is done, the source hands out the token that it has, while that lives, and then
// errors that wrap the context's.
//
// Errors of Token are:
//   - what the server refused: *Error, as in errors.AsType[*Error](err);
//   - what may pass: those that wrap ErrUnavailable, some of them with an *Error;
//   - those of the caller's ctx;
//   - a secret that cannot be read, or an answer that cannot be understood.
//
// A refusal is remembered for a second, then longer, up to a minute, and answered
// at once without asking the server again; unless ClientSecretFile or
// ClientSecretFunc have another secret, for which they are asked every second.
//
// The source has one method more, Replace, as described at Transport.
func (c Config) TokenSource(ctx context.Context) (TokenSource, error) {
	s, err := c.source(ctx, c.base())
	if err != nil {
		return nil, err // and no *source that is nil
	}
	return s, nil
}

// Client returns a client that attaches tokens to its requests, as Transport
// does. What is wrong with c is the error of each request. ctx is as for
// TokenSource. Cookies, redirects and Timeout are those of HTTPClient; by default
// a request follows 10 redirects at most.
func (c Config) Client(ctx context.Context) *http.Client {
	var client http.Client
	if c.HTTPClient != nil {
		client = *c.HTTPClient
	}
	base := c.base()
	t := &Transport{Base: base, AllowHTTP: c.AllowHTTP}
	if s, err := c.source(ctx, base); err != nil {
		t.Source = brokenSource{err}
	} else {
		t.Source = s
	}
	client.Transport = t
	return &client
}

// brokenSource is that of a Config that cannot work.
type brokenSource struct{ err error }

// Token implements TokenSource.
func (s brokenSource) Token(context.Context) (*Token, error) { return nil, s.err }

// base returns what sends all requests, exchanges included. It is a transport of
// our own where none is given, for whoever changes the default one means others.
func (c *Config) base() http.RoundTripper {
	if c.HTTPClient != nil && c.HTTPClient.Transport != nil {
		return c.HTTPClient.Transport
	}
	return line.Transport()
}

func (c Config) source(ctx context.Context, base http.RoundTripper) (*source, error) {
	endpoint, err := c.endpoint()
	if err == nil {
		err = c.check()
	}
	if err != nil {
		return nil, fmt.Errorf("tokenwright: %w", err)
	}
	c.Scopes = slices.Clone(c.Scopes)
	if c.RetryFor == 0 {
		c.RetryFor = defaultRetryFor
	}
	return &source{ctx: ctx, config: &c, exchanger: newExchanger(&c, endpoint, base)}, nil
}

// endpoint is where tokens are asked for.
func (c *Config) endpoint() (string, error) {
	name, address := "URL", c.URL
	switch {
	case c.URL == "" && c.Issuer == "":
		return "", errors.New("neither URL nor Issuer is given")
	case c.URL != "" && c.Issuer != "":
		return "", errors.New("both URL and Issuer are given")
	case c.URL == "":
		name, address = "Issuer", c.Issuer
	}
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Hostname() == "" || u.User != nil || strings.ContainsAny(address, "?#"): // an empty one would take the path in
		return "", fmt.Errorf("%s is not the URL of a host, without query, user and fragment", name)
	case u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())):
		return "", fmt.Errorf("%s is not https, nor http on a loopback host", name)
	}
	return strings.TrimSuffix(address, "/") + tokenPath, nil
}

func (c *Config) check() error {
	given := 0
	for _, is := range []bool{c.ClientSecret != "", c.ClientSecretFile != "", c.ClientSecretFunc != nil} {
		if is {
			given++
		}
	}
	switch {
	case c.ClientID == "":
		return errors.New("ClientID is not given")
	case given == 0:
		return errors.New("none of ClientSecret, ClientSecretFile and ClientSecretFunc is given")
	case given > 1:
		return errors.New("more than one of ClientSecret, ClientSecretFile and ClientSecretFunc are given")
	}
	for i, scope := range c.Scopes {
		if !isScope(scope) {
			return fmt.Errorf("item %d of Scopes is not one scope", i)
		}
	}
	if c.Resource != "" { // RFC 8707 2
		if u, err := url.Parse(c.Resource); err != nil || !u.IsAbs() || strings.Contains(c.Resource, "#") {
			return errors.New("the Resource is not an absolute URL without fragment")
		}
	}
	return nil
}

// isScope tells whether text is a scope-token (RFC 6749 3.3).
func isScope(text string) bool {
	for i := range len(text) {
		if b := text[i]; b <= ' ' || b >= 0x7f || b == '"' || b == '\\' {
			return false
		}
	}
	return text != ""
}

// isLoopback tells whether what is sent to host stays on the machine.
func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback() || host == "localhost" || strings.HasSuffix(host, ".localhost") // RFC 6761 6.3
}
