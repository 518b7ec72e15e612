package account_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/authority"
)

const (
	good  = "gravel otter lantern quince"
	other = "anchor pickle thunder velvet"
)

var from = account.Origin{Address: "192.0.2.7", Agent: "Browser/1", RequestID: "req-7"}

// able makes a user who can sign in with the password good.
func (h *harness) able(n account.NewUser) *account.User {
	h.t.Helper()
	u := h.create(n)
	l, err := h.ResetUser(h.ctx, root, u.ID, 0)
	h.must(err)
	h.must(errorOf(h.UseLink(h.ctx, from, l.Token, account.Person{Password: good}, "")))
	return u
}

func (h *harness) ada() *account.User {
	h.t.Helper()
	return h.able(account.NewUser{Email: "Ada@example.com", Name: "Ada", Memberships: []account.Membership{at("1", account.Administrator)}})
}

func (h *harness) signIn(email, password string) (*account.Entered, error) {
	return h.SignIn(h.ctx, from, email, password, "")
}

// entered is a session of who signs in with good.
func (h *harness) entered(u *account.User) *account.Entered {
	h.t.Helper()
	e, err := h.signIn(u.Email, good)
	h.must(err)
	return e
}

func (h *harness) wantAlive(what string, token account.Token) *account.Visitor {
	h.t.Helper()
	v, err := h.Visitor(h.ctx, token)
	if err != nil {
		h.t.Fatalf("%s: %v", what, err)
	}
	return v
}

func (h *harness) wantEnded(what string, token account.Token) {
	h.t.Helper()
	wantError(h.t, what, errorOf(h.Visitor(h.ctx, token)), account.ErrSession)
}

// code is the one that the app of a user shows for a secret.
func (h *harness) code(secret []byte) string { return account.TOTPCode(secret, h.at.Unix()/30) }

// C-208
func TestSessionsEndUnusedAndWhateverHappens(t *testing.T) {
	h := newHarness(t)
	u := h.ada()
	e := h.entered(u)
	for range 11 * 2 { // in use all the time
		h.at = h.at.Add(29*time.Minute + 59*time.Second)
		h.wantAlive("a session in use", e.Token)
	}
	h.at = e.ExpiresAt.Add(-time.Millisecond)
	h.wantEnded("unused for an hour", e.Token)
	e = h.entered(u)
	h.at = h.at.Add(30 * time.Minute)
	h.wantEnded("unused for half an hour", e.Token)
	e = h.entered(u)
	for h.at.Before(e.ExpiresAt.Add(-20 * time.Minute)) {
		h.at = h.at.Add(20 * time.Minute)
		h.wantAlive("a session in use", e.Token)
	}
	h.at = e.ExpiresAt
	h.wantEnded("twelve hours old", e.Token)
	if life := e.ExpiresAt.Sub(e.CreatedAt); life != 12*time.Hour {
		t.Errorf("a session lives for %s", life)
	}
}

// C-206, C-207
func TestSessionsBeginAnewAndEndAtOnce(t *testing.T) {
	h := newHarness(t)
	u := h.ada()
	first := h.entered(u)
	second, err := h.SignIn(h.ctx, from, u.Email, good, first.Token)
	h.must(err)
	h.wantEnded("the session before", first.Token)
	if second.Token == first.Token || second.ID == first.ID || len(second.Token) < 43 {
		t.Error("the session goes on under what it was known by before")
	}
	confirmed, err := h.Confirm(h.ctx, from, &second.Visitor, second.Token, good)
	h.must(err)
	h.wantEnded("the token before the proof", second.Token)
	h.wantAlive("the token of the proof", confirmed.Token)

	elsewhere := h.entered(u)
	changed, err := h.ChangePassword(h.ctx, from, &confirmed.Visitor, confirmed.Token, other)
	h.must(err)
	h.wantEnded("another session, after the password was changed", elsewhere.Token)
	h.wantEnded("the token before the password was changed", confirmed.Token)
	v := h.wantAlive("the session that has changed it", changed.Token)
	wantError(t, "the old password", errorOf(h.signIn(u.Email, good)), account.ErrSignIn)
	h.must(h.EndSession(h.ctx, v, from, v.ID))
	h.wantEnded("signed out", changed.Token)

	e, err := h.signIn(u.Email, other)
	h.must(err)
	h.must(errorOf(h.DisableUser(h.ctx, root, u.ID, 0)))
	h.wantEnded("of a disabled user", e.Token)
	wantError(t, "a disabled user", errorOf(h.signIn(u.Email, other)), account.ErrDisabled)
	wantError(t, "a disabled user with another password", errorOf(h.signIn(u.Email, good)), account.ErrSignIn)
	h.must(errorOf(h.EnableUser(h.ctx, root, u.ID, 0)))
	h.wantEnded("of a user who was disabled", e.Token)
	e, err = h.signIn(u.Email, other)
	h.must(err)
	h.must(h.DeleteUser(h.ctx, root, u.ID, 0))
	h.wantEnded("of a deleted user", e.Token)
	wantError(t, "a deleted user", errorOf(h.signIn(u.Email, other)), account.ErrSignIn)
}

// C-218
func TestRolesOfALiveSessionAreThoseOfNow(t *testing.T) {
	h := newHarness(t)
	u := h.ada()
	e := h.entered(u)
	may := func(scope string) bool {
		actor := h.wantAlive("the session", e.Token).Actor(from, "1")
		return actor.May(scope) == nil
	}
	if !may(authority.APIKeysWrite) {
		t.Fatal("an administrator may not write API keys")
	}
	h.must(errorOf(h.UpdateUser(h.ctx, root, u.ID, account.UserUpdate{Memberships: &[]account.Membership{at("1", account.Viewer)}})))
	if may(authority.APIKeysWrite) || !may(authority.APIKeysRead) {
		t.Error("the session has the role from before")
	}
	h.must(errorOf(h.UpdateUser(h.ctx, root, u.ID, account.UserUpdate{Memberships: &[]account.Membership{}})))
	if may(authority.APIKeysRead) {
		t.Error("the session has a role that was taken away")
	}
}

// C-213: five failures are free, then each costs twice the time of the one
// before, whatever the spelling, whether or not there is such a user; the right
// password is no exception, and a reset forgets nothing.
func TestGuessingCostsMoreAndMoreTime(t *testing.T) {
	h := newHarness(t)
	u := h.ada()
	for _, email := range []string{"nobody@example.com", "ada@example.com"} {
		fail := func() error {
			t.Helper()
			return errorOf(h.signIn(strings.ToUpper(email[:1])+email[1:], "a wrong password of some length"))
		}
		for n := range 5 {
			wantError(t, fmt.Sprintf("failure %d of %s", n+1, email), fail(), account.ErrSignIn)
		}
		for _, wait := range []time.Duration{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900} {
			wait *= time.Second
			h.at = h.at.Add(wait - time.Millisecond)
			var throttled *account.ThrottledError
			if err := errorOf(h.signIn(email, good)); !errors.As(err, &throttled) || !throttled.Until.Equal(h.at.Add(time.Millisecond)) {
				t.Fatalf("before %s have passed: %v", wait, err)
			}
			h.at = h.at.Add(time.Millisecond)
			wantError(t, "a failure after "+wait.String(), fail(), account.ErrSignIn)
		}
	}
	l, err := h.ResetUser(h.ctx, root, u.ID, 0)
	h.must(err)
	h.must(errorOf(h.UseLink(h.ctx, from, l.Token, account.Person{Password: good}, ""))) // the way in that nobody else has
	var throttled *account.ThrottledError
	if err := errorOf(h.signIn(u.Email, good)); !errors.As(err, &throttled) {
		t.Errorf("after a reset: %v", err)
	}
	h.at = h.at.Add(15 * time.Minute)
	h.must(errorOf(h.signIn(u.Email, good)))
	for range 5 { // a success forgets them
		wantError(t, "a failure after a success", errorOf(h.signIn(u.Email, other)), account.ErrSignIn)
	}
}

// C-213: a hundred failures in a row at most; and nobody is locked out for ever.
func TestAHundredFailuresCostADay(t *testing.T) {
	h := newHarness(t)
	u := h.ada()
	for n := range 100 {
		h.at = h.at.Add(15 * time.Minute)
		wantError(t, fmt.Sprintf("failure %d", n+1), errorOf(h.signIn(u.Email, "a wrong password of some length")), account.ErrSignIn)
	}
	h.at = h.at.Add(24*time.Hour - time.Millisecond)
	var throttled *account.ThrottledError
	if err := errorOf(h.signIn(u.Email, good)); !errors.As(err, &throttled) {
		t.Errorf("the try 101: %v", err)
	}
	h.at = h.at.Add(time.Millisecond)
	h.must(errorOf(h.signIn(u.Email, good)))
}

// C-481: a user who has not signed in for 90 days is locked, and let in again by
// whoever may enable it.
func TestUsersWhoStayAwayAreLocked(t *testing.T) {
	h := newHarness(t)
	u := h.ada()
	h.at = h.at.Add(90*24*time.Hour - time.Millisecond)
	h.must(errorOf(h.signIn(u.Email, good)))
	h.at = h.at.Add(90 * 24 * time.Hour)
	wantError(t, "after 90 days", errorOf(h.signIn(u.Email, good)), account.ErrLocked)
	wantError(t, "after 90 days, with another password", errorOf(h.signIn(u.Email, other)), account.ErrSignIn)
	now, err := h.EnableUser(h.ctx, root, u.ID, 0)
	h.must(err)
	if now.Locked(h.at) || h.state().last.Kind != authority.UserEnabled {
		t.Errorf("enabling it: %+v, the event is %s", now, h.state().last.Kind)
	}
	h.must(errorOf(h.signIn(u.Email, good)))
}

// C-215: a code is taken once, a recovery code as well; tries are counted.
func TestCodesOfTheSecondFactorAreTakenOnce(t *testing.T) {
	h := newHarness(t)
	u := h.ada()
	e := h.entered(u)
	secret, sealed := h.NewTOTP(&e.Visitor)
	wantError(t, "a code of nothing", func() error {
		_, _, err := h.EnableTOTP(h.ctx, from, &e.Visitor, e.Token, sealed, "000000x")
		return err
	}(), account.ErrSignIn)
	first := h.code(secret)
	e, codes, err := h.EnableTOTP(h.ctx, from, &e.Visitor, e.Token, sealed, first)
	h.must(err)
	if len(codes) != 10 {
		t.Fatalf("there are %d recovery codes", len(codes))
	}
	half := func() *account.Entered {
		t.Helper()
		half := h.entered(u)
		v := h.wantAlive("half way", half.Token)
		actor := v.Actor(from, "1")
		if !v.Pending || actor.May(authority.APIKeysRead) == nil {
			t.Fatalf("half way it may something: %+v", actor)
		}
		return half
	}
	give := func(token account.Token, code string) (*account.Entered, error) {
		return h.GiveCode(h.ctx, from, token, code)
	}
	wantError(t, "the code by which it was set up", errorOf(give(half().Token, first)), account.ErrSignIn)
	h.at = h.at.Add(30 * time.Second)
	next := h.code(secret)
	was := half()
	whole, err := give(was.Token, next)
	h.must(err)
	h.wantEnded("half way, after the code", was.Token)
	if v := h.wantAlive("with the code", whole.Token); v.Pending || v.ID == was.ID {
		t.Error("the session goes on as it was")
	}
	wantError(t, "the same code", errorOf(give(half().Token, next)), account.ErrSignIn)
	h.must(errorOf(give(half().Token, strings.ToLower(codes[3]))))
	wantError(t, "the same recovery code", errorOf(give(half().Token, codes[3])), account.ErrSignIn)
	token := half().Token
	h.at = h.at.Add(5 * time.Minute)
	wantError(t, "half way for five minutes", errorOf(give(token, codes[4])), account.ErrSession)

	token = half().Token
	for err = nil; errors.Is(err, account.ErrSignIn) || err == nil; {
		err = errorOf(give(token, "000000"))
	}
	var throttled *account.ThrottledError
	if !errors.As(err, &throttled) {
		t.Errorf("guessing codes ends with %v", err)
	}
	h.at = h.at.Add(time.Minute)
	v := &whole.Visitor
	if _, err := h.DisableTOTP(h.ctx, from, v, whole.Token); !errors.Is(err, account.ErrConfirm) {
		t.Errorf("taking it away without a proof: %v", err)
	}
	_ = e
}

// C-482: what is kept lets nobody in who reads it.
func TestTheDatabaseLetsNobodyIn(t *testing.T) {
	h := newHarness(t)
	u := h.ada()
	e := h.entered(u)
	secret, sealed := h.NewTOTP(&e.Visitor)
	e, codes, err := h.EnableTOTP(h.ctx, from, &e.Visitor, e.Token, sealed, h.code(secret))
	h.must(err)
	l, err := h.Invite(h.ctx, root, account.NewInvitation{Email: "eve@example.com", MerchantID: "1", Role: account.Viewer})
	h.must(err)
	text := h.everything()
	for what, plain := range map[string]string{
		"the password": good, "the session": e.Token.Reveal(), "the link": l.Token.Reveal(), "the shared secret": string(secret),
		"a recovery code": codes[0], "a recovery code without marks": strings.NewReplacer("-", "", " ", "").Replace(codes[0]),
	} {
		if strings.Contains(text, plain) {
			t.Errorf("the database has %s", what)
		}
	}
	if !strings.Contains(text, "$argon2id$v=19$m=19456,t=2,p=1$") || !strings.Contains(text, e.ID) {
		t.Error("the test does not see what is kept")
	}
	if printed := fmt.Sprintf("%v %+v %#v %s", e, e, *e, l); strings.Contains(printed, e.Token.Reveal()) || strings.Contains(printed, l.Token.Reveal()) {
		t.Errorf("a token is printed: %s", printed)
	}
}

// meanwhile is a store beside which something happens once a user was read.
type meanwhile struct {
	account.Store
	happens func()
}

func (m *meanwhile) UserByEmail(ctx context.Context, key string) (*account.User, *account.Credentials, error) {
	defer m.happens()
	return m.Store.UserByEmail(ctx, key)
}

func (m *meanwhile) UserByIdentity(ctx context.Context, i account.Identity) (*account.User, error) {
	defer m.happens()
	return m.Store.UserByIdentity(ctx, i)
}

// C-207, C-478: who proves that it is a user while that is disabled, reset, or given
// another password, is not let in, nor once the user is enabled again.
func TestNobodySignsInBesideTheEndOfSessions(t *testing.T) {
	h := newHarness(t)
	identity := account.Identity{Issuer: "https://idp.example.com", Subject: "42"}
	for name, happens := range map[string]func(u *account.User, in *account.Entered){
		"disabled": func(u *account.User, _ *account.Entered) {
			h.must(errorOf(h.DisableUser(h.ctx, root, u.ID, 0)))
		},
		"reset": func(u *account.User, _ *account.Entered) { h.must(errorOf(h.ResetUser(h.ctx, root, u.ID, 0))) },
		"given another password": func(u *account.User, in *account.Entered) {
			if in != nil {
				h.must(errorOf(h.ChangePassword(h.ctx, from, &in.Visitor, in.Token, other)))
			}
		},
		"given a second factor": func(_ *account.User, in *account.Entered) {
			if in != nil {
				secret, sealed := h.NewTOTP(&in.Visitor)
				_, _, err := h.EnableTOTP(h.ctx, from, &in.Visitor, in.Token, sealed, h.code(secret))
				h.must(err)
			}
		},
		"deleted": func(u *account.User, _ *account.Entered) { h.must(h.DeleteUser(h.ctx, root, u.ID, 0)) },
	} {
		beside := &meanwhile{Store: h.cfg.Store.(account.Store)}
		accounts := account.New(h.auth, beside)
		u := h.able(account.NewUser{Email: "eva@example.com", Name: "Eva", Memberships: []account.Membership{at("1", account.Viewer)}})
		in := h.entered(u)
		beside.happens = func() { happens(u, in) }
		if _, err := accounts.SignIn(h.ctx, from, u.Email, good, ""); !errors.Is(err, account.ErrSignIn) && !errors.Is(err, account.ErrDisabled) {
			t.Errorf("a user who is %s signs in: %v", name, err)
		}
		if _, err := h.User(h.ctx, root, u.ID); err == nil {
			h.must(h.DeleteUser(h.ctx, root, u.ID, 0))
		}

		u = h.user("sam", at("1", account.Viewer))
		reset, err := h.ResetUser(h.ctx, root, u.ID, 0)
		h.must(err)
		h.must(errorOf(h.use(reset, account.Person{Identity: &identity, Provider: "corp"})))
		beside.happens = func() { happens(u, nil) }
		_, err = accounts.SignInWith(h.ctx, from, "corp", identity, h.at, "")
		if passes := strings.HasPrefix(name, "given"); passes != (err == nil) { // of no concern to who signs in elsewhere
			t.Errorf("a user who is %s signs in elsewhere: %v", name, err)
		}
		if _, err := h.User(h.ctx, root, u.ID); err == nil {
			h.must(h.DeleteUser(h.ctx, root, u.ID, 0))
		}
	}
}

// C-207: a change that was asked for by a session is made while that lives, and its user has
// the roles that it had: however long the request took.
func TestChangesAreMadeByWhoMayThen(t *testing.T) {
	h := newHarness(t)
	other := h.operator("other")
	no, merchants := false, 76
	for name, c := range map[string]struct {
		happens func(u *account.User, in *account.Entered)
		want    error
	}{
		"signed out": {func(_ *account.User, in *account.Entered) { h.must(h.EndSession(h.ctx, &in.Visitor, from, in.ID)) }, authority.ErrEnded},
		"disabled":   {func(u *account.User, _ *account.Entered) { h.must(errorOf(h.DisableUser(h.ctx, root, u.ID, 0))) }, authority.ErrEnded},
		"reset":      {func(u *account.User, _ *account.Entered) { h.must(errorOf(h.ResetUser(h.ctx, root, u.ID, 0))) }, authority.ErrEnded},
		"deleted":    {func(u *account.User, _ *account.Entered) { h.must(h.DeleteUser(h.ctx, root, u.ID, 0)) }, authority.ErrEnded},
		"no operator": {func(u *account.User, _ *account.Entered) {
			h.must(errorOf(h.UpdateUser(h.ctx, root, u.ID, account.UserUpdate{Operator: &no})))
		}, authority.ErrConflict},
		"who it was": {func(*account.User, *account.Entered) {}, nil},
	} {
		u := h.able(account.NewUser{Email: "eva@example.com", Name: "Eva", Operator: true})
		in := h.entered(u)
		actor := in.Actor(from, "")
		merchants++
		c.happens(u, in)
		wantError(t, name+", resets", errorOf(h.ResetUser(h.ctx, actor, other.ID, 0)), c.want)
		wantError(t, name+", invites", errorOf(h.invite(actor, "", account.Operator)), c.want)
		wantError(t, name+", makes a merchant", errorOf(h.auth.CreateMerchant(h.ctx, actor, authority.NewMerchant{ID: authority.MerchantID(strconv.Itoa(merchants)), Name: "M"})), c.want)
		if _, err := h.User(h.ctx, root, u.ID); err == nil {
			h.must(h.DeleteUser(h.ctx, root, u.ID, 0))
		}
	}
}
