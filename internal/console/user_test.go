package console_test

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/console"
)

const (
	members = "/console/merchants/4259/users"
	invite  = members + "/invite"
)

var madeLink = regexp.MustCompile(`id="made-link">` + regexp.QuoteMeta(baseURL) + `(/console/link\?token=\w+)<`)

// link is the path of the link that the page shows; "" where it shows none.
func (a *answer) madeLink() string {
	if m := madeLink.FindStringSubmatch(a.body); m != nil {
		return m[1]
	}
	return ""
}

// invited is the link of a new invitation.
func (b *browser) invited(email string, role account.Role) string {
	b.h.t.Helper()
	b.get(invite).want(b.h.t, http.StatusOK)
	b.send(invite, "email", email, "role", string(role)).want(b.h.t, http.StatusOK, "Copy the link now", email)
	return b.page.madeLink()
}

// accept uses a link, as somebody new.
func (h *harness) accept(link, name string) *browser {
	h.t.Helper()
	b := h.browser()
	b.get(link).want(h.t, http.StatusOK, "You are invited to")
	b.send("/console/link", "name", name, "password", password).want(h.t, http.StatusSeeOther)
	return b
}

// C-472
func TestAnAdministratorInvitesAndTheInvitedWorksHere(t *testing.T) {
	h := newHarness(t)
	dana := h.user("Dana", at("4259", account.Administrator))
	b := h.signedIn(dana)
	b.get(invite).want(t, http.StatusOK, "Sees API keys, usage", "Makes and manages API keys")
	if form, _ := b.page.form(invite); form.Get("role") != string(account.Viewer) {
		t.Errorf("chosen is the role %q, want the weakest", form.Get("role"))
	}
	b.send(invite, "email", "no address").want(t, http.StatusBadRequest, "not one plain e-mail address")
	if form, _ := b.page.form(invite); form.Get("email") != "no address" {
		t.Error("what was typed is gone")
	}
	link := b.invited("vic@example.com", account.Viewer)
	b.get(members).want(t, http.StatusOK, "vic@example.com Viewer Dana").wantNot(t, link)

	vic := h.accept(link, "Vic")
	vic.get(members).want(t, http.StatusOK, "Vic you vic@example.com Viewer", "Viewers cannot do this. Ask an administrator of Acme: Dana.")
	vic.get("/console/merchants/4711/users").want(t, http.StatusNotFound)
	b.get(members).want(t, http.StatusOK, "No invitation waits")
	h.browser().get(link).want(t, http.StatusConflict, "This link is of no use any more")

	link = b.invited("zed@example.com", account.Viewer)
	for path := range b.get(members).forms("/console/merchants/4259/invitations/") {
		b.send(path).want(t, http.StatusSeeOther)
	}
	h.browser().get(link).want(t, http.StatusConflict, "This link is of no use any more")
}

// A form that is sent again, by a reload or a second click, makes no second link,
// and does not lose the first one.
//
// C-472, C-197
func TestAnInvitationIsMadeOnce(t *testing.T) {
	h := newHarness(t)
	b := h.signedIn(h.user("Dana", at("4259", account.Administrator)))
	asked, _ := b.get(invite).form(invite)
	asked.Set("email", "vic@example.com")
	first := b.sendForm(invite, asked).want(t, http.StatusOK).madeLink()
	again := b.sendForm(invite, asked).want(t, http.StatusOK).madeLink()
	if first == "" || again != first {
		t.Errorf("the second link is %s, the first %s", again, first)
	}
	list, err := h.accounts.Invitations(h.ctx, root, "4259")
	h.must(err)
	if len(list) != 1 {
		t.Errorf("there are %d invitations", len(list))
	}
	asked.Set("email", "eve@example.com")
	b.sendForm(invite, asked).want(t, http.StatusConflict)
	asked.Set("once", "short")
	b.sendForm(invite, asked).want(t, http.StatusBadRequest)
}

// Whom the link is for gets it; whoever invites sees it only where nobody can send it.
//
// C-472
func TestTheLinkIsSentOrShown(t *testing.T) {
	h := newHarness(t)
	var to string
	var sent console.Message
	var fails error
	h.configure(func(c *console.Config) {
		c.Mail = func(_ context.Context, address string, m console.Message) error {
			to, sent = address, m
			return fails
		}
	})
	b := h.signedIn(h.user("Dana", at("4259", account.Administrator)))
	b.get(invite)
	a := b.send(invite, "email", "vic@example.com").want(t, http.StatusOK, "The link was sent to vic@example.com")
	link := regexp.MustCompile(regexp.QuoteMeta(baseURL) + `/console/link\?token=\w+`).FindString(sent.Text)
	if to != "vic@example.com" || !strings.Contains(sent.Subject, "Acme") || link == "" {
		t.Errorf("sent to %s: %+v", to, sent)
	}
	a.wantNot(t, link, "console/link")
	h.accept(strings.TrimPrefix(link, baseURL), "Vic")

	fails = errors.New("450 try again")
	b.get(invite)
	if b.send(invite, "email", "zed@example.com").want(t, http.StatusOK, "It could not be sent").madeLink() == "" {
		t.Error("the link is not shown, nor was it sent")
	}
}

// Somebody who is signed in accepts as who it is, and keeps what it has.
//
// C-472
func TestAnInvitationIsAcceptedBySomebodyWhoIsHere(t *testing.T) {
	h := newHarness(t)
	link := h.signedIn(h.user("Dana", at("4259", account.Administrator))).invited("vic@example.com", account.Administrator)
	b := h.signedIn(h.user("Eve", at("4711", account.Viewer)))
	b.get(link).want(t, http.StatusOK, "You are signed in as Eve , eve@example.com")
	b.post("/console/link", "token", strings.TrimPrefix(link, account.LinkPath), "as", "me").want(t, http.StatusSeeOther)
	b.get(members).want(t, http.StatusOK, "Eve you eve@example.com Administrator", "Invite somebody").wantNot(t, "disabled aria-describedby")
	b.get("/console/merchants/4711/users").want(t, http.StatusOK, "Eve you eve@example.com Viewer")
}

// C-472
func TestALinkKeepsWhatWasTypedButThePassword(t *testing.T) {
	h := newHarness(t)
	link := h.signedIn(h.user("Dana", at("4259", account.Administrator))).invited("vic@example.com", account.Viewer)
	b := h.browser()
	b.get(link)
	b.send("/console/link", "name", `Vic "the" <b>`, "password", "vic@example.com!").want(t, http.StatusBadRequest, "little more than a name").wantNot(t, "example.com!", "<b>")
	form, _ := b.page.form("/console/link")
	if form.Get("name") != `Vic "the" <b>` || form.Get("password") != "" {
		t.Errorf("the form has %v", form)
	}
	b.send("/console/link", "password", password).want(t, http.StatusSeeOther) // the link is not used up by a refusal

	other := h.signedIn(h.user("Zed", at("4259", account.Administrator))).invited("vic@example.com", account.Viewer)
	c := h.browser()
	c.get(other)
	c.send("/console/link", "name", "Vic again", "password", password).want(t, http.StatusConflict, "There is a user with this e-mail address already")
	*h.at = h.at.Add(7 * 24 * time.Hour)
	c.get(other).want(t, http.StatusConflict, "This link is of no use any more")
}

// C-472, C-218
func TestAnAdministratorChangesRolesHereAlone(t *testing.T) {
	h := newHarness(t)
	vic, otto := h.user("Vic", at("4259", account.Viewer), at("4711", account.Viewer)), h.operator("Otto")
	h.setRoles(otto, at("4259", account.Viewer))
	b := h.signedIn(h.user("Dana", at("4259", account.Administrator)))
	path := members + "/" + string(vic.ID)
	b.get(path).want(t, http.StatusOK, "Vic", "vic@example.com").wantNot(t, "4711", "Blue Bottle")
	b.send(path, "role", "operator").want(t, http.StatusBadRequest, "Choose one of the roles")
	b.send(path, "role", "administrator").want(t, http.StatusSeeOther)
	h.wantRoles(vic, at("4259", account.Administrator), at("4711", account.Viewer))

	// What somebody else has changed meanwhile is not overwritten.
	b.get(path)
	h.setRoles(vic, at("4259", account.Viewer), at("4711", account.Administrator))
	b.send(path, "role", "administrator").want(t, http.StatusConflict, "Somebody else has changed it")
	b.get(path)
	b.send(path+"/remove").want(t, http.StatusSeeOther)
	h.wantRoles(vic, at("4711", account.Administrator))
	b.get(path).want(t, http.StatusNotFound)

	operator := members + "/" + string(otto.ID)
	b.get(operator).want(t, http.StatusOK, "changed by operators alone")
	b.post(operator, "role", "administrator", "version", "3").want(t, http.StatusForbidden)
	b.post(operator+"/remove", "version", "3").want(t, http.StatusForbidden)
	h.wantRoles(otto, at("4259", account.Viewer))
}

func (h *harness) wantRoles(u *account.User, want ...account.Membership) {
	h.t.Helper()
	got, err := h.accounts.User(h.ctx, root, u.ID)
	h.must(err)
	if len(got.Memberships) != len(want) {
		h.t.Fatalf("the roles are %v, want %v", got.Memberships, want)
	}
	for i := range want {
		if got.Memberships[i] != want[i] {
			h.t.Errorf("the roles are %v, want %v", got.Memberships, want)
		}
	}
}

// An operator who looks at a merchant changes what a user is there, and keeps its
// hands off the rest.
//
// C-473
func TestAnOperatorChangesRolesOfTheMerchantItLooksAt(t *testing.T) {
	h := newHarness(t)
	vic := h.user("Vic", at("4259", account.Viewer), at("4711", account.Administrator))
	b := h.signedIn(h.operator("Olga"))
	b.get(members+"/"+string(vic.ID)).want(t, http.StatusOK, "Manage the user")
	b.send(members+"/"+string(vic.ID)+"/remove").want(t, http.StatusSeeOther)
	h.wantRoles(vic, at("4711", account.Administrator))
	b.get(members+"/"+string(vic.ID)).want(t, http.StatusNotFound)
}

// C-473
func TestOperatorsManageUsers(t *testing.T) {
	h := newHarness(t)
	vic, olga := h.user("Vic", at("4259", account.Viewer)), h.operator("Olga")
	b := h.signedIn(olga)
	path := "/console/users/" + string(vic.ID)
	b.get("/console/users").want(t, http.StatusOK, "Vic vic@example.com Viewer of Acme active", "Olga you olga@example.com Operator active")
	b.get("/console/users?q=vi").want(t, http.StatusOK, "vic@example.com").wantNot(t, ">Olga</a>")
	b.get("/console/users?status=disabled").want(t, http.StatusOK, "No user has a name")

	b.get(path)
	b.post(path, "name", "", "version", "2").want(t, http.StatusBadRequest, "The name is empty")
	b.get(path)
	b.post(path+"/role", "merchant", "999", "role", "viewer", "version", "2").want(t, http.StatusBadRequest, "not the ID of a merchant")
	b.post(path+"/role", "merchant", "abc", "role", "viewer", "version", "2").want(t, http.StatusBadRequest, "not the ID of a merchant")
	b.post(path+"/role", "merchant", "4711", "role", "operator", "version", "2").want(t, http.StatusBadRequest)
	b.post(path+"/role", "merchant", "4711", "role", "administrator", "version", "2").want(t, http.StatusSeeOther)
	b.post(path+"/role", "merchant", "4259", "role", "none", "version", "2").want(t, http.StatusConflict, "Somebody else has changed it")
	b.post(path+"/role", "merchant", "4259", "role", "none", "version", "3").want(t, http.StatusSeeOther)
	h.wantRoles(vic, at("4711", account.Administrator))
	b.get(path)
	b.post(path, "operator", "yes", "version", "4").want(t, http.StatusSeeOther)
	b.get("/console/users").want(t, http.StatusOK, "Vic vic@example.com Operator active")
}

// C-473
func TestOperatorsDisableResetAndDeleteUsers(t *testing.T) {
	h := newHarness(t)
	vic := h.user("Vic", at("4259", account.Viewer))
	b, its := h.signedIn(h.operator("Olga")), h.signedIn(vic)
	path := "/console/users/" + string(vic.ID)
	b.get(path).want(t, http.StatusOK, "Sessions 1 just now")
	b.send(path+"/disable").want(t, http.StatusSeeOther)
	its.get(home).want(t, http.StatusUnauthorized)
	h.browser().tryPassword(vic, password).want(t, http.StatusUnauthorized, "disabled")
	b.get(path).want(t, http.StatusOK, "Disabled", "Signed in nowhere")
	b.send(path+"/enable").want(t, http.StatusSeeOther)
	h.browser().tryPassword(vic, password).want(t, http.StatusSeeOther)

	b.get(path)
	link := b.send(path+"/reset").want(t, http.StatusOK, "Copy the link now", "vic@example.com").madeLink()
	h.browser().tryPassword(vic, password).want(t, http.StatusUnauthorized)
	its.get(link).want(t, http.StatusOK, "Choose a new password", "What you signed in with does not work any more")
	if form, _ := its.page.form("/console/link"); form.Get("username") != vic.Email { // for password managers
		t.Errorf("the form is of %q", form.Get("username"))
	}
	its.send("/console/link", "password", another).want(t, http.StatusSeeOther)
	its.get(members).want(t, http.StatusOK)

	b.get(path)
	b.send(path+"/delete", "confirm", "vic").want(t, http.StatusBadRequest, "Nothing has happened")
	b.send(path+"/delete", "confirm", "vic@example.com").want(t, http.StatusSeeOther)
	b.get(path).want(t, http.StatusNotFound)
	its.get(members).want(t, http.StatusUnauthorized)
}

// C-478: nothing is taken from whoever had nothing yet.
func TestANewUserIsWelcomed(t *testing.T) {
	h := newHarness(t)
	u, err := h.accounts.CreateUser(h.ctx, root, account.NewUser{Email: "new@example.com", Name: "New"})
	h.must(err)
	reset := func() string {
		l, err := h.accounts.ResetUser(h.ctx, root, u.ID, 0)
		h.must(err)
		return account.LinkPath + l.Token.Reveal()
	}
	b := h.browser()
	b.get(reset()).want(t, http.StatusOK, "Welcome Choose a password to begin.").wantNot(t, "any more", "new password")
	b.send("/console/link", "password", "short").want(t, http.StatusBadRequest, "Welcome", "fewer than 15 characters")
	b.send("/console/link", "password", another).want(t, http.StatusSeeOther)
	b.get(reset()).want(t, http.StatusOK, "Choose a new password").wantNot(t, "Welcome")
}

// Who has not been here for 90 days is locked, until an operator lets it in.
//
// C-473
func TestALockedUserIsLetInByAnOperator(t *testing.T) {
	h := newHarness(t)
	vic, olga := h.user("Vic", at("4259", account.Viewer)), h.operator("Olga")
	for range 2 { // Olga comes every 45 days
		*h.at = h.at.Add(45 * 24 * time.Hour)
		h.signedIn(olga)
	}
	h.browser().tryPassword(vic, password).want(t, http.StatusUnauthorized, "locked")
	b := h.signedIn(olga)
	b.get(members).want(t, http.StatusOK, "Viewer locked")
	path := "/console/users/" + string(vic.ID)
	b.get(path).want(t, http.StatusOK, "Locked")
	b.send(path+"/enable").want(t, http.StatusSeeOther)
	h.browser().tryPassword(vic, password).want(t, http.StatusSeeOther)
}

// C-473
func TestTheLastOperatorStays(t *testing.T) {
	h := newHarness(t)
	olga := h.operator("Olga")
	b := h.signedIn(olga)
	path := "/console/users/" + string(olga.ID)
	b.get(path)
	b.send(path+"/disable").want(t, http.StatusConflict, "No operator would be left")
	b.post(path, "operator", "no", "version", "2").want(t, http.StatusConflict, "No operator would be left")
	b.send(path+"/delete", "confirm", "olga@example.com").want(t, http.StatusConflict, "No operator would be left")
	b.get(path).want(t, http.StatusOK, "active")
}

// C-473, C-195
func TestUsersArePaged(t *testing.T) {
	h := newHarness(t)
	b := h.signedIn(h.operator("Olga"))
	for i := range 60 {
		_, err := h.accounts.CreateUser(h.ctx, root, account.NewUser{
			Email: string(rune('a'+i%26)) + string(rune('a'+i/26)) + "@example.com", Name: "Somebody",
			Memberships: []account.Membership{at("4259", account.Viewer)},
		})
		h.must(err)
	}
	for _, list := range []string{"/console/users", members} {
		first := b.get(list).want(t, http.StatusOK, "Next page")
		next := regexp.MustCompile(`href="([^"]*after=[^"]*)" rel="next"`).FindStringSubmatch(first.body)[1]
		second := b.get(strings.ReplaceAll(next, "&amp;", "&")).want(t, http.StatusOK, "First page")
		rows := strings.Count(first.body, `class="row-link"`) + strings.Count(second.body, `class="row-link"`)
		if want := map[string]int{"/console/users": 61, members: 60}[list]; rows != want {
			t.Errorf("%s shows %d users, want %d", list, rows, want)
		}
		b.get(list+"?after=forged").want(t, http.StatusBadRequest)
	}
}

// C-198
func TestNamesOfPeopleAreTextEverywhere(t *testing.T) {
	h := newHarness(t)
	olga := h.signedIn(h.operator("Olga"))
	for i, name := range naughty {
		if authority.CheckName("name", name) != nil {
			continue
		}
		u := h.create(account.NewUser{Email: string(rune('a'+i)) + "@example.com", Name: name, Memberships: []account.Membership{at("4259", account.Administrator)}})
		b := h.signedIn(u)
		b.get(invite)
		b.send(invite, "email", string(rune('a'+i))+".new@example.com").want(t, http.StatusOK)
		for _, a := range []*answer{
			b.get(home), b.get(members), b.get(members + "/" + string(u.ID)), olga.get("/console/users"), olga.get("/console/users/" + string(u.ID)),
		} {
			a.want(t, http.StatusOK).wantText(t, name)
		}
	}
}

// wantText holds that text is on the page, and makes nothing of it.
func (a *answer) wantText(t testing.TB, text string) {
	t.Helper()
	if words := strings.Join(strings.Fields(text), " "); !strings.Contains(a.text(), words) {
		t.Errorf("the page does not have %q as text", text)
	}
	if strings.ContainsAny(text, `<>"'&`) && strings.Contains(a.body, text) {
		t.Errorf("the page has %q as it was typed", text)
	}
}
