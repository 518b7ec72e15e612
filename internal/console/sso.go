package console

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/sso"
)

var ssoRoutes = []route{
	send("/sso/{name}", Anybody, (*Console).beginSSO),
	show("/sso/callback", Anybody, (*Console).finishSSO),
}

// SSOCallback is where providers of single sign-on send browsers back to.
const SSOCallback = Root + "/sso/callback"

// errand is what somebody was sent to a provider for. The browser keeps it, sealed,
// in a cookie of its own: so the answer is of use in this browser alone.
type errand struct {
	sso.Attempt
	Until   time.Time
	Next    string // of a sign-in, or a confirmation
	Session string // that is to be confirmed; "" for another errand
	Link    string // token of a link that is to be used up; "" for another errand
	Name    string // that was typed beside the link
	Email   string
}

const (
	errandCookie = "__Host-tokenwright-sso"
	errandLife   = 10 * time.Minute
	errandList   = "single sign-on" // what the seal is bound to
	// maxErrand is how many bytes an errand may have: sealed, and in base64, they fit
	// into the 4096 that browsers keep of a cookie.
	maxErrand = 2800
)

// ssoPage leads on to a provider.
type ssoPage struct{ To, Label string }

// provider returns a provider of single sign-on by its name, or nil.
func (c *Console) provider(name string) *sso.Provider {
	for _, p := range c.SingleSignOn {
		if p.Name == name {
			return p
		}
	}
	return nil
}

// ownProvider is the provider of single sign-on that the session began at, or nil.
func (v *visit) ownProvider() *sso.Provider {
	name, ok := strings.CutPrefix(v.visitor.Method, "sso:")
	if !ok {
		return nil
	}
	return v.console.provider(name)
}

// beginSSO sends the browser to a provider: to sign in, to use a link, or to
// confirm who it is.
//
// The answer is a page that goes on by itself, not a redirect: Chromium holds the
// redirects of a form to form-action of the page that it was on, and where a
// provider leads on to is not known here.
func (c *Console) beginSSO(v *visit) error {
	p := c.provider(v.Request.PathValue("name"))
	if p == nil {
		return authority.ErrNotFound
	}
	e, done, err := c.newErrand(v)
	if done || err != nil {
		return err
	}
	to, attempt, err := p.Begin(v.Request.Context(), e.Session != "")
	if err != nil {
		return v.ssoFailed(p, err)
	}
	e.Attempt = *attempt
	if err := v.keepErrand(e); err != nil {
		return err
	}
	v.Header().Set("Refresh", "0; url="+to)
	return v.render(http.StatusOK, "sso", view{Title: "Continue with " + p.Label, Plain: true, Data: ssoPage{to, p.Label}})
}

// newErrand reads what the form wants; done where it was answered.
func (c *Console) newErrand(v *visit) (e *errand, done bool, err error) {
	e = &errand{Next: ownPath(v.form.Get("next")), Link: v.form.Get("token")}
	switch {
	case e.Link != "":
		e.Name, e.Email = strings.TrimSpace(v.form.Get("name")), v.form.Get("email")
		done, err = c.checkLink(v, e)
	case v.form.Get("for") == "confirm":
		if v.visitor == nil || v.visitor.Pending || v.visitor.User == nil {
			return nil, false, account.ErrSession
		}
		e.Session = v.visitor.ID
	}
	return e, done, err
}

// checkLink finds out what would be wrong with a link after the way to the
// provider and back.
func (c *Console) checkLink(v *visit, e *errand) (done bool, err error) {
	l, err := c.Accounts.Link(v.Request.Context(), account.Token(e.Link))
	if err != nil {
		return false, err
	}
	page := linkPage{Token: e.Link, Name: e.Name, Email: e.Email}
	switch {
	case l.Kind == account.Portal:
		return false, authority.ErrNotFound // who comes by it is nobody's user
	case e.Name != "" && authority.CheckName("name", e.Name) != nil:
		page.Errors, _ = fieldErrors(authority.CheckName("name", e.Name))
	case len(e.Email) > maxEmail:
		page.Errors = map[string]string{"email": "This is too long."}
	case l.Kind == account.SetUp && e.Email == "":
		page.Errors = map[string]string{"email": "This is needed: the provider is not asked for it."}
	default:
		return false, nil
	}
	return true, c.askForLink(v, http.StatusBadRequest, page)
}

// maxEmail is how long an e-mail address may be (RFC 5321 section 4.5.3.1.3).
const maxEmail = 254

// keepErrand gives the browser the errand.
func (v *visit) keepErrand(e *errand) error {
	e.Until = v.console.Authority.Now().Add(errandLife)
	plain, err := json.Marshal(e)
	if len(plain) > maxErrand { // nothing else of it is long
		e.Next = ""
		plain, err = json.Marshal(e)
	}
	if err != nil {
		return err
	}
	http.SetCookie(v.ResponseWriter, errandCookieOf(v.console.Authority.Cursor(errandList, string(plain)), int(errandLife.Seconds())))
	return nil
}

// takeErrand returns the errand of the browser, which has it no longer; nil for
// none.
func (v *visit) takeErrand() *errand {
	cookies := v.Request.CookiesNamed(errandCookie)
	if len(cookies) == 0 {
		return nil
	}
	http.SetCookie(v.ResponseWriter, errandCookieOf("", -1))
	plain, err := v.console.Authority.ParseCursor(errandList, cookies[0].Value)
	var e errand
	if err != nil || len(cookies) > 1 || json.Unmarshal([]byte(plain), &e) != nil || !v.console.Authority.Now().Before(e.Until) {
		return nil
	}
	return &e
}

// errandCookieOf is sent along when a provider leads back here, by a link from
// another site: SameSite=Strict would keep it away.
func errandCookieOf(value string, maxAge int) *http.Cookie {
	return &http.Cookie{Name: errandCookie, Value: value, MaxAge: maxAge, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode}
}

// finishSSO takes a provider's answer. Answers are counted, beside forms: each can
// make this node ask the provider.
func (c *Console) finishSSO(v *visit) error {
	if err := v.count("callback "); err != nil {
		return err
	}
	e := v.takeErrand()
	if e == nil || c.provider(e.Provider) == nil {
		return v.ssoRefused(http.StatusBadRequest, "This has ended", "It took longer than 10 minutes, was begun in another browser, or is done already. Begin again.", "no errand")
	}
	p := c.provider(e.Provider)
	person, err := p.Finish(v.Request.Context(), &e.Attempt, v.Request.URL.Query())
	if err != nil {
		return v.ssoFailed(p, err)
	}
	ctx := v.Request.Context()
	switch {
	case e.Link != "":
		return c.useLinkWith(ctx, v, p, e, person)
	case e.Session != "":
		return c.confirmWith(ctx, v, p, e, person)
	}
	entered, err := c.Accounts.SignInWith(ctx, v.origin, p.Name, person.Identity, person.ProvenAt, v.token)
	if err != nil {
		return err
	}
	return v.begin(entered, e.Next)
}

// useLinkWith uses a link up: from now on its user signs in with the identity.
func (c *Console) useLinkWith(ctx context.Context, v *visit, p *sso.Provider, e *errand, person *sso.Person) error {
	page := linkPage{Token: e.Link, Name: cmp.Or(e.Name, person.Name), Email: e.Email}
	entered, err := c.Accounts.UseLink(ctx, v.origin, account.Token(e.Link), account.Person{
		Name: page.Name, Email: page.Email, Identity: &person.Identity, Provider: p.Name, ProvenAt: person.ProvenAt,
	}, v.token)
	return c.linkUsed(v, page, entered, err)
}

// confirmWith renews the session that the errand was begun in, if it was the same
// person.
func (c *Console) confirmWith(ctx context.Context, v *visit, p *sso.Provider, e *errand, person *sso.Person) error {
	if v.visitor == nil || v.visitor.ID != e.Session {
		return account.ErrSession
	}
	entered, err := c.Accounts.ConfirmWith(ctx, v.visitor, v.token, person.Identity)
	if errors.Is(err, account.ErrSignIn) || errors.Is(err, account.ErrNoAccount) {
		return v.ssoRefused(http.StatusForbidden, "That was somebody else", "You have signed in at "+p.Label+" as somebody else than here. Sign in there as yourself.", "another identity")
	}
	if err != nil {
		return err
	}
	v.entered(entered)
	return v.redirect(withNotice(cmp.Or(e.Next, Root), "confirmed"))
}

// withNotice is a path that says what was done before it was shown.
func withNotice(path, key string) string {
	u, err := url.Parse(path)
	if err != nil {
		return path
	}
	q := u.Query()
	q.Set("done", key)
	u.RawQuery = q.Encode()
	return u.String()
}

// ssoFailed says what is wrong with a provider, or with what it has said: in our
// own words, for what comes in its name may come from anybody.
func (v *visit) ssoFailed(p *sso.Provider, err error) error {
	var refused *sso.RefusedError
	code := ""
	if errors.As(err, &refused) {
		code = refused.Code
	}
	status, heading, message := http.StatusBadRequest, "The answer of "+p.Label+" does not fit", "It does not belong to what was begun here, or is not good. Begin again. Where that does not help, tell an operator of the platform: the log says more."
	switch {
	case errors.Is(err, sso.ErrUnavailable), code == "temporarily_unavailable", code == "server_error":
		v.Header().Set("Retry-After", retryAfter)
		status, heading, message = http.StatusServiceUnavailable, p.Label+" does not answer", "Try again in a moment. Nothing was changed here."
	case errors.Is(err, sso.ErrNotFresh):
		status, heading, message = http.StatusForbidden, p.Label+" does not confirm that it is you", "It does not say that you have signed in there anew. Sign out there, then try again. Where that does not help, ask an operator of the platform for a link to choose a password."
	case code == "access_denied" || strings.HasSuffix(code, "_required"):
		status, heading, message = http.StatusForbidden, p.Label+" has not let you in", "You have stopped there, or may not use this console. Begin again, or ask whoever manages your account there."
	case code != "" && code != "invalid_grant": // the code of another attempt, or used before
		status, heading, message = http.StatusBadGateway, p.Label+" does not accept this console", "It is not set up there as it should be. Tell an operator of the platform: the log says more."
	}
	return v.ssoRefused(status, heading, message, err.Error())
}

// ssoRefused answers with a page that says why, and what to do; reason is for the
// log.
func (v *visit) ssoRefused(status int, heading, message, reason string) error {
	v.note(slog.String("refused", "single sign-on: "+reason))
	return v.render(status, "error", view{Title: heading, Plain: true, Data: failure{status, heading, message}})
}
