package tokenwrighttest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/accesstoken"
	"github.com/tokenwright/tokenwright/internal/credential"
	"github.com/tokenwright/tokenwright/internal/jose"
)

// Issuer is one environment of an authorization server, running inside the test.
// All methods may be called concurrently. What cannot be done as asked, such as
// a claim that no token can hold, ends the test with t.Fatalf.
type Issuer struct {
	// URL is the issuer: iss of its tokens, and what a verifier is configured
	// with. http://127.0.0.1:<port>/<environment>.
	URL string
	// BaseURL is the origin of URL: what a client is configured with.
	BaseURL string
	// TokenURL is the token endpoint. BaseURL + "/oauth/token" is it as well.
	TokenURL string
	// Audience is aud of its tokens: URL + "/api", unless WithAudience says otherwise.
	Audience string
	// Environment is env of its tokens: demo, unless WithEnvironment says otherwise.
	Environment string
	// ClientID and ClientSecret are an API key of merchant 4259 with the scope
	// customers:read. AddKey adds others.
	ClientID, ClientSecret string

	t         testing.TB
	algorithm jose.Algorithm
	lifetime  int64 // of access tokens, in seconds
	clock     func() time.Time
	foreign   func() *jose.Signer // a key that is never published; RSA keys take long to make
	handler   http.Handler
	client    *http.Client
	closed    context.Context // done when the test is over

	mu       sync.Mutex
	changed  chan struct{} // closed, and made anew, by each change
	keys     map[string]Key
	signing  signingKeys
	created  int64 // Unix seconds: generation of API keys to begin with
	known    revocations
	faults   map[Endpoint]fault
	requests map[Endpoint]int
}

// Option changes what New makes.
type Option func(*config)

type config struct {
	environment, audience string
	algorithm             string
	lifetime              time.Duration
	clock                 func() time.Time
	inProcess             bool
}

// WithEnvironment names the environment: [a-z][a-z0-9]{0,15}. Without, it is demo.
func WithEnvironment(name string) Option { return func(c *config) { c.environment = name } }

// WithAudience sets aud of tokens. Without, it is URL + "/api".
func WithAudience(audience string) Option { return func(c *config) { c.audience = audience } }

// WithAlgorithm sets what tokens are signed with: ES256, RS256, PS256 or EdDSA
// (RFC 7518 3.1, RFC 8037 3.1). Without, it is ES256.
func WithAlgorithm(name string) Option { return func(c *config) { c.algorithm = name } }

// WithLifetime sets how long access tokens live, in whole seconds. Without, it
// is one hour.
func WithLifetime(d time.Duration) Option { return func(c *config) { c.lifetime = d } }

// WithClock sets what time it is for the issuer. Give the verifier the same
// clock. Without, it is time.Now.
func WithClock(clock func() time.Time) Option { return func(c *config) { c.clock = clock } }

// InProcess has the issuer listen nowhere: only its Client reaches it. So it
// can run in a bubble of testing/synctest, where time moves by itself, which it
// does not while anything waits for a network.
func InProcess() Option { return func(c *config) { c.inProcess = true } }

// New starts an issuer that ends with the test, requests that wait at it included.
func New(t testing.TB, options ...Option) *Issuer {
	t.Helper()
	c := config{environment: "demo", algorithm: string(jose.ES256), lifetime: time.Hour, clock: time.Now}
	for _, option := range options {
		option(&c)
	}
	if !credential.ValidEnv(c.environment) {
		t.Fatalf("tokenwrighttest: %q cannot be the name of an environment", c.environment)
	}
	if c.lifetime < time.Second || c.lifetime%time.Second != 0 {
		t.Fatalf("tokenwrighttest: a token cannot live for %v", c.lifetime)
	}
	iss := &Issuer{
		Environment: c.environment, t: t, lifetime: int64(c.lifetime / time.Second), clock: c.clock,
		created: c.clock().Unix(), changed: make(chan struct{}), keys: map[string]Key{},
		known: revocations{lineage: 1}, faults: map[Endpoint]fault{}, requests: map[Endpoint]int{},
	}
	var err error
	if iss.algorithm, err = jose.ParseAlgorithm(c.algorithm); err != nil {
		t.Fatalf("tokenwrighttest: %v", err)
	}
	iss.signing, iss.foreign = signingKeys{active: iss.newSigner(), spare: iss.newSigner()}, sync.OnceValue(iss.newSigner)
	iss.listen(c.inProcess)
	iss.URL = iss.BaseURL + "/" + iss.Environment
	iss.TokenURL, iss.Audience = iss.URL+"/oauth/token", iss.URL+"/api"
	if c.audience != "" {
		iss.Audience = c.audience
	}
	key := iss.AddKey(Key{})
	iss.ClientID, iss.ClientSecret = key.ClientID, key.ClientSecret
	return iss
}

// listen makes the issuer reachable until the test is over.
func (iss *Issuer) listen(inProcess bool) {
	closed, end := context.WithCancel(context.Background())
	iss.closed, iss.handler = closed, iss.endpoints()
	if inProcess {
		iss.BaseURL, iss.client = "http://localhost", &http.Client{Transport: direct{iss.handler}}
		iss.t.Cleanup(end)
		return
	}
	server := httptest.NewServer(iss.handler)
	iss.BaseURL, iss.client = server.URL, server.Client()
	iss.t.Cleanup(func() {
		end() // before Close, which waits for requests that wait
		server.Close()
	})
}

// Client returns an HTTP client that reaches the issuer. Only where it is
// InProcess other clients do not.
func (iss *Issuer) Client() *http.Client { return iss.client }

// change is how state changes: whoever waits hears of it.
func (iss *Issuer) change(f func()) {
	iss.mu.Lock()
	defer iss.mu.Unlock()
	f()
	close(iss.changed)
	iss.changed = make(chan struct{})
}

// now is the time in Unix seconds.
func (iss *Issuer) now() int64 { return iss.clock().Unix() }

// checkText ends the test where a text could not be written into a token as it is.
func (iss *Issuer) checkText(what, text string) {
	iss.t.Helper()
	if err := accesstoken.CheckText(text); err != nil {
		iss.t.Fatalf("tokenwrighttest: %s: %v", what, err)
	}
}
