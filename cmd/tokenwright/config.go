package main

import (
	"time"

	"github.com/tokenwright/tokenwright/internal/authority"
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
