package model

import (
	"context"
	"path"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/credential"
	"github.com/tokenwright/tokenwright/internal/jose"
	"github.com/tokenwright/tokenwright/internal/postgrestest"
	"github.com/tokenwright/tokenwright/internal/store"
)

const (
	demo  = "demo"
	limit = 3 // active API keys of a merchant, unless the operator raises it
	scope = "customers:read"
)

// somebody prepares what is tested.
var somebody = authority.Actor{Permissions: authority.Everything(), ID: "test"}

// clock is the machine's, moved ahead between rounds: so signing keys ripen.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

// installation is one database with two nodes.
type installation struct {
	nodes  [2]*authority.Authority
	stores [2]*store.Store
	clock  clock

	// disturb does harm to a round, until the function that it returns is called;
	// nil for none. Then calls may fail: what they have done is unknown.
	disturb func(r *round) (end func())
}

// onPostgres makes an installation in a database of its own, in which no two
// transactions may ever wait for each other.
func onPostgres(t *testing.T) *installation {
	t.Helper()
	server := postgrestest.Shared(t)
	url := server.Database(t)
	t.Cleanup(func() { // once all sessions are over, which count at their end
		n := postgrestest.Query[int](t, server, "postgres", "SELECT deadlocks FROM pg_stat_database WHERE datname = '"+path.Base(url)+"'")
		if n > 0 {
			t.Errorf("%d deadlocks", n)
		}
	})
	return newInstallation(t, func() (*store.Store, error) {
		return store.OpenPostgres(t.Context(), url, store.Options{Create: true})
	})
}

// onFailingPostgres is onPostgres where sessions are ended all the time in the
// midst of what they do.
func onFailingPostgres(t *testing.T) *installation {
	t.Helper()
	server := postgrestest.Shared(t)
	url := server.Database(t)
	in := newInstallation(t, func() (*store.Store, error) {
		return store.OpenPostgres(t.Context(), url, store.Options{Create: true})
	})
	in.disturb = func(r *round) func() {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			endSessions(ctx, t, url, r.changes)
		}()
		return func() {
			cancel()
			<-ended
		}
	}
	return in
}

// endSessions ends one after the other, each when something was changed after the
// one before: so also where the machine is slow, some come through and some do not.
func endSessions(ctx context.Context, t *testing.T, url string, changes func() int) {
	db, err := pgx.Connect(t.Context(), url+"?sslmode=disable")
	if err != nil {
		t.Error(err)
		return
	}
	defer func() { _ = db.Close(context.Background()) }() // it is of no more use
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for before := -1; ctx.Err() == nil; {
		if now := changes(); now > before {
			before = now
			endSession(t, db)
		}
		select {
		case <-ctx.Done():
		case <-ticker.C:
		}
	}
}

func endSession(t *testing.T, db *pgx.Conn) {
	if _, err := db.Exec(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle' ORDER BY random() LIMIT 1`); err != nil {
		t.Errorf("ending a session: %v", err)
	}
}

// onSQLite makes an installation whose nodes are as a server and a command
// beside it: two handles of one file.
func onSQLite(t *testing.T) *installation {
	t.Helper()
	file := filepath.Join(t.TempDir(), "tokenwright.db")
	return newInstallation(t, func() (*store.Store, error) {
		return store.OpenSQLite(t.Context(), file, store.Options{Create: true})
	})
}

func newInstallation(t *testing.T, open func() (*store.Store, error)) *installation {
	t.Helper()
	in := &installation{}
	master, _ := authority.NewMasterKey()
	for n := range in.nodes {
		s, err := open()
		must(t, err)
		t.Cleanup(func() { must(t, s.Close()) })
		in.stores[n] = s
		cfg := in.config(s, master)
		if n == 0 {
			must(t, authority.Initialize(t.Context(), cfg, "tw", authority.MerchantText, somebody))
		}
		in.nodes[n], err = authority.Open(t.Context(), cfg)
		must(t, err)
		must(t, in.nodes[n].LoadDirectory(t.Context()))
		follow(t, in.nodes[n])
	}
	return in
}

func (in *installation) config(s *store.Store, master authority.MasterKey) authority.Config {
	const base = "http://localhost:8080"
	env := func(name, audience string) authority.Environment {
		return authority.Environment{
			Name: name, Issuer: base + "/" + name, Audience: base + audience, Algorithm: jose.ES256, TokenLifetime: time.Hour,
		}
	}
	return authority.Config{
		Store: s, MasterKeys: []authority.MasterKey{master}, Clock: in.clock.now, BaseURL: base,
		Environments: []authority.Environment{env(demo, "/demo/api"), env(authority.Platform, "/admin")},
		JWKSMaxAge:   time.Second, ClockSkew: time.Second,
	}
}

// follow keeps the directory of a node current until the test ends.
func follow(t *testing.T, a *authority.Authority) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		a.Follow(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
}

// ripen lets so much time go by that every signing key may sign, and waits
// until the nodes have found out that they are current all the same.
func (in *installation) ripen(t *testing.T) {
	t.Helper()
	in.clock.ahead.Add(int64(400 * time.Second)) // more than the default max_staleness and two seconds
	for _, a := range in.nodes {
		eventually(t, "the node is ready", func() bool { return a.Ready() == nil })
	}
}

// apiKey is one that the test has made, by the name that no other one has.
type apiKey struct {
	name   string
	id     authority.ClientID
	secret credential.Secret
}

func (k *apiKey) request() *authority.TokenRequest {
	return &authority.TokenRequest{ClientID: string(k.id), ClientSecret: k.secret.Reveal()}
}

// works tells whether the API key gets a token of the node.
func (k *apiKey) works(a *authority.Authority) bool {
	_, err := a.IssueToken(k.request())
	return err == nil
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// eventually waits until so holds: for very long, since how soon is for other
// tests to judge.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(30 * time.Second); !so(); <-ticker.C {
		if time.Now().After(deadline) {
			t.Fatalf("not within 30 s: %s", what)
		}
	}
}
