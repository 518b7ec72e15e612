// Package authority is the domain: merchants, scopes, API keys and their
// secrets, signing keys, events, and the rules by which an API key becomes an
// access token. It declares the Store it needs and keeps the directory, the
// part of the state that the token path reads, in memory.
//
// Every rule lives here, once; HTTP surfaces, the command line and the store
// are thin around it. It knows no SQL, no HTTP and no OAuth error codes.
package authority

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tokenwright/tokenwright/internal/credential"
)

// Config is what an Authority is opened with.
type Config struct {
	// Store holds the installation; required.
	Store Store
	// MasterKeys opens the root key: the current one first, during a rotation
	// the previous one as well.
	MasterKeys []MasterKey
	// Clock tells the time; nil means time.Now, which is compared with that of the
	// database.
	Clock func() time.Time
	// Logger receives what happens outside of any call; nil means nowhere.
	Logger *slog.Logger
	// Restoring opens what is a copy, to restore it.
	Restoring bool

	// What follows is for servers; a management command leaves it empty.

	// BaseURL is the origin of the server, without a slash at the end.
	BaseURL string
	// Environments is how each environment is configured, platform among
	// them. They must be the recorded ones.
	Environments []Environment
	// MaxStaleness is how long tokens are issued while the store does not
	// answer; 0 means 5 minutes.
	MaxStaleness time.Duration
	// JWKSMaxAge is how long the published documents may be cached: whole
	// seconds; 0 means 5 minutes.
	JWKSMaxAge time.Duration
	// ClockSkew is how far the clocks of nodes and verifiers may differ; 0
	// means a minute.
	ClockSkew time.Duration
	// SigningKeyRotation is after how long another signing key takes over by
	// itself; 0 means never.
	SigningKeyRotation time.Duration
	// UsageRetention is how long the hours of usage are kept; 0 means 400 days.
	UsageRetention time.Duration
	// Node is what the server tells of itself in the list of nodes; with the zero
	// value it is not in it.
	Node NodeInfo
	// LeakGrace is how long a secret works on that was reported as leaked, at
	// most MaxLeakGrace; 0 ends it at once.
	LeakGrace time.Duration
}

// Authority applies the rules to one installation. Its methods are safe for
// concurrent use.
type Authority struct {
	store        Store
	clock        func() time.Time
	toldTime     bool // by whoever has made it, who knows of no other clock
	logger       *slog.Logger
	installation *Installation
	format       credential.Format
	root         *rootKeys

	baseURL      string
	environments []Environment
	maxStaleness time.Duration
	jwksMaxAge   time.Duration
	clockSkew    time.Duration
	announceFor  time.Duration                    // a signing key, before it signs
	keepFor      func(*Environment) time.Duration // a signing key, once retired
	rotation     time.Duration                    // of signing keys; 0 for never

	self           Node // as it is at the start
	leakGrace      time.Duration
	usageRetention time.Duration
	usage          usage // not written down yet

	directory atomic.Pointer[directory] // nil until LoadDirectory
	following mutex                     // held while the directory is changed
	next      atomic.Pointer[reading]   // that has not begun; nil for none
	batch     int                       // of changes read at a time; under following
	news      news                      // of revocations
	counters  counters

	databaseClock atomic.Pointer[clockReading] // nil until the directory is read
	clocksDiffer  atomic.Bool                  // as the log was told
}

// Open reads the installation and checks master key and environments against
// it, before anything else is done with the database. Errors: ErrNotInitialized
// for an empty database, ErrMasterKey, ErrEnvironments, ErrCopied, ErrMoved, ErrArriving.
func Open(ctx context.Context, cfg Config) (*Authority, error) {
	if err := cfg.CheckSigningKeyTimes(); err != nil {
		return nil, err
	}
	inst, sealed, err := cfg.Store.Installation(ctx)
	if errors.Is(err, ErrNotFound) {
		return nil, ErrNotInitialized
	}
	if err != nil {
		return nil, fmt.Errorf("reading the installation: %w", err)
	}
	switch {
	case inst.MovedTo != "":
		return nil, fmt.Errorf("%w, %s", ErrMoved, inst.MovedTo)
	case inst.Copied && !cfg.Restoring:
		return nil, ErrCopied
	case inst.Arriving:
		return nil, ErrArriving
	}
	root, err := openRootKey(sealed, cfg.MasterKeys)
	if err != nil {
		return nil, err
	}
	environments := cfg.Environments
	if environments == nil {
		environments = inst.Environments
	} else if err := inst.check(environments); err != nil {
		return nil, err
	}
	a := &Authority{
		store: cfg.Store, clock: cfg.Clock, toldTime: cfg.Clock != nil, logger: cfg.Logger,
		installation: inst, format: credential.Format{Prefix: inst.Prefix}, root: root,
		baseURL: cfg.BaseURL, environments: environments, maxStaleness: cmp.Or(cfg.MaxStaleness, DefaultMaxStaleness),
		usageRetention: cmp.Or(cfg.UsageRetention, DefaultUsageRetention),
		clockSkew:      cmp.Or(cfg.ClockSkew, DefaultClockSkew),
		jwksMaxAge:     cmp.Or(cfg.JWKSMaxAge, DefaultJWKSMaxAge), announceFor: cfg.announceFor(), keepFor: cfg.keepFor,
		rotation: cfg.SigningKeyRotation, leakGrace: cfg.LeakGrace, following: newMutex(), batch: changesBatch,
	}
	if a.clock == nil {
		a.clock = time.Now
	}
	a.self = Node{ID: rand.Text(), NodeInfo: cfg.Node, StartedAt: a.now()}
	a.counters.tasks = countersOf(a.tasks())
	if a.logger == nil {
		a.logger = slog.New(slog.DiscardHandler)
	}
	return a, nil
}

// What the spans of a Config are where they are 0.
const (
	DefaultMaxStaleness = 5 * time.Minute
	DefaultJWKSMaxAge   = 5 * time.Minute
	DefaultClockSkew    = time.Minute
	// DefaultUsageRetention is how long the hours of usage are kept.
	DefaultUsageRetention = 400 * 24 * time.Hour
)

// Installation returns what was fixed at first start.
func (a *Authority) Installation() Installation { return *a.installation }

// BaseURL returns the origin of the installation, without a slash at the end. It
// is fixed at first start, for the platform's issuer follows it.
func (a *Authority) BaseURL() string {
	if i := environmentIndex(a.environments, Platform); i >= 0 {
		return strings.TrimSuffix(a.environments[i].Issuer, "/"+Platform)
	}
	return a.baseURL
}

// Environments returns the environments as configured, or, where the
// Authority was opened without, as recorded. Callers do not change them.
func (a *Authority) Environments() []Environment { return a.environments }

// Now returns the time that everything here goes by.
func (a *Authority) Now() time.Time { return a.clock() }

// now returns the time to the millisecond, as it is stored.
func (a *Authority) now() time.Time { return a.clock().UTC().Truncate(time.Millisecond) }
