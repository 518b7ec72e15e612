package account_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/jose"
	"github.com/tokenwright/tokenwright/internal/storetest"
)

var (
	started = time.UnixMilli(1764000000123).UTC()
	// root is the command line beside the database.
	root = authority.Actor{Permissions: authority.Everything(), ID: "cli:root@host", Address: "192.0.2.1", RequestID: "req-1"}
)

// harness is an installation with its users, and merchants 1 and 2.
type harness struct {
	*account.Accounts
	t    testing.TB
	ctx  context.Context
	auth *authority.Authority
	path string
	cfg  authority.Config
	at   time.Time // moved by the test
}

func newHarness(t testing.TB) *harness {
	t.Helper()
	master, _ := authority.NewMasterKey()
	h := &harness{t: t, ctx: t.Context(), path: filepath.Join(t.TempDir(), "tokenwright.db"), at: started}
	s, err := storetest.OpenSQLite(h.ctx, h.path)
	h.must(err)
	t.Cleanup(func() { _ = s.Close() })
	cfg := authority.Config{Store: s, MasterKeys: []authority.MasterKey{master}, Clock: func() time.Time { return h.at },
		Environments: []authority.Environment{
			{Name: "demo", Issuer: "http://localhost:8080/demo", Algorithm: jose.ES256},
			{Name: authority.Platform, Issuer: "http://localhost:8080/platform", Algorithm: jose.ES256},
		}}
	h.cfg = cfg
	h.must(authority.Initialize(h.ctx, cfg, "tw", authority.MerchantNumbers, root))
	h.auth, err = authority.Open(h.ctx, cfg)
	h.must(err)
	h.Accounts = account.New(h.auth, s)
	for _, id := range []authority.MerchantID{"1", "2"} {
		_, err := h.auth.CreateMerchant(h.ctx, root, authority.NewMerchant{ID: id, Name: "Merchant"})
		h.must(err)
	}
	return h
}

func (h *harness) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// user makes a user named after its address.
func (h *harness) user(name string, memberships ...account.Membership) *account.User {
	h.t.Helper()
	return h.create(account.NewUser{Email: name + "@example.com", Name: name, Memberships: memberships})
}

func (h *harness) operator(name string) *account.User {
	h.t.Helper()
	return h.create(account.NewUser{Email: name + "@example.com", Name: name, Operator: true})
}

func (h *harness) create(n account.NewUser) *account.User {
	h.t.Helper()
	u, err := h.CreateUser(h.ctx, root, n)
	h.must(err)
	return u
}

func at(merchant authority.MerchantID, role account.Role) account.Membership {
	return account.Membership{MerchantID: merchant, Role: role}
}

// state is all there is: users as everybody sees them, and the last event.
type state struct {
	users []account.User
	last  authority.Event
}

func (h *harness) state() (s state) {
	h.t.Helper()
	var err error
	s.users, err = h.Users(h.ctx, root, account.UserFilter{}, "", 1000)
	h.must(err)
	events := h.events()
	s.last = events[len(events)-1]
	return s
}

func (h *harness) events() []authority.Event {
	h.t.Helper()
	events, err := h.auth.Events(h.ctx, root, authority.EventFilter{}, 0, 10_000)
	h.must(err)
	return events
}

// unchanged runs what must change nothing, and returns its error.
func (h *harness) unchanged(what string, change func() error) error {
	h.t.Helper()
	before := h.state()
	err := change()
	if after := h.state(); !reflect.DeepEqual(after, before) {
		h.t.Errorf("%s has changed something: %+v, was %+v", what, after, before)
	}
	return err
}

// dump is everything that the database has of users and events, as text.
func (h *harness) dump() (text string) {
	h.t.Helper()
	db, err := sql.Open("sqlite", "file:"+h.path+"?_pragma=query_only(1)")
	h.must(err)
	defer func() { _ = db.Close() }()
	h.must(db.QueryRowContext(h.ctx, `SELECT group_concat(line, char(10)) FROM (
		SELECT id || ' ' || email || ' ' || email_key || ' ' || name || ' ' || created_by AS line FROM users
		UNION ALL SELECT actor || ' ' || kind || ' ' || subject || ' ' || details FROM events)`).Scan(&text))
	return text
}

// everything is every file of the database, as it lies there.
func (h *harness) everything() string {
	h.t.Helper()
	var all []byte
	files, err := filepath.Glob(h.path + "*")
	h.must(err)
	for _, file := range files {
		data, err := os.ReadFile(file)
		h.must(err)
		all = append(all, data...)
	}
	return string(all)
}

// call is a method of Accounts with arguments that it would take from root.
type call struct {
	name, scope string
	do          func(actor authority.Actor) error
}

// calls are all methods: on u, which has a role at merchant 1.
func (h *harness) calls(u *account.User) []call {
	on := func(f func(context.Context, authority.Actor, account.UserID, int64) (*account.User, error)) func(authority.Actor) error {
		return func(a authority.Actor) error { return errorOf(f(h.ctx, a, u.ID, 0)) }
	}
	name := "Renamed"
	return []call{
		{"CreateUser", authority.UsersWrite, func(a authority.Actor) error {
			return errorOf(h.CreateUser(h.ctx, a, account.NewUser{Email: "new@example.com", Name: "New"}))
		}},
		{"User", authority.UsersRead, func(a authority.Actor) error { return errorOf(h.User(h.ctx, a, u.ID)) }},
		{"Users", authority.UsersRead, func(a authority.Actor) error {
			return errorOf(h.Users(h.ctx, a, account.UserFilter{}, "", 10))
		}},
		{"UpdateUser", authority.UsersWrite, func(a authority.Actor) error {
			return errorOf(h.UpdateUser(h.ctx, a, u.ID, account.UserUpdate{Name: &name}))
		}},
		{"DisableUser", authority.UsersWrite, on(h.DisableUser)},
		{"EnableUser", authority.UsersWrite, on(h.EnableUser)},
		{"DeleteUser", authority.UsersDelete, func(a authority.Actor) error { return h.DeleteUser(h.ctx, a, u.ID, 0) }},
	}
}

// having is an actor with management scopes, everywhere.
func having(scopes ...string) authority.Actor {
	return authority.Actor{ID: "api_key:operator", Permissions: &authority.Permissions{Scopes: scopes}}
}

// signedIn is an actor who works for a merchant.
func signedIn(u *account.User, id authority.MerchantID) authority.Actor {
	return authority.Actor{ID: "user:" + string(u.ID), Permissions: account.RolePermissions(u, id)}
}

func errorOf[T any](_ T, err error) error { return err }

func wantError(t testing.TB, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: got error %v, want %v", what, got, want)
	}
}

func wantInvalid(t testing.TB, what string, err error, field string) {
	t.Helper()
	var invalid *authority.InvalidError
	if !errors.As(err, &invalid) || invalid.Field != field {
		t.Errorf("%s: got error %v, want one of the field %s", what, err, field)
	}
}

// wantForbidden holds that what an actor wants is refused, for lack of a scope
// where one is given.
func wantForbidden(t testing.TB, what string, err error, scope string) {
	t.Helper()
	var forbidden *authority.ForbiddenError
	if !errors.As(err, &forbidden) || scope != "" && forbidden.Scope != scope {
		t.Errorf("%s: got error %v, want it forbidden for lack of %q", what, err, scope)
	}
}

func wantEqual(t testing.TB, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\ngot  %+v\nwant %+v", what, got, want)
	}
}
