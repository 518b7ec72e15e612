package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"

	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/credential"
	"github.com/tokenwright/tokenwright/internal/store"
)

// Config is the configuration of a server. Each value comes from the default,
// then the file given with --config, then the variable TOKENWRIGHT_<NAME>, then
// the flag --<name>; the last one wins. Unknown members of the file and unknown
// flags are errors, unknown TOKENWRIGHT_ variables a warning.
type Config struct {
	// URL is the origin under which clients reach the server: https, or http
	// on a loopback host. Issuers follow it, so it is fixed at first start.
	// Default: from the listen address, http://localhost:8080.
	URL string `yaml:"url" help:"origin under which clients reach the server"`
	// Listen is the address of the public listener.
	Listen string `yaml:"listen" help:"address of the public listener"`
	// MetricsListen is the address of the private listener with /metrics and
	// /debug/pprof; "off" for none.
	MetricsListen string `yaml:"metrics_listen" help:"address of the private listener for metrics; off for none"`
	// TLSCertFile and TLSKeyFile are PEM files; the server ends TLS itself
	// where both are given, and reads them again when they change.
	TLSCertFile string `yaml:"tls_cert_file" help:"PEM file with the certificate chain"`
	TLSKeyFile  string `yaml:"tls_key_file" help:"PEM file with the private key"`

	// TrustedProxies are the networks of the proxies in front, separated by
	// commas: of requests from there X-Forwarded-For says who asks. Without it
	// the header is ignored.
	TrustedProxies string `yaml:"trusted_proxies" help:"networks of the proxies in front, such as 10.0.0.0/8, whose X-Forwarded-For is believed"`

	// Server is the URL of a server that management commands act on, through its
	// admin API. Default: none, they act on the database.
	Server string `yaml:"server" help:"URL of a server to manage through its admin API, instead of the database; TOKENWRIGHT_CLIENT_ID and …_SECRET hold an API key"`

	// Data is the directory of the embedded database and what belongs to it.
	// Default: where Database is, else ./tokenwright-data.
	Data string `yaml:"data" help:"data directory of the embedded database"`
	// Database is sqlite:<path>, or postgres://user@host/database for several
	// nodes. Default: tokenwright.db in Data. A password belongs into the
	// variable TOKENWRIGHT_DATABASE, the file that TOKENWRIGHT_DATABASE_FILE
	// names, or PGPASSWORD or PGPASSFILE, not into an argument.
	Database string `yaml:"database" help:"database, as sqlite:<path> or postgres://user@host/database"`
	// DatabaseConnections is how many connections a node has to PostgreSQL at
	// most, beside the one on which it hears of changes.
	DatabaseConnections int `yaml:"database_connections" help:"how many connections to PostgreSQL at most"`
	// MasterKeyFile holds the master key, base64 of 32 bytes. The variable
	// TOKENWRIGHT_MASTER_KEY, where set, goes before it. Default with the
	// embedded database: master.key in Data, which is made at the first start
	// of an empty database. With PostgreSQL it must be given.
	MasterKeyFile string `yaml:"master_key_file" help:"file that holds the master key"`
	// MaxStaleness is how long tokens are issued while the database is away.
	MaxStaleness time.Duration `yaml:"max_staleness" help:"how long to issue tokens while the database is away"`
	// JWKSMaxAge is how long verifiers may keep JWKS and metadata: 1s to 24h.
	JWKSMaxAge time.Duration `yaml:"jwks_max_age" help:"how long verifiers may keep the JWKS"`
	// ClockSkew is how far the clocks of servers and verifiers may differ: 1s
	// to 10m.
	ClockSkew time.Duration `yaml:"clock_skew" help:"how far clocks of servers and verifiers may differ"`
	// SigningKeyRotation is how often the signing key of each environment is
	// replaced by itself: a span longer than max_staleness + jwks_max_age +
	// clock_skew, or never.
	SigningKeyRotation span `yaml:"signing_key_rotation" help:"how often signing keys are replaced; never for by hand only"`

	// TokenLimit is how many tokens an API key may ask for in 5 minutes, from its
	// first request on, at each node; 0 for as many as it likes. A client that
	// keeps its token needs one in an hour.
	TokenLimit int `yaml:"token_limit" help:"how many tokens an API key may ask for in 5 minutes; 0 for as many as it likes"`
	// TokenLimitDryRun only counts what would be over the limit, in metrics and
	// log, and says nothing to clients. Default: false.
	TokenLimitDryRun bool `yaml:"token_limit_dry_run" help:"only count and log what would be over token_limit"`
	// FailureLimit is after how many failed authentications in 5 minutes further
	// ones with the same client ID are answered 429 instead of 401; ten times as
	// many for an address. Right secrets are never refused. 0 for no limit.
	FailureLimit int `yaml:"failure_limit" help:"how many failed authentications of a client ID in 5 minutes are answered 401, then 429; ten times as many of an address; 0 for all"`

	// UsageRetention is how many days the use of API keys is kept, hour by
	// hour, such as 400d; when and from where each was last used stays. One
	// that is used every hour takes about 3 KB a day.
	UsageRetention span `yaml:"usage_retention" help:"how long the use of API keys is kept, hour by hour: whole days"`

	// AdminLimit is how many requests to the admin API each API key may make in 5
	// minutes, on each node; 0 is as many as it likes.
	AdminLimit int `yaml:"admin_limit" help:"requests to the admin API per API key and 5 minutes; 0 for no limit"`
	// LeakGrace is how long a client secret works on that was reported as leaked,
	// up to 24h; its tokens die at once. 0 (default) ends it at once.
	LeakGrace time.Duration `yaml:"leak_grace" help:"how long a secret works on that was reported as leaked; 0 for not at all"`

	// SMTP is the mail server that takes the e-mails: smtp://user@host:587, which
	// is secured by STARTTLS but on a loopback host, or smtps://user@host:465. The
	// password stands elsewhere. Default: none, nobody is sent any e-mail.
	SMTP string `yaml:"smtp" help:"mail server, as smtp://user@host:587 or smtps://user@host:465; none sends no e-mail"`
	// SMTPPasswordFile holds the password of the user of SMTP. The variable
	// TOKENWRIGHT_SMTP_PASSWORD, where set, goes before it.
	SMTPPasswordFile string `yaml:"smtp_password_file" help:"file that holds the password for the mail server"`
	// MailFrom is who e-mails are from; required with SMTP.
	MailFrom string `yaml:"mail_from" help:"who e-mails are from, as auth@example.com or Tokenwright <auth@example.com>"`

	// LogFormat is json or text, LogLevel debug, info, warn or error. The log
	// goes to standard error.
	LogFormat string `yaml:"log_format" help:"json or text"`
	LogLevel  string `yaml:"log_level" help:"debug, info, warn or error"`
	// ShutdownDelay is how long /readyz says no before the server stops to
	// accept connections, for load balancers to notice.
	ShutdownDelay time.Duration `yaml:"shutdown_delay" help:"how long to be not ready before connections are refused"`

	// Prefix begins every client ID and secret. Fixed at first start.
	Prefix string `yaml:"prefix" help:"what client IDs and secrets begin with (first start only)"`
	// MerchantIDs is number or text. Fixed at first start.
	MerchantIDs string `yaml:"merchant_ids" help:"number or text (first start only)"`
	// Environments by name. Fixed at first start, but for audience and
	// lifetime.
	Environments map[string]EnvironmentConfig `yaml:"environments"`

	// Issuer is the one whose access tokens the command forward-auth checks; of no
	// concern to a server, as the next three.
	Issuer string `yaml:"issuer" help:"URL of the issuer whose access tokens are checked"`
	// Audience is the API that tokens must be for. Default: <issuer>/api.
	Audience string `yaml:"audience" help:"URL of the API that access tokens must be for; default <issuer>/api"`
	// MaxStale is how long tokens are accepted on old knowledge of revocations
	// while the issuer is away: at least 5s; 0 is the longest life of a token.
	MaxStale time.Duration `yaml:"max_stale" help:"how long to accept tokens while the issuer is away; default the longest life of a token"`
	// FailClosedAfter is the same limit for who would rather refuse good tokens
	// than let a revoked one pass: at least 5s; 0 is no stricter than MaxStale.
	FailClosedAfter time.Duration `yaml:"fail_closed_after" help:"refuse all tokens once the issuer is away for so long"`
	// ForwardAuth is what gateways may ask, of a server or of forward-auth.
	ForwardAuth ForwardAuthConfig `yaml:"forward_auth"`
	// Webhooks by name, of a-z, 0-9 and -: receivers that are told of events.
	Webhooks map[string]WebhookConfig `yaml:"webhooks,omitempty"`
	// SingleSignOn are the providers, by name, of a-z, 0-9 and -, that people may
	// sign in to the console at. Default: none, they have passwords.
	SingleSignOn map[string]SingleSignOnConfig `yaml:"single_sign_on,omitempty"`
}

// defaultAdminLimit lets a program manage ten thousand API keys an hour.
const defaultAdminLimit = 3000

// maxLimit keeps what is made of a limit within 64 bits, and within what headers
// may say.
const maxLimit = 1_000_000_000

func defaultConfig() Config {
	return Config{
		Listen: "127.0.0.1:8080", MetricsListen: "127.0.0.1:9464", MaxStaleness: authority.DefaultMaxStaleness,
		DatabaseConnections: store.DefaultConnections,
		JWKSMaxAge:          authority.DefaultJWKSMaxAge, ClockSkew: authority.DefaultClockSkew, SigningKeyRotation: span(90 * day),
		TokenLimit: 600, FailureLimit: 30, UsageRetention: span(authority.DefaultUsageRetention),
		AdminLimit: defaultAdminLimit,
		LogFormat:  "text", LogLevel: "info", Prefix: "tw", MerchantIDs: string(authority.MerchantNumbers),
		Environments: map[string]EnvironmentConfig{"demo": {}, "production": {}},
	}
}

// Variables that are no field of Config.
var otherVariables = []string{
	"TOKENWRIGHT_CONFIG", databaseFileVariable, "TOKENWRIGHT_MASTER_KEY", "TOKENWRIGHT_MASTER_KEY_PREVIOUS", "TOKENWRIGHT_MASTER_KEY_PREVIOUS_FILE",
	"TOKENWRIGHT_CLIENT_ID", "TOKENWRIGHT_CLIENT_SECRET", "TOKENWRIGHT_CLIENT_SECRET_FILE", smtpPasswordVariable,
}

// Fields whose flags every command has.
var everyCommand = []string{"data", "database", "master_key_file", "server"}

// Fields whose flags no command has but forward-auth and config check.
var forwardAuthOnly = []string{"issuer", "audience", "max_stale", "fail_closed_after"}

// scalar is a field of Config that a variable and a flag can set.
type scalar struct {
	name, help string
	kind       reflect.Kind
}

func scalars() []scalar {
	var list []scalar
	for f := range reflect.TypeFor[Config]().Fields() {
		if f.Tag.Get("help") != "" {
			list = append(list, scalar{f.Tag.Get("yaml"), f.Tag.Get("help"), f.Type.Kind()})
		}
	}
	return list
}

func (s scalar) variable() string { return "TOKENWRIGHT_" + strings.ToUpper(s.name) }

func (s scalar) flag() string { return strings.ReplaceAll(s.name, "_", "-") }

// set reads text into the field, as it would be read from the file.
func (c *Config) set(name, text string) error {
	t := reflect.TypeFor[Config]()
	for i := range t.NumField() {
		if t.Field(i).Tag.Get("yaml") != name {
			continue
		}
		node := yaml.Node{Kind: yaml.ScalarNode, Value: text, Style: yaml.DoubleQuotedStyle}
		field := reflect.ValueOf(c).Elem().Field(i)
		problem := errors.New("is no span of time, such as 90s or 5m") // all others are text
		switch field.Kind() {
		case reflect.Int:
			node.Style, problem = 0, errors.New("is no number")
		case reflect.Bool:
			node.Style, problem = 0, errors.New("is true or false")
		}
		if err := node.Decode(field.Addr().Interface()); err != nil {
			return problem
		}
		return nil
	}
	return errors.New("is unknown")
}

// configFlags adds the flags of the named fields; without names, of all that a
// server has and not every command.
func (a *app) configFlags(set *pflag.FlagSet, only ...string) {
	for _, s := range scalars() {
		wanted := slices.Contains(only, s.name)
		if len(only) == 0 {
			wanted = !slices.Contains(everyCommand, s.name) && !slices.Contains(forwardAuthOnly, s.name)
		}
		if wanted {
			set.String(s.flag(), "", s.help+"; "+s.variable())
			if s.kind == reflect.Bool {
				set.Lookup(s.flag()).NoOptDefVal = "true"
			}
		}
	}
}

// loadConfig brings the sources together.
func (a *app) loadConfig(flags *pflag.FlagSet) error {
	a.config = defaultConfig()
	if a.defaults != nil {
		a.defaults(&a.config)
	}
	if a.configFile == "" {
		a.configFile = a.environ["TOKENWRIGHT_CONFIG"]
	}
	if a.configFile != "" {
		if err := a.config.readFile(a.configFile); err != nil {
			return err
		}
	}
	known := slices.Clone(otherVariables)
	for name := range a.config.Webhooks {
		known = append(known, webhookSecretVariable(name))
	}
	for name := range a.config.SingleSignOn {
		known = append(known, ssoSecretVariable(name))
	}
	for _, s := range scalars() {
		known = append(known, s.variable())
		if text, ok := a.environ[s.variable()]; ok && text != "" {
			if err := a.config.set(s.name, text); err != nil {
				return fmt.Errorf("%s %w", s.variable(), err)
			}
		}
		if f := flags.Lookup(s.flag()); f != nil && f.Changed {
			if err := a.config.set(s.name, f.Value.String()); err != nil {
				return usageError{fmt.Sprintf("--%s %s", s.flag(), err)}
			}
		}
	}
	if err := a.readDatabaseURL(flags); err != nil {
		return err
	}
	for name := range a.environ {
		if strings.HasPrefix(name, "TOKENWRIGHT_") && !slices.Contains(known, name) {
			fmt.Fprintf(a.stderr, "tokenwright: warning: the variable %s is unknown%s\n", name, didYouMean(name, known))
		}
	}
	return a.config.complete()
}

func (c *Config) readFile(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("reading the configuration: %w", err)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return fmt.Errorf("reading the configuration %s: %w", path, err)
	}
	if len(doc.Content) == 0 {
		return nil
	}
	if err := checkMembers(doc.Content[0], reflect.TypeFor[Config](), ""); err != nil {
		return fmt.Errorf("the configuration %s: %w", path, err)
	}
	// Environments of the file replace the default ones, they do not join them.
	var file struct{ Environments map[string]EnvironmentConfig }
	if err := doc.Decode(&file); err == nil && file.Environments != nil {
		c.Environments = nil
	}
	if err := doc.Decode(c); err != nil {
		return fmt.Errorf("the configuration %s: %w", path, err)
	}
	return nil
}

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
