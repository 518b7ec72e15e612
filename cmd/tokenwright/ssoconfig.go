package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/console"
	"github.com/tokenwright/tokenwright/internal/sso"
)

// SingleSignOnConfig is a provider of single sign-on that people may sign in to the
// console at, by OpenID Connect.
type SingleSignOnConfig struct {
	// Issuer is the provider's URL, to the letter as its metadata has it, a slash at the
	// end included: https, or http on a loopback host. Users are bound to it: with
	// another one they are strangers. Required.
	Issuer string `yaml:"issuer"`
	// ClientID is what the provider calls this installation. There, register a
	// confidential client with the redirect URL <url>/console/sso/callback. Required.
	ClientID string `yaml:"client_id"`
	// ClientSecretFile holds the client secret that the provider has given this
	// installation, in one line. The variable TOKENWRIGHT_SINGLE_SIGN_ON_SECRET_<NAME>,
	// where set, goes before it: of "my-corp", TOKENWRIGHT_SINGLE_SIGN_ON_SECRET_MY_CORP.
	// Default: none; one of the two must be given.
	ClientSecretFile string `yaml:"client_secret_file,omitempty"`
	// Label is what people know the provider by, on the button "Continue with …".
	// Default: the name.
	Label string `yaml:"label,omitempty"`
}

// ssoSecretVariable holds the client secret at a provider; no two have the same,
// for names have no underscore.
func ssoSecretVariable(name string) string {
	return variableOf("TOKENWRIGHT_SINGLE_SIGN_ON_SECRET_", name)
}

// checkSingleSignOn checks what needs no secret, and asks no provider.
func (c *Config) checkSingleSignOn() error {
	issuers := map[string]string{}
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(c.SingleSignOn)) {
		p := c.SingleSignOn[name]
		other, taken := issuers[p.Issuer]
		if !sso.ValidName(name) {
			problems = append(problems, fmt.Errorf("single_sign_on: %q is not 1 to 32 characters of a-z, 0-9 and -, the first a letter or digit, nor may it be callback", name))
		} else {
			problems = append(problems, below("single_sign_on."+name, p.check()))
		}
		if taken && p.Issuer != "" { // subjects of two clients may differ, so one person could be two
			problems = append(problems, fmt.Errorf("single_sign_on.%s.issuer is that of %s", name, other))
		}
		issuers[p.Issuer] = name
	}
	return errors.Join(problems...)
}

func (p SingleSignOnConfig) check() error {
	var problems []error
	if p.Issuer == "" {
		problems = append(problems, errors.New("issuer is missing"))
	} else {
		problems = append(problems, named("issuer", sso.CheckIssuer(p.Issuer)))
	}
	if p.ClientID == "" || strings.ContainsFunc(p.ClientID, notVisible) {
		problems = append(problems, errors.New("client_id is missing, or has a blank or a character that is not ASCII"))
	}
	if p.Label != "" {
		problems = append(problems, authority.CheckName("label", p.Label))
	}
	return errors.Join(problems...)
}

// notVisible: RFC 6749 appendix A.1 allows blanks in client IDs; who has one has
// mistyped it.
func notVisible(r rune) bool { return r <= ' ' || r > '~' }

// singleSignOn are the providers of the configuration, with their secrets.
func (a *app) singleSignOn() (list []*sso.Provider, err error) {
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(a.config.SingleSignOn)) {
		p := a.config.SingleSignOn[name]
		secret, err := a.ssoSecret(name, p.ClientSecretFile)
		if err != nil {
			problems = append(problems, fmt.Errorf("single_sign_on.%s: %w", name, err))
		}
		list = append(list, sso.New(sso.Config{
			Name: name, Label: p.Label, Issuer: p.Issuer, ClientID: p.ClientID, ClientSecret: secret, RedirectURL: a.config.URL + console.SSOCallback,
		}))
	}
	return list, errors.Join(problems...)
}

// ssoSecret reads the client secret at a provider from its variable or its file.
func (a *app) ssoSecret(name, file string) (sso.Secret, error) {
	variable := ssoSecretVariable(name)
	source, text, err := a.secretText(variable, "client_secret_file", file)
	if err != nil {
		return "", err
	}
	if source == "" {
		return "", fmt.Errorf("there is no client secret; name a file with client_secret_file, or set %s", variable)
	}
	if text = strings.TrimSpace(text); text == "" || strings.ContainsFunc(text, notVisible) {
		return "", fmt.Errorf("the client secret of %s is empty, or is not one line without blanks", source)
	}
	return sso.Secret(text), nil
}
