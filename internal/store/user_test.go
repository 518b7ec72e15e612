package store

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/authority"
)

// accounts is the other side of a store.
func accounts(s authority.Store) account.Store { return s.(account.Store) }

// user is the n-th user, with a role at each of the merchants.
func user(n int, merchants ...authority.MerchantID) *account.User {
	u := &account.User{
		ID: account.UserID(fmt.Sprintf("usr_%022d", n)), Email: fmt.Sprintf("User.%d@Example.com", n), Name: fmt.Sprint("User ", n),
		Status: authority.Active, Memberships: []account.Membership{}, CreatedAt: at, CreatedBy: "somebody", UpdatedAt: at.Add(time.Millisecond), Version: 1,
	}
	for i, m := range merchants {
		u.Memberships = append(u.Memberships, account.Membership{MerchantID: m, Role: []account.Role{account.Viewer, account.Administrator}[i%2]})
	}
	return u
}

func operator(n int) *account.User {
	u := user(n)
	u.Operator = true
	return u
}

func addUser(t *testing.T, s authority.Store, u *account.User) *account.User {
	t.Helper()
	must(t, accounts(s).CreateUser(t.Context(), u, draft(authority.UserCreated, string(u.ID))))
	return u
}

// updateUser writes u as the next version.
func updateUser(t *testing.T, s authority.Store, u *account.User, keepOperator bool) error {
	t.Helper()
	next := *u
	next.Version++
	err := accounts(s).UpdateUser(t.Context(), &next, keepOperator, draft(authority.UserUpdated, string(u.ID)))
	if err == nil {
		*u = next
	}
	return err
}

func deleteUser(t *testing.T, s authority.Store, u *account.User, keepOperator bool) error {
	t.Helper()
	return accounts(s).DeleteUser(t.Context(), &account.User{ID: u.ID, Version: u.Version + 1, UpdatedAt: at}, keepOperator,
		draft(authority.UserDeleted, string(u.ID)))
}

func wantUser(t *testing.T, s authority.Store, want *account.User) {
	t.Helper()
	got, err := accounts(s).User(t.Context(), want.ID)
	must(t, err)
	wantEqual(t, "user", got, want)
}

// refusedUser is refused, of users too.
func refusedUser(t *testing.T, s authority.Store, want error, change func() error) {
	t.Helper()
	before := users(t, s, account.UserFilter{}, 1000)
	refused(t, s, want, change)
	wantEqual(t, "users", users(t, s, account.UserFilter{}, 1000), before)
}

// users reads all that f matches, a page of limit after the other.
func users(t *testing.T, s authority.Store, f account.UserFilter, limit int) (all []account.User) {
	t.Helper()
	after := account.UserID("")
	for {
		page, err := accounts(s).Users(t.Context(), f, after, limit)
		must(t, err)
		if len(page) > limit {
			t.Fatalf("a page of %d has %d", limit, len(page))
		}
		if len(page) == 0 {
			return all
		}
		all, after = append(all, page...), page[len(page)-1].ID
	}
}

func testUsers(t *testing.T, s authority.Store) {
	initialize(t, s)
	for _, id := range []authority.MerchantID{"a", "b", "B"} {
		addMerchant(t, s, id)
	}
	_, err := accounts(s).User(t.Context(), user(1).ID)
	wantError(t, err, authority.ErrNotFound)
	follower := readDirectory(t, s)
	all := []*account.User{operator(0), user(1, "B", "a", "b"), user(2, "b"), user(3, "a"), user(4)}
	for _, i := range []int{3, 0, 4, 1, 2} {
		addUser(t, s, all[i])
	}
	all[3].Status = authority.Disabled
	must(t, updateUser(t, s, all[3], false))
	for _, u := range all {
		wantUser(t, s, u)
	}
	follower.follow(t, s, 2) // what users do is nothing to it, but events come in their order
	wantEqual(t, "what a follower has", follower, readDirectory(t, s))
	for _, limit := range []int{1, 2, 3, 100} {
		for _, c := range []struct {
			f    account.UserFilter
			want []int
		}{
			{account.UserFilter{}, []int{0, 1, 2, 3, 4}},
			{account.UserFilter{Status: authority.Active}, []int{0, 1, 2, 4}},
			{account.UserFilter{MerchantID: "a"}, []int{1, 3}},
			{account.UserFilter{MerchantID: "a", Status: authority.Disabled}, []int{3}},
			{account.UserFilter{MerchantID: "nobody"}, nil},
			{account.UserFilter{Status: "deleted"}, nil},
		} {
			var want []account.User
			for _, i := range c.want {
				want = append(want, *all[i])
			}
			wantEqual(t, fmt.Sprintf("users of %+v, %d at a time", c.f, limit), users(t, s, c.f, limit), want)
		}
	}
}

// C-391: an address is one user's until that one is deleted, whatever its case.
func testUserEmails(t *testing.T, s authority.Store) {
	initialize(t, s)
	u := addUser(t, s, user(1))
	other := user(2)
	other.Email = "uSER.1@EXAMPLE.COM"
	create := func() error {
		return accounts(s).CreateUser(t.Context(), other, draft(authority.UserCreated, string(other.ID)))
	}
	refusedUser(t, s, account.ErrEmailTaken, create)
	u.Status = authority.Disabled
	must(t, updateUser(t, s, u, false))
	refusedUser(t, s, account.ErrEmailTaken, create)
	must(t, deleteUser(t, s, u, false))
	must(t, create())
	wantUser(t, s, other)
	// Only a taken address reads as one.
	impossible := user(3)
	impossible.Status = "impossible"
	if err := accounts(s).CreateUser(t.Context(), impossible, draft(authority.UserCreated, "")); err == nil || errors.Is(err, account.ErrEmailTaken) {
		t.Errorf("a status that does not exist: %v", err)
	}
}

func testUserMerchants(t *testing.T, s authority.Store) {
	initialize(t, s)
	addMerchant(t, s, "a")
	addMerchant(t, s, "gone")
	u := addUser(t, s, user(1, "a"))
	deleteMerchant(t, s, "gone")
	for _, id := range []authority.MerchantID{"gone", "never"} {
		for _, change := range []func(u *account.User) error{
			func(u *account.User) error {
				u.ID, u.Email = "usr_2", "two@example.com"
				return accounts(s).CreateUser(t.Context(), u, draft(authority.UserCreated, "usr_2"))
			},
			func(u *account.User) error {
				return accounts(s).UpdateUser(t.Context(), u, false, draft(authority.UserUpdated, string(u.ID)))
			},
		} {
			changed := user(1, "a", id)
			changed.Version = 2
			var err error
			refusedUser(t, s, nil, func() error { err = change(changed); return nil })
			var invalid *authority.InvalidError
			if !errors.As(err, &invalid) || invalid.Field != "memberships" {
				t.Errorf("merchant %s: %v", id, err)
			}
		}
	}
	wantUser(t, s, u)
	many := user(3)
	for i := range 100 {
		id := authority.MerchantID(fmt.Sprintf("m%02d", i))
		addMerchant(t, s, id)
		many.Memberships = append(many.Memberships, account.Membership{MerchantID: id, Role: account.Viewer})
	}
	addUser(t, s, many)
	wantUser(t, s, many)
	many.Memberships = many.Memberships[40:50]
	must(t, updateUser(t, s, many, false))
	wantUser(t, s, many)
}

func testUpdateUser(t *testing.T, s authority.Store) {
	initialize(t, s)
	addMerchant(t, s, "a")
	addMerchant(t, s, "b")
	u := addUser(t, s, user(1, "a"))
	next := user(1, "a", "b")
	next.Name, next.Status, next.Operator, next.UpdatedAt = "Other", authority.Disabled, true, at.Add(time.Hour)
	must(t, updateUser(t, s, next, false))
	wantUser(t, s, next)
	for _, version := range []int64{0, 1, 3} { // stored is 2
		stale := *u
		stale.Version = version
		refusedUser(t, s, authority.ErrConflict, func() error { return updateUser(t, s, &stale, false) })
		refusedUser(t, s, authority.ErrConflict, func() error { return deleteUser(t, s, &stale, false) })
	}
	refusedUser(t, s, authority.ErrConflict, func() error { return updateUser(t, s, user(2), false) })
	refusedUser(t, s, authority.ErrConflict, func() error { return deleteUser(t, s, user(2), false) })
}

// C-390: what is left of a deleted user is an ID that never returns.
func testDeleteUser(t *testing.T, s authority.Store) {
	initialize(t, s)
	addMerchant(t, s, "a")
	u := user(1, "a")
	u.Operator = true
	addUser(t, s, u)
	must(t, deleteUser(t, s, u, false))
	_, err := accounts(s).User(t.Context(), u.ID)
	wantError(t, err, authority.ErrNotFound)
	wantEqual(t, "users", len(users(t, s, account.UserFilter{}, 10))+len(users(t, s, account.UserFilter{MerchantID: "a"}, 10)), 0)
	left := value[string](t, s.(*Store), `SELECT id || ' ' || status || ' ' || email || email_key || name || operator FROM users`)
	wantEqual(t, "the row", left, string(u.ID)+" deleted 0")
	wantEqual(t, "roles", value[int](t, s.(*Store), `SELECT count(*) FROM memberships`), 0)
	u.Version = 2
	refusedUser(t, s, authority.ErrConflict, func() error { return updateUser(t, s, u, false) })
	refusedUser(t, s, authority.ErrConflict, func() error { return deleteUser(t, s, u, false) })
	again := user(1)
	again.Email = "other@example.com"
	if err := accounts(s).CreateUser(t.Context(), again, draft(authority.UserCreated, string(again.ID))); err == nil {
		t.Error("an ID was given twice")
	}
}

// C-394, as far as the database holds it.
func testLastOperator(t *testing.T, s authority.Store) {
	initialize(t, s)
	first, second := addUser(t, s, operator(1)), addUser(t, s, operator(2))
	disabled := operator(3)
	disabled.Status = authority.Disabled
	addUser(t, s, disabled)
	addUser(t, s, user(4))
	demote := func(u *account.User, keep bool) error {
		demoted := *u
		demoted.Operator = false
		return updateUser(t, s, &demoted, keep)
	}
	must(t, demote(first, true))
	for _, change := range []func(keep bool) error{
		func(keep bool) error { return demote(second, keep) },
		func(keep bool) error {
			u := *second
			u.Status = authority.Disabled
			return updateUser(t, s, &u, keep)
		},
		func(keep bool) error { return deleteUser(t, s, second, keep) },
	} {
		refusedUser(t, s, account.ErrLastOperator, func() error { return change(true) })
	}
	must(t, deleteUser(t, s, second, false))
}

// Merchants end with the roles that people have there; and whoever read a user
// before cannot put them back.
func testMerchantEndsMemberships(t *testing.T, s authority.Store) {
	initialize(t, s)
	for _, id := range []authority.MerchantID{"a", "b"} {
		addMerchant(t, s, id)
	}
	both, other := addUser(t, s, user(1, "a", "b")), addUser(t, s, user(2, "b"))
	stale := *both
	deleteMerchant(t, s, "a")
	both.Memberships, both.Version, both.UpdatedAt = both.Memberships[1:], 2, at.Add(time.Millisecond)
	wantUser(t, s, both)
	wantUser(t, s, other)
	wantEqual(t, "users of the merchant", len(users(t, s, account.UserFilter{MerchantID: "a"}, 10)), 0)
	refusedUser(t, s, authority.ErrConflict, func() error { return updateUser(t, s, &stale, false) })
}

// C-394: of two operators who go at once, one stays.
func testOperatorsGo(t *testing.T, nodes [2]authority.Store) {
	initialize(t, nodes[0])
	for n := range 10 {
		addUser(t, nodes[0], operator(n))
	}
	start, errs := make(chan struct{}), make(chan error, 10)
	for n := range cap(errs) {
		go func() {
			<-start
			if u := operator(n); n%3 == 0 {
				errs <- deleteUser(t, nodes[n%2], u, true)
			} else {
				u.Operator = n%3 == 1
				u.Status = authority.Disabled
				errs <- updateUser(t, nodes[n%2], u, true)
			}
		}()
	}
	close(start)
	refusals := 0
	for range cap(errs) {
		if err := <-errs; err != nil {
			wantError(t, err, account.ErrLastOperator)
			refusals++
		}
	}
	left := 0
	for _, u := range users(t, nodes[1], account.UserFilter{Status: authority.Active}, 100) {
		if u.Operator {
			left++
		}
	}
	if refusals != 1 || left != 1 {
		t.Errorf("%d operators are left, %d were refused to go", left, refusals)
	}
}
