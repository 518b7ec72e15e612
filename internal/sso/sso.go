// Package sso signs people in at a provider of single sign-on, by OpenID Connect:
// the authorization code flow with PKCE (OpenID Connect Core section 3.1, RFC 7636).
//
// It owns the protocol and its checks, and says who somebody is. Whether they may
// come in is not its matter; nor are cookies and pages: whoever calls it keeps an
// Attempt, out of everybody's reach, until the browser comes back.
package sso

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/authority"
)

// Config is a provider as operators set it up.
type Config struct {
	Name         string // of a-z, 0-9 and -: in URLs, sessions and events
	Label        string // what people call it; "": the name
	Issuer       string // exactly as the provider's metadata has it
	ClientID     string // that the provider has given this installation
	ClientSecret Secret
	RedirectURL  string           // where the provider sends browsers back to, as it is registered there
	Now          func() time.Time // the clock; nil: time.Now
}

// Secret is a client secret. It prints as [secret].
type Secret string

// String implements fmt.Stringer.
func (Secret) String() string { return "[secret]" }

// Format implements fmt.Formatter, so that no verb prints the secret.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[secret]")) }

// MarshalText implements encoding.TextMarshaler: no record has the secret.
func (Secret) MarshalText() ([]byte, error) { return []byte("[secret]"), nil }

// Reveal returns the text.
func (s Secret) Reveal() string { return string(s) }

// Provider is a provider that may be asked at any time. Its metadata is read when
// it is first needed, so it may be down when a server starts.
type Provider struct {
	Config
	client *http.Client
	asking chan struct{} // holds one: whoever asks for the metadata
	known  atomic.Pointer[metadata]
	failed atomic.Pointer[failure]
}

// New returns a provider of single sign-on. Nothing is asked yet.
func New(c Config) *Provider {
	c.Label = cmp.Or(c.Label, c.Name)
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Provider{Config: c, client: newClient(), asking: make(chan struct{}, 1)}
}

// Person is whom the provider has shown in.
type Person struct {
	Identity account.Identity
	Name     string    // as the provider has it; "" where it does not say
	ProvenAt time.Time // when it last proved there who it is; zero where the provider does not say
}

// Errors of Begin and Finish. None holds what the browser or the provider has sent.
var (
	// ErrUnavailable says that the provider does not answer, or not as one does.
	ErrUnavailable = errors.New("the provider does not answer")
	// ErrAnswer says that what came back is not an answer to the attempt, or
	// cannot be believed.
	ErrAnswer = errors.New("the answer cannot be believed")
	// ErrNotFresh says that it was not proven anew who somebody is.
	ErrNotFresh = errors.New("the provider does not say that somebody has signed in anew")
)

// RefusedError says that the provider has said no.
type RefusedError struct {
	Code string // a registered error code, or "other"
}

// Error implements error.
func (e *RefusedError) Error() string { return "the provider has refused: " + e.Code }

// codes are those of RFC 6749 sections 4.1.2.1 and 5.2, and of OpenID Connect Core
// section 3.1.2.6.
var codes = map[string]bool{
	"invalid_request": true, "unauthorized_client": true, "access_denied": true, "unsupported_response_type": true, "invalid_scope": true,
	"server_error": true, "temporarily_unavailable": true, "invalid_client": true, "invalid_grant": true, "unsupported_grant_type": true,
	"interaction_required": true, "login_required": true, "account_selection_required": true, "consent_required": true,
	"invalid_request_uri": true, "invalid_request_object": true, "request_not_supported": true, "request_uri_not_supported": true,
	"registration_not_supported": true,
}

// refused is the error of a code that anybody may have chosen.
func refused(code string) error {
	if !codes[code] {
		code = "other"
	}
	return &RefusedError{code}
}

// ValidName tells whether a provider may be called so: callback is taken by the
// console's own URL.
func ValidName(name string) bool {
	return name != "callback" && validName.MatchString(name)
}

var validName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)

// CheckIssuer accepts https URLs, and http ones of a loopback host. Some issuers end
// in a slash, which belongs to them.
func CheckIssuer(issuer string) error {
	return authority.CheckURL(strings.TrimSuffix(issuer, "/"))
}

// checkEndpoint accepts a URL of the metadata: nothing crosses a network in clear.
func checkEndpoint(name, text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" {
		return fmt.Errorf("its %s is no URL", name)
	}
	if err := authority.CheckURL(u.Scheme + "://" + u.Host); err != nil {
		return fmt.Errorf("its %s is neither https nor http on a loopback host", name)
	}
	return nil
}
