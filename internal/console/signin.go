package console

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/authority"
)

// signInPage is what the page shows.
type signInPage struct {
	Message string // what was wrong
	Email   string
	Next    string
}

// home leads to where the visitor works.
func (c *Console) home(v *visit) error {
	switch {
	case v.visitor.User == nil:
		return v.redirect(merchantPath(v.visitor.MerchantID, "api-keys", c.environments()[0].Name))
	case v.visitor.User.Operator:
		return v.redirect(Root + "/merchants")
	case len(v.visitor.User.Memberships) > 0:
		return v.redirect(merchantPath(v.visitor.User.Memberships[0].MerchantID, "api-keys", c.environments()[0].Name))
	}
	return v.render(http.StatusOK, "nothing", view{Title: "No merchant"})
}

func (c *Console) showSignIn(v *visit) error {
	if v.visitor != nil && !v.visitor.Pending {
		return v.redirect(Root)
	}
	return v.render(http.StatusOK, "sign-in", view{Title: "Sign in", Data: signInPage{}})
}

// askToSignIn answers a request of nobody with the page to sign in, which leads
// back.
func (v *visit) askToSignIn(message string) error {
	next := v.Request.URL.RequestURI()
	if v.Request.Method == http.MethodPost {
		next, message = v.cameFrom(), "Your session has ended. What you have sent was not taken."
	}
	if v.Request.Header.Get("HX-Request") != "" {
		v.Header().Set("HX-Redirect", Root+"/sign-in") // the page must not land inside another one
	}
	return v.render(http.StatusUnauthorized, "sign-in", view{Title: "Sign in", Data: signInPage{Message: message, Next: ownPath(next)}})
}

// signIn takes e-mail address and password. What is wrong with them is not told
// (C-211).
func (c *Console) signIn(v *visit) error {
	email, next := v.form.Get("email"), ownPath(v.form.Get("next"))
	e, err := c.Accounts.SignIn(v.Request.Context(), v.origin, email, v.form.Get("password"), v.token)
	if err == nil {
		return v.begin(e, next)
	}
	status, message, ok := v.tried(err, "E-mail address or password is wrong.")
	if !ok {
		return err
	}
	return v.render(status, "sign-in", view{Title: "Sign in", Data: signInPage{message, email, next}})
}

// tried says how a try to prove who it is is answered that was not taken; wrong,
// what people are told where it proves nothing. It is false for other errors.
func (v *visit) tried(err error, wrong string) (status int, message string, ok bool) {
	var throttled *account.ThrottledError
	status = http.StatusUnauthorized
	switch {
	case errors.Is(err, account.ErrSignIn):
		message, ok = wrong, true
	case errors.As(err, &throttled), errors.Is(err, account.ErrBusy):
		f := v.failureOf(err)
		status, message, ok = f.Status, f.Heading+". "+f.Message, true
	case errors.Is(err, account.ErrDisabled), errors.Is(err, account.ErrLocked):
		message, ok = conflict(err)
	}
	reason := reasonOf(err)
	v.note(slog.String("refused", reason))
	v.console.tries.WithLabelValues(reason).Inc()
	return status, message, ok
}

// reasonOf is why somebody was not let in, for the log.
func reasonOf(err error) string {
	var throttled *account.ThrottledError
	switch {
	case errors.As(err, &throttled):
		return "throttled"
	case errors.Is(err, account.ErrSignIn):
		return "credentials"
	case errors.Is(err, account.ErrDisabled):
		return "disabled"
	case errors.Is(err, account.ErrLocked):
		return "locked"
	case errors.Is(err, account.ErrBusy):
		return "busy"
	}
	return "other"
}

// begin goes on with a session that has begun: to the second factor, or to where
// the visitor wanted to go.
func (v *visit) begin(e *account.Entered, next string) error {
	v.entered(e)
	v.note(slog.String("sign_in", e.Method))
	outcome := signedIn
	if e.Pending {
		outcome = codeWanted
	}
	v.console.tries.WithLabelValues(outcome).Inc()
	if e.Pending {
		return v.askForCode(next)
	}
	if next == "" {
		next = Root
	}
	return v.redirect(next)
}

// askForCode asks for the second factor.
func (v *visit) askForCode(next string) error {
	if next == "" && v.Request.Method == http.MethodGet {
		next = v.Request.URL.RequestURI()
	}
	return v.render(http.StatusUnauthorized, "code", view{Title: "Second factor", Data: signInPage{Next: ownPath(next)}})
}

func (c *Console) giveCode(v *visit) error {
	next := ownPath(v.form.Get("next"))
	e, err := c.Accounts.GiveCode(v.Request.Context(), v.origin, v.token, v.form.Get("code"))
	if err == nil {
		return v.begin(e, next)
	}
	status, message, ok := v.tried(err, "This code is not the right one, or was used before. Wait for the next one.")
	if !ok {
		return err
	}
	return v.render(status, "code", view{Title: "Second factor", Data: signInPage{Message: message, Next: next}})
}

func (c *Console) signOut(v *visit) error {
	err := c.Accounts.EndSession(v.Request.Context(), v.visitor, v.origin, v.visitor.ID)
	if err != nil && !errors.Is(err, authority.ErrNotFound) {
		return err
	}
	v.dropCookie()
	return v.redirect(Root + "/sign-in?done=signed-out")
}

// ownPath returns the path and query of one of our pages, or "" where next is
// anything else: nobody is led away from here (C-216).
func ownPath(next string) string {
	if strings.ContainsFunc(next, func(r rune) bool { return r <= ' ' || r == '\\' || r >= 0x7f }) {
		return ""
	}
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" || path.Clean(u.Path) != u.Path {
		return ""
	}
	if u.Path != Root && !strings.HasPrefix(u.Path, Root+"/") {
		return ""
	}
	return (&url.URL{Path: u.Path, RawQuery: u.RawQuery}).String()
}
