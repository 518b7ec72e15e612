package authority

import (
	"errors"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tokenwright/tokenwright/internal/accesstoken"
	"github.com/tokenwright/tokenwright/internal/credential"
	"github.com/tokenwright/tokenwright/internal/jose"
)

// Platform is the reserved environment of operator keys.
const Platform = "platform"

// MaxTokenLifetime bounds every configured lifetime (C-089).
const MaxTokenLifetime = 24 * time.Hour

// reservedNames are the first path segments that surfaces use below the base URL.
var reservedNames = []string{Platform, "admin", "api", "oauth", "console", "docs", "forwardauth", "leaks", "static", "healthz", "readyz"}

// Environment is one environment: an issuer with its own signing keys.
type Environment struct {
	// Name is what credentials and the claim env say: [a-z][a-z0-9]{0,15}.
	Name string
	// Issuer is the claim iss: <base>/<name>, or an origin of its own.
	Issuer string
	// Audience is the claim aud of tokens for the environment's API.
	Audience string
	// Algorithm signs its tokens.
	Algorithm jose.Algorithm
	// RSABits is the size of new RSA keys: 2048 or 3072.
	RSABits int
	// TokenLifetime is how long its tokens live: whole seconds, at most a day.
	TokenLifetime time.Duration
	// MaxSecretAge is how long after its creation a secret works at most;
	// 0 for as long as it likes.
	MaxSecretAge time.Duration
}

// Validate checks an environment that is not the platform.
func (e *Environment) Validate() error {
	if !credential.ValidEnv(e.Name) { // issuer and audience may follow from it
		return errors.Join(invalid("environments", "has the name %q, which is not of the form [a-z][a-z0-9]{0,15}", e.Name), e.validateTimes())
	}
	var name error
	if slices.Contains(reservedNames, e.Name) {
		name = invalid("environments", "has the name %q, which is reserved", e.Name)
	}
	return errors.Join(name, e.validate())
}

// validate returns all that is wrong, but for the name.
func (e *Environment) validate() error {
	var problems []error
	if err := CheckURL(e.Issuer); err != nil {
		problems = append(problems, invalid("environments."+e.Name+".issuer", "%s", err))
	}
	if err := accesstoken.CheckText(e.Audience); err != nil || e.Audience == "" {
		problems = append(problems, invalid("environments."+e.Name+".audience", "is empty or has a character that cannot stand in a token"))
	}
	return errors.Join(append(problems, e.validateTimes())...)
}

func (e *Environment) validateTimes() error {
	var problems []error
	if e.TokenLifetime < time.Second || e.TokenLifetime > MaxTokenLifetime || e.TokenLifetime%time.Second != 0 {
		problems = append(problems, invalid("environments."+e.Name+".token_lifetime", "is not a number of whole seconds from 1s to %s", MaxTokenLifetime))
	}
	if e.MaxSecretAge != 0 && e.MaxSecretAge < time.Hour {
		problems = append(problems, invalid("environments."+e.Name+".max_secret_age", "is less than 1h"))
	}
	return errors.Join(problems...)
}

// environmentIndex finds an environment by its name, or returns -1.
func environmentIndex(environments []Environment, name string) int {
	return slices.IndexFunc(environments, func(e Environment) bool { return e.Name == name })
}

// CheckURL accepts what an issuer, a base URL or a resource may be: an absolute
// https URL, or http on a loopback host, with no user, query or fragment and
// no slash at the end (RFC 8414 2, RFC 8707 2).
func CheckURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "" || u.Opaque != "":
		return &InvalidError{Field: "URL", Reason: "is not absolute"}
	case !nameOrAddress(u.Hostname()):
		return &InvalidError{Field: "URL", Reason: "has a host that is no name and no address"}
	case u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())):
		return &InvalidError{Field: "URL", Reason: "is neither https nor http on a loopback host"}
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || strings.Contains(text, "#"):
		return &InvalidError{Field: "URL", Reason: "has a user, a query or a fragment"}
	case strings.HasSuffix(text, "/"):
		return &InvalidError{Field: "URL", Reason: "ends in a slash"}
	case len(text) > 256 || accesstoken.CheckText(text) != nil || strings.Contains(text, " "):
		return &InvalidError{Field: "URL", Reason: "is too long or has a character that cannot stand in a token"}
	}
	return nil
}

// nameOrAddress tells whether a host can be one: a placeholder such as <host> cannot,
// which would stand in every token.
func nameOrAddress(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	return !strings.ContainsFunc(host, func(r rune) bool { return notWordCharacter(r) && r != '.' })
}

func loopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && address.IsLoopback()
}

// HostOf is host and port of a URL as requests name them in Host: in lower
// case, and without the port where it is the scheme's own.
func HostOf(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(strings.ToLower(u.Host), map[string]string{"https": ":443", "http": ":80"}[u.Scheme])
}
