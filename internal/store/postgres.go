package store

import (
	"cmp"
	"context"
	"crypto/tls"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// How long PostgreSQL may take. A management call is answered within 5 s, so
// transactions end before; the limits of the server come behind ours, and are
// for what we cannot end ourselves: a node that is paused with a lock in its
// hand, or cut off.
const (
	postgresLimit  = 4 * time.Second // for a transaction
	connectTimeout = 2 * time.Second // for each host
	lockTimeout    = 3 * time.Second
	idleTimeout    = 2 * time.Second // within a transaction: nobody thinks in one
	userTimeout    = 5 * time.Second // for data that the other end does not acknowledge
	// A commit that waits for a standby counts as done when the server's limit
	// ends the wait, so ours must be the shorter one.
	statementTimeout = postgresLimit + time.Second

	// A migration gives way where a table is in use: whoever comes behind it would have
	// to wait as well, and nodes that read several tables could be in a deadlock with
	// one that changes several. PostgreSQL looks for deadlocks after a second
	// (deadlock_timeout), and might end the other side.
	migrationLock = 200 * time.Millisecond
	lockPause     = 300 * time.Millisecond
	lockPatience  = 5 * time.Minute

	connectionAge  = 30 * time.Minute // so that nodes come back to a server that was replaced
	connectionIdle = 5 * time.Minute
)

// DefaultConnections is how many connections a Store has at most.
const DefaultConnections = 10

// OpenPostgres opens the database of a URL as libpq knows them
// (https://www.postgresql.org/docs/current/libpq-connect.html). Only a server that
// takes changes will do (target_session_attrs=read-write), and one on another
// machine must prove its name by a certificate (sslmode=verify-full) unless the
// URL says otherwise.
func OpenPostgres(ctx context.Context, rawURL string, o Options) (*Store, error) {
	config, err := postgresConfig(rawURL)
	if err != nil {
		return nil, err
	}
	patient := withoutLimits(*config)
	if err := migratePostgres(ctx, patient, o); err != nil {
		return nil, fmt.Errorf("opening %s: %w", PostgresName(rawURL), explainPostgres(err))
	}
	limit := postgresLimit
	if o.Patient {
		config, limit = &patient, 0
	}
	db := stdlib.OpenDB(*config)
	connections := cmp.Or(o.Connections, DefaultConnections)
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	db.SetConnMaxLifetime(connectionAge)
	db.SetConnMaxIdleTime(connectionIdle)
	follow := stdlib.OpenDB(*config)
	follow.SetMaxOpenConns(1)
	follow.SetConnMaxLifetime(connectionAge)
	s := &Store{write: db, read: db, follow: follow, turn: make(chan struct{}, 1), limit: limit}
	if s.place, err = placeOf(ctx, db); err == nil {
		// Of a release that kept none.
		_, err = db.ExecContext(ctx, `UPDATE installation SET place = $1 WHERE id = 1 AND place = ''`, s.place)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening %s: %w", PostgresName(rawURL), explainPostgres(err)), s.Close())
	}
	// Engines that only speak the protocol may refuse this: nodes then find
	// changes by asking.
	_, err = db.ExecContext(ctx, notify)
	if err == nil {
		s.listener = config
	} else if Unreachable(err) || postgresCode(err) == "" {
		return nil, errors.Join(fmt.Errorf("opening %s: %w", PostgresName(rawURL), err), s.Close())
	}
	return s, nil
}

// placeOf tells which table of which database of which server holds the installation.
// The numbers go with the files, so a standby that takes over has them; a dump that
// is restored, also into the same database, makes another table. "" where the server does not tell.
func placeOf(ctx context.Context, db *sql.DB) (place string, err error) {
	err = db.QueryRowContext(ctx, `SELECT s.system_identifier || '/' || d.oid || '/' || 'installation'::regclass::oid
		FROM pg_control_system() s, pg_database d WHERE d.datname = current_database()`).Scan(&place)
	if postgresCode(err) != "" && !Unreachable(err) {
		return "", nil // no such function, or not for this role
	}
	return place, err
}

// PostgresName is a URL without what is secret in it.
func PostgresName(rawURL string) string {
	u, err := url.Parse(rawURL)
	if err != nil {
		return "postgres://…"
	}
	name := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}
	if u.User != nil {
		name.User = url.User(u.User.Username())
	}
	return name.String()
}

// postgresConfig reads a URL and adds what it leaves open.
func postgresConfig(rawURL string) (*pgx.ConnConfig, error) {
	u, err := url.Parse(rawURL)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return nil, errors.New("the database is no URL such as postgres://user@host/database") // a parse error would show it all
	}
	options := u.Query()
	if attrs := options.Get("target_session_attrs"); attrs != "" && attrs != "read-write" && attrs != "primary" {
		return nil, errors.New("the database URL has a target_session_attrs that lets nodes read from a server that does not take changes; leave it out")
	}
	if !options.Has("target_session_attrs") {
		add(u, "target_session_attrs=read-write")
	}
	config, err := pgx.ParseConfig(u.String())
	if err == nil && !options.Has("sslmode") && os.Getenv("PGSSLMODE") == "" && !local(config) {
		add(u, "sslmode=verify-full")
		config, err = pgx.ParseConfig(u.String())
	}
	if err != nil {
		return nil, fmt.Errorf("reading the database URL: %w", err) // pgx hides the password
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}
	dialer := net.Dialer{
		Timeout: config.ConnectTimeout, Control: setUserTimeout,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: userTimeout, Interval: time.Second, Count: 3},
	}
	config.DialFunc = dialer.DialContext
	for name, value := range map[string]string{
		"application_name":                    "tokenwright",
		"statement_timeout":                   milliseconds(statementTimeout),
		"lock_timeout":                        milliseconds(lockTimeout),
		"idle_in_transaction_session_timeout": milliseconds(idleTimeout),
		"tcp_user_timeout":                    milliseconds(userTimeout),
	} {
		if config.RuntimeParams[name] == "" {
			config.RuntimeParams[name] = value
		}
	}
	config.AfterConnect = keepCommits
	return config, nil
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// add adds an option to what a URL says. The rest stays as it is written: here a
// "+" is no space.
func add(u *url.URL, option string) {
	u.RawQuery = strings.TrimPrefix(u.RawQuery+"&"+option, "&")
}

// local tells whether every host is this machine. It asks the driver, which
// has them from URL, variables and service file.
func local(config *pgx.ConnConfig) bool {
	hosts := []string{config.Host}
	for _, f := range config.Fallbacks {
		hosts = append(hosts, f.Host)
	}
	return !slices.ContainsFunc(hosts, func(host string) bool {
		ip := net.ParseIP(host)
		return host != "localhost" && !strings.HasPrefix(host, "/") && (ip == nil || !ip.IsLoopback())
	})
}

// keepCommits sees to it that what is committed is durable, whatever the
// defaults of the server: a stricter one stays.
func keepCommits(ctx context.Context, c *pgconn.PgConn) error {
	_, err := c.Exec(ctx, `SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'`).ReadAll()
	return err
}

// withoutLimits is a configuration of connections that may take their time, and
// else are like all others.
func withoutLimits(config pgx.ConnConfig) pgx.ConnConfig {
	config.RuntimeParams = maps.Clone(config.RuntimeParams)
	config.RuntimeParams["application_name"] = "tokenwright migrate"
	for _, limit := range []string{"statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"} {
		delete(config.RuntimeParams, limit)
	}
	return config
}

// migratePostgres checks and changes the schema on a connection of its own. An
// advisory lock lets one process do it.
func migratePostgres(ctx context.Context, config pgx.ConnConfig, o Options) error {
	config.RuntimeParams = maps.Clone(config.RuntimeParams)
	config.RuntimeParams["lock_timeout"] = milliseconds(migrationLock)
	db := stdlib.OpenDB(config)
	defer func() { _ = db.Close() }()
	var tables int
	err := db.QueryRowContext(ctx, `SELECT count(*) FROM information_schema.tables
		WHERE table_schema = current_schema() AND table_name = 'goose_db_version'`).Scan(&tables)
	if err != nil {
		return err
	}
	if tables == 0 && !o.Create {
		return ErrNoDatabase
	}
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300))
	if err != nil {
		return err
	}
	return migrate(ctx, db, o, nil, goose.DialectPostgres, goose.WithSessionLocker(locker))
}

// gaveWay tells whether err says no more than that a table was in use.
func gaveWay(err error) bool {
	code := postgresCode(err)
	return code == pgLockNotAvailable || code == pgDeadlock
}

// deadConnection tells whether err is of a connection that had ended before
// anything was done on it.
func deadConnection(err error) bool {
	_, connecting := errors.AsType[*pgconn.ConnectError](err)
	code := postgresCode(err)
	return !connecting && sqliteCode(err) == 0 && !errors.Is(err, sql.ErrNoRows) && (code == "" || strings.HasPrefix(code, pgShuttingDown))
}

// Unreachable tells whether err says no more than that the database does not
// answer just now: a server that starts waits for it then.
func Unreachable(err error) bool {
	var refused *tls.CertificateVerificationError
	_, connecting := errors.AsType[*pgconn.ConnectError](err)
	switch code := postgresCode(err); {
	case errors.As(err, &refused):
		return false
	case code == "":
		return connecting
	case code == pgTooManyConnections || code == pgReadOnly:
		return true
	default:
		return strings.HasPrefix(code, pgShuttingDown)
	}
}

// SQLSTATE codes (https://www.postgresql.org/docs/current/errcodes-appendix.html).
const (
	pgTooManyConnections   = "53300"
	pgShuttingDown         = "57P0" // or starting, or crashed: 57P01 to 57P03
	pgUniqueViolation      = "23505"
	pgReadOnly             = "25006"
	pgInvalidAuthorization = "28000"
	pgInvalidPassword      = "28P01"
	pgNoSuchDatabase       = "3D000"
	pgSerializationFailure = "40001"
	pgDeadlock             = "40P01"
	pgInsufficientRights   = "42501"
	pgLockNotAvailable     = "55P03"
)

// postgresCode returns the SQLSTATE of err, "" for none.
func postgresCode(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

// explainPostgres says in words what the codes mean that an operator may meet.
func explainPostgres(err error) error {
	switch postgresCode(err) {
	case pgInvalidAuthorization, pgInvalidPassword:
		return fmt.Errorf("it refuses this user or password: %w", err)
	case pgNoSuchDatabase:
		return fmt.Errorf("the server has no such database (CREATE DATABASE makes one): %w", err)
	case pgInsufficientRights:
		return fmt.Errorf("the user lacks a right; migrations need one that owns the database, --no-migrate does without: %w", err)
	case pgReadOnly:
		return fmt.Errorf("it does not take changes: %w", err)
	case pgLockNotAvailable:
		return fmt.Errorf("a table is in use by somebody else for too long (pg_stat_activity shows by whom): %w", err)
	}
	return err
}
