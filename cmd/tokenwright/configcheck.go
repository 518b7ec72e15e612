package main

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/credential"
	"github.com/tokenwright/tokenwright/internal/server"
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
		problems = append(problems, named("server", authority.CheckURL(c.Server)))
	}
	if c.URL != "" { // else it comes from the listener, once that is bound
		problems = append(problems, c.checkURL())
	}
	return errors.Join(problems...)
}

// checkValues checks what is one value of a kind or of a range. Each message begins with
// the name of the setting.
func (c *Config) checkValues() error {
	_, embedded := c.embedded()
	var problems []error
	for _, check := range []struct {
		wrong bool
		what  string
	}{
		{!isAddress(c.Listen), "listen is host and port, such as 127.0.0.1:8080 or :8080"},
		{c.MetricsListen != "off" && !isAddress(c.MetricsListen), "metrics_listen is host and port, such as 127.0.0.1:9464, or off"},
		{c.MetricsListen == c.Listen && !strings.HasSuffix(c.Listen, ":0"), "metrics_listen is the address of listen; each needs one of its own"},
		{!embedded && !c.onPostgres(), "database is sqlite:<path> or postgres://user@host/database"},
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

// isAddress tells whether a listener can be asked for at address; whether a name is known,
// nobody is asked.
func isAddress(address string) bool {
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	return err == nil
}

func (c *Config) trustedProxies() ([]netip.Prefix, error) {
	list, err := authority.ParseCIDRs(strings.FieldsFunc(c.TrustedProxies, func(r rune) bool { return r == ',' || r == ' ' }))
	return list, named("trusted_proxies", err)
}

// named is what the domain says of a value, under the name that the value has here.
func named(name string, err error) error {
	if invalid, ok := errors.AsType[*authority.InvalidError](err); ok {
		return errors.New(name + " " + invalid.Reason)
	}
	return err
}

// authority is what the configuration says to the domain, but for what only
// servers know.
func (c *Config) authority() authority.Config {
	return authority.Config{
		MaxStaleness: c.MaxStaleness, JWKSMaxAge: c.JWKSMaxAge, ClockSkew: c.ClockSkew, SigningKeyRotation: time.Duration(c.SigningKeyRotation),
		UsageRetention: time.Duration(c.UsageRetention), LeakGrace: c.LeakGrace,
	}
}

// certificate reads the TLS certificate of those who serve; nil where there is none.
func (c *Config) certificate() (*server.Certificate, error) {
	if err := c.checkTLS(); err != nil || c.TLSCertFile == "" {
		return nil, err
	}
	certificate, err := server.LoadCertificate(c.TLSCertFile, c.TLSKeyFile)
	if err != nil {
		return nil, fmt.Errorf("tls_cert_file and tls_key_file: %w", err)
	}
	return certificate, nil
}

// checkExposure refuses to send over a network in clear what clients send; why says what
// that would be, and what to do.
func (c *Config) checkExposure(address netip.Addr, why string) error {
	if address.IsLoopback() || c.TLSCertFile != "" || strings.HasPrefix(c.URL, "https://") {
		return nil
	}
	return fmt.Errorf("refusing to listen on %s without TLS: %s", c.Listen, why)
}

// checkConfiguredExposure is checkExposure before anything listens, where the address can
// be told without asking for a name.
func (c *Config) checkConfiguredExposure(why string) error {
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return err
	}
	address, err := netip.ParseAddr(cmp.Or(host, "::"))
	if err != nil {
		return nil
	}
	if err := c.checkExposure(address, why); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	return nil
}

// checkTLS is for those who serve: who only calls the server needs no private key.
func (c *Config) checkTLS() error {
	if (c.TLSCertFile == "") != (c.TLSKeyFile == "") {
		return errors.New("tls_cert_file and tls_key_file go together")
	}
	return nil
}

func (c *Config) checkURL() error {
	if u, err := url.Parse(c.URL); err != nil || u.Hostname() == "" || u.Path != "" {
		return errors.New("url is an origin, such as https://auth.example.com or http://localhost:8080, without a path")
	}
	return named("url", authority.CheckURL(c.URL))
}

// checkServed checks what only servers ask. Where there is no URL, of which more is told
// elsewhere, nobody knows yet whether issuers fit it.
func (c *Config) checkServed() error {
	served, check := c.served(), (*Config).environments
	if served.checkURL() != nil {
		served.URL, check = "https://auth.example.com", (*Config).ownEnvironments
	}
	_, err := check(&served)
	return errors.Join(err, served.checkTLS())
}

// below puts before each of the errors that are joined in err where it is.
func below(place string, err error) error {
	var problems []error
	for _, one := range parted(err) {
		problems = append(problems, fmt.Errorf("%s.%w", place, one))
	}
	return errors.Join(problems...)
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
	if number, err := net.LookupPort("tcp", port); err == nil { // https is one as well
		port = strconv.Itoa(number)
	}
	switch host {
	case "", "127.0.0.1", "::1", "0.0.0.0", "::":
		host = "localhost"
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}
