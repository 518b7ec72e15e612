package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/credential"
)

// complete fills in what follows from other values, and checks the rest.
func (c *Config) complete() error {
	if c.Data == "" {
		c.Data = "tokenwright-data"
		if path, ok := c.embedded(); ok {
			c.Data = filepath.Dir(path)
		}
	}
	if c.Database == "" {
		c.Database = "sqlite:" + filepath.Join(c.Data, "tokenwright.db")
	}
	_, proxies := c.trustedProxies()
	times := c.authority()
	problems := []error{proxies, c.checkValues(), times.CheckSigningKeyTimes(), c.checkForwardAuth(), c.checkWebhooks(), c.checkMail(), c.checkSingleSignOn()}
	if c.Server != "" {
		if err := authority.CheckURL(c.Server); err != nil {
			problems = append(problems, fmt.Errorf("server: %w", err))
		}
	}
	if c.URL != "" { // else it comes from the listener, once that is bound
		problems = append(problems, c.checkURL())
	}
	return errors.Join(problems...)
}

// checkValues checks what is one value of a kind or of a range. Each message begins with
// the name of the setting.
func (c *Config) checkValues() error {
	var problems []error
	for _, check := range []struct {
		wrong bool
		what  string
	}{
		{!strings.HasPrefix(c.Database, "sqlite:") && !c.onPostgres(), "database is sqlite:<path> or postgres://user@host/database"},
		{c.DatabaseConnections < 2, "database_connections is at least 2"},
		{c.TokenLimit < 0 || c.TokenLimit > maxLimit, "token_limit is 0 to 1000000000"},
		{c.FailureLimit < 0 || c.FailureLimit > maxLimit, "failure_limit is 0 to 1000000000"},
		{c.LogFormat != "json" && c.LogFormat != "text", "log_format is json or text"},
		{!slices.Contains([]string{"debug", "info", "warn", "error"}, c.LogLevel), "log_level is debug, info, warn or error"},
		{!credential.ValidPrefix(c.Prefix), "prefix is a lower-case letter and up to seven letters or digits"},
		{c.MerchantIDs != string(authority.MerchantNumbers) && c.MerchantIDs != string(authority.MerchantText), "merchant_ids is number or text"},
		{c.MaxStaleness < time.Second, "max_staleness is at least 1s"},
		{c.JWKSMaxAge <= 0, "jwks_max_age is at least 1s"},
		{c.ClockSkew <= 0, "clock_skew is at least 1s"},
		{time.Duration(c.UsageRetention) < day || time.Duration(c.UsageRetention)%day != 0, "usage_retention is a number of days, such as 400d"},
		{c.AdminLimit < 0, "admin_limit is 0 (no limit) or more"},
		{c.LeakGrace < 0 || c.LeakGrace > authority.MaxLeakGrace, "leak_grace is 0 to 24h"},
		{c.ShutdownDelay < 0 || c.ShutdownDelay > 5*time.Minute, "shutdown_delay is 0 to 5m"},
		{len(c.Environments) == 0, "environments: there must be at least one"},
	} {
		if check.wrong {
			problems = append(problems, errors.New(check.what))
		}
	}
	return errors.Join(problems...)
}

func (c *Config) trustedProxies() ([]netip.Prefix, error) {
	list, err := authority.ParseCIDRs(strings.FieldsFunc(c.TrustedProxies, func(r rune) bool { return r == ',' || r == ' ' }))
	if invalid, ok := errors.AsType[*authority.InvalidError](err); ok {
		return nil, errors.New("trusted_proxies " + invalid.Reason)
	}
	return list, err
}

// authority is what the configuration says to the domain, but for what only
// servers know.
func (c *Config) authority() authority.Config {
	return authority.Config{
		MaxStaleness: c.MaxStaleness, JWKSMaxAge: c.JWKSMaxAge, ClockSkew: c.ClockSkew, SigningKeyRotation: time.Duration(c.SigningKeyRotation),
		UsageRetention: time.Duration(c.UsageRetention), LeakGrace: c.LeakGrace,
	}
}

// checkTLS is for those who serve: who only calls the server needs no private key.
func (c *Config) checkTLS() error {
	if (c.TLSCertFile == "") != (c.TLSKeyFile == "") {
		return errors.New("tls_cert_file and tls_key_file go together")
	}
	return nil
}

func (c *Config) checkURL() error {
	if err := authority.CheckURL(c.URL); err != nil {
		return fmt.Errorf("url: %w", err)
	}
	if u, err := url.Parse(c.URL); err != nil || u.Path != "" {
		return errors.New("url is an origin, such as https://auth.example.com, without a path")
	}
	return nil
}

// served is c with the URL that serve derives where it has none, to check what follows
// from it.
func (c *Config) served() Config {
	served := *c
	if served.URL == "" {
		served.URL = served.urlOf(served.Listen)
	}
	return served
}

// urlOf is the default URL of a server that listens on address.
func (c *Config) urlOf(address string) string {
	scheme := "http"
	if c.TLSCertFile != "" {
		scheme = "https"
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return ""
	}
	switch host {
	case "", "127.0.0.1", "::1", "0.0.0.0", "::":
		host = "localhost"
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}
