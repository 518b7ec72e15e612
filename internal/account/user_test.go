package account_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/authority"
)

func TestUsersAreKeptAsTheyWereMade(t *testing.T) {
	h := newHarness(t)
	u := h.create(account.NewUser{Email: "Ada.L+x@Example.COM", Name: "Ada", Operator: true,
		Memberships: []account.Membership{at("2", account.Viewer), at("1", account.Administrator)}})
	if !regexp.MustCompile(`^usr_[0-9A-Za-z]{22}$`).MatchString(string(u.ID)) {
		t.Errorf("the ID is %s", u.ID)
	}
	want := &account.User{ID: u.ID, Email: "Ada.L+x@Example.COM", Name: "Ada", Status: authority.Active, Operator: true,
		Memberships: []account.Membership{at("1", account.Administrator), at("2", account.Viewer)},
		CreatedAt:   started, CreatedBy: "cli:root@host", UpdatedAt: started, EnabledAt: started, Version: 1}
	wantEqual(t, "created", u, want)

	h.at = h.at.Add(time.Hour)
	h.must(errorOf(h.UpdateUser(h.ctx, root, u.ID, account.UserUpdate{Name: new("Ada L."), Memberships: &[]account.Membership{}})))
	h.must(errorOf(h.DisableUser(h.ctx, root, u.ID, 2)))
	want.Name, want.Memberships, want.Status, want.UpdatedAt, want.Version = "Ada L.", []account.Membership{}, authority.Disabled, h.at, 3
	got, err := h.User(h.ctx, root, u.ID)
	h.must(err)
	wantEqual(t, "read", got, want)
	list, err := h.Users(h.ctx, root, account.UserFilter{Status: authority.Disabled}, "", 10)
	h.must(err)
	wantEqual(t, "listed", list, []account.User{*want})
	wantError(t, "an unknown ID", errorOf(h.User(h.ctx, root, "usr_0000000000000000000000")), authority.ErrNotFound)
}

// C-391.
func TestEMailAddressesArePlainAndUnique(t *testing.T) {
	h := newHarness(t)
	create := func(email string) error {
		return errorOf(h.CreateUser(h.ctx, root, account.NewUser{Email: email, Name: "n"}))
	}
	for _, email := range []string{
		"", " ", "a", "a@", "@b", "a@@b", "a@b@c", "a b@example.com", " a@example.com", "a@example.com ", "a@example.com\n", "a@exam\rple.com",
		"<a@example.com>", "A <a@example.com>", `"a b"@example.com`, `"a"@example.com`, "a@example.com, b@example.com", "a@example.com (comment)",
		"a@[192.0.2.1]", "a@-example.com", "a@example-.com", "a@example..com", "a@.com", "a@example.com.", "a@exa_mple.com", ".a@example.com",
		"a..b@example.com", "a.@example.com", "ä@example.com", "a@exämple.com", "a@example.com\x00", "\u212a@example.com", "a\u200b@example.com", "mailto:a@example.com",
		strings.Repeat("a", 65) + "@example.com", "a@" + strings.Repeat("b", 64) + ".com", "a@" + strings.Repeat("b.", 126) + "c", // 255
	} {
		wantInvalid(t, fmt.Sprintf("%q", email), create(email), "email")
	}
	for _, email := range []string{
		"a@b", "root@localhost", "first.last+tag@example.co.uk", "o'brien@example.com", "=1+1@example.com", "1@2.example", "a@xn--exmple-cua.com",
		strings.Repeat("a", 64) + "@" + strings.Repeat(strings.Repeat("b", 62)+".", 2) + strings.Repeat("b", 63), // 254 in all
	} {
		h.must(create(email))
	}
	h.must(create("Case@Example.com"))
	for _, email := range []string{"Case@Example.com", "case@example.com", "CASE@EXAMPLE.COM"} {
		err := h.unchanged(email, func() error { return create(email) })
		wantError(t, email, err, account.ErrEmailTaken)
		if strings.Contains(strings.ToLower(err.Error()), "case@") {
			t.Errorf("the error repeats the address: %v", err)
		}
	}
}

// C-226, C-198: names are kept as they are, or refused.
func TestNamesOfUsersHaveNoControlCharacters(t *testing.T) {
	h := newHarness(t)
	u := h.user("ada")
	for _, name := range []string{"", "  ", "\x00", "a\nb", "a\x1b[31m", "a\u2028", "a\u202e", "\xff", strings.Repeat("ä", 101)} {
		wantInvalid(t, fmt.Sprintf("%q", name), errorOf(h.CreateUser(h.ctx, root, account.NewUser{Email: "b@example.com", Name: name})), "name")
		wantInvalid(t, fmt.Sprintf("%q", name), errorOf(h.UpdateUser(h.ctx, root, u.ID, account.UserUpdate{Name: &name})), "name")
	}
	for _, name := range []string{"<script>alert(1)</script>", "'; DROP TABLE users; --", "=1+1", "@SUM(A1)", "Zoë & Søns", "日本語", "{{7*7}}", "مرحبا", strings.Repeat("🎉", 100)} {
		got, err := h.UpdateUser(h.ctx, root, u.ID, account.UserUpdate{Name: &name})
		h.must(err)
		wantEqual(t, "name", got.Name, name)
	}
}

func TestMembershipsAreChecked(t *testing.T) {
	h := newHarness(t)
	u := h.user("ada", at("1", account.Viewer))
	many := []account.Membership{}
	for i := range 101 {
		many = append(many, at(authority.MerchantID(fmt.Sprint(100+i)), account.Viewer))
	}
	for what, list := range map[string][]account.Membership{
		"a merchant twice":   {at("1", account.Viewer), at("2", account.Viewer), at("1", account.Administrator)},
		"no merchant":        {at("", account.Viewer)},
		"an unknown one":     {at("1", account.Viewer), at("3", account.Viewer)},
		"the operator's":     {at("1", account.Operator)},
		"no role":            {at("1", "")},
		"an unknown role":    {at("1", "owner")},
		"more than a 100":    many,
		"a role in capitals": {at("1", "Viewer")},
	} {
		wantInvalid(t, what, h.unchanged(what, func() error {
			return errorOf(h.CreateUser(h.ctx, root, account.NewUser{Email: "b@example.com", Name: "n", Memberships: list}))
		}), "memberships")
		wantInvalid(t, what, h.unchanged(what, func() error {
			return errorOf(h.UpdateUser(h.ctx, root, u.ID, account.UserUpdate{Memberships: &list}))
		}), "memberships")
	}
	h.must(h.auth.DeleteMerchant(h.ctx, root, "1", 0))
	got, err := h.User(h.ctx, root, u.ID)
	h.must(err)
	if len(got.Memberships) != 0 || got.Version != 2 {
		t.Errorf("after its merchant was deleted: %+v", got)
	}
}

// C-196, and a change that changes nothing leaves no trace.
func TestChangesOfUsersCompareVersions(t *testing.T) {
	h := newHarness(t)
	u := h.user("ada", at("1", account.Viewer))
	name := "Other"
	h.must(errorOf(h.UpdateUser(h.ctx, root, u.ID, account.UserUpdate{Name: &name, IfVersion: 1})))
	for what, change := range map[string]func() error{
		"update": func() error {
			return errorOf(h.UpdateUser(h.ctx, root, u.ID, account.UserUpdate{Name: new("x"), IfVersion: 1}))
		},
		"disable": func() error { return errorOf(h.DisableUser(h.ctx, root, u.ID, 1)) },
		"enable":  func() error { return errorOf(h.EnableUser(h.ctx, root, u.ID, 3)) },
		"delete":  func() error { return h.DeleteUser(h.ctx, root, u.ID, 1) },
	} {
		wantError(t, what, h.unchanged(what, change), authority.ErrVersion)
	}
	for what, change := range map[string]func() error{
		"nothing given": func() error { return errorOf(h.UpdateUser(h.ctx, root, u.ID, account.UserUpdate{})) },
		"all the same": func() error {
			return errorOf(h.UpdateUser(h.ctx, root, u.ID, account.UserUpdate{Name: &name, Operator: new(false), Memberships: &u.Memberships, IfVersion: 2}))
		},
		"enabled already": func() error { return errorOf(h.EnableUser(h.ctx, root, u.ID, 0)) },
	} {
		h.must(h.unchanged(what, change))
	}
}

// C-227, C-390: who was given which role by whom is recorded for ever, who that
// is as long as the user is there.
func TestEventsOfUsersTellRolesAndNotWhoItIs(t *testing.T) {
	h := newHarness(t)
	before := len(h.events())
	u := h.create(account.NewUser{Email: "Secret.Person@example.com", Name: "Secret Name", Operator: true, Memberships: []account.Membership{at("1", account.Viewer)}})
	update := func(up account.UserUpdate) { h.must(errorOf(h.UpdateUser(h.ctx, root, u.ID, up))) }
	update(account.UserUpdate{Operator: new(false)})
	update(account.UserUpdate{Name: new("Hidden Name")})
	update(account.UserUpdate{Memberships: &[]account.Membership{at("1", account.Viewer), at("2", account.Administrator)}})
	update(account.UserUpdate{Memberships: &[]account.Membership{at("2", account.Viewer)}, Name: new("Third Name")})
	h.must(errorOf(h.DisableUser(h.ctx, root, u.ID, 0)))
	h.must(errorOf(h.EnableUser(h.ctx, root, u.ID, 0)))
	h.must(h.DeleteUser(h.ctx, root, u.ID, 0))

	for i, want := range []struct {
		kind     authority.EventKind
		merchant authority.MerchantID
		details  string
	}{
		{authority.UserCreated, "", `{"memberships":{"1":"viewer"},"operator":true}`},
		{authority.UserUpdated, "", `{"operator":false}`},
		{authority.UserUpdated, "1", `{"changed":["name"]}`},
		{authority.UserUpdated, "2", `{"memberships":{"2":"administrator"}}`},
		{authority.UserUpdated, "", `{"changed":["name"],"memberships":{"1":null,"2":"viewer"}}`},
		{authority.UserDisabled, "2", `{}`},
		{authority.UserEnabled, "2", `{}`},
		{authority.UserDeleted, "2", `{"memberships":{"2":null}}`},
	} {
		e := h.events()[before+i]
		got := fmt.Sprint(e.Kind, e.Subject, e.MerchantID, e.Details, e.Actor.ID, e.Actor.Address, e.Actor.RequestID)
		if want := fmt.Sprint(want.kind, u.ID, want.merchant, want.details, root.ID, root.Address, root.RequestID); got != want {
			t.Errorf("event %d is\n%s, want\n%s", i, got, want)
		}
	}
	if _, err := h.auth.VerifyEvents(h.ctx, nil, nil); err != nil {
		t.Error(err)
	}
	dump := h.dump()
	if !strings.Contains(dump, string(u.ID)) {
		t.Errorf("there is nothing of the user in\n%s", dump)
	}
	for _, personal := range []string{"person", "secret name", "hidden name", "third name"} {
		if strings.Contains(strings.ToLower(dump), personal) {
			t.Errorf("%s is still in\n%s", personal, dump)
		}
	}
}

// C-390.
func TestADeletedUserNeverReturns(t *testing.T) {
	h := newHarness(t)
	u := h.user("ada", at("1", account.Viewer))
	h.must(h.DeleteUser(h.ctx, root, u.ID, 1))
	for _, c := range h.calls(u) {
		if c.name != "CreateUser" && c.name != "Users" {
			wantError(t, c.name, h.unchanged(c.name, func() error { return c.do(root) }), authority.ErrNotFound)
		}
	}
	if again := h.user("ada"); again.ID == u.ID {
		t.Error("the ID has returned")
	}
}

// C-192.
func TestEachCallTakesItsScope(t *testing.T) {
	h := newHarness(t)
	u := h.user("ada", at("1", account.Viewer))
	for _, c := range h.calls(u) {
		others := []string{}
		for _, scope := range authority.ManagementScopes() {
			if scope != c.scope {
				others = append(others, scope)
			}
		}
		wantForbidden(t, c.name, h.unchanged(c.name, func() error { return c.do(having(others...)) }), c.scope)
		wantForbidden(t, c.name, h.unchanged(c.name, func() error { return c.do(authority.Actor{ID: "nobody"}) }), c.scope)
	}
	all := having(authority.ManagementScopes()...)
	for _, c := range h.calls(u) {
		if err := c.do(all); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// C-197.
func TestCreatingAUserHappensOnce(t *testing.T) {
	h := newHarness(t)
	actor := root
	actor.Once = &authority.Once{Key: "0123456789abcdefghijkl", Request: sha256.Sum256([]byte("request")), Answer: func(v any) ([]byte, error) { return json.Marshal(v) }}
	u, err := h.CreateUser(h.ctx, actor, account.NewUser{Email: "a@example.com", Name: "n", Memberships: []account.Membership{at("1", account.Viewer)}})
	h.must(err)
	wantError(t, "again", h.unchanged("again", func() error {
		return errorOf(h.CreateUser(h.ctx, actor, account.NewUser{Email: "b@example.com", Name: "n"}))
	}), authority.ErrReplied)
	answer, err := h.auth.Reply(h.ctx, actor)
	h.must(err)
	kept := new(account.User)
	h.must(json.Unmarshal(answer, kept))
	wantEqual(t, "the answer", kept, u)
}
