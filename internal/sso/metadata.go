package sso

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

const (
	// metadataLife is for how long metadata and keys are believed: a provider that
	// has withdrawn a key is obeyed after that, without anybody's doing.
	metadataLife = time.Hour
	// failureLife is for how long nobody asks again after the provider has not
	// answered, so that a crowd at the sign-in page does not wait in a row.
	failureLife = 2 * time.Second
	// askTimeout is for one question to the provider.
	askTimeout = 3 * time.Second
	// askAtOnce is how many questions a provider has to answer at the same moment: where
	// it is slow, a crowd would else make as many connections as it has people.
	askAtOnce = 16
	// answerLimit is the size of an answer at most, in bytes.
	answerLimit = 1 << 20
)

// metadata is what a provider says of itself, made ready.
type metadata struct {
	at       time.Time
	verifier *oidc.IDTokenVerifier
	oauth    oauth2.Config
	namesIss bool // its answers name their issuer (RFC 9207)
}

type failure struct {
	at  time.Time
	err error
}

// discovered returns the metadata, which one at a time asks for. Where it is old
// and cannot be had anew, the old one is good enough.
func (p *Provider) discovered(ctx context.Context) (*metadata, error) {
	if m, err := p.remembered(); m != nil || err != nil {
		return m, err
	}
	select {
	case p.asking <- struct{}{}:
		defer func() { <-p.asking }()
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %v", ErrUnavailable, ctx.Err())
	}
	if m, err := p.remembered(); m != nil || err != nil { // somebody else has asked meanwhile
		return m, err
	}
	m, err := p.discover(ctx)
	if err == nil {
		p.known.Store(m)
		return m, nil
	}
	err = fmt.Errorf("%w: %v", ErrUnavailable, err)
	p.failed.Store(&failure{p.Now(), err})
	if old := p.known.Load(); old != nil {
		return old, nil
	}
	return nil, err
}

// remembered is what need not be asked for again: metadata, an error, or neither.
func (p *Provider) remembered() (*metadata, error) {
	m, f, now := p.known.Load(), p.failed.Load(), p.Now()
	lately := f != nil && now.Sub(f.at) < failureLife
	switch {
	case m != nil && (lately || now.Sub(m.at) < metadataLife):
		return m, nil
	case lately:
		return nil, f.err
	}
	return nil, nil
}

// discover asks for the metadata (OpenID Connect Discovery section 4). A browser
// that goes away does not end it: others wait for the answer.
func (p *Provider) discover(ctx context.Context) (*metadata, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askTimeout)
	defer cancel()
	known, err := oidc.NewProvider(oidc.ClientContext(ctx, p.client), p.Issuer)
	if err != nil {
		return nil, explained(err)
	}
	var more struct {
		KeySet      string   `json:"jwks_uri"`
		AuthMethods []string `json:"token_endpoint_auth_methods_supported"`
		NamesIss    bool     `json:"authorization_response_iss_parameter_supported"`
	}
	if err := known.Claims(&more); err != nil {
		return nil, errors.New("its metadata cannot be read")
	}
	endpoint := known.Endpoint()
	endpoint.AuthStyle = oauth2.AuthStyleInHeader // the default (OpenID Connect Discovery section 3)
	if more.AuthMethods != nil && !slices.Contains(more.AuthMethods, "client_secret_basic") {
		endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	err = errors.Join(checkEndpoint("authorization_endpoint", endpoint.AuthURL), checkEndpoint("token_endpoint", endpoint.TokenURL), checkEndpoint("jwks_uri", more.KeySet))
	return &metadata{
		at: p.Now(), namesIss: more.NamesIss,
		verifier: known.Verifier(&oidc.Config{ClientID: p.ClientID, Now: p.Now}),
		oauth: oauth2.Config{
			ClientID: p.ClientID, ClientSecret: p.ClientSecret.Reveal(), Endpoint: endpoint, RedirectURL: p.RedirectURL,
			Scopes: []string{oidc.ScopeOpenID, oidc.ScopeProfile}, // no e-mail address: nobody is known by it
		},
	}, err
}

// explained is an error of the provider for the log: without what it has sent.
func explained(err error) error {
	var mismatch *oidc.IssuerMismatchError
	var failed *url.Error
	switch {
	case errors.As(err, &mismatch):
		return errors.New("its metadata names another issuer; the configured one must be the same to the letter")
	case errors.As(err, &failed):
		return failed.Err
	}
	return errors.New("what it answers is no metadata")
}

// newClient returns the client that asks a provider. No answer is followed
// elsewhere, or read without end.
func newClient() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxResponseHeaderBytes = 64 << 10
	transport.MaxConnsPerHost = askAtOnce // more of them wait, for askTimeout
	return &http.Client{
		Timeout:       askTimeout,
		Transport:     bounded{transport},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// bounded lets answers be so long at most, and documents come with 200 or not at
// all: whoever reads them would put the rest into an error.
type bounded struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if r.Method == http.MethodGet && resp.StatusCode != http.StatusOK {
		_ = resp.Body.Close()
		return nil, errors.New("it answers with status " + strconv.Itoa(resp.StatusCode))
	}
	resp.Body = &limited{resp.Body, answerLimit}
	return resp, nil
}

// limited is a body that ends in an error where it is too long.
type limited struct {
	io.ReadCloser
	left int64
}

// Read implements io.Reader.
func (l *limited) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, errors.New("the answer is too long")
	}
	n, err := l.ReadCloser.Read(p[:min(int64(len(p)), l.left)])
	l.left -= int64(n)
	return n, err
}
