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
//
// The comments of the fields are the operators' manual: the page configuration.md
// of the documentation is written from them, a line that begins with # heads a part
// of it. A last sentence "Default: …" says what a field without a value means;
// what is quoted is written as it stands.
type Config struct {
	// # Addresses and TLS

	// URL is the origin under which clients reach the server: https, or http on a
	// loopback host, without a path. Where a proxy in front ends TLS, it is the
	// proxy's. Issuers are made of it, so it is fixed at first start: a server with
	// another one refuses the database. Default: from Listen, http://localhost:8080.
	URL string `yaml:"url" help:"origin under which clients reach the server"`
	// Listen is the address of the public listener, host and port; :8080 is every
	// address of the machine. Beyond loopback addresses it needs TLSCertFile, or an
	// https URL where a proxy in front ends TLS: without either, client secrets would
	// cross the network in clear, and the server refuses to start. For forward-auth the
	// default is 127.0.0.1:8081.
	Listen string `yaml:"listen" help:"address of the public listener"`
	// MetricsListen is the address of the private listener with /metrics and
	// /debug/pprof; "off" for none. Whoever reaches it needs no password, so keep it
	// to the machine or a private network. For forward-auth the default is
	// 127.0.0.1:9465.
	MetricsListen string `yaml:"metrics_listen" help:"address of the private listener for metrics; off for none"`
	// TLSCertFile is a PEM file with the certificate and what leads to its authority.
	// With it and TLSKeyFile the server ends TLS itself. Both are read again when they
	// change, and at SIGHUP; a pair that does not fit is logged, and the old one stays.
	// Commands that call a server trust the certificate too. Default: none, a proxy
	// ends TLS or nothing leaves the machine.
	TLSCertFile string `yaml:"tls_cert_file" help:"PEM file with the certificate chain"`
	// TLSKeyFile is the PEM file with the private key of TLSCertFile. Default: none.
	TLSKeyFile string `yaml:"tls_key_file" help:"PEM file with the private key"`
	// TrustedProxies are the networks of the proxies in front, separated by commas,
	// such as 10.0.0.0/8, 2001:db8::/32: of requests from there X-Forwarded-For says who
	// asks. Limits, events, the log and the networks of API keys (allowedCidrs) go by
	// that address. Default: none, and the header is ignored.
	TrustedProxies string `yaml:"trusted_proxies" help:"networks of the proxies in front, such as 10.0.0.0/8, whose X-Forwarded-For is believed"`

	// # A server elsewhere

	// Server is the URL of a server that management commands act on, through its
	// admin API, with the API key in TOKENWRIGHT_CLIENT_ID and
	// TOKENWRIGHT_CLIENT_SECRET. Default: none, they act on the database.
	Server string `yaml:"server" help:"URL of a server to manage through its admin API, instead of the database; TOKENWRIGHT_CLIENT_ID and …_SECRET hold an API key"`

	// # Database and master key

	// Data is the directory of the embedded database and of what belongs to it:
	// master.key and quickstart.json. Default: where Database is, else
	// ./tokenwright-data.
	Data string `yaml:"data" help:"data directory of the embedded database"`
	// Database is sqlite:<path> for the embedded database, of one server, or
	// postgres://user@host/database for several nodes. A password belongs into the
	// variable TOKENWRIGHT_DATABASE, the file that TOKENWRIGHT_DATABASE_FILE names,
	// PGPASSWORD or PGPASSFILE; in an argument it is refused. Default: tokenwright.db
	// in Data.
	Database string `yaml:"database" help:"database, as sqlite:<path> or postgres://user@host/database"`
	// DatabaseConnections is how many connections a node has to PostgreSQL at most,
	// at least 2; there are two more, on which it follows changes. Tokens need none.
	DatabaseConnections int `yaml:"database_connections" help:"how many connections to PostgreSQL at most"`
	// MasterKeyFile holds the master key, base64 of 32 bytes, such as from
	// "openssl rand -base64 32". The variable TOKENWRIGHT_MASTER_KEY, where set, goes
	// before it. Keep a copy apart from the backups of the database: without it they
	// are worth nothing. With PostgreSQL one of the two must be given. Default: master.key in Data,
	// which is made at the first start with an empty embedded database.
	MasterKeyFile string `yaml:"master_key_file" help:"file that holds the master key"`
	// MaxStaleness is how long a server issues tokens while the database is away, at
	// least 1s; then it answers 503. It is also how long, cut off from the database, it
	// may still accept what was ended elsewhere.
	MaxStaleness time.Duration `yaml:"max_staleness" help:"how long to issue tokens while the database is away"`

	// # Signing keys

	// JWKSMaxAge is how long verifiers may keep the JWKS and the metadata, as the answer
	// tells them (max-age): whole seconds from 1s to 24h.
	JWKSMaxAge time.Duration `yaml:"jwks_max_age" help:"how long verifiers may keep the JWKS"`
	// ClockSkew is how far the clocks of servers and verifiers may differ: 1s to 10m.
	// Signing keys are published for so much longer.
	ClockSkew time.Duration `yaml:"clock_skew" help:"how far clocks of servers and verifiers may differ"`
	// SigningKeyRotation is how often the signing key of each environment is replaced
	// by itself: longer than MaxStaleness, JWKSMaxAge and ClockSkew together, which is
	// how long a signing key is published before it signs; or "never", to replace them
	// by hand only.
	SigningKeyRotation span `yaml:"signing_key_rotation" help:"how often signing keys are replaced; never for by hand only"`

	// # Limits

	// TokenLimit is how many tokens an API key may ask for in 5 minutes, from its
	// first request on, at each node; 0 for as many as it likes. Over it the answer is
	// 429. A client that keeps its token needs one in an hour.
	TokenLimit int `yaml:"token_limit" help:"how many tokens an API key may ask for in 5 minutes; 0 for as many as it likes"`
	// TokenLimitDryRun only counts what would be over TokenLimit, in metrics and log,
	// and says nothing to clients: for the time before you lower the limit.
	TokenLimitDryRun bool `yaml:"token_limit_dry_run" help:"only count and log what would be over token_limit"`
	// FailureLimit is after how many failed authentications in 5 minutes further ones
	// with the same client ID are answered 429 instead of 401; ten times as many for an
	// address. Right secrets are never refused for it. 0 for no limit.
	FailureLimit int `yaml:"failure_limit" help:"how many failed authentications of a client ID in 5 minutes are answered 401, then 429; ten times as many of an address; 0 for all"`
	// AdminLimit is how many requests to the admin API each API key may make in 5
	// minutes, at each node; 0 for as many as it likes.
	AdminLimit int `yaml:"admin_limit" help:"requests to the admin API per API key and 5 minutes; 0 for no limit"`

	// # Use and leaks

	// UsageRetention is how long the use of API keys is kept, hour by hour: whole
	// days. When and from where each was last used stays. One that is used every hour
	// takes about 3 KB a day.
	UsageRetention span `yaml:"usage_retention" help:"how long the use of API keys is kept, hour by hour: whole days"`
	// LeakGrace is how long a client secret works on that was reported as leaked, up
	// to 24h; the access tokens of its API key die at once in any case. 0 ends it at
	// once.
	LeakGrace time.Duration `yaml:"leak_grace" help:"how long a secret works on that was reported as leaked; 0 for not at all"`

	// # E-mail

	// SMTP is the mail server that takes invitations, links and notices:
	// smtp://user@host:587, which is secured by STARTTLS but on a loopback host, or
	// smtps://user@host:465. The ports may be left out, the user too where it takes mail
	// from anybody. Its password stands elsewhere. Default: none, nobody is sent any e-mail.
	SMTP string `yaml:"smtp" help:"mail server, as smtp://user@host:587 or smtps://user@host:465; none sends no e-mail"`
	// SMTPPasswordFile holds the password of the user in SMTP. The variable
	// TOKENWRIGHT_SMTP_PASSWORD, where set, goes before it. Default: none.
	SMTPPasswordFile string `yaml:"smtp_password_file" help:"file that holds the password for the mail server"`
	// MailFrom is who e-mails are from: an address, with a name before it or without,
	// such as "Tokenwright <auth@example.com>". Default: none; with SMTP it must be given.
	MailFrom string `yaml:"mail_from" help:"who e-mails are from, as auth@example.com or \"Tokenwright <auth@example.com>\""`

	// # Log and stopping

	// LogFormat is "json", for programs, or "text". The log goes to standard error.
	LogFormat string `yaml:"log_format" help:"json or text"`
	// LogLevel is the least that is logged: "debug", "info", "warn" or "error". There is
	// one record of level "info" for each request; the command "quickstart" logs from "warn"
	// on, unless told otherwise.
	LogLevel string `yaml:"log_level" help:"debug, info, warn or error"`
	// ShutdownDelay is how long a server that was told to stop says no at /readyz
	// before it accepts no more connections, so that load balancers notice: up to 5m.
	ShutdownDelay time.Duration `yaml:"shutdown_delay" help:"how long to be not ready before connections are refused"`

	// # The installation

	// Prefix begins every client ID and secret, as in twc_demo_…: a lower-case letter
	// and up to seven letters or digits. One of your own tells scanners whose a secret
	// is. Fixed at first start.
	Prefix string `yaml:"prefix" help:"what client IDs and secrets begin with (first start only)"`
	// MerchantIDs is what merchants are identified by: "number", from 1 to
	// 9007199254740991, or "text", of 1 to 64 letters, digits, _ and -. Take what your
	// platform calls them. Fixed at first start.
	MerchantIDs string `yaml:"merchant_ids" help:"number or text (first start only)"`
	// Environments are the issuers of the installation, by name, of a lower-case letter
	// and up to 15 letters or digits. Each has signing keys of its own. Those of the file
	// replace the two of the default, they do not join them. Which there are is fixed at
	// first start.
	Environments map[string]EnvironmentConfig `yaml:"environments"`

	// # Checks for gateways

	// ForwardAuth is what gateways may ask, at /forward-auth of a server, or of the command
	// forward-auth. Default: no policies; a gateway says in the query what it wants.
	ForwardAuth ForwardAuthConfig `yaml:"forward_auth"`
	// Issuer is the URL of the one whose access tokens the command forward-auth checks,
	// which must be given; of no concern to a server, as the next three. Default: none.
	Issuer string `yaml:"issuer" help:"URL of the issuer whose access tokens are checked"`
	// Audience is the API that tokens must be for. Default: <issuer>/api.
	Audience string `yaml:"audience" help:"URL of the API that access tokens must be for; default <issuer>/api"`
	// MaxStale is how long tokens are accepted on old knowledge of revocations while
	// the issuer is away, at least 5s. Default: the longest life of a token, and 10m at
	// least.
	MaxStale time.Duration `yaml:"max_stale" help:"how long to accept tokens while the issuer is away; default the longest life of a token"`
	// FailClosedAfter is the same limit for who would rather refuse good tokens than
	// let a revoked one pass: at least 5s. Default: no stricter than MaxStale.
	FailClosedAfter time.Duration `yaml:"fail_closed_after" help:"refuse all tokens once the issuer is away for so long"`

	// # Webhooks and single sign-on

	// Webhooks are the receivers that are told of events, by name, of a-z, 0-9 and -.
	// What is remembered of a webhook belongs to its name. Default: none.
	Webhooks map[string]WebhookConfig `yaml:"webhooks,omitempty"`
	// SingleSignOn are the providers that people may sign in to the console at, by OpenID
	// Connect: by name, of a-z, 0-9 and -, which is in URLs and events.
	// Default: none, they have passwords.
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

// Variables that are no field of Config: secrets, which belong into no file with
// other settings and into no argument, and where to find them. Their comments are
// a part of the manual too.
var otherVariables = []string{
	// The configuration file, where no --config names it.
	"TOKENWRIGHT_CONFIG",
	// A file that holds what TOKENWRIGHT_DATABASE would, a password included. It goes
	// before that variable and before the configuration file; --database goes before it.
	databaseFileVariable,
	// The master key, base64 of 32 bytes. It goes before master_key_file.
	"TOKENWRIGHT_MASTER_KEY",
	// The master key before this one, during a rotation: the database may still be
	// sealed under it. See "master-key rotate".
	"TOKENWRIGHT_MASTER_KEY_PREVIOUS",
	// A file that holds the same. TOKENWRIGHT_MASTER_KEY_PREVIOUS goes before it.
	"TOKENWRIGHT_MASTER_KEY_PREVIOUS_FILE",
	// The event-chain key, which "event chain-key" prints: "event verify --export" needs
	// nothing else. --chain-key-file goes before it.
	chainKeyVariable,
	// A file that holds the same. TOKENWRIGHT_EVENT_CHAIN_KEY goes before it.
	chainKeyVariable + "_FILE",
	// The client ID of the API key by which "token get", "token revoke" and, with
	// --server, management commands ask.
	"TOKENWRIGHT_CLIENT_ID",
	// Its client secret.
	"TOKENWRIGHT_CLIENT_SECRET",
	// A file that holds the client secret. TOKENWRIGHT_CLIENT_SECRET goes before it.
	"TOKENWRIGHT_CLIENT_SECRET_FILE",
	// The password of the user in SMTP. It goes before smtp_password_file.
	smtpPasswordVariable,
}

// Fields whose flags every command has.
var everyCommand = []string{"data", "database", "master_key_file", "server"}

// Fields whose flags no command has but forward-auth and config check.
var forwardAuthOnly = []string{"issuer", "audience", "max_stale", "fail_closed_after"}
