package adminapi_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/admin"
	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/authority"
)

// administrators are the scopes that the role administrator stands for.
var administrators = account.Administrator.Scopes()

// token is that of a link, which must lead to the console of the installation.
func (in *installation) linkToken(l admin.Link) account.Token {
	in.Helper()
	token, ok := strings.CutPrefix(l.URL, base+account.LinkPath)
	if !ok || len(token) != 43 {
		in.Fatalf("the link is %s", l.URL)
	}
	return account.Token(token)
}

// open uses a link up, as a browser does.
func (in *installation) open(l admin.Link, p account.Person) (*account.Entered, error) {
	in.Helper()
	return in.accounts.UseLink(in.Context(), account.Origin{Address: "192.0.2.7"}, in.linkToken(l), p, "")
}

// C-479: a link of the portal leads into one merchant, as an administrator, once,
// within 5 minutes; events tell of it by an ID that opens nothing.
func TestAPortalLinkWorksOnceWithinFiveMinutes(t *testing.T) {
	in := install(t)
	token := in.token(in.operator(append(administrators, "merchants:write")...))
	make := func() admin.Link {
		t.Helper()
		l := into[admin.Link](in.send(token, "POST", "/merchants/4259/portal-links", "").want(201, ""))
		if l.MerchantID != admin.NumberID("4259") || !l.ExpiresAt.Equal(in.time().Add(5*time.Minute)) {
			t.Errorf("the link is of %s, until %s", l.MerchantID, l.ExpiresAt)
		}
		return l
	}
	l := make()
	e, err := in.open(l, account.Person{})
	in.must(err)
	if e.MerchantID != ours || e.User != nil || !e.ExpiresAt.Equal(in.time().Add(time.Hour)) {
		t.Errorf("it leads to %+v", e.Visitor)
	}
	if _, err := in.open(l, account.Person{}); !errors.Is(err, account.ErrLink) {
		t.Errorf("the second time: %v", err)
	}
	early, late := make(), make()
	in.advance(5*time.Minute - time.Millisecond)
	_, err = in.open(early, account.Person{})
	in.must(err)
	in.advance(time.Millisecond)
	if _, err := in.open(late, account.Person{}); !errors.Is(err, account.ErrLink) {
		t.Errorf("after 5 minutes: %v", err)
	}
	events, err := in.Events(t.Context(), root, authority.EventFilter{MerchantID: ours, NewestFirst: true}, 0, 100)
	in.must(err)
	kinds := map[authority.EventKind]int{}
	for _, event := range events {
		kinds[event.Kind]++
		if text := event.Subject + event.Details; strings.Contains(text, string(in.linkToken(l).Reveal())) {
			t.Errorf("the event %s has the link: %s", event.Kind, text)
		}
	}
	if kinds[authority.PortalLinkCreated] != 3 || kinds[authority.PortalLinkUsed] != 2 {
		t.Errorf("the events are %v", kinds)
	}
	in.send(token, "POST", "/merchants/77/portal-links", "").want(404, "not_found")
	in.send(token, "POST", "/merchants/x/portal-links", "").want(404, "not_found")
	in.send(token, "POST", "/merchants/4259/portal-links", `{"role":"operator"}`).want(400, "invalid")
}

// C-479, C-194, C-074: nobody makes a link to power that it has not itself. Every
// scope of an administrator is needed, in the token as well as in the API key.
func TestAPortalLinkTakesEveryScopeOfAnAdministrator(t *testing.T) {
	in := install(t)
	in.merchant("77")
	all := in.operator(administrators...)
	tokens := map[string]string{
		"a merchant's API key": in.token(in.key("demo", "customers:read", "api-keys:read", "api-keys:write", "api-keys:delete")),
		"users:write alone":    in.token(in.operator("users:write")),
		"a narrowed token":     in.token(all, "users:write"),
		"all that is left":     in.token(in.operator(without(operatorScopes(), "users:write")...)),
	}
	for _, scope := range administrators {
		tokens["without "+scope] = in.token(in.operator(without(administrators, scope)...))
		tokens["narrowed by "+scope] = in.token(all, without(administrators, scope)...)
	}
	for what, token := range tokens {
		in.unchanged(what, func() {
			for _, merchant := range []string{"4259", "77", "99999"} {
				in.send(token, "POST", "/merchants/"+merchant+"/portal-links", "").want(403, "")
			}
		})
	}
	in.send(in.token(all), "POST", "/merchants/4259/portal-links", "").want(201, "")
	// What the API key has lost since, its token gives no more.
	token, fewer := in.token(all), without(administrators, "api-keys:delete")
	_, err := in.UpdateAPIKey(t.Context(), root, all.id, authority.APIKeyUpdate{Scopes: &fewer})
	in.must(err)
	in.unchanged("a scope it had", func() { in.send(token, "POST", "/merchants/4259/portal-links", "").want(403, "forbidden") })
}

// C-207: links that an API key has made, and the guests who came by them, end with its
// tokens; they do not when it gets another secret.
func TestLinksAndGuestsEndWithTheTokensOfWhoMadeThem(t *testing.T) {
	in := install(t)
	u, err := in.accounts.CreateUser(t.Context(), root, account.NewUser{Email: "ann@example.com", Name: "Ann"})
	in.must(err)
	update := func(change authority.APIKeyUpdate) func(k apiKey) error {
		return func(k apiKey) error { return errorOf(in.UpdateAPIKey(t.Context(), root, k.id, change)) }
	}
	for what, end := range map[string]func(k apiKey) error{
		"disabled":           func(k apiKey) error { return errorOf(in.DisableAPIKey(t.Context(), root, k.id, 0)) },
		"deleted":            func(k apiKey) error { return in.DeleteAPIKey(t.Context(), root, k.id, 0) },
		"found in the open":  func(k apiKey) error { return in.ReportLeakedSecret(t.Context(), root, k.secret, "") },
		"its tokens cut off": update(authority.APIKeyUpdate{RevokeTokens: true}),
		"fewer scopes":       update(authority.APIKeyUpdate{Scopes: &[]string{"users:read"}}),
		"": func(k apiKey) error {
			_, _, err := in.RotateSecret(t.Context(), root, k.id, authority.Rotation{Overlap: time.Hour})
			return err
		},
	} {
		k, other := in.operator(administrators...), in.operator(administrators...)
		made := func(k apiKey) (unused admin.Link, guest account.Token) {
			t.Helper()
			token := in.token(k)
			portal := func() admin.Link {
				return into[admin.Link](in.send(token, "POST", "/merchants/4259/portal-links", "").want(201, ""))
			}
			e, err := in.open(portal(), account.Person{})
			in.must(err)
			return portal(), e.Token
		}
		unused, guest := made(k)
		others, stranger := made(other)
		reset := into[admin.Link](in.send(in.token(k), "POST", "/users/"+string(u.ID)+"/reset", "").want(200, ""))
		in.must(end(k))
		for _, l := range []admin.Link{unused, reset} {
			if _, err := in.accounts.Link(t.Context(), in.linkToken(l)); errors.Is(err, account.ErrLink) != (what != "") {
				t.Errorf("%s: a link that nobody has used: %v", what, err)
			}
		}
		if _, err := in.accounts.Visitor(t.Context(), guest); errors.Is(err, account.ErrSession) != (what != "") {
			t.Errorf("%s: a guest: %v", what, err)
		}
		in.must(errorOf(in.accounts.Link(t.Context(), in.linkToken(others))))
		in.must(errorOf(in.accounts.Visitor(t.Context(), stranger)))
	}
}

func errorOf[T any](_ T, err error) error { return err }

func without(scopes []string, scope string) (rest []string) {
	for _, s := range scopes {
		if s != scope {
			rest = append(rest, s)
		}
	}
	return rest
}

// C-478: a reset ends all that a user signs in with, and its sessions; the link of
// it, and no older one, lets the user choose anew.
func TestAResetUserBeginsAnew(t *testing.T) {
	in := install(t)
	token := in.token(in.operator("users:read", "users:write"))
	u := into[admin.User](in.send(token, "POST", "/users", `{"email":"ann@example.com","name":"Ann"}`).want(201, ""))
	if u.LastSignInAt != nil || u.Locked {
		t.Errorf("a new user is %+v", u)
	}
	path := "/users/" + u.ID
	reset := func() admin.Link {
		t.Helper()
		l := into[admin.Link](in.send(token, "POST", path+"/reset", "").want(200, ""))
		if !l.MerchantID.IsZero() || !l.ExpiresAt.Equal(in.time().Add(24*time.Hour)) {
			t.Errorf("the link is %+v", l)
		}
		return l
	}
	person := account.Person{Password: "four unrelated words, say"}
	older, l := reset(), reset()
	if _, err := in.open(older, person); !errors.Is(err, account.ErrLink) {
		t.Errorf("the older link: %v", err)
	}
	e, err := in.open(l, person)
	in.must(err)
	now := into[admin.User](in.send(token, "GET", path, "").want(200, ""))
	if now.LastSignInAt == nil || !now.LastSignInAt.Equal(in.time()) {
		t.Errorf("last signed in at %v", now.LastSignInAt)
	}
	in.send(token, "POST", path+"/reset", "", "If-Match", `"1"`).want(412, "version")
	if _, err := in.accounts.Visitor(t.Context(), e.Token); err != nil {
		t.Errorf("a reset that was refused has ended the session: %v", err)
	}
	reset()
	if _, err := in.accounts.Visitor(t.Context(), e.Token); !errors.Is(err, account.ErrSession) {
		t.Errorf("the session goes on: %v", err)
	}
	if _, err := in.accounts.SignIn(t.Context(), account.Origin{}, "ann@example.com", person.Password, ""); !errors.Is(err, account.ErrSignIn) {
		t.Errorf("the password from before: %v", err)
	}
	in.advance(91 * 24 * time.Hour)
	token = in.token(in.operator("users:read", "users:write"))
	if now = into[admin.User](in.send(token, "GET", path, "").want(200, "")); !now.Locked || now.Status != "active" {
		t.Errorf("after 91 days the user is %+v", now)
	}
	if now = into[admin.User](in.send(token, "POST", path+"/enable", "").want(200, "")); now.Locked {
		t.Error("enabled, the user is locked still")
	}
}

// C-478, C-392: nobody resets whom it could not have made.
func TestNobodyResetsAUserAboveItself(t *testing.T) {
	in := install(t)
	user := func(n account.NewUser) string {
		t.Helper()
		u, err := in.accounts.CreateUser(t.Context(), root, n)
		in.must(err)
		return "/users/" + string(u.ID) + "/reset"
	}
	nobody := user(account.NewUser{Email: "n@example.com", Name: "N"})
	viewer := user(account.NewUser{Email: "v@example.com", Name: "V", Memberships: []account.Membership{{MerchantID: ours, Role: account.Viewer}}})
	administrator := user(account.NewUser{Email: "a@example.com", Name: "A", Memberships: []account.Membership{{MerchantID: ours, Role: account.Administrator}}})
	operator := user(account.NewUser{Email: "o@example.com", Name: "O", Operator: true})
	viewers := append(account.Viewer.Scopes(), "users:write")
	for _, c := range []struct {
		what, token string
		may         []string
	}{
		{"users:write", in.token(in.operator("users:write")), []string{nobody}},
		{"a viewer's scopes", in.token(in.operator(viewers...)), []string{nobody, viewer}},
		{"an administrator's", in.token(in.operator(administrators...)), []string{nobody, viewer, administrator}},
		{"all", in.token(in.operator(operatorScopes()...)), []string{nobody, viewer, administrator, operator}},
		{"no users:write", in.token(in.operator(without(operatorScopes(), "users:write")...)), nil},
		{"a merchant's API key", in.token(in.key("demo", "api-keys:read", "api-keys:write", "api-keys:delete")), nil},
	} {
		for i, path := range []string{nobody, viewer, administrator, operator} {
			if i < len(c.may) {
				in.send(c.token, "POST", path, "").want(200, "")
				continue
			}
			in.unchanged(c.what, func() { in.send(c.token, "POST", path, "").want(403, "") })
		}
	}
}

// C-197, C-480: a link whose answer was lost is given again to who has asked for
// it, and to nobody else; it is not made twice.
func TestALinkIsGivenAgainToWhoAskedForIt(t *testing.T) {
	in := install(t)
	token, other := in.token(in.operator(operatorScopes()...)), in.token(in.operator(operatorScopes()...))
	u, err := in.accounts.CreateUser(t.Context(), root, account.NewUser{Email: "a@example.com", Name: "A"})
	in.must(err)
	for key, path := range map[string]string{once: "/users/" + string(u.ID) + "/reset", once + "0": "/merchants/4259/portal-links"} {
		first := in.send(token, "POST", path, "", "Idempotency-Key", key)
		if first.status/100 != 2 {
			t.Fatalf("%s: %d %s", path, first.status, first.body)
		}
		in.unchanged(path, func() {
			again := in.send(token, "POST", path, "", "Idempotency-Key", key).want(first.status, "")
			if again.body != first.body || again.header.Get("Idempotency-Replayed") != "true" {
				t.Errorf("%s: again %s, first %s", path, again.body, first.body)
			}
			in.send(token, "POST", path, `{"x":1}`, "Idempotency-Key", key).want(409, "idempotency_conflict")
		})
		theirs := in.send(other, "POST", path, "", "Idempotency-Key", key).want(first.status, "")
		if theirs.body == first.body {
			t.Errorf("%s: another actor gets the same link", path)
		}
		in.advance(11 * time.Minute)
		if later := in.send(token, "POST", path, "", "Idempotency-Key", key).want(first.status, ""); later.body == first.body {
			t.Errorf("%s: the answer is kept for ever", path)
		}
	}
}
