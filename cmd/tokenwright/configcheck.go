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
	if _, err := c.trustedProxies(); err != nil {
		return err
	}
	switch {
	case !strings.HasPrefix(c.Database, "sqlite:") && !c.onPostgres():
		return errors.New("database is sqlite:<path> or postgres://user@host/database")
	case c.DatabaseConnections < 2:
		return errors.New("database_connections is at least 2")
	case c.TokenLimit < 0 || c.TokenLimit > maxLimit || c.FailureLimit < 0 || c.FailureLimit > maxLimit:
		return errors.New("token_limit and failure_limit are 0 to 1000000000")
	case c.LogFormat != "json" && c.LogFormat != "text":
		return errors.New("log_format is json or text")
	case !slices.Contains([]string{"debug", "info", "warn", "error"}, c.LogLevel):
		return errors.New("log_level is debug, info, warn or error")
	case !credential.ValidPrefix(c.Prefix):
		return errors.New("prefix is a lower-case letter and up to seven letters or digits")
	case c.MerchantIDs != string(authority.MerchantNumbers) && c.MerchantIDs != string(authority.MerchantText):
		return errors.New("merchant_ids is number or text")
	case c.MaxStaleness < time.Second:
		return errors.New("max_staleness is at least 1s")
	case c.JWKSMaxAge <= 0 || c.ClockSkew <= 0:
		return errors.New("jwks_max_age and clock_skew are at least 1s")
	case time.Duration(c.UsageRetention) < day || time.Duration(c.UsageRetention)%day != 0:
		return errors.New("usage_retention is a number of days, such as 400d")
	case c.AdminLimit < 0:
		return errors.New("admin_limit is 0 (no limit) or more")
	case c.LeakGrace < 0 || c.LeakGrace > authority.MaxLeakGrace:
		return errors.New("leak_grace is 0 to 24h")
	case c.ShutdownDelay < 0 || c.ShutdownDelay > 5*time.Minute:
		return errors.New("shutdown_delay is 0 to 5m")
	case len(c.Environments) == 0:
		return errors.New("environments: there must be at least one")
	}
	times := c.authority()
	if err := times.CheckSigningKeyTimes(); err != nil {
		return err
	}
	if c.Server != "" {
		if err := authority.CheckURL(c.Server); err != nil {
			return fmt.Errorf("server: %w", err)
		}
	}
	if err := c.checkForwardAuth(); err != nil {
		return err
	}
	if err := errors.Join(c.checkWebhooks(), c.checkMail()); err != nil {
		return err
	}
	if err := c.checkSingleSignOn(); err != nil {
		return err
	}
	if c.URL == "" {
		return nil // from the listener, once it is bound
	}
	return c.checkURL()
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
