package tokenwright

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	"github.com/tokenwright/tokenwright/internal/line"
)

const (
	// tryLimit is how long one exchange may take.
	tryLimit = 10 * time.Second
	// maxAnswerSize is in bytes (C-259).
	maxAnswerSize = 1 << 20
)

// exchanger sends client ID and secret, and reads what comes back.
type exchanger struct {
	config   *Config
	endpoint string
	client   *http.Client
	agent    string // User-Agent
	line     line.Line
}

func newExchanger(c *Config, endpoint string, base http.RoundTripper) *exchanger {
	client := &http.Client{
		Transport: base,
		// A secret is for one address (C-255).
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if c.HTTPClient != nil {
		client.Timeout = c.HTTPClient.Timeout
	}
	return &exchanger{config: c, endpoint: endpoint, client: client, agent: "tokenwright-go/" + version()}
}

// version is that of this module in the program around it.
func version() string {
	const module = "github.com/tokenwright/tokenwright"
	info, ok := debug.ReadBuildInfo()
	if ok && info.Main.Path == module && info.Main.Version != "" {
		return strings.Trim(info.Main.Version, "()")
	}
	if ok {
		for _, m := range info.Deps {
			if m.Path == module {
				return m.Version
			}
		}
	}
	return "devel"
}

// exchange asks once for a token.
func (x *exchanger) exchange(ctx context.Context, secret string) (*Token, error) {
	x.line.Begin(x.client)
	token, err := x.ask(ctx, secret)
	x.line.End(err)
	return token, err
}

// ask is RFC 6749 4.4.
func (x *exchanger) ask(ctx context.Context, secret string) (*Token, error) {
	ctx, cancel := context.WithTimeout(ctx, tryLimit)
	defer cancel()
	began := time.Now()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, x.endpoint, strings.NewReader(x.form(secret)))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", x.agent)
	resp, err := x.client.Do(r)
	if err != nil {
		return nil, x.unreachable(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswerSize+1))
	if err != nil {
		return nil, x.unreachable(err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, refusal(resp, body, secret)
	}
	token, err := x.read(resp, body, began)
	if err != nil {
		return nil, fmt.Errorf("reading the answer of the token endpoint: %w", err)
	}
	return token, nil
}

// form is the body of the request. There and not in a header the secret stands
// because headers are what proxies and traces write down.
func (x *exchanger) form(secret string) string {
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {x.config.ClientID}, "client_secret": {secret}}
	if len(x.config.Scopes) > 0 {
		form.Set("scope", strings.Join(x.config.Scopes, " "))
	}
	if x.config.Resource != "" {
		form.Set("resource", x.config.Resource)
	}
	return form.Encode()
}

// unreachable is for an answer that has not come whole. Only a certificate that
// is not the server's stays so.
func (x *exchanger) unreachable(err error) error {
	var certificate *tls.CertificateVerificationError
	if errors.As(err, &certificate) {
		return err
	}
	return unavailable(err)
}

func (x *exchanger) read(resp *http.Response, body []byte, began time.Time) (*Token, error) {
	if len(body) > maxAnswerSize {
		return nil, fmt.Errorf("it is larger than %d bytes", maxAnswerSize)
	}
	if !isJSON(resp.Header) {
		return nil, fmt.Errorf("its Content-Type is not application/json, but %q", printable(resp.Header.Get("Content-Type")))
	}
	token, err := parseToken(string(body), began)
	if err != nil {
		return nil, err
	}
	if token.Scopes == nil { // RFC 6749 5.1: as requested
		token.Scopes = x.config.Scopes
	}
	token.SecretExpires, _ = time.Parse(time.RFC3339, resp.Header.Get("Tokenwright-Secret-Expires")) // zero where it is none
	return token, nil
}

func isJSON(h http.Header) bool {
	media, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	return err == nil && media == "application/json"
}

func (c *Config) logger() *slog.Logger {
	if c.Logger == nil {
		return slog.Default()
	}
	return c.Logger
}
